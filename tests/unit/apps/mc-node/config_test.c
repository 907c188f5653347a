/* SPDX-License-Identifier: Apache-2.0 */
/* From flags to what the store is told. */
#include "apps/mc-node/config.h"

#include <check.h>
#include <string.h>

#include "apps/mc-node/options.h"
#include "tests/support/suite.h"

static struct mc_flags *flags;
static struct node_config config;

static enum mc_status
read_args(int argc, const char *const *argv)
{
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = node_options_table,
		.table_count = node_options_count,
		.program = "mc-node",
	};

	mc_flags_destroy(flags);
	ck_assert_int_eq(mc_flags_create(&params, &flags), MC_OK);
	ck_assert_msg(mc_flags_parse(flags, argc, argv) == MC_OK, "%s", mc_flags_errors(flags));
	return node_config_read(flags, &config);
}

#define read_ok(...)                                                                            \
	do {                                                                                    \
		const char *const argv_[] = {"mc-node", __VA_ARGS__};                           \
		enum mc_status st_ = read_args((int)(sizeof(argv_) / sizeof(argv_[0])), argv_); \
		ck_assert_msg(st_ == MC_OK, "%s", mc_flags_errors(flags));                      \
	} while (0)

#define read_bad(error, ...)                                                                    \
	do {                                                                                    \
		const char *const argv_[] = {"mc-node", __VA_ARGS__};                           \
		enum mc_status st_ = read_args((int)(sizeof(argv_) / sizeof(argv_[0])), argv_); \
		ck_assert_int_eq(st_, MC_ERR_INVALID);                                          \
		ck_assert_str_eq(mc_flags_errors(flags), "mc-node: " error "\n");               \
	} while (0)

static void
teardown(void)
{
	mc_flags_destroy(flags);
	flags = NULL;
}

START_TEST(defaults_are_upstreams)
{
	read_ok("-v=0");
	ck_assert_str_eq(config.store.master, "127.0.0.1:50051");
	ck_assert_str_eq(config.store.metadata, "http://127.0.0.1:8080/metadata");
	ck_assert_str_eq(config.store.protocol, "tcp");
	ck_assert_str_eq(config.store.tenant, "default");
	ck_assert_uint_eq(config.store.segment_size, 4ull << 30);
	ck_assert_uint_eq(config.store.buffer_size, 0);
	ck_assert_ptr_null(config.store.devices);
	ck_assert_ptr_null(config.store.drivers);
	ck_assert_int_eq(config.store.huge, MC_HUGE_TRY);
	ck_assert_int_eq(config.store.numa, MC_NUMA_LOCAL);
	ck_assert(config.host_any && !config.lcores && !config.http && config.port == 0);
	ck_assert_uint_eq(config.http_port, 9300);
	ck_assert_int_eq(config.log_level, MC_LOG_INFO);
}
END_TEST

START_TEST(names)
{
	read_ok("-host=10.0.0.7");
	ck_assert(!config.host_any);
	ck_assert_str_eq(config.store.hostname, "10.0.0.7");
	/* a port that is only the default is everybody's */
	read_ok("-host=10.0.0.7", "-port=50052");
	ck_assert_str_eq(config.store.hostname, "10.0.0.7:50052");
	read_ok("-host=fd00::7", "-port=50052");
	ck_assert_str_eq(config.store.hostname, "[fd00::7]:50052");
	read_ok("-host=10.0.0.7", "-port=50052", "-metadata_server=P2PHANDSHAKE");
	ck_assert_str_eq(config.store.hostname, "10.0.0.7");
	/* what is found later keeps the port */
	read_ok("-port=50052");
	node_config_host(&config, "10.0.0.8");
	ck_assert_str_eq(config.store.hostname, "10.0.0.8:50052");
	read_ok("-host=::");
	ck_assert(config.host_any);
}
END_TEST

START_TEST(memory)
{
	read_ok("-global_segment_size=2 GB", "-hugepages=only", "-numa=interleave");
	ck_assert_uint_eq(config.store.segment_size, 2ull << 30);
	ck_assert_int_eq(config.store.huge, MC_HUGE_ONLY);
	ck_assert_int_eq(config.store.numa, MC_NUMA_INTERLEAVE);
	read_ok("-global_segment_size=1073741824", "-hugepages=never", "-numa=1");
	ck_assert_uint_eq(config.store.segment_size, 1ull << 30);
	ck_assert_int_eq(config.store.huge, MC_HUGE_NEVER);
	ck_assert_int_eq(config.store.numa, MC_NUMA_BIND);
	ck_assert_int_eq(config.store.numa_node, 1);
	read_bad("-global_segment_size: \"lots\" is no size; give bytes, or a number with KB, MB, "
		 "GB or TB, at most 1 PB",
		 "-global_segment_size=lots");
	read_bad("-global_segment_size: 0: a node without memory is of no use; give a size like 4 "
		 "GB",
		 "-global_segment_size=0");
	read_bad("-numa: \"west\": give a node's number, interleave or local", "-numa=west");
	read_bad("-numa: \"-1\": give a node's number, interleave or local", "-numa=-1");
	read_bad("-numa: \"1024\": give a node's number, interleave or local", "-numa=1024");
}
END_TEST

START_TEST(cores)
{
	read_ok("-l=2-5", "-poll=busy", "-poll_idle_us=7");
	ck_assert(config.lcores);
	ck_assert_str_eq(config.eal.corelist, "2-5");
	ck_assert_int_eq(config.eal.idle, MC_IDLE_BUSY);
	ck_assert_uint_eq(config.eal.spin_ns, 7000);
	read_ok("-c=0x3");
	ck_assert(config.lcores);
	ck_assert_str_eq(config.eal.coremask, "0x3");
	read_ok("-lcores=0@2");
	ck_assert(config.lcores);
	ck_assert_str_eq(config.eal.lcores, "0@2");
}
END_TEST

START_TEST(the_rest)
{
	read_ok("-device_names=mlx5_0", "-drivers=shm", "-bind_host=127.0.0.1", "-tenant_id=blue",
		"-host_id=rack7", "-enable_http_server", "-http_port=0", "-http_host=127.0.0.1",
		"-minloglevel=1");
	ck_assert_str_eq(config.store.devices, "mlx5_0");
	ck_assert_str_eq(config.store.drivers, "shm");
	ck_assert_str_eq(config.store.bind_host, "127.0.0.1");
	ck_assert_str_eq(config.store.tenant, "blue");
	ck_assert_str_eq(config.store.host_id, "rack7");
	ck_assert(config.http && config.http_port == 0);
	ck_assert_str_eq(config.http_host, "127.0.0.1");
	ck_assert_int_eq(config.log_level, MC_LOG_WARN);
	read_bad("\"much\" is no flag; flags begin with a dash", "much");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mc-node/config");
	TCase *tcase = tcase_create("config");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, defaults_are_upstreams);
	tcase_add_test(tcase, names);
	tcase_add_test(tcase, memory);
	tcase_add_test(tcase, cores);
	tcase_add_test(tcase, the_rest);
	suite_add_tcase(suite, tcase);
	return suite_run(suite, CK_FORK);
}
