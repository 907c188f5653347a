/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every driver must do, whatever it drives: conformance DRIVER. "fault-DRIVER" puts the fault
 * driver (tests/support/fault_driver.h) on top, "fault-DRIVER-late" lets it delay and reorder.
 */
#include "tests/conformance/conformance.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/random.h"
#include "tests/support/fault_driver.h"
#include "tests/support/suite.h"

const struct mc_driver *conf_driver;
uint64_t conf_seed;

void
conf_server_mems(struct server *server, int kind, uint64_t bytes, uint32_t mems)
{
	struct server_params params = {.driver = conf_driver, .process = kind != CONF_THREAD,
				       .host_memory = kind == CONF_PROCESS_HOST, .mems = mems,
				       .mem_bytes = bytes};

	server_start(server, &params);
}

void
conf_server(struct server *server, int kind, uint64_t bytes)
{
	conf_server_mems(server, kind, bytes, 1);
}

void
pair_open(struct pair *pair, int kind, uint64_t bytes)
{
	/* the server first: a process is forked before there are threads */
	conf_server(&pair->server, kind, bytes);
	client_open(&pair->client, conf_driver, bytes);
	pair->path = client_connect(&pair->client, &pair->server);
}

void
pair_close(struct pair *pair)
{
	client_close(&pair->client);
	server_stop(&pair->server);
}

/* May a process read the memory of its child? */
static bool
cma_permitted(void)
{
	char byte = 0, here;
	struct iovec local = {&here, 1}, remote = {&byte, 1};
	pid_t child = fork();
	bool permitted;

	if (child == 0)
		pause();
	permitted = process_vm_readv(child, &local, 1, &remote, 1, 0) == 1;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return permitted;
}

static int
kinds_count(void)
{
	if (conf_driver->family != MC_FAMILY_SHM)
		return CONF_PROCESS_HOST;
	if (cma_permitted())
		return CONF_PROCESS_HOST + 1;
	printf("not tried: memory without a memfd, as process_vm_readv is not permitted here\n");
	return CONF_PROCESS_HOST;
}

static const struct fault_plan late = {.seed = 1, .shorter = 50, .delay = 400, .reorder = true};

/* "shm", "fault-shm", "fault-shm-late" */
static const struct mc_driver *
driver_named(const char *name)
{
	const struct mc_driver *driver;
	char below[32];
	size_t length;

	if (strncmp(name, "fault-", 6) != 0)
		return mc_driver_find(name);
	length = strcspn(name + 6, "-");
	snprintf(below, sizeof(below), "%.*s", (int)length, name + 6);
	driver = mc_driver_find(below);
	if (driver == NULL)
		return NULL;
	driver = fault_driver_over(driver);
	if (strcmp(name + 6 + length, "-late") == 0)
		fault_plan_set(driver, &late);
	return driver;
}

int
main(int argc, char **argv)
{
	const char *seed = getenv("MC_TEST_SEED");
	Suite *suite;
	int kinds;

	conf_driver = argc == 2 ? driver_named(argv[1]) : NULL;
	if (conf_driver == NULL) {
		fprintf(stderr, "usage: conformance DRIVER\n");
		return 2;
	}
	conf_seed = seed != NULL ? strtoull(seed, NULL, 0) : mc_random_seed();
	printf("MC_TEST_SEED=%llu\n", (unsigned long long)conf_seed);
	kinds = kinds_count();
	suite = suite_create(argv[1]);
	cases_data(suite, kinds);
	cases_refused(suite, kinds);
	cases_end(suite, kinds);
	cases_many(suite, kinds);
	return suite_run(suite, CK_FORK_GETENV);
}
