/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mem/region.h"

#include <stdlib.h>

#include "core/mem/mem.h"
#include "core/mem/numa.h"
#include "mc/log.h"

#define KIB 1024ull
#define MIB (1024ull * KIB)
#define GIB (1024ull * MIB)

static enum mc_status
node_check(int node)
{
	struct mc_node_set allowed;

	mc_node_set_allowed(&allowed);
	if (mc_node_set_has(&allowed, node))
		return MC_OK;
	mc_log_error("region: numa_node %d is not among the nodes that this process may use; see "
		     "Mems_allowed_list in /proc/self/status",
		     node);
	return MC_ERR_INVALID;
}

static enum mc_status
params_check(const struct mc_region_params *params)
{
	if (params->size != sizeof(*params)) {
		mc_log_error("region: params.size is %zu, this library knows %zu; set it to "
			     "sizeof(struct mc_region_params) and build with its header",
			     params->size, sizeof(*params));
		return MC_ERR_INVALID;
	}
	/* beyond this no page can be addressed, and rounding up stays in 64 bits */
	if (params->length == 0 || params->length > 1ull << 56) {
		mc_log_error("region: length %llu is not within 1 and 2^56 bytes",
			     (unsigned long long)params->length);
		return MC_ERR_INVALID;
	}
	if (params->page_size != 0 && params->page_size != 2 * MIB && params->page_size != GIB) {
		mc_log_error("region: page_size %llu is neither 2 MiB (2097152, or 0) nor 1 GiB "
			     "(1073741824)",
			     (unsigned long long)params->page_size);
		return MC_ERR_INVALID;
	}
	if ((unsigned int)params->huge > MC_HUGE_ONLY ||
	    (unsigned int)params->numa > MC_NUMA_INTERLEAVE) {
		mc_log_error("region: huge %d or numa %d is no value of its enumeration",
			     (int)params->huge, (int)params->numa);
		return MC_ERR_INVALID;
	}
	return params->numa == MC_NUMA_BIND ? node_check(params->numa_node) : MC_OK;
}

enum mc_status
mc_region_create(const struct mc_region_params *params, struct mc_region **region_out)
{
	struct mc_region *region;
	enum mc_status st;

	st = params_check(params);
	if (st != MC_OK)
		return st;
	region = calloc(1, sizeof(*region));
	if (region == NULL)
		return MC_ERR_NO_MEMORY;
	st = mc_backing_open(params, &region->backing);
	if (st != MC_OK)
		goto free_region;
	st = mc_populate_start(&region->populate, &region->backing, params);
	if (st != MC_OK)
		goto close_backing;
	mc_registry_add(region);
	*region_out = region;
	return MC_OK;
close_backing:
	mc_backing_close(&region->backing);
free_region:
	free(region);
	return st;
}

enum mc_status
mc_region_destroy(struct mc_region *region)
{
	enum mc_status st;

	if (region == NULL)
		return MC_OK;
	st = mc_registry_remove(region);
	if (st != MC_OK) {
		mc_log_warn("region %p is still registered; unregister it before destroying it",
			    (void *)region->backing.addr);
		return st;
	}
	mc_populate_stop(&region->populate);
	mc_backing_close(&region->backing);
	free(region);
	return MC_OK;
}

void *
mc_region_addr(const struct mc_region *region)
{
	return region->backing.addr;
}

uint64_t
mc_region_length(const struct mc_region *region)
{
	return region->backing.length;
}

uint64_t
mc_region_page_size(const struct mc_region *region)
{
	return region->backing.page_size;
}

int
mc_region_fd(const struct mc_region *region)
{
	return region->backing.fd;
}

uint64_t
mc_region_ready(const struct mc_region *region)
{
	return mc_populate_ready(&region->populate);
}

bool
mc_region_room(const struct mc_region *region, char *text, size_t size)
{
	return mc_populate_room(&region->populate, text, size);
}

enum mc_status
mc_region_wait(struct mc_region *region, uint64_t bytes, uint64_t timeout_ns)
{
	if (bytes > region->backing.length)
		return MC_ERR_INVALID;
	return mc_populate_wait(&region->populate, bytes, timeout_ns);
}

const char *
mc_region_text(const struct mc_region *region)
{
	return region->backing.text;
}
