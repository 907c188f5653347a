/* SPDX-License-Identifier: Apache-2.0 */
/* Who is alive: what restarts a client's TTL, and what its end takes along. */
#include <check.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/master/state.h"
#include "tests/support/sim_segment.h"
#include "tests/support/sim_suite.h"

#define SIZE	(16 * SIM_MIB)
#define TTL_MS	5000u
#define TICK_MS 1000u /* who is alive is looked at once a second */

static struct sim_client client, other;
static char expired[256];

/* Names of segments whose client is gone, each with a blank behind it. */
static void
note_expired(void *context, const char *segment_name)
{
	char *text = context;

	strcat(text, segment_name);
	strcat(text, " ");
}

static void
setup(void)
{
	struct mc_master_params params;

	expired[0] = '\0';
	mc_master_params_init(&params);
	params.client_ttl_ns = TTL_MS * MC_NS_PER_MS;
	params.client_expired = note_expired;
	params.context = expired;
	sim_master_open(&params);
	client = sim_client_open(1, MC_RELEASE_NEWEST);
	other = sim_client_open(2, MC_RELEASE_NEWEST);
}

static const struct mc_master_stats *
stats(void)
{
	return mc_master_stats(sim_master());
}

static bool
mounted(const char *name)
{
	return sim_segment_status(&other, name) != -101;
}

/* @client has segment "a:1" and is ok; its TTL runs from now. */
static void
client_begin(void)
{
	ck_assert_int_eq(sim_mount(&client, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_remount_nothing(&client), 0);
}

/* ---- the TTL ---- */

START_TEST(silence_for_the_ttl_unmounts)
{
	client_begin();
	ck_assert_int_eq(sim_put(&client, "k", 100), 0);
	sim_advance_ms(TTL_MS - 10);
	ck_assert(sim_exist(&other, "k"));
	sim_advance_ms(10);
	ck_assert(!sim_exist(&other, "k"));
	ck_assert(!mounted("a:1"));
	ck_assert_str_eq(expired, "a:1 ");
	ck_assert_uint_eq(sim_stat(&stats()->clients), 0);
	ck_assert_uint_eq(sim_stat(&stats()->clients_expired), 1);
	ck_assert_uint_eq(sim_stat(&stats()->capacity_bytes), 0);
	ck_assert_int_eq(sim_ping(&client), MC_CLIENT_NEED_REMOUNT);
}
END_TEST

START_TEST(a_ping_restarts_the_ttl)
{
	client_begin();
	for (int i = 0; i < 5; i++) {
		sim_advance_ms(TTL_MS - 10);
		ck_assert_int_eq(sim_ping(&client), MC_CLIENT_OK);
	}
	sim_advance_ms(TTL_MS - 10);
	ck_assert(mounted("a:1"));
	sim_advance_ms(TICK_MS + 10);
	ck_assert(!mounted("a:1"));
}
END_TEST

START_TEST(a_mount_restarts_the_ttl)
{
	client_begin();
	sim_advance_ms(TTL_MS - 10);
	ck_assert_int_eq(sim_mount(&client, "a:1", 1, SIZE), 0); /* there already */
	sim_advance_ms(TTL_MS - 10);
	ck_assert_int_eq(sim_mount(&client, "b:1", 2, SIZE), 0);
	sim_advance_ms(TTL_MS - 10);
	ck_assert(mounted("a:1"));
}
END_TEST

START_TEST(a_remount_restarts_the_ttl_of_who_was_not_ok)
{
	ck_assert_int_eq(sim_mount(&client, "a:1", 1, SIZE), 0);
	sim_advance_ms(TTL_MS - 10);
	ck_assert_int_eq(sim_remount_nothing(&client), 0);
	sim_advance_ms(TTL_MS - 10);
	ck_assert(mounted("a:1"));
	ck_assert_int_eq(sim_remount_nothing(&client), 0); /* ok already */
	sim_advance_ms(TICK_MS + 10);
	ck_assert(!mounted("a:1"));
}
END_TEST

START_TEST(other_calls_are_no_signs_of_life)
{
	client_begin();
	sim_advance_ms(TTL_MS - 10);
	ck_assert_int_eq(sim_put(&client, "k", 100), 0);
	ck_assert(sim_exist(&client, "k"));
	ck_assert_int_eq(sim_unmount(&client, 7), 0);
	ck_assert_int_eq(sim_unmount_gracefully(&client, 1, 60000), 0);
	sim_advance_ms(10);
	ck_assert(!mounted("a:1"));
}
END_TEST

/* ---- what expires ---- */

START_TEST(every_segment_of_a_dead_client_goes)
{
	client_begin();
	ck_assert_int_eq(sim_mount(&other, "o:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_mount(&client, "b:1", 2, SIZE), 0);
	ck_assert_int_eq(sim_mount(&client, "c:1", 3, SIZE), 0);
	ck_assert_int_eq(sim_unmount_gracefully(&client, 2, 3600000), 0);
	sim_advance_ms(TTL_MS - 10);
	sim_ping(&other);
	sim_advance_ms(10);
	ck_assert_str_eq(expired, "a:1 b:1 c:1 ");
	ck_assert(!mounted("a:1") && !mounted("b:1") && !mounted("c:1"));
	ck_assert(mounted("o:1"));
}
END_TEST

START_TEST(objects_with_a_replica_elsewhere_survive_their_client)
{
	struct mc_replicate_config twice = {.replica_num = 2};

	client_begin();
	ck_assert_int_eq(sim_mount(&other, "o:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_put_as(&client, "both", 100, &twice), 0);
	ck_assert_int_eq(sim_put_start(&client, "late", 100, &twice, NULL), 0);
	sim_advance_ms(TTL_MS - 10);
	sim_ping(&other);
	sim_advance_ms(10);
	ck_assert(!mounted("a:1"));
	ck_assert_str_eq(sim_where(&other, "both"), "o:1 ");
	/* what it had begun is still its own */
	ck_assert_int_eq(sim_put_end(&other, "late"), -601);
	ck_assert_int_eq(sim_put_end(&client, "late"), 0);
	ck_assert_str_eq(sim_where(&other, "late"), "o:1 ");
}
END_TEST

START_TEST(a_client_comes_back_with_its_memory_but_without_objects)
{
	struct mc_segment_desc desc = sim_segment(&client, "a:1", 1, SIZE);

	client_begin();
	ck_assert_int_eq(sim_put(&client, "k", 100), 0);
	sim_advance_ms(TTL_MS);
	ck_assert_int_eq(sim_ping(&client), MC_CLIENT_NEED_REMOUNT);
	ck_assert_int_eq(sim_remount(&client, &desc, 1), 0);
	ck_assert_int_eq(sim_ping(&client), MC_CLIENT_OK);
	ck_assert_int_eq(sim_segment_status_by_id(&client, 1), MC_SEGMENT_OK);
	ck_assert(!sim_exist(&client, "k"));
	ck_assert_int_eq(sim_put(&client, "k", 100), 0);
}
END_TEST

START_TEST(a_client_that_only_pings_expires_harmlessly)
{
	ck_assert_int_eq(sim_ping(&client), MC_CLIENT_NEED_REMOUNT);
	ck_assert_int_eq(sim_remount_nothing(&client), 0);
	ck_assert_int_eq(sim_ping(&client), MC_CLIENT_OK);
	sim_advance_ms(TTL_MS);
	ck_assert_uint_eq(sim_stat(&stats()->clients_expired), 1);
	ck_assert_str_eq(expired, "");
	sim_advance_ms(2 * TTL_MS);
	ck_assert_uint_eq(sim_stat(&stats()->clients_expired), 1);
	ck_assert_int_eq(sim_ping(&client), MC_CLIENT_NEED_REMOUNT);
}
END_TEST

START_TEST(a_client_that_mounted_nothing_need_not_ping)
{
	client_begin();
	ck_assert_int_eq(sim_put(&other, "k", 100), 0);
	for (int i = 0; i < 10; i++) {
		sim_advance_ms(TTL_MS - 10);
		sim_ping(&client);
	}
	ck_assert_uint_eq(sim_stat(&stats()->clients_expired), 0);
	ck_assert(sim_exist(&client, "k"));
}
END_TEST

START_TEST(a_client_lives_on_without_its_segments)
{
	client_begin();
	ck_assert_int_eq(sim_unmount(&client, 1), 0);
	ck_assert_int_eq(sim_ping(&client), MC_CLIENT_OK);
	ck_assert_uint_eq(sim_stat(&stats()->clients), 1);
	sim_advance_ms(TTL_MS);
	ck_assert_int_eq(sim_ping(&client), MC_CLIENT_NEED_REMOUNT);
	ck_assert_uint_eq(sim_stat(&stats()->clients), 0);
}
END_TEST

/* ---- entries ---- */

static struct sim_client
somebody(uint64_t number)
{
	struct sim_client somebody = client; /* over the same connection */

	somebody.id = (struct mc_uuid){number, number};
	return somebody;
}

START_TEST(a_writers_entry_lasts_as_long_as_its_objects)
{
	client_begin();
	for (uint64_t i = 0; i < 1000; i++) {
		struct sim_client writer = somebody(100 + i);

		ck_assert_int_eq(sim_put(&writer, "k", 100), 0);
		ck_assert_int_eq(sim_put(&writer, "l", 100), 0);
		ck_assert_int_eq(sim_remove(&writer, "k", false), 0);
		ck_assert_uint_ne(mc_client_find(sim_master(), writer.id), MC_NUMBER_NONE);
		ck_assert_int_eq(sim_remove(&writer, "l", false), 0);
		ck_assert_uint_eq(mc_client_find(sim_master(), writer.id), MC_NUMBER_NONE);
	}
	ck_assert_uint_eq(sim_master()->clients_used, 2);
}
END_TEST

START_TEST(a_refused_call_leaves_no_entry)
{
	struct mc_segment_desc foreign = sim_segment(&client, "a:1", 1, SIZE);

	client_begin();
	ck_assert_int_eq(sim_remount(&other, &foreign, 1), -600);
	ck_assert_int_eq(sim_put(&other, "k", 2 * SIZE), -200);
	ck_assert_int_eq(sim_put(&other, "", 1), -600);
	ck_assert_int_eq(sim_unmount_gracefully(&other, 1, 0), -101);
	ck_assert_uint_eq(mc_client_find(sim_master(), other.id), MC_NUMBER_NONE);
}
END_TEST

/* More than a first allocation holds; they come and go twice. */
START_TEST(the_entries_of_the_dead_are_used_again)
{
	for (uint64_t generation = 1; generation <= 2; generation++) {
		for (uint64_t i = 0; i < 300; i++) {
			struct sim_client pinger = somebody(generation * 1000 + i);

			ck_assert_int_eq(sim_ping(&pinger), MC_CLIENT_NEED_REMOUNT);
		}
		sim_advance_ms(TTL_MS);
		ck_assert_uint_eq(sim_stat(&stats()->clients_expired), generation * 300);
	}
	ck_assert_uint_eq(sim_master()->clients_used, 300);
	ck_assert_uint_eq(mc_client_find(sim_master(), somebody(2299).id), MC_NUMBER_NONE);
}
END_TEST

static TCase *
ttl(void)
{
	TCase *tc = tcase_create("ttl");

	tcase_add_test(tc, silence_for_the_ttl_unmounts);
	tcase_add_test(tc, a_ping_restarts_the_ttl);
	tcase_add_test(tc, a_mount_restarts_the_ttl);
	tcase_add_test(tc, a_remount_restarts_the_ttl_of_who_was_not_ok);
	tcase_add_test(tc, other_calls_are_no_signs_of_life);
	return tc;
}

static TCase *
expiry(void)
{
	TCase *tc = tcase_create("expiry");

	tcase_add_test(tc, every_segment_of_a_dead_client_goes);
	tcase_add_test(tc, objects_with_a_replica_elsewhere_survive_their_client);
	tcase_add_test(tc, a_client_comes_back_with_its_memory_but_without_objects);
	tcase_add_test(tc, a_client_that_only_pings_expires_harmlessly);
	tcase_add_test(tc, a_client_that_mounted_nothing_need_not_ping);
	tcase_add_test(tc, a_client_lives_on_without_its_segments);
	return tc;
}

static TCase *
entries(void)
{
	TCase *tc = tcase_create("entries");

	tcase_add_test(tc, a_writers_entry_lasts_as_long_as_its_objects);
	tcase_add_test(tc, a_refused_call_leaves_no_entry);
	tcase_add_test(tc, the_entries_of_the_dead_are_used_again);
	return tc;
}

int
main(void)
{
	TCase *cases[] = {ttl(), expiry(), entries(), NULL};

	return sim_suite_run("master/client", cases, setup);
}
