/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-node/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/store/store.h"

static const char *
text_or_null(const struct mc_flags *flags, const char *name)
{
	const char *text = mc_flags_string(flags, name);

	return text[0] != '\0' ? text : NULL;
}

static enum mc_status
size_read(struct mc_flags *flags, const char *name, uint64_t *bytes_out)
{
	const char *text = mc_flags_string(flags, name);

	if (mc_store_size_parse(text, bytes_out) == MC_OK)
		return MC_OK;
	mc_flags_complain(flags, name, "\"%.100s\" is no size; give bytes, or a number with KB, "
			  "MB, GB or TB, at most 1 PB", text);
	return MC_ERR_INVALID;
}

static enum mc_status
memory_read(struct mc_flags *flags, struct node_config *config)
{
	const char *huge = mc_flags_string(flags, "hugepages");
	const char *numa = mc_flags_string(flags, "numa");
	struct mc_store_params *store = &config->store;
	char *end;

	if (size_read(flags, "global_segment_size", &store->segment_size) != MC_OK)
		return MC_ERR_INVALID;
	if (store->segment_size == 0) {
		mc_flags_complain(flags, "global_segment_size",
				  "0: a node without memory is of no use; give a size like 4 GB");
		return MC_ERR_INVALID;
	}
	store->huge = strcmp(huge, "only") == 0	   ? MC_HUGE_ONLY
		      : strcmp(huge, "never") == 0 ? MC_HUGE_NEVER
						   : MC_HUGE_TRY;
	if (strcmp(numa, "local") == 0)
		return MC_OK;
	store->numa = MC_NUMA_INTERLEAVE;
	if (strcmp(numa, "interleave") == 0)
		return MC_OK;
	store->numa = MC_NUMA_BIND;
	store->numa_node = (int)strtol(numa, &end, 10);
	if (*numa >= '0' && *numa <= '9' && *end == '\0' && store->numa_node < 1024)
		return MC_OK;
	mc_flags_complain(flags, "numa", "\"%.50s\": give a node's number, interleave or local",
			  numa);
	return MC_ERR_INVALID;
}

static void
cores_read(const struct mc_flags *flags, struct node_config *config)
{
	config->eal = (struct mc_eal_params){
		.size = sizeof(config->eal),
		.corelist = text_or_null(flags, "l"),
		.coremask = text_or_null(flags, "c"),
		.lcores = text_or_null(flags, "lcores"),
		.idle = strcmp(mc_flags_string(flags, "poll"), "busy") == 0 ? MC_IDLE_BUSY
									     : MC_IDLE_ADAPTIVE,
		.spin_ns = mc_flags_uint(flags, "poll_idle_us") * MC_NS_PER_US,
	};
	config->lcores = config->eal.corelist != NULL || config->eal.coremask != NULL ||
			 config->eal.lcores != NULL;
}

void
node_config_host(struct node_config *config, const char *host)
{
	bool v6 = strchr(host, ':') != NULL && host[0] != '[';

	if (config->port == 0)
		snprintf(config->hostname, sizeof(config->hostname), "%.255s", host);
	else
		snprintf(config->hostname, sizeof(config->hostname),
			 v6 ? "[%.255s]:%u" : "%.255s:%u", host, config->port);
	config->store.hostname = config->hostname;
}

static void
name_read(const struct mc_flags *flags, struct node_config *config)
{
	const char *host = mc_flags_string(flags, "host");

	config->host_any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
	/* a handshake needs the port that the engine listens on in the name */
	if (mc_flags_given(flags, "port") && strcmp(config->store.metadata, "P2PHANDSHAKE") != 0)
		config->port = (uint16_t)mc_flags_int(flags, "port");
	node_config_host(config, host);
}

static enum mc_log_level
log_level_read(const struct mc_flags *flags)
{
	static const enum mc_log_level levels[] = {MC_LOG_INFO, MC_LOG_WARN, MC_LOG_ERROR,
						   MC_LOG_ERROR};

	if (mc_flags_int(flags, "v") > 0)
		return MC_LOG_DEBUG;
	return levels[mc_flags_int(flags, "minloglevel")];
}

enum mc_status
node_config_read(struct mc_flags *flags, struct node_config *config)
{
	memset(config, 0, sizeof(*config));
	config->store = (struct mc_store_params){
		.size = sizeof(config->store),
		.metadata = mc_flags_string(flags, "metadata_server"),
		.master = mc_flags_string(flags, "master_server_address"),
		.protocol = mc_flags_string(flags, "protocol"),
		.devices = text_or_null(flags, "device_names"),
		.drivers = text_or_null(flags, "drivers"),
		.tenant = mc_flags_string(flags, "tenant_id"),
		.host_id = text_or_null(flags, "host_id"),
		.bind_host = text_or_null(flags, "bind_host"),
	};
	name_read(flags, config);
	cores_read(flags, config);
	config->http = mc_flags_bool(flags, "enable_http_server");
	config->http_host = mc_flags_string(flags, "http_host");
	config->http_port = (uint16_t)mc_flags_int(flags, "http_port");
	config->log_level = log_level_read(flags);
	if (mc_flags_args_count(flags) > 0) {
		mc_flags_complain(flags, NULL, "\"%.100s\" is no flag; flags begin with a dash",
				  mc_flags_arg(flags, 0));
		return MC_ERR_INVALID;
	}
	return memory_read(flags, config);
}
