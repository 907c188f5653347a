/* SPDX-License-Identifier: Apache-2.0 */
/* The calls with which a client of any release begins and stays. */
#include <string.h>

#include "core/base/clock.h"
#include "tests/support/sim_master.h"

static struct sim_client client;

static void
setup(void)
{
	sim_master_open(NULL);
}

static void
expect_text(struct mc_str text, const char *wanted)
{
	ck_assert_uint_eq(text.len, strlen(wanted));
	ck_assert(text.len == 0 || memcmp(text.ptr, wanted, text.len) == 0);
}

/*
 * A client of the release that the loop is at, by a port of its own: most of these calls look the
 * same in every release, and are the first that a client makes. False: the release has no @fn.
 */
static bool
client_of(int release, enum mc_fn fn)
{
	client = sim_client_open(1, (enum mc_release)release);
	sim_client_restrict(&client);
	return (mc_fn_releases(fn) & MC_RELEASE_BIT(release)) != 0;
}

static int32_t
ask(enum mc_fn fn, void *result_out)
{
	struct mc_args args = sim_args(&client);

	args.batch_size = 16;
	return sim_call(&client, fn, &args, result_out);
}

START_TEST(every_release_hears_its_protocol_version)
{
	struct mc_result_str result = {0};

	if (!client_of(_i, MC_FN_SERVICE_READY)) {
		ck_assert_int_eq(_i, MC_RELEASE_0_3_6);
		return;
	}
	ck_assert_int_eq(ask(MC_FN_SERVICE_READY, &result), 0);
	/* 0.3.7 compares nothing, and wants no text */
	if (_i >= MC_RELEASE_0_3_8)
		expect_text(result.value, "2.0.0");
}
END_TEST

START_TEST(no_release_hears_of_a_file_system)
{
	struct mc_result_str fsdir = {0};
	struct mc_result_storage storage = {0};

	if (client_of(_i, MC_FN_GET_STORAGE_CONFIG)) {
		ck_assert_int_eq(ask(MC_FN_GET_STORAGE_CONFIG, &storage), 0);
		expect_text(storage.fsdir, "");
		ck_assert(storage.enable_disk_eviction);
		ck_assert_uint_eq(storage.quota_bytes, 0);
	}
	/* the first release said it with an error */
	ck_assert_int_eq(ask(MC_FN_GET_FSDIR, &fsdir), _i == MC_RELEASE_0_3_6 ? -600 : 0);
	expect_text(fsdir.value, "");
}
END_TEST

START_TEST(there_are_no_tasks_in_any_release)
{
	struct mc_result_vec result;

	if (!client_of(_i, MC_FN_FETCH_TASKS))
		return;
	ck_assert_int_eq(ask(MC_FN_FETCH_TASKS, &result), 0);
	ck_assert_uint_eq(result.value.count, 0);
}
END_TEST

START_TEST(a_client_of_any_release_comes_and_stays)
{
	struct mc_result_ping result;

	client_of(_i, MC_FN_PING);
	ck_assert_int_eq(sim_ping(&client), MC_CLIENT_NEED_REMOUNT);
	/* mounting alone makes nobody "ok" */
	ck_assert_int_eq(sim_mount(&client, "a:1", 1, SIM_MIB), 0);
	ck_assert_int_eq(sim_ping(&client), MC_CLIENT_NEED_REMOUNT);
	ck_assert_int_eq(sim_remount_nothing(&client), 0);
	for (int s = 0; s < 30; s++) {
		ck_assert_int_eq(sim_ping(&client), MC_CLIENT_OK);
		sim_advance_ms(1000);
	}
	ck_assert_int_eq(ask(MC_FN_PING, &result), 0);
	ck_assert_int_eq(result.view_version, 0);
	sim_advance_ms(11000);
	ck_assert_int_eq(sim_ping(&client), MC_CLIENT_NEED_REMOUNT);
}
END_TEST

START_TEST(clients_hear_what_was_configured)
{
	struct mc_master_params params;
	struct mc_result_storage storage;

	sim_master_close();
	mc_master_params_init(&params);
	params.enable_disk_eviction = false;
	params.quota_bytes = 1ull << 40;
	sim_master_open(&params);
	client_of(MC_RELEASE_NEWEST, MC_FN_GET_STORAGE_CONFIG);
	ck_assert_int_eq(ask(MC_FN_GET_STORAGE_CONFIG, &storage), 0);
	ck_assert(!storage.enable_disk_eviction);
	ck_assert_uint_eq(storage.quota_bytes, 1ull << 40);
}
END_TEST

START_TEST(a_ping_is_of_one_client)
{
	struct sim_client other = sim_client_open(2, MC_RELEASE_NEWEST);

	client_of(MC_RELEASE_NEWEST, MC_FN_PING);
	ck_assert_int_eq(sim_remount_nothing(&client), 0);
	ck_assert_int_eq(sim_ping(&client), MC_CLIENT_OK);
	ck_assert_int_eq(sim_ping(&other), MC_CLIENT_NEED_REMOUNT);
	/* a connection is not an identity */
	other.id = client.id;
	ck_assert_int_eq(sim_ping(&other), MC_CLIENT_OK);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("master/session");
	TCase *tc = sim_tcase(suite, "session", setup);

	tcase_add_loop_test(tc, every_release_hears_its_protocol_version, 0, MC_RELEASE_COUNT);
	tcase_add_loop_test(tc, no_release_hears_of_a_file_system, 0, MC_RELEASE_COUNT);
	tcase_add_loop_test(tc, there_are_no_tasks_in_any_release, 0, MC_RELEASE_COUNT);
	tcase_add_loop_test(tc, a_client_of_any_release_comes_and_stays, 0, MC_RELEASE_COUNT);
	tcase_add_test(tc, clients_hear_what_was_configured);
	tcase_add_test(tc, a_ping_is_of_one_client);
	return sim_run(suite);
}
