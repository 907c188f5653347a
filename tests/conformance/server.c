/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/random.h"
#include "tests/support/must.h"

#define CQ_DEPTH 256
#define PAGE 4096u
#define SPINS 200

enum command {
	COMMAND_START,
	COMMAND_ATTACH,
	COMMAND_DETACH,
	COMMAND_STOP,
};

struct request {
	enum command command;
	uint32_t index;
};

struct answer {
	enum mc_status status;
	struct mc_peer_addr addr;
};

/* ---- memory ---- */

uint8_t *
memory_create(uint64_t bytes, bool host, int *fd_out)
{
	uint8_t *memory;
	int fd = -1;

	if (!host) {
		fd = memfd_create("conformance", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		must(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
		must(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0);
	}
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_SHARED | (host ? MAP_ANONYMOUS : 0), fd, 0);
	must(memory != MAP_FAILED);
	*fd_out = fd;
	return memory;
}

void
memory_destroy(uint8_t *memory, uint64_t bytes, int fd)
{
	munmap(memory, bytes);
	if (fd >= 0)
		close(fd);
}

struct mc_mem *
memory_reg(struct mc_dev *dev, uint8_t *memory, uint64_t offset, uint64_t bytes, int fd)
{
	struct mc_span span = {.addr = memory + offset, .length = bytes, .fd = fd,
			       .fd_offset = offset, .page_size = PAGE};
	struct mc_mem *mem = NULL;

	must(dev->driver->ops->mem_reg(dev, &span, &mem) == MC_OK);
	return mem;
}

/* ---- the passive end; in a process of its own nothing here reports to the test library ---- */

static void
claim(bool condition, const char *what)
{
	if (!condition) {
		fprintf(stderr, "conformance server: %s\n", what);
		abort();
	}
}

/* With nothing to do it sleeps, as an adaptive lcore does. */
static void
loop_idle(struct server_loop *loop, const struct mc_driver_ops *ops)
{
	struct pollfd fds[2] = {{.fd = loop->ours, .events = POLLIN},
				{.fd = ops->event_fd(loop->cq), .events = POLLIN}};

	if (ops->arm(loop->cq) == MC_AGAIN)
		return;
	poll(fds, 2, -1);
}

static bool
loop_command(struct server_loop *loop, const struct mc_driver_ops *ops)
{
	struct request request;
	struct answer answer = {.status = MC_OK};
	ssize_t got = recv(loop->ours, &request, sizeof(request), MSG_DONTWAIT);

	if (got < 0)
		return true;
	if (got != sizeof(request))
		return false;	/* the test has gone */
	if (request.command == COMMAND_ATTACH)
		answer.status = ops->mem_attach(loop->cq, loop->server->mem[request.index]);
	if (request.command == COMMAND_DETACH)
		ops->mem_detach(loop->cq, loop->server->mem[request.index]);
	if (request.command == COMMAND_START)
		answer.addr = loop->server->addr;
	claim(send(loop->ours, &answer, sizeof(answer), MSG_NOSIGNAL) == sizeof(answer), "answer");
	return request.command != COMMAND_STOP;
}

static void *
loop_main(void *context)
{
	struct server_loop *loop = context;
	const struct mc_driver_ops *ops = loop->server->dev->driver->ops;
	struct mc_completion completion;
	uint32_t idle = 0;

	while (loop_command(loop, ops)) {
		loop->cq->counters.busy = false;
		claim(loop->server->dev->fast.poll(loop->cq, &completion, 1) == 0, "a completion");
		idle = loop->cq->counters.busy ? 0 : idle + 1;
		if (idle > SPINS)
			loop_idle(loop, ops);
	}
	return NULL;
}

static void
passive_open(struct server *server)
{
	const struct mc_driver_ops *ops = server->params.driver->ops;
	struct mc_dev_params params = {.size = sizeof(params), .instance = mc_random_seed(),
				       .bind_host = "127.0.0.1"};
	uint64_t bytes = server->params.mem_bytes;

	claim(ops->open(&params, &server->dev) == MC_OK, "open");
	for (uint32_t i = 0; i < server->mems; i++)
		server->mem[i] = memory_reg(server->dev, server->memory, i * bytes, bytes,
					    server->fd);
	/* one cq is there before listen, the others come later */
	for (uint32_t l = 0; l < server->loops; l++) {
		struct server_loop *loop = &server->loop[l];

		claim(ops->cq_create(server->dev, CQ_DEPTH, &loop->cq) == MC_OK, "cq_create");
		if (l == 0)
			claim(ops->listen(server->dev, &server->addr) == MC_OK, "listen");
		for (uint32_t i = 0; i < server->mems; i++)
			claim(ops->mem_attach(loop->cq, server->mem[i]) == MC_OK, "mem_attach");
	}
}

static void *
passive_main(void *context)
{
	struct server *server = context;
	const struct mc_driver_ops *ops = server->params.driver->ops;

	passive_open(server);
	for (uint32_t l = 1; l < server->loops; l++)
		claim(pthread_create(&server->loop[l].thread, NULL, loop_main,
				     &server->loop[l]) == 0, "thread");
	loop_main(&server->loop[0]);
	for (uint32_t l = 1; l < server->loops; l++)
		pthread_join(server->loop[l].thread, NULL);
	for (uint32_t l = 0; l < server->loops; l++) {
		for (uint32_t i = 0; i < server->mems; i++)
			ops->mem_detach(server->loop[l].cq, server->mem[i]);
	}
	for (uint32_t i = 0; i < server->mems; i++)
		ops->mem_unreg(server->mem[i]);
	for (uint32_t l = 0; l < server->loops; l++)
		ops->cq_destroy(server->loop[l].cq);
	ops->close(server->dev);
	return NULL;
}

/* ---- the test's end ---- */

static struct answer
ask(struct server_loop *loop, enum command command, uint32_t index)
{
	struct request request = {command, index};
	struct answer answer;

	must(send(loop->tests, &request, sizeof(request), MSG_NOSIGNAL) == sizeof(request));
	must(recv(loop->tests, &answer, sizeof(answer), 0) == sizeof(answer));
	must(answer.status == MC_OK);
	return answer;
}

static void
process_main(struct server *server)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (uint32_t l = 0; l < server->loops; l++)
		close(server->loop[l].tests);
	passive_main(server);
	_exit(0);
}

void
server_start(struct server *server, const struct server_params *params)
{
	memset(server, 0, sizeof(*server));
	server->params = *params;
	server->loops = params->loops > 0 ? params->loops : 1;
	server->mems = params->mems > 0 ? params->mems : 1;
	must(server->loops <= SERVER_LOOPS_MAX && server->mems <= SERVER_MEMS_MAX);
	server->memory = memory_create(server->mems * params->mem_bytes, params->host_memory,
				       &server->fd);
	for (uint32_t l = 0; l < server->loops; l++) {
		int pair[2];

		must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
		server->loop[l] = (struct server_loop){.server = server, .ours = pair[0],
						       .tests = pair[1]};
	}
	if (params->process) {
		server->pid = fork();
		must(server->pid >= 0);
		if (server->pid == 0)
			process_main(server);
		for (uint32_t l = 0; l < server->loops; l++)
			close(server->loop[l].ours);
	} else {
		must(pthread_create(&server->loop[0].thread, NULL, passive_main, server) == 0);
	}
	server->running = true;
	server->addr = ask(&server->loop[0], COMMAND_START, 0).addr;
}

static void
release(struct server *server)
{
	server->running = false;
	for (uint32_t l = 0; l < server->loops; l++) {
		close(server->loop[l].tests);
		if (!server->params.process)
			close(server->loop[l].ours);
	}
	memory_destroy(server->memory, server->mems * server->params.mem_bytes, server->fd);
}

void
server_stop(struct server *server)
{
	int status = 0;

	if (!server->running)
		return;
	for (uint32_t l = server->loops; l-- > 0;)
		ask(&server->loop[l], COMMAND_STOP, 0);
	if (server->params.process) {
		must(waitpid(server->pid, &status, 0) == server->pid);
		must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	} else {
		must(pthread_join(server->loop[0].thread, NULL) == 0);
	}
	release(server);
}

void
server_kill(struct server *server)
{
	int status;

	must(server->params.process);
	must(kill(server->pid, SIGKILL) == 0);
	must(waitpid(server->pid, &status, 0) == server->pid);
	release(server);
}

void
server_mem_attach(struct server *server, uint32_t index)
{
	for (uint32_t l = 0; l < server->loops; l++)
		ask(&server->loop[l], COMMAND_ATTACH, index);
}

void
server_mem_detach(struct server *server, uint32_t index)
{
	for (uint32_t l = 0; l < server->loops; l++)
		ask(&server->loop[l], COMMAND_DETACH, index);
}
