/* SPDX-License-Identifier: Apache-2.0 */
/* Handshake frames: u64 length (little-endian) of what follows, a type byte, JSON text. */
#include "core/peer/private.h"

#define HEADER 8u

enum mc_status
peer_frame_write(struct mc_buf *out, uint8_t type, struct mc_str body)
{
	bool typed = type != FRAME_OLD;
	uint64_t length = body.len + 1 + typed;		/* and the newline */
	uint8_t header[HEADER];

	for (unsigned int i = 0; i < HEADER; i++)
		header[i] = (uint8_t)(length >> (8 * i));
	if (mc_buf_reserve(out, HEADER + length) != MC_OK)
		return MC_ERR_NO_MEMORY;
	mc_buf_append(out, header, sizeof(header));
	if (typed)
		mc_buf_append(out, &type, 1);
	mc_buf_append(out, body.ptr, body.len);
	return mc_buf_append(out, "\n", 1);
}

enum mc_status
peer_frame_read(const struct mc_buf *in, size_t max, struct peer_frame *frame_out)
{
	const uint8_t *bytes = in->data + in->head;
	uint64_t length = 0;
	uint8_t type;

	if (mc_buf_len(in) < HEADER)
		return MC_AGAIN;
	for (unsigned int i = 0; i < HEADER; i++)
		length |= (uint64_t)bytes[i] << (8 * i);
	if (length == 0 || length > max)
		return MC_ERR_PROTOCOL;
	if (mc_buf_len(in) < HEADER + length)
		return MC_AGAIN;
	type = bytes[HEADER];
	/* upstream compares signed characters: above 0x7f it is no type, and no old frame either */
	if (type > 0x7f)
		return MC_ERR_PROTOCOL;
	if (type <= FRAME_PROBE)
		*frame_out = (struct peer_frame){
			type, {(const char *)bytes + HEADER + 1, (size_t)length - 1}};
	else
		*frame_out = (struct peer_frame){
			FRAME_OLD, {(const char *)bytes + HEADER, (size_t)length}};
	return MC_OK;
}
