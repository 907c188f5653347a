/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tcp/frame.h"

#include <stddef.h>
#include <string.h>

#include "core/base/endian.h"

#define OPCODE_WRITE 0x01u
#define OPCODE_MASK 0x7fu
#define OPCODE_V2 0x80u
#define STATUS_MAGIC 0x4d435456u	/* "VTCM" */

_Static_assert(offsetof(struct tcp_header_wire, addr) == 8, "address behind the size");
_Static_assert(offsetof(struct tcp_header_wire, opcode) == 16, "opcode behind the address");

void
tcp_header_encode(const struct tcp_header *header, uint8_t out[TCP_HEADER_BYTES])
{
	struct tcp_header_wire wire = {.opcode = header->write ? OPCODE_WRITE : 0};

	mc_le64_store(wire.size, header->size);
	mc_le64_store(wire.addr, header->addr);
	if (header->version >= 2)
		wire.opcode |= OPCODE_V2;
	memcpy(out, &wire, sizeof(wire));
}

struct tcp_header
tcp_header_decode(const uint8_t in[TCP_HEADER_BYTES])
{
	struct tcp_header_wire wire;

	memcpy(&wire, in, sizeof(wire));
	return (struct tcp_header){.size = mc_le64_load(wire.size),
				   .addr = mc_le64_load(wire.addr),
				   .write = (wire.opcode & OPCODE_MASK) == OPCODE_WRITE,
				   .version = (wire.opcode & OPCODE_V2) != 0 ? 2 : 1};
}

void
tcp_status_encode(uint32_t code, uint8_t out[TCP_STATUS_BYTES])
{
	mc_le32_store(out, code);
	mc_le32_store(out + 4, STATUS_MAGIC);
}

bool
tcp_status_decode(const uint8_t in[TCP_STATUS_BYTES], uint32_t *code_out)
{
	if (mc_le32_load(in + 4) != STATUS_MAGIC)
		return false;
	*code_out = mc_le32_load(in);
	return true;
}
