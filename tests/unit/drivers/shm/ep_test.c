/* SPDX-License-Identifier: Apache-2.0 */
/* How an ep begins, and how it learns of the death of its peer. */
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "drivers/shm/private.h"
#include "tests/conformance/client.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

static struct client client;

static enum mc_status
try(const struct mc_peer_addr *addr, uint64_t timeout_ns, struct mc_ep **ep_out)
{
	struct mc_ep_params params = {.size = sizeof(params), .connect_timeout_ns = timeout_ns};

	return client.ops->ep_create(client.cq, &params, addr, ep_out);
}

START_TEST(names_are_checked)
{
	struct mc_peer_addr addr;
	struct mc_ep *ep;

	client_open(&client, mc_driver_find("shm"), 4096);
	must(shm_place(&addr.shm) == MC_OK);
	addr.shm.socket[0] = '\0';
	must(try(&addr, 0, &ep) == MC_ERR_ADDRESS_INVALID);
	memset(addr.shm.socket, 'x', sizeof(addr.shm.socket));
	must(try(&addr, 0, &ep) == MC_ERR_ADDRESS_INVALID);
	addr.shm.socket[20] = '\0';
	must(try(&addr, 0, &ep) == MC_ERR_CONN_REFUSED);
	client_close(&client);
}
END_TEST

/* A socket of that name where nobody answers, with room in its queue for one and then none. */
START_TEST(connecting_ends_in_time)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct mc_peer_addr addr;
	struct mc_ep *ep;

	client_open(&client, mc_driver_find("shm"), 4096);
	must(shm_place(&addr.shm) == MC_OK);
	strcpy(addr.shm.socket, "mooncore-silent");
	memcpy(name.sun_path + 1, addr.shm.socket, strlen(addr.shm.socket));
	must(bind(fd, (struct sockaddr *)&name, offsetof(struct sockaddr_un, sun_path) + 1 +
						strlen(addr.shm.socket)) == 0);
	must(listen(fd, 0) == 0);
	for (int i = 0; i < 4; i++) {
		uint64_t begin = mc_clock_mono_ns();

		must(try(&addr, 100 * MC_NS_PER_MS, &ep) == MC_ERR_TIMEOUT);
		must(mc_clock_mono_ns() - begin < MC_NS_PER_S);
	}
	close(fd);
	client_close(&client);
}
END_TEST

/* ---- a peer whose forked child holds its sockets open ---- */

struct report {
	struct mc_peer_addr addr;
	pid_t holder;
};

static volatile sig_atomic_t fork_wanted;

static void
want_fork(int signal)
{
	fork_wanted = 1;
}

static void
peer_main(int out)
{
	struct report report = {.holder = 0};
	static struct client node;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGUSR1, want_fork);
	client_open(&node, mc_driver_find("shm"), 65536);
	must(node.ops->listen(node.dev, &report.addr) == MC_OK);
	must(node.ops->mem_attach(node.cq, node.mem) == MC_OK);
	must(write(out, &report, sizeof(report)) == sizeof(report));
	for (;;) {
		client_poll(&node);
		usleep(100);
		if (!fork_wanted)
			continue;
		fork_wanted = 0;
		report.holder = fork();
		if (report.holder == 0) {
			alarm(10);
			for (;;)
				pause();
		}
		must(write(out, &report, sizeof(report)) == sizeof(report));
	}
}

START_TEST(a_dead_peer_with_a_living_child_is_dead)
{
	struct report report;
	struct mc_completion completion;
	struct mc_ep *ep;
	uint64_t begin;
	int pipes[2];
	pid_t peer;

	must(pipe(pipes) == 0);
	peer = fork();
	if (peer == 0)
		peer_main(pipes[1]);
	must(read(pipes[0], &report, sizeof(report)) == sizeof(report));
	client_open(&client, mc_driver_find("shm"), 65536);
	must(try(&report.addr, 0, &ep) == MC_OK);
	must(client.ops->ep_attach(ep) == MC_OK);
	must(kill(peer, SIGUSR1) == 0);
	must(read(pipes[0], &report, sizeof(report)) == sizeof(report) && report.holder > 0);
	must(kill(peer, SIGKILL) == 0);
	begin = mc_clock_mono_ns();
	while (client.dev->fast.poll(client.cq, &completion, 1) == 0)
		must(mc_clock_mono_ns() - begin < MC_NS_PER_S);
	must(completion.cookie == 0 && completion.ep == ep);
	must(completion.status == MC_ERR_CONN_CLOSED);
	must(kill(report.holder, SIGKILL) == 0);
	waitpid(peer, NULL, 0);
	client.ops->ep_detach(ep);
	client.ops->ep_destroy(ep);
	client_close(&client);
}
END_TEST

/* Its own engine in its own process: nothing is mapped, and all else is as with others. */
START_TEST(own_process_needs_no_mapping)
{
	struct server_params params = {.driver = mc_driver_find("shm"), .mem_bytes = 65536};
	struct server server;
	struct path *path;

	server_start(&server, &params);
	client_open(&client, params.driver, 65536);
	path = client_connect(&client, &server);
	must(shm_ep(path->ep)->own && shm_ep(path->ep)->imports[path->key].mapping == NULL);
	must(shm_ep(path->ep)->imports[path->key].local == (char *)server.memory);
	client_close(&client);
	server_stop(&server);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("drivers/shm/ep");
	TCase *tc = tcase_create("eps");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, names_are_checked);
	tcase_add_test(tc, connecting_ends_in_time);
	tcase_add_test(tc, a_dead_peer_with_a_living_child_is_dead);
	tcase_add_test(tc, own_process_needs_no_mapping);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
