/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces of requests: JSON lines as Mooncake's FAST'25 release publishes them, with timestamp (ms)
 * and hash_ids, the hashes of the blocks of 512 tokens of a request, each of the whole prefix.
 */
#ifndef MC_APPS_MC_BENCH_REPLAY_TRACE_H
#define MC_APPS_MC_BENCH_REPLAY_TRACE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "mc/status.h"

#define TRACE_LINE_MAX	   (1u << 20)
#define TRACE_REQUESTS_MAX 10000000u
#define TRACE_BLOCKS_MAX   8192u	/* of one request: 4 M tokens */
#define TRACE_BLOCK_TOKENS 512u

struct trace_request {
	uint64_t at_ms;
	uint64_t first;			/* of its blocks in the trace's */
	uint32_t blocks;
};

struct trace {
	struct trace_request *requests;
	uint32_t requests_count;
	uint64_t *blocks;		/* hash ids of all requests */
	uint64_t blocks_count;
};

/*
 * Up to @requests_max requests (0: all). MC_ERR_INVALID: @why, of @size bytes, names the line and
 * what is wrong. A request without blocks is left out.
 */
enum mc_status trace_read(FILE *file, uint32_t requests_max, struct trace *trace_out, char *why,
			  size_t size);
void trace_free(struct trace *trace);

#endif
