/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a descriptor in memory; descriptor_read.c and _write.c have its JSON. */
#include "core/meta/descriptor.h"

#include <stdlib.h>
#include <string.h>

void
mc_desc_free(struct mc_desc *desc)
{
	if (desc == NULL)
		return;
	for (uint32_t i = 0; desc->buffers != NULL && i < desc->buffers_count; i++) {
		free(desc->buffers[i].name);
		free(desc->buffers[i].rkey);
		free(desc->buffers[i].lkey);
	}
	for (uint32_t i = 0; desc->devices != NULL && i < desc->devices_count; i++)
		free(desc->devices[i].name);
	free(desc->buffers);
	free(desc->devices);
	free(desc->name);
	free(desc->protocol);
	free(desc->tcp_data_host);
	free(desc->rdma_server_name);
	free(desc->timestamp);
	free(desc->priority_matrix);
	free(desc);
}

/* True unless memory was wanted and there was none. */
static bool
text_clone(char **out, const char *text)
{
	*out = text != NULL ? strdup(text) : NULL;
	return text == NULL || *out != NULL;
}

static bool
keys_clone(uint32_t **out, const uint32_t *keys, uint32_t count)
{
	*out = NULL;
	if (keys == NULL)
		return true;
	*out = malloc((count + 1) * sizeof(*keys));
	if (*out != NULL)
		memcpy(*out, keys, count * sizeof(*keys));
	return *out != NULL;
}

static bool
devices_clone(struct mc_desc *to, const struct mc_desc *from)
{
	to->devices = calloc(from->devices_count + 1, sizeof(*to->devices));
	if (to->devices == NULL)
		return false;
	for (uint32_t i = 0; i < from->devices_count; i++) {
		struct mc_desc_device *device = &to->devices[to->devices_count++];

		*device = from->devices[i];
		if (!text_clone(&device->name, from->devices[i].name))
			return false;
	}
	return true;
}

static bool
buffers_clone(struct mc_desc *to, const struct mc_desc *from)
{
	bool ok = true;

	to->buffers = calloc(from->buffers_count + 1, sizeof(*to->buffers));
	if (to->buffers == NULL)
		return false;
	for (uint32_t i = 0; ok && i < from->buffers_count; i++) {
		const struct mc_desc_buffer *source = &from->buffers[i];
		struct mc_desc_buffer *buffer = &to->buffers[to->buffers_count++];

		buffer->addr = source->addr;
		buffer->length = source->length;
		ok = text_clone(&buffer->name, source->name);
		ok = keys_clone(&buffer->rkey, source->rkey, from->devices_count) && ok;
		ok = keys_clone(&buffer->lkey, source->lkey, from->devices_count) && ok;
	}
	return ok;
}

struct mc_desc *
mc_desc_clone(const struct mc_desc *desc)
{
	struct mc_desc *clone = calloc(1, sizeof(*clone));
	bool ok;

	if (clone == NULL)
		return NULL;
	clone->tcp_data_port = desc->tcp_data_port;
	clone->tcp_proto_version = desc->tcp_proto_version;
	clone->own = desc->own;
	ok = text_clone(&clone->name, desc->name);
	ok = text_clone(&clone->protocol, desc->protocol) && ok;
	ok = text_clone(&clone->tcp_data_host, desc->tcp_data_host) && ok;
	ok = text_clone(&clone->rdma_server_name, desc->rdma_server_name) && ok;
	ok = text_clone(&clone->timestamp, desc->timestamp) && ok;
	ok = text_clone(&clone->priority_matrix, desc->priority_matrix) && ok;
	ok = ok && devices_clone(clone, desc) && buffers_clone(clone, desc);
	if (ok)
		return clone;
	mc_desc_free(clone);
	return NULL;
}

uint32_t
mc_desc_find(const struct mc_desc *desc, uint64_t addr, uint64_t length)
{
	for (uint32_t i = 0; i < desc->buffers_count; i++) {
		const struct mc_desc_buffer *buffer = &desc->buffers[i];

		if (addr >= buffer->addr && addr - buffer->addr <= buffer->length &&
		    length <= buffer->length - (addr - buffer->addr))
			return i;
	}
	return UINT32_MAX;
}
