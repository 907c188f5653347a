/* SPDX-License-Identifier: Apache-2.0 */
/* From flags to what the modules are told. */
#include "apps/mc-master/config.h"

#include <check.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "apps/mc-master/options.h"
#include "tests/support/suite.h"

static struct mc_flags *flags;
static struct config config;

static enum mc_status
read_args(int argc, const char *const *argv)
{
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = mc_options_table,
		.table_count = mc_options_count,
		.program = "mc-master",
	};

	mc_flags_destroy(flags);
	ck_assert_int_eq(mc_flags_create(&params, &flags), MC_OK);
	ck_assert_msg(mc_flags_parse(flags, argc, argv) == MC_OK, "%s", mc_flags_errors(flags));
	return config_read(flags, &config);
}

#define read_ok(...)                                                                            \
	do {                                                                                    \
		const char *const argv_[] = {"mc-master", __VA_ARGS__};                         \
		enum mc_status st_ = read_args((int)(sizeof(argv_) / sizeof(argv_[0])), argv_); \
		ck_assert_msg(st_ == MC_OK, "%s", mc_flags_errors(flags));                      \
	} while (0)

#define read_bad(word, ...)                                                                     \
	do {                                                                                    \
		const char *const argv_[] = {"mc-master", __VA_ARGS__};                         \
		enum mc_status st_ = read_args((int)(sizeof(argv_) / sizeof(argv_[0])), argv_); \
		ck_assert_int_eq(st_, MC_ERR_INVALID);                                          \
		ck_assert_ptr_nonnull(strstr(mc_flags_errors(flags), word));                    \
	} while (0)

static void
teardown(void)
{
	mc_flags_destroy(flags);
	flags = NULL;
}

START_TEST(defaults_are_those_of_the_master)
{
	struct mc_master_params want;

	read_ok("-v=0");
	mc_master_params_init(&want);
	ck_assert_uint_eq(config.master.lease_ttl_ns, want.lease_ttl_ns);
	ck_assert_uint_eq(config.master.soft_pin_ttl_ns, want.soft_pin_ttl_ns);
	ck_assert_uint_eq(config.master.soft_pin_ttl_max_ns, want.soft_pin_ttl_max_ns);
	ck_assert_uint_eq(config.master.client_ttl_ns, want.client_ttl_ns);
	ck_assert_uint_eq(config.master.put_discard_ns, want.put_discard_ns);
	ck_assert_uint_eq(config.master.put_release_ns, want.put_release_ns);
	ck_assert(config.master.eviction_ratio == want.eviction_ratio);
	ck_assert(config.master.eviction_watermark == want.eviction_watermark);
	ck_assert_int_eq(config.master.evict_soft_pinned, want.evict_soft_pinned);
	ck_assert_int_eq(config.master.release_default, want.release_default);
	ck_assert_uint_eq(config.rpc_count, 1);
	ck_assert_uint_eq(config.rpc[0].releases, MC_RELEASE_ALL);
	ck_assert_uint_eq(mc_net_addr_port(&config.rpc[0].addr), 50051);
	ck_assert_uint_eq(mc_net_addr_port(&config.metrics), 9003);
	ck_assert(!config.metadata_on && config.report && config.rpc_nodelay);
}
END_TEST

START_TEST(tasks_have_their_flags)
{
	struct mc_master_params want;

	read_ok("-v=0");
	mc_master_params_init(&want);
	ck_assert_uint_eq(config.master.tasks_pending_max, want.tasks_pending_max);
	ck_assert_uint_eq(config.master.tasks_processing_max, want.tasks_processing_max);
	ck_assert_uint_eq(config.master.tasks_finished_max, want.tasks_finished_max);
	ck_assert_uint_eq(config.master.task_pending_timeout_ns, want.task_pending_timeout_ns);
	ck_assert_uint_eq(config.master.task_processing_timeout_ns,
			  want.task_processing_timeout_ns);
	ck_assert_uint_eq(config.master.task_retries, want.task_retries);
	read_ok("-max_total_pending_tasks=1", "-max_total_processing_tasks=2",
		"-max_total_finished_tasks=3", "-pending_task_timeout_sec=4",
		"-processing_task_timeout_sec=0", "-max_retry_attempts=6");
	ck_assert_uint_eq(config.master.tasks_pending_max, 1);
	ck_assert_uint_eq(config.master.tasks_processing_max, 2);
	ck_assert_uint_eq(config.master.tasks_finished_max, 3);
	ck_assert_uint_eq(config.master.task_pending_timeout_ns, 4000000000ull);
	ck_assert_uint_eq(config.master.task_processing_timeout_ns, 0);
	ck_assert_uint_eq(config.master.task_retries, 6);
}
END_TEST

START_TEST(units_do_not_overflow)
{
	const uint64_t century = 3153600000ull * 1000000000ull;

	read_ok("-default_kv_lease_ttl=2s", "-client_ttl=3", "-rpc_conn_timeout_seconds=2147483647",
		"-poll_idle_us=7");
	ck_assert_uint_eq(config.master.lease_ttl_ns, 2000000000ull);
	ck_assert_uint_eq(config.master.client_ttl_ns, 3000000000ull);
	ck_assert_uint_eq(config.rpc_idle_timeout_ns, 2147483647ull * 1000000000ull);
	ck_assert_uint_eq(config.eal.spin_ns, 7000);
	read_ok("-default_kv_lease_ttl=18446744073709551615", "-client_ttl=3153600000",
		"-max_kv_soft_pin_ttl=5124095576030h",
		"-put_start_release_timeout_sec=18446744073709551615");
	ck_assert_uint_eq(config.master.lease_ttl_ns, century);
	ck_assert_uint_eq(config.master.client_ttl_ns, century);
	ck_assert_uint_eq(config.master.soft_pin_ttl_max_ns, century);
	ck_assert_uint_eq(config.master.put_release_ns, century);
}
END_TEST

START_TEST(newer_names_win)
{
	read_ok("-rpc_port=7", "-port=8");
	ck_assert_uint_eq(mc_net_addr_port(&config.rpc[0].addr), 7);
	ck_assert_str_eq(config.rpc_flag, "rpc_port");
	read_ok("-rpc_port=0", "-port=8");
	ck_assert_uint_eq(mc_net_addr_port(&config.rpc[0].addr), 8);
	ck_assert_str_eq(config.rpc_flag, "port");
	read_ok("-rpc_thread_num=1", "-max_threads=64");
	ck_assert_uint_eq(config.eal.lcore_count, 1);
}
END_TEST

START_TEST(strategies)
{
	read_ok("-v=0");
	ck_assert_int_eq(config.master.strategy, MC_STRATEGY_RANDOM);
	read_ok("-allocation_strategy=free_ratio_first");
	ck_assert_int_eq(config.master.strategy, MC_STRATEGY_FREE_RATIO_FIRST);
	read_ok("-allocation_strategy=local_first");
	ck_assert_int_eq(config.master.strategy, MC_STRATEGY_LOCAL_FIRST);
}
END_TEST

START_TEST(few_cores_unless_named)
{
	cpu_set_t allowed;
	unsigned int most;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	most = CPU_COUNT(&allowed) < 2 ? 1 : 2;
	read_ok("-max_threads=64");
	ck_assert_uint_eq(config.eal.lcore_count, most);
	ck_assert_str_eq(mc_flags_notices(flags), "");
	read_ok("-max_threads=0");
	ck_assert_uint_eq(config.eal.lcore_count, 1);
	read_ok("-l", "0", "-max_threads=64", "--poll=busy");
	ck_assert_str_eq(config.eal.corelist, "0");
	ck_assert_int_eq(config.eal.idle, MC_IDLE_BUSY);
	ck_assert_str_eq(mc_flags_notices(flags), "-max_threads has no effect with -l 0: there is "
						  "one thread for each core named\n");
	read_bad("-main_lcore: 1 names no core", "-main-lcore=1");
}
END_TEST

START_TEST(exact_ports)
{
	char host[MC_NET_ADDR_TEXT];

	read_ok("-rpc_address=127.0.0.1", "-abi_ports=0.3.6=11,,0.3.12.post1=0");
	ck_assert_uint_eq(config.rpc_count, 3);
	ck_assert_uint_eq(config.rpc[1].releases, MC_RELEASE_BIT(MC_RELEASE_0_3_6));
	ck_assert_uint_eq(mc_net_addr_port(&config.rpc[1].addr), 11);
	ck_assert_str_eq(mc_net_addr_host(&config.rpc[1].addr, host), "127.0.0.1");
	ck_assert_uint_eq(config.rpc[2].releases, MC_RELEASE_BIT(MC_RELEASE_0_3_12));
	ck_assert_uint_eq(mc_net_addr_port(&config.rpc[2].addr), 0);
	read_bad("is not RELEASE=PORT", "-abi_ports=50061");
	read_bad("unknown release", "-abi_ports==50061");
	read_bad("no port from 0 to 65535", "-abi_ports=0.3.9=");
	read_bad("no port from 0 to 65535", "-abi_ports=0.3.9=65536");
	read_bad("no port from 0 to 65535", "-abi_ports=0.3.9=+1");
	read_bad("more than 16 ports",
		 "-abi_ports=0.3.9=1,0.3.9=2,0.3.9=3,0.3.9=4,0.3.9=5,0.3.9=6,0.3.9=7,0.3.9=8,"
		 "0.3.9=9,0.3.9=10,0.3.9=11,0.3.9=12,0.3.9=13,0.3.9=14,0.3.9=15,0.3.9=16,0.3.9=17");
}
END_TEST

START_TEST(addresses)
{
	char host[MC_NET_ADDR_TEXT];

	read_ok("-rpc_interface=lo", "-rpc_address=192.0.2.1", "-metrics_host=::");
	ck_assert_str_eq(mc_net_addr_host(&config.rpc[0].addr, host), "127.0.0.1");
	read_ok("-enable_http_metadata_server", "-http_metadata_server_host=localhost");
	ck_assert_uint_eq(mc_net_addr_port(&config.metadata), 8080);
	read_bad("-metrics_host: \"\" is not an address", "-metrics_host=");
	read_bad("-rpc_address: \"a:b:c\" is not an address", "-rpc_address=a:b:c");
}
END_TEST

START_TEST(log_levels)
{
	read_ok("-minloglevel=1", "-v=5");
	ck_assert_int_eq(config.log_level, MC_LOG_WARN);
	read_ok("-v=1", "-log_dir=/tmp");
	ck_assert_int_eq(config.log_level, MC_LOG_DEBUG);
	ck_assert_str_eq(config.log_dir, "/tmp");
	read_ok("-minloglevel=3", "-log_dir=/tmp", "-logtostderr");
	ck_assert_int_eq(config.log_level, MC_LOG_ERROR);
	ck_assert_ptr_null(config.log_dir);
}
END_TEST

/* What mooncake_master aborts on. */
START_TEST(contradictions)
{
	read_bad("-put_start_release_timeout_sec: 30 is not more",
		 "-put_start_release_timeout_sec=30");
	read_bad("-default_kv_soft_pin_ttl: 172800000 ms is more", "-default_kv_soft_pin_ttl=48h");
	read_ok("-default_kv_soft_pin_ttl=48h", "-max_kv_soft_pin_ttl=48h");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("config");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, defaults_are_those_of_the_master);
	tcase_add_test(tcase, tasks_have_their_flags);
	tcase_add_test(tcase, units_do_not_overflow);
	tcase_add_test(tcase, newer_names_win);
	tcase_add_test(tcase, strategies);
	tcase_add_test(tcase, few_cores_unless_named);
	tcase_add_test(tcase, exact_ports);
	tcase_add_test(tcase, addresses);
	tcase_add_test(tcase, log_levels);
	tcase_add_test(tcase, contradictions);
	suite_add_tcase(suite, tcase);
	return suite_run(suite, CK_FORK_GETENV);
}
