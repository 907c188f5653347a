/* SPDX-License-Identifier: Apache-2.0 */
/* The active side: what it takes from a peer, and that mappings go when they should. */
#include <fcntl.h>
#include <linux/memfd.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "drivers/shm/private.h"
#include "tests/conformance/client.h"
#include "tests/conformance/server.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define BYTES (1u << 20)
#define HUGE (2u << 20)

/* ---- a peer that answers as the case wants ---- */

enum lie {
	LIE_NONE,
	LIE_NONE_HUGE,		/* the truth about hugepages */
	LIE_UNSEALED,
	LIE_SHORT_FILE,
	LIE_OFFSET,
	LIE_OFFSET_WRAPS,
	LIE_PAGE_SIZE,
	LIE_PAGE_SIZE_ZERO,
	LIE_NO_MEMFD,
	LIE_A_SOCKET,
	LIE_READ_ONLY,
	LIE_SLOT,
	LIE_TYPE,
	LIE_HANG_UP,
	LIES,
};

static const enum mc_status expected[LIES] = {
	[LIE_NONE] = MC_OK,
	[LIE_NONE_HUGE] = MC_OK,
	[LIE_UNSEALED] = MC_ERR_PERMISSION,
	[LIE_SHORT_FILE] = MC_ERR_PERMISSION,
	[LIE_OFFSET] = MC_ERR_PERMISSION,
	[LIE_OFFSET_WRAPS] = MC_ERR_PERMISSION,
	[LIE_PAGE_SIZE] = MC_ERR_PROTOCOL,
	[LIE_PAGE_SIZE_ZERO] = MC_ERR_PROTOCOL,
	[LIE_NO_MEMFD] = MC_ERR_PROTOCOL,
	[LIE_A_SOCKET] = MC_ERR_PERMISSION,
	[LIE_READ_ONLY] = MC_ERR_PERMISSION,
	[LIE_SLOT] = MC_ERR_PROTOCOL,
	[LIE_TYPE] = MC_ERR_PROTOCOL,
	[LIE_HANG_UP] = MC_ERR_CONN_CLOSED,
};

struct liar {
	int listener;
	enum lie lie;
	struct mc_peer_addr addr;
	pthread_t thread;
};

static int
memfd_for(enum lie lie)
{
	int fd = memfd_create("liar", MFD_CLOEXEC | MFD_ALLOW_SEALING |
					      (lie == LIE_NONE_HUGE ? MFD_HUGETLB | MFD_HUGE_2MB
								    : 0));
	int seals = lie == LIE_UNSEALED ? F_SEAL_GROW : F_SEAL_SHRINK | F_SEAL_GROW;
	off_t bytes = lie == LIE_SHORT_FILE ? BYTES / 2 : BYTES;

	must(fd >= 0 && ftruncate(fd, lie == LIE_NONE_HUGE ? 2 * HUGE : bytes) == 0);
	if (lie == LIE_READ_ONLY)
		seals |= F_SEAL_WRITE;
	must(fcntl(fd, F_ADD_SEALS, seals) == 0);
	return fd;
}

static void
message_await(int fd, struct shm_msg *msg, int *passed)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	must(poll(&ready, 1, 5000) == 1);
	must(shm_msg_recv(fd, msg, passed) == MC_OK);
}

static void
answer_lie(int fd, const struct shm_msg *ask, enum lie lie)
{
	struct shm_msg answer = {.type = SHM_MAP, .slot = ask->slot, .page_size = 4096};
	int memfd = lie == LIE_A_SOCKET ? dup(fd) : memfd_for(lie);

	if (lie == LIE_NONE_HUGE) {
		answer.page_size = HUGE;
		answer.offset = HUGE + 12345;
	}
	answer.slot += lie == LIE_SLOT;
	if (lie == LIE_OFFSET)
		answer.offset = BYTES / 2;
	if (lie == LIE_OFFSET_WRAPS)
		answer.offset = UINT64_MAX - 4095;
	if (lie == LIE_PAGE_SIZE)
		answer.page_size = 12345;
	if (lie == LIE_PAGE_SIZE_ZERO)
		answer.page_size = 0;
	if (lie == LIE_TYPE)
		answer.type = SHM_WELCOME;
	if (lie != LIE_HANG_UP)
		must(shm_msg_send(fd, &answer, lie == LIE_NO_MEMFD ? -1 : memfd) == MC_OK);
	close(memfd);
}

static void *
liar_main(void *context)
{
	struct liar *liar = context;
	struct shm_msg msg, welcome = {.type = SHM_WELCOME, .instance = liar->addr.shm.instance};
	int fd = accept4(liar->listener, NULL, NULL, SOCK_CLOEXEC), events = -1, gate, none;
	struct shm_gate *mapped;

	message_await(fd, &msg, &events);
	must(msg.type == SHM_HELLO && events >= 0);
	must(shm_gate_create(&mapped, &gate) == MC_OK);
	must(shm_msg_send(fd, &welcome, gate) == MC_OK);
	close(gate);
	message_await(fd, &msg, &none);
	must(msg.type == SHM_ASK && msg.length == BYTES);
	answer_lie(fd, &msg, liar->lie);
	if (liar->lie != LIE_HANG_UP)	/* until it goes */
		while (recv(fd, &msg, sizeof(msg), 0) > 0)
			continue;
	close(fd);
	close(events);
	shm_gate_unmap(mapped);
	return NULL;
}

/* It looks like another process, so that memory is mapped. */
static void
liar_start(struct liar *liar, enum lie lie)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int length;

	must(shm_place(&liar->addr.shm) == MC_OK);
	liar->addr.shm.pid_ns ^= 1;
	liar->addr.shm.instance = 77;
	liar->lie = lie;
	liar->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	length = snprintf(liar->addr.shm.socket, MC_SHM_NAME, "mooncore-liar-%d", (int)getpid());
	memcpy(name.sun_path + 1, liar->addr.shm.socket, length);
	must(bind(liar->listener, (struct sockaddr *)&name,
		  offsetof(struct sockaddr_un, sun_path) + 1 + length) == 0);
	must(listen(liar->listener, 4) == 0);
	must(pthread_create(&liar->thread, NULL, liar_main, liar) == 0);
}

/* Mappings of memfd @name in this process, in bytes. */
static uint64_t
mapped_bytes(const char *name)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	uint64_t begin, end, total = 0;

	must(maps != NULL);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (strstr(line, name) != NULL && sscanf(line, "%lx-%lx", &begin, &end) == 2)
			total += end - begin;
	}
	fclose(maps);
	return total;
}

START_TEST(a_peer_is_not_believed)
{
	struct server pretended = {.memory = (uint8_t *)(uintptr_t)(1ull << 40)};
	static struct client client;
	struct liar liar;
	struct path *path;
	enum mc_status st;

	liar_start(&liar, _i);
	client_open(&client, mc_driver_find("shm"), BYTES);
	pretended.addr = liar.addr;
	st = client_try(&client, &pretended, pretended.memory, BYTES, &path);
	if (_i == LIE_NONE_HUGE && st == MC_ERR_NO_MEMORY)
		printf("not tried: there are no hugepages\n");
	else if (st != expected[_i])
		ck_abort_msg("lie %d: %s", _i, mc_status_text(st));
	must(mapped_bytes("memfd:liar") ==
	     (st != MC_OK ? 0 : _i == LIE_NONE_HUGE ? HUGE : BYTES));
	must(st != MC_OK || client_move(&client, path, MC_OP_WRITE, pretended.memory, 0, BYTES) ==
				    MC_OK);
	client_close(&client);
	must(mapped_bytes("memfd:liar") == 0);
	pthread_join(liar.thread, NULL);
	close(liar.listener);
}
END_TEST

/* ---- mappings that go ---- */

static struct server server;
static struct client client;

static struct path *
connected(uint64_t bytes)
{
	struct server_params params = {.driver = mc_driver_find("shm"), .process = true,
				       .mem_bytes = bytes};

	server_start(&server, &params);
	/* what is mapped from here on is the driver's */
	client_open(&client, params.driver, BYTES);
	return client_connect(&client, &server);
}

/* Polls as an lcore does: sleeps when the driver lets it. False: it took 1 s. */
static bool
mapped_goes_down_to(uint64_t bytes)
{
	uint64_t deadline_ns = mc_clock_mono_ns() + MC_NS_PER_S;
	struct pollfd fd = {.fd = client.ops->event_fd(client.cq), .events = POLLIN};

	while (mapped_bytes("memfd:conformance") > bytes) {
		if (mc_clock_mono_ns() > deadline_ns)
			return false;
		client_poll(&client);
		if (client.ops->arm(client.cq) == MC_OK)
			poll(&fd, 1, 10);
	}
	return true;
}

START_TEST(memory_taken_back_is_unmapped)
{
	const uint64_t bytes = 256u << 20;
	struct path *path = connected(bytes);
	uint64_t before = mapped_bytes("memfd:conformance");

	must(before == 2 * bytes + BYTES);	/* the test's own, and the import */
	server_mem_detach(&server, 0);
	must(mapped_goes_down_to(bytes + BYTES));
	client.ops->ep_unimport(path->ep, path->key);
	server_mem_attach(&server, 0);
	must(client.ops->ep_import(path->ep, (uintptr_t)server.memory, bytes, &path->key) ==
	     MC_OK);
	must(client_move(&client, path, MC_OP_WRITE, server.memory, 0, BYTES) == MC_OK);
	client_close(&client);
	must(mapped_bytes("memfd:conformance") == bytes);
	server_stop(&server);
}
END_TEST

/* What the peer has not populated is not taken from our memory. */
START_TEST(holes_stay_holes)
{
	const uint64_t bytes = 16u << 20;
	struct stat about;
	struct path *path = connected(bytes), *again;

	must(fstat(server.fd, &about) == 0 && about.st_blocks == 0);
	pattern_fill(server.memory + (1u << 20), 1u << 20, 1);
	pattern_fill(server.memory + (9u << 20), 4096, 1);
	client_disconnect(&client, path);
	again = client_connect(&client, &server);
	must(fstat(server.fd, &about) == 0 && about.st_blocks == ((1u << 20) + 4096) / 512);
	/* and are there when they are written to */
	must(client_move(&client, again, MC_OP_WRITE, server.memory + (12u << 20), 0, 8192) ==
	     MC_OK);
	must(fstat(server.fd, &about) == 0 && about.st_blocks == ((1u << 20) + 3 * 4096) / 512);
	client_close(&client);
	server_stop(&server);
}
END_TEST

/* One mapping for all eps, until the last gives it up. */
START_TEST(eps_share_a_mapping)
{
	const uint64_t bytes = 16u << 20;
	struct path *path = connected(bytes), *other = client_connect(&client, &server), *part;

	must(mapped_bytes("memfd:conformance") == 2 * bytes + BYTES);
	/* a range of it too, and one that is not */
	must(client_try(&client, &server, server.memory + 5000, 70000, &part) == MC_OK);
	must(mapped_bytes("memfd:conformance") == 2 * bytes + BYTES);
	must(client_move(&client, part, MC_OP_READ, server.memory + 5000, 0, 70000) == MC_OK);
	client_disconnect(&client, path);
	must(client_move(&client, other, MC_OP_WRITE, server.memory, 0, BYTES) == MC_OK);
	client_disconnect(&client, other);
	must(mapped_bytes("memfd:conformance") == 2 * bytes + BYTES);
	must(client_move(&client, part, MC_OP_READ, server.memory + 5000, 0, 70000) == MC_OK);
	client_disconnect(&client, part);
	must(mapped_bytes("memfd:conformance") == bytes + BYTES);
	path = client_connect(&client, &server);
	must(client_move(&client, path, MC_OP_WRITE, server.memory, 0, BYTES) == MC_OK);
	client_close(&client);
	server_stop(&server);
}
END_TEST

/* Before a poll has read that it was taken back. */
START_TEST(revoked_memory_is_rejected_at_once)
{
	struct path *path = connected(65536);
	struct mc_sge sge;
	struct mc_op op = client_op(&client, path, MC_OP_WRITE, 1, server.memory, 0, 64, &sge);

	client_run_ok(&client, path, &op, 1);
	server.memory[0] = 0x77;
	server_mem_detach(&server, 0);
	must(client_post(&client, path, &op, 1) == 1);
	client_drain(&client);
	must(client.status[0] == MC_ERR_ADDRESS_REJECTED && server.memory[0] == 0x77);
	client_close(&client);
	server_stop(&server);
}
END_TEST

/* The key is given up while the owner is at it. */
START_TEST(a_key_given_up_while_it_dies)
{
	const uint64_t bytes = 256u << 20;
	struct path *path = connected(bytes);
	uint32_t key;

	server_mem_detach(&server, 0);
	client_poll(&client);
	client_poll(&client);
	client.ops->ep_unimport(path->ep, path->key);
	must(mapped_goes_down_to(bytes + BYTES));
	server_mem_attach(&server, 0);
	must(client.ops->ep_import(path->ep, (uintptr_t)server.memory, bytes, &key) == MC_OK);
	path->key = key;
	must(client_move(&client, path, MC_OP_WRITE, server.memory, 0, BYTES) == MC_OK);
	client_close(&client);
	server_stop(&server);
}
END_TEST

START_TEST(memory_of_a_killed_peer_goes_with_its_ep)
{
	const uint64_t bytes = 64u << 20;
	struct path *path = connected(bytes);
	uint64_t begin = mc_clock_mono_ns();

	server_kill(&server);
	while (!path->failed) {
		client_poll(&client);
		must(mc_clock_mono_ns() - begin < MC_NS_PER_S);
	}
	client_disconnect(&client, path);
	must(mapped_bytes("memfd:conformance") == BYTES);
	must(mc_clock_mono_ns() - begin < MC_NS_PER_S);
	client_close(&client);
}
END_TEST

/* A forked child holds none of it. */
START_TEST(imports_are_not_inherited)
{
	const uint64_t bytes = 4u << 20;
	int status;
	pid_t child;

	connected(bytes);
	child = fork();
	if (child == 0)
		_exit(mapped_bytes("memfd:conformance") == bytes + BYTES ? 0 : 1);
	must(waitpid(child, &status, 0) == child && status == 0);
	client_close(&client);
	server_stop(&server);
}
END_TEST

/* All slots, and then no more. */
START_TEST(slots_end)
{
	struct path *path = connected(65536);
	uint32_t key = 0, last = 0, count = 1;
	enum mc_status st;

	for (;; count++) {
		st = client.ops->ep_import(path->ep, (uintptr_t)server.memory, 64, &key);
		if (st != MC_OK)
			break;
		last = key;
	}
	must(st == MC_ERR_TOO_LARGE && count == SHM_SLOTS);
	client.ops->ep_unimport(path->ep, last);
	must(client.ops->ep_import(path->ep, (uintptr_t)server.memory, 64, &key) == MC_OK);
	must(key == last);
	client_close(&client);
	server_stop(&server);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("drivers/shm/import");
	TCase *tc = tcase_create("imports");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, a_peer_is_not_believed, 0, LIES);
	tcase_add_test(tc, memory_taken_back_is_unmapped);
	tcase_add_test(tc, holes_stay_holes);
	tcase_add_test(tc, eps_share_a_mapping);
	tcase_add_test(tc, revoked_memory_is_rejected_at_once);
	tcase_add_test(tc, a_key_given_up_while_it_dies);
	tcase_add_test(tc, memory_of_a_killed_peer_goes_with_its_ep);
	tcase_add_test(tc, imports_are_not_inherited);
	tcase_add_test(tc, slots_end);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
