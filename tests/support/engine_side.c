/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/engine_side.h"

#include "tests/support/fake_directory.h"
#include "tests/support/must.h"

void
engine_side_open(struct engine_side *side, const struct engine_side_params *params)
{
	struct mc_engine_params engine = {.size = sizeof(engine),
					  .name = params->name,
					  .metadata = "P2PHANDSHAKE",
					  .drivers = params->list,
					  .bind_host = "127.0.0.1",
					  .slices_max = params->slices_max,
					  .poll_inline = params->poll_inline};
	struct mc_region_params region = {
		.size = sizeof(region), .length = params->length, .huge = MC_HUGE_NEVER};

	*side = (struct engine_side){0};
	must(mc_engine_create_with(&engine, params->drivers, &fake_directory, &side->engine) ==
	     MC_OK);
	if (params->length == 0)
		return;
	must(mc_region_create(&region, &side->region) == MC_OK);
	side->bytes = mc_region_addr(side->region);
	must(mc_engine_mem_reg(side->engine, side->bytes, params->length, NULL, &side->mem) ==
	     MC_OK);
}

void
engine_side_close(struct engine_side *side)
{
	must(mc_engine_mem_unreg(side->mem) == MC_OK);
	mc_engine_destroy(side->engine);
	must(mc_region_destroy(side->region) == MC_OK);
}
