/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names, types and defaults are those of mooncake_client 0.3.13.post1 where it has the flag; the
 * groups Cores, Memory and Transfers are ours.
 */
#include "apps/mc-node/options.h"

#define PORT_RANGE .min = 0, .max = 65535, .noun = "a port"

#define POOL   "Pool"
#define MEMORY "Memory"
#define MOVE   "Transfers"
#define LCORES "Cores"
#define HTTP   "HTTP port"
#define DISK   "SSD tier"
#define LOG    "Log"

#define HARMLESS(why)	.class = MC_FLAG_HARMLESS, .reason = why
#define MISLEADING(why) .class = MC_FLAG_MISLEADING, .reason = why

const struct mc_flag node_options_table[] = {
	{"master_server_address", MC_FLAG_STRING, "127.0.0.1:50051", POOL, "the master, host:port",
	 .noun = "host:port"},
	{"metadata_server", MC_FLAG_STRING, "http://127.0.0.1:8080/metadata", POOL,
	 "where peers learn how to reach this node: a URL, or P2PHANDSHAKE, which needs no server",
	 .noun = "a URL or P2PHANDSHAKE"},
	{"host", MC_FLAG_STRING, "0.0.0.0", POOL,
	 "address by which peers reach this node; 0.0.0.0 is the one that leads to the master",
	 .noun = "an address of this host"},
	{"port", MC_FLAG_INT32, "50052", POOL,
	 "port in the node's name, where it is given and the metadata server is a URL; else one is "
	 "chosen, so that many nodes of a host do not collide",
	 PORT_RANGE},
	{"global_segment_size", MC_FLAG_STRING, "4 GB", POOL,
	 "memory for the pool: bytes, or a number with KB, MB, GB or TB (powers of 1024)",
	 .noun = "a size like 4 GB"},
	{"local_buffer_size", MC_FLAG_STRING, "0", POOL, "memory for transfers of its own",
	 HARMLESS("a node makes no transfers that need it")},
	{"tenant_id", MC_FLAG_STRING, "default", POOL, "tenant of the node"},
	{"host_id", MC_FLAG_STRING, "", POOL,
	 "name of the machine, for masters that place objects on the writer's"},
	{"threads", MC_FLAG_INT32, "1", POOL, "threads that serve local processes",
	 HARMLESS("-l names the cores; peers of this host read the memory themselves")},

	{"hugepages", MC_FLAG_STRING, "try", MEMORY,
	 "pages of the pool's memory: try takes 4 KiB pages, and says so, where there are no huge "
	 "ones; only refuses to start",
	 .choices = "try|never|only"},
	{"numa", MC_FLAG_STRING, "local", MEMORY,
	 "where the memory lies: a node's number, interleave, or local (the kernel's choice)",
	 .noun = "a node's number, interleave or local"},

	{"protocol", MC_FLAG_STRING, "tcp", MOVE, "protocol that the segment is mounted with",
	 .choices = "tcp",
	 .choices_absent = "rdma"},
	{"device_names", MC_FLAG_STRING, "", MOVE, "NICs to use, like mlx5_0,mlx5_1; empty: all"},
	{"drivers", MC_FLAG_STRING, "", MOVE,
	 "drivers to use, like shm,tcp; empty: all that work here"},
	{"bind_host", MC_FLAG_STRING, "", MOVE, "numeric address to listen on; empty: all"},

	{"l", MC_FLAG_STRING, "", LCORES,
	 "CPUs to run on, one pinned thread each, like 2-5,8; none: one thread that is not pinned",
	 .noun = "a list like 2-5,8"},
	{"c", MC_FLAG_STRING, "", LCORES, "the same as a hexadecimal mask, like 0x3c",
	 .noun = "a mask like 0x3c"},
	{"lcores", MC_FLAG_STRING, "", LCORES, "the same with ids, like 0@2,1@3",
	 .noun = "a list like 0@2,1@3"},
	{"poll", MC_FLAG_STRING, "adaptive", LCORES,
	 "what an idle core does: adaptive sleeps until there is work, busy never sleeps",
	 .choices = "adaptive|busy"},
	{"poll_idle_us", MC_FLAG_UINT32, "50", LCORES,
	 "microseconds that an idle core spins at most before it sleeps", .min = 0,
	 .max = 1000000},

	{"enable_http_server", MC_FLAG_BOOL, "false", HTTP, "serve /metrics and /health"},
	{"http_port", MC_FLAG_INT32, "9300", HTTP, "port of these; 0 lets the system choose",
	 PORT_RANGE},
	{"http_host", MC_FLAG_STRING, "0.0.0.0", HTTP, "numeric address of these",
	 .noun = "an address of this host"},

	{"enable_offload", MC_FLAG_BOOL, "false", DISK, "keep objects on an SSD too",
	 MISLEADING("the SSD tier is not built yet; leave the flag out")},
	{"start_offload_rpc_server", MC_FLAG_BOOL, "true", DISK, "serve objects from the SSD",
	 HARMLESS("there is no SSD tier (-enable_offload=false)")},

	{"v", MC_FLAG_INT32, "0", LOG, "1 and above log details for debugging"},
	{"minloglevel", MC_FLAG_INT32, "0", LOG,
	 "least severe lines to log: 0 information, 1 warnings, 2 errors", .min = 0, .max = 3},
	{"logtostderr", MC_FLAG_BOOL, "true", LOG, "log to standard error",
	 HARMLESS("the log goes there")},

	MC_FLAGS_STANDARD,
};

const size_t node_options_count = sizeof(node_options_table) / sizeof(node_options_table[0]);

static const char markdown_intro[] =
	"# Flags of mc-node\n"
	"\n"
	"Written by `mc-node -help_markdown`; `apps/mc-node/options.c` is the source. Spelling\n"
	"as for [mc-master](flags.md), environment names begin with `MC_NODE_`. Names, types and\n"
	"defaults are those of `mooncake_client` 0.3.13.post1 where it has the flag.\n";

enum mc_status
node_options_document(const struct mc_flags *flags, struct mc_buf *out)
{
	enum mc_status st = mc_buf_append(out, markdown_intro, sizeof(markdown_intro) - 1);

	return st == MC_OK ? mc_flags_markdown_write(flags, out) : st;
}
