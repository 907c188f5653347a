/* SPDX-License-Identifier: Apache-2.0 */
/* ExistKey, GetReplicaList and GetReplicaListByRegex: what is readable, and what a read leaves. */
#include <string.h>

#include "core/base/clock.h"
#include "tests/support/sim_batch.h"

#define LEASE_MS 10000u

static struct sim_client writer, reader;

static void
clients_open(void)
{
	writer = sim_client_open(1, MC_RELEASE_NEWEST);
	reader = sim_client_open(2, MC_RELEASE_NEWEST);
	ck_assert_int_eq(sim_mount(&writer, "a:1", 1, 64 * SIM_MIB), 0);
}

static void
setup(void)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.client_ttl_ns = 3600 * MC_NS_PER_S;
	sim_master_open(&params);
	clients_open();
}

static bool
text_is(struct mc_str text, const char *wanted)
{
	return text.len == strlen(wanted) && memcmp(text.ptr, wanted, text.len) == 0;
}

static int32_t
get(const char *key, struct mc_result_replicas *result_out)
{
	struct mc_args args = sim_args(&reader);

	args.key = sim_str(key);
	return sim_call(&reader, MC_FN_GET_REPLICA_LIST, &args, result_out);
}

/* A put with as many replicas as there are names. */
static void
put_everywhere(const char *key)
{
	struct mc_replicate_config config = {.replica_num = 9};

	ck_assert_int_eq(sim_put_start(&writer, key, 1000, &config, NULL), 0);
	ck_assert_int_eq(sim_put_end(&writer, key), 0);
}

/* ---- what is readable ---- */

START_TEST(what_is_not_there_is_not_found)
{
	struct mc_result_replicas result;

	ck_assert(!sim_exist(&reader, "k"));
	ck_assert_int_eq(get("k", &result), -704);
	ck_assert(!sim_exist(&reader, ""));
	ck_assert_int_eq(get("", &result), -704);
}
END_TEST

START_TEST(what_is_not_finished_is_not_ready)
{
	struct mc_result_replicas result;

	ck_assert_int_eq(sim_put_start(&writer, "k", 1000, NULL, NULL), 0);
	ck_assert(!sim_exist(&reader, "k"));
	ck_assert_int_eq(get("k", &result), -703);
	ck_assert_int_eq(sim_put_revoke(&writer, "k"), 0);
	ck_assert_int_eq(get("k", &result), -704);
}
END_TEST

static void
mount_with_endpoint(void)
{
	struct mc_args args = sim_args(&writer);
	struct mc_result_void result;

	args.segment = (struct mc_segment_desc){
		.id = sim_segment_id(&writer, 7),
		.name = sim_str("host"),
		.base = 0x7f0000000000,
		.size = SIM_MIB,
		.te_endpoint = sim_str("10.0.0.1:12345"),
		.protocol = sim_str("rdma"),
	};
	ck_assert_int_eq(sim_call(&writer, MC_FN_MOUNT_SEGMENT, &args, &result), 0);
}

START_TEST(a_read_says_where_the_bytes_are)
{
	struct mc_vec_cursor cursor = {0};
	struct mc_result_replicas result;
	struct mc_replica_desc desc;

	ck_assert_int_eq(sim_unmount(&writer, 1), 0);
	mount_with_endpoint();
	ck_assert_int_eq(sim_put(&writer, "k", 1000), 0);
	ck_assert_int_eq(get("k", &result), 0);
	ck_assert_uint_eq(result.value.lease_ttl_ms, LEASE_MS);
	ck_assert(!result.value.checksum.present);
	ck_assert_uint_eq(result.value.replicas.count, 1);
	ck_assert(mc_vec_next_replica(&result.value.replicas, &cursor, reader.release, &desc));
	ck_assert_int_eq(desc.type, MC_REPLICA_MEMORY);
	ck_assert_int_eq(desc.status, MC_REPLICA_COMPLETE);
	ck_assert_uint_eq(desc.buffer.size, 1000);
	ck_assert_uint_ge(desc.buffer.address, 0x7f0000000000);
	ck_assert_uint_le(desc.buffer.address + 1000, 0x7f0000000000 + SIM_MIB);
	/* "tcp" whatever the segment's protocol is, as upstream's master says */
	ck_assert(text_is(desc.buffer.protocol, "tcp"));
	ck_assert(text_is(desc.buffer.endpoint, "10.0.0.1:12345"));
}
END_TEST

START_TEST(the_first_release_hears_the_name_for_the_endpoint)
{
	static const char name[] = "\x04"
				   "host";
	struct sim_client old = sim_client_open(3, MC_RELEASE_0_3_6);
	struct mc_replica_desc desc;

	sim_client_restrict(&old);
	ck_assert_int_eq(sim_unmount(&writer, 1), 0);
	mount_with_endpoint();
	ck_assert_int_eq(sim_put(&writer, "k", 1000), 0);
	ck_assert_int_eq(sim_get(&old, "k", &desc, 1), 1);
	/* its buffers begin with it */
	ck_assert_uint_eq(desc.buffers.count, 1);
	ck_assert(memcmp(desc.buffers.items, name, sizeof(name) - 1) == 0);
}
END_TEST

START_TEST(a_replica_is_as_readable_as_its_segment)
{
	struct mc_replica_desc descs[2];

	ck_assert_int_eq(sim_mount(&writer, "b:1", 2, 64 * SIM_MIB), 0);
	put_everywhere("k");
	ck_assert_int_eq(sim_get(&reader, "k", descs, 2), 2);
	ck_assert_int_eq(sim_unmount(&writer, 1), 0);
	ck_assert_int_eq(sim_get(&reader, "k", descs, 2), 1);
	ck_assert(text_is(descs[0].buffer.endpoint, "b:1"));
	ck_assert_int_eq(sim_unmount(&writer, 2), 0);
	ck_assert_int_eq(sim_get(&reader, "k", descs, 2), -704);
	ck_assert(!sim_exist(&reader, "k"));
}
END_TEST

START_TEST(a_leaving_segment_is_readable)
{
	struct mc_args args = sim_args(&writer);
	struct mc_result_void result;
	struct mc_replica_desc desc;

	ck_assert_int_eq(sim_put(&writer, "k", 1000), 0);
	args.id = sim_segment_id(&writer, 1);
	args.grace_period_ms = 5000;
	ck_assert_int_eq(sim_call(&writer, MC_FN_GRACEFUL_UNMOUNT_SEGMENT, &args, &result), 0);
	ck_assert_int_eq(sim_get(&reader, "k", &desc, 1), 1);
	ck_assert(sim_exist(&reader, "k"));
	sim_advance_ms(6000);
	ck_assert_int_eq(sim_get(&reader, "k", &desc, 1), -704);
}
END_TEST

START_TEST(reads_are_counted_by_their_success)
{
	const struct mc_master_stats *stats = mc_master_stats(sim_master());
	struct mc_result_replicas result;

	ck_assert_int_eq(sim_put(&writer, "k", 1000), 0);
	ck_assert_int_eq(sim_put_start(&writer, "unfinished", 1000, NULL, NULL), 0);
	get("k", &result);
	get("none", &result);
	get("unfinished", &result);
	ck_assert_uint_eq(sim_stat(&stats->get_total), 3);
	ck_assert_uint_eq(sim_stat(&stats->get_hits), 1);
	sim_exist(&reader, "k"); /* asks, but does not read */
	ck_assert_uint_eq(sim_stat(&stats->get_total), 3);
	ck_assert_uint_eq(sim_stat(&stats->failures[MC_FN_EXIST_KEY]), 0);
}
END_TEST

/* ---- leases ---- */

static void
read_exist(void)
{
	sim_exist(&reader, "k0");
}

static void
read_get(void)
{
	struct mc_result_replicas result;

	get("k0", &result);
}

static void
read_batch(enum mc_fn fn)
{
	struct mc_args args = sim_batch_args(&reader, sim_keys(1), 0);
	struct mc_result_vec result;

	ck_assert_int_eq(sim_call(&reader, fn, &args, &result), 0);
}

static void
read_batch_exist(void)
{
	read_batch(MC_FN_BATCH_EXIST_KEY);
}

static void
read_batch_get(void)
{
	read_batch(MC_FN_BATCH_GET_REPLICA_LIST);
}

/* The keys that @pattern finds. */
static int32_t
get_by_regex(const char *pattern, struct mc_result_vec *result_out)
{
	struct mc_args args = sim_args(&reader);

	args.key = sim_str(pattern);
	return sim_call(&reader, MC_FN_GET_REPLICA_LIST_BY_REGEX, &args, result_out);
}

static void
read_regex(void)
{
	struct mc_result_vec result;

	ck_assert_int_eq(get_by_regex("^k0$", &result), 0);
}

static void (*const reads[])(void) = {read_exist, read_get, read_batch_exist, read_batch_get,
				      read_regex};
#define READS ((int)(sizeof(reads) / sizeof(reads[0])))

START_TEST(every_read_grants_a_lease)
{
	ck_assert_int_eq(sim_put(&writer, "k0", 1000), 0);
	reads[_i]();
	sim_advance_ms(LEASE_MS - 10);
	ck_assert_int_eq(sim_remove(&writer, "k0", false), -706);
	sim_advance_ms(10);
	ck_assert_int_eq(sim_remove(&writer, "k0", false), 0);
}
END_TEST

START_TEST(every_read_extends_a_lease)
{
	ck_assert_int_eq(sim_put(&writer, "k0", 1000), 0);
	read_exist();
	sim_advance_ms(LEASE_MS - 1000);
	reads[_i]();
	sim_advance_ms(LEASE_MS - 10);
	ck_assert_int_eq(sim_remove(&writer, "k0", false), -706);
	sim_advance_ms(10);
	ck_assert_int_eq(sim_remove(&writer, "k0", false), 0);
}
END_TEST

START_TEST(a_read_that_finds_nothing_leases_nothing)
{
	ck_assert_int_eq(sim_put_start(&writer, "k0", 1000, NULL, NULL), 0);
	reads[_i]();
	ck_assert_int_eq(sim_put_end(&writer, "k0"), 0);
	ck_assert_int_eq(sim_remove(&writer, "k0", false), 0);
}
END_TEST

START_TEST(the_lease_is_what_the_reader_was_told)
{
	struct mc_master_params params;
	struct mc_result_replicas result;

	sim_master_close();
	mc_master_params_init(&params);
	params.lease_ttl_ns = 250 * MC_NS_PER_MS;
	sim_master_open(&params);
	clients_open();
	ck_assert_int_eq(sim_put(&writer, "k", 1000), 0);
	ck_assert_int_eq(get("k", &result), 0);
	ck_assert_uint_eq(result.value.lease_ttl_ms, 250);
	sim_advance_ms(240);
	ck_assert_int_eq(sim_remove(&writer, "k", false), -706);
	sim_advance_ms(10);
	ck_assert_int_eq(sim_remove(&writer, "k", false), 0);
}
END_TEST

/* ---- by regex ---- */

/* The result of a search: a bit for each of k0 … k9 that is in it, each at most once. */
static unsigned int
keys_found(const struct mc_result_vec *result)
{
	struct mc_vec_cursor cursor = {0};
	struct mc_pair_replicas pair;
	unsigned int found = 0;

	while (mc_vec_next_result(&result->value, &cursor, MC_FN_GET_REPLICA_LIST_BY_REGEX,
				  reader.release, &pair)) {
		ck_assert_uint_eq(pair.key.len, 2);
		ck_assert_uint_eq(pair.replicas.count, 1);
		ck_assert_uint_eq(found & 1u << (pair.key.ptr[1] - '0'), 0);
		found |= 1u << (pair.key.ptr[1] - '0');
	}
	return found;
}

static void
found_expect(const char *pattern, unsigned int wanted)
{
	struct mc_result_vec result;

	ck_assert_int_eq(get_by_regex(pattern, &result), 0);
	ck_assert_uint_eq(keys_found(&result), wanted);
	ck_assert_uint_eq(result.value.count, (unsigned int)__builtin_popcount(wanted));
}

START_TEST(a_search_finds_keys_that_contain_a_match)
{
	sim_put_keys(&writer, 10, 1000);
	found_expect("k3", 1u << 3);
	found_expect("3", 1u << 3);
	found_expect("^3", 0);
	found_expect("[2-4]$", 7u << 2);
	found_expect("", 1023);
	found_expect("none", 0);
}
END_TEST

START_TEST(a_search_passes_over_what_is_not_readable)
{
	sim_put_keys(&writer, 4, 1000);
	ck_assert_int_eq(sim_mount(&writer, "b:1", 2, SIM_MIB), 0);
	ck_assert_int_eq(sim_unmount(&writer, 1), 0);
	ck_assert_int_eq(sim_put_start(&writer, "k4", 1000, NULL, NULL), 0);
	ck_assert_int_eq(sim_put(&writer, "k5", 1000), 0);
	found_expect("k", 1u << 5);
}
END_TEST

START_TEST(a_search_leases_what_it_found_only)
{
	sim_put_keys(&writer, 3, 1000);
	found_expect("k1", 1u << 1);
	ck_assert_int_eq(sim_remove(&writer, "k0", false), 0);
	ck_assert_int_eq(sim_remove(&writer, "k1", false), -706);
	ck_assert_int_eq(sim_remove(&writer, "k2", false), 0);
}
END_TEST

START_TEST(a_pattern_that_is_none_is_refused)
{
	const struct mc_master_stats *stats = mc_master_stats(sim_master());
	struct mc_result_vec result;

	ck_assert_int_eq(get_by_regex("([", &result), -600);
	ck_assert_int_eq(get_by_regex("*", &result), -600);
	ck_assert_uint_eq(sim_stat(&stats->failures[MC_FN_GET_REPLICA_LIST_BY_REGEX]), 2);
	found_expect("k", 0);
}
END_TEST

START_TEST(a_search_tells_where_every_replica_is)
{
	struct mc_vec_cursor pairs = {0}, replicas = {0};
	struct mc_pair_replicas pair;
	struct mc_result_vec result;
	struct mc_replica_desc desc;

	ck_assert_int_eq(sim_mount(&writer, "b:1", 2, SIM_MIB), 0);
	put_everywhere("k");
	ck_assert_int_eq(get_by_regex("k", &result), 0);
	ck_assert(mc_vec_next_result(&result.value, &pairs, MC_FN_GET_REPLICA_LIST_BY_REGEX,
				     reader.release, &pair));
	ck_assert_uint_eq(pair.replicas.count, 2);
	while (mc_vec_next_replica(&pair.replicas, &replicas, reader.release, &desc)) {
		ck_assert_int_eq(desc.status, MC_REPLICA_COMPLETE);
		ck_assert_uint_eq(desc.buffer.size, 1000);
	}
	ck_assert_uint_eq(replicas.index, 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("master/get");
	TCase *tc = sim_tcase(suite, "get", setup);

	tcase_add_test(tc, what_is_not_there_is_not_found);
	tcase_add_test(tc, what_is_not_finished_is_not_ready);
	tcase_add_test(tc, a_read_says_where_the_bytes_are);
	tcase_add_test(tc, the_first_release_hears_the_name_for_the_endpoint);
	tcase_add_test(tc, a_replica_is_as_readable_as_its_segment);
	tcase_add_test(tc, a_leaving_segment_is_readable);
	tcase_add_test(tc, reads_are_counted_by_their_success);
	tcase_add_loop_test(tc, every_read_grants_a_lease, 0, READS);
	tcase_add_loop_test(tc, every_read_extends_a_lease, 0, READS);
	tcase_add_loop_test(tc, a_read_that_finds_nothing_leases_nothing, 0, READS);
	tcase_add_test(tc, the_lease_is_what_the_reader_was_told);
	tcase_add_test(tc, a_search_finds_keys_that_contain_a_match);
	tcase_add_test(tc, a_search_passes_over_what_is_not_readable);
	tcase_add_test(tc, a_search_leases_what_it_found_only);
	tcase_add_test(tc, a_pattern_that_is_none_is_refused);
	tcase_add_test(tc, a_search_tells_where_every_replica_is);
	return sim_run(suite);
}
