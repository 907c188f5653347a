/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Releases of Mooncake whose RPC layouts differ. One value per layout: 0.3.13 and 0.3.13.post1 are
 * identical on the wire and both are MC_RELEASE_0_3_13.
 */
#ifndef MC_CORE_WIRE_RELEASE_H
#define MC_CORE_WIRE_RELEASE_H

#include <stdint.h>

#include "mc/status.h"

enum mc_release {
	MC_RELEASE_0_3_6,
	MC_RELEASE_0_3_7,
	MC_RELEASE_0_3_8,	/* 0.3.8.post1: the last of that line */
	MC_RELEASE_0_3_9,
	MC_RELEASE_0_3_10,	/* 0.3.10.post2 */
	MC_RELEASE_0_3_11,
	MC_RELEASE_0_3_12,
	MC_RELEASE_0_3_13,
	MC_RELEASE_COUNT,
	MC_RELEASE_NEWEST = MC_RELEASE_0_3_13,
};

/* A set of releases, one bit each. */
typedef uint16_t mc_release_set;
#define MC_RELEASE_BIT(release) ((mc_release_set)(1u << (release)))
#define MC_RELEASE_ALL ((mc_release_set)((1u << MC_RELEASE_COUNT) - 1))

/* "0.3.9", with or without a ".postN" that exists. MC_ERR_NOT_FOUND. */
enum mc_status mc_release_parse(const char *text, enum mc_release *release_out);
const char *mc_release_name(enum mc_release release);

#endif
