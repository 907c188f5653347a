/* SPDX-License-Identifier: Apache-2.0 */
/* Puts blocks of KV for kv_consumer, and leaves when it has them: kv_producer MASTER BLOCKS. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mc/store.h>

#define HALF (256u << 10)	/* bytes of the keys of one block, and of its values */

int
main(int argc, char **argv)
{
	struct mc_store_params params = {.size = sizeof(params), .hostname = "127.0.0.1",
		.metadata = "P2PHANDSHAKE", .segment_size = 256u << 20, .checksum = true};
	/* Soft pins: of all objects these are evicted last. */
	struct mc_store_config config = {.size = sizeof(config),
		.soft_pin = MC_STORE_PIN_ENABLE};
	unsigned int blocks = argc > 2 ? (unsigned int)atoi(argv[2]) : 0;
	char *keys = malloc(HALF), *values = malloc(HALF), name[64];
	struct mc_store *store;
	enum mc_status status = MC_OK;

	params.master = argc > 1 ? argv[1] : NULL;
	if (keys == NULL || values == NULL || mc_store_open(&params, &store) != MC_OK)
		return 1;
	mc_store_buffer_reg(store, keys, HALF);
	mc_store_buffer_reg(store, values, HALF);
	for (unsigned int i = 0; i < blocks && status == MC_OK; i++) {
		/* One object of two parts, which lie where the model left them. */
		struct mc_iov parts[2] = {{keys, HALF}, {values, HALF}};

		memset(keys, (int)i, HALF);
		memset(values, (int)i + 1, HALF);
		snprintf(name, sizeof(name), "prefix/block/%u", i);
		status = mc_store_put_parts(store, name, parts, 2, &config);
	}
	printf("%u blocks: %s\n", blocks, mc_status_text(status));
	fflush(stdout);
	/* They lie in our memory: we stay until they were read. */
	while (status == MC_OK && mc_store_exist(store, "prefix/read") != MC_OK)
		usleep(20000);
	mc_store_buffer_unreg(store, keys);
	mc_store_buffer_unreg(store, values);
	mc_store_close(store, MC_STORE_GRACEFUL);
	free(keys);
	free(values);
	return status != MC_OK;
}
