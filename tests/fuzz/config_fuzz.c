/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile file for mc-master's -config_path. The first byte of the input tells the format: "{"
 * means JSON, and belongs to the file as in all others.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "apps/mc-master/options.h"
#include "core/base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	const uint8_t *data;
	size_t size;
};

static enum mc_status
file_read(void *context, const char *path, struct mc_buf *out)
{
	const struct world *world = context;

	return mc_buf_append(out, world->data, world->size);
}

static const char *
env_read(void *context, const char *name)
{
	return strcmp(name, "MC_MASTER_METRICS_PORT") == 0 ? "7" : NULL;
}

/* Whatever came: an error is one that says so, values are in range, and what was given stays. */
static void
result_check(struct mc_flags *flags, enum mc_status st)
{
	struct mc_buf out;

	mc_assert((st == MC_OK) == (mc_flags_errors(flags)[0] == '\0'));
	mc_assert(mc_flags_double(flags, "eviction_ratio") >= 0 &&
		  mc_flags_double(flags, "eviction_ratio") <= 1);
	mc_assert(mc_flags_int(flags, "port") == 5);
	mc_assert(mc_flags_int(flags, "metrics_port") == 7);
	mc_assert(!mc_flags_bool(flags, "enable_ha") || st != MC_OK);
	mc_assert(!mc_flags_bool(flags, "help"));
	mc_buf_init(&out);
	mc_assert(mc_flags_config_write(flags, &out) == MC_OK);
	mc_buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = {data, size};
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = mc_options_table,
		.table_count = mc_options_count,
		.program = "mc-master",
		.env_prefix = "MC_MASTER_",
		.env_read = env_read,
		.file_read = file_read,
		.context = &world,
	};
	const char *const argv[] = {"mc-master", "-port=5",
				    size > 0 && data[0] == '{' ? "-config_path=f.json"
							       : "-config_path=f.yaml"};
	struct mc_flags *flags;

	mc_assert(mc_flags_create(&params, &flags) == MC_OK);
	result_check(flags, mc_flags_parse(flags, 3, argv));
	mc_flags_destroy(flags);
	return 0;
}
