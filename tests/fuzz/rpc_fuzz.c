/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as it comes from a socket: four bytes of function id, then a body. Whatever decodes is
 * written again and must come back the same; every vector is walked to its end.
 */
#include <stdlib.h>

#include "core/base/endian.h"
#include "core/wire/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ensure(bool held)
{
	if (!held)
		abort();
}

static void
vectors_walk(const struct mc_args *args, enum mc_release release)
{
	struct mc_vec_cursor cursor = {0};
	struct mc_segment_desc segment;
	struct mc_object_meta meta;
	struct mc_str str;
	uint64_t number;
	uint32_t count = 0;

	while (mc_vec_next_str(&args->keys, &cursor, &str))
		count++;
	ensure(count == args->keys.count);
	cursor = (struct mc_vec_cursor){0};
	while (mc_vec_next_slices(&args->slice_lengths, &cursor, release, &number))
		continue;
	cursor = (struct mc_vec_cursor){0};
	while (mc_vec_next_segment(&args->segments, &cursor, release, &segment))
		continue;
	cursor = (struct mc_vec_cursor){0};
	while (mc_vec_next_meta(&args->object_metas, &cursor, release, &meta))
		continue;
}

static void
decode_again(const struct mc_request *request, const struct mc_args *args, enum mc_release release)
{
	struct mc_request again;
	struct mc_args same;
	struct mc_buf buf;

	mc_buf_init(&buf);
	ensure(mc_request_encode(&buf, request->fn, release, MC_FORM_LITERAL, args) == MC_OK);
	ensure(mc_request_open(mc_fn_id(request->fn), buf.data, mc_buf_len(&buf), MC_RELEASE_ALL,
			       &again) == MC_OK);
	ensure(again.releases == request->releases);
	ensure(mc_request_decode(&again, &same) == MC_OK);
	ensure(same.key.len == args->key.len && same.keys.count == args->keys.count &&
	       same.slice_length == args->slice_length);
	mc_buf_fini(&buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mc_request request;
	struct mc_args args;
	enum mc_release release;

	mc_wire_init();
	if (size < 4 || mc_request_open(mc_le32_load(data), data + 4, size - 4, MC_RELEASE_ALL,
					&request) != MC_OK)
		return 0;
	if (mc_request_decode(&request, &args) != MC_OK)
		return 0;
	release = (enum mc_release)__builtin_ctz(request.releases);
	vectors_walk(&args, release);
	if (request.payload != NULL)
		decode_again(&request, &args, release);
	return 0;
}
