/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/walk.h"

static uint64_t
common_divisor(uint64_t a, uint64_t b)
{
	while (b != 0) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* About the golden section, and coprime to the share, so that the steps meet every block. */
static uint64_t
stride_of(uint64_t share)
{
	uint64_t stride = (uint64_t)((double)share * 0.6180339887498949);

	if (stride == 0)
		return share > 1 ? 1 : 0;
	while (common_divisor(stride, share) != 1)
		stride++;
	return stride;
}

void
walk_init(struct walk *walk, uint64_t blocks, uint64_t slots, uint64_t index)
{
	uint64_t share = blocks / slots;

	*walk = (struct walk){.first = share > 0 ? index * share : index % blocks,
			      .share = share > 0 ? share : 1};
	walk->stride = stride_of(walk->share);
}
