/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the program store_node share: see store_node.c. */
#ifndef MC_TESTS_SUPPORT_STORE_NODE_H
#define MC_TESTS_SUPPORT_STORE_NODE_H

#include <jansson.h>

#include "mc/store.h"

#define STORES_MAX 64

extern struct mc_store *node_stores[STORES_MAX];

/* ---- arguments and answers ---- */

uint64_t node_number(const json_t *command, const char *name);
const char *node_text(const json_t *command, const char *name);	/* NULL: none */
const char *node_text_or(const json_t *command, const char *name, const char *other);
bool node_flag(const json_t *command, const char *name);
struct mc_store *node_store(const json_t *command);	/* "store": its number, or 0 */
json_t *node_status(enum mc_status status);
/* What the wheel's clients say of a value that could not be read: "miss", or the status. */
const char *node_verdict(enum mc_status status);

/* ---- values: store_values.c ---- */

/* The items of a call, "keys" of "size" bytes each, with memory for their values. */
struct values {
	uint32_t count;
	uint64_t size;		/* that an object should have */
	uint64_t room;		/* for each value */
	const char *salt;
	unsigned char *bytes;
	struct mc_store_item *items;
	struct mc_iov *pieces;
	struct mc_store *store;
	bool registered;	/* the memory, with the store */
};

/* @cut: into how many pieces each value is cut. */
void values_init(struct values *values, const json_t *command, uint32_t cut);
void values_fini(struct values *values);
void values_fill(struct values *values);

json_t *node_put(const json_t *command);
json_t *node_get(const json_t *command);

/* ---- readers in the background: store_hammer.c ---- */

json_t *node_hammer(const json_t *command);
json_t *node_hammered(const json_t *command);

#endif
