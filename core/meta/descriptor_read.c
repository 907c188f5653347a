/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors and rpc_meta entries of peers, read. What upstream reads is read; what makes its
 * process end (a member of another type) is refused, with a reason. Members that are not known are
 * left alone.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/meta/descriptor.h"

#define JSON_BYTES_MAX (16u << 20)	/* a descriptor of 65536 buffers has some 10 MB */
#define CONTAINERS_MAX (4 * MC_DESC_BUFFERS_MAX)	/* arrays and objects: three in a buffer */
#define VALUES_MAX (1u << 21)	/* keys of eight devices in each buffer fit */
#define TEXT_MAX 4096u

struct reading {
	char *error;
	enum mc_status status;
	char where[48];		/* "buffers[3]." */
};

/* Protocols that upstream's releases know; how a buffer is judged depends on them. */
enum shape {
	SHAPE_PLAIN,		/* name, addr, length */
	SHAPE_KEYS,		/* and rkey, lkey, one for each device */
	SHAPE_KEYS_FREE,	/* the same, not counted against the devices */
	SHAPE_HANDLE,		/* and shm_name, not empty */
	SHAPE_FOREIGN,		/* has no address: its buffers are not ours to read */
};

static const struct {
	const char *name;
	enum shape shape;
} protocols[] = {
	{"tcp", SHAPE_PLAIN},	       {"rdma", SHAPE_KEYS},
	{"efa", SHAPE_KEYS},	       {"cxi", SHAPE_KEYS},
	{"barex", SHAPE_KEYS_FREE},    {"flagcx", SHAPE_PLAIN},
	{"ub", SHAPE_PLAIN},	       {"nccl", SHAPE_PLAIN},
	{"ascend", SHAPE_PLAIN},       {"nvlink", SHAPE_HANDLE},
	{"nvlink_intra", SHAPE_HANDLE}, {"hip", SHAPE_HANDLE},
	{"maca", SHAPE_HANDLE},	       {"musa", SHAPE_HANDLE},
	{"ubshmem", SHAPE_HANDLE},     {"sunrise_link", SHAPE_HANDLE},
	{"cxl", SHAPE_FOREIGN},	       {"nvmeof", SHAPE_FOREIGN},
};

/* The first reason stays. False, to be returned. */
static bool
refuse(struct reading *reading, enum mc_status status, const char *field, const char *what)
{
	if (reading->status == MC_OK) {
		reading->status = status;
		snprintf(reading->error, MC_DESC_ERROR_MAX, "%s%.64s %s", reading->where, field,
			 what);
	}
	return false;
}

/* ---- members ---- */

/* Absent and null are one, as upstream's reader has it. */
static const json_t *
member(const json_t *object, const char *field)
{
	const json_t *value = json_object_get(object, field);

	return json_is_null(value) ? NULL : value;
}

static bool
read_text(struct reading *reading, const json_t *object, const char *field, char **out)
{
	const json_t *value = member(object, field);

	if (value != NULL && !json_is_string(value))
		return refuse(reading, MC_ERR_BAD_MESSAGE, field, "is no string");
	if (json_string_length(value) > TEXT_MAX)
		return refuse(reading, MC_ERR_TOO_LARGE, field, "is longer than 4096 bytes");
	*out = strdup(value != NULL ? json_string_value(value) : "");
	return *out != NULL || refuse(reading, MC_ERR_NO_MEMORY, field, "finds no memory");
}

/* A whole number from 0 to @max; one that is written with a fraction of 0 counts. Absent: 0. */
static bool
read_number(struct reading *reading, const json_t *value, const char *field, uint64_t max,
	    uint64_t *out)
{
	*out = 0;
	if (value == NULL)
		return true;
	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*out = (uint64_t)json_integer_value(value);
	} else if (json_is_real(value) && json_real_value(value) >= 0 &&
		   json_real_value(value) < 0x1p63 &&
		   floor(json_real_value(value)) == json_real_value(value)) {
		*out = (uint64_t)json_real_value(value);
	} else {
		return refuse(reading, MC_ERR_BAD_MESSAGE, field, "is no whole number");
	}
	return *out <= max || refuse(reading, MC_ERR_BAD_MESSAGE, field, "is too large");
}

static bool
read_member(struct reading *reading, const json_t *object, const char *field, uint64_t max,
	    uint64_t *out)
{
	return read_number(reading, member(object, field), field, max, out);
}

/* The array @field; absent: NULL, and no entries. */
static bool
read_array(struct reading *reading, const json_t *object, const char *field, uint32_t max,
	   const json_t **out)
{
	*out = member(object, field);
	if (*out != NULL && !json_is_array(*out))
		return refuse(reading, MC_ERR_BAD_MESSAGE, field, "is no array");
	return json_array_size(*out) <= max ||
	       refuse(reading, MC_ERR_TOO_LARGE, field, "has too many entries");
}

/* ---- devices ---- */

static int
hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* Sixteen bytes of two hex digits, @between each two of them (0: nothing), and then the end. */
static bool
bytes_parse(const char *text, char between, uint8_t bytes[16])
{
	for (unsigned int i = 0; i < 16; i++) {
		int high = hex_digit(text[0]);
		int low = high >= 0 ? hex_digit(text[1]) : -1;

		if (low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
		text += 2;
		if (i < 15 && between != '\0' && *text++ != between)
			return false;
	}
	return *text == '\0';
}

static bool
read_device(struct reading *reading, const json_t *object, bool keys,
	    struct mc_desc_device *device)
{
	char *gid = NULL;
	uint64_t lid;
	bool ok;

	ok = read_text(reading, object, "name", &device->name) &&
	     read_member(reading, object, "lid", UINT32_MAX, &lid) &&
	     read_text(reading, object, "gid", &gid);
	if (ok) {
		device->lid = (uint32_t)lid;
		device->gid_valid = bytes_parse(gid, ':', device->gid);
		if (keys && device->name[0] == '\0')
			ok = refuse(reading, MC_ERR_BAD_MESSAGE, "name", "is empty");
		else if (keys && !device->gid_valid)
			ok = refuse(reading, MC_ERR_BAD_MESSAGE, "gid",
				    "is not of 16 hex bytes with colons");
	}
	free(gid);
	return ok;
}

static bool
read_devices(struct reading *reading, const json_t *root, bool keys, struct mc_desc *desc)
{
	const json_t *array;
	uint32_t count;

	if (!read_array(reading, root, "devices", MC_DESC_DEVICES_MAX, &array))
		return false;
	count = (uint32_t)json_array_size(array);
	desc->devices = calloc(count + 1, sizeof(*desc->devices));
	if (desc->devices == NULL)
		return refuse(reading, MC_ERR_NO_MEMORY, "devices", "find no memory");
	for (uint32_t i = 0; i < count; i++) {
		const json_t *entry = json_array_get(array, i);

		snprintf(reading->where, sizeof(reading->where), "devices[%u].", i);
		desc->devices_count++;
		if (!json_is_object(entry))
			return refuse(reading, MC_ERR_BAD_MESSAGE, "entry", "is no object");
		if (!read_device(reading, entry, keys, &desc->devices[i]))
			return false;
	}
	reading->where[0] = '\0';
	return true;
}

/* ---- buffers ---- */

/* Values above 32 bits lose their upper half, as upstream's reader has it. */
static bool
read_keys(struct reading *reading, const json_t *object, const char *field, uint32_t **out,
	  uint32_t *count_out)
{
	const json_t *array;

	if (!read_array(reading, object, field, MC_DESC_DEVICES_MAX, &array))
		return false;
	*count_out = (uint32_t)json_array_size(array);
	*out = calloc(*count_out + 1, sizeof(**out));
	if (*out == NULL)
		return refuse(reading, MC_ERR_NO_MEMORY, field, "finds no memory");
	for (uint32_t i = 0; i < *count_out; i++) {
		uint64_t key;

		if (!read_number(reading, json_array_get(array, i), field, INT64_MAX, &key))
			return false;
		(*out)[i] = (uint32_t)key;
	}
	return true;
}

static bool
read_buffer_keys(struct reading *reading, const json_t *object, enum shape shape,
		 uint32_t devices_count, struct mc_desc_buffer *buffer)
{
	uint32_t rkeys, lkeys;

	if (!read_keys(reading, object, "rkey", &buffer->rkey, &rkeys) ||
	    !read_keys(reading, object, "lkey", &buffer->lkey, &lkeys))
		return false;
	if (rkeys == 0) {	/* of use to its own process only */
		free(buffer->rkey);
		free(buffer->lkey);
		buffer->rkey = buffer->lkey = NULL;
		return true;
	}
	if (rkeys != lkeys)
		return refuse(reading, MC_ERR_BAD_MESSAGE, "lkey", "has not as many as rkey");
	if (rkeys != devices_count && (shape == SHAPE_KEYS || rkeys < devices_count))
		return refuse(reading, MC_ERR_BAD_MESSAGE, "rkey", "is not one for each device");
	return true;
}

static bool
read_buffer(struct reading *reading, const json_t *object, enum shape shape,
	    uint32_t devices_count, struct mc_desc_buffer *buffer)
{
	char *handle = NULL;
	bool ok;

	ok = read_text(reading, object, "name", &buffer->name) &&
	     read_member(reading, object, "addr", INT64_MAX, &buffer->addr) &&
	     read_member(reading, object, "length", INT64_MAX, &buffer->length);
	if (!ok)
		return false;
	if (buffer->name[0] == '\0')
		return refuse(reading, MC_ERR_BAD_MESSAGE, "name", "is empty");
	if (buffer->addr == 0)
		return refuse(reading, MC_ERR_BAD_MESSAGE, "addr", "is 0");
	if (buffer->length == 0)
		return refuse(reading, MC_ERR_BAD_MESSAGE, "length", "is 0");
	if (shape == SHAPE_KEYS || shape == SHAPE_KEYS_FREE)
		return read_buffer_keys(reading, object, shape, devices_count, buffer);
	if (shape != SHAPE_HANDLE)
		return true;
	ok = read_text(reading, object, "shm_name", &handle);
	if (ok && handle[0] == '\0')
		ok = refuse(reading, MC_ERR_BAD_MESSAGE, "shm_name", "is empty");
	free(handle);
	return ok;
}

static bool
read_buffers(struct reading *reading, const json_t *root, enum shape shape, struct mc_desc *desc)
{
	const json_t *array;
	uint32_t count;

	if (!read_array(reading, root, "buffers", MC_DESC_BUFFERS_MAX, &array))
		return false;
	count = shape == SHAPE_FOREIGN ? 0 : (uint32_t)json_array_size(array);
	desc->buffers = calloc(count + 1, sizeof(*desc->buffers));
	if (desc->buffers == NULL)
		return refuse(reading, MC_ERR_NO_MEMORY, "buffers", "find no memory");
	for (uint32_t i = 0; i < count; i++) {
		const json_t *entry = json_array_get(array, i);

		snprintf(reading->where, sizeof(reading->where), "buffers[%u].", i);
		desc->buffers_count++;
		if (!json_is_object(entry))
			return refuse(reading, MC_ERR_BAD_MESSAGE, "entry", "is no object");
		if (!read_buffer(reading, entry, shape, desc->devices_count, &desc->buffers[i]))
			return false;
	}
	reading->where[0] = '\0';
	return true;
}

/* ---- our own member ---- */

/* Numbers of 64 bits are hex strings there: JSON's end at 63 bits in many readers. */
static bool
read_hex(const json_t *object, const char *field, uint64_t *out)
{
	const char *text = json_string_value(json_object_get(object, field));
	uint64_t value = 0;

	if (text == NULL || *text == '\0' || strlen(text) > 16)
		return false;
	for (; *text != '\0'; text++) {
		int digit = hex_digit(*text);

		if (digit < 0)
			return false;
		value = value << 4 | (uint64_t)digit;
	}
	*out = value;
	return true;
}

/* A version to come, or damage: as if it were not there, so that the peer is an upstream peer. */
static void
read_own(const json_t *root, struct mc_desc_own *own)
{
	const json_t *object = json_object_get(root, "mooncore");
	const char *socket = json_string_value(json_object_get(object, "shm_socket"));
	const char *boot_id = json_string_value(json_object_get(object, "boot_id"));
	struct mc_desc_own found = {.version = 1};
	uint64_t pid;

	if (json_integer_value(json_object_get(object, "version")) != 1 || socket == NULL ||
	    strlen(socket) >= sizeof(found.shm_socket))
		return;
	snprintf(found.shm_socket, sizeof(found.shm_socket), "%s", socket);
	if (!read_hex(object, "instance", &found.instance) || !read_hex(object, "pid", &pid) ||
	    pid > UINT32_MAX || !read_hex(object, "pid_ns", &found.pid_ns) ||
	    !read_hex(object, "net_ns", &found.net_ns) ||
	    !read_hex(object, "mnt_ns", &found.mnt_ns) ||
	    boot_id == NULL || !bytes_parse(boot_id, '\0', found.boot_id))
		return;
	found.pid = (uint32_t)pid;
	*own = found;
}

/* ---- the whole ---- */

static bool
read_protocol(struct reading *reading, const json_t *root, struct mc_desc *desc,
	      enum shape *shape_out)
{
	if (!read_text(reading, root, "protocol", &desc->protocol))
		return false;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (strcmp(desc->protocol, protocols[i].name) == 0) {
			*shape_out = protocols[i].shape;
			return true;
		}
	}
	return refuse(reading, MC_ERR_BAD_MESSAGE, "protocol", "is none that is known");
}

static bool
read_scalars(struct reading *reading, const json_t *root, struct mc_desc *desc)
{
	const json_t *matrix = json_object_get(root, "priority_matrix");
	uint64_t port, version;

	if (!read_text(reading, root, "name", &desc->name) ||
	    !read_text(reading, root, "tcp_data_host", &desc->tcp_data_host) ||
	    !read_text(reading, root, "rdma_server_name", &desc->rdma_server_name) ||
	    !read_text(reading, root, "timestamp", &desc->timestamp) ||
	    !read_member(reading, root, "tcp_data_port", INT64_MAX, &port) ||
	    !read_member(reading, root, "tcp_proto_version", UINT32_MAX, &version))
		return false;
	if (port > UINT16_MAX)
		return refuse(reading, MC_ERR_BAD_MESSAGE, "tcp_data_port", "is above 65535");
	desc->tcp_data_port = (uint16_t)port;
	desc->tcp_proto_version = version == 0 ? 1 : (uint32_t)version;
	if (matrix != NULL)
		desc->priority_matrix = json_dumps(matrix, JSON_COMPACT | JSON_SORT_KEYS |
							   JSON_ENCODE_ANY);
	return true;
}

static bool
read_all(struct reading *reading, const json_t *root, struct mc_desc *desc)
{
	enum shape shape;

	if (!json_is_object(root))
		return refuse(reading, MC_ERR_BAD_MESSAGE, "the descriptor", "is no JSON object");
	if (!read_protocol(reading, root, desc, &shape) || !read_scalars(reading, root, desc) ||
	    !read_devices(reading, root, shape == SHAPE_KEYS || shape == SHAPE_KEYS_FREE, desc) ||
	    !read_buffers(reading, root, shape, desc))
		return false;
	read_own(root, &desc->own);
	return true;
}

/*
 * An empty array is two bytes of text and more than a hundred of memory: what there is of values is
 * counted before the parser makes them. Inside strings nothing counts.
 */
static bool
values_bounded(struct mc_str json)
{
	size_t containers = 0, values = 0;
	bool quoted = false;

	for (size_t i = 0; i < json.len; i++) {
		char c = json.ptr[i];

		if (c == '"')
			quoted = !quoted;
		else if (quoted && c == '\\')
			i++;
		else if (!quoted && (c == '[' || c == '{'))
			containers++;
		else if (!quoted && c == ',')
			values++;
	}
	return containers <= CONTAINERS_MAX && values <= VALUES_MAX;
}

static json_t *
json_read(struct reading *reading, struct mc_str json)
{
	json_error_t where;
	json_t *root;

	if (json.len > JSON_BYTES_MAX) {
		refuse(reading, MC_ERR_TOO_LARGE, "the JSON text", "is longer than 16 MiB");
		return NULL;
	}
	if (!values_bounded(json)) {
		refuse(reading, MC_ERR_TOO_LARGE, "the JSON text", "has too many values");
		return NULL;
	}
	root = json_loadb(json.ptr, json.len, JSON_DECODE_ANY, &where);
	if (root == NULL)
		refuse(reading, MC_ERR_BAD_MESSAGE, "the text", "is no JSON");
	return root;
}

enum mc_status
mc_desc_read(struct mc_str json, struct mc_desc **desc_out, char error[MC_DESC_ERROR_MAX])
{
	struct reading reading = {.error = error};
	struct mc_desc *desc = calloc(1, sizeof(*desc));
	json_t *root;

	if (desc == NULL) {
		refuse(&reading, MC_ERR_NO_MEMORY, "the descriptor", "finds no memory");
		return reading.status;
	}
	root = json_read(&reading, json);
	if (root != NULL && read_all(&reading, root, desc))
		*desc_out = desc;
	else
		mc_desc_free(desc);
	json_decref(root);
	return reading.status;
}

enum mc_status
mc_rpc_meta_read(struct mc_str json, struct mc_rpc_meta *meta_out, char error[MC_DESC_ERROR_MAX])
{
	struct reading reading = {.error = error};
	json_t *root = json_read(&reading, json);
	const json_t *host = json_object_get(root, "ip_or_host_name");
	uint64_t port;

	if (root == NULL)
		return reading.status;
	if (json_string_length(host) == 0 ||
	    json_string_length(host) >= sizeof(meta_out->host)) {
		refuse(&reading, MC_ERR_BAD_MESSAGE, "ip_or_host_name",
		       "is no string of 1 to 255 bytes");
	} else if (read_member(&reading, root, "rpc_port", UINT16_MAX, &port)) {
		snprintf(meta_out->host, sizeof(meta_out->host), "%s", json_string_value(host));
		meta_out->port = (uint16_t)port;
	}
	json_decref(root);
	return reading.status;
}
