/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from the schema: literals by function and release, and functions by id. */
#include <pthread.h>

#include "core/base/assert.h"
#include "core/wire/schema.h"

/* A byte per scalar kind; see doc/wire.md for the grammar. */
enum {
	LIT_I32 = 0x01,
	LIT_U32 = 0x02,
	LIT_I64 = 0x03,
	LIT_U64 = 0x04,
	LIT_U8 = 0x06,
	LIT_BOOL = 0x0b,
	LIT_CHAR = 0x0c,
	LIT_STRING = 0x80,
	LIT_MAP = 0x82,
	LIT_VECTOR = 0x84,
	LIT_OPTIONAL = 0x85,
	LIT_VARIANT = 0x86,
	LIT_EXPECTED = 0x87,
	LIT_VOID = 0xfa,
	LIT_STRUCT = 0xfd,
	LIT_END = 0xff,
};

static struct wire_literal args_literals[MC_FN_COUNT][MC_RELEASE_COUNT];
static struct wire_literal result_literals[MC_FN_COUNT][MC_RELEASE_COUNT];

static void
lit_byte(struct wire_literal *lit, uint8_t byte)
{
	mc_assert(lit->len < sizeof(lit->bytes));
	lit->bytes[lit->len++] = byte;
}

static void lit_type(struct wire_literal *lit, const struct wire_type *type,
		     enum mc_release release);

static void
lit_members(struct wire_literal *lit, const struct wire_type *type, enum mc_release release)
{
	for (uint16_t i = 0; i < type->members_count; i++) {
		if (wire_member_in(&type->members[i], release))
			lit_type(lit, type->members[i].type, release);
	}
}

/* A pair of u64 that is a memory image: its packing and alignment, 8 each, are part of it. */
static void
lit_uuid(struct wire_literal *lit)
{
	static const uint8_t bytes[] = {LIT_STRUCT, LIT_U64, LIT_U64, 0x89, 0x89, LIT_END};

	for (size_t i = 0; i < sizeof(bytes); i++)
		lit_byte(lit, bytes[i]);
}

static void
lit_type(struct wire_literal *lit, const struct wire_type *type, enum mc_release release)
{
	static const uint8_t scalars[] = {
		[WIRE_U8] = LIT_U8,   [WIRE_BOOL] = LIT_BOOL, [WIRE_I32] = LIT_I32,
		[WIRE_U32] = LIT_U32, [WIRE_I64] = LIT_I64,   [WIRE_U64] = LIT_U64,
	};

	switch (type->kind) {
	case WIRE_STR:
		lit_byte(lit, LIT_STRING);
		lit_byte(lit, LIT_CHAR);
		break;
	case WIRE_UUID:
		lit_uuid(lit);
		break;
	case WIRE_VEC:
		lit_byte(lit, LIT_VECTOR);
		lit_type(lit, type->elem, release);
		break;
	case WIRE_MAP:
		lit_byte(lit, LIT_MAP);
		lit_members(lit, type->elem, release);
		break;
	case WIRE_OPT:
	case WIRE_OPT_VEC:
		lit_byte(lit, LIT_OPTIONAL);
		lit_type(lit, type->elem, release);
		break;
	case WIRE_STRUCT:
		lit_byte(lit, LIT_STRUCT);
		lit_members(lit, type, release);
		lit_byte(lit, LIT_END);
		break;
	case WIRE_VARIANT:
		lit_byte(lit, LIT_VARIANT);
		lit_members(lit, type, release);
		lit_byte(lit, LIT_END);
		break;
	case WIRE_EXPECTED:
		lit_byte(lit, LIT_EXPECTED);
		lit_type(lit,
			 wire_member_first(type->members, type->members_count, release)->type,
			 release);
		lit_byte(lit, LIT_I32);	/* ErrorCode */
		break;
	case WIRE_VOID:
		lit_byte(lit, LIT_VOID);
		break;
	default:
		lit_byte(lit, scalars[type->kind]);
	}
}

/* No arguments: nothing. One: its own type. More: a tuple of them. */
static void
lit_args(struct wire_literal *lit, const struct wire_function *function, enum mc_release release)
{
	const struct wire_member *only = NULL;
	unsigned int count = 0;

	for (uint16_t i = 0; i < function->args_count; i++) {
		if (wire_member_in(&function->args[i], release)) {
			only = &function->args[i];
			count++;
		}
	}
	if (count == 1) {
		lit_type(lit, only->type, release);
		return;
	}
	if (count == 0)
		return;
	lit_byte(lit, LIT_STRUCT);
	for (uint16_t i = 0; i < function->args_count; i++) {
		if (wire_member_in(&function->args[i], release))
			lit_type(lit, function->args[i].type, release);
	}
	lit_byte(lit, LIT_END);
}

/* ---- id to function: open addressing, a quarter full ---- */

#define ID_SLOTS 256u

static uint8_t id_slots[ID_SLOTS];	/* function + 1 */

static uint32_t
id_home(uint32_t id)
{
	/* ids are pieces of MD5 sums: any eight bits will do */
	return id % ID_SLOTS;
}

enum mc_fn
mc_wire_function_find(uint32_t id)
{
	for (uint32_t i = id_home(id); id_slots[i] != 0; i = (i + 1) % ID_SLOTS) {
		enum mc_fn fn = (enum mc_fn)(id_slots[i] - 1);

		if (mc_wire_functions[fn].id == id)
			return fn;
	}
	return MC_FN_COUNT;
}

static void
id_add(enum mc_fn fn)
{
	uint32_t i = id_home(mc_wire_functions[fn].id);

	while (id_slots[i] != 0)
		i = (i + 1) % ID_SLOTS;
	id_slots[i] = (uint8_t)(fn + 1);
}

static void
tables_build(void)
{
	for (int fn = 0; fn < MC_FN_COUNT; fn++) {
		const struct wire_function *function = &mc_wire_functions[fn];

		id_add((enum mc_fn)fn);
		for (int release = function->since; release < MC_RELEASE_COUNT; release++) {
			lit_args(&args_literals[fn][release], function, (enum mc_release)release);
			lit_type(&result_literals[fn][release],
				 wire_result_type((enum mc_fn)fn, (enum mc_release)release),
				 (enum mc_release)release);
		}
	}
}

enum mc_status
mc_wire_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, tables_build);
	return MC_OK;
}

const struct wire_literal *
mc_wire_args_literal(enum mc_fn fn, enum mc_release release)
{
	return &args_literals[fn][release];
}

const struct wire_literal *
mc_wire_result_literal(enum mc_fn fn, enum mc_release release)
{
	return &result_literals[fn][release];
}

const char *
mc_fn_name(enum mc_fn fn)
{
	return mc_wire_functions[fn].name;
}

uint32_t
mc_fn_id(enum mc_fn fn)
{
	return mc_wire_functions[fn].id;
}

mc_release_set
mc_fn_releases(enum mc_fn fn)
{
	return (mc_release_set)(MC_RELEASE_ALL &
				~(MC_RELEASE_BIT(mc_wire_functions[fn].since) - 1));
}

mc_release_set
mc_result_same(enum mc_fn fn, enum mc_release release)
{
	const uint32_t *hashes = mc_wire_hashes[fn].result;
	mc_release_set same = 0;

	for (int i = 0; i < MC_RELEASE_COUNT; i++) {
		if (hashes[i] == hashes[release])
			same |= MC_RELEASE_BIT(i);
	}
	return same;
}
