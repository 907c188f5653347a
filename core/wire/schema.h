/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to core/wire: how the layout tables are made. A type says how a C value lies on the wire;
 * members carry the first and the last release that has them.
 */
#ifndef MC_CORE_WIRE_SCHEMA_H
#define MC_CORE_WIRE_SCHEMA_H

#include "core/wire/wire.h"

enum wire_kind {
	WIRE_U8,
	WIRE_BOOL,
	WIRE_I32,
	WIRE_U32,
	WIRE_I64,
	WIRE_U64,
	WIRE_STR,	/* struct mc_str */
	WIRE_UUID,	/* struct mc_uuid */
	WIRE_VEC,	/* struct mc_vec of @elem */
	WIRE_MAP,	/* the same; @elem is a struct of two members */
	WIRE_OPT,	/* bool, and the value @value_offset behind it */
	WIRE_OPT_VEC,	/* optional<@elem> as a struct mc_vec of none or one */
	WIRE_STRUCT,	/* @members */
	WIRE_VARIANT,	/* u8 index among @members of the release; their tag at @value_offset */
	WIRE_EXPECTED,	/* int32_t error at 0, the value is the first of @members in the release */
	WIRE_VOID,
};

struct wire_type;

struct wire_member {
	const struct wire_type *type;
	uint16_t offset;	/* in the C struct around it */
	uint8_t since;		/* enum mc_release */
	uint8_t until;
	int32_t tag;		/* of a variant's alternative */
};

struct wire_type {
	enum wire_kind kind;
	uint16_t size;			/* of the C value, where it is an element of a vector */
	uint16_t value_offset;
	const struct wire_type *elem;
	const struct wire_member *members;
	uint16_t members_count;
};

struct wire_function {
	const char *name;
	uint32_t id;
	uint8_t since;
	const struct wire_member *args;	/* into struct mc_args */
	uint16_t args_count;
	const struct wire_member *results;	/* the first that the release has */
	uint16_t results_count;
};

/* Element types that code outside the schema names. */
extern const struct wire_type mc_wire_type_str, mc_wire_type_u64, mc_wire_type_uuid,
	mc_wire_type_vec_u64, mc_wire_type_meta, mc_wire_type_segment, mc_wire_type_replica;

/* One element of a vector, of wire bytes or of C values; false at the end. */
bool mc_wire_vec_next(const struct mc_vec *vec, struct mc_vec_cursor *cursor,
		      const struct wire_type *type, enum mc_release release, void *out);

extern const struct wire_function mc_wire_functions[MC_FN_COUNT];

/* Hashes of the literals, bit 0 cleared; 0 where the release has no such function or argument. */
struct wire_hashes {
	uint32_t args[MC_RELEASE_COUNT];
	uint32_t result[MC_RELEASE_COUNT];
};
extern const struct wire_hashes mc_wire_hashes[MC_FN_COUNT];

/* For a sole argument of hash @type, the hash of a tuple of it alone; 0 when there is none. */
uint32_t mc_wire_tuple_hash(uint32_t type);

#define WIRE_HASH_STRING 0x9dcffa76u

/* A type literal: what stands in front of a payload, and what the hash is taken of. */
struct wire_literal {
	uint8_t len;		/* 0: no arguments */
	uint8_t bytes[255];
};
const struct wire_literal *mc_wire_args_literal(enum mc_fn fn, enum mc_release release);
const struct wire_literal *mc_wire_result_literal(enum mc_fn fn, enum mc_release release);
enum mc_fn mc_wire_function_find(uint32_t id);	/* MC_FN_COUNT: none */

static inline bool
wire_member_in(const struct wire_member *member, enum mc_release release)
{
	return release >= member->since && release <= member->until;
}

/* The first member that @release has: a result's type, the value of an expected. */
static inline const struct wire_member *
wire_member_first(const struct wire_member *members, uint16_t count, enum mc_release release)
{
	for (uint16_t i = 0; i < count; i++) {
		if (wire_member_in(&members[i], release))
			return &members[i];
	}
	return NULL;
}

static inline const struct wire_type *
wire_result_type(enum mc_fn fn, enum mc_release release)
{
	const struct wire_function *function = &mc_wire_functions[fn];
	const struct wire_member *member =
		wire_member_first(function->results, function->results_count, release);

	return member != NULL ? member->type : NULL;
}

#endif
