/* SPDX-License-Identifier: Apache-2.0 */
/* The calls about segments: what they refuse, and what they leave behind. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/sim_segment.h"
#include "tests/support/sim_suite.h"

#define SIZE	 (16 * SIM_MIB)
#define NAME_MAX 4096u /* of core/master */

static struct sim_client owner, other;

static void
setup(void)
{
	sim_master_open(NULL);
	owner = sim_client_open(1, MC_RELEASE_NEWEST);
	other = sim_client_open(2, MC_RELEASE_NEWEST);
}

static uint64_t
segments(void)
{
	return sim_stat(&mc_master_stats(sim_master())->segments);
}

static uint64_t
capacity(void)
{
	return sim_stat(&mc_master_stats(sim_master())->capacity_bytes);
}

/* In steps that keep @owner alive. */
static void
owner_lives_ms(uint64_t ms)
{
	for (; ms > 0; ms -= 500) {
		sim_advance_ms(500);
		sim_ping(&owner);
	}
}

/* ---- MountSegment ---- */

START_TEST(what_holds_nothing_is_not_mounted)
{
	struct mc_segment_desc good = sim_segment(&owner, "a:1", 1, SIZE), bad;

	bad = good;
	bad.base = 0;
	ck_assert_int_eq(sim_mount_desc(&owner, &bad), -600);
	bad = good;
	bad.size = 0;
	ck_assert_int_eq(sim_mount_desc(&owner, &bad), -600);
	bad.size = 1; /* less than any object takes */
	ck_assert_int_eq(sim_mount_desc(&owner, &bad), -600);
	bad.size = UINT64_MAX; /* past the end of all addresses */
	ck_assert_int_eq(sim_mount_desc(&owner, &bad), -600);
	bad.size = (1ull << 46) + 1;
	ck_assert_int_eq(sim_mount_desc(&owner, &bad), -600);
	ck_assert_uint_eq(segments(), 0);
	ck_assert_uint_eq(capacity(), 0);
	ck_assert_int_eq(sim_segment_status(&owner, "a:1"), -101);
	ck_assert_int_eq(sim_mount_desc(&owner, &good), 0);
}
END_TEST

START_TEST(names_are_neither_empty_nor_endless)
{
	char *name = calloc(1, NAME_MAX + 2);
	struct mc_segment_desc desc = sim_segment(&owner, "a:1", 1, SIZE);

	memset(name, 'n', NAME_MAX + 1);
	desc.name = sim_str("");
	ck_assert_int_eq(sim_mount_desc(&owner, &desc), -600);
	desc.name = sim_str(name);
	ck_assert_int_eq(sim_mount_desc(&owner, &desc), -600);
	desc.name.len--;
	ck_assert_int_eq(sim_mount_desc(&owner, &desc), 0);
	name[NAME_MAX] = '\0';
	ck_assert_int_eq(sim_segment_status(&owner, name), MC_SEGMENT_OK);
	free(name);
}
END_TEST

START_TEST(mounting_again_is_ok_whatever_it_says)
{
	struct mc_segment_desc desc = sim_segment(&owner, "a:1", 1, SIZE);

	ck_assert_int_eq(sim_mount_desc(&owner, &desc), 0);
	desc.size = 2 * SIZE;
	desc.name = sim_str("b:1");
	ck_assert_int_eq(sim_mount_desc(&owner, &desc), 0);
	ck_assert_uint_eq(segments(), 1);
	ck_assert_uint_le(capacity(), SIZE);
	ck_assert_int_eq(sim_segment_status(&owner, "b:1"), -101);
}
END_TEST

START_TEST(a_segment_without_an_endpoint_is_reached_by_its_name)
{
	struct mc_segment_desc desc = sim_segment(&owner, "a:1", 1, SIZE);

	desc.te_endpoint = sim_str("");
	ck_assert_int_eq(sim_mount_desc(&owner, &desc), 0);
	ck_assert_int_eq(sim_put(&owner, "k", 100), 0);
	ck_assert_str_eq(sim_where(&owner, "k"), "a:1 ");
}
END_TEST

START_TEST(a_segment_that_leaves_cannot_be_mounted)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_unmount_gracefully(&owner, 1, 2000), 0);
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), -1010);
	owner_lives_ms(4000);
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_segment_status(&owner, "a:1"), MC_SEGMENT_OK);
}
END_TEST

/* ---- ReMountSegment ---- */

START_TEST(only_a_remount_makes_a_client_ok)
{
	struct mc_segment_desc descs[2] = {sim_segment(&owner, "a:1", 1, SIZE),
					   sim_segment(&owner, "b:1", 2, SIZE)};

	ck_assert_int_eq(sim_ping(&owner), MC_CLIENT_NEED_REMOUNT);
	ck_assert_int_eq(sim_mount_desc(&owner, &descs[0]), 0);
	ck_assert_int_eq(sim_ping(&owner), MC_CLIENT_NEED_REMOUNT);
	ck_assert_int_eq(sim_remount(&owner, descs, 2), 0);
	ck_assert_int_eq(sim_ping(&owner), MC_CLIENT_OK);
	ck_assert_int_eq(sim_ping(&other), MC_CLIENT_NEED_REMOUNT);
	ck_assert_uint_eq(segments(), 2);
	ck_assert_uint_eq(sim_stat(&mc_master_stats(sim_master())->clients), 1);
}
END_TEST

/* Whatever is said to be mounted must be mounted just so; what stands before it is not either. */
static void
remount_refused(struct sim_client *client, struct mc_segment_desc changed)
{
	struct mc_segment_desc descs[2] = {sim_segment(&owner, "new:1", 9, SIZE), changed};

	ck_assert_int_eq(sim_remount(client, descs, 2), -600);
	ck_assert_int_eq(sim_ping(client), MC_CLIENT_NEED_REMOUNT);
	ck_assert_uint_eq(segments(), 1);
	ck_assert_int_eq(sim_segment_status(&owner, "new:1"), -101);
}

START_TEST(a_remount_of_something_else_changes_nothing)
{
	struct mc_segment_desc mounted = sim_segment(&owner, "a:1", 1, SIZE), changed;

	ck_assert_int_eq(sim_mount_desc(&owner, &mounted), 0);
	changed = mounted;
	changed.name = sim_str("b:1");
	remount_refused(&owner, changed);
	changed = mounted;
	changed.base += 64;
	remount_refused(&owner, changed);
	changed = mounted;
	changed.size -= 64;
	remount_refused(&owner, changed);
	changed = mounted;
	changed.te_endpoint = sim_str("a:2");
	remount_refused(&owner, changed);
	changed = mounted;
	changed.protocol = sim_str("rdma");
	remount_refused(&owner, changed);
	changed = mounted;
	changed.host_id = sim_str("host");
	remount_refused(&owner, changed);
	remount_refused(&other, mounted);
	ck_assert_int_eq(sim_remount(&owner, &mounted, 1), 0);
	ck_assert_int_eq(sim_ping(&owner), MC_CLIENT_OK);
}
END_TEST

START_TEST(a_remount_leaves_out_what_cannot_be_mounted)
{
	struct mc_segment_desc descs[3] = {sim_segment(&owner, "a:1", 1, SIZE),
					   sim_segment(&owner, "b:1", 2, 0),
					   sim_segment(&owner, "c:1", 3, SIZE)};

	ck_assert_int_eq(sim_remount(&owner, descs, 3), 0);
	ck_assert_int_eq(sim_ping(&owner), MC_CLIENT_OK);
	ck_assert_uint_eq(segments(), 2);
	ck_assert_int_eq(sim_segment_status(&owner, "b:1"), -101);
	ck_assert_int_eq(sim_segment_status(&owner, "c:1"), MC_SEGMENT_OK);
}
END_TEST

START_TEST(a_remount_of_an_ok_client_mounts_nothing)
{
	struct mc_segment_desc desc = sim_segment(&owner, "a:1", 1, SIZE);

	ck_assert_int_eq(sim_remount(&owner, NULL, 0), 0);
	ck_assert_int_eq(sim_ping(&owner), MC_CLIENT_OK);
	ck_assert_int_eq(sim_remount(&owner, &desc, 1), 0);
	ck_assert_uint_eq(segments(), 0);
	ck_assert_int_eq(sim_mount_desc(&owner, &desc), 0);
	ck_assert_uint_eq(segments(), 1);
	ck_assert_int_eq(sim_remount(&owner, &desc, 1), 0);
	desc.size /= 2; /* and yet looks at what it is told */
	ck_assert_int_eq(sim_remount(&owner, &desc, 1), -600);
}
END_TEST

/* ---- UnmountSegment ---- */

START_TEST(unmounting_what_is_not_there_is_ok)
{
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	ck_assert_uint_eq(segments(), 0);
}
END_TEST

START_TEST(an_unmount_takes_what_lay_there_alone)
{
	struct mc_replicate_config twice = {.replica_num = 2};

	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_remount_nothing(&owner), 0);
	ck_assert_int_eq(sim_put(&owner, "alone", 100), 0);
	ck_assert_int_eq(sim_put_start(&owner, "unfinished", 100, NULL, NULL), 0);
	ck_assert_int_eq(sim_mount(&owner, "b:1", 2, SIZE), 0);
	ck_assert_int_eq(sim_put_as(&owner, "both", 100, &twice), 0);
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	ck_assert(!sim_exist(&owner, "alone"));
	ck_assert_int_eq(sim_put_end(&owner, "unfinished"), -704);
	ck_assert_str_eq(sim_where(&owner, "both"), "b:1 ");
	ck_assert_int_eq(sim_segment_status(&owner, "a:1"), -101);
	ck_assert_int_eq(sim_ping(&owner), MC_CLIENT_OK);
	sim_settle();
	ck_assert_uint_eq(sim_stat(&mc_master_stats(sim_master())->objects), 1);
}
END_TEST

START_TEST(a_key_is_free_again_at_once)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_put(&owner, "k", 100), 0);
	ck_assert_int_eq(sim_mount(&owner, "b:1", 2, SIZE), 0);
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	ck_assert_int_eq(sim_put(&owner, "k", 200), 0);
	ck_assert_str_eq(sim_where(&owner, "k"), "b:1 ");
	sim_settle();
	ck_assert_str_eq(sim_where(&owner, "k"), "b:1 ");
}
END_TEST

/* ---- GracefulUnmountSegment ---- */

static int32_t
leave(struct sim_client *client, struct mc_uuid id)
{
	struct mc_args args = sim_args(client);
	struct mc_result_void result;

	args.id = id;
	args.grace_period_ms = 1000;
	return sim_call(client, MC_FN_GRACEFUL_UNMOUNT_SEGMENT, &args, &result);
}

START_TEST(only_its_owner_may_let_a_segment_leave)
{
	ck_assert_int_eq(leave(&owner, sim_segment_id(&owner, 1)), -101);
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(leave(&other, sim_segment_id(&owner, 1)), -101);
	ck_assert_int_eq(sim_mount(&other, "b:1", 1, SIZE), 0);
	ck_assert_int_eq(leave(&other, sim_segment_id(&owner, 1)), -600);
	ck_assert_int_eq(leave(&owner, sim_segment_id(&owner, 2)), -600);
	ck_assert_int_eq(sim_segment_status(&owner, "a:1"), MC_SEGMENT_OK);
	ck_assert_int_eq(leave(&owner, sim_segment_id(&owner, 1)), 0);
}
END_TEST

START_TEST(a_leaving_segment_is_read_but_takes_nothing)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_put(&owner, "k", 100), 0);
	ck_assert_int_eq(sim_put_start(&owner, "late", 100, NULL, NULL), 0);
	ck_assert_int_eq(sim_unmount_gracefully(&owner, 1, 5000), 0);
	ck_assert_int_eq(sim_segment_status(&owner, "a:1"), MC_SEGMENT_GRACEFULLY_UNMOUNTING);
	ck_assert_int_eq(sim_segment_status_by_id(&owner, 1), MC_SEGMENT_GRACEFULLY_UNMOUNTING);
	ck_assert_str_eq(sim_where(&owner, "k"), "a:1 ");
	ck_assert_int_eq(sim_put_end(&owner, "late"), 0);
	ck_assert_str_eq(sim_where(&owner, "late"), "a:1 ");
	ck_assert_int_eq(sim_put(&owner, "new", 100), -200);
}
END_TEST

START_TEST(a_leaving_segment_goes_after_its_grace)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_mount(&owner, "b:1", 2, SIZE), 0);
	ck_assert_int_eq(sim_remount_nothing(&owner), 0);
	ck_assert_int_eq(sim_unmount_gracefully(&owner, 1, 5000), 0);
	owner_lives_ms(4500);
	ck_assert_int_eq(sim_segment_status(&owner, "a:1"), MC_SEGMENT_GRACEFULLY_UNMOUNTING);
	owner_lives_ms(1500);
	ck_assert_int_eq(sim_segment_status(&owner, "a:1"), -101);
	ck_assert_int_eq(sim_segment_status(&owner, "b:1"), MC_SEGMENT_OK);
	ck_assert_int_eq(sim_ping(&owner), MC_CLIENT_OK);
	ck_assert_uint_le(capacity(), SIZE);
}
END_TEST

START_TEST(asking_again_begins_the_grace_again)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_unmount_gracefully(&owner, 1, 5000), 0);
	owner_lives_ms(4000);
	ck_assert_int_eq(sim_unmount_gracefully(&owner, 1, 5000), 0);
	owner_lives_ms(4500);
	ck_assert_int_eq(sim_segment_status(&owner, "a:1"), MC_SEGMENT_GRACEFULLY_UNMOUNTING);
	ck_assert_int_eq(sim_unmount_gracefully(&owner, 1, 0), 0);
	owner_lives_ms(1000);
	ck_assert_int_eq(sim_segment_status(&owner, "a:1"), -101);
}
END_TEST

START_TEST(an_endless_grace_does_not_end_at_once)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_unmount_gracefully(&owner, 1, UINT64_MAX), 0);
	owner_lives_ms(60000);
	ck_assert_int_eq(sim_segment_status(&owner, "a:1"), MC_SEGMENT_GRACEFULLY_UNMOUNTING);
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	ck_assert_int_eq(sim_segment_status(&owner, "a:1"), -101);
}
END_TEST

/* ---- QuerySegmentStatus ---- */

START_TEST(a_status_is_found_by_name_and_by_id)
{
	ck_assert_int_eq(sim_segment_status(&owner, "a:1"), -101);
	ck_assert_int_eq(sim_segment_status_by_id(&owner, 1), -101);
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_segment_status(&other, "a:1"), MC_SEGMENT_OK);
	ck_assert_int_eq(sim_segment_status_by_id(&owner, 1), MC_SEGMENT_OK);
	ck_assert_int_eq(sim_segment_status(&owner, "a:"), -101);
	ck_assert_int_eq(sim_segment_status(&owner, ""), -101);
	ck_assert_int_eq(sim_segment_status_by_id(&other, 1), -101);
}
END_TEST

/* ---- BatchQueryIp ---- */

/* "FIRST=HOST,HOST, FIRST=HOST, " of the answer to @clients. */
static const char *
hosts_of(const struct mc_uuid *clients, uint32_t clients_count)
{
	static char text[512];
	struct mc_args args = sim_args(&owner);
	struct mc_vec_cursor cursor = {0};
	struct mc_result_vec result;
	struct mc_pair_hosts pair;
	size_t len = 0;

	args.client_ids = (struct mc_vec){clients, clients_count, sizeof(*clients), 0, 0};
	ck_assert_int_eq(sim_call(&owner, MC_FN_BATCH_QUERY_IP, &args, &result), 0);
	text[0] = '\0';
	while (mc_vec_next_result(&result.value, &cursor, MC_FN_BATCH_QUERY_IP, owner.release,
				  &pair)) {
		struct mc_vec_cursor at = {0};
		struct mc_str host;

		len += (size_t)sprintf(text + len, "%u=", (unsigned int)pair.client_id.first);
		while (mc_vec_next_str(&pair.hosts, &at, &host))
			len += (size_t)sprintf(text + len, "%.*s,", (int)host.len, host.ptr);
		len += (size_t)sprintf(text + len, " ");
	}
	return text;
}

static void
mount_at(struct sim_client *client, uint64_t number, const char *endpoint)
{
	struct mc_segment_desc desc = sim_segment(client, "name", number, SIZE);

	desc.te_endpoint = sim_str(endpoint);
	ck_assert_int_eq(sim_mount_desc(client, &desc), 0);
}

START_TEST(hosts_are_told_once_per_client)
{
	struct mc_uuid both[2] = {owner.id, other.id};

	mount_at(&owner, 1, "10.0.0.1:1234");
	mount_at(&owner, 2, "10.0.0.2:1234");
	mount_at(&owner, 3, "10.0.0.1:4321");
	mount_at(&other, 1, "10.0.0.1:77");
	ck_assert_str_eq(hosts_of(both, 2), "1=10.0.0.1,10.0.0.2, 2=10.0.0.1, ");
	ck_assert_int_eq(sim_unmount(&owner, 2), 0);
	ck_assert_str_eq(hosts_of(both, 1), "1=10.0.0.1, ");
}
END_TEST

START_TEST(clients_without_segments_have_no_hosts)
{
	struct mc_uuid ids[3] = {{77, 77}, other.id, owner.id};

	ck_assert_str_eq(hosts_of(ids, 0), "");
	ck_assert_str_eq(hosts_of(ids, 3), "");
	sim_ping(&other);
	mount_at(&owner, 1, "h:1");
	ck_assert_str_eq(hosts_of(ids, 3), "1=h, ");
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	ck_assert_str_eq(hosts_of(ids, 3), "");
}
END_TEST

START_TEST(a_host_is_what_stands_before_the_port)
{
	mount_at(&owner, 1, "[fe80::1]:1234");
	mount_at(&owner, 2, "node-7");
	ck_assert_str_eq(hosts_of(&owner.id, 1), "1=[fe80::1],node-7, ");
}
END_TEST

static TCase *
mounting(void)
{
	TCase *tc = tcase_create("mount");

	tcase_add_test(tc, what_holds_nothing_is_not_mounted);
	tcase_add_test(tc, names_are_neither_empty_nor_endless);
	tcase_add_test(tc, mounting_again_is_ok_whatever_it_says);
	tcase_add_test(tc, a_segment_without_an_endpoint_is_reached_by_its_name);
	tcase_add_test(tc, a_segment_that_leaves_cannot_be_mounted);
	tcase_add_test(tc, only_a_remount_makes_a_client_ok);
	tcase_add_test(tc, a_remount_of_something_else_changes_nothing);
	tcase_add_test(tc, a_remount_leaves_out_what_cannot_be_mounted);
	tcase_add_test(tc, a_remount_of_an_ok_client_mounts_nothing);
	return tc;
}

static TCase *
unmounting(void)
{
	TCase *tc = tcase_create("unmount");

	tcase_add_test(tc, unmounting_what_is_not_there_is_ok);
	tcase_add_test(tc, an_unmount_takes_what_lay_there_alone);
	tcase_add_test(tc, a_key_is_free_again_at_once);
	tcase_add_test(tc, only_its_owner_may_let_a_segment_leave);
	tcase_add_test(tc, a_leaving_segment_is_read_but_takes_nothing);
	tcase_add_test(tc, a_leaving_segment_goes_after_its_grace);
	tcase_add_test(tc, asking_again_begins_the_grace_again);
	tcase_add_test(tc, an_endless_grace_does_not_end_at_once);
	return tc;
}

static TCase *
asking(void)
{
	TCase *tc = tcase_create("ask");

	tcase_add_test(tc, a_status_is_found_by_name_and_by_id);
	tcase_add_test(tc, hosts_are_told_once_per_client);
	tcase_add_test(tc, clients_without_segments_have_no_hosts);
	tcase_add_test(tc, a_host_is_what_stands_before_the_port);
	return tc;
}

int
main(void)
{
	TCase *cases[] = {mounting(), unmounting(), asking(), NULL};

	return sim_suite_run("master/mount", cases, setup);
}
