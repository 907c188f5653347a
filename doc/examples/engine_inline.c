/* SPDX-License-Identifier: Apache-2.0 */
/* A store without a thread, polled in the program's own loop: engine_inline MASTER. */
#include <stdio.h>

#include <mc/store.h>

#define BYTES 65536u
#define DEPTH 8u	/* gets under way */
#define GETS  1000u

static struct slot {
	struct mc_iov piece;
	struct mc_store_item item;
	char bytes[BYTES];
} slots[DEPTH];
static struct mc_store *store;
static unsigned int started, ended, failed;

static void get_next(struct slot *slot);

/* Runs inside of mc_store_poll(); may start the next call, must not block. */
static void
got(void *context, enum mc_status status)
{
	ended++;
	failed += status != MC_OK;
	get_next(context);
}

static void
get_next(struct slot *slot)
{
	if (started == GETS)
		return;
	started++;
	slot->piece = (struct mc_iov){slot->bytes, BYTES};
	slot->item = (struct mc_store_item){"engine_inline", &slot->piece, 1, MC_OK, 0};
	if (mc_store_start(store, MC_STORE_GET, &slot->item, 1, NULL, got, slot) != MC_OK)
		failed++;
}

int
main(int argc, char **argv)
{
	struct mc_store_params params = {.size = sizeof(params), .hostname = "127.0.0.1",
		.metadata = "P2PHANDSHAKE", .segment_size = 64u << 20, .poll_inline = true};
	unsigned long turns = 0;

	params.master = argc > 1 ? argv[1] : NULL;
	if (mc_store_open(&params, &store) != MC_OK ||	/* it says itself what is wrong */
	    mc_store_put(store, "engine_inline", slots[0].bytes, BYTES, NULL) != MC_OK)
		return 1;
	for (unsigned int i = 0; i < DEPTH; i++)
		get_next(&slots[i]);
	while (ended < GETS && failed == 0) {
		turns++;		/* the program's own work */
		mc_store_poll(store);	/* ours: peers are served here as well */
	}
	printf("%u gets, %u failed, in %lu turns of our own loop\n", ended, failed, turns);
	mc_store_close(store, MC_STORE_GRACEFUL);
	return failed != 0;
}
