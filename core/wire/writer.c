/* SPDX-License-Identifier: Apache-2.0 */
/* C values to bytes, by the same tables as the reader. */
#include "core/base/endian.h"
#include "core/wire/schema.h"

#define META_LITERAL 0x04
#define MESSAGE_MAX UINT32_MAX	/* the length field of a frame */
#define ELEMENT_MAX 512u	/* bytes of the largest element's C value */

static void write_value(struct mc_writer *writer, const struct wire_type *type,
			const uint8_t *from);

static void
put_bytes(struct mc_writer *writer, const void *bytes, size_t len)
{
	if (!writer->failed && mc_buf_append(writer->buf, bytes, len) != MC_OK)
		writer->failed = true;
}

static void
put_length(struct mc_writer *writer, uint64_t length)
{
	uint8_t bytes[8];

	/* the caller promised that nothing is longer: a value cut short must not go out */
	if (writer->width < 8 && length >> (8 * writer->width) != 0)
		writer->failed = true;
	mc_le64_store(bytes, length);
	put_bytes(writer, bytes, writer->width);
}

static void
put_u64(struct mc_writer *writer, uint64_t value)
{
	uint8_t bytes[8];

	mc_le64_store(bytes, value);
	put_bytes(writer, bytes, sizeof(bytes));
}

static void
put_u32(struct mc_writer *writer, uint32_t value)
{
	uint8_t bytes[4];

	mc_le32_store(bytes, value);
	put_bytes(writer, bytes, sizeof(bytes));
}

static void
put_u8(struct mc_writer *writer, uint8_t value)
{
	put_bytes(writer, &value, 1);
}

static void
write_scalar(struct mc_writer *writer, size_t size, const uint8_t *from)
{
	uint64_t wide;
	uint32_t narrow;

	switch (size) {
	case 8:
		memcpy(&wide, from, 8);
		put_u64(writer, wide);
		break;
	case 4:
		memcpy(&narrow, from, 4);
		put_u32(writer, narrow);
		break;
	default:
		put_u8(writer, from[0]);
	}
}

static void
write_str(struct mc_writer *writer, const uint8_t *from)
{
	const struct mc_str *str = (const struct mc_str *)from;

	put_length(writer, str->len);
	put_bytes(writer, str->ptr, str->len);
}

static void
write_members(struct mc_writer *writer, const struct wire_member *members, uint16_t count,
	      const uint8_t *from)
{
	for (uint16_t i = 0; i < count; i++) {
		if (wire_member_in(&members[i], writer->release))
			write_value(writer, members[i].type, from + members[i].offset);
	}
}

static void
write_elements(struct mc_writer *writer, const struct wire_type *elem, const struct mc_vec *vec)
{
	_Alignas(16) uint8_t element[ELEMENT_MAX];
	struct mc_vec_cursor cursor = {0};

	for (uint32_t i = 0; vec->stride > 0 && i < vec->count; i++)
		write_value(writer, elem, (const uint8_t *)vec->items + (size_t)vec->stride * i);
	if (vec->stride > 0)
		return;
	memset(element, 0, elem->size);
	while (mc_wire_vec_next(vec, &cursor, elem, writer->release, element)) {
		write_value(writer, elem, element);
		memset(element, 0, elem->size);
	}
}

static void
write_variant(struct mc_writer *writer, const struct wire_type *type, const uint8_t *from)
{
	uint8_t index = 0;
	int32_t tag;

	memcpy(&tag, from + type->value_offset, sizeof(tag));
	for (uint16_t i = 0; i < type->members_count; i++) {
		const struct wire_member *member = &type->members[i];

		if (!wire_member_in(member, writer->release))
			continue;
		if (member->tag == tag) {
			put_u8(writer, index);
			write_value(writer, member->type, from);
			return;
		}
		index++;
	}
	/* a kind that the release does not know */
	writer->failed = true;
}

static void
write_expected(struct mc_writer *writer, const struct wire_type *type, const uint8_t *from)
{
	const struct wire_member *value =
		wire_member_first(type->members, type->members_count, writer->release);
	int32_t error;

	memcpy(&error, from, sizeof(error));
	put_u8(writer, error == 0);
	if (error != 0)
		put_u32(writer, (uint32_t)error);
	else
		write_value(writer, value->type, from + value->offset);
}

static void
write_value(struct mc_writer *writer, const struct wire_type *type, const uint8_t *from)
{
	const struct mc_vec *vec = (const struct mc_vec *)from;

	switch (type->kind) {
	case WIRE_U8:
	case WIRE_I32:
	case WIRE_U32:
	case WIRE_I64:
	case WIRE_U64:
		write_scalar(writer, type->size, from);
		break;
	case WIRE_BOOL:
		put_u8(writer, *(const bool *)from);
		break;
	case WIRE_STR:
		write_str(writer, from);
		break;
	case WIRE_UUID:
		write_scalar(writer, 8, from);
		write_scalar(writer, 8, from + 8);
		break;
	case WIRE_VEC:
	case WIRE_MAP:
		put_length(writer, vec->count);
		write_elements(writer, type->elem, vec);
		break;
	case WIRE_OPT:
		put_u8(writer, *(const bool *)from);
		if (*(const bool *)from)
			write_value(writer, type->elem, from + type->value_offset);
		break;
	case WIRE_OPT_VEC:
		put_u8(writer, vec->count > 0);
		write_elements(writer, type->elem, vec);
		break;
	case WIRE_STRUCT:
		write_members(writer, type->members, type->members_count, from);
		break;
	case WIRE_VARIANT:
		write_variant(writer, type, from);
		break;
	case WIRE_EXPECTED:
		write_expected(writer, type, from);
		break;
	case WIRE_VOID:
		break;
	}
}

/* ---- the longest container of a value: it decides the width of all lengths ---- */

static uint64_t longest(const struct wire_type *type, enum mc_release release, const uint8_t *from);

static uint64_t
longer(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t
longest_member(const struct wire_member *members, uint16_t count, enum mc_release release,
	       const uint8_t *from)
{
	uint64_t most = 0;

	for (uint16_t i = 0; i < count; i++) {
		if (wire_member_in(&members[i], release))
			most = longer(most, longest(members[i].type, release,
						    from + members[i].offset));
	}
	return most;
}

static uint64_t
longest_element(const struct wire_type *elem, enum mc_release release, const struct mc_vec *vec)
{
	_Alignas(16) uint8_t element[ELEMENT_MAX];
	struct mc_vec_cursor cursor = {0};
	uint64_t most = 0;

	memset(element, 0, elem->size);
	while (mc_wire_vec_next(vec, &cursor, elem, release, element)) {
		most = longer(most, longest(elem, release, element));
		memset(element, 0, elem->size);
	}
	return most;
}

static uint64_t
longest_variant(const struct wire_type *type, enum mc_release release, const uint8_t *from)
{
	int32_t tag;

	memcpy(&tag, from + type->value_offset, sizeof(tag));
	for (uint16_t i = 0; i < type->members_count; i++) {
		if (wire_member_in(&type->members[i], release) && type->members[i].tag == tag)
			return longest(type->members[i].type, release, from);
	}
	return 0;
}

static uint64_t
longest_expected(const struct wire_type *type, enum mc_release release, const uint8_t *from)
{
	const struct wire_member *value =
		wire_member_first(type->members, type->members_count, release);
	int32_t error;

	memcpy(&error, from, sizeof(error));
	return error == 0 ? longest(value->type, release, from + value->offset) : 0;
}

static uint64_t
longest(const struct wire_type *type, enum mc_release release, const uint8_t *from)
{
	const struct mc_vec *vec = (const struct mc_vec *)from;

	switch (type->kind) {
	case WIRE_STR:
		return ((const struct mc_str *)from)->len;
	case WIRE_VEC:
	case WIRE_MAP:
		return longer(vec->count, longest_element(type->elem, release, vec));
	case WIRE_OPT_VEC:
		return longest_element(type->elem, release, vec);
	case WIRE_OPT:
		return *(const bool *)from ? longest(type->elem, release, from + type->value_offset)
					   : 0;
	case WIRE_STRUCT:
		return longest_member(type->members, type->members_count, release, from);
	case WIRE_VARIANT:
		return longest_variant(type, release, from);
	case WIRE_EXPECTED:
		return longest_expected(type, release, from);
	default:
		return 0;
	}
}

size_t
mc_result_longest(enum mc_fn fn, enum mc_release release, const void *result)
{
	const struct wire_function *function = &mc_wire_functions[fn];
	const struct wire_member *member =
		wire_member_first(function->results, function->results_count, release);

	return (size_t)longest(member->type, release, (const uint8_t *)result + member->offset);
}

/* ---- heads ---- */

static uint8_t
width_code(uint64_t len_max)
{
	if (len_max <= UINT8_MAX)
		return 0;
	if (len_max <= UINT16_MAX)
		return 1;
	return len_max <= UINT32_MAX ? 2 : 3;
}

static void
put_head(struct mc_writer *writer, uint32_t hash, const struct wire_literal *literal,
	 size_t len_max)
{
	uint8_t code = width_code(len_max);

	writer->width = (uint8_t)(1u << code);
	if (code == 0 && literal == NULL) {
		put_u32(writer, hash);
		return;
	}
	put_u32(writer, hash | 1);
	put_u8(writer, (uint8_t)((literal != NULL ? META_LITERAL : 0) | code << 3));
	if (literal != NULL) {
		put_bytes(writer, literal->bytes, literal->len);
		put_u8(writer, 0);
	}
}

static enum mc_status
writer_close(struct mc_writer *writer)
{
	struct mc_buf *buf = writer->buf;
	size_t len = buf->tail - writer->start;

	if (!writer->failed && len <= MESSAGE_MAX)
		return MC_OK;
	buf->tail = writer->start;
	return writer->failed ? MC_ERR_NO_MEMORY : MC_ERR_TOO_LARGE;
}

/* ---- results ---- */

void
mc_result_open(struct mc_writer *writer, struct mc_buf *buf, enum mc_fn fn,
	       enum mc_release release, enum mc_form form, size_t len_max)
{
	*writer = (struct mc_writer){.buf = buf, .release = release, .fn = fn, .start = buf->tail};
	put_head(writer, mc_wire_hashes[fn].result[release],
		 form == MC_FORM_LITERAL ? mc_wire_result_literal(fn, release) : NULL, len_max);
}

void
mc_result_put(struct mc_writer *writer, const void *result)
{
	const struct wire_function *function = &mc_wire_functions[writer->fn];
	const struct wire_member *member = wire_member_first(
		function->results, function->results_count, writer->release);

	write_value(writer, member->type, (const uint8_t *)result + member->offset);
}

void
mc_result_put_count(struct mc_writer *writer, uint32_t count)
{
	put_length(writer, count);
}

void
mc_result_put_ok_count(struct mc_writer *writer, uint32_t count)
{
	put_u8(writer, 1);
	put_length(writer, count);
}

void
mc_result_put_element(struct mc_writer *writer, const void *element)
{
	const struct wire_type *type = wire_result_type(writer->fn, writer->release);

	if (type->kind == WIRE_EXPECTED)
		type = wire_member_first(type->members, type->members_count, writer->release)->type;
	write_value(writer, type->elem, element);
}

enum mc_status
mc_result_close(struct mc_writer *writer)
{
	return writer_close(writer);
}

enum mc_status
mc_error_body(struct mc_buf *buf, const char *text, enum mc_form form)
{
	static const struct wire_literal string = {2, {0x80, 0x0c}};
	struct mc_writer writer = {.buf = buf, .start = buf->tail};
	struct mc_str str = {text, strlen(text)};

	put_head(&writer, WIRE_HASH_STRING, form == MC_FORM_LITERAL ? &string : NULL, str.len);
	write_str(&writer, (const uint8_t *)&str);
	return writer_close(&writer);
}

/* ---- requests ---- */

enum mc_status
mc_request_encode(struct mc_buf *buf, enum mc_fn fn, enum mc_release release, enum mc_form form,
		  const struct mc_args *args)
{
	const struct wire_function *function = &mc_wire_functions[fn];
	struct mc_writer writer = {
		.buf = buf, .release = release, .fn = fn, .start = buf->tail};
	uint32_t hash = mc_wire_hashes[fn].args[release];
	const uint8_t *from = (const uint8_t *)args;

	if (release < function->since)
		return MC_ERR_UNKNOWN_FUNCTION;
	if (hash == 0)
		return MC_OK;
	put_head(&writer, hash, form == MC_FORM_LITERAL ? mc_wire_args_literal(fn, release) : NULL,
		 (size_t)longest_member(function->args, function->args_count, release, from));
	write_members(&writer, function->args, function->args_count, from);
	return writer_close(&writer);
}
