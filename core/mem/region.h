/* SPDX-License-Identifier: Apache-2.0 */
/* Private to core/mem: a region, and the list of all of them. */
#ifndef MC_CORE_MEM_REGION_H
#define MC_CORE_MEM_REGION_H

#include "core/base/list.h"
#include "core/mem/backing.h"
#include "core/mem/populate.h"

struct mc_region {
	struct mc_list node;	/* registry; its lock guards references too */
	uint32_t references;	/* besides the creator's */
	struct mc_backing backing;
	struct mc_populate populate;
};

void mc_registry_add(struct mc_region *region);
/* MC_ERR_BUSY while it is referenced; else nobody finds it any more. */
enum mc_status mc_registry_remove(struct mc_region *region);

#endif
