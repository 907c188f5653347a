/* SPDX-License-Identifier: Apache-2.0 */
/* What a store is opened with, from names and values. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/nearest.h"
#include "core/store/store.h"
#include "mc/log.h"

#define SIZE_INITIAL (16ull << 20)	/* of segment and buffer: upstream's */
#define VALUE_SHOWN 80

/* ---- values ---- */

static bool
unit_read(const char *text, unsigned int *shift_out)
{
	static const char letters[] = "kmgt";
	const char *letter;
	size_t len = strlen(text);

	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	*shift_out = 0;
	if (len == 0 || (len == 1 && tolower((unsigned char)*text) == 'b'))
		return true;
	letter = strchr(letters, tolower((unsigned char)*text));
	if (letter == NULL)
		return false;
	*shift_out = 10 * (unsigned int)(letter - letters + 1);
	return len == 1 || (len == 2 && strncasecmp(text + 1, "b", 1) == 0) ||
	       (len == 3 && strncasecmp(text + 1, "ib", 2) == 0);
}

enum mc_status
mc_store_size_parse(const char *text, uint64_t *bytes_out)
{
	unsigned int shift;
	long double number;
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	/* neither a sign nor "inf" */
	if (!isdigit((unsigned char)*text))
		return MC_ERR_INVALID;
	/* its 64 bits of fraction hold every whole number that is allowed */
	number = strtold(text, &end);
	while (isspace((unsigned char)*end))
		end++;
	if (!unit_read(end, &shift))
		return MC_ERR_INVALID;
	number *= (long double)(1ull << shift);
	if (!(number <= (long double)MC_STORE_SIZE_MAX))
		return MC_ERR_INVALID;
	*bytes_out = (uint64_t)number;
	return MC_OK;
}

static bool
text_read(const char *value, void *member)
{
	*(const char **)member = value[0] != '\0' ? value : NULL;
	return true;
}

static bool
devices_read(const char *value, void *member)
{
	return text_read(strcmp(value, "auto-discovery") == 0 ? "" : value, member);
}

static bool
size_read(const char *value, void *member)
{
	return mc_store_size_parse(value, member) == MC_OK;
}

static bool
number_read(const char *value, unsigned long max, unsigned long *number_out)
{
	char *end;

	errno = 0;
	*number_out = strtoul(value, &end, 10);
	return isdigit((unsigned char)value[0]) && *end == '\0' && errno == 0 &&
	       *number_out <= max;
}

static bool
ms_read(const char *value, void *member)
{
	unsigned long ms;

	if (!number_read(value, UINT32_MAX, &ms))
		return false;
	*(uint32_t *)member = (uint32_t)ms;
	return true;
}

/* The place of @value among the words of @words, which stand apart by blanks. */
static bool
word_find(const char *value, const char *words, int *index_out)
{
	size_t len = strlen(value);

	for (int i = 0; *words != '\0'; i++) {
		size_t n = strcspn(words, " ");

		if (n == len && strncasecmp(words, value, n) == 0) {
			*index_out = i;
			return true;
		}
		words += n + (words[n] == ' ');
	}
	return false;
}

static bool
bool_read(const char *value, void *member)
{
	int index;

	if (!word_find(value, "false true 0 1 no yes off on", &index))
		return false;
	*(bool *)member = index % 2 != 0;
	return true;
}

static bool
false_read(const char *value, void *member)
{
	bool set;

	(void)member;
	return bool_read(value, &set) && !set;
}

static bool
http_read(const char *value, void *member)
{
	bool set;

	(void)member;
	if (!bool_read(value, &set))
		return false;
	if (set)
		mc_log_warn("store: enable_client_http_server has no effect: read the counters "
			    "with mc_store_counters_read(), or run mc-node, which serves them");
	return true;
}

static bool
huge_read(const char *value, void *member)
{
	int index;

	if (!word_find(value, "try never only", &index))
		return false;
	*(enum mc_huge *)member = (enum mc_huge)index;
	return true;
}

static bool
numa_read(const char *value, void *member)
{
	int index;

	if (!word_find(value, "local bind interleave", &index))
		return false;
	*(enum mc_numa *)member = (enum mc_numa)index;
	return true;
}

static bool
node_read(const char *value, void *member)
{
	unsigned long node;

	if (!number_read(value, 1023, &node))
		return false;
	*(int *)member = (int)node;
	return true;
}

static bool
any_read(const char *value, void *member)
{
	(void)value;
	(void)member;
	return true;
}

/* ---- names ---- */

struct kind {
	bool (*read)(const char *value, void *member);
	const char *wanted;
};

static const struct kind text = {text_read, "a text"};
static const struct kind devices = {devices_read, "names like mlx5_0,mlx5_1, or auto-discovery"};
static const struct kind size = {size_read, "bytes, or a number with KB, MB, GB or TB"};
static const struct kind ms = {ms_read, "milliseconds from 0 to 4294967295"};
static const struct kind boolean = {bool_read, "true or false"};
static const struct kind huge = {huge_read, "try, never or only"};
static const struct kind numa = {numa_read, "local, bind or interleave"};
static const struct kind node = {node_read, "the number of a NUMA node"};
static const struct kind offload = {false_read, "false: the SSD tier is not built"};
static const struct kind http = {http_read, "true or false"};
static const struct kind passed_over = {any_read, ""};

struct name {
	const char *text;
	const struct kind *kind;
	size_t offset;
};

#define NAME(name, kind, member) {name, &(kind), offsetof(struct mc_store_params, member)}

/* Of several spellings of one thing the last of them counts that was given: upstream's own. */
static const struct name names[] = {
	NAME("hostname", text, hostname),
	NAME("local_hostname", text, hostname),
	NAME("metadata", text, metadata),
	NAME("metadata_server", text, metadata),
	NAME("master", text, master),
	NAME("master_server_address", text, master),
	NAME("master_server_addr", text, master),
	NAME("protocol", text, protocol),
	NAME("devices", devices, devices),
	NAME("device_name", devices, devices),
	NAME("rdma_devices", devices, devices),
	NAME("drivers", text, drivers),
	NAME("tenant", text, tenant),
	NAME("tenant_id", text, tenant),
	NAME("host_id", text, host_id),
	NAME("bind_host", text, bind_host),
	NAME("segment_size", size, segment_size),
	NAME("global_segment_size", size, segment_size),
	NAME("buffer_size", size, buffer_size),
	NAME("local_buffer_size", size, buffer_size),
	NAME("poll_inline", boolean, poll_inline),
	NAME("checksum", boolean, checksum),
	NAME("checksum_upstream", boolean, checksum_upstream),
	NAME("put_deadline_ms", ms, put_deadline_ms),
	NAME("get_deadline_ms", ms, get_deadline_ms),
	NAME("rpc_timeout_ms", ms, rpc_timeout_ms),
	NAME("huge", huge, huge),
	NAME("numa_node", node, numa_node),
	NAME("numa", numa, numa),
	NAME("enable_ssd_offload", offload, size),
	NAME("ssd_offload_path", passed_over, size),
	NAME("ipc_socket_path", passed_over, size),
	NAME("enable_client_http_server", http, size),
	NAME("client_http_port", passed_over, size),
};

#define NAMES_COUNT (sizeof(names) / sizeof(names[0]))

static const struct name *
name_find(const char *wanted)
{
	for (size_t i = 0; i < NAMES_COUNT; i++) {
		if (strcmp(names[i].text, wanted) == 0)
			return &names[i];
	}
	return NULL;
}

static const char *
name_nearest(const char *wanted)
{
	const char *nearest = NULL;
	size_t len = strlen(wanted);
	unsigned int best = mc_nearest_limit(len);

	for (size_t i = 0; i < NAMES_COUNT; i++) {
		const char *name = names[i].text;
		unsigned int distance = mc_nearest_distance(wanted, len, name, strlen(name));

		if (distance < best) {
			best = distance;
			nearest = name;
		}
	}
	return nearest;
}

static void
unknown_warn(const char *name)
{
	const char *nearest = name_nearest(name);

	mc_log_warn("store: unknown option \"%.*s\" is passed over%s%s%s", VALUE_SHOWN, name,
		    nearest != NULL ? "; is " : "", nearest != NULL ? nearest : "",
		    nearest != NULL ? " meant?" : "");
}

/* ---- all of them ---- */

struct reading {
	const struct mc_store_option *options;
	unsigned int count;
	struct mc_store_params params;
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static enum mc_status
refuse(const struct reading *reading, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (reading->error != NULL && reading->error_size > 0)
		snprintf(reading->error, reading->error_size, "%s", line);
	else
		mc_log_error("store: %s", line);
	return MC_ERR_INVALID;
}

/* The last that was given under this name; NULL: none. */
static const char *
value_of(const struct reading *reading, const char *name)
{
	const char *value = NULL;

	for (unsigned int i = 0; i < reading->count; i++) {
		if (reading->options[i].value != NULL &&
		    strcmp(reading->options[i].name, name) == 0)
			value = reading->options[i].value;
	}
	return value;
}

static enum mc_status
name_read(struct reading *reading, const struct name *name)
{
	const char *value = value_of(reading, name->text);
	const struct kind *kind = name->kind;

	/* an empty text does not hide what another spelling says */
	if (value == NULL || (value[0] == '\0' && (kind == &text || kind == &devices)))
		return MC_OK;
	if (!kind->read(value, (char *)&reading->params + name->offset))
		return refuse(reading, "%s=\"%.*s\": give %s", name->text, VALUE_SHOWN, value,
			      kind->wanted);
	if (kind == &node)
		reading->params.numa = MC_NUMA_BIND;
	return MC_OK;
}

static enum mc_status
missing_check(const struct reading *reading)
{
	if (reading->params.hostname == NULL)
		return refuse(reading, "local_hostname is missing: give the address by which "
				       "peers reach this process");
	if (reading->params.metadata == NULL)
		return refuse(reading, "metadata_server is missing: give P2PHANDSHAKE or "
				       "http://host:port/metadata");
	return MC_OK;
}

enum mc_status
mc_store_params_read(const struct mc_store_option *options, unsigned int count,
		     struct mc_store_params *params, char *error, size_t error_size)
{
	struct reading reading = {
		.options = options,
		.count = count,
		.params = {.size = sizeof(*params),
			   .segment_size = SIZE_INITIAL,
			   .buffer_size = SIZE_INITIAL},
		.error = error,
		.error_size = error_size,
	};
	enum mc_status st = MC_OK;

	for (size_t i = 0; i < NAMES_COUNT && st == MC_OK; i++)
		st = name_read(&reading, &names[i]);
	if (st == MC_OK)
		st = missing_check(&reading);
	if (st != MC_OK)
		return st;
	for (unsigned int i = 0; i < count; i++) {
		if (name_find(options[i].name) == NULL)
			unknown_warn(options[i].name);
	}
	*params = reading.params;
	return MC_OK;
}
