/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors and rpc_meta entries of ours, written as upstream's processes write theirs: compact,
 * members sorted. Readers of theirs end with an exception on a member of another type, so that each
 * has exactly the type that it has there.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/meta/descriptor.h"

static int
append(const char *text, size_t length, void *context)
{
	return mc_buf_append(context, text, length) == MC_OK ? 0 : -1;
}

static enum mc_status
json_write(json_t *root, struct mc_buf *out)
{
	enum mc_status st = MC_ERR_NO_MEMORY;

	if (root != NULL &&
	    json_dump_callback(root, append, out, JSON_COMPACT | JSON_SORT_KEYS) == 0)
		st = MC_OK;
	json_decref(root);
	return st;
}

static json_t *
text(const char *value)
{
	return json_string(value != NULL ? value : "");
}

static json_t *
hex(uint64_t value)
{
	char digits[17];

	snprintf(digits, sizeof(digits), "%llx", (unsigned long long)value);
	return json_string(digits);
}

static json_t *
keys_make(const uint32_t *keys, uint32_t count)
{
	json_t *array = json_array();

	for (uint32_t i = 0; keys != NULL && i < count; i++)
		json_array_append_new(array, json_integer(keys[i]));
	return array;
}

static json_t *
buffers_make(const struct mc_desc *desc, bool keys)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < desc->buffers_count; i++) {
		const struct mc_desc_buffer *buffer = &desc->buffers[i];
		json_t *entry = json_pack("{s:s, s:I, s:I}", "name", buffer->name, "addr",
					  (json_int_t)buffer->addr, "length",
					  (json_int_t)buffer->length);

		if (keys) {
			json_object_set_new(entry, "rkey",
					    keys_make(buffer->rkey, desc->devices_count));
			json_object_set_new(entry, "lkey",
					    keys_make(buffer->lkey, desc->devices_count));
		}
		json_array_append_new(array, entry);
	}
	return array;
}

static json_t *
devices_make(const struct mc_desc *desc)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < desc->devices_count; i++) {
		const struct mc_desc_device *device = &desc->devices[i];
		char gid[16 * 3 + 1] = "";

		for (unsigned int b = 0; b < 16; b++)
			snprintf(gid + 3 * b, sizeof(gid) - 3 * b, b < 15 ? "%02x:" : "%02x",
				 device->gid[b]);
		json_array_append_new(array, json_pack("{s:s, s:i, s:s}", "name", device->name,
						       "lid", (int)device->lid, "gid", gid));
	}
	return array;
}

static json_t *
own_make(const struct mc_desc_own *own)
{
	json_t *object = json_object();
	char boot_id[33];

	for (unsigned int i = 0; i < 16; i++)
		snprintf(boot_id + 2 * i, sizeof(boot_id) - 2 * i, "%02x", own->boot_id[i]);
	json_object_set_new(object, "version", json_integer(own->version));
	json_object_set_new(object, "instance", hex(own->instance));
	json_object_set_new(object, "shm_socket", json_string(own->shm_socket));
	json_object_set_new(object, "pid", hex(own->pid));
	json_object_set_new(object, "pid_ns", hex(own->pid_ns));
	json_object_set_new(object, "net_ns", hex(own->net_ns));
	json_object_set_new(object, "mnt_ns", hex(own->mnt_ns));
	json_object_set_new(object, "boot_id", json_string(boot_id));
	return object;
}

static void
rdma_set(json_t *root, const struct mc_desc *desc)
{
	const char *matrix = desc->priority_matrix != NULL ? desc->priority_matrix : "{}";

	json_object_set_new(root, "devices", devices_make(desc));
	json_object_set_new(root, "priority_matrix", json_loads(matrix, 0, NULL));
}

enum mc_status
mc_desc_write(const struct mc_desc *desc, struct mc_buf *out)
{
	bool rdma = strcmp(desc->protocol, "rdma") == 0;
	json_t *root = json_object();

	json_object_set_new(root, "name", text(desc->name));
	json_object_set_new(root, "protocol", text(desc->protocol));
	json_object_set_new(root, "buffers", buffers_make(desc, rdma));
	json_object_set_new(root, "tcp_data_host", text(desc->tcp_data_host));
	json_object_set_new(root, "tcp_data_port", json_integer(desc->tcp_data_port));
	if (strcmp(desc->protocol, "tcp") == 0)
		json_object_set_new(root, "tcp_proto_version",
				    json_integer(desc->tcp_proto_version));
	json_object_set_new(root, "rdma_server_name", text(desc->rdma_server_name));
	json_object_set_new(root, "timestamp", text(desc->timestamp));
	if (rdma)
		rdma_set(root, desc);
	if (desc->own.version > 0)
		json_object_set_new(root, "mooncore", own_make(&desc->own));
	return json_write(root, out);
}

enum mc_status
mc_rpc_meta_write(const struct mc_rpc_meta *meta, struct mc_buf *out)
{
	return json_write(json_pack("{s:s, s:i}", "ip_or_host_name", meta->host, "rpc_port",
				    (int)meta->port), out);
}
