/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the blocks of kv_producer, all in one call: kv_consumer MASTER BLOCKS. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <mc/store.h>

#define HALF (256u << 10)	/* as in kv_producer.c */
#define BLOCKS_MAX 1024u

static char names[BLOCKS_MAX][64];
static struct mc_store_item items[BLOCKS_MAX];
static struct mc_iov pieces[BLOCKS_MAX][2];

int
main(int argc, char **argv)
{
	struct mc_store_params params = {.size = sizeof(params), .hostname = "127.0.0.1",
		.metadata = "P2PHANDSHAKE"};	/* no segment: a client only */
	unsigned int blocks = argc > 2 ? (unsigned int)atoi(argv[2]) : 0, right = 0;
	char *memory = malloc(2ul * HALF * BLOCKS_MAX), done = 1;
	struct mc_store *store;

	params.master = argc > 1 ? argv[1] : NULL;
	if (memory == NULL || blocks == 0 || blocks > BLOCKS_MAX ||
	    mc_store_open(&params, &store) != MC_OK)
		return 1;
	mc_store_buffer_reg(store, memory, 2ul * HALF * blocks);
	for (unsigned int i = 0; i < blocks; i++) {
		char *block = memory + 2ul * HALF * i;

		snprintf(names[i], sizeof(names[i]), "prefix/block/%u", i);
		pieces[i][0] = (struct mc_iov){block, HALF};
		pieces[i][1] = (struct mc_iov){block + HALF, HALF};
		items[i] = (struct mc_store_item){names[i], pieces[i], 2, MC_OK, 0};
	}
	/* A miss is no error: here the producer is not ready; elsewhere one computes the block. */
	for (int i = 0; i < 500 && mc_store_exist(store, names[blocks - 1]) != MC_OK; i++)
		usleep(20000);
	mc_store_get_batch(store, items, blocks);
	for (unsigned int i = 0; i < blocks; i++) {
		char *block = memory + 2ul * HALF * i;

		right += items[i].status == MC_OK && block[0] == (char)i &&
			 block[HALF] == (char)(i + 1);
	}
	printf("%u of %u blocks are right\n", right, blocks);
	mc_store_put(store, "prefix/read", &done, 1, NULL);
	mc_store_buffer_unreg(store, memory);
	mc_store_close(store, MC_STORE_GRACEFUL);
	free(memory);
	return right != blocks;
}
