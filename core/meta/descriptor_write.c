/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors and rpc_meta entries of ours, written as upstream's processes write theirs: compact,
 * members sorted. Readers of theirs end with an exception on a member of another type, so that each
 * has exactly the type that it has there.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/meta/descriptor.h"

static int
append(const char *text, size_t length, void *context)
{
	return mc_buf_append(context, text, length) == MC_OK ? 0 : -1;
}

static enum mc_status
json_write(const json_t *root, struct mc_buf *out)
{
	return json_dump_callback(root, append, out, JSON_COMPACT | JSON_SORT_KEYS) == 0
		       ? MC_OK : MC_ERR_NO_MEMORY;
}

/*
 * Members that could not be made are NULL: no memory, or a text that is not UTF-8. Adding them says
 * so, and one that failed makes the whole fail: a descriptor that lacks a part is not published.
 */
static bool
add(json_t *object, const char *name, json_t *value)
{
	return json_object_set_new(object, name, value) == 0;
}

static bool
push(json_t *array, json_t *value)
{
	return json_array_append_new(array, value) == 0;
}

/* @value, or NULL when it is not whole. */
static json_t *
whole(json_t *value, bool ok)
{
	if (ok)
		return value;
	json_decref(value);
	return NULL;
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
	bool ok = true;

	for (uint32_t i = 0; keys != NULL && i < count; i++)
		ok = push(array, json_integer(keys[i])) && ok;
	return whole(array, ok);
}

static json_t *
buffer_make(const struct mc_desc_buffer *buffer, bool keys, uint32_t devices_count)
{
	json_t *object = json_object();
	bool ok;

	ok = add(object, "name", text(buffer->name)) &&
	     add(object, "addr", json_integer((json_int_t)buffer->addr)) &&
	     add(object, "length", json_integer((json_int_t)buffer->length));
	if (ok && keys)
		ok = add(object, "rkey", keys_make(buffer->rkey, devices_count)) &&
		     add(object, "lkey", keys_make(buffer->lkey, devices_count));
	return whole(object, ok);
}

static json_t *
buffers_make(const struct mc_desc *desc, bool keys)
{
	json_t *array = json_array();
	bool ok = true;

	for (uint32_t i = 0; ok && i < desc->buffers_count; i++)
		ok = push(array, buffer_make(&desc->buffers[i], keys, desc->devices_count));
	return whole(array, ok);
}

static json_t *
device_make(const struct mc_desc_device *device)
{
	json_t *object = json_object();
	char gid[16 * 3 + 1] = "";

	for (unsigned int b = 0; b < 16; b++)
		snprintf(gid + 3 * b, sizeof(gid) - 3 * b, b < 15 ? "%02x:" : "%02x",
			 device->gid[b]);
	return whole(object, add(object, "name", text(device->name)) &&
			     add(object, "lid", json_integer(device->lid)) &&
			     add(object, "gid", json_string(gid)));
}

static json_t *
devices_make(const struct mc_desc *desc)
{
	json_t *array = json_array();
	bool ok = true;

	for (uint32_t i = 0; ok && i < desc->devices_count; i++)
		ok = push(array, device_make(&desc->devices[i]));
	return whole(array, ok);
}

static json_t *
own_make(const struct mc_desc_own *own)
{
	json_t *object = json_object();
	char boot_id[33];
	bool ok;

	for (unsigned int i = 0; i < 16; i++)
		snprintf(boot_id + 2 * i, sizeof(boot_id) - 2 * i, "%02x", own->boot_id[i]);
	ok = add(object, "version", json_integer(own->version)) &&
	     add(object, "instance", hex(own->instance)) &&
	     add(object, "shm_socket", json_string(own->shm_socket)) &&
	     add(object, "pid", hex(own->pid)) && add(object, "pid_ns", hex(own->pid_ns)) &&
	     add(object, "net_ns", hex(own->net_ns)) && add(object, "mnt_ns", hex(own->mnt_ns)) &&
	     add(object, "boot_id", json_string(boot_id));
	return whole(object, ok);
}

static bool
rdma_add(json_t *root, const struct mc_desc *desc)
{
	const char *matrix = desc->priority_matrix != NULL ? desc->priority_matrix : "{}";

	return add(root, "devices", devices_make(desc)) &&
	       add(root, "priority_matrix", json_loads(matrix, JSON_DECODE_ANY, NULL));
}

static bool
tcp_add(json_t *root, const struct mc_desc *desc)
{
	return add(root, "tcp_proto_version", json_integer(desc->tcp_proto_version));
}

enum mc_status
mc_desc_write(const struct mc_desc *desc, struct mc_buf *out)
{
	bool rdma = strcmp(desc->protocol, "rdma") == 0;
	enum mc_status st = MC_ERR_INVALID;
	json_t *root = json_object();
	bool ok;

	ok = add(root, "name", text(desc->name)) && add(root, "protocol", text(desc->protocol)) &&
	     add(root, "buffers", buffers_make(desc, rdma)) &&
	     add(root, "tcp_data_host", text(desc->tcp_data_host)) &&
	     add(root, "tcp_data_port", json_integer(desc->tcp_data_port)) &&
	     add(root, "rdma_server_name", text(desc->rdma_server_name)) &&
	     add(root, "timestamp", text(desc->timestamp)) &&
	     (strcmp(desc->protocol, "tcp") != 0 || tcp_add(root, desc)) &&
	     (!rdma || rdma_add(root, desc)) &&
	     (desc->own.version == 0 || add(root, "mooncore", own_make(&desc->own)));
	if (ok)
		st = json_write(root, out);
	json_decref(root);
	return st;
}

enum mc_status
mc_rpc_meta_write(const struct mc_rpc_meta *meta, struct mc_buf *out)
{
	enum mc_status st = MC_ERR_INVALID;
	json_t *root = json_object();

	if (add(root, "ip_or_host_name", text(meta->host)) &&
	    add(root, "rpc_port", json_integer(meta->port)))
		st = json_write(root, out);
	json_decref(root);
	return st;
}
