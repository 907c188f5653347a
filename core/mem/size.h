/* SPDX-License-Identifier: Apache-2.0 */
/* Private to core/mem: sizes as people read them. */
#ifndef MC_CORE_MEM_SIZE_H
#define MC_CORE_MEM_SIZE_H

#include <stddef.h>
#include <stdint.h>

/* "2 MiB", "1.5 GiB" (cut, not rounded), "1000 bytes", into @text, which is returned. */
const char *mc_size_text(uint64_t bytes, char *text, size_t size);

#endif
