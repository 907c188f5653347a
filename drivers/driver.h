/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a driver is. A driver moves bytes between memory of this process and memory of a peer; it
 * knows nothing of segments, batches, retries or other drivers. doc/drivers/guide.md walks through
 * it with drivers/shm, the smallest complete one.
 *
 *   dev   one device: a NIC, or what stands for one ("tcp", "shm"); control thread
 *   mem   memory of ours, registered with a dev
 *   cq    one lcore's part of a dev: its completions, and its share of the passive side
 *   ep    a connection to one peer, which belongs to one cq
 *
 * Threads. There is one control thread per engine and each cq has one owner lcore (or inline
 * caller). Calls marked [control] may sleep, allocate and log; at most one of them runs at a time
 * for a dev. Calls marked [owner] run on the owner of the cq; those of the hot path (post, poll)
 * take no lock, no memory and write no log; the others are short and never block. A driver shares
 * state between the two only by what the engine hands over (attach, detach), which orders memory.
 *
 * A driver embeds the structs below and gets back with mc_container_of().
 */
#ifndef MC_DRIVERS_DRIVER_H
#define MC_DRIVERS_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/net.h"
#include "core/mem/mem.h"
#include "core/metrics/metrics.h"
#include "mc/status.h"

struct mc_driver;
struct mc_dev;
struct mc_mem;
struct mc_cq;
struct mc_ep;

/* ---- operations and completions: the hot path ---- */

enum mc_opcode {
	MC_OP_READ,		/* peer's memory to ours */
	MC_OP_WRITE,		/* ours to the peer's */
};

struct mc_sge {
	void *addr;
	uint32_t length;	/* bytes, above 0 */
	uint32_t key;		/* mc_mem.key of its memory; 0 where !MC_CAP_LOCAL_REG */
};

struct mc_op {
	uint64_t cookie;	/* comes back in the completion; not 0 */
	uint64_t remote_addr;	/* address in the peer; the range is contiguous */
	uint32_t remote_key;	/* from ep_import() */
	uint8_t opcode;		/* enum mc_opcode */
	uint8_t flags;		/* none yet: 0 */
	uint16_t sge_count;	/* 1 to limits.sge_max */
	const struct mc_sge *sge;	/* read during post() only */
};

/*
 * MC_OK: a READ's bytes are in our memory; a WRITE's are in the peer's. Otherwise the bytes of the
 * destination are undefined, and neither side touches the memory of the operation any more on our
 * account. What the engine does by status:
 *   MC_ERR_CONN_REFUSED, _CONN_CLOSED, _UNREACHABLE, MC_ERR_IO: the path failed; it tries another
 *   MC_ERR_ADDRESS_REJECTED: the peer has no such memory; it learns its descriptor anew
 *   MC_ERR_CANCELED: ep_cancel() or ep_detach()
 *   MC_ERR_TIMEOUT: the peer made no progress for the driver's own limit
 *   MC_ERR_PROTOCOL: the peer broke the framing
 */
struct mc_completion {
	uint64_t cookie;	/* 0: the ep itself failed, with no operation to blame */
	struct mc_ep *ep;
	int32_t status;		/* enum mc_status */
	uint32_t detail;	/* the driver's own code (errno, vendor syndrome), for logs */
};

/* ---- addresses: what peers tell each other through descriptors and handshakes ---- */

enum mc_family {
	MC_FAMILY_SHM,
	MC_FAMILY_RDMA,
	MC_FAMILY_TCP,
};

struct mc_tcp_addr {
	struct mc_net_addr addr;
	uint8_t version;	/* of the data channel's framing: 1 or 2 */
};

#define MC_SHM_NAME 64

/* Peers in another network or mount namespace, or of another boot, are not the same host. */
struct mc_shm_addr {
	char socket[MC_SHM_NAME];	/* name in the abstract namespace, terminated */
	uint64_t instance;		/* random, of this engine's life */
	uint32_t pid;			/* in pid_ns */
	uint64_t pid_ns;		/* inodes of /proc/self/ns/… */
	uint64_t net_ns;
	uint64_t mnt_ns;
	uint8_t boot_id[16];		/* /proc/sys/kernel/random/boot_id */
};

/* Which member counts says the driver's family. */
struct mc_peer_addr {
	struct mc_tcp_addr tcp;
	struct mc_shm_addr shm;
};

/* ---- the cold table ---- */

struct mc_dev_params {
	size_t size;
	const char *device;	/* "mlx5_0"; NULL where the driver has one device only */
	uint64_t instance;	/* random, of this engine's life */
	const char *bind_host;	/* passive side: numeric address; NULL: all */
	uint16_t port_min;	/* and ports to choose from; 0, 0: the kernel's choice */
	uint16_t port_max;
};

struct mc_ep_params {
	size_t size;
	uint32_t depth;		/* operations outstanding at most; 0: limits.depth_max */
	uint32_t lanes_max;	/* sockets or QPs of this ep at most; 0: the driver's choice */
	uint64_t connect_timeout_ns;	/* 0: 5 s */
};

struct mc_driver_ops {
	/* [control] MC_ERR_UNSUPPORTED: cannot work here, or was turned off; a line says why. */
	enum mc_status (*open)(const struct mc_dev_params *params, struct mc_dev **dev_out);
	void (*close)(struct mc_dev *dev);
	/*
	 * Opens the passive side, served from then on by poll() of every cq, also of later ones.
	 * Writes the driver's member of *addr_out.
	 */
	enum mc_status (*listen)(struct mc_dev *dev, struct mc_peer_addr *addr_out);

	/*
	 * [control] @span is at most limits.mr_bytes_max long. Between reg and unreg the engine
	 * attaches the mem to each cq and detaches it from each: [owner], from when on the passive
	 * side of that cq lets peers at it. mem_detach() ends what peers have under way on it
	 * before it returns.
	 */
	enum mc_status (*mem_reg)(struct mc_dev *dev, const struct mc_span *span,
				  struct mc_mem **mem_out);
	void (*mem_unreg)(struct mc_mem *mem);
	enum mc_status (*mem_attach)(struct mc_cq *cq, struct mc_mem *mem);
	void (*mem_detach)(struct mc_cq *cq, struct mc_mem *mem);

	/* [control] Its eps are destroyed before a cq. @depth: completions it holds at most. */
	enum mc_status (*cq_create)(struct mc_dev *dev, uint32_t depth, struct mc_cq **cq_out);
	void (*cq_destroy)(struct mc_cq *cq);
	/*
	 * [owner] What an adaptive lcore sleeps on (level-triggered, readable when poll() has
	 * something to do), -1: nothing can happen that no call of ours made happen. arm() before
	 * each sleep; MC_AGAIN: poll first.
	 */
	int (*event_fd)(struct mc_cq *cq);
	enum mc_status (*arm)(struct mc_cq *cq);

	/*
	 * [control] Connects, as far as that needs sleeping; @cq only tells where the ep will live.
	 * MC_ERR_UNREACHABLE: not a peer for this driver (another host, for shm).
	 */
	enum mc_status (*ep_create)(struct mc_cq *cq, const struct mc_ep_params *params,
				    const struct mc_peer_addr *peer, struct mc_ep **ep_out);
	void (*ep_destroy)(struct mc_ep *ep);
	/* [owner] Between the two, and only then, the ep may be posted to. */
	enum mc_status (*ep_attach)(struct mc_ep *ep);
	/* What is outstanding is completed by the next polls, MC_ERR_CANCELED if not done. */
	void (*ep_detach)(struct mc_ep *ep);
	/*
	 * [owner] Ends one operation: it is completed by the next polls, as it is if it was done,
	 * else
	 * MC_ERR_CANCELED, and no memory of it is touched once this has returned. Others of the ep
	 * may be canceled with it.
	 */
	void (*ep_cancel)(struct mc_ep *ep, uint64_t cookie);

	/*
	 * [control] Makes [addr, addr + length) of the peer reachable, one buffer of its
	 * descriptor; the key goes into mc_op.remote_key. May run while the owner posts with other
	 * keys. ep_unimport() after the owner has stopped to use the key.
	 */
	enum mc_status (*ep_import)(struct mc_ep *ep, uint64_t addr, uint64_t length,
				    uint32_t *key_out);
	void (*ep_unimport)(struct mc_ep *ep, uint32_t key);
};

/* ---- the hot calls: [owner]. Chosen once, when the dev is opened. ---- */

struct mc_driver_fast {
	/* Takes what fits, in order, and returns how many; never waits. */
	uint32_t (*post)(struct mc_ep *ep, const struct mc_op *ops, uint32_t count);
	/* Completions into @out, and what the passive side has to do. */
	uint32_t (*poll)(struct mc_cq *cq, struct mc_completion *out, uint32_t out_count);
};

/* ---- what drivers embed ---- */

#define MC_CAP_LOCAL_REG 0x1u	/* our own side of an operation must be registered (RDMA) */
#define MC_CAP_IMPORT 0x2u	/* peers' buffers must be imported (ep_import is wired) */
#define MC_CAP_LISTEN 0x4u	/* has a passive side to open (listen is wired) */

struct mc_dev_limits {
	uint64_t mr_bytes_max;	/* of one mem */
	uint32_t op_bytes_max;	/* of one operation */
	uint32_t slice_bytes;	/* what the engine should cut long transfers into */
	uint16_t sge_max;
	uint16_t depth_max;	/* operations outstanding of one ep */
};

struct mc_dev {
	const struct mc_driver *driver;
	struct mc_driver_fast fast;
	struct mc_dev_limits limits;
	char name[32];
	int numa_node;		/* -1: no matter, or unknown */
};

struct mc_mem {
	struct mc_dev *dev;
	struct mc_span span;
	uint32_t key;
};

/* Written by the owner, read by anybody. */
struct mc_cq_counters {
	struct mc_counter ops;		/* completed with MC_OK */
	struct mc_counter bytes;
	struct mc_counter errors;	/* completed with anything else */
	struct mc_counter served_ops;	/* passive side */
	struct mc_counter served_bytes;
	/* poll() did passive work since the engine last cleared it: do not sleep yet */
	bool busy;
};

struct mc_cq {
	struct mc_dev *dev;
	struct mc_cq_counters counters;
};

struct mc_ep {
	struct mc_dev *dev;
	struct mc_cq *cq;
	void *owner;		/* the engine's; a driver never touches it */
};

struct mc_driver {
	const char *name;
	enum mc_family family;
	uint32_t caps;
	const struct mc_driver_ops *ops;
};

/*
 * Drivers in the order in which the engine prefers them (drivers/registry.c lists them by hand),
 * and by name; NULL behind the last, and for an unknown name.
 */
const struct mc_driver *mc_driver_at(unsigned int index);
const struct mc_driver *mc_driver_find(const char *name);

#endif
