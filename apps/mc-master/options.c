/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names, types and defaults are those of mooncake_master 0.3.13.post1, so that its command lines
 * and flag files work here; the first two groups and -admin_remote_writes are ours. Ranges refuse
 * what cannot be meant.
 */
#include "apps/mc-master/options.h"

#define PORT_RANGE  .min = 0, .max = 65535, .noun = "a port"
#define RATIO_RANGE .min = 0, .max = 1, .noun = "a ratio"
/* the largest number of seconds that is still taken as it is, 100 years (config.c) */
#define SECONDS_MAX 3153600000.0

#define LCORES "Cores"
#define WIRE   "Releases of Mooncake"
#define RPC    "RPC port"
#define HTTP   "HTTP ports"
#define POOL   "Objects, leases and eviction"
#define LOG    "Log"
#define ALLOC  "Memory of the process"
#define REPL   "Hot replicas"
#define TASKS  "Copy and move tasks"
#define SNAP   "Snapshots"
#define HA     "High availability"
#define EVENTS "KV events"
#define TENANT "Tenants"
#define DISK   "SSD and file system tiers"
#define NOF    "NVMe over fabrics"
#define CXL    "CXL memory"

#define HARMLESS(why)	.class = MC_FLAG_HARMLESS, .reason = why
#define MISLEADING(why) .class = MC_FLAG_MISLEADING, .reason = why

#define NO_REPL	  HARMLESS("hot keys are not replicated (-dynamic_replication_mode=off)")
#define NO_SNAP	  HARMLESS("snapshots are off (-enable_snapshot=false)")
#define NO_HA	  HARMLESS("high availability is off (-enable_ha=false)")
#define NO_EVENTS HARMLESS("KV events are off (-enable_kv_events=false)")
#define NO_TENANT HARMLESS("tenants are off (-enable_multi_tenants=false)")
#define NO_DISK	  HARMLESS("there is no SSD tier (-enable_offload=false)")
#define NO_NOF	  HARMLESS("no client can mount a NVMe-oF segment here yet")
#define NO_CXL	  HARMLESS("CXL is off (-enable_cxl=false)")
#define NO_ARENA  HARMLESS("this master allocates no memory for objects")
#define NO_GLOG	  HARMLESS("the log has one plain format and one place")

const struct mc_flag mc_options_table[] = {
	{"l", MC_FLAG_STRING, "", LCORES, "CPUs to run on, one pinned thread each, like 2-5,8",
	 .noun = "a list like 2-5,8"},
	{"c", MC_FLAG_STRING, "", LCORES, "the same as a hexadecimal mask, like 0x3c",
	 .noun = "a mask like 0x3c"},
	{"lcores", MC_FLAG_STRING, "", LCORES,
	 "the same with ids, like 0@2,1@3 (id 0 on CPU 2, id 1 on CPU 3)",
	 .noun = "a list like 0@2,1@3"},
	{"main_lcore", MC_FLAG_STRING, "", LCORES,
	 "which of them also keeps the objects; the first one if empty",
	 .noun = "one of the given ids"},
	{"poll", MC_FLAG_STRING, "adaptive", LCORES,
	 "what an idle core does: adaptive sleeps until there is work, but first spins for up to "
	 "-poll_idle_us while work has lately come that soon; busy never sleeps",
	 .choices = "adaptive|busy"},
	{"poll_idle_us", MC_FLAG_UINT32, "50", LCORES,
	 "microseconds that an idle core spins at most before it sleeps, with -poll adaptive; 0 "
	 "sleeps at once",
	 .min = 0, .max = 1000000},

	{"abi_default", MC_FLAG_STRING, "0.3.13.post1", WIRE,
	 "release to answer as while a client's requests fit several releases",
	 .noun = "a release from 0.3.6 to 0.3.13.post1"},
	{"abi_ports", MC_FLAG_STRING, "", WIRE,
	 "more RPC ports that speak exactly one release each, like 0.3.9=50061,0.3.12=50062",
	 .noun = "a list like 0.3.9=50061,0.3.12=50062"},

	{"rpc_port", MC_FLAG_INT32, "0", RPC, "port for clients; 0 leaves it to -port", PORT_RANGE},
	{"port", MC_FLAG_INT32, "50051", RPC,
	 "older name of -rpc_port, used while that is 0; 0 lets the system choose", PORT_RANGE},
	{"rpc_address", MC_FLAG_STRING, "0.0.0.0", RPC, "address to listen on for clients",
	 .noun = "an address of this host"},
	{"rpc_interface", MC_FLAG_STRING, "", RPC,
	 "network interface whose IPv4 address is used in place of -rpc_address",
	 .noun = "an interface of this host"},
	{"rpc_thread_num", MC_FLAG_INT32, "0", RPC,
	 "most cores to take when none are named with -l, -c or -lcores; 0 leaves it to "
	 "-max_threads; more than 2 are only taken by naming them",
	 .min = 0, .max = 65535},
	{"max_threads", MC_FLAG_INT32, "16", RPC,
	 "older name of -rpc_thread_num, used while that is 0", .min = 0, .max = 65535},
	{"rpc_conn_timeout_seconds", MC_FLAG_INT32, "0", RPC,
	 "close a connection that sent no request for so long; 0 never does", .min = 0,
	 .max = INT32_MAX},
	{"rpc_enable_tcp_no_delay", MC_FLAG_BOOL, "true", RPC,
	 "send answers at once instead of gathering small ones (TCP_NODELAY)"},

	{"metrics_port", MC_FLAG_INT32, "9003", HTTP,
	 "port for /metrics, /health and the other admin pages; 0 lets the system choose",
	 PORT_RANGE},
	{"metrics_host", MC_FLAG_STRING, "0.0.0.0", HTTP,
	 "address of the admin port; :: means every address, IPv4 as well",
	 .noun = "an address of this host"},
	{"admin_remote_writes", MC_FLAG_BOOL, "false", HTTP,
	 "let other hosts change things by the admin port (remove_all, drain jobs); there is no "
	 "password"},
	{"enable_metric_reporting", MC_FLAG_BOOL, "true", HTTP,
	 "log a line with the main figures every 10 seconds"},
	{"enable_http_metadata_server", MC_FLAG_BOOL, "false", HTTP,
	 "serve the transfer engines' metadata too (clients: metadata_server="
	 "http://HOST:PORT/metadata)"},
	{"http_metadata_server_host", MC_FLAG_STRING, "0.0.0.0", HTTP,
	 "address of the metadata port", .noun = "an address of this host"},
	{"http_metadata_server_port", MC_FLAG_INT32, "8080", HTTP,
	 "port of the metadata server; 0 lets the system choose", PORT_RANGE},
	{"enable_metadata_cleanup_on_timeout", MC_FLAG_BOOL, "false", HTTP,
	 "remove the metadata of a client that stopped answering from the metadata server of "
	 "-enable_http_metadata_server"},

	{"default_kv_lease_ttl", MC_FLAG_DURATION_MS, "10000", POOL,
	 "how long an object cannot be evicted or removed after it was looked up"},
	{"default_kv_soft_pin_ttl", MC_FLAG_DURATION_MS, "1800000", POOL,
	 "how long a soft pin spares an object from eviction"},
	{"max_kv_soft_pin_ttl", MC_FLAG_DURATION_MS, "86400000", POOL,
	 "longest soft pin that a client may ask for"},
	{"allow_evict_soft_pinned_objects", MC_FLAG_BOOL, "true", POOL,
	 "evict soft-pinned objects when nothing else is left to evict"},
	{"eviction_ratio", MC_FLAG_DOUBLE, "0.05", POOL,
	 "share of the objects that one round of eviction removes", RATIO_RANGE},
	{"eviction_high_watermark_ratio", MC_FLAG_DOUBLE, "0.9", POOL,
	 "share of the space in use at which eviction begins", RATIO_RANGE},
	{"client_ttl", MC_FLAG_INT64, "10", POOL,
	 "seconds without a sign of life after which a client and its segments are given up",
	 .config_name = "client_live_ttl_sec", .min = 1, .max = SECONDS_MAX, .noun = "seconds"},
	{"put_start_discard_timeout_sec", MC_FLAG_UINT64, "30", POOL,
	 "seconds after which an unfinished put makes way for a new one of the same key"},
	{"put_start_release_timeout_sec", MC_FLAG_UINT64, "600", POOL,
	 "seconds after which the space of an unfinished put is given back; more than "
	 "-put_start_discard_timeout_sec"},
	{"allocation_strategy", MC_FLAG_STRING, "random", POOL,
	 "which segment a new object goes to: any; of a few the one with most free space; one on "
	 "the writer's host",
	 .choices = "random|free_ratio_first|local_first",
	 .choices_absent = "cxl|ssd_free_ratio_first"},
	{"memory_allocator", MC_FLAG_STRING, "offset", POOL, "allocator inside segments",
	 .choices = "offset|cachelib", HARMLESS("this master has one allocator of its own")},
	{"cluster_id", MC_FLAG_STRING, "mooncake_cluster", POOL,
	 "name of this cluster, shown in the log"},
	{"config_path", MC_FLAG_STRING, "", POOL,
	 "file in YAML or JSON (.yaml, .yml, .json) with settings by the names of the flags, for "
	 "those not given otherwise",
	 .noun = "a file"},

	{"v", MC_FLAG_INT32, "0", LOG, "1 and above log details for debugging"},
	{"minloglevel", MC_FLAG_INT32, "0", LOG,
	 "least severe lines to log: 0 information, 1 warnings, 2 errors", .min = 0, .max = 3},
	{"log_dir", MC_FLAG_STRING, "", LOG,
	 "directory for the log file, which is named after the program; empty logs to standard "
	 "error. SIGHUP opens the file anew",
	 .noun = "a directory"},
	{"logtostderr", MC_FLAG_BOOL, "false", LOG, "log to standard error even with -log_dir"},
	{"alsologtostderr", MC_FLAG_BOOL, "false", LOG, "log to both places", NO_GLOG},
	{"stderrthreshold", MC_FLAG_INT32, "2", LOG, "level that goes to both places", NO_GLOG},
	{"colorlogtostderr", MC_FLAG_BOOL, "false", LOG, "colours", NO_GLOG},
	{"log_prefix", MC_FLAG_BOOL, "true", LOG, "prefix of lines", NO_GLOG},
	{"log_link", MC_FLAG_STRING, "", LOG, "directory for links to log files", NO_GLOG},
	{"logfile_mode", MC_FLAG_INT32, "436", LOG, "permissions of log files", NO_GLOG},
	{"max_log_size", MC_FLAG_INT32, "1800", LOG, "size in MB at which a new file begins",
	 HARMLESS("rotate the file and send SIGHUP")},
	{"logbufsecs", MC_FLAG_INT32, "30", LOG, "seconds that lines may stay in memory",
	 HARMLESS("every line is written at once")},
	{"logbuflevel", MC_FLAG_INT32, "0", LOG, "levels that may stay in memory",
	 HARMLESS("every line is written at once")},
	{"vmodule", MC_FLAG_STRING, "", LOG, "levels per source file", NO_GLOG},
	{"log_backtrace_at", MC_FLAG_STRING, "", LOG, "places that log a backtrace", NO_GLOG},
	{"stop_logging_if_full_disk", MC_FLAG_BOOL, "false", LOG, "behaviour on a full disk",
	 NO_GLOG},
	{"drop_log_memory", MC_FLAG_BOOL, "true", LOG, "page cache of log files", NO_GLOG},
	{"symbolize_stacktrace", MC_FLAG_BOOL, "true", LOG, "names in stack traces", NO_GLOG},
	{"alsologtoemail", MC_FLAG_STRING, "", LOG, "addresses to mail the log to",
	 MISLEADING("no mail is sent; leave the flag out")},
	{"logemaillevel", MC_FLAG_INT32, "999", LOG, "level that is mailed", NO_GLOG},
	{"logmailer", MC_FLAG_STRING, "/bin/mail", LOG, "program that mails", NO_GLOG},

	{"use_mmap_arena_allocator", MC_FLAG_BOOL, "false", ALLOC, "arena for large buffers",
	 NO_ARENA},
	{"mmap_arena_pool_size", MC_FLAG_UINT64, "8589934592", ALLOC, "size of that arena",
	 NO_ARENA},

	{"dynamic_replication_mode", MC_FLAG_STRING, "off", REPL, "copies of keys that are hot",
	 .choices = "off|observe|enforce",
	 MISLEADING("replicas of hot keys are not built yet; give off")},
	{"dynamic_replication_admission_qps_threshold", MC_FLAG_DOUBLE, "0.8", REPL,
	 "reads per second that make a key hot", NO_REPL},
	{"dynamic_replication_heat_window_seconds", MC_FLAG_UINT32, "10", REPL,
	 "time over which reads are counted", NO_REPL},
	{"dynamic_replication_max_memory_replicas", MC_FLAG_UINT64, "2", REPL,
	 "most copies of one key", NO_REPL},

	{"max_retry_attempts", MC_FLAG_UINT32, "10", TASKS,
	 "attempts at a task that a client may make"},
	{"max_total_pending_tasks", MC_FLAG_UINT32, "10000", TASKS,
	 "tasks that may wait for their clients; more are refused"},
	{"max_total_processing_tasks", MC_FLAG_UINT32, "10000", TASKS,
	 "tasks that clients may have fetched; the others wait"},
	{"max_total_finished_tasks", MC_FLAG_UINT32, "10000", TASKS,
	 "finished tasks that can be asked for"},
	{"pending_task_timeout_sec", MC_FLAG_UINT64, "300", TASKS,
	 "seconds after which a task that no client fetched fails; 0: never"},
	{"processing_task_timeout_sec", MC_FLAG_UINT64, "300", TASKS,
	 "seconds after which a task that a client fetched and did not finish fails; 0: never"},

	{"enable_snapshot", MC_FLAG_BOOL, "false", SNAP,
	 "save the index of objects from time to time",
	 MISLEADING("snapshots are not built yet; leave the flag out")},
	{"enable_snapshot_restore", MC_FLAG_BOOL, "false", SNAP, "begin from a saved index",
	 MISLEADING("snapshots are not built yet; leave the flag out")},
	{"snapshot_interval_seconds", MC_FLAG_UINT64, "600", SNAP, "time between snapshots",
	 NO_SNAP},
	{"snapshot_child_timeout_seconds", MC_FLAG_UINT64, "300", SNAP,
	 "time that writing one may take", NO_SNAP},
	{"snapshot_retention_count", MC_FLAG_UINT32, "2", SNAP, "snapshots to keep", NO_SNAP},
	{"snapshot_backup_dir", MC_FLAG_STRING, "", SNAP, "directory for a local copy", NO_SNAP},
	{"snapshot_object_store_type", MC_FLAG_STRING, "", SNAP, "where snapshots go", NO_SNAP},
	{"snapshot_payload_store_type", MC_FLAG_STRING, "", SNAP,
	 "older name of -snapshot_object_store_type", NO_SNAP},
	{"snapshot_payload_backend_type", MC_FLAG_STRING, "", SNAP,
	 "older name of -snapshot_object_store_type", NO_SNAP},
	{"snapshot_catalog_store_type", MC_FLAG_STRING, "", SNAP, "where their list is kept",
	 NO_SNAP},
	{"snapshot_catalog_store_connstring", MC_FLAG_STRING, "", SNAP, "how to reach that list",
	 NO_SNAP},
	{"snapshot_catalog_backend_type", MC_FLAG_STRING, "", SNAP,
	 "older name of -snapshot_catalog_store_type", NO_SNAP},
	{"snapshot_catalog_backend_connstring", MC_FLAG_STRING, "", SNAP,
	 "older name of -snapshot_catalog_store_connstring", NO_SNAP},

	{"enable_ha", MC_FLAG_BOOL, "false", HA, "elect one of several masters",
	 MISLEADING("standby masters are not built yet; leave the flag out")},
	{"enable_oplog", MC_FLAG_BOOL, "false", HA, "copy every change to standby masters",
	 MISLEADING("standby masters are not built yet; leave the flag out")},
	{"ha_backend_type", MC_FLAG_STRING, "etcd", HA, "service that holds the election", NO_HA},
	{"ha_backend_connstring", MC_FLAG_STRING, "", HA, "how to reach that service", NO_HA},
	{"etcd_endpoints", MC_FLAG_STRING, "", HA, "etcd servers, separated by semicolons", NO_HA},
	{"oplog_batch_max_entries", MC_FLAG_UINT32, "1024", HA, "changes copied at once", NO_HA},
	{"oplog_poll_interval_ms", MC_FLAG_INT32, "1000", HA, "how often a standby asks", NO_HA},
	{"batch_oplog_retry_timeout_sec", MC_FLAG_UINT32, "180", HA,
	 "how long a standby tries again", NO_HA},
	{"pod_name", MC_FLAG_STRING, "", HA, "name of this Kubernetes pod", NO_HA},
	{"pod_namespace", MC_FLAG_STRING, "", HA, "namespace of this Kubernetes pod", NO_HA},

	{"enable_kv_events", MC_FLAG_BOOL, "false", EVENTS,
	 "publish what is stored and evicted over ZeroMQ",
	 MISLEADING("KV events are not built yet; leave the flag out")},
	{"kv_events_bind_endpoint", MC_FLAG_STRING, "", EVENTS, "where to publish", NO_EVENTS},
	{"kv_events_backend_id", MC_FLAG_STRING, "", EVENTS, "name of the publisher", NO_EVENTS},
	{"kv_events_queue_capacity", MC_FLAG_UINT32, "65536", EVENTS, "events that may wait",
	 NO_EVENTS},
	{"kv_events_emit_object_key", MC_FLAG_BOOL, "true", EVENTS, "publish keys", NO_EVENTS},
	{"kv_events_emit_legacy_compat", MC_FLAG_BOOL, "true", EVENTS,
	 "publish fields for older readers", NO_EVENTS},
	{"kv_events_tenant_id", MC_FLAG_STRING, "default", EVENTS, "no longer used by Mooncake",
	 NO_EVENTS},
	{"kv_events_model_name", MC_FLAG_STRING, "", EVENTS, "no longer used by Mooncake",
	 NO_EVENTS},
	{"kv_events_lora_name", MC_FLAG_STRING, "", EVENTS, "no longer used by Mooncake",
	 NO_EVENTS},
	{"kv_events_block_size", MC_FLAG_UINT32, "0", EVENTS, "no longer used by Mooncake",
	 NO_EVENTS},
	{"kv_events_dp_rank", MC_FLAG_UINT32, "0", EVENTS, "no longer used by Mooncake", NO_EVENTS},
	{"kv_events_additional_salt", MC_FLAG_STRING, "", EVENTS, "no longer used by Mooncake",
	 NO_EVENTS},

	{"enable_multi_tenants", MC_FLAG_BOOL, "false", TENANT,
	 "separate the objects of tenants and hold each to a quota",
	 MISLEADING("tenants are not built yet; leave the flag out")},
	{"tenant_quota_connector_type", MC_FLAG_STRING, "file", TENANT, "where quotas come from",
	 NO_TENANT},
	{"tenant_quota_connector_uri", MC_FLAG_STRING, "", TENANT, "how to reach them", NO_TENANT},

	{"quota_bytes", MC_FLAG_UINT64, "0", DISK,
	 "told to clients, which limit their storage to it; 0 leaves it to them"},
	{"enable_disk_eviction", MC_FLAG_BOOL, "true", DISK,
	 "told to clients, which evict from their storage"},
	{"enable_offload", MC_FLAG_BOOL, "false", DISK, "move objects to the clients' SSDs",
	 MISLEADING("the SSD tier is not built yet; leave the flag out")},
	{"offload_on_evict", MC_FLAG_BOOL, "false", DISK, "move them when they are evicted",
	 MISLEADING("the SSD tier is not built yet; leave the flag out")},
	{"offload_force_evict", MC_FLAG_BOOL, "false", DISK, "evict what could not be moved",
	 MISLEADING("the SSD tier is not built yet; leave the flag out")},
	{"promotion_on_hit", MC_FLAG_BOOL, "false", DISK, "bring objects back when they are read",
	 MISLEADING("the SSD tier is not built yet; leave the flag out")},
	{"root_fs_dir", MC_FLAG_STRING, "", DISK, "directory of a shared file system tier",
	 MISLEADING("the file system tier is not built yet; leave the flag out")},
	{"global_file_segment_size", MC_FLAG_INT64, "9223372036854775807", DISK,
	 "size of the file system tier", NO_DISK},
	{"offload_cap_ratio", MC_FLAG_DOUBLE, "0.5", DISK, "share of the queue used in one round",
	 NO_DISK},
	{"offloading_queue_limit", MC_FLAG_UINT64, "50000", DISK, "objects that may wait", NO_DISK},
	{"promotion_admission_threshold", MC_FLAG_UINT32, "2", DISK,
	 "reads before an object is brought back", NO_DISK},
	{"promotion_max_per_heartbeat", MC_FLAG_UINT32, "1", DISK,
	 "objects brought back by a client at a time", NO_DISK},
	{"promotion_queue_limit", MC_FLAG_UINT32, "50000", DISK,
	 "objects that may wait to be brought back", NO_DISK},

	{"nof_eviction_ratio", MC_FLAG_DOUBLE, "0.05", NOF, "as -eviction_ratio, for this tier",
	 NO_NOF},
	{"nof_eviction_high_watermark_ratio", MC_FLAG_DOUBLE, "0.9", NOF,
	 "as -eviction_high_watermark_ratio, for this tier", NO_NOF},
	{"nof_heartbeat_interval_sec", MC_FLAG_INT64, "10", NOF, "time between probes", NO_NOF},
	{"nof_heartbeat_probe_timeout_ms", MC_FLAG_UINT32, "1000", NOF,
	 "time that a probe may take", NO_NOF},
	{"nof_heartbeat_failures_threshold", MC_FLAG_UINT32, "3", NOF,
	 "failed probes that give a segment up", NO_NOF},

	{"enable_cxl", MC_FLAG_BOOL, "false", CXL, "use a CXL memory device",
	 MISLEADING("CXL is not built yet; leave the flag out")},
	{"cxl_path", MC_FLAG_STRING, "/dev/dax0.0", CXL, "the device", NO_CXL},
	{"cxl_size", MC_FLAG_UINT64, "8589934592", CXL, "its size in bytes", NO_CXL},

	MC_FLAGS_STANDARD,
};

const size_t mc_options_count = sizeof(mc_options_table) / sizeof(mc_options_table[0]);

static const char markdown_intro[] =
	"# Flags of mc-master\n"
	"\n"
	"Written by `mc-master -help_markdown`; `apps/mc-master/options.c` is the source.\n"
	"\n"
	"One or two dashes, `_` or `-` in names, `=` or a space before values. Switches are\n"
	"set by `-name`, `-name=true`, `-name=false`, `-noname`; `--` ends the flags. A\n"
	"later setting wins: the default, then the file of `-config_path`, then the\n"
	"environment, then the command line from left to right, with the contents of flag\n"
	"files in their place. Numbers may be hexadecimal (`0x…`); durations are\n"
	"milliseconds, or whole numbers with `ms`, `s`, `m` or `h`; times above 100 years\n"
	"count as 100 years. Names, types and defaults are those of `mooncake_master`\n"
	"0.3.13.post1, but for the first two groups and `-admin_remote_writes`.\n";

enum mc_status
mc_options_document(const struct mc_flags *flags, struct mc_buf *out)
{
	enum mc_status st = mc_buf_append(out, markdown_intro, sizeof(markdown_intro) - 1);

	return st == MC_OK ? mc_flags_markdown_write(flags, out) : st;
}
