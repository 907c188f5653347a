/* SPDX-License-Identifier: Apache-2.0 */
/* A store that runs on cores of the program's choice: engine_on_cores MASTER CORES ("2-3"). */
#include <stdio.h>
#include <stdlib.h>

#include <mc/eal.h>
#include <mc/store.h>

#define BYTES (1u << 20)

static void
check(enum mc_status status, const char *what)
{
	if (status == MC_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, mc_status_text(status));
	exit(1);
}

int
main(int argc, char **argv)
{
	struct mc_eal_params cores = {.size = sizeof(cores), .idle = MC_IDLE_ADAPTIVE};
	struct mc_store_params params = {.size = sizeof(params), .hostname = "127.0.0.1",
		.metadata = "P2PHANDSHAKE", .segment_size = 64u << 20};
	static char value[BYTES], back[BYTES];
	struct mc_store *store;
	uint64_t length;

	if (argc != 3)
		return 2;
	params.master = argv[1];
	cores.corelist = argv[2];

	/* First the runtime: a store that is opened later works on its lcores. */
	check(mc_eal_start(&cores), "mc_eal_start");
	check(mc_store_open(&params, &store), "mc_store_open");
	for (unsigned int i = 0; i < mc_eal_lcore_count(); i++)
		printf("lcore %u on CPU %d\n", i, mc_eal_lcore_cpu(i));

	/* Memory that NICs shall use as it is; without one this may be left out. */
	check(mc_store_buffer_reg(store, value, BYTES), "mc_store_buffer_reg");
	check(mc_store_put(store, "engine_on_cores", value, BYTES, NULL), "mc_store_put");
	check(mc_store_get_into(store, "engine_on_cores", back, BYTES, &length),
	      "mc_store_get_into");
	printf("%llu bytes are back\n", (unsigned long long)length);
	check(mc_store_buffer_unreg(store, value), "mc_store_buffer_unreg");

	/* The other way round: first the store, then its lcores. */
	mc_store_close(store, MC_STORE_GRACEFUL);
	mc_eal_stop();
	return 0;
}
