/* SPDX-License-Identifier: Apache-2.0 */
/* The passive side, against sockets that say what they like. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/tcp/private.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"
#include "tests/support/tcp_rig.h"

static const uint8_t ok[] = {0, 0, 0, 0, 0x56, 0x54, 0x43, 0x4d};
static const uint8_t rejected[] = {1, 0, 0, 0, 0x56, 0x54, 0x43, 0x4d};

static void
request(struct rig *rig, int fd, bool write, uint8_t version, uint64_t addr, uint64_t size)
{
	struct tcp_header header = {size, addr, write, version};
	uint8_t wire[TCP_HEADER_BYTES];

	tcp_header_encode(&header, wire);
	rig_send(rig, fd, wire, sizeof(wire));
}

static void
expect(struct rig *rig, int fd, const void *bytes, size_t len)
{
	uint8_t *got = malloc(len);

	must(got != NULL && rig_recv(rig, fd, got, len) == len);
	must(memcmp(got, bytes, len) == 0);
	free(got);
}

static void
expect_end(struct rig *rig, int fd)
{
	uint8_t byte;

	must(rig_recv(rig, fd, &byte, 1) == 0);
	close(fd);
}

static uint64_t
at(const struct rig *rig, uint64_t offset)
{
	return (uint64_t)(uintptr_t)rig->memory + offset;
}

static uint32_t
conns(const struct rig *rig)
{
	return atomic_load(&tcp_dev(rig->dev)->conns);
}

/* ---- what an initiator that works with upstream's 0.3.13.post1 sent, and what came back ---- */

struct replay {
	struct rig rig;
	struct mc_mem *half[2];
	uint64_t base;		/* of the recorded memory */
	int fd;
};

static void
halves_register(struct replay *replay)
{
	struct rig *rig = &replay->rig;

	rig->ops->mem_detach(rig->cq, rig->mem);
	for (int i = 0; i < 2; i++) {
		struct mc_span span = {.addr = rig->memory + i * RIG_BYTES / 2,
				       .length = RIG_BYTES / 2, .fd = -1, .page_size = 4096};

		must(rig->ops->mem_reg(rig->dev, &span, &replay->half[i]) == MC_OK);
		must(rig->ops->mem_attach(rig->cq, replay->half[i]) == MC_OK);
	}
	for (uint32_t i = 0; i < RIG_BYTES; i++)
		rig->memory[i] = (uint8_t)(i % 251);
}

static void
header_relocate(const struct replay *replay, uint8_t header[TCP_HEADER_BYTES])
{
	uint64_t addr = tcp_header_decode(header).addr;

	if (addr >= replay->base && addr - replay->base < RIG_BYTES) {
		addr += (uintptr_t)replay->rig.memory - replay->base;
		for (int i = 0; i < 8; i++)
			header[8 + i] = (uint8_t)(addr >> 8 * i);
	}
}

static void
halves_unregister(struct replay *replay)
{
	for (int i = 0; i < 2; i++) {
		replay->rig.ops->mem_detach(replay->rig.cq, replay->half[i]);
		replay->rig.ops->mem_unreg(replay->half[i]);
	}
}

/* Of a body of which the record has the beginning only, zeros follow. */
static void
out_play(struct replay *replay, const struct rig_record *record)
{
	uint8_t *bytes = calloc(1, record->size);

	must(bytes != NULL);
	memcpy(bytes, record->bytes, record->len);
	if (strcmp(record->meaning, "data header") == 0)
		header_relocate(replay, bytes);
	rig_send(&replay->rig, replay->fd, bytes, record->size);
	free(bytes);
}

static void
in_play(struct replay *replay, const struct rig_record *record)
{
	uint8_t *got = malloc(record->size + 1);
	bool last = strstr(record->meaning, "response") != NULL ||
		    (record->len == 8 && memcmp(record->bytes, rejected, 8) == 0);

	must(got != NULL);
	must(rig_recv(&replay->rig, replay->fd, got, record->size + last) == record->size);
	must(memcmp(got, record->bytes, record->len) == 0);
	free(got);
	if (last) {
		close(replay->fd);
		replay->fd = rig_connect(&replay->rig);
	}
}

/* A pipelined request of which no answer was noted: body and answer are of our making. */
static void
unanswered_play(struct replay *replay, const struct rig_record *record)
{
	struct tcp_header header = tcp_header_decode(record->bytes);
	uint8_t bytes[8 + 64] = {0};

	must(header.size <= 64 && header.version == 2);
	if (header.write)
		rig_send(&replay->rig, replay->fd, bytes, header.size);
	must(rig_recv(&replay->rig, replay->fd, bytes, 8 + (header.write ? 0 : header.size)) ==
	     8 + (header.write ? 0 : header.size));
	must(memcmp(bytes, ok, 8) == 0);
}

static bool
is_frame(const struct rig_record *record)
{
	return strstr(record->meaning, "handshake") == NULL;
}

static bool
is_header(const struct rig_record *record)
{
	return record->len == TCP_HEADER_BYTES && strstr(record->meaning, "header") != NULL;
}

static void
records_play(struct replay *replay, const struct rig_record *records, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct rig_record *record = &records[i];
		bool unanswered = is_header(record) && i + 1 < count && is_header(&records[i + 1]);
		struct tcp_header header;

		if (!is_frame(record))
			continue;
		if (strcmp(record->meaning, "WRITE body") == 0) {
			out_play(replay, record);
			continue;
		}
		if (!is_header(record)) {
			in_play(replay, record);
			continue;
		}
		header = tcp_header_decode(record->bytes);
		/* the last request is for memory that was taken back */
		if (i + 2 == count)
			replay->rig.ops->mem_detach(replay->rig.cq, replay->half[0]);
		out_play(replay, record);
		if (unanswered && header.version == 2)
			unanswered_play(replay, record);
	}
}

START_TEST(recorded_initiators)
{
	static const char *const files[] = {"py_initiator_p2p.jsonl", "py_initiator_http.jsonl"};
	static struct replay replay;
	size_t count;
	struct rig_record *records = rig_records(files[_i], &count);

	rig_open(&replay.rig);
	halves_register(&replay);
	for (size_t i = 0; i < count && replay.base == 0; i++) {
		/* the first request is for five bytes behind the beginning */
		if (is_header(&records[i]))
			replay.base = tcp_header_decode(records[i].bytes).addr - 5;
	}
	replay.fd = rig_connect(&replay.rig);
	records_play(&replay, records, count);
	close(replay.fd);
	rig_settle(&replay.rig);
	ck_assert_uint_eq(conns(&replay.rig), 0);
	halves_unregister(&replay);
	rig_records_free(records, count);
	rig_close(&replay.rig);
}
END_TEST

/* ---- what two engines of upstream's 0.3.13.post1 said to each other: we are the target ---- */

#define CONNS 16

static void
between_play(struct replay *replay, struct rig_record *record, int *fd)
{
	struct rig *rig = &replay->rig;
	uint8_t got[4096];

	if (strncmp(record->meaning, "request header", 14) == 0) {
		*fd = *fd == 0 ? rig_connect(rig) : *fd;
		header_relocate(replay, record->bytes);
	}
	if (strncmp(record->meaning, "status frame", 12) != 0) {
		/* behind a refusal nobody reads any more */
		if (*fd > 0)
			rig_send(rig, *fd, record->bytes, record->len);
		return;
	}
	must(record->len <= sizeof(got) && rig_recv(rig, *fd, got, record->len) == record->len);
	must(memcmp(got, record->bytes, record->len) == 0);
	if (memcmp(got, rejected, 8) == 0) {
		expect_end(rig, *fd);
		*fd = -1;
	}
}

START_TEST(recorded_between_upstreams)
{
	static const char *const files[] = {"te_p2phandshake_full.jsonl", "te_http_full.jsonl"};
	static struct replay replay;
	size_t count, played = 0;
	int fds[CONNS] = {0};
	struct rig_record *records = rig_records(files[_i], &count);

	rig_open(&replay.rig);
	halves_register(&replay);
	for (size_t i = 0; i < count; i++) {
		struct rig_record *record = &records[i];
		bool request = strncmp(record->meaning, "request header", 14) == 0;

		if (!request && strncmp(record->meaning, "status frame", 12) != 0 &&
		    strncmp(record->meaning, "WRITE body", 10) != 0)
			continue;
		must(record->conn > 0 && record->conn < CONNS);
		/* the first request is for the beginning of the memory */
		if (replay.base == 0)
			replay.base = tcp_header_decode(record->bytes).addr;
		between_play(&replay, record, &fds[record->conn]);
		played++;
	}
	must(played >= 14);
	halves_unregister(&replay);
	rig_records_free(records, count);
	rig_close(&replay.rig);
}
END_TEST

/* ---- framing ---- */

START_TEST(bytes_come_one_by_one)
{
	struct tcp_header header = {5, 0, true, 2};
	uint8_t wire[TCP_HEADER_BYTES + 5] = {0};
	struct rig rig;
	int fd;

	rig_open(&rig);
	fd = rig_connect(&rig);
	header.addr = at(&rig, 100);
	tcp_header_encode(&header, wire);
	memcpy(wire + TCP_HEADER_BYTES, "hello", 5);
	for (size_t i = 0; i < sizeof(wire); i++) {
		rig_send(&rig, fd, wire + i, 1);
		rig_settle(&rig);
	}
	expect(&rig, fd, ok, 8);
	ck_assert_mem_eq(rig.memory + 99, "\0hello\0", 7);
	close(fd);
	rig_close(&rig);
}
END_TEST

/* Many in one segment, more than are answered with one call. */
START_TEST(pipelined_requests_are_answered_in_order)
{
	uint8_t wire[200 * TCP_HEADER_BYTES];
	struct rig rig;
	int fd;

	rig_open(&rig);
	fd = rig_connect(&rig);
	for (uint32_t i = 0; i < 200; i++) {
		struct tcp_header header = {7, at(&rig, i * 7), false, 1 + i % 2};

		memset(rig.memory + i * 7, (int)i, 7);
		tcp_header_encode(&header, wire + i * TCP_HEADER_BYTES);
	}
	rig_send(&rig, fd, wire, sizeof(wire));
	for (uint32_t i = 0; i < 200; i++) {
		if (i % 2 == 1)
			expect(&rig, fd, ok, 8);
		expect(&rig, fd, rig.memory + i * 7, 7);
	}
	ck_assert_uint_eq(mc_counter_read(&rig.cq->counters.served_ops), 200);
	ck_assert_uint_eq(mc_counter_read(&rig.cq->counters.served_bytes), 1400);
	close(fd);
	rig_close(&rig);
}
END_TEST

/* The read was asked for first, so it sees what was there before the write. */
START_TEST(a_write_does_not_overtake_a_read)
{
	const uint32_t size = RIG_BYTES / 2;
	uint8_t *body = malloc(size), *before = calloc(1, size);
	struct rig rig;
	int fd;

	ck_assert(body != NULL && before != NULL);
	rig_open(&rig);
	fd = rig_connect(&rig);
	memset(body, 0xbb, size);
	request(&rig, fd, false, 2, at(&rig, 0), size);
	request(&rig, fd, true, 2, at(&rig, size - 64), 64);
	rig_send(&rig, fd, body, 64);
	rig_settle(&rig);
	expect(&rig, fd, ok, 8);
	expect(&rig, fd, before, size);
	expect(&rig, fd, ok, 8);
	ck_assert_mem_eq(rig.memory + size - 64, body, 64);
	free(body);
	free(before);
	close(fd);
	rig_close(&rig);
}
END_TEST

/* ---- refusing ---- */

START_TEST(refused_requests)
{
	const struct {
		uint64_t offset, size;
	} bad[] = {{0, 0}, {0, RIG_BYTES + 1}, {1, RIG_BYTES}, {RIG_BYTES, 1}, {-1ull, 1},
		   {-1ull, 2}, {0, UINT64_MAX}, {100, UINT64_MAX - 50}};
	struct rig rig;

	rig_open(&rig);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (int kind = 0; kind < 4; kind++) {
			int fd = rig_connect(&rig);

			request(&rig, fd, kind & 1, 1 + (kind >> 1), at(&rig, bad[i].offset),
				bad[i].size);
			if (kind >> 1)
				expect(&rig, fd, rejected, 8);
			expect_end(&rig, fd);
		}
	}
	rig_settle(&rig);
	ck_assert_uint_eq(conns(&rig), 0);
	rig_close(&rig);
}
END_TEST

/* Its body is under way already: the answer arrives all the same, and no reset takes it. */
START_TEST(a_refused_write_is_told_so)
{
	uint8_t *body = calloc(1, RIG_BYTES);
	struct rig rig;
	int fd;

	rig_open(&rig);
	fd = rig_connect(&rig);
	request(&rig, fd, false, 2, at(&rig, 0), 3);
	request(&rig, fd, true, 2, at(&rig, RIG_BYTES - 1), RIG_BYTES);
	rig_send(&rig, fd, body, RIG_BYTES);
	expect(&rig, fd, ok, 8);
	expect(&rig, fd, rig.memory, 3);
	expect(&rig, fd, rejected, 8);
	expect_end(&rig, fd);
	free(body);
	rig_close(&rig);
}
END_TEST

START_TEST(memory_taken_back_in_the_midst_of_a_write)
{
	uint8_t half[1000];
	struct rig rig;
	int fd, other;

	rig_open(&rig);
	memset(half, 0x77, sizeof(half));
	fd = rig_connect(&rig);
	other = rig_connect(&rig);
	request(&rig, fd, true, 2, at(&rig, 0), 2000);
	rig_send(&rig, fd, half, sizeof(half));
	rig_settle(&rig);
	ck_assert_uint_eq(rig.memory[999], 0x77);
	rig.ops->mem_detach(rig.cq, rig.mem);
	memset(rig.memory, 0, 2000);
	rig_send(&rig, fd, half, sizeof(half));
	expect(&rig, fd, rejected, 8);
	expect_end(&rig, fd);
	for (int i = 0; i < 2000; i++)
		ck_assert_uint_eq(rig.memory[i], 0);
	/* whoever is not in the midst of anything stays */
	must(rig.ops->mem_attach(rig.cq, rig.mem) == MC_OK);
	request(&rig, other, false, 2, at(&rig, 0), 10);
	expect(&rig, other, ok, 8);
	close(other);
	rig_close(&rig);
}
END_TEST

START_TEST(memory_taken_back_in_the_midst_of_a_read)
{
	uint8_t *got = malloc(4 * RIG_BYTES + 64);
	struct rig rig;
	int fd;

	rig_open(&rig);
	fd = rig_connect(&rig);
	for (int i = 0; i < 4; i++)
		request(&rig, fd, false, 2, at(&rig, 0), RIG_BYTES);
	rig_settle(&rig);
	rig.ops->mem_detach(rig.cq, rig.mem);
	ck_assert_uint_eq(conns(&rig), 0);
	ck_assert(rig_recv(&rig, fd, got, 4 * RIG_BYTES + 32) == SIZE_MAX);
	free(got);
	close(fd);
	rig_close(&rig);
}
END_TEST

/* What it sent before is not put into memory that may serve another purpose when it comes late. */
START_TEST(a_reset_ends_a_write_at_once)
{
	struct linger none = {1, 0};
	uint8_t body[1000];
	struct rig rig;
	int fd;

	rig_open(&rig);
	fd = rig_connect(&rig);
	memset(body, 0x99, sizeof(body));
	request(&rig, fd, true, 2, at(&rig, 0), 2000);
	rig_settle(&rig);
	must(send(fd, body, sizeof(body), 0) == sizeof(body));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(fd);
	for (int i = 0; i < 20; i++)
		rig_settle(&rig);
	ck_assert_uint_eq(rig.memory[0], 0);
	ck_assert_uint_eq(conns(&rig), 0);
	rig_close(&rig);
}
END_TEST

START_TEST(connections_are_bounded)
{
	struct rig rig;
	int fd;

	rig_open(&rig);
	atomic_store(&tcp_dev(rig.dev)->conns, TCP_CONNS_MAX);
	fd = rig_connect(&rig);
	expect_end(&rig, fd);
	atomic_store(&tcp_dev(rig.dev)->conns, 0);
	fd = rig_connect(&rig);
	request(&rig, fd, false, 2, at(&rig, 0), 1);
	expect(&rig, fd, ok, 8);
	close(fd);
	rig_close(&rig);
}
END_TEST

/* Nothing is accepted, and nothing burns, until the next tick. */
START_TEST(descriptors_run_out)
{
	struct rlimit before, few;
	struct rig rig;
	int fd, extra[2];

	rig_open(&rig);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(getrlimit(RLIMIT_NOFILE, &before) == 0);
	few = before;
	few.rlim_cur = (rlim_t)fd + 1;
	must(setrlimit(RLIMIT_NOFILE, &few) == 0 && pipe(extra) != 0);
	must(connect(fd, (struct sockaddr *)&rig.addr.tcp.addr.storage, rig.addr.tcp.addr.len) ==
	     0);
	rig_settle(&rig);
	ck_assert(tcp_cq(rig.cq)->accept_paused);
	ck_assert_int_eq(rig.ops->arm(rig.cq), MC_OK);
	must(setrlimit(RLIMIT_NOFILE, &before) == 0);
	request(&rig, fd, false, 2, at(&rig, 0), 1);
	expect(&rig, fd, ok, 8);
	ck_assert(!tcp_cq(rig.cq)->accept_paused);
	close(fd);
	rig_close(&rig);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("drivers/tcp/conn");
	TCase *tc = tcase_create("conn");

	tcase_set_timeout(tc, 20);
	tcase_add_loop_test(tc, recorded_initiators, 0, 2);
	tcase_add_loop_test(tc, recorded_between_upstreams, 0, 2);
	tcase_add_test(tc, bytes_come_one_by_one);
	tcase_add_test(tc, pipelined_requests_are_answered_in_order);
	tcase_add_test(tc, a_write_does_not_overtake_a_read);
	tcase_add_test(tc, refused_requests);
	tcase_add_test(tc, a_refused_write_is_told_so);
	tcase_add_test(tc, memory_taken_back_in_the_midst_of_a_write);
	tcase_add_test(tc, memory_taken_back_in_the_midst_of_a_read);
	tcase_add_test(tc, a_reset_ends_a_write_at_once);
	tcase_add_test(tc, connections_are_bounded);
	tcase_add_test(tc, descriptors_run_out);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
