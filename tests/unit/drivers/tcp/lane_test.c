/* SPDX-License-Identifier: Apache-2.0 */
/* The active side, against targets that answer as they like. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/tcp/private.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"
#include "tests/support/tcp_rig.h"

#define REMOTE 0x7f0000000000ull

static const uint8_t ok[] = {0, 0, 0, 0, 0x56, 0x54, 0x43, 0x4d};
static const uint8_t rejected[] = {1, 0, 0, 0, 0x56, 0x54, 0x43, 0x4d};

/* One ep with one lane, and its other end. */
struct target {
	struct rig rig;
	struct mc_peer_addr addr;
	struct mc_ep *ep;
	int listener;
	int fd;
};

static void
target_open(struct target *target, uint8_t version)
{
	rig_open(&target->rig);
	target->listener = rig_listen(&target->addr, 0);
	target->ep = rig_ep(&target->rig, &target->addr, version, 1);
	target->fd = rig_accept(&target->rig, target->listener);
}

static void
target_close(struct target *target)
{
	rig_ep_end(&target->rig, target->ep);
	close(target->fd);
	close(target->listener);
	rig_close(&target->rig);
}

static struct tcp_header
header_take(struct target *target)
{
	uint8_t wire[TCP_HEADER_BYTES];

	must(rig_recv(&target->rig, target->fd, wire, sizeof(wire)) == sizeof(wire));
	return tcp_header_decode(wire);
}

static void
say(struct target *target, const void *bytes, size_t len)
{
	rig_send(&target->rig, target->fd, bytes, len);
}

/* The peer ends the connection, and the lane opens another. */
static void
again(struct target *target)
{
	close(target->fd);
	target->fd = rig_accept(&target->rig, target->listener);
}

/* ---- byte by byte what upstream's 0.3.13.post1 sends as an initiator ---- */

/* Of one connection, from a request to the next. */
struct exchange {
	const struct rig_record *header;
	const struct rig_record *body;		/* read or written; NULL: the target refused */
	bool refused;
};

static struct exchange
exchange_find(const struct rig_record *records, size_t i, size_t count)
{
	struct exchange found = {.header = &records[i]};

	for (size_t r = i + 1; r < count; r++) {
		const struct rig_record *record = &records[r];

		if (record->conn != found.header->conn)
			continue;
		if (strcmp(record->meaning, "data header") == 0)
			break;
		if (strstr(record->meaning, " body") != NULL)
			found.body = record;
		found.refused = found.refused || strstr(record->meaning, "rejected") != NULL;
	}
	return found;
}

static void
request_play(struct target *target, const struct exchange *exchange, uint8_t *got)
{
	struct tcp_header header = tcp_header_decode(exchange->header->bytes);
	uint64_t sent = TCP_HEADER_BYTES + (header.write ? header.size : 0);
	uint8_t *body = target->rig.memory + TCP_HEADER_BYTES;

	must(sent <= RIG_BYTES);
	memset(body, 0, header.size);
	if (header.write && exchange->body != NULL)
		memcpy(body, exchange->body->bytes, exchange->body->len);
	rig_post(&target->rig, target->ep, header.write ? MC_OP_WRITE : MC_OP_READ, 1, header.addr,
		 TCP_HEADER_BYTES, (uint32_t)header.size);
	if (target->fd < 0)
		target->fd = rig_accept(&target->rig, target->listener);
	must(rig_recv(&target->rig, target->fd, got, sent) == sent);
	must(memcmp(got, exchange->header->bytes, TCP_HEADER_BYTES) == 0);
	must(memcmp(got + TCP_HEADER_BYTES, body, sent - TCP_HEADER_BYTES) == 0);
}

static void
answer_play(struct target *target, const struct exchange *exchange, const uint8_t *zeros)
{
	struct tcp_header header = tcp_header_decode(exchange->header->bytes);

	if (header.version == 2)
		say(target, exchange->refused ? rejected : ok, 8);
	if (!header.write && !exchange->refused) {
		say(target, exchange->body->bytes, exchange->body->len);
		say(target, zeros, header.size - exchange->body->len);
	}
	if (header.version == 1) {
		close(target->fd);
		target->fd = -1;
	}
}

static void
exchange_play(struct target *target, const struct exchange *exchange, const uint8_t *zeros,
	      uint8_t *got)
{
	const struct rig_record *body = exchange->body;

	request_play(target, exchange, got);
	answer_play(target, exchange, zeros);
	if (exchange->refused) {
		must(rig_await(&target->rig, 1) == MC_ERR_ADDRESS_REJECTED);
		rig_ep_end(&target->rig, target->ep);
		close(target->fd);
		target->ep = rig_ep(&target->rig, &target->addr, 2, 1);
		target->fd = rig_accept(&target->rig, target->listener);
		return;
	}
	must(rig_await(&target->rig, 1) == MC_OK);
	must(memcmp(target->rig.memory + TCP_HEADER_BYTES, body->bytes, body->len) == 0);
}

START_TEST(recorded_targets)
{
	static const char *const files[] = {"py_target_p2p.jsonl", "py_target_http.jsonl"};
	static struct target target[2];		/* version 1, 2 */
	uint8_t *zeros = calloc(1, RIG_BYTES), *got = malloc(RIG_BYTES);
	size_t count, played = 0;
	struct rig_record *records = rig_records(files[_i], &count);

	ck_assert(zeros != NULL && got != NULL);
	target_open(&target[0], 1);
	target_open(&target[1], 2);
	for (size_t i = 0; i < count; i++) {
		struct exchange exchange;

		if (strcmp(records[i].meaning, "data header") != 0)
			continue;
		exchange = exchange_find(records, i, count);
		/* version 1 has no words to refuse with: the target just closed */
		if (exchange.body == NULL && !exchange.refused)
			continue;
		exchange_play(&target[tcp_header_decode(records[i].bytes).version - 1], &exchange,
			      zeros, got);
		played++;
	}
	ck_assert_uint_eq(played, 83);
	target_close(&target[0]);
	target_close(&target[1]);
	rig_records_free(records, count);
	free(zeros);
	free(got);
}
END_TEST

/* ---- pipelining ---- */

START_TEST(requests_go_out_before_answers_come)
{
	uint8_t answers[32 * (8 + 10)];
	struct target target;

	target_open(&target, 2);
	for (uint64_t i = 0; i < 32; i++) {
		rig_post(&target.rig, target.ep, MC_OP_READ, i + 1, REMOTE + i, i * 10, 10);
		memcpy(answers + i * 18, ok, 8);
		memset(answers + i * 18 + 8, (int)i + 1, 10);
	}
	for (uint64_t i = 0; i < 32; i++)
		ck_assert_uint_eq(header_take(&target).addr, REMOTE + i);
	/* cut anywhere */
	for (size_t at = 0; at < sizeof(answers); at += 7) {
		say(&target, answers + at, sizeof(answers) - at < 7 ? sizeof(answers) - at : 7);
		rig_settle(&target.rig);
	}
	for (uint64_t i = 0; i < 32; i++) {
		ck_assert_int_eq(rig_await(&target.rig, i + 1), MC_OK);
		for (uint64_t b = 0; b < 10; b++)
			ck_assert_uint_eq(target.rig.memory[i * 10 + b], i + 1);
	}
	target_close(&target);
}
END_TEST

START_TEST(version_1_ends_with_its_connection)
{
	uint8_t body[5];
	struct target target;

	target_open(&target, 1);
	memcpy(target.rig.memory, "hello", 5);
	rig_post(&target.rig, target.ep, MC_OP_WRITE, 1, REMOTE, 0, 5);
	ck_assert_uint_eq(header_take(&target).version, 1);
	ck_assert(rig_recv(&target.rig, target.fd, body, 5) == 5);
	ck_assert_mem_eq(body, "hello", 5);
	/* our end tells who would serve more that nothing comes; its end is the answer */
	ck_assert(rig_recv(&target.rig, target.fd, body, 1) == 0);
	rig_settle(&target.rig);
	ck_assert(!target.rig.done[1]);
	close(target.fd);
	ck_assert_int_eq(rig_await(&target.rig, 1), MC_OK);
	rig_post(&target.rig, target.ep, MC_OP_READ, 2, REMOTE, 100, 5);
	target.fd = rig_accept(&target.rig, target.listener);
	say(&target, "world", 5);
	ck_assert_int_eq(rig_await(&target.rig, 2), MC_OK);
	ck_assert_mem_eq(target.rig.memory + 100, "world", 5);
	target_close(&target);
}
END_TEST

/* There are no words for a refusal: the target just ends, with the body unread. */
START_TEST(version_1_writes_that_are_refused)
{
	static const uint32_t sizes[] = {1, 5, 100000, RIG_BYTES};
	struct target target;

	target_open(&target, 1);
	for (uint64_t i = 0; i < 4; i++) {
		rig_post(&target.rig, target.ep, MC_OP_WRITE, i + 1, REMOTE, 0, sizes[i]);
		if (i > 0)
			target.fd = rig_accept(&target.rig, target.listener);
		header_take(&target);
		close(target.fd);
		ck_assert_int_eq(rig_await(&target.rig, i + 1), MC_ERR_CONN_CLOSED);
	}
	target_close(&target);
}
END_TEST

/* ---- answers that are none ---- */

static const struct {
	uint8_t status[8];
	enum mc_status expected;
	uint32_t detail;
} answers[] = {
	{{0, 0, 0, 0, 0x56, 0x54, 0x43, 0x4e}, MC_ERR_PROTOCOL, 0},
	{{0}, MC_ERR_PROTOCOL, 0},
	{{7, 0, 0, 0, 0x56, 0x54, 0x43, 0x4d}, MC_ERR_IO, 7},
	{{1, 0, 0, 0, 0x56, 0x54, 0x43, 0x4d}, MC_ERR_ADDRESS_REJECTED, 1},
};

/* Only the one that it is the answer to ends; the others are asked for anew. */
START_TEST(bad_answers)
{
	struct target target;

	target_open(&target, 2);
	for (uint64_t i = 1; i <= 3; i++)
		rig_post(&target.rig, target.ep, MC_OP_READ, i, REMOTE + i, i, 1);
	say(&target, ok, 8);
	say(&target, "a", 1);
	say(&target, answers[_i].status, 8);
	ck_assert_int_eq(rig_await(&target.rig, 1), MC_OK);
	ck_assert_int_eq(rig_await(&target.rig, 2), answers[_i].expected);
	ck_assert_uint_eq(target.rig.detail[2], answers[_i].detail);
	again(&target);
	ck_assert_uint_eq(header_take(&target).addr, REMOTE + 3);
	say(&target, ok, 8);
	say(&target, "c", 1);
	ck_assert_int_eq(rig_await(&target.rig, 3), MC_OK);
	ck_assert_uint_eq(target.rig.memory[3], 'c');
	ck_assert_uint_eq(target.rig.failures, 0);
	target_close(&target);
}
END_TEST

/* Before the body is sent: the peer can only have refused it, or be mad. */
START_TEST(an_early_answer_to_a_write)
{
	struct target target;
	int room = 65536;

	target_open(&target, 2);
	must(setsockopt(target.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) == 0);
	/* more than the kernel takes */
	for (uint64_t i = 1; i <= 4; i++)
		rig_post(&target.rig, target.ep, MC_OP_WRITE, i, REMOTE, 0, RIG_BYTES);
	say(&target, _i == 0 ? ok : rejected, 8);
	ck_assert_int_eq(rig_await(&target.rig, 1),
			 _i == 0 ? MC_ERR_PROTOCOL : MC_ERR_ADDRESS_REJECTED);
	ck_assert(!target.rig.done[2]);
	target_close(&target);
}
END_TEST

START_TEST(bytes_that_nobody_asked_for)
{
	struct target target;

	target_open(&target, 2);
	say(&target, ok, 8);
	rig_settle(&target.rig);
	ck_assert_uint_eq(target.rig.failures, 1);
	/* and works again */
	rig_post(&target.rig, target.ep, MC_OP_READ, 1, REMOTE, 0, 1);
	again(&target);
	header_take(&target);
	say(&target, ok, 8);
	say(&target, "x", 1);
	ck_assert_int_eq(rig_await(&target.rig, 1), MC_OK);
	target_close(&target);
}
END_TEST

/* ---- ends ---- */

START_TEST(a_peer_that_closes_in_the_midst)
{
	struct linger none = {1, 0};
	struct target target;

	target_open(&target, 2);
	rig_post(&target.rig, target.ep, MC_OP_READ, 1, REMOTE, 0, 100);
	rig_post(&target.rig, target.ep, MC_OP_READ, 2, REMOTE, 100, 1);
	say(&target, ok, 8);
	say(&target, "abc", 3);
	rig_settle(&target.rig);
	if (_i == 1)
		setsockopt(target.fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	again(&target);
	ck_assert_int_eq(rig_await(&target.rig, 1), MC_ERR_CONN_CLOSED);
	ck_assert_uint_eq(header_take(&target).size, 1);
	say(&target, ok, 8);
	say(&target, "z", 1);
	ck_assert_int_eq(rig_await(&target.rig, 2), MC_OK);
	target_close(&target);
}
END_TEST

START_TEST(canceled_in_the_midst)
{
	uint8_t bytes[64] = {0};
	struct target target;
	int old;

	target_open(&target, 2);
	for (uint64_t i = 1; i <= 3; i++)
		rig_post(&target.rig, target.ep, MC_OP_READ, i, REMOTE + i, i * 64, 64);
	say(&target, ok, 8);
	say(&target, "abc", 3);
	rig_settle(&target.rig);
	ck_assert_mem_eq(target.rig.memory + 64, "abc", 4);
	target.rig.ops->ep_cancel(target.ep, 1);
	old = target.fd;
	target.fd = rig_accept(&target.rig, target.listener);
	ck_assert(rig_recv(&target.rig, old, bytes, 64) == SIZE_MAX ||
		  rig_recv(&target.rig, old, bytes, 64) == SIZE_MAX);
	close(old);
	ck_assert_int_eq(rig_await(&target.rig, 1), MC_ERR_CANCELED);
	for (uint64_t i = 2; i <= 3; i++) {
		ck_assert_uint_eq(header_take(&target).addr, REMOTE + i);
		say(&target, ok, 8);
		say(&target, bytes, 64);
		ck_assert_int_eq(rig_await(&target.rig, i), MC_OK);
	}
	ck_assert_mem_eq(target.rig.memory + 64, "abc\0", 5);
	target_close(&target);
}
END_TEST

/* The limits are asked once a second: one test for both roles. */
START_TEST(peers_that_stand_still)
{
	uint8_t begun[TCP_HEADER_BYTES] = {100};
	struct target target;
	int fd;

	setenv("MC_TCP_STATUS_TIMEOUT_SEC", "1", 1);
	setenv("MC_TCP_PROGRESS_TIMEOUT_SEC", "1", 1);
	target_open(&target, 2);
	fd = rig_connect(&target.rig);
	rig_send(&target.rig, fd, begun, sizeof(begun) - 1);
	for (uint64_t i = 1; i <= 2; i++)
		rig_post(&target.rig, target.ep, MC_OP_READ, i, REMOTE, 0, 64);
	for (uint64_t i = 1; i <= 2; i++)
		ck_assert_int_eq(rig_await(&target.rig, i), MC_ERR_TIMEOUT);
	ck_assert_uint_eq(target.rig.failures, 0);
	ck_assert(rig_recv(&target.rig, fd, begun, 1) == SIZE_MAX);
	close(fd);
	target_close(&target);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("drivers/tcp/lane");
	TCase *tc = tcase_create("lane");

	tcase_set_timeout(tc, 20);
	tcase_add_loop_test(tc, recorded_targets, 0, 2);
	tcase_add_test(tc, requests_go_out_before_answers_come);
	tcase_add_test(tc, version_1_ends_with_its_connection);
	tcase_add_test(tc, version_1_writes_that_are_refused);
	tcase_add_loop_test(tc, bad_answers, 0, sizeof(answers) / sizeof(answers[0]));
	tcase_add_loop_test(tc, an_early_answer_to_a_write, 0, 2);
	tcase_add_test(tc, bytes_that_nobody_asked_for);
	tcase_add_loop_test(tc, a_peer_that_closes_in_the_midst, 0, 2);
	tcase_add_test(tc, canceled_in_the_midst);
	tcase_add_test(tc, peers_that_stand_still);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
