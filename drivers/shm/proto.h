/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of drivers/shm, one packet of a SOCK_SEQPACKET socket each, and the page that both
 * ends of a connection share. doc/drivers/shm.md is the description.
 */
#ifndef MC_DRIVERS_SHM_PROTO_H
#define MC_DRIVERS_SHM_PROTO_H

#include <stdatomic.h>
#include <stdint.h>

#include "mc/status.h"

#define SHM_VERSION 1u
#define SHM_MSG_BYTES 48u
#define SHM_SLOTS 4096u		/* buffers that one ep may have imported */

enum shm_msg_type {
	SHM_HELLO = 1,	/* I: instance wanted, with the socket for GONE */
	SHM_WELCOME,	/* P: instance, with the gate */
	SHM_REFUSED,	/* P: the versions differ, or there is no room */
	SHM_ASK,	/* I: [addr, addr + length) for @slot */
	SHM_MAP,	/* P: offset and page size, with the memfd */
	SHM_HOST,	/* P: no memfd: memory of the host program */
	SHM_NONE,	/* P: no such memory */
	SHM_RELEASE,	/* I: @slot is free again; no answer */
	SHM_GONE,	/* P, on the other socket: look at the gate */
};

struct shm_msg {
	uint16_t version;
	uint16_t type;
	uint32_t slot;
	uint64_t instance;
	uint64_t addr;
	uint64_t length;
	uint64_t offset;
	uint32_t page_size;
};

/* @fd: sent along, -1 for none. MC_AGAIN: the peer does not read. Never blocks. */
enum mc_status shm_msg_send(int socket, const struct shm_msg *msg, int fd);
/*
 * MC_AGAIN: nothing there. MC_ERR_PROTOCOL: no message of ours, or more than one descriptor. A
 * descriptor that came is the caller's, -1 for none. Never blocks.
 */
enum mc_status shm_msg_recv(int socket, struct shm_msg *msg_out, int *fd_out);

/*
 * The gate, a memfd of the passive side. The initiator makes @turn odd before it touches the
 * peer's memory and even afterwards; the passive side sets revoked[slot] and then waits for an odd
 * turn to pass. Each writes its own cache lines, and believes nothing of the other's that it need
 * not: a peer that lies about its turn makes the other wait for a bounded time.
 */
struct shm_gate {
	_Atomic uint32_t turn;
	uint8_t pad[4092];
	_Atomic uint8_t revoked[SHM_SLOTS];
};

_Static_assert(sizeof(struct shm_gate) == 8192, "two pages");

/* Maps a new gate / a peer's, after a look at its seals and size. */
enum mc_status shm_gate_create(struct shm_gate **gate_out, int *fd_out);
enum mc_status shm_gate_map(int fd, struct shm_gate **gate_out);
void shm_gate_unmap(struct shm_gate *gate);

#endif
