/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-master/config.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"

/*
 * Longer times count as 100 years: a deadline that far off fits into 63 bits of nanoseconds with
 * any clock, and "never" is what such numbers mean.
 */
#define SECONDS_MAX 3153600000ull

/* Without named cores: more than two would take cores from the host's other programs. */
#define LCORES_UNASKED_MAX 2u

static uint64_t
seconds_ns(uint64_t seconds)
{
	return (seconds < SECONDS_MAX ? seconds : SECONDS_MAX) * MC_NS_PER_S;
}

static uint64_t
milliseconds_ns(uint64_t ms)
{
	return (ms < SECONDS_MAX * 1000 ? ms : SECONDS_MAX * 1000) * MC_NS_PER_MS;
}

static const char *
text_or_null(const struct mc_flags *flags, const char *name)
{
	const char *text = mc_flags_string(flags, name);

	return text[0] != '\0' ? text : NULL;
}

static unsigned int
cpus_allowed(void)
{
	const size_t cpus = 8192;
	cpu_set_t *set = CPU_ALLOC(cpus);
	int count = 0;

	if (set != NULL && sched_getaffinity(0, CPU_ALLOC_SIZE(cpus), set) == 0)
		count = CPU_COUNT_S(CPU_ALLOC_SIZE(cpus), set);
	CPU_FREE(set);
	return count > 0 ? (unsigned int)count : 1;
}

static unsigned int
lcores_unasked(const struct mc_flags *flags)
{
	int64_t threads = mc_flags_int(flags, "rpc_thread_num");
	unsigned int count = cpus_allowed();

	if (threads == 0)
		threads = mc_flags_int(flags, "max_threads");
	if (threads < 1)
		threads = 1;
	count = count < LCORES_UNASKED_MAX ? count : LCORES_UNASKED_MAX;
	return threads < count ? (unsigned int)threads : count;
}

static void
cores_read(struct mc_flags *flags, struct config *config)
{
	static const char *const threads[] = {"max_threads", "rpc_thread_num"};
	struct mc_eal_params *eal = &config->eal;
	const char *named;

	eal->size = sizeof(*eal);
	eal->corelist = text_or_null(flags, "l");
	eal->coremask = text_or_null(flags, "c");
	eal->lcores = text_or_null(flags, "lcores");
	eal->main_lcore = text_or_null(flags, "main_lcore");
	eal->idle = strcmp(mc_flags_string(flags, "poll"), "busy") == 0 ? MC_IDLE_BUSY
									: MC_IDLE_ADAPTIVE;
	eal->spin_ns = mc_flags_uint(flags, "poll_idle_us") * MC_NS_PER_US;
	named = eal->corelist != NULL ? "l" : eal->coremask != NULL ? "c" : "lcores";
	if (eal->corelist == NULL && eal->coremask == NULL && eal->lcores == NULL) {
		eal->lcore_count = lcores_unasked(flags);
		if (eal->main_lcore != NULL)
			mc_flags_complain(flags, "main_lcore",
					  "%s names no core of ours; give -l, "
					  "-c or -lcores with it",
					  eal->main_lcore);
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		if (mc_flags_given(flags, threads[i]))
			mc_flags_notice(flags,
					"-%s has no effect with -%s %s: there is one thread "
					"for each core named",
					threads[i], named, mc_flags_string(flags, named));
	}
}

/* Numeric, or a name that the resolver knows. */
static enum mc_status
host_resolve(const char *host, uint16_t port, struct mc_net_addr *addr_out)
{
	char text[MC_NET_ADDR_TEXT], name[300];
	struct mc_net_addr addr;
	enum mc_status st = mc_net_addr_parse(host, port, addr_out);

	if (st == MC_OK || host[0] == '\0' || strlen(host) > 255)
		return st;
	snprintf(name, sizeof(name), "%s:1", host);
	st = mc_net_addr_resolve(name, &addr);
	return st == MC_OK ? mc_net_addr_parse(mc_net_addr_host(&addr, text), port, addr_out) : st;
}

static void
host_read(struct mc_flags *flags, const char *host_flag, const char *port_flag,
	  struct mc_net_addr *addr)
{
	const char *host = mc_flags_string(flags, host_flag);

	if (host_resolve(host, (uint16_t)mc_flags_int(flags, port_flag), addr) != MC_OK)
		mc_flags_complain(flags, host_flag,
				  "\"%.80s\" is not an address; give one of this "
				  "host, or 0.0.0.0 for all",
				  host);
}

static const char *
item_read(const char *item, size_t len, struct mc_rpc_listen *listen)
{
	const char *equals = memchr(item, '=', len);
	char name[32], port[16], *end;
	enum mc_release release;
	unsigned long number;

	if (equals == NULL || (size_t)(equals - item) >= sizeof(name) ||
	    len - (size_t)(equals - item) > sizeof(port) - 1)
		return "is not RELEASE=PORT";
	snprintf(name, sizeof(name), "%.*s", (int)(equals - item), item);
	snprintf(port, sizeof(port), "%.*s", (int)(len - (size_t)(equals - item) - 1), equals + 1);
	if (mc_release_parse(name, &release) != MC_OK)
		return "names an unknown release";
	number = strtoul(port, &end, 10);
	if (port[0] < '0' || port[0] > '9' || *end != '\0' || number > 65535)
		return "has no port from 0 to 65535";
	if (mc_net_addr_parse("0.0.0.0", (uint16_t)number, &listen->addr) != MC_OK)
		return "is not an address";
	listen->releases = MC_RELEASE_BIT(release);
	return NULL;
}

/* The exact ports listen where -rpc_address says. */
static void
listen_host_set(struct mc_rpc_listen *listen, const struct mc_net_addr *like)
{
	char host[MC_NET_ADDR_TEXT];
	uint16_t port = mc_net_addr_port(&listen->addr);

	if (like->len != 0)
		(void)!mc_net_addr_parse(mc_net_addr_host(like, host), port, &listen->addr);
}

static void
abi_ports_read(struct mc_flags *flags, struct config *config)
{
	const char *list = mc_flags_string(flags, "abi_ports");

	for (size_t len; *list != '\0'; list += len + (list[len] == ',')) {
		struct mc_rpc_listen *listen = &config->rpc[config->rpc_count];
		const char *wrong;

		len = strcspn(list, ",");
		if (len == 0)
			continue;
		if (config->rpc_count > CONFIG_ABI_PORTS_MAX) {
			mc_flags_complain(flags, "abi_ports", "more than %d ports; give fewer",
					  CONFIG_ABI_PORTS_MAX);
			return;
		}
		wrong = item_read(list, len, listen);
		if (wrong != NULL) {
			mc_flags_complain(flags, "abi_ports",
					  "\"%.*s\" %s; give a list like "
					  "0.3.9=50061,0.3.12=50062 of releases from 0.3.6 to %s",
					  (int)(len < 80 ? len : 80), list, wrong,
					  mc_release_name(MC_RELEASE_NEWEST));
			continue;
		}
		listen_host_set(listen, &config->rpc[0].addr);
		config->rpc_count++;
	}
}

static void
rpc_read(struct mc_flags *flags, struct config *config)
{
	const char *interface = mc_flags_string(flags, "rpc_interface");

	config->rpc_flag = mc_flags_int(flags, "rpc_port") != 0 ? "rpc_port" : "port";
	config->rpc[0].releases = MC_RELEASE_ALL;
	config->rpc_count = 1;
	if (interface[0] == '\0')
		host_read(flags, "rpc_address", config->rpc_flag, &config->rpc[0].addr);
	else if (mc_net_interface_addr(interface, (uint16_t)mc_flags_int(flags, config->rpc_flag),
				       &config->rpc[0].addr) != MC_OK)
		mc_flags_complain(flags, "rpc_interface",
				  "%.80s has no IPv4 address here; give "
				  "an interface that \"ip -4 address\" lists",
				  interface);
	abi_ports_read(flags, config);
	config->rpc_idle_timeout_ns =
		seconds_ns((uint64_t)mc_flags_int(flags, "rpc_conn_timeout_seconds"));
	config->rpc_nodelay = mc_flags_bool(flags, "rpc_enable_tcp_no_delay");
}

/*
 * mooncake_master would clean the server that these variables name, and without them do nothing
 * but warn: with P2PHANDSHAKE there is nothing to clean.
 */
static void
cleanup_judge(struct mc_flags *flags)
{
	static const char *const variables[] = {"MOONCAKE_TE_META_DATA_SERVER",
						"MOONCAKE_CONFIG_PATH"};

	for (size_t i = 0; i < 2; i++) {
		const char *value = getenv(variables[i]);

		if (value == NULL || value[0] == '\0')
			continue;
		mc_flags_complain(flags, "enable_metadata_cleanup_on_timeout",
				  "true is refused: cleaning the server that %s=%.80s names is not "
				  "built yet; give -enable_http_metadata_server=true, or leave out "
				  "the flag or the variable",
				  variables[i], value);
		return;
	}
	mc_flags_notice(flags, "-enable_metadata_cleanup_on_timeout true has no effect: there is "
			       "no metadata server in this process "
			       "(-enable_http_metadata_server=false)");
}

static void
http_read(struct mc_flags *flags, struct config *config)
{
	host_read(flags, "metrics_host", "metrics_port", &config->metrics);
	config->admin_remote_writes = mc_flags_bool(flags, "admin_remote_writes");
	config->report = mc_flags_bool(flags, "enable_metric_reporting");
	config->metadata_on = mc_flags_bool(flags, "enable_http_metadata_server");
	if (config->metadata_on)
		host_read(flags, "http_metadata_server_host", "http_metadata_server_port",
			  &config->metadata);
	if (!mc_flags_bool(flags, "enable_metadata_cleanup_on_timeout"))
		return;
	config->metadata_cleanup = config->metadata_on;
	if (!config->metadata_on)
		cleanup_judge(flags);
}

static void
pool_times_read(struct mc_flags *flags, struct mc_master_params *params)
{
	uint64_t discard = mc_flags_uint(flags, "put_start_discard_timeout_sec");
	uint64_t release = mc_flags_uint(flags, "put_start_release_timeout_sec");

	params->lease_ttl_ns = milliseconds_ns(mc_flags_uint(flags, "default_kv_lease_ttl"));
	params->soft_pin_ttl_ns = milliseconds_ns(mc_flags_uint(flags, "default_kv_soft_pin_ttl"));
	params->soft_pin_ttl_max_ns = milliseconds_ns(mc_flags_uint(flags, "max_kv_soft_pin_ttl"));
	params->client_ttl_ns = seconds_ns((uint64_t)mc_flags_int(flags, "client_ttl"));
	params->put_discard_ns = seconds_ns(discard);
	params->put_release_ns = seconds_ns(release);
	if (params->soft_pin_ttl_ns > params->soft_pin_ttl_max_ns)
		mc_flags_complain(
			flags, "default_kv_soft_pin_ttl",
			"%llu ms is more than -max_kv_soft_pin_ttl, %llu ms; give less, or "
			"raise that",
			(unsigned long long)mc_flags_uint(flags, "default_kv_soft_pin_ttl"),
			(unsigned long long)mc_flags_uint(flags, "max_kv_soft_pin_ttl"));
	if (release <= discard)
		mc_flags_complain(
			flags, "put_start_release_timeout_sec",
			"%llu is not more than -put_start_discard_timeout_sec, %llu; give "
			"more, or lower that",
			(unsigned long long)release, (unsigned long long)discard);
}

static void
tasks_read(const struct mc_flags *flags, struct mc_master_params *params)
{
	params->task_retries = (uint32_t)mc_flags_uint(flags, "max_retry_attempts");
	params->tasks_pending_max = (uint32_t)mc_flags_uint(flags, "max_total_pending_tasks");
	params->tasks_processing_max = (uint32_t)mc_flags_uint(flags, "max_total_processing_tasks");
	params->tasks_finished_max = (uint32_t)mc_flags_uint(flags, "max_total_finished_tasks");
	params->task_pending_timeout_ns =
		seconds_ns(mc_flags_uint(flags, "pending_task_timeout_sec"));
	params->task_processing_timeout_ns =
		seconds_ns(mc_flags_uint(flags, "processing_task_timeout_sec"));
}

static enum mc_strategy
strategy_read(const struct mc_flags *flags)
{
	const char *name = mc_flags_string(flags, "allocation_strategy");

	if (strcmp(name, "free_ratio_first") == 0)
		return MC_STRATEGY_FREE_RATIO_FIRST;
	if (strcmp(name, "local_first") == 0)
		return MC_STRATEGY_LOCAL_FIRST;
	return MC_STRATEGY_RANDOM;
}

static void
pool_read(struct mc_flags *flags, struct config *config)
{
	struct mc_master_params *params = &config->master;
	const char *release = mc_flags_string(flags, "abi_default");

	mc_master_params_init(params);
	pool_times_read(flags, params);
	tasks_read(flags, params);
	params->eviction_ratio = mc_flags_double(flags, "eviction_ratio");
	params->eviction_watermark = mc_flags_double(flags, "eviction_high_watermark_ratio");
	params->evict_soft_pinned = mc_flags_bool(flags, "allow_evict_soft_pinned_objects");
	params->enable_disk_eviction = mc_flags_bool(flags, "enable_disk_eviction");
	params->quota_bytes = mc_flags_uint(flags, "quota_bytes");
	params->strategy = strategy_read(flags);
	config->cluster_id = mc_flags_string(flags, "cluster_id");
	if (mc_release_parse(release, &params->release_default) != MC_OK)
		mc_flags_complain(flags, "abi_default",
				  "\"%.80s\" is not a release known here; "
				  "give one from 0.3.6 to %s",
				  release, mc_release_name(MC_RELEASE_NEWEST));
}

static void
log_read(const struct mc_flags *flags, struct config *config)
{
	static const enum mc_log_level levels[] = {MC_LOG_INFO, MC_LOG_WARN, MC_LOG_ERROR,
						   MC_LOG_ERROR};

	config->log_level = levels[mc_flags_int(flags, "minloglevel")];
	if (mc_flags_int(flags, "v") > 0 && config->log_level == MC_LOG_INFO)
		config->log_level = MC_LOG_DEBUG;
	if (!mc_flags_bool(flags, "logtostderr"))
		config->log_dir = text_or_null(flags, "log_dir");
}

static void
args_judge(struct mc_flags *flags)
{
	for (size_t i = 0; i < mc_flags_args_count(flags) && i < 8; i++)
		mc_flags_notice(flags, "argument \"%.80s\" is not a flag and has no effect",
				mc_flags_arg(flags, i));
}

enum mc_status
config_read(struct mc_flags *flags, struct config *config_out)
{
	struct config config = {.rpc_count = 0};

	cores_read(flags, &config);
	rpc_read(flags, &config);
	http_read(flags, &config);
	pool_read(flags, &config);
	log_read(flags, &config);
	args_judge(flags);
	if (mc_flags_errors(flags)[0] != '\0')
		return MC_ERR_INVALID;
	*config_out = config;
	return MC_OK;
}
