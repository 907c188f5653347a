/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/transfer_side.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/mc-bench/interrupt.h"
#include "apps/mc-bench/size.h"
#include "apps/mc-bench/tick.h"
#include "apps/mc-bench/transfer_memory.h"
#include "core/base/clock.h"

#define BUFFERS_MAX 1024u
#define PAGE	    (2ull << 20)

__attribute__((format(printf, 2, 3))) static void
complain(const char *peer, const char *format, ...)
{
	va_list args;

	if (interrupt_signal() != 0)
		return;
	fprintf(stderr, "mc-bench transfer: %s: ", peer);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* ---- the peer's memory ---- */

static enum mc_status
largest_buffer(struct mc_segment *segment, struct mc_segment_buffer *largest_out)
{
	struct mc_segment_buffer *buffers = calloc(BUFFERS_MAX, sizeof(*buffers));
	uint32_t count;

	if (buffers == NULL)
		return MC_ERR_NO_MEMORY;
	*largest_out = (struct mc_segment_buffer){0};
	count = mc_segment_buffers(segment, false, buffers, BUFFERS_MAX);
	for (uint32_t i = 0; i < count && i < BUFFERS_MAX; i++) {
		if (buffers[i].length > largest_out->length)
			*largest_out = buffers[i];
	}
	free(buffers);
	return count > 0 ? MC_OK : MC_ERR_NOT_FOUND;
}

/* What -set and the sizes need must be there. */
static enum mc_status
set_choose(const struct transfer_options *options, const char *peer,
	   const struct mc_segment_buffer *buffer, uint64_t *set_out)
{
	uint64_t set = options->set != 0 ? options->set : buffer->length;
	uint64_t flight = options->verify ? options->flight : 1;
	uint64_t needed = options->size_largest * flight;
	char texts[2][SIZE_TEXT];

	if (set > buffer->length) {
		complain(peer, "its largest buffer has %s; give -set of at most that, not %s",
			 size_text(buffer->length, texts[0]), size_text(set, texts[1]));
		return MC_ERR_INVALID;
	}
	if (needed > set) {
		complain(peer,
			 "transfers of %s need %s of its buffer, there are %s; give a smaller "
			 "-size%s, or the target a larger -buffer",
			 size_text(options->size_largest, (char[SIZE_TEXT]){0}),
			 size_text(needed, texts[0]), size_text(set, texts[1]),
			 options->verify ? " or -batch" : "");
		return MC_ERR_INVALID;
	}
	*set_out = set;
	return MC_OK;
}

/* ---- ours ---- */

static enum mc_status
memory_open(struct transfer_side *side, const struct transfer_options *options)
{
	bool scratch = options->verify;
	uint64_t set = (side->path.set + PAGE - 1) / PAGE * PAGE;
	uint64_t length = set + (scratch ? options->size_largest * options->flight : 0);
	struct mc_mem_params mem = {.size = sizeof(mem), .local_only = true};
	enum mc_status st = MC_OK;

	/* of an earlier driver, unless the peer has come back with a larger buffer since */
	if (side->region != NULL && mc_region_length(side->region) < length)
		transfer_side_fini(side);
	if (side->region == NULL)
		st = transfer_memory_create(options, length, &side->region);
	if (st != MC_OK)
		return st;
	side->path.local = mc_region_addr(side->region);
	side->path.scratch = scratch ? side->path.local + set : NULL;
	return mc_engine_mem_reg(side->engine, side->path.local, length, &mem, &side->mem);
}

static enum mc_status
engine_open(struct transfer_side *side, const struct transfer_options *options, const char *driver)
{
	struct mc_engine_params params = {
		.size = sizeof(params),
		.name = options->name,
		.metadata = options->metadata,
		.drivers = strcmp(driver, "auto") == 0 ? NULL : driver,
		.devices = options->devices,
		.poll_inline = options->poll_inline,
	};

	return mc_engine_create(&params, &side->engine);
}

static enum mc_status
segment_open(struct transfer_side *side, const struct transfer_options *options, const char *peer)
{
	struct mc_segment_buffer buffer;
	enum mc_status st =
		mc_segment_open(side->engine, peer, options->timeout_ns, &side->segment);

	if (st != MC_OK) {
		complain(peer, "cannot open this segment: %s", mc_status_text(st));
		return st;
	}
	st = largest_buffer(side->segment, &buffer);
	if (st != MC_OK) {
		complain(peer, "it offers no buffer");
		return st;
	}
	side->path.remote = buffer.addr;
	return set_choose(options, peer, &buffer, &side->path.set);
}

/* One byte: connections are made by transfers, and only then it is known what carries them. */
static enum mc_status
segment_touch(struct transfer_side *side, const struct transfer_options *options,
	      const char *driver, const char *peer)
{
	struct mc_batch *batch;
	enum mc_status st = mc_batch_alloc(side->engine, 1, 0, &batch);

	if (st != MC_OK)
		return st;
	st = mc_batch_add(batch, MC_READ, side->segment, side->path.remote, side->path.local, 1);
	if (st == MC_OK)
		st = mc_batch_submit(batch, mc_clock_mono_ns() + options->timeout_ns, NULL, NULL);
	if (st == MC_OK)
		st = mc_batch_wait(batch);
	mc_batch_free(batch);
	/* the control thread may say it a moment after the transfer that it made possible */
	while (st == MC_OK && (side->driver = mc_segment_driver(side->segment)) == NULL)
		tick_sleep(MC_NS_PER_MS);
	if (st != MC_OK)
		complain(peer, "driver %s: a first read failed: %s", driver, mc_status_text(st));
	return st;
}

enum mc_status
transfer_side_open(struct transfer_side *side, const struct transfer_options *options,
		   const char *driver, const char *peer, struct child *child)
{
	enum mc_status st = engine_open(side, options, driver);

	if (st == MC_OK)
		st = segment_open(side, options, peer);
	if (st == MC_OK)
		st = memory_open(side, options);
	if (st == MC_OK)
		st = segment_touch(side, options, driver, peer);
	side->path.engine = side->engine;
	side->path.segment = side->segment;
	side->path.peer = peer;
	side->path.child = child;
	if (st != MC_OK)
		transfer_side_close(side);
	return st;
}

void
transfer_side_close(struct transfer_side *side)
{
	if (side->segment != NULL)
		mc_segment_close(side->segment);
	if (side->mem != NULL && mc_engine_mem_unreg(side->mem) != MC_OK)
		complain(side->path.peer, "our buffer is still in use");
	mc_engine_destroy(side->engine);
	*side = (struct transfer_side){.region = side->region};
}

void
transfer_side_fini(struct transfer_side *side)
{
	if (side->region != NULL)
		mc_region_destroy(side->region);
	side->region = NULL;
}
