/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/transfer_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/mc-bench/interrupt.h"
#include "apps/mc-bench/pattern.h"
#include "apps/mc-bench/tick.h"
#include "apps/mc-bench/transfer_memory.h"
#include "core/base/clock.h"

#define TICK_NS (50 * MC_NS_PER_MS)

struct buffer {
	struct mc_region *region;
	struct mc_engine_mem *mem;
};

/* Filled with what an initiator with -verify expects to read. */
static enum mc_status
buffer_open(struct buffer *buffer, const struct transfer_options *options,
	    struct mc_engine *engine)
{
	enum mc_status st = transfer_memory_create(options, options->buffer, &buffer->region);
	void *addr;

	if (st != MC_OK)
		return st;
	if (isatty(STDOUT_FILENO))
		fprintf(stderr, "%s\n", mc_region_text(buffer->region));
	addr = mc_region_addr(buffer->region);
	pattern_fill(addr, (uint64_t)(uintptr_t)addr, options->buffer, options->seed);
	return mc_engine_mem_reg(engine, addr, options->buffer, NULL, &buffer->mem);
}

static void
buffer_close(struct buffer *buffer)
{
	if (buffer->mem != NULL)
		mc_engine_mem_unreg(buffer->mem);
	if (buffer->region != NULL)
		mc_region_destroy(buffer->region);
}

static void
serve(struct mc_engine *engine)
{
	struct mc_engine_counters counters = {.size = sizeof(counters)};

	printf("%s\n", mc_engine_name(engine));
	fflush(stdout);
	while (interrupt_signal() == 0)
		tick_sleep(TICK_NS);
	if (isatty(STDERR_FILENO) && isatty(STDOUT_FILENO)) {
		mc_engine_counters_read(engine, &counters);
		fprintf(stderr, "\n%.3f GB served by this process's cores\n",
			(double)counters.served_bytes * 1e-9);
	}
}

enum mc_status
transfer_target_serve(const struct transfer_options *options)
{
	struct mc_engine_params params = {
		.size = sizeof(params),
		.name = options->name,
		.metadata = options->metadata,
		.drivers = strstr(options->driver_list, "auto") ? NULL : options->driver_list,
		.devices = options->devices,
	};
	struct buffer *buffers = calloc(options->buffers, sizeof(*buffers));
	struct mc_engine *engine = NULL;
	enum mc_status st =
		buffers != NULL ? mc_engine_create(&params, &engine) : MC_ERR_NO_MEMORY;

	for (unsigned int i = 0; st == MC_OK && i < options->buffers; i++)
		st = buffer_open(&buffers[i], options, engine);
	if (st == MC_OK)
		serve(engine);
	for (unsigned int i = 0; buffers != NULL && i < options->buffers; i++)
		buffer_close(&buffers[i]);
	mc_engine_destroy(engine);
	free(buffers);
	/* a signal while it was prepared ends it as well as one later */
	return st == MC_ERR_CANCELED ? MC_OK : st;
}
