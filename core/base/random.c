/* SPDX-License-Identifier: Apache-2.0 */
/* xoshiro256** by Blackman and Vigna (public domain algorithm), seeded with splitmix64. */
#include "core/base/random.h"

#include <stddef.h>
#include <sys/random.h>

#include "core/base/clock.h"

static uint64_t
splitmix64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

void
mc_random_init(struct mc_random *random, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		random->state[i] = splitmix64(&seed);
}

static uint64_t
rotate_left(uint64_t x, int by)
{
	return (x << by) | (x >> (64 - by));
}

uint64_t
mc_random_next(struct mc_random *random)
{
	uint64_t *s = random->state;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

uint64_t
mc_random_below(struct mc_random *random, uint64_t bound)
{
	/* the high half of a 128-bit product; values below the rest would come once too often */
	uint64_t rest = -bound % bound;
	unsigned __int128 product;

	do {
		product = (unsigned __int128)mc_random_next(random) * bound;
	} while ((uint64_t)product < rest);
	return (uint64_t)(product >> 64);
}

static uint64_t
system_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = mc_clock_real_ns() ^ mc_clock_mono_ns() << 20;
	return seed;
}

static uint64_t (*seed_source)(void) = system_seed;

uint64_t
mc_random_seed(void)
{
	return seed_source();
}

void
mc_random_seed_set(uint64_t (*seed)(void))
{
	seed_source = seed != NULL ? seed : system_seed;
}
