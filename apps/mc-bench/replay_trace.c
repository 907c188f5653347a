/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/replay_trace.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	struct trace *trace;
	uint64_t requests_room, blocks_room;
	uint64_t line;
	char *why;
	size_t why_size;
};

/* Room for @more items of @size behind @count. */
static enum mc_status
room_make(void **items, uint64_t *room, uint64_t count, uint64_t more, size_t size)
{
	uint64_t wanted = *room;
	void *grown;

	while (wanted < count + more)
		wanted = wanted == 0 ? 1024 : 2 * wanted;
	if (wanted == *room)
		return MC_OK;
	grown = realloc(*items, wanted * size);
	if (grown == NULL)
		return MC_ERR_NO_MEMORY;
	*items = grown;
	*room = wanted;
	return MC_OK;
}

static enum mc_status
complain(struct reader *reader, const char *what)
{
	snprintf(reader->why, reader->why_size, "line %llu: %s",
		 (unsigned long long)reader->line, what);
	return MC_ERR_INVALID;
}

static enum mc_status
request_add(struct reader *reader, const json_t *object)
{
	const json_t *stamp = json_object_get(object, "timestamp");
	const json_t *ids = json_object_get(object, "hash_ids");
	struct trace *trace = reader->trace;
	size_t count = json_array_size(ids);
	enum mc_status st;

	if (!json_is_number(stamp) || json_number_value(stamp) < 0 ||
	    json_number_value(stamp) > 1e15)
		return complain(reader, "timestamp is no number of milliseconds");
	if (!json_is_array(ids))
		return complain(reader, "hash_ids is no list");
	if (count > TRACE_BLOCKS_MAX)
		return complain(reader, "hash_ids has more than 8192 blocks");
	st = room_make((void **)&trace->blocks, &reader->blocks_room, trace->blocks_count, count,
		       sizeof(trace->blocks[0]));
	if (st == MC_OK)
		st = room_make((void **)&trace->requests, &reader->requests_room,
			       trace->requests_count, 1, sizeof(trace->requests[0]));
	if (st != MC_OK)
		return st;
	for (size_t i = 0; i < count; i++) {
		const json_t *id = json_array_get(ids, i);

		if (!json_is_integer(id))
			return complain(reader, "hash_ids has something that is no whole number");
		trace->blocks[trace->blocks_count + i] = (uint64_t)json_integer_value(id);
	}
	if (count == 0)
		return MC_OK;
	trace->requests[trace->requests_count++] = (struct trace_request){
		.at_ms = (uint64_t)json_number_value(stamp),
		.first = trace->blocks_count,
		.blocks = (uint32_t)count,
	};
	trace->blocks_count += count;
	return MC_OK;
}

static enum mc_status
line_add(struct reader *reader, const char *line, size_t length)
{
	json_error_t error;
	json_t *object;
	enum mc_status st;

	while (length > 0 && strchr(" \t\r\n", line[length - 1]) != NULL)
		length--;
	if (length == 0)
		return MC_OK;
	object = json_loadb(line, length, 0, &error);
	if (object == NULL)
		return complain(reader, error.text);
	st = request_add(reader, object);
	json_decref(object);
	return st;
}

enum mc_status
trace_read(FILE *file, uint32_t requests_max, struct trace *trace_out, char *why, size_t size)
{
	struct trace trace = {0};
	struct reader reader = {.trace = &trace, .why = why, .why_size = size};
	bool all = requests_max == 0 || requests_max > TRACE_REQUESTS_MAX;
	uint32_t most = all ? TRACE_REQUESTS_MAX : requests_max;
	char *line = malloc(TRACE_LINE_MAX);
	enum mc_status st = line != NULL ? MC_OK : MC_ERR_NO_MEMORY;

	snprintf(why, size, "out of memory");
	while (st == MC_OK && trace.requests_count < most &&
	       fgets(line, TRACE_LINE_MAX, file) != NULL) {
		size_t length = strlen(line);

		reader.line++;
		if (length == TRACE_LINE_MAX - 1 && line[length - 1] != '\n')
			st = complain(&reader, "longer than 1 MiB");
		else
			st = line_add(&reader, line, length);
	}
	free(line);
	if (st == MC_OK && ferror(file))
		st = complain(&reader, "cannot be read");
	if (st == MC_OK && trace.requests_count == 0)
		st = complain(&reader, "the trace has no request with blocks");
	if (st == MC_OK)
		*trace_out = trace;
	else
		trace_free(&trace);
	return st;
}

void
trace_free(struct trace *trace)
{
	free(trace->requests);
	free(trace->blocks);
	*trace = (struct trace){0};
}
