/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers, behind a seam: seeded generators for a simulation. Not for secrets. */
#ifndef MC_CORE_BASE_RANDOM_H
#define MC_CORE_BASE_RANDOM_H

#include <stdint.h>

struct mc_random {
	uint64_t state[4];	/* xoshiro256** */
};

/* Same seed, same sequence. One owner thread. */
void mc_random_init(struct mc_random *random, uint64_t seed);
uint64_t mc_random_next(struct mc_random *random);
/* Uniform in [0, bound); bound > 0. */
uint64_t mc_random_below(struct mc_random *random, uint64_t bound);

/* A seed from the operating system, or from the simulation when one is set. */
uint64_t mc_random_seed(void);
void mc_random_seed_set(uint64_t (*seed)(void));

#endif
