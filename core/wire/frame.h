/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coro_rpc framing: a 20-byte request header, a 16-byte response header, little-endian. Pure.
 * Source: recorded traffic of Mooncake 0.3.6 to 0.3.13.post1; doc/wire.md has the tables.
 */
#ifndef MC_CORE_WIRE_FRAME_H
#define MC_CORE_WIRE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/endian.h"

#define MC_FRAME_MAGIC 0x15
#define MC_FRAME_REQUEST_LEN 20u
#define MC_FRAME_RESPONSE_LEN 16u
#define MC_FRAME_BODY_MAX (64u << 20)

/* err_code of a response: framing-level errors, body is a text. */
enum mc_frame_error {
	MC_FRAME_OK = 0,
	MC_FRAME_INVALID_ARGUMENTS = 4,		/* "invalid rpc arg" */
	MC_FRAME_EXCEPTION = 10,
	MC_FRAME_NOT_REGISTERED = 11,		/* "the rpc function not registered" */
	MC_FRAME_TOO_LARGE = 14,
};

struct mc_frame_request {
	uint32_t seq;
	uint32_t function_id;
	uint32_t body_len;
	uint32_t attach_len;
};

struct mc_frame_response {
	uint8_t err_code;
	uint32_t seq;
	uint32_t body_len;
	uint32_t attach_len;
};

/* False: the bytes break the framing (magic, version > 0, serialize type, body above the cap). */
static inline bool
mc_frame_request_load(const uint8_t *bytes, struct mc_frame_request *request_out)
{
	request_out->seq = mc_le32_load(bytes + 4);
	request_out->function_id = mc_le32_load(bytes + 8);
	request_out->body_len = mc_le32_load(bytes + 12);
	request_out->attach_len = mc_le32_load(bytes + 16);
	return bytes[0] == MC_FRAME_MAGIC && bytes[1] == 0 && bytes[2] == 0 &&
	       request_out->body_len <= MC_FRAME_BODY_MAX;
}

static inline void
mc_frame_request_store(uint8_t *bytes, const struct mc_frame_request *request)
{
	mc_le32_store(bytes, MC_FRAME_MAGIC);
	mc_le32_store(bytes + 4, request->seq);
	mc_le32_store(bytes + 8, request->function_id);
	mc_le32_store(bytes + 12, request->body_len);
	mc_le32_store(bytes + 16, request->attach_len);
}

static inline bool
mc_frame_response_load(const uint8_t *bytes, struct mc_frame_response *response_out)
{
	response_out->err_code = bytes[2];
	response_out->seq = mc_le32_load(bytes + 4);
	response_out->body_len = mc_le32_load(bytes + 8);
	response_out->attach_len = mc_le32_load(bytes + 12);
	return bytes[0] == MC_FRAME_MAGIC;
}

static inline void
mc_frame_response_store(uint8_t *bytes, const struct mc_frame_response *response)
{
	mc_le32_store(bytes, MC_FRAME_MAGIC | (uint32_t)response->err_code << 16);
	mc_le32_store(bytes + 4, response->seq);
	mc_le32_store(bytes + 8, response->body_len);
	mc_le32_store(bytes + 12, response->attach_len);
}

#endif
