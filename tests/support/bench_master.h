/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A master behind the seam of sockets, for the tests of mc-bench: a request is answered while it is
 * being sent, so that all of it runs on one thread. It remembers which keys were put.
 */
#ifndef MC_TESTS_SUPPORT_BENCH_MASTER_H
#define MC_TESTS_SUPPORT_BENCH_MASTER_H

#include "core/eal/reactor.h"
#include "core/wire/wire.h"

#define BENCH_MASTER_NEW  100000000000ull	/* where mc-bench's new keys begin */
#define BENCH_MASTER_KEYS 100000u		/* remembered, of the old ones and of the new */

struct bench_master {
	struct mc_reactor *reactor;
	enum mc_release release;
	/* what goes wrong */
	enum mc_status connect_status;
	bool deaf;			/* connects, and answers nothing more */
	unsigned int answers_left;	/* then it closes the connection */
	int32_t errors[MC_FN_COUNT];	/* codes to answer with, 0: none */
	uint8_t err_code;		/* of the frame */
	uint64_t size;			/* of objects, as it tells */
	/* what happened */
	unsigned int calls[MC_FN_COUNT];
	unsigned int open;		/* connections, now */
	unsigned int segments;		/* mounted, now */
	unsigned int refused;		/* puts of keys that are there */
	unsigned int missed;		/* reads of keys that are not */
	bool put[2][BENCH_MASTER_KEYS];	/* completely, old and new keys */
	char last_key[1025];
};

/* There is one, as the table of sockets is the process's. */
extern struct bench_master master;

/* Starts the runtime and a reactor; false: the test program cannot run. */
bool bench_master_start(void);
void bench_master_stop(void);

/* A master without keys in place of every address; and the system's sockets back. */
void bench_master_setup(void);
void bench_master_teardown(void);

#endif
