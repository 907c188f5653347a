/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes to C values. Everything is checked against the end of the message, a count before its
 * elements; no memory is taken: strings and vectors become views. The depth of recursion is the
 * schema's, not the sender's.
 */
#include "core/base/endian.h"
#include "core/wire/schema.h"

struct reader {
	const uint8_t *at;
	const uint8_t *end;
	enum mc_release release;
	uint8_t width;		/* bytes per container length */
};

static bool read_value(struct reader *reader, const struct wire_type *type, uint8_t *to);

static inline size_t
left(const struct reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

static inline bool
read_length(struct reader *reader, uint64_t *length_out)
{
	if (left(reader) < reader->width)
		return false;
	switch (reader->width) {
	case 1:
		*length_out = reader->at[0];
		break;
	case 2:
		*length_out = mc_le16_load(reader->at);
		break;
	case 4:
		*length_out = mc_le32_load(reader->at);
		break;
	default:
		*length_out = mc_le64_load(reader->at);
	}
	reader->at += reader->width;
	/* every element has at least a byte, so this bounds counts as well as strings */
	return *length_out <= left(reader);
}

static inline bool
read_str(struct reader *reader, uint8_t *to)
{
	uint64_t len;

	if (!read_length(reader, &len))
		return false;
	if (to != NULL)
		*(struct mc_str *)to = (struct mc_str){(const char *)reader->at, (size_t)len};
	reader->at += len;
	return true;
}

/* Scalars lie in memory as on the wire but for their byte order. */
static inline bool
read_scalar(struct reader *reader, size_t size, uint8_t *to)
{
	if (left(reader) < size)
		return false;
	if (to != NULL) {
		uint64_t wide;
		uint32_t narrow;

		switch (size) {
		case 8:
			wide = mc_le64_load(reader->at);
			memcpy(to, &wide, 8);
			break;
		case 4:
			narrow = mc_le32_load(reader->at);
			memcpy(to, &narrow, 4);
			break;
		default:
			to[0] = reader->at[0];
		}
	}
	reader->at += size;
	return true;
}

static bool
read_bool(struct reader *reader, uint8_t *to)
{
	if (left(reader) == 0)
		return false;
	if (to != NULL)
		*(bool *)to = reader->at[0] != 0;
	reader->at++;
	return true;
}

static bool
read_uuid(struct reader *reader, uint8_t *to)
{
	return read_scalar(reader, 8, to) && read_scalar(reader, 8, to != NULL ? to + 8 : NULL);
}

static bool
read_members(struct reader *reader, const struct wire_member *members, uint16_t count, uint8_t *to)
{
	for (uint16_t i = 0; i < count; i++) {
		const struct wire_member *member = &members[i];

		if (wire_member_in(member, reader->release) &&
		    !read_value(reader, member->type, to != NULL ? to + member->offset : NULL))
			return false;
	}
	return true;
}

/* The elements are looked at once, so that reading them later cannot fail. */
static bool
read_elements(struct reader *reader, const struct wire_type *elem, uint64_t count, uint8_t *to)
{
	const uint8_t *start = reader->at;

	if (count > UINT32_MAX)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		if (!read_value(reader, elem, NULL))
			return false;
	}
	if (to != NULL)
		*(struct mc_vec *)to = (struct mc_vec){
			.items = start,
			.count = (uint32_t)count,
			.bytes = (uint32_t)(reader->at - start),
			.width = reader->width,
		};
	return true;
}

static bool
read_vec(struct reader *reader, const struct wire_type *type, uint8_t *to)
{
	uint64_t count;

	return read_length(reader, &count) && read_elements(reader, type->elem, count, to);
}

static bool
read_opt_vec(struct reader *reader, const struct wire_type *type, uint8_t *to)
{
	bool present;

	return read_bool(reader, (uint8_t *)&present) &&
	       read_elements(reader, type->elem, present, to);
}

static bool
read_opt(struct reader *reader, const struct wire_type *type, uint8_t *to)
{
	bool present;

	if (!read_bool(reader, (uint8_t *)&present))
		return false;
	if (to != NULL)
		*(bool *)to = present;
	if (!present)
		return true;
	return read_value(reader, type->elem, to != NULL ? to + type->value_offset : NULL);
}

static bool
read_variant(struct reader *reader, const struct wire_type *type, uint8_t *to)
{
	uint8_t index;

	if (!read_scalar(reader, 1, &index))
		return false;
	for (uint16_t i = 0; i < type->members_count; i++) {
		const struct wire_member *member = &type->members[i];

		if (!wire_member_in(member, reader->release) || index-- > 0)
			continue;
		if (to != NULL)
			memcpy(to + type->value_offset, &member->tag, sizeof(member->tag));
		return read_value(reader, member->type, to);
	}
	return false;
}

static bool
read_expected(struct reader *reader, const struct wire_type *type, uint8_t *to)
{
	const struct wire_member *value =
		wire_member_first(type->members, type->members_count, reader->release);
	bool ok;

	if (!read_bool(reader, (uint8_t *)&ok))
		return false;
	if (!ok)
		return read_scalar(reader, 4, to);
	if (to != NULL)
		memset(to, 0, sizeof(int32_t));
	return read_value(reader, value->type, to != NULL ? to + value->offset : NULL);
}

static bool
read_value(struct reader *reader, const struct wire_type *type, uint8_t *to)
{
	switch (type->kind) {
	case WIRE_U8:
	case WIRE_I32:
	case WIRE_U32:
	case WIRE_I64:
	case WIRE_U64:
		return read_scalar(reader, type->size, to);
	case WIRE_BOOL:
		return read_bool(reader, to);
	case WIRE_STR:
		return read_str(reader, to);
	case WIRE_UUID:
		return read_uuid(reader, to);
	case WIRE_VEC:
	case WIRE_MAP:
		return read_vec(reader, type, to);
	case WIRE_OPT:
		return read_opt(reader, type, to);
	case WIRE_OPT_VEC:
		return read_opt_vec(reader, type, to);
	case WIRE_STRUCT:
		return read_members(reader, type->members, type->members_count, to);
	case WIRE_VARIANT:
		return read_variant(reader, type, to);
	case WIRE_EXPECTED:
		return read_expected(reader, type, to);
	case WIRE_VOID:
		return true;
	}
	return false;
}

/* ---- heads ---- */

#define META_TOTAL_LENGTH 0x03	/* only for types that no message here has */
#define META_LITERAL 0x04

struct head {
	uint32_t hash;
	uint8_t width;
	bool literal;
};

static bool
head_read(struct reader *reader, struct head *head_out)
{
	uint32_t word;
	uint8_t meta;

	if (!read_scalar(reader, 4, (uint8_t *)&word))
		return false;
	*head_out = (struct head){.hash = word & ~1u, .width = 1};
	if ((word & 1) == 0)
		return true;
	if (!read_scalar(reader, 1, &meta) || (meta & META_TOTAL_LENGTH) != 0)
		return false;
	head_out->width = (uint8_t)(1u << (meta >> 3 & 3));
	head_out->literal = (meta & META_LITERAL) != 0;
	return true;
}

static bool
bytes_match(struct reader *reader, const uint8_t *bytes, size_t len)
{
	if (left(reader) < len || memcmp(reader->at, bytes, len) != 0)
		return false;
	reader->at += len;
	return true;
}

/* @tuple: the literal of a tuple of the one argument. */
static bool
literal_match(struct reader *reader, const struct wire_literal *literal, bool tuple)
{
	static const uint8_t open = 0xfd, close = 0xff, end = 0x00;

	return (!tuple || bytes_match(reader, &open, 1)) &&
	       bytes_match(reader, literal->bytes, literal->len) &&
	       (!tuple || bytes_match(reader, &close, 1)) && bytes_match(reader, &end, 1);
}

/* ---- requests ---- */

/* The releases of @allowed whose argument hash is @hash, as it is or as a tuple of one. */
static mc_release_set
releases_of(enum mc_fn fn, uint32_t hash, mc_release_set allowed, bool *tuple_out)
{
	const uint32_t *hashes = mc_wire_hashes[fn].args;
	mc_release_set plain = 0, tuple = 0;

	*tuple_out = false;
	if (hash == 0)
		return 0;	/* what the tables hold where there is nothing */
	for (int i = 0; i < MC_RELEASE_COUNT; i++) {
		if (hashes[i] == hash)
			plain |= MC_RELEASE_BIT(i);
	}
	plain &= allowed;
	if (plain != 0)
		return plain;
	*tuple_out = true;
	for (int i = 0; i < MC_RELEASE_COUNT; i++) {
		if (mc_wire_tuple_hash(hashes[i]) == hash)
			tuple |= MC_RELEASE_BIT(i);
	}
	return tuple & allowed;
}

/* Those that have the function without arguments. */
static mc_release_set
releases_without_args(enum mc_fn fn, mc_release_set having)
{
	mc_release_set set = 0;

	for (int i = 0; i < MC_RELEASE_COUNT; i++) {
		if (mc_wire_hashes[fn].args[i] == 0)
			set |= MC_RELEASE_BIT(i);
	}
	return set & having;
}

static enum mc_release
oldest(mc_release_set set)
{
	return (enum mc_release)__builtin_ctz(set);
}

/* RemoveAll of 0.3.6 to 0.3.8 has no arguments, later ones do: the body decides. */
static bool
body_absent(enum mc_fn fn, size_t len, mc_release_set without)
{
	return without != 0 && (len == 0 || mc_wire_hashes[fn].args[MC_RELEASE_NEWEST] == 0);
}

enum mc_status
mc_request_open(uint32_t function_id, const void *body, size_t len, mc_release_set allowed,
		struct mc_request *request_out)
{
	enum mc_fn fn = mc_wire_function_find(function_id);
	struct reader reader = {.at = body, .end = (const uint8_t *)body + len};
	mc_release_set having, without;
	struct head head;
	bool tuple;

	if (fn == MC_FN_COUNT)
		return MC_ERR_UNKNOWN_FUNCTION;
	having = mc_fn_releases(fn) & allowed;
	if (having == 0)
		return MC_ERR_UNKNOWN_FUNCTION;
	without = releases_without_args(fn, having);
	if (body_absent(fn, len, without)) {
		*request_out = (struct mc_request){.fn = fn, .releases = without, .width = 1};
		return MC_OK;
	}
	if (!head_read(&reader, &head))
		return MC_ERR_BAD_MESSAGE;
	having = releases_of(fn, head.hash, having, &tuple);
	if (having == 0)
		return MC_ERR_BAD_MESSAGE;
	if (head.literal &&
	    !literal_match(&reader, mc_wire_args_literal(fn, oldest(having)), tuple))
		return MC_ERR_BAD_MESSAGE;
	*request_out = (struct mc_request){
		.fn = fn,
		.releases = having,
		.payload = reader.at,
		.payload_len = left(&reader),
		.width = head.width,
	};
	return MC_OK;
}

void
mc_args_init(struct mc_args *args)
{
	memset(args, 0, sizeof(*args));
	args->tenant_id = (struct mc_str){"default", 7};
	args->replica_type = MC_REPLICA_ALL;
}

/* Up to 0.3.7 a size came in slices; saturated, which no allocation can meet. */
static uint64_t
slices_sum(const struct mc_vec *slices)
{
	struct mc_vec_cursor cursor = {0};
	uint64_t sum = 0, slice;

	while (mc_vec_next_u64(slices, &cursor, &slice))
		sum = sum + slice < sum ? UINT64_MAX : sum + slice;
	return sum;
}

enum mc_status
mc_request_decode(const struct mc_request *request, struct mc_args *args_out)
{
	const struct wire_function *function = &mc_wire_functions[request->fn];
	struct reader reader;

	mc_args_init(args_out);
	if (request->payload == NULL)
		return MC_OK;
	reader = (struct reader){
		.at = request->payload,
		.end = request->payload + request->payload_len,
		.release = oldest(request->releases),
		.width = request->width,
	};
	if (!read_members(&reader, function->args, function->args_count, (uint8_t *)args_out))
		return MC_ERR_BAD_MESSAGE;
	if (args_out->object_meta.key.ptr != NULL)
		args_out->key = args_out->object_meta.key;
	if (args_out->slices.items != NULL)
		args_out->slice_length = slices_sum(&args_out->slices);
	return MC_OK;
}

/* ---- elements ---- */

static bool
vec_next(const struct mc_vec *vec, struct mc_vec_cursor *cursor, const struct wire_type *type,
	 enum mc_release release, void *out)
{
	struct reader reader;

	if (cursor->index >= vec->count)
		return false;
	if (vec->stride > 0) {
		memcpy(out, (const uint8_t *)vec->items + (size_t)vec->stride * cursor->index,
		       type->size);
		cursor->index++;
		return true;
	}
	reader = (struct reader){
		.at = (const uint8_t *)vec->items + cursor->offset,
		.end = (const uint8_t *)vec->items + vec->bytes,
		.release = release,
		.width = vec->width,
	};
	if (!read_value(&reader, type, out))
		return false;
	cursor->offset = (uint32_t)(reader.at - (const uint8_t *)vec->items);
	cursor->index++;
	return true;
}

bool
mc_wire_vec_next(const struct mc_vec *vec, struct mc_vec_cursor *cursor,
		 const struct wire_type *type, enum mc_release release, void *out)
{
	return vec_next(vec, cursor, type, release, out);
}

bool
mc_vec_next_str(const struct mc_vec *vec, struct mc_vec_cursor *cursor, struct mc_str *out)
{
	return vec_next(vec, cursor, &mc_wire_type_str, MC_RELEASE_NEWEST, out);
}

bool
mc_vec_next_u64(const struct mc_vec *vec, struct mc_vec_cursor *cursor, uint64_t *out)
{
	return vec_next(vec, cursor, &mc_wire_type_u64, MC_RELEASE_NEWEST, out);
}

bool
mc_vec_next_uuid(const struct mc_vec *vec, struct mc_vec_cursor *cursor, struct mc_uuid *out)
{
	return vec_next(vec, cursor, &mc_wire_type_uuid, MC_RELEASE_NEWEST, out);
}

bool
mc_vec_next_slices(const struct mc_vec *vec, struct mc_vec_cursor *cursor,
		   enum mc_release release, uint64_t *sum_out)
{
	struct mc_vec slices;

	if (release > MC_RELEASE_0_3_7)
		return mc_vec_next_u64(vec, cursor, sum_out);
	if (!vec_next(vec, cursor, &mc_wire_type_vec_u64, release, &slices))
		return false;
	*sum_out = slices_sum(&slices);
	return true;
}

bool
mc_vec_next_meta(const struct mc_vec *vec, struct mc_vec_cursor *cursor, enum mc_release release,
		 struct mc_object_meta *out)
{
	*out = (struct mc_object_meta){0};
	return vec_next(vec, cursor, &mc_wire_type_meta, release, out);
}

bool
mc_vec_next_segment(const struct mc_vec *vec, struct mc_vec_cursor *cursor,
		    enum mc_release release, struct mc_segment_desc *out)
{
	*out = (struct mc_segment_desc){0};
	return vec_next(vec, cursor, &mc_wire_type_segment, release, out);
}

bool
mc_vec_next_replica(const struct mc_vec *vec, struct mc_vec_cursor *cursor,
		    enum mc_release release, struct mc_replica_desc *out)
{
	*out = (struct mc_replica_desc){0};
	return vec_next(vec, cursor, &mc_wire_type_replica, release, out);
}

/* ---- results ---- */

enum mc_status
mc_result_decode(const void *body, size_t len, enum mc_fn fn, enum mc_release release,
		 void *result_out)
{
	const struct wire_function *function = &mc_wire_functions[fn];
	const struct wire_member *result =
		wire_member_first(function->results, function->results_count, release);
	struct reader reader = {
		.at = body, .end = (const uint8_t *)body + len, .release = release};
	struct head head;

	if (result == NULL)
		return MC_ERR_UNKNOWN_FUNCTION;
	if (!head_read(&reader, &head) || head.hash != mc_wire_hashes[fn].result[release])
		return MC_ERR_BAD_MESSAGE;
	if (head.literal && !literal_match(&reader, mc_wire_result_literal(fn, release), false))
		return MC_ERR_BAD_MESSAGE;
	reader.width = head.width;
	/* a bare result has no error of its own */
	memset(result_out, 0, sizeof(int32_t));
	if (!read_value(&reader, result->type, (uint8_t *)result_out + result->offset))
		return MC_ERR_BAD_MESSAGE;
	return MC_OK;
}

bool
mc_vec_next_result(const struct mc_vec *vec, struct mc_vec_cursor *cursor, enum mc_fn fn,
		   enum mc_release release, void *element_out)
{
	const struct wire_type *type = wire_result_type(fn, release);

	if (type->kind == WIRE_EXPECTED)
		type = wire_member_first(type->members, type->members_count, release)->type;
	return vec_next(vec, cursor, type->elem, release, element_out);
}
