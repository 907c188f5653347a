/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of drivers/shm; who owns which member stands beside it. */
#ifndef MC_DRIVERS_SHM_PRIVATE_H
#define MC_DRIVERS_SHM_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/list.h"
#include "drivers/driver.h"
#include "drivers/shm/proto.h"
#include "mc/log.h"

#define SHM_SGE_MAX 64u
#define SHM_DEPTH_MAX 1024u
#define SHM_CONNS_MAX 1024u	/* importers that one cq serves */

/* Something in a cq's epoll set. */
struct shm_source {
	void (*ready)(struct shm_source *source, uint32_t events);
};

/* ---- the dev: control thread ---- */

struct shm_dev {
	struct mc_dev base;
	struct mc_shm_addr addr;	/* ours */
	struct mc_list cqs;
	struct mc_list mappings;	/* shm_mapping.link */
	int listener;			/* -1: not listening */
};

/* ---- the cq: owner, but for create and destroy ---- */

struct shm_cq {
	struct mc_cq base;
	/* completions not polled yet: ring[head & mask] to ring[(tail - 1) & mask] */
	struct mc_completion *ring;
	uint32_t head;
	uint32_t tail;
	uint32_t mask;
	uint32_t depth;
	uint32_t look_in;		/* polls until the sockets are looked at; see ring.c */
	/* below: not touched by a poll that does not look */
	uint32_t looks_hot;
	int epoll;
	struct mc_list failed;		/* shm_ep.failed_link: eps to tell of with cookie 0 */
	struct mc_list dying;		/* shm_ep.dying_link: eps with imports to unmap */
	struct mc_list conns;		/* shm_conn.link, oldest first */
	uint32_t conns_count;
	struct mc_mem **mems;		/* attached; room for mems_max */
	uint32_t mems_count;
	uint32_t mems_max;
	struct shm_source listening;
	struct mc_list link;		/* in shm_dev.cqs: control */
};

/* ---- the active side ---- */

enum shm_kind {
	SHM_KIND_MAPPED,
	SHM_KIND_OWN,		/* the peer is this process */
	SHM_KIND_CMA,
};

/*
 * A slot goes FREE → LIVE (control) → FREE (control), or, when the peer takes the memory back,
 * LIVE → DYING → GONE (owner), of which control makes FREE; DYING → LEFT (control) → FREE (owner)
 * when the key is given up meanwhile. Each change is a compare-and-swap: who loses looks again.
 */
enum shm_slot_state {
	SHM_SLOT_FREE,
	SHM_SLOT_LIVE,
	SHM_SLOT_DYING,
	SHM_SLOT_GONE,
	SHM_SLOT_LEFT,
};

struct shm_import {
	_Atomic uint32_t state;		/* enum shm_slot_state */
	uint8_t kind;			/* enum shm_kind */
	uint64_t addr;			/* in the peer */
	uint64_t length;
	char *local;			/* where addr is mapped here */
	struct shm_mapping *mapping;	/* NULL: none, or given up */
};

/*
 * Whole pages of a peer's memfd. All eps of a dev that import them share one mapping, as the pages
 * of gigabytes are not made present in no time. The last user unmaps; control frees.
 */
struct shm_mapping {
	struct mc_list link;		/* in shm_dev.mappings: control */
	_Atomic uint32_t users;
	_Atomic bool gone;		/* unmapped: to be freed */
	uint64_t device;		/* the file */
	uint64_t inode;
	uint64_t offset;
	uint64_t length;
	char *at;
	uint64_t left;			/* still mapped: the last user's */
	uint32_t page_size;
};

struct shm_ep {
	struct mc_ep base;
	struct shm_gate *gate;
	struct shm_import *imports;	/* SHM_SLOTS */
	uint32_t outstanding;
	uint32_t depth;
	_Atomic bool dead;		/* written by the owner */
	bool attached;
	pid_t pid;			/* as this process sees it; 0: it does not */
	bool own;			/* the peer is this process */
	int ask;			/* requests: control */
	int events;			/* GONE and hang-up: owner */
	int pidfd;			/* readable when the peer has died; -1: none */
	uint32_t slots_used;		/* slots below were taken at some time: control */
	_Atomic uint32_t slots_seen;	/* the same for the owner */
	struct shm_source heard;
	struct shm_source died;
	struct mc_list failed_link;
	struct mc_list dying_link;
};

/* ep.c, import.c */
enum mc_status shm_ep_create(struct mc_cq *cq, const struct mc_ep_params *params,
			     const struct mc_peer_addr *peer, struct mc_ep **ep_out);
void shm_ep_destroy(struct mc_ep *ep);
enum mc_status shm_ep_attach(struct mc_ep *ep);
void shm_ep_detach(struct mc_ep *ep);
void shm_ep_cancel(struct mc_ep *ep, uint64_t cookie);
/* Sends @msg and waits for the answer; the descriptor that came with it, or -1. */
enum mc_status shm_ep_ask(struct shm_ep *ep, const struct shm_msg *msg, uint64_t timeout_ns,
			  struct shm_msg *answer_out, int *fd_out);
enum mc_status shm_ep_import(struct mc_ep *ep, uint64_t addr, uint64_t length, uint32_t *key_out);
void shm_ep_unimport(struct mc_ep *ep, uint32_t key);
/* All mappings of an ep that nobody uses any more. */
void shm_imports_drop(struct shm_ep *ep);
/* [owner] What the peer has taken back begins to die; then unmaps some of it: more to do? */
void shm_imports_revoke(struct shm_ep *ep);
bool shm_imports_unmap(struct shm_ep *ep);

/* A range of a peer's memfd, as the peer described it. */
struct shm_file {
	int fd;
	uint64_t offset;
	uint64_t length;
	uint64_t page_size;
};

/* Asked now and then during a long call: is it in vain? */
struct shm_stop {
	bool (*asked)(void *context);
	void *context;
};

/* map.c: maps it, checked and populated, or finds it mapped already. */
enum mc_status shm_map(struct shm_dev *dev, const struct shm_file *file, struct shm_stop stop,
		       struct shm_mapping **mapping_out);
/* Where @offset of the file is. */
char *shm_mapping_at(const struct shm_mapping *mapping, uint64_t offset);
/*
 * Gives up *mapping, and sets it to NULL when that is done; the last user unmaps, in steps of
 * @bytes or one page. True: there is more to do.
 */
bool shm_unmap(struct shm_mapping **mapping, uint64_t bytes);
/* Frees what is unmapped: control. */
void shm_mappings_sweep(struct shm_dev *dev);

/* cma.c: through the kernel, where there is no memfd. */
enum mc_status shm_cma_probe(const struct shm_ep *ep, uint64_t addr, uint64_t length);
enum mc_status shm_cma_copy(const struct shm_ep *ep, const struct mc_op *op, uint64_t length,
			    uint32_t *errno_out);

/* ---- the passive side: serve.c ---- */

enum mc_status shm_listen(struct mc_dev *dev, struct mc_peer_addr *addr_out);
enum mc_status shm_serve_begin(struct shm_cq *cq);
void shm_serve_end(struct shm_cq *cq);
enum mc_status shm_mem_attach(struct mc_cq *cq, struct mc_mem *mem);
void shm_mem_detach(struct mc_cq *cq, struct mc_mem *mem);

/* ---- place.c: which host and process this is ---- */

enum mc_status shm_place(struct mc_shm_addr *addr_out);
/* MC_ERR_UNREACHABLE: not on this host as far as we can tell. */
enum mc_status shm_place_check(const struct mc_shm_addr *ours, const struct mc_shm_addr *peer);
bool shm_place_same_process(const struct mc_shm_addr *ours, const struct mc_shm_addr *peer);
/* May @pid, as the kernel names the process behind the peer's socket, be the one of its addr? */
bool shm_place_pid_fits(const struct mc_shm_addr *ours, const struct mc_shm_addr *peer,
			pid_t pid);
/* The process behind a socket, if it runs under our uid: else MC_ERR_PERMISSION. */
enum mc_status shm_place_peer(int socket, pid_t *pid_out);

/* ---- look.c: sockets, now and then ---- */

void shm_look(struct shm_cq *cq);
enum mc_status shm_watch(struct shm_cq *cq, int fd, uint32_t events, struct shm_source *source);
void shm_unwatch(struct shm_cq *cq, int fd);
/* [owner] The peer is not there any more: said once by a completion with cookie 0. */
void shm_ep_died(struct shm_ep *ep);

/* ---- ring.c: the hot path ---- */

uint32_t shm_post(struct mc_ep *ep, const struct mc_op *ops, uint32_t count);
uint32_t shm_poll(struct mc_cq *cq, struct mc_completion *out, uint32_t out_count);

static inline struct shm_dev *
shm_dev(struct mc_dev *dev)
{
	return mc_container_of(dev, struct shm_dev, base);
}

static inline struct shm_cq *
shm_cq(struct mc_cq *cq)
{
	return mc_container_of(cq, struct shm_cq, base);
}

static inline struct shm_ep *
shm_ep(struct mc_ep *ep)
{
	return mc_container_of(ep, struct shm_ep, base);
}

#endif
