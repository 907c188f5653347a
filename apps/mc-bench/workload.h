/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the calls of a run are: the next request, and whether an answer is right. Keys are
 * "mcbench-" and a number; what exists are the numbers below keys_count.
 */
#ifndef MC_APPS_MC_BENCH_WORKLOAD_H
#define MC_APPS_MC_BENCH_WORKLOAD_H

#include "apps/mc-bench/conn.h"
#include "core/base/random.h"
#include "core/wire/wire.h"

enum op {
	OP_EXIST,
	OP_GET,
	OP_PUT,		/* PutStart, then PutEnd, of a new key */
	OP_MIXED,	/* of ten: 1 put, 4 get, 5 exist */
	OP_BATCH_EXIST,
	OP_BATCH_GET,
	OP_BATCH_PUT,
	OP_FILL,	/* keys_count keys, each once, by batches; no time limit */
	OP_COUNT,
};

const char *op_name(enum op op);
enum mc_status op_parse(const char *name, enum op *op_out);
bool op_batched(enum op op);

/* A request with its keys left open: positions of the key numbers' digits. */
struct template {
	enum mc_fn fn;
	struct mc_buf bytes;
	uint32_t *digits;	/* offset of the last digit of each key */
	unsigned int keys;
};

#define ERROR_KINDS 8
struct error_count {
	int32_t code;		/* of the master; 1: framing-level, 2: a wrong answer */
	uint64_t count;
};

struct workload {
	enum op op;
	enum mc_release release;
	unsigned int batch;
	uint64_t keys_count;
	uint64_t value_size;
	uint64_t next_key;		/* of puts and fills */
	uint64_t keys_end;		/* fills stop here */
	struct mc_random random;
	struct template read;		/* exist, get and their batches */
	struct template put_start;
	struct template put_end;
	struct mc_buf exist_true;	/* the answer that says true, once one was decoded */
	struct error_count errors[ERROR_KINDS];
	uint64_t wrong;			/* all errors */
};

struct workload_params {
	enum op op;
	enum mc_release release;
	enum mc_form form;
	unsigned int batch;
	unsigned int key_size;
	uint64_t keys_count;
	uint64_t put_key;	/* the first number that puts and fills take */
	uint64_t value_size;
	uint64_t seed;
	struct mc_uuid client_id;
};

#define KEY_SIZE_MIN 20u
#define KEY_SIZE_MAX 1024u

enum mc_status workload_init(struct workload *workload, const struct workload_params *params);
void workload_fini(struct workload *workload);

/* Sends the next call in @slot; false when a fill has nothing left to send. */
bool workload_next(struct workload *workload, struct conn *conn, struct conn_slot *slot);
/* Judges an answer. Returns how many keys are done with it: those of a put at its second call. */
unsigned int workload_answer(struct workload *workload, struct conn_slot *slot, uint8_t err_code,
			     const uint8_t *body, size_t len);

#endif
