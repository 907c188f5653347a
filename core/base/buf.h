/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable run of bytes: [0, head) consumed, [head, tail) held, [tail, cap) free. One owner.
 * Memory is taken for bytes that are there, never for a length that a peer announced.
 */
#ifndef MC_CORE_BASE_BUF_H
#define MC_CORE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mc/status.h"

struct mc_buf {
	uint8_t *data;
	size_t head;
	size_t tail;
	size_t cap;
};

void mc_buf_init(struct mc_buf *buf);
void mc_buf_fini(struct mc_buf *buf);
/* Makes room for @len bytes behind the tail, moving or growing; pointers into the buffer die. */
enum mc_status mc_buf_reserve(struct mc_buf *buf, size_t len);
/* Appends, without a zero byte behind it: all of the text or nothing. */
enum mc_status mc_buf_printf(struct mc_buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Gives memory back when the buffer is empty and larger than @keep. */
void mc_buf_shrink(struct mc_buf *buf, size_t keep);

static inline size_t
mc_buf_len(const struct mc_buf *buf)
{
	return buf->tail - buf->head;
}

static inline void
mc_buf_consume(struct mc_buf *buf, size_t len)
{
	buf->head += len;
	if (buf->head == buf->tail)
		buf->head = buf->tail = 0;
}

static inline enum mc_status
mc_buf_append(struct mc_buf *buf, const void *bytes, size_t len)
{
	if (buf->cap - buf->tail < len) {
		enum mc_status st = mc_buf_reserve(buf, len);

		if (st != MC_OK)
			return st;
	}
	if (len > 0)
		memcpy(buf->data + buf->tail, bytes, len);
	buf->tail += len;
	return MC_OK;
}

#endif
