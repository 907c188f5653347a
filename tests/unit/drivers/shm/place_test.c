/* SPDX-License-Identifier: Apache-2.0 */
/* Who is on this host, and who is taken for elsewhere. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/shm/private.h"
#include "tests/conformance/client.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

START_TEST(this_place_is_this_place)
{
	struct mc_shm_addr here, again;
	char text[64] = "", expected[64];
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
	int n = 0;

	must(shm_place(&here) == MC_OK && shm_place(&again) == MC_OK);
	must(shm_place_check(&here, &again) == MC_OK);
	must(here.pid == (uint32_t)getpid() && here.net_ns != 0 && here.mnt_ns != 0);
	must(file != NULL && fgets(expected, sizeof(expected), file) != NULL);
	fclose(file);
	for (int i = 0; i < 16; i++) {
		n += snprintf(text + n, sizeof(text) - n, "%02x", here.boot_id[i]);
		if (i == 3 || i == 5 || i == 7 || i == 9)
			text[n++] = '-';
	}
	must(strncmp(text, expected, 36) == 0);
}
END_TEST

START_TEST(another_boot_or_namespace_is_elsewhere)
{
	struct mc_shm_addr here, there;

	must(shm_place(&here) == MC_OK);
	for (int member = 0; member < 4; member++) {
		there = here;
		there.boot_id[15] ^= member == 0;
		there.net_ns ^= member == 1;
		there.mnt_ns ^= member == 2;
		there.boot_id[0] ^= member == 3 ? 0x80 : 0;
		must(shm_place_check(&here, &there) == MC_ERR_UNREACHABLE);
	}
	there = here;
	there.pid_ns ^= 1;	/* fds pass; only CMA wants to see the process */
	must(shm_place_check(&here, &there) == MC_OK);
	must(shm_place_same_process(&here, &here) && !shm_place_same_process(&here, &there));
	must(shm_place_pid_fits(&here, &there, 1) && shm_place_pid_fits(&here, &here, getpid()));
	must(!shm_place_pid_fits(&here, &here, getpid() + 1));
	there = here;
	there.pid++;
	must(!shm_place_same_process(&here, &there));
}
END_TEST

static struct server server;
static struct client client;

static enum mc_status
try(void)
{
	struct path *path;

	return client_try(&client, &server, server.memory, 4096, &path);
}

static void
server_begin(bool process)
{
	struct server_params params = {.driver = mc_driver_find("shm"), .process = process,
				       .mem_bytes = 4096};

	server_start(&server, &params);
}

START_TEST(shm_can_be_turned_off)
{
	const struct mc_driver *driver = mc_driver_find("shm");
	struct mc_dev_params params = {.size = sizeof(params)};
	struct mc_dev *dev;

	server_begin(false);
	must(setenv("MC_SHM", "0", 1) == 0);
	must(driver->ops->open(&params, &dev) == MC_ERR_UNSUPPORTED);
	must(setenv("MC_SHM", "1", 1) == 0);
	client_open(&client, driver, 4096);
	must(try() == MC_OK);
	client_close(&client);
	server_stop(&server);
}
END_TEST

static const int namespaces[] = {CLONE_NEWNET, CLONE_NEWNS};

/* As a container next to this one does. */
START_TEST(a_process_in_another_namespace_is_unreachable)
{
	int status;
	pid_t child;

	server_begin(true);
	child = fork();
	if (child == 0) {
		if (unshare(namespaces[_i]) != 0)
			_exit(2);
		client_open(&client, mc_driver_find("shm"), 4096);
		_exit(try() == MC_ERR_UNREACHABLE ? 0 : 1);
	}
	must(waitpid(child, &status, 0) == child && WIFEXITED(status));
	if (WEXITSTATUS(status) == 2)
		printf("not tried: unshare is not permitted\n");
	else
		must(WEXITSTATUS(status) == 0);
	server_stop(&server);
}
END_TEST

/* Another user's processes: neither side trusts the other. */
START_TEST(another_user_is_refused)
{
	int status;
	pid_t child;

	if (geteuid() != 0) {
		printf("not tried: takes root\n");
		return;
	}
	server_begin(true);
	child = fork();
	if (child == 0) {
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(2);
		client_open(&client, mc_driver_find("shm"), 4096);
		_exit(try() == MC_ERR_PERMISSION ? 0 : 1);
	}
	must(waitpid(child, &status, 0) == child && WIFEXITED(status));
	must(WEXITSTATUS(status) == 0);
	server_stop(&server);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("drivers/shm/place");
	TCase *tc = tcase_create("places");

	tcase_add_test(tc, this_place_is_this_place);
	tcase_add_test(tc, another_boot_or_namespace_is_elsewhere);
	tcase_add_test(tc, shm_can_be_turned_off);
	tcase_add_loop_test(tc, a_process_in_another_namespace_is_unreachable, 0, 2);
	tcase_add_test(tc, another_user_is_refused);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
