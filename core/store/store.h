/* SPDX-License-Identifier: Apache-2.0 */
/* The store client behind include/mc/store.h, which is nearly its whole interface. */
#ifndef MC_CORE_STORE_STORE_H
#define MC_CORE_STORE_STORE_H

#include "mc/store.h"

#define MC_STORE_SIZE_MAX (1ull << 50)

/*
 * Bytes as upstream reads them: a number ("1073741824", "1.5", "1e9", "0x1000") and perhaps B, K,
 * KB, M, MB, G, GB, T or TB in any case, all powers of 1024; KiB, MiB, GiB and TiB as well.
 * MC_ERR_INVALID: none of these, or above MC_STORE_SIZE_MAX.
 */
enum mc_status mc_store_size_parse(const char *text, uint64_t *bytes_out);

#endif
