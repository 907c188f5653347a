/* SPDX-License-Identifier: Apache-2.0 */
/* Upstream's codes against the recorded list of them, and our status in both directions. */
#include <check.h>
#include <limits.h>

#include "core/wire/wire.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"
#include "tests/support/vectors.h"

/* What each status that the master answers with is called by upstream. */
static const struct {
	enum mc_status status;
	const char *name;
} pairs[] = {
	{MC_OK, "OK"},
	{MC_ERR_INTERNAL, "INTERNAL_ERROR"},
	{MC_ERR_INVALID, "INVALID_PARAMS"},
	{MC_ERR_UNSUPPORTED, "NOT_SUPPORTED"},
	{MC_ERR_TIMEOUT, "RPC_TIMEOUT"},
	{MC_ERR_CONN_CLOSED, "RPC_FAIL"},
	{MC_ERR_SEGMENT_NOT_FOUND, "SEGMENT_NOT_FOUND"},
	{MC_ERR_SEGMENT_EXISTS, "SEGMENT_ALREADY_EXISTS"},
	{MC_ERR_CLIENT_NOT_FOUND, "CLIENT_NOT_FOUND"},
	{MC_ERR_NO_SPACE, "NO_AVAILABLE_HANDLE"},
	{MC_ERR_INVALID_KEY, "INVALID_KEY"},
	{MC_ERR_ILLEGAL_CLIENT, "ILLEGAL_CLIENT"},
	{MC_ERR_INVALID_WRITE, "INVALID_WRITE"},
	{MC_ERR_REPLICA_NOT_READY, "REPLICA_IS_NOT_READY"},
	{MC_ERR_OBJECT_NOT_FOUND, "OBJECT_NOT_FOUND"},
	{MC_ERR_OBJECT_EXISTS, "OBJECT_ALREADY_EXISTS"},
	{MC_ERR_OBJECT_LEASED, "OBJECT_HAS_LEASE"},
	{MC_ERR_OBJECT_BUSY, "OBJECT_HAS_REPLICATION_TASK"},
	{MC_ERR_NO_TASK, "OBJECT_NO_REPLICATION_TASK"},
	{MC_ERR_REPLICA_NOT_FOUND, "REPLICA_NOT_FOUND"},
	{MC_ERR_REPLICA_EXISTS, "REPLICA_ALREADY_EXISTS"},
	{MC_ERR_REPLICA_GONE, "REPLICA_IS_GONE"},
	{MC_ERR_LEASE_EXPIRED, "LEASE_EXPIRED"},
	{MC_ERR_TRANSFER, "TRANSFER_FAIL"},
	{MC_ERR_CHECKSUM, "CHECKSUM_MISMATCH"},
	{MC_ERR_UNAVAILABLE_STATE, "UNAVAILABLE_IN_CURRENT_STATUS"},
	{MC_ERR_UNAVAILABLE_MODE, "UNAVAILABLE_IN_CURRENT_MODE"},
	{MC_ERR_INVALID_VERSION, "INVALID_VERSION"},
	{MC_ERR_OFFLOAD_UNAVAILABLE, "UNABLE_OFFLOAD"},
	{MC_ERR_TASK_NOT_FOUND, "TASK_NOT_FOUND"},
	{MC_ERR_TASK_LIMIT, "TASK_PENDING_LIMIT_EXCEEDED"},
	{MC_ERR_JOB_NOT_FOUND, "JOB_NOT_FOUND"},
	{MC_ERR_DFS_UNAVAILABLE, "DFS_SERVICE_UNAVAILABLE"},
	{MC_ERR_TENANT_UNKNOWN, "TENANT_NOT_REGISTERED"},
};

#define PAIRS ((int)(sizeof(pairs) / sizeof(pairs[0])))

static json_t *codes;

static void
setup(void)
{
	codes = vectors_json("error_codes.json");
}

static void
teardown(void)
{
	json_decref(codes);
}

static int32_t
recorded(const char *name)
{
	json_t *code = json_object_get(codes, name);

	ck_assert_msg(json_is_integer(code), "%s is not in error_codes.json", name);
	return (int32_t)json_integer_value(code);
}

START_TEST(a_status_and_its_code_lead_to_each_other)
{
	int32_t code = recorded(pairs[_i].name);

	ck_assert_int_eq(mc_wire_error(pairs[_i].status), code);
	ck_assert_int_eq(mc_wire_error_status(code), pairs[_i].status);
}
END_TEST

static bool
is_paired(const char *name)
{
	for (int i = 0; i < PAIRS; i++) {
		if (strcmp(pairs[i].name, name) == 0)
			return true;
	}
	return false;
}

START_TEST(every_recorded_code_is_known)
{
	const char *name;
	json_t *code;

	ck_assert_uint_gt(json_object_size(codes), 70);
	json_object_foreach(codes, name, code) {
		int32_t number = (int32_t)json_integer_value(code);

		ck_assert_str_eq(mc_wire_error_name(number), name);
		/* the others are all one to us */
		if (!is_paired(name))
			ck_assert_msg(mc_wire_error_status(number) == MC_ERR_INTERNAL, "%s", name);
	}
}
END_TEST

START_TEST(no_code_is_known_that_was_not_recorded)
{
	size_t known = 0;

	for (int32_t code = -5000; code <= 5000; code++) {
		const char *name = mc_wire_error_name(code);

		if (strcmp(name, "UNKNOWN") == 0) {
			must(mc_wire_error_status(code) == MC_ERR_INTERNAL);
			continue;
		}
		ck_assert_int_eq(recorded(name), code);
		known++;
	}
	ck_assert_uint_eq(known, json_object_size(codes));
}
END_TEST

static const int32_t strange[] = {INT32_MIN, INT32_MIN + 1, -123456, 1, 705, 65536, INT32_MAX};

START_TEST(strange_codes_are_internal_errors)
{
	ck_assert_str_eq(mc_wire_error_name(strange[_i]), "UNKNOWN");
	ck_assert_int_eq(mc_wire_error_status(strange[_i]), MC_ERR_INTERNAL);
}
END_TEST

/* Those that upstream has no code for, and what a client is told in their place. */
static const struct {
	enum mc_status status;
	const char *name;
} stand_ins[] = {
	{MC_ERR_TOO_LARGE, "INVALID_PARAMS"}, {MC_ERR_NO_MEMORY, "INTERNAL_ERROR"},
	{MC_ERR_CONN_REFUSED, "RPC_FAIL"},    {MC_ERR_UNREACHABLE, "RPC_FAIL"},
	{MC_ERR_PROTOCOL, "RPC_FAIL"},	      {MC_ERR_IO, "INTERNAL_ERROR"},
	{MC_ERR_BUSY, "INTERNAL_ERROR"},      {MC_ERR_BAD_MESSAGE, "INTERNAL_ERROR"},
};

#define STAND_INS ((int)(sizeof(stand_ins) / sizeof(stand_ins[0])))

START_TEST(a_status_without_a_code_has_a_stand_in)
{
	ck_assert_int_eq(mc_wire_error(stand_ins[_i].status), recorded(stand_ins[_i].name));
}
END_TEST

START_TEST(only_ok_is_sent_as_ok)
{
	for (int status = -1000; status <= 1000; status++) {
		int32_t code = mc_wire_error((enum mc_status)status);

		must((code == 0) == (status == MC_OK));
		must(strcmp(mc_wire_error_name(code), "UNKNOWN") != 0);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("wire/status_map");
	TCase *tc = tcase_create("status_map");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_status_and_its_code_lead_to_each_other, 0, PAIRS);
	tcase_add_test(tc, every_recorded_code_is_known);
	tcase_add_test(tc, no_code_is_known_that_was_not_recorded);
	tcase_add_loop_test(tc, strange_codes_are_internal_errors, 0,
			    sizeof(strange) / sizeof(strange[0]));
	tcase_add_loop_test(tc, a_status_without_a_code_has_a_stand_in, 0, STAND_INS);
	tcase_add_test(tc, only_ok_is_sent_as_ok);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return suite_run(suite(), CK_FORK_GETENV);
}
