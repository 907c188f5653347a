/* SPDX-License-Identifier: Apache-2.0 */
/* The passive side against peers that break the rules, by hand over its socket. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "drivers/shm/private.h"
#include "tests/conformance/client.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

/* The passive side is polled by the test itself. */
static struct client node;
static struct mc_peer_addr addr;

static void
setup(void)
{
	client_open(&node, mc_driver_find("shm"), 65536);
	must(node.ops->listen(node.dev, &addr) == MC_OK);
	must(node.ops->mem_attach(node.cq, node.mem) == MC_OK);
}

static void
teardown(void)
{
	client_close(&node);
}

static void
poll_some(void)
{
	for (int i = 0; i < 300; i++)
		client_poll(&node);
}

static int
dial(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	size_t length = strlen(addr.shm.socket);

	memcpy(to.sun_path + 1, addr.shm.socket, length);
	must(fd >= 0);
	must(connect(fd, (struct sockaddr *)&to,
		     offsetof(struct sockaddr_un, sun_path) + 1 + length) == 0);
	return fd;
}

static bool
hung_up(int fd)
{
	char bytes[64];
	ssize_t got;

	poll_some();
	do
		got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	while (got > 0);
	return got == 0 || errno == ECONNRESET;
}

/* One that did as it should; the other end of its events in *events_out. */
static int
dial_hello(int *events_out, struct shm_gate **gate_out)
{
	struct shm_msg hello = {.type = SHM_HELLO, .instance = addr.shm.instance}, answer;
	int fd = dial(), events[2], gate = -1;

	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, events) == 0);
	must(shm_msg_send(fd, &hello, events[1]) == MC_OK);
	close(events[1]);
	poll_some();
	must(shm_msg_recv(fd, &answer, &gate) == MC_OK);
	must(answer.type == SHM_WELCOME && answer.instance == addr.shm.instance);
	must(shm_gate_map(gate, gate_out) == MC_OK);
	close(gate);
	*events_out = events[0];
	return fd;
}

static uint16_t
ask(int fd, uint32_t slot, uint64_t at, uint64_t length)
{
	struct shm_msg msg = {.type = SHM_ASK, .slot = slot, .addr = at, .length = length}, answer;
	int memfd = -1;

	must(shm_msg_send(fd, &msg, -1) == MC_OK);
	poll_some();
	must(shm_msg_recv(fd, &answer, &memfd) == MC_OK);
	must(answer.slot == slot && (memfd >= 0) == (answer.type == SHM_MAP));
	if (memfd >= 0)
		close(memfd);
	return answer.type;
}

START_TEST(a_first_message_that_is_no_hello_ends_it)
{
	struct shm_msg bad[] = {{.type = SHM_ASK}, {.type = SHM_WELCOME}, {.type = 0},
				{.type = 99}, {.type = SHM_HELLO}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = dial();

		bad[i].instance = addr.shm.instance;
		must(shm_msg_send(fd, &bad[i], -1) == MC_OK);
		must(hung_up(fd));
		close(fd);
	}
	for (size_t length = 1; length < 200; length += 13) {
		uint8_t bytes[200] = "Mshm";
		int fd = dial();

		must(send(fd, bytes, length, 0) == (ssize_t)length);
		must(hung_up(fd));
		close(fd);
	}
}
END_TEST

START_TEST(another_instance_is_refused_by_name)
{
	struct shm_msg hello = {.type = SHM_HELLO, .instance = addr.shm.instance + 1}, answer;
	int fd = dial(), none = -1;

	must(shm_msg_send(fd, &hello, fd) == MC_OK);
	poll_some();
	must(shm_msg_recv(fd, &answer, &none) == MC_OK && answer.type == SHM_REFUSED);
	must(none == -1 && hung_up(fd));
	close(fd);
}
END_TEST

START_TEST(only_what_is_registered_is_given)
{
	uint64_t begin = (uintptr_t)node.memory;
	struct shm_gate *gate;
	int events, fd = dial_hello(&events, &gate);

	must(ask(fd, 0, begin, 65536) == SHM_MAP);
	must(ask(fd, 1, begin + 65535, 1) == SHM_MAP);
	must(ask(fd, 2, begin, 65537) == SHM_NONE);
	must(ask(fd, 2, begin - 1, 2) == SHM_NONE);
	must(ask(fd, 2, begin + 65536, 1) == SHM_NONE);
	must(ask(fd, 2, begin, 0) == SHM_NONE);
	must(ask(fd, 2, begin + 1, UINT64_MAX) == SHM_NONE);
	must(ask(fd, 2, UINT64_MAX, 1) == SHM_NONE);
	must(ask(fd, 2, 0, 1) == SHM_NONE);
	must(ask(fd, SHM_SLOTS - 1, begin + 7, 100) == SHM_MAP);
	shm_gate_unmap(gate);
	close(events);
	close(fd);
}
END_TEST

START_TEST(nonsense_after_hello_ends_it)
{
	uint64_t begin = (uintptr_t)node.memory;
	struct shm_msg bad[] = {{.type = SHM_ASK, .slot = SHM_SLOTS, .addr = begin, .length = 1},
				{.type = SHM_ASK, .slot = 0, .addr = begin, .length = 1},
				{.type = SHM_RELEASE, .slot = SHM_SLOTS},
				{.type = SHM_HELLO},
				{.type = SHM_GONE},
				{.type = 4711}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct shm_gate *gate;
		int events, fd = dial_hello(&events, &gate);
		char byte;

		must(ask(fd, 0, begin, 4096) == SHM_MAP);
		must(shm_msg_send(fd, &bad[i], -1) == MC_OK);
		must(hung_up(fd));
		/* the other socket goes with it: that is what the active side watches */
		must(recv(events, &byte, 1, MSG_DONTWAIT) == 0);
		shm_gate_unmap(gate);
		close(events);
		close(fd);
	}
}
END_TEST

START_TEST(a_slot_is_free_after_release)
{
	struct shm_msg release = {.type = SHM_RELEASE, .slot = 3};
	struct shm_gate *gate;
	int events, fd = dial_hello(&events, &gate);

	for (int i = 0; i < 10; i++) {
		must(ask(fd, 3, (uintptr_t)node.memory, 4096) == SHM_MAP);
		must(shm_msg_send(fd, &release, -1) == MC_OK);
	}
	shm_gate_unmap(gate);
	close(events);
	close(fd);
}
END_TEST

START_TEST(detach_revokes_and_says_so)
{
	uint64_t begin = (uintptr_t)node.memory;
	struct shm_gate *gate;
	struct shm_msg gone;
	int events, none = -1, fd = dial_hello(&events, &gate);

	must(ask(fd, 5, begin, 4096) == SHM_MAP);
	must(ask(fd, 9, begin + 4096, 4096) == SHM_MAP);
	must(atomic_load(&gate->revoked[5]) == 0);
	node.ops->mem_detach(node.cq, node.mem);
	must(atomic_load(&gate->revoked[5]) == 1 && atomic_load(&gate->revoked[9]) == 1);
	must(shm_msg_recv(events, &gone, &none) == MC_OK && gone.type == SHM_GONE);
	must(ask(fd, 5, begin, 4096) == SHM_NONE);
	must(node.ops->mem_attach(node.cq, node.mem) == MC_OK);
	must(ask(fd, 5, begin, 4096) == SHM_MAP);
	must(atomic_load(&gate->revoked[5]) == 0 && atomic_load(&gate->revoked[9]) == 1);
	shm_gate_unmap(gate);
	close(events);
	close(fd);
}
END_TEST

/* A peer whose turn never ends costs a bounded wait, once, and its connection. */
START_TEST(detach_does_not_wait_for_ever)
{
	struct shm_gate *gate;
	int events, fd = dial_hello(&events, &gate);
	uint64_t begin;

	must(ask(fd, 0, (uintptr_t)node.memory, 4096) == SHM_MAP);
	atomic_store(&gate->turn, 1);
	begin = mc_clock_mono_ns();
	node.ops->mem_detach(node.cq, node.mem);
	must(mc_clock_mono_ns() - begin >= 200 * MC_NS_PER_MS);
	must(mc_clock_mono_ns() - begin < 2 * MC_NS_PER_S);
	must(hung_up(fd));
	shm_gate_unmap(gate);
	close(events);
	close(fd);
	/* one that died within its turn costs nothing */
	must(node.ops->mem_attach(node.cq, node.mem) == MC_OK);
	fd = dial_hello(&events, &gate);
	must(ask(fd, 0, (uintptr_t)node.memory, 4096) == SHM_MAP);
	atomic_store(&gate->turn, 1);
	close(fd);
	begin = mc_clock_mono_ns();
	node.ops->mem_detach(node.cq, node.mem);
	must(mc_clock_mono_ns() - begin < 200 * MC_NS_PER_MS);
	shm_gate_unmap(gate);
	close(events);
}
END_TEST

/* Whoever connects and says nothing must not keep others out. */
START_TEST(silent_connections_make_room)
{
	struct rlimit limit = {4096, 4096};
	struct shm_gate *gate;
	int events, fd;

	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	for (uint32_t i = 0; i < SHM_CONNS_MAX + 50; i++) {
		dial();
		if (i % 50 == 0)
			poll_some();
	}
	poll_some();
	fd = dial_hello(&events, &gate);
	must(ask(fd, 0, (uintptr_t)node.memory, 4096) == SHM_MAP);
	shm_gate_unmap(gate);
	close(events);
	close(fd);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("drivers/shm/serve");
	TCase *tc = tcase_create("passive side");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_first_message_that_is_no_hello_ends_it);
	tcase_add_test(tc, another_instance_is_refused_by_name);
	tcase_add_test(tc, only_what_is_registered_is_given);
	tcase_add_test(tc, nonsense_after_hello_ends_it);
	tcase_add_test(tc, a_slot_is_free_after_release);
	tcase_add_test(tc, detach_revokes_and_says_so);
	tcase_add_test(tc, detach_does_not_wait_for_ever);
	tcase_add_test(tc, silent_connections_make_room);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
