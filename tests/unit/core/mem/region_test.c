/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/mem/mem.h"
#include "mc/log.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define MIB (1ull << 20)
#define SECOND 1000000000ull

static struct mc_region_params
params_small(uint64_t length)
{
	return (struct mc_region_params){
		.size = sizeof(struct mc_region_params), .length = length, .huge = MC_HUGE_NEVER};
}

static struct mc_region *
region_make(const struct mc_region_params *params)
{
	struct mc_region *region;

	ck_assert_int_eq(mc_region_create(params, &region), MC_OK);
	return region;
}

START_TEST(a_region_is_zero_and_can_be_written)
{
	struct mc_region_params params = params_small(5 * MIB + 1);
	struct mc_region *region = region_make(&params);
	unsigned char *addr = mc_region_addr(region);
	uint64_t length = mc_region_length(region);

	ck_assert_uint_eq(length, 5 * MIB + 4096);
	ck_assert_uint_eq(mc_region_page_size(region), 4096);
	ck_assert_int_eq(mc_region_wait(region, length, 10 * SECOND), MC_OK);
	ck_assert_uint_eq(mc_region_ready(region), length);
	for (uint64_t i = 0; i < length; i++)
		must(addr[i] == 0);
	memset(addr, 0x5a, length);
	ck_assert_str_eq(mc_region_text(region), "5 MiB of 4 KiB pages");
	ck_assert_int_eq(mc_region_wait(region, length + 1, 0), MC_ERR_INVALID);
	ck_assert_int_eq(mc_region_destroy(region), MC_OK);
}
END_TEST

START_TEST(its_file_is_sealed_and_maps_elsewhere)
{
	struct mc_region_params params = params_small(MIB);
	struct mc_region *region = region_make(&params);
	int fd = mc_region_fd(region);
	char *other;

	ck_assert_int_lt(ftruncate(fd, 4096), 0);
	ck_assert_int_lt(ftruncate(fd, 2 * MIB), 0);
	ck_assert_int_lt(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS) & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
			 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	other = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(other, MAP_FAILED);
	((char *)mc_region_addr(region))[12345] = 'x';
	ck_assert_int_eq(other[12345], 'x');
	munmap(other, MIB);
	ck_assert_int_eq(mc_region_destroy(region), MC_OK);
}
END_TEST

START_TEST(bad_parameters_are_refused)
{
	struct mc_region_params bad[8];
	struct mc_region *region = (struct mc_region *)bad;

	for (size_t i = 0; i < 8; i++)
		bad[i] = params_small(MIB);
	bad[0].size--;
	bad[1].length = 0;
	bad[2].length = UINT64_MAX;
	bad[3].page_size = 4096;
	bad[4].numa = MC_NUMA_BIND;
	bad[4].numa_node = 1023;
	bad[5].numa = MC_NUMA_BIND;
	bad[5].numa_node = -1;
	bad[6].huge = 17;
	bad[7].numa = 17;
	for (size_t i = 0; i < 8; i++)
		ck_assert_int_eq(mc_region_create(&bad[i], &region), MC_ERR_INVALID);
	/* valid, but there is no such address space */
	bad[0] = params_small(1ull << 55);
	ck_assert_int_eq(mc_region_create(&bad[0], &region), MC_ERR_NO_MEMORY);
	ck_assert_ptr_eq(region, (struct mc_region *)bad);
	ck_assert_int_eq(mc_region_destroy(NULL), MC_OK);
}
END_TEST

START_TEST(regions_are_found_by_address)
{
	struct mc_region_params params = params_small(MIB);
	struct mc_region *one = region_make(&params), *two = region_make(&params);
	char *addr = mc_region_addr(one);

	ck_assert_ptr_eq(mc_region_find(addr, MIB), one);
	ck_assert_ptr_eq(mc_region_find(addr + MIB - 1, 1), one);
	ck_assert_ptr_eq(mc_region_find((char *)mc_region_addr(two) + 1, 2), two);
	ck_assert_ptr_null(mc_region_find(addr + 1, MIB));
	ck_assert_ptr_null(mc_region_find(addr - 1, 2));
	ck_assert_ptr_null(mc_region_find(addr + MIB - 1, UINT64_MAX));
	ck_assert_ptr_null(mc_region_find(&params, 1));
	mc_region_unref(one);
	ck_assert_int_eq(mc_region_destroy(one), MC_ERR_BUSY);
	mc_region_ref(one);
	mc_region_unref(one);
	mc_region_unref(one);
	mc_region_unref(two);
	ck_assert_int_eq(mc_region_destroy(one), MC_OK);
	ck_assert_ptr_null(mc_region_find(addr, 1));
	ck_assert_int_eq(mc_region_destroy(two), MC_OK);
}
END_TEST

struct progress {
	uint64_t last;
	uint64_t step_max;
	uint64_t length;
	bool inside;
	bool backwards;
};

static void
progress_see(void *context, uint64_t ready, uint64_t length)
{
	struct progress *progress = context;

	if (__atomic_exchange_n(&progress->inside, true, __ATOMIC_ACQUIRE) ||
	    ready <= progress->last)
		progress->backwards = true;
	if (ready - progress->last > progress->step_max)
		progress->step_max = ready - progress->last;
	progress->last = ready;
	progress->length = length;
	__atomic_store_n(&progress->inside, false, __ATOMIC_RELEASE);
}

START_TEST(progress_is_told_in_order)
{
	struct mc_region_params params = params_small(64 * MIB);
	struct progress progress = {0};
	struct mc_region *region;

	params.threads = 4;
	params.progress = progress_see;
	params.context = &progress;
	region = region_make(&params);
	ck_assert_int_eq(mc_region_wait(region, 64 * MIB, 30 * SECOND), MC_OK);
	ck_assert_int_eq(mc_region_destroy(region), MC_OK);
	ck_assert_uint_eq(progress.last, 64 * MIB);
	ck_assert_uint_eq(progress.length, 64 * MIB);
	ck_assert(!progress.backwards);
}
END_TEST

START_TEST(what_is_written_while_it_is_populated_stays)
{
	struct mc_region_params params = params_small(128 * MIB);
	struct mc_region *region = region_make(&params);
	uint64_t *words = mc_region_addr(region);

	for (uint64_t i = 128 * MIB / 8; i > 0; i -= 512)
		words[i - 512] = i;
	ck_assert_int_eq(mc_region_wait(region, 128 * MIB, 30 * SECOND), MC_OK);
	for (uint64_t i = 128 * MIB / 8; i > 0; i -= 512)
		must(words[i - 512] == i);
	ck_assert_int_eq(mc_region_destroy(region), MC_OK);
}
END_TEST

START_TEST(destroying_stops_populating)
{
	struct mc_region_params params = params_small(4096 * MIB);
	struct mc_region *region = region_make(&params);

	ck_assert_int_eq(mc_region_wait(region, 4096 * MIB, 1000), MC_ERR_TIMEOUT);
	ck_assert_int_eq(mc_region_destroy(region), MC_OK);
}
END_TEST

START_TEST(a_child_lets_go_of_it_and_the_parent_keeps_it)
{
	struct mc_region_params params = params_small(64 * MIB);
	struct mc_region *region = region_make(&params);
	char *addr = mc_region_addr(region);
	int status;
	pid_t child;

	addr[3] = 'p';
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		enum mc_status st;

		addr[4] = 'c';
		st = mc_region_wait(region, 64 * MIB, SECOND);
		_exit((st == MC_OK || st == MC_ERR_PERMISSION) &&
			      mc_region_destroy(region) == MC_OK
			      ? 0
			      : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(addr[3], 'p');
	ck_assert_int_eq(addr[4], 'c');
	ck_assert_int_eq(mc_region_wait(region, 64 * MIB, 30 * SECOND), MC_OK);
	ck_assert_int_eq(mc_region_destroy(region), MC_OK);
}
END_TEST

/* From now on madvise(…, MADV_POPULATE_WRITE) fails with @error: EINVAL is Linux before 5.14. */
static void
populate_refuse(int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 23, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

START_TEST(an_old_kernel_populates_too)
{
	struct mc_region_params params = params_small(32 * MIB);
	unsigned char resident[32 * MIB / 4096];
	struct mc_region *region;
	uint64_t *words;

	populate_refuse(EINVAL);
	region = region_make(&params);
	words = mc_region_addr(region);
	for (uint64_t i = 0; i < 32 * MIB / 8; i += 512)
		words[i] = i + 1;
	ck_assert_int_eq(mc_region_wait(region, 32 * MIB, 30 * SECOND), MC_OK);
	for (uint64_t i = 0; i < 32 * MIB / 8; i += 512)
		must(words[i] == i + 1);
	ck_assert_int_eq(mincore(words, 32 * MIB, resident), 0);
	for (size_t i = 0; i < sizeof(resident); i++)
		must((resident[i] & 1) == 1);
	ck_assert_int_eq(mc_region_destroy(region), MC_OK);
}
END_TEST

START_TEST(what_the_system_refuses_ends_the_wait)
{
	static const int errors[] = {ENOMEM, EFAULT, EHWPOISON};
	struct mc_region_params params = params_small(256 * MIB);
	struct mc_region *region;

	populate_refuse(errors[_i]);
	region = region_make(&params);
	ck_assert_int_eq(mc_region_wait(region, 256 * MIB, 30 * SECOND), MC_ERR_NO_MEMORY);
	ck_assert_int_eq(mc_region_wait(region, 1, 30 * SECOND), MC_ERR_NO_MEMORY);
	ck_assert_int_eq(mc_region_wait(region, 0, 0), MC_OK);
	ck_assert_uint_eq(mc_region_ready(region), 0);
	ck_assert_int_eq(mc_region_destroy(region), MC_OK);
}
END_TEST

START_TEST(hugepages_or_the_reason)
{
	struct mc_region_params params = params_small(4 * MIB);
	struct mc_region *region;

	params.huge = MC_HUGE_TRY;
	region = region_make(&params);
	ck_assert_int_eq(mc_region_wait(region, 4 * MIB, 30 * SECOND), MC_OK);
	ck_assert(strcmp(mc_region_text(region), "4 MiB of 2 MiB hugepages") == 0 ||
		  strstr(mc_region_text(region), "nr_hugepages") != NULL);
	ck_assert_int_eq(mc_region_destroy(region), MC_OK);
	/* no machine has these */
	params.huge = MC_HUGE_ONLY;
	params.length = 1ull << 44;
	ck_assert_int_eq(mc_region_create(&params, &region), MC_ERR_NO_MEMORY);
}
END_TEST

/* In a populating thread: are signals blocked? */
static void
signals_see(void *context, uint64_t ready, uint64_t length)
{
	uint64_t *blocked = context;
	sigset_t set;

	(void)ready;
	(void)length;
	*blocked = pthread_sigmask(SIG_SETMASK, NULL, &set) == 0 &&
		   sigismember(&set, SIGTERM) == 1 && sigismember(&set, SIGCHLD) == 1 &&
		   sigismember(&set, SIGUSR1) == 1;
}

START_TEST(threads_that_populate_take_no_signal)
{
	struct mc_region_params params = params_small(MIB);
	struct mc_region *region;
	uint64_t blocked = 0;

	params.progress = signals_see;
	params.context = &blocked;
	region = region_make(&params);
	ck_assert_int_eq(mc_region_wait(region, MIB, 30 * SECOND), MC_OK);
	ck_assert_int_eq(mc_region_destroy(region), MC_OK);
	ck_assert_uint_eq(blocked, 1);
}
END_TEST

/* 8 TiB are more than any machine that runs this has. */
START_TEST(room_is_known_before_it_is_taken)
{
	struct mc_region_params params = params_small(MIB);
	struct mc_region *region = region_make(&params);
	char why[700] = "";

	ck_assert(mc_region_room(region, why, sizeof(why)));
	ck_assert_int_eq(mc_region_destroy(region), MC_OK);
	/* more than machines have, and less than address spaces, that of TSan's included */
	params.length = 1ull << 40;
	region = region_make(&params);
	ck_assert(!mc_region_room(region, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "ask for less"));
	ck_assert_int_eq(mc_region_destroy(region), MC_OK);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mem/region");
	TCase *tc = tcase_create("region");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_region_is_zero_and_can_be_written);
	tcase_add_test(tc, its_file_is_sealed_and_maps_elsewhere);
	tcase_add_test(tc, bad_parameters_are_refused);
	tcase_add_test(tc, regions_are_found_by_address);
	tcase_add_test(tc, progress_is_told_in_order);
	tcase_add_test(tc, what_is_written_while_it_is_populated_stays);
	tcase_add_test(tc, destroying_stops_populating);
	tcase_add_test(tc, a_child_lets_go_of_it_and_the_parent_keeps_it);
	tcase_add_test(tc, an_old_kernel_populates_too);
	tcase_add_loop_test(tc, what_the_system_refuses_ends_the_wait, 0, 3);
	tcase_add_test(tc, hugepages_or_the_reason);
	tcase_add_test(tc, threads_that_populate_take_no_signal);
	tcase_add_test(tc, room_is_known_before_it_is_taken);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
