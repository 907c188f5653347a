/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of features that are not there: in every release that has them, the answer that lets a
 * client go on without.
 */
#include "tests/support/sim_batch.h"

static struct sim_client client;

static const struct {
	enum mc_fn fn;
	int32_t error;
} absent[] = {
	/* NVMe-oF: as in upstream's wheel, which is built without it */
	{MC_FN_MOUNT_NOF_SEGMENT, -1011},
	{MC_FN_REMOUNT_NOF_SEGMENT, -1011},
	{MC_FN_UNMOUNT_NOF_SEGMENT, -1011},
	{MC_FN_GET_ALL_NOF_SEGMENTS, 0},
	{MC_FN_GET_NOF_SEGMENTS_BY_NAME, -101},
	/* SSDs of clients: offloading is off, so that nobody could register one */
	{MC_FN_MOUNT_LOCAL_DISK_SEGMENT, -1300},
	{MC_FN_UNMOUNT_LOCAL_DISK_SEGMENT, 0},
	{MC_FN_OFFLOAD_OBJECT_HEARTBEAT, -101},
	{MC_FN_REPORT_SSD_CAPACITY, -101},
	{MC_FN_NOTIFY_OFFLOAD_SUCCESS, -101},
	{MC_FN_POLL_REMOVE_ALL, 0},
	{MC_FN_PROMOTION_OBJECT_HEARTBEAT, -101},
	{MC_FN_PROMOTION_ALLOC_START, -703},
	{MC_FN_NOTIFY_PROMOTION_SUCCESS, -703},
	{MC_FN_NOTIFY_PROMOTION_FAILURE, 0},
};
#define ABSENT ((int)(sizeof(absent) / sizeof(absent[0])))

static void
setup(void)
{
	sim_master_open(NULL);
}

static const struct mc_master_stats *
stats(void)
{
	return mc_master_stats(sim_master());
}

static bool
has(enum mc_release release, enum mc_fn fn)
{
	return (mc_fn_releases(fn) & MC_RELEASE_BIT(release)) != 0;
}

/* A client with an object "k0", by a port of its release: some calls look alike in several. */
static void
client_begin(enum mc_release release)
{
	client = sim_client_open(1, release);
	sim_client_restrict(&client);
	ck_assert_int_eq(sim_mount(&client, "a:1", 1, SIM_MIB), 0);
	ck_assert_int_eq(sim_put(&client, "k0", 1000), 0);
}

/* An object that is there makes no difference. */
static struct mc_args
plain_args(void)
{
	struct mc_args args = sim_batch_args(&client, sim_keys(2), 1000);

	args.key = args.object_meta.key = sim_str("k0");
	args.slice_length = 1000;
	args.source = args.target = sim_str("a:1");
	args.id = sim_segment_id(&client, 1);
	args.request.status = 3; /* SUCCESS */
	return args;
}

static void
release_expect(enum mc_release release)
{
	struct mc_args args;
	uint32_t tried = 0;

	client_begin(release);
	args = plain_args();
	for (int i = 0; i < ABSENT; i++) {
		enum mc_fn fn = absent[i].fn;
		union sim_result result = {0};
		int32_t error;

		if (!has(release, fn))
			continue;
		error = sim_call(&client, fn, &args, &result);
		ck_assert_msg(error == absent[i].error, "%s of %s answered %d, not %d",
			      mc_fn_name(fn), mc_release_name(release), error, absent[i].error);
		ck_assert_uint_eq(sim_stat(&stats()->failures[fn]), error != 0);
		tried++;
	}
	ck_assert(tried > 0 || release < MC_RELEASE_0_3_8);
	ck_assert(sim_exist(&client, "k0"));
}

START_TEST(every_release_is_told_to_go_on_without)
{
	release_expect((enum mc_release)_i);
}
END_TEST

START_TEST(what_is_none_is_empty)
{
	union sim_result result;
	struct mc_args args;

	client_begin(MC_RELEASE_NEWEST);
	args = plain_args();
	ck_assert_int_eq(sim_call(&client, MC_FN_GET_ALL_NOF_SEGMENTS, &args, &result), 0);
	ck_assert_uint_eq(result.vec.value.count, 0);
	ck_assert_int_eq(sim_call(&client, MC_FN_POLL_REMOVE_ALL, &args, &result), 0);
	ck_assert(!result.flag.value);
}
END_TEST

/* EvictDiskReplica is there, but no replica is on a disk. */
static int32_t
evict_disk(const char *key, int32_t replica_type)
{
	struct mc_args args = sim_args(&client);
	struct mc_result_void result;

	args.key = sim_str(key);
	args.replica_type = replica_type;
	return sim_call(&client, MC_FN_EVICT_DISK_REPLICA, &args, &result);
}

START_TEST(nothing_is_evicted_from_disks)
{
	client_begin(MC_RELEASE_NEWEST);
	ck_assert_int_eq(evict_disk("k0", MC_REPLICA_DISK), 0);
	ck_assert_int_eq(evict_disk("k0", MC_REPLICA_LOCAL_DISK), 0);
	ck_assert_int_eq(evict_disk("none", MC_REPLICA_DISK), -704);
	ck_assert_int_eq(evict_disk("k0", MC_REPLICA_MEMORY), -600);
	ck_assert_int_eq(evict_disk("none", MC_REPLICA_ALL), -600);
	ck_assert(sim_exist(&client, "k0"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("master/absent");
	TCase *tc = sim_tcase(suite, "absent", setup);

	tcase_add_loop_test(tc, every_release_is_told_to_go_on_without, 0, MC_RELEASE_COUNT);
	tcase_add_test(tc, what_is_none_is_empty);
	tcase_add_test(tc, nothing_is_evicted_from_disks);
	return sim_run(suite);
}
