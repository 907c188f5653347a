/* SPDX-License-Identifier: Apache-2.0 */
/* The calls with which a client of any release begins and stays. */
#include <string.h>

#include "core/base/clock.h"
#include "tests/support/sim_copy.h"
#include "tests/support/sim_master.h"
#include "tests/support/sim_upsert.h"

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

/* ---- ClientFeatures ---- */

static uint64_t
features_ask(struct sim_client *asker, uint64_t features)
{
	struct mc_args args = sim_args(asker);
	struct mc_result_i64 result = {0};

	args.features = features;
	ck_assert_int_eq(sim_call(asker, MC_FN_CLIENT_FEATURES, &args, &result), 0);
	return (uint64_t)result.value;
}

/* The id of the only replica of @key. */
static uint64_t
id_of(const char *key)
{
	struct mc_replica_desc desc;

	ck_assert_int_eq(sim_get(&client, key, &desc, 1), 1);
	return desc.id;
}

static bool
promised(const char *key)
{
	return (id_of(key) & MC_REPLICA_PROMISE) != 0;
}

/* One that promises trailers, and one of upstream's; each has a segment. */
static struct sim_client ours, theirs;

static void
setup_features(void)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.client_ttl_ns = 24 * 3600 * MC_NS_PER_S;	/* nobody pings */
	sim_master_open(&params);
	client = sim_client_open(1, MC_RELEASE_NEWEST);
	ours = sim_client_open(2, MC_RELEASE_NEWEST);
	theirs = sim_client_open(3, MC_RELEASE_NEWEST);
	ck_assert_int_eq(sim_mount(&ours, "ours:1", 1, 16 * SIM_MIB), 0);
	ck_assert_int_eq(sim_mount(&theirs, "theirs:1", 2, 16 * SIM_MIB), 0);
	ck_assert_uint_eq(features_ask(&ours, MC_FEATURE_TRAILER), MC_FEATURE_TRAILER);
}

START_TEST(only_what_is_known_is_granted)
{
	ck_assert_uint_eq(features_ask(&client, UINT64_MAX), MC_FEATURE_TRAILER);
	ck_assert_uint_eq(features_ask(&client, UINT64_MAX - MC_FEATURE_TRAILER), 0);
	ck_assert_uint_eq(features_ask(&client, 0), 0);
}
END_TEST

START_TEST(a_promise_is_of_one_connection)
{
	struct sim_client again = sim_client_open(2, MC_RELEASE_NEWEST);

	ck_assert_int_eq(sim_put(&ours, "a", 1000), 0);
	ck_assert_int_eq(sim_put(&theirs, "b", 1000), 0);
	/* the same client on another connection has promised nothing there */
	ck_assert_int_eq(sim_put(&again, "c", 1000), 0);
	ck_assert(promised("a") && !promised("b") && !promised("c"));
	ck_assert_uint_eq(features_ask(&ours, 0), 0);
	ck_assert_int_eq(sim_put(&ours, "d", 1000), 0);
	ck_assert(!promised("d") && promised("a"));
}
END_TEST

/* In place or elsewhere: what was promised of the bytes before says nothing of the new ones. */
START_TEST(an_upsert_has_the_promise_of_its_writer)
{
	uint64_t first, second;

	ck_assert_int_eq(sim_put(&ours, "a", 1000), 0);
	first = id_of("a");
	sim_advance_ms(60000);		/* no reader is left */
	ck_assert_int_eq(sim_upsert(&theirs, "a", 1000, NULL), 0);
	second = id_of("a");
	ck_assert((second & MC_REPLICA_PROMISE) == 0);
	ck_assert_uint_gt(second, first & ~MC_REPLICA_PROMISE);
	sim_advance_ms(60000);
	ck_assert_int_eq(sim_upsert(&ours, "a", 1000, NULL), 0);
	ck_assert(promised("a"));
	ck_assert_uint_gt(id_of("a") & ~MC_REPLICA_PROMISE, second);
	sim_advance_ms(60000);
	ck_assert_int_eq(sim_upsert(&theirs, "a", 2000, NULL), 0);
	ck_assert(!promised("a"));
}
END_TEST

/* The client that copies writes the trailer, whoever wrote the object. */
START_TEST(a_moved_object_has_the_promise_of_its_mover)
{
	uint64_t before;

	ck_assert_int_eq(sim_put_on(&theirs, "a", 1000, "theirs:1"), 0);
	before = id_of("a");
	ck_assert((before & MC_REPLICA_PROMISE) == 0);
	ck_assert_int_eq(sim_move(&ours, "a", "theirs:1", "ours:1"), 0);
	ck_assert(promised("a"));
	ck_assert_uint_gt(id_of("a") & ~MC_REPLICA_PROMISE, before);
	ck_assert_int_eq(sim_move(&theirs, "a", "ours:1", "theirs:1"), 0);
	ck_assert(!promised("a"));
}
END_TEST

START_TEST(each_copy_has_the_promise_of_its_copier)
{
	struct mc_replica_desc descs[2];

	ck_assert_int_eq(sim_put_on(&ours, "a", 1000, "ours:1"), 0);
	ck_assert_int_eq(sim_copy(&theirs, "a", "ours:1", "theirs:1"), 0);
	ck_assert_int_eq(sim_get(&client, "a", descs, 2), 2);
	ck_assert((descs[0].id & MC_REPLICA_PROMISE) != 0);
	ck_assert((descs[1].id & MC_REPLICA_PROMISE) == 0);
}
END_TEST

static void
wait_send(struct sim_client *writer, const char *key, uint64_t size)
{
	static struct mc_str name;
	static uint64_t length;
	struct mc_args args = sim_args(writer);

	name = sim_str(key);
	length = size;
	args.keys = (struct mc_vec){&name, 1, sizeof(name), 0, 0};
	args.slice_lengths = (struct mc_vec){&length, 1, sizeof(length), 0, 0};
	args.config.replica_num = 1;
	args.timeout_ms = 5000;
	sim_send(writer, MC_FN_BATCH_PUT_START_WAIT, &args);
	sim_settle();
}

/* The space comes by a call of somebody else's. */
START_TEST(a_put_that_waited_has_its_own_promise)
{
	const struct mc_replicate_config pinned = {.replica_num = 1, .with_hard_pin = true};
	struct sim_client *const writers[] = {&ours, &theirs};
	struct mc_result_vec result;

	for (int i = 0; i < 2; i++) {
		const char *full[] = {"x", "y"};

		for (int j = 0; j < 2; j++) {
			ck_assert_int_eq(sim_put_start(&client, full[j], 15 * SIM_MIB, &pinned,
						       NULL), 0);
			ck_assert_int_eq(sim_put_end(&client, full[j]), 0);
		}
		wait_send(writers[i], "a", 14 * SIM_MIB);
		ck_assert(!sim_answered(writers[i]));
		ck_assert_int_eq(sim_remove(writers[1 - i], "x", true), 0);
		sim_settle();
		ck_assert(sim_answered(writers[i]));
		ck_assert_int_eq(sim_receive(writers[i], MC_FN_BATCH_PUT_START_WAIT, &result), 0);
		ck_assert_int_eq(sim_put_end(writers[i], "a"), 0);
		ck_assert_int_eq(promised("a"), i == 0);
		ck_assert_int_eq(sim_remove(&client, "a", true), 0);
		ck_assert_int_eq(sim_remove(&client, "y", true), 0);
		sim_settle();
	}
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
	tc = sim_tcase(suite, "features", setup_features);
	tcase_add_test(tc, only_what_is_known_is_granted);
	tcase_add_test(tc, a_promise_is_of_one_connection);
	tcase_add_test(tc, an_upsert_has_the_promise_of_its_writer);
	tcase_add_test(tc, a_moved_object_has_the_promise_of_its_mover);
	tcase_add_test(tc, each_copy_has_the_promise_of_its_copier);
	tcase_add_test(tc, a_put_that_waited_has_its_own_promise);
	return sim_run(suite);
}
