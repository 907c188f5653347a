/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allocator against its naive model. The first two bytes choose the segment, then each
 * operation is one byte and, where it needs one, a 16-bit number.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/base/endian.h"
#include "tests/support/alloc_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
operation_run(struct alloc_model *model, uint8_t code, uint16_t number)
{
	switch (code % 8) {
	case 0:
	case 1:
		alloc_model_take(model, number);
		break;
	case 2:
		alloc_model_take(model, number % 256u);
		break;
	case 3:
		alloc_model_take(model, (uint64_t)number << (code / 8));
		break;
	case 4:
	case 5:
		alloc_model_give(model, number);
		break;
	case 6:
		alloc_model_own(model, number);
		break;
	case 7:
		alloc_model_check(model);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct alloc_model model;
	size_t at;

	if (size < 2)
		return 0;
	alloc_model_init(&model, 0x7f0000000000u + data[0] % 128u, 128u + 64u + data[1] * 257u);
	for (at = 2; at + 3 <= size; at += 3)
		operation_run(&model, data[at], mc_le16_load(data + at + 1));
	alloc_model_check(&model);
	alloc_model_drain(&model);
	alloc_model_fini(&model);
	return 0;
}
