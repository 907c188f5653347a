/* SPDX-License-Identifier: Apache-2.0 */
/* What the flags of mc-bench transfer ask for, and that a wrong one is named with what to give. */
#include "apps/mc-bench/transfer_options.h"

#include <string.h>

#include "tests/support/suite.h"

static struct mc_flags *flags;
static struct transfer_options options;
static enum mc_status status;

static void
teardown(void)
{
	mc_flags_destroy(flags);
	flags = NULL;
}

static void
options_parse(int argc, const char *const *argv)
{
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = transfer_options_table,
		.table_count = transfer_options_count,
		.program = "mc-bench transfer",
	};

	mc_flags_destroy(flags);
	ck_assert_int_eq(mc_flags_create(&params, &flags), MC_OK);
	status = mc_flags_parse(flags, argc, argv);
	if (status == MC_OK)
		status = transfer_options_read(flags, &options);
}

#define parse(...)                                                                           \
	do {                                                                                 \
		const char *const argv_[] = {"transfer", ##__VA_ARGS__};                     \
		options_parse((int)(sizeof(argv_) / sizeof(argv_[0])), argv_);               \
	} while (0)

#define parse_ok(...)                                                         \
	do {                                                                  \
		parse(__VA_ARGS__);                                           \
		ck_assert_msg(status == MC_OK, "%s", mc_flags_errors(flags)); \
	} while (0)

#define parse_bad(error, ...)                                                             \
	do {                                                                              \
		parse(__VA_ARGS__);                                                       \
		ck_assert_int_eq(status, MC_ERR_INVALID);                                 \
		ck_assert_str_eq(mc_flags_errors(flags), "mc-bench transfer: " error "\n"); \
	} while (0)

START_TEST(without_flags_there_are_tables)
{
	parse_ok();
	ck_assert_ptr_null(options.peer);
	ck_assert_uint_eq(options.drivers_count, 2);
	ck_assert_str_eq(options.drivers[0], "shm");
	ck_assert_str_eq(options.drivers[1], "tcp");
	ck_assert_uint_eq(options.ops_count, 2);
	ck_assert_uint_eq(options.sizes_count, 4);
	/* done within half a minute */
	ck_assert_double_lt((options.seconds + options.warmup) * 16, 26);
	parse_ok("-seconds=3", "-json", "-batch=2", "-verify");
	ck_assert_uint_eq(options.sizes_count, 4);
	ck_assert_double_eq(options.seconds, 3);
}
END_TEST

START_TEST(one_flag_that_says_what_ends_the_tables)
{
	parse_ok("-size=64K");
	ck_assert_uint_eq(options.drivers_count, 1);
	ck_assert_str_eq(options.drivers[0], "auto");
	ck_assert_uint_eq(options.ops_count, 1);
	ck_assert_int_eq(options.ops[0], MC_READ);
	ck_assert_uint_eq(options.sizes_count, 1);
	ck_assert_uint_eq(options.sizes[0], 65536);
	ck_assert_double_eq(options.seconds, 4);
	parse_ok("-driver=tcp");
	ck_assert_uint_eq(options.sizes[0], 1 << 20);
}
END_TEST

START_TEST(all_that_can_be_said)
{
	parse_ok("--peer", "10.0.0.7:15214", "--metadata", "http://m:8080/metadata", "--driver",
		 "tcp,shm", "--device=mlx5_0,mlx5_1", "--op", "write,read", "--sweep", "4K:64M",
		 "--batch", "2", "--threads", "3", "--complete", "wait", "--seconds", "1.5",
		 "--warmup=0", "--rounds", "5", "--timeout=2", "--set", "1G", "--verify", "--fill",
		 "--seed=9", "-l", "2-3", "--idle-policy", "busy", "--poll_idle_us=7", "--html",
		 "p.html", "--huge=never", "--name=me");
	ck_assert_str_eq(options.peer, "10.0.0.7:15214");
	ck_assert_str_eq(options.metadata, "http://m:8080/metadata");
	ck_assert_str_eq(options.devices, "mlx5_0,mlx5_1");
	ck_assert_str_eq(options.drivers[1], "shm");
	ck_assert_int_eq(options.ops[0], MC_WRITE);
	ck_assert_uint_eq(options.sizes_count, 15);
	ck_assert_uint_eq(options.size_largest, 64 << 20);
	ck_assert_uint_eq(options.batch * options.threads, 6);
	ck_assert_int_eq(options.complete, COMPLETE_WAIT);
	ck_assert_uint_eq(options.timeout_ns, 2000000000);
	ck_assert_uint_eq(options.set, 1 << 30);
	ck_assert(options.verify && options.fill);
	ck_assert_str_eq(options.corelist, "2-3");
	ck_assert_int_eq(options.idle, MC_IDLE_BUSY);
	ck_assert_uint_eq(options.spin_ns, 7000);
	ck_assert_str_eq(options.html, "p.html");
	ck_assert_int_eq(options.huge, MC_HUGE_NEVER);
}
END_TEST

START_TEST(a_target_says_what_it_offers)
{
	parse_ok("-target", "-buffer=1G", "-buffers=2", "-driver=tcp", "-name=10.0.0.7");
	ck_assert(options.target);
	ck_assert_uint_eq(options.buffer, 1 << 30);
	ck_assert_uint_eq(options.buffers, 2);
	parse_ok("-target");
	ck_assert_str_eq(options.driver_list, "auto");
}
END_TEST

START_TEST(a_larger_set_makes_a_larger_buffer)
{
	parse_ok("-set=1G");
	ck_assert_uint_eq(options.buffer, 1 << 30);
	parse_ok("-set=4M", "-size=1M");
	ck_assert_uint_eq(options.buffer, 256 << 20);
}
END_TEST

START_TEST(drivers_that_are_not_there_are_named)
{
	parse_bad("-driver: \"verbs\" is not built into this version; give auto, shm or tcp",
		  "-driver=verbs");
	parse_bad("-driver: \"mlx5\" is not built into this version; give auto, shm or tcp",
		  "-driver=shm,mlx5");
	parse_bad("-driver: \"rdma\" is no driver; give auto, shm or tcp", "-driver=rdma");
	parse_bad("-driver: \"\" is no driver; give auto, shm or tcp", "-driver=shm,");
	parse_bad("-driver: more than 4; give fewer", "-driver=shm,tcp,shm,tcp,shm");
}
END_TEST

START_TEST(values_that_mean_nothing_are_refused)
{
	parse_bad("-op: \"get\" is no op; give read, write or read,write", "-op=get");
	parse_bad("-size: \"1X\" is no size; give bytes, or K, M, G as in 64K, up to 1T",
		  "-size=1X");
	parse_bad("-sweep: \"64M:4K\" is no range; give FROM:TO or FROM:TO:FACTOR, as in 4K:64M",
		  "-sweep=64M:4K");
	parse_bad("-sweep: -size is given too; give one of the two", "-sweep=4K:8K", "-size=4K");
	parse_bad("-buffer: \"0\" is no size; give bytes, or K, M, G as in 64K, up to 1T",
		  "-buffer=0", "-target");
	parse_bad("\"10.0.0.7:1\" is one argument too many; give -peer 10.0.0.7:1", "10.0.0.7:1");
	parse_bad("-batch: 6000 of 10 for each of 2 threads is more than 65536 in flight; give "
		  "less of these", "-batch=6000", "-post=10", "-threads=2");
}
END_TEST

START_TEST(a_set_must_hold_the_transfers)
{
	parse_bad("-buffer: 256M is less than one transfer of 512M; give more", "-size=512M");
	parse_bad("-set: 1M is less than one transfer of 2M; give more", "-size=2M", "-set=1M",
		  "-peer=a:1");
	parse_bad("-buffer: -verify needs a piece of its own for each transfer in flight; give at "
		  "least 512M, or less -batch", "-size=64M", "-verify");
	parse_ok("-size=64M", "-verify", "-batch=4");
	parse_bad("-buffer: -verify needs a piece of its own for each transfer in flight; give at "
		  "least 512M, or less -batch", "-size=64M", "-verify", "-batch=4", "-post=2");
	parse_ok("-size=64M", "-verify", "-peer=a:1");
}
END_TEST

START_TEST(what_belongs_to_the_other_end_is_refused)
{
	parse_bad("-op: a target only serves; give it to the other end", "-target", "-op=read");
	parse_bad("-peer: a target only serves; give it to the other end", "-target", "-peer=a:1");
	parse_bad("-buffer: is the target's; give it there, or leave out -peer", "-peer=a:1",
		  "-buffer=1G");
}
END_TEST

START_TEST(inline_has_one_thread_and_no_lcore)
{
	parse_ok("-inline");
	ck_assert(options.poll_inline);
	ck_assert_int_eq(options.inline_cpu, -1);
	parse_bad("-threads: 2, but one thread polls with -inline; give 1", "-inline",
		  "-threads=2");
	parse_bad("-c: there is no lcore with -inline; leave out one of the two", "-inline",
		  "-c=1");
	parse_bad("-l: \"1,2\", but -inline has one thread; give one CPU", "-inline", "-l=1,2");
	parse_bad("-l: \"9999\", but -inline has one thread; give one CPU", "-inline", "-l=9999");
	parse_ok("-inline", "-l=1");
	ck_assert_int_eq(options.inline_cpu, 1);
	ck_assert_ptr_null(options.corelist);
	parse_ok("-l=1");
	ck_assert_int_eq(options.inline_cpu, -1);
	ck_assert_str_eq(options.corelist, "1");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mc-bench/transfer_options");
	TCase *tc = tcase_create("options");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, without_flags_there_are_tables);
	tcase_add_test(tc, one_flag_that_says_what_ends_the_tables);
	tcase_add_test(tc, all_that_can_be_said);
	tcase_add_test(tc, a_target_says_what_it_offers);
	tcase_add_test(tc, a_larger_set_makes_a_larger_buffer);
	tcase_add_test(tc, drivers_that_are_not_there_are_named);
	tcase_add_test(tc, values_that_mean_nothing_are_refused);
	tcase_add_test(tc, a_set_must_hold_the_transfers);
	tcase_add_test(tc, what_belongs_to_the_other_end_is_refused);
	tcase_add_test(tc, inline_has_one_thread_and_no_lcore);
	suite_add_tcase(s, tc);
	return suite_run(s, CK_FORK_GETENV);
}
