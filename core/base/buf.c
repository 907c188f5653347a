/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/assert.h"

#define CAP_FIRST 1024u

void
mc_buf_init(struct mc_buf *buf)
{
	*buf = (struct mc_buf){0};
}

void
mc_buf_fini(struct mc_buf *buf)
{
	free(buf->data);
	*buf = (struct mc_buf){0};
}

static void
buf_to_front(struct mc_buf *buf)
{
	size_t len = mc_buf_len(buf);

	if (buf->head == 0)
		return;
	if (len > 0)
		memmove(buf->data, buf->data + buf->head, len);
	buf->head = 0;
	buf->tail = len;
}

enum mc_status
mc_buf_reserve(struct mc_buf *buf, size_t len)
{
	size_t cap = buf->cap;
	uint8_t *data;

	if (buf->cap - buf->tail >= len)
		return MC_OK;
	buf_to_front(buf);
	if (buf->cap - buf->tail >= len)
		return MC_OK;
	if (len > SIZE_MAX / 4 - buf->tail)
		return MC_ERR_TOO_LARGE;
	if (cap < CAP_FIRST)
		cap = CAP_FIRST;
	while (cap - buf->tail < len)
		cap *= 2;
	data = realloc(buf->data, cap);
	if (data == NULL)
		return MC_ERR_NO_MEMORY;
	buf->data = data;
	buf->cap = cap;
	return MC_OK;
}

enum mc_status
mc_buf_printf(struct mc_buf *buf, const char *format, ...)
{
	char text[256];
	va_list args;
	enum mc_status st;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	mc_assert(len >= 0);
	if ((size_t)len < sizeof(text))
		return mc_buf_append(buf, text, (size_t)len);
	/* one byte more, as the zero at the end is written too */
	st = mc_buf_reserve(buf, (size_t)len + 1);
	if (st != MC_OK)
		return st;
	va_start(args, format);
	vsnprintf((char *)buf->data + buf->tail, (size_t)len + 1, format, args);
	va_end(args);
	buf->tail += (size_t)len;
	return MC_OK;
}

void
mc_buf_shrink(struct mc_buf *buf, size_t keep)
{
	if (mc_buf_len(buf) == 0 && buf->cap > keep)
		mc_buf_fini(buf);
}
