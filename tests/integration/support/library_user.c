/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library_user MASTER [CPU]: a program as one outside of this tree would be: the installed headers
 * and libmooncore, nothing else. Puts, gets and removes; on a CPU of its own when one is given.
 */
#include <stdio.h>
#include <string.h>

#include <mc/eal.h>
#include <mc/log.h>
#include <mc/store.h>
#include <mc/version.h>

static int
use(struct mc_store *store)
{
	static char value[3u << 20], copy[sizeof(value)];
	uint64_t length = 0;

	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (char)(i * 2654435761u >> 13);
	if (mc_store_put(store, "library/1", value, sizeof(value), NULL) != MC_OK ||
	    mc_store_exist(store, "library/1") != MC_OK ||
	    mc_store_get_into(store, "library/1", copy, sizeof(copy), &length) != MC_OK)
		return 2;
	if (length != sizeof(value) || memcmp(value, copy, sizeof(value)) != 0)
		return 3;
	if (mc_store_remove(store, "library/1", true) != MC_OK ||
	    mc_store_exist(store, "library/1") != MC_ERR_OBJECT_NOT_FOUND)
		return 4;
	return 0;
}

int
main(int argc, char **argv)
{
	struct mc_eal_params eal = {.size = sizeof(eal), .corelist = argc > 2 ? argv[2] : NULL};
	const struct mc_store_option options[] = {
		{"local_hostname", "127.0.0.1"},	    {"metadata_server", "P2PHANDSHAKE"},
		{"master_server_address", argv[1]},	    {"global_segment_size", "64MB"},
	};
	struct mc_store_params params;
	struct mc_store *store;
	char error[200];
	int rc;

	if (mc_store_params_read(options, sizeof(options) / sizeof(options[0]), &params, error,
				 sizeof(error)) != MC_OK) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	if (argc > 2 && mc_eal_start(&eal) != MC_OK)
		return 1;
	if (mc_store_open(&params, &store) != MC_OK)
		return 1;
	rc = use(store);
	printf("%s %s %d\n", MC_VERSION, mc_store_hostname(store), rc);
	mc_store_close(store, MC_STORE_GRACEFUL);
	if (argc > 2)
		mc_eal_stop();
	return rc;
}
