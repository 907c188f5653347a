/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands on the wire of the data channel before and after the bytes themselves; doc/wire.md
 * has the sequences. Pure.
 */
#ifndef MC_DRIVERS_TCP_FRAME_H
#define MC_DRIVERS_TCP_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#define TCP_HEADER_BYTES 24u
#define TCP_STATUS_BYTES 8u

#define TCP_CODE_OK 0u
#define TCP_CODE_REJECTED 1u	/* no such memory; the connection ends behind it */

/* As it lies on the wire, little-endian. */
struct tcp_header_wire {
	uint8_t size[8];
	uint8_t addr[8];
	uint8_t opcode;		/* bit 7: version 2 */
	uint8_t padding[7];	/* zeros; whatever comes is ignored */
};

_Static_assert(sizeof(struct tcp_header_wire) == TCP_HEADER_BYTES, "header of 24 bytes");

struct tcp_header {
	uint64_t size;
	uint64_t addr;		/* in the target */
	bool write;		/* else a read, also for opcodes that nobody gave a meaning */
	uint8_t version;	/* 1 or 2 */
};

void tcp_header_encode(const struct tcp_header *header, uint8_t out[TCP_HEADER_BYTES]);
struct tcp_header tcp_header_decode(const uint8_t in[TCP_HEADER_BYTES]);

void tcp_status_encode(uint32_t code, uint8_t out[TCP_STATUS_BYTES]);
/* False: these bytes are no status of version 2. */
bool tcp_status_decode(const uint8_t in[TCP_STATUS_BYTES], uint32_t *code_out);

#endif
