/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/mem/mem.h"

void
mc_mem_copy(void *dst, const void *src, size_t length)
{
	memcpy(dst, src, length);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}
