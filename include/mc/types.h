/* SPDX-License-Identifier: Apache-2.0 */
/* Small value types shared by all modules and by users of the library. */
#ifndef MC_TYPES_H
#define MC_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Names a client, a segment or a task. The text form is decimal "first-second", as upstream's. */
struct mc_uuid {
	uint64_t first;
	uint64_t second;
};

/* A view of bytes that somebody else owns; not terminated, any byte value allowed. */
struct mc_str {
	const char *ptr;
	size_t len;
};

#ifdef __cplusplus
}
#endif

#endif
