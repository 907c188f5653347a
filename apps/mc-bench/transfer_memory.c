/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/transfer_memory.h"

#include <stdio.h>
#include <unistd.h>

#include "apps/mc-bench/interrupt.h"
#include "apps/mc-bench/size.h"
#include "core/base/clock.h"
#include "mc/log.h"

#define SHOW_LENGTH (1ull << 30)	/* less is there in no time */
#define WAIT_NS	    (100 * MC_NS_PER_MS)

/* On a thread that populates. */
static void
progress_show(void *context, uint64_t ready, uint64_t length)
{
	if (ready < length)
		fprintf(stderr, "\rpreparing memory: %3.0f %%",
			100.0 * (double)ready / (double)length);
	else
		fprintf(stderr, "\r%40s\r", "");
}

/* In steps, as a signal ends the wait. */
static enum mc_status
region_await(struct mc_region *region, uint64_t length)
{
	enum mc_status st;

	do {
		if (interrupt_signal() != 0)
			return MC_ERR_CANCELED;
		st = mc_region_wait(region, length, WAIT_NS);
	} while (st == MC_ERR_TIMEOUT);
	return st;
}

enum mc_status
transfer_memory_create(const struct transfer_options *options, uint64_t length,
		       struct mc_region **region_out)
{
	struct mc_region_params params = {
		.size = sizeof(params),
		.length = length,
		.name = "mc-bench",
		.huge = options->huge,
	};
	char text[SIZE_TEXT];
	enum mc_status st;

	if (!options->json && isatty(STDERR_FILENO) && length >= SHOW_LENGTH)
		params.progress = progress_show;
	/* what kind of pages it got is said by mc_region_text(), in its place */
	mc_log_level_set(MC_LOG_ERROR);
	st = mc_region_create(&params, region_out);
	mc_log_level_set(MC_LOG_WARN);
	if (st == MC_OK) {
		st = region_await(*region_out, length);
		if (st != MC_OK)
			mc_region_destroy(*region_out);
	}
	if (st != MC_OK && st != MC_ERR_CANCELED)
		fprintf(stderr, "mc-bench transfer: no memory for a buffer of %s: %s\n",
			size_text(length, text), mc_status_text(st));
	return st;
}
