/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segment descriptors and rpc_meta entries: what transfer engines publish about themselves, as
 * Mooncake 0.3.13 writes and reads it. JSON in, struct out, and back. Pure; any thread.
 *
 * A descriptor from a peer is judged as upstream judges it (tests/vectors/transfer/
 * descriptor_accept.jsonl), but what makes upstream's process die is refused with a reason here.
 */
#ifndef MC_CORE_META_DESCRIPTOR_H
#define MC_CORE_META_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "mc/status.h"
#include "mc/types.h"

#define MC_DESC_BUFFERS_MAX 65536u
#define MC_DESC_DEVICES_MAX 64u
#define MC_DESC_ERROR_MAX 160

struct mc_desc_buffer {
	char *name;		/* a location ("cpu:0") for rdma, the segment's name for tcp */
	uint64_t addr;
	uint64_t length;
	uint32_t *rkey;		/* one for each device, in their order; NULL: local only */
	uint32_t *lkey;
};

struct mc_desc_device {
	char *name;
	uint32_t lid;
	uint8_t gid[16];
	bool gid_valid;		/* other protocols have texts of their own */
};

/*
 * Ours, one JSON member "mooncore" that upstream ignores: who this process is, and where it takes
 * connections for shared memory. Absent (version 0) in upstream's descriptors.
 */
struct mc_desc_own {
	uint32_t version;	/* 1 */
	uint64_t instance;	/* random, of this engine's life: another one means a restart */
	char shm_socket[64];	/* abstract name; "": none */
	uint32_t pid;
	uint64_t pid_ns, net_ns, mnt_ns;
	uint8_t boot_id[16];
};

struct mc_desc {
	char *name;
	char *protocol;		/* "tcp", "rdma", …: one of those that upstream knows */
	char *tcp_data_host;	/* "": see the rules of 2.2 in doc/wire.md */
	uint16_t tcp_data_port;
	uint32_t tcp_proto_version;	/* 1 when absent */
	char *rdma_server_name;
	char *timestamp;	/* when written: by the caller; as read: as it came */
	char *priority_matrix;	/* compact JSON text, or NULL */
	struct mc_desc_device *devices;
	uint32_t devices_count;
	struct mc_desc_buffer *buffers;
	uint32_t buffers_count;
	struct mc_desc_own own;
};

/*
 * MC_ERR_BAD_MESSAGE with a reason in @error ("buffers[1].addr is 0"), MC_ERR_TOO_LARGE,
 * MC_ERR_NO_MEMORY. *desc_out is written on success only; mc_desc_free() it.
 */
enum mc_status mc_desc_read(struct mc_str json, struct mc_desc **desc_out,
			    char error[MC_DESC_ERROR_MAX]);
/*
 * Compact, keys sorted bytewise, no newline. MC_ERR_INVALID: a text that is not UTF-8, or a matrix
 * that is no JSON (or no memory for a member); MC_ERR_NO_MEMORY.
 */
enum mc_status mc_desc_write(const struct mc_desc *desc, struct mc_buf *out);
struct mc_desc *mc_desc_clone(const struct mc_desc *desc);
void mc_desc_free(struct mc_desc *desc);

/* The buffer that holds all of [addr, addr + length), or UINT32_MAX. Adjacent ones do not join. */
uint32_t mc_desc_find(const struct mc_desc *desc, uint64_t addr, uint64_t length);

struct mc_rpc_meta {
	char host[256];		/* "ip_or_host_name" */
	uint16_t port;		/* "rpc_port" */
};
enum mc_status mc_rpc_meta_read(struct mc_str json, struct mc_rpc_meta *meta_out,
				char error[MC_DESC_ERROR_MAX]);
enum mc_status mc_rpc_meta_write(const struct mc_rpc_meta *meta, struct mc_buf *out);

#endif
