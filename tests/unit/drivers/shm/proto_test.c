/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as they are, and as a peer that breaks the rules sends them. */
#include "drivers/shm/proto.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/must.h"
#include "tests/support/suite.h"

static int pair[2];

static void
setup(void)
{
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
}

static void
teardown(void)
{
	close(pair[0]);
	close(pair[1]);
}

/* The lowest number that is free: the same before and after, if nothing leaked between. */
static int
fd_free(void)
{
	int fd = dup(pair[0]);

	close(fd);
	return fd;
}

START_TEST(fields_arrive)
{
	struct shm_msg out = {.type = SHM_MAP, .slot = 0x01020304, .instance = 0x1112131415161718,
			      .addr = 0x2122232425262728, .length = 0x3132333435363738,
			      .offset = 0x4142434445464748, .page_size = 0x51525354};
	struct shm_msg in;
	int fd = 77;

	must(shm_msg_recv(pair[1], &in, &fd) == MC_AGAIN);
	must(shm_msg_send(pair[0], &out, -1) == MC_OK);
	must(shm_msg_recv(pair[1], &in, &fd) == MC_OK);
	must(fd == -1 && in.version == SHM_VERSION && in.type == out.type && in.slot == out.slot);
	must(in.instance == out.instance && in.addr == out.addr && in.length == out.length);
	must(in.offset == out.offset && in.page_size == out.page_size);
}
END_TEST

/* What is written down in doc/drivers/shm.md. */
START_TEST(bytes_are_as_described)
{
	static const uint8_t expected[SHM_MSG_BYTES] = {
		'M', 's', 'h', 'm', 1, 0, SHM_ASK, 0, 4, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0xef, 0xcd, 0xab, 0, 0, 0, 0, 0,
		0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	struct shm_msg ask = {.type = SHM_ASK, .slot = 4, .addr = 0xabcdef, .length = 0x1000};
	uint8_t bytes[64];

	must(shm_msg_send(pair[0], &ask, -1) == MC_OK);
	must(recv(pair[1], bytes, sizeof(bytes), 0) == SHM_MSG_BYTES);
	must(memcmp(bytes, expected, sizeof(expected)) == 0);
}
END_TEST

START_TEST(a_descriptor_arrives)
{
	struct shm_msg msg = {.type = SHM_HELLO}, in;
	struct stat sent, got;
	int fd = -1;

	must(shm_msg_send(pair[0], &msg, pair[0]) == MC_OK);
	must(shm_msg_recv(pair[1], &in, &fd) == MC_OK && fd >= 0);
	must((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	must(fstat(pair[0], &sent) == 0 && fstat(fd, &got) == 0 && sent.st_ino == got.st_ino);
	close(fd);
}
END_TEST

/* @fds descriptors with @length bytes, of a message that was right at first. */
static void
raw_send(uint8_t *bytes, size_t length, int fds)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control = {0};
	struct iovec piece = {bytes, length};
	struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};

	if (fds > 0) {
		header.msg_control = control.bytes;
		header.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(fds * sizeof(int));
		for (int i = 0; i < fds; i++)
			memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &pair[0], sizeof(int));
	}
	must(sendmsg(pair[0], &header, 0) == (ssize_t)length);
}

START_TEST(what_is_no_message_is_refused_and_leaks_nothing)
{
	static const struct {
		size_t length;
		int fds;
		bool magic;
	} bad[] = {
		{1, 0, true},
		{SHM_MSG_BYTES - 1, 0, true},
		{SHM_MSG_BYTES + 1, 0, true},
		{4096, 0, true},
		{SHM_MSG_BYTES, 0, false},
		{SHM_MSG_BYTES, 1, false},
		{SHM_MSG_BYTES, 2, true},
		{SHM_MSG_BYTES, 4, true},
		{7, 1, true},
		{SHM_MSG_BYTES + 9, 1, true},
	};
	int before = fd_free();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t bytes[4096] = "Mshm\1";
		struct shm_msg in;
		int fd = -1;

		if (!bad[i].magic)
			bytes[0] = 'X';
		raw_send(bytes, bad[i].length, bad[i].fds);
		must(shm_msg_recv(pair[1], &in, &fd) == MC_ERR_PROTOCOL);
		must(fd == -1);
		must(shm_msg_recv(pair[1], &in, &fd) == MC_AGAIN);
	}
	must(fd_free() == before);
}
END_TEST

START_TEST(an_end_that_is_gone)
{
	struct shm_msg msg = {.type = SHM_ASK};
	int fd = -1;

	close(pair[0]);
	must(shm_msg_recv(pair[1], &msg, &fd) == MC_ERR_CONN_CLOSED);
	must(shm_msg_send(pair[1], &msg, -1) == MC_ERR_CONN_CLOSED);
	pair[0] = dup(pair[1]);
}
END_TEST

START_TEST(a_peer_that_does_not_read)
{
	struct shm_msg msg = {.type = SHM_GONE};
	enum mc_status st = MC_OK;

	for (int i = 0; i < 1000000 && st == MC_OK; i++)
		st = shm_msg_send(pair[0], &msg, -1);
	must(st == MC_AGAIN);
}
END_TEST

static int
memfd_of(off_t size, int seals)
{
	int fd = memfd_create("gate", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	must(fd >= 0 && ftruncate(fd, size) == 0 && fcntl(fd, F_ADD_SEALS, seals) == 0);
	return fd;
}

START_TEST(a_gate_must_be_sealed_and_whole)
{
	static const struct {
		off_t size;
		int seals;
	} bad[] = {{8192, 0}, {8192, F_SEAL_GROW}, {4096, F_SEAL_SHRINK}, {0, F_SEAL_SHRINK},
		   {8193, F_SEAL_SHRINK}};
	struct shm_gate *gate = NULL, *again = NULL;
	int fd;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fd = memfd_of(bad[i].size, bad[i].seals);
		must(shm_gate_map(fd, &gate) == MC_ERR_PROTOCOL && gate == NULL);
		close(fd);
	}
	must(shm_gate_map(pair[0], &gate) == MC_ERR_PROTOCOL);
	must(shm_gate_create(&gate, &fd) == MC_OK);
	must(shm_gate_map(fd, &again) == MC_OK);
	must(ftruncate(fd, 0) != 0);
	close(fd);
	atomic_store(&gate->revoked[SHM_SLOTS - 1], 1);
	must(atomic_load(&again->revoked[SHM_SLOTS - 1]) == 1 && atomic_load(&again->turn) == 0);
	shm_gate_unmap(gate);
	shm_gate_unmap(again);
	shm_gate_unmap(NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("drivers/shm/proto");
	TCase *tc = tcase_create("messages");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, fields_arrive);
	tcase_add_test(tc, bytes_are_as_described);
	tcase_add_test(tc, a_descriptor_arrives);
	tcase_add_test(tc, what_is_no_message_is_refused_and_leaks_nothing);
	tcase_add_test(tc, an_end_that_is_gone);
	tcase_add_test(tc, a_peer_that_does_not_read);
	tcase_add_test(tc, a_gate_must_be_sealed_and_whole);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
