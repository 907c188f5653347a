/* SPDX-License-Identifier: Apache-2.0 */
/* The store client behind include/mc/store.h, which is its whole interface. */
#ifndef MC_CORE_STORE_STORE_H
#define MC_CORE_STORE_STORE_H

#include "mc/store.h"

#endif
