/* SPDX-License-Identifier: Apache-2.0 */
/* An engine's life: devices, cores, control, the name under which peers find it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/engine/private.h"
#include "mc/log.h"

#define SLICES_DEFAULT 4096u
#define PUBLISH_TIMEOUT_NS (5 * MC_NS_PER_S)
/* Opening and giving up on a metadata server that does not answer: less than 5 s together. */
#define OPEN_TIMEOUT_NS (3 * MC_NS_PER_S)
#define LEAVE_TIMEOUT_NS MC_NS_PER_S
#define INLINE_PASSES 16u	/* of the core for one of the reactor, while there is work */

/* ---- devices ---- */

/* Is @name an element of the list @names, "a,b"? */
static bool
list_has(const char *names, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = names; *at != '\0';) {
		size_t span = strcspn(at, ",");

		if (span == length && memcmp(at, name, length) == 0)
			return true;
		at += span + (at[span] == ',');
	}
	return false;
}

static void
names_refuse(const char *name, size_t length, const struct mc_driver *const *drivers)
{
	char known[64] = "";

	for (uint32_t i = 0; drivers[i] != NULL; i++) {
		size_t at = strlen(known);

		snprintf(known + at, sizeof(known) - at, " %s", drivers[i]->name);
	}
	mc_log_error("engine: driver %.*s is not built; there are:%s", (int)length, name, known);
}

static enum mc_status
names_check(const char *names, const struct mc_driver *const *drivers)
{
	for (const char *at = names; *at != '\0';) {
		size_t span = strcspn(at, ",");
		bool known = false;

		for (uint32_t i = 0; drivers[i] != NULL; i++)
			known |= strlen(drivers[i]->name) == span &&
				 memcmp(drivers[i]->name, at, span) == 0;
		if (!known) {
			names_refuse(at, span, drivers);
			return MC_ERR_UNSUPPORTED;
		}
		at += span + (at[span] == ',');
	}
	return MC_OK;
}

static enum mc_status
devs_open(struct mc_engine *engine, const struct mc_engine_params *params,
	  const struct mc_driver *const *drivers)
{
	struct mc_dev_params dev = {.size = sizeof(dev),
				    .instance = engine->instance,
				    .bind_host = params->bind_host};

	if (params->drivers != NULL && names_check(params->drivers, drivers) != MC_OK)
		return MC_ERR_UNSUPPORTED;
	if (params->devices != NULL && params->devices[0] != '\0')
		mc_log_warn("engine: devices %s are not used, as no driver for NICs is built",
			    params->devices);
	engine->slice_bytes = UINT32_MAX;
	engine->slice_bytes_max = UINT32_MAX;
	engine->sge_max = ENGINE_SGE_MAX;
	for (uint32_t i = 0; drivers[i] != NULL && engine->devs_count < ENGINE_DEVS_MAX; i++) {
		struct engine_dev *entry = &engine->devs[engine->devs_count];
		const struct mc_driver *driver = drivers[i];
		size_t at = strlen(engine->drivers_text);
		enum mc_status st;

		if (params->drivers != NULL && !list_has(params->drivers, driver->name))
			continue;
		st = driver->ops->open(&dev, &entry->dev);
		if (st != MC_OK && params->drivers != NULL)
			return st;
		if (st != MC_OK)
			continue;	/* it said why */
		entry->driver = driver;
		engine->devs_count++;
		if (entry->dev->limits.op_bytes_max < engine->slice_bytes_max)
			engine->slice_bytes_max = entry->dev->limits.op_bytes_max;
		if (entry->dev->limits.slice_bytes < engine->slice_bytes)
			engine->slice_bytes = entry->dev->limits.slice_bytes;
		if (entry->dev->limits.sge_max < engine->sge_max)
			engine->sge_max = entry->dev->limits.sge_max;
		snprintf(engine->drivers_text + at, sizeof(engine->drivers_text) - at, "%s%s",
			 at > 0 ? "," : "", driver->name);
	}
	if (engine->devs_count > 0)
		return MC_OK;
	mc_log_error("engine: no driver works here");
	return MC_ERR_UNSUPPORTED;
}

static enum mc_status
devs_listen(struct mc_engine *engine)
{
	for (uint32_t i = 0; i < engine->devs_count; i++) {
		struct engine_dev *entry = &engine->devs[i];
		enum mc_status st;

		if (!(entry->driver->caps & MC_CAP_LISTEN))
			continue;
		st = entry->driver->ops->listen(entry->dev, &engine->addr);
		if (st != MC_OK)
			return st;
		entry->listening = true;
	}
	return MC_OK;
}

static void
devs_close(struct mc_engine *engine)
{
	for (uint32_t i = 0; i < engine->devs_count; i++)
		engine->devs[i].driver->ops->close(engine->devs[i].dev);
}

/* ---- what we publish ---- */

static bool
listens(const struct mc_engine *engine, enum mc_family family)
{
	for (uint32_t i = 0; i < engine->devs_count; i++) {
		if (engine->devs[i].driver->family == family && engine->devs[i].listening)
			return true;
	}
	return false;
}

static enum mc_status
describe_buffers(const struct mc_engine *engine, struct mc_desc *desc)
{
	uint32_t count = 0;

	for (struct mc_list *node = engine->mems.next; node != &engine->mems; node = node->next)
		count++;
	desc->buffers = calloc(count + 1, sizeof(*desc->buffers));
	if (desc->buffers == NULL)
		return MC_ERR_NO_MEMORY;
	for (struct mc_list *node = engine->mems.next; node != &engine->mems; node = node->next) {
		const struct mc_engine_mem *mem = mc_container_of(node, struct mc_engine_mem, link);
		struct mc_desc_buffer *buffer = &desc->buffers[desc->buffers_count];

		if (mem->local_only)
			continue;
		buffer->addr = (uintptr_t)mem->span.addr;
		buffer->length = mem->span.length;
		buffer->name = strdup(mem->location);
		if (buffer->name == NULL)
			return MC_ERR_NO_MEMORY;
		desc->buffers_count++;
	}
	return MC_OK;
}

static void
describe_own(const struct mc_engine *engine, struct mc_desc_own *own)
{
	const struct mc_shm_addr *shm = &engine->addr.shm;

	own->version = 1;
	own->instance = engine->instance;
	if (!listens(engine, MC_FAMILY_SHM))
		return;
	snprintf(own->shm_socket, sizeof(own->shm_socket), "%s", shm->socket);
	own->pid = shm->pid;
	own->pid_ns = shm->pid_ns;
	own->net_ns = shm->net_ns;
	own->mnt_ns = shm->mnt_ns;
	memcpy(own->boot_id, shm->boot_id, sizeof(own->boot_id));
}

struct mc_desc *
engine_describe(const struct mc_engine *engine)
{
	struct mc_desc *desc = calloc(1, sizeof(*desc));

	if (desc == NULL)
		return NULL;
	desc->name = strdup(engine->directory->name(engine->peer));
	desc->protocol = strdup("tcp");
	desc->tcp_data_host = strdup(engine->directory->host(engine->peer));
	desc->rdma_server_name = strdup("");
	if (listens(engine, MC_FAMILY_TCP)) {
		desc->tcp_data_port = mc_net_addr_port(&engine->addr.tcp.addr);
		desc->tcp_proto_version = 2;
	}
	describe_own(engine, &desc->own);
	if (desc->name == NULL || desc->protocol == NULL || desc->tcp_data_host == NULL ||
	    desc->rdma_server_name == NULL || describe_buffers(engine, desc) != MC_OK) {
		mc_desc_free(desc);
		return NULL;
	}
	return desc;
}

/* ---- the directory, on control ---- */

struct create_call {
	struct engine_call call;
	const struct mc_engine_params *params;
};

static bool
notified(void *context, const char *name, const char *text)
{
	struct mc_engine *engine = context;

	if (engine->notified == NULL)
		return false;
	engine->notified(engine->notified_context, name, text);
	return true;
}

static void
published(void *context, enum mc_status status)
{
	engine_call_end(context, status);
}

static void
opened(void *context, enum mc_status status)
{
	struct create_call *call = mc_container_of(context, struct create_call, call);

	call->call.engine->published = status == MC_OK;
	/* of a name that is taken the directory says whose it is */
	if (status != MC_OK && status != MC_ERR_EXISTS)
		mc_log_error("engine: metadata_server=\"%s\": %s; is a metadata server running "
			     "there? mc-master is one with --enable_http_metadata_server=true",
			     call->params->metadata, mc_status_text(status));
	engine_call_end(context, status);
}

static void
directory_open_run(struct engine_call *call)
{
	struct mc_engine *engine = call->engine;
	const struct mc_engine_params *params =
		mc_container_of(call, struct create_call, call)->params;
	struct mc_peer_params peer = {
		.size = sizeof(peer),
		.reactor = engine->control,
		.name = params->name,
		.metadata = params->metadata,
		.bind_host = params->bind_host,
		.notified = notified,
		.context = engine,
	};
	struct mc_desc *desc;
	enum mc_status st = engine->directory->open(&peer, &engine->peer);

	if (st != MC_OK) {
		engine_call_end(call, st);
		return;
	}
	desc = engine_describe(engine);
	if (desc == NULL) {
		engine_call_end(call, MC_ERR_NO_MEMORY);
		return;
	}
	engine->directory->publish(engine->peer, desc, OPEN_TIMEOUT_NS, opened, call);
	mc_desc_free(desc);
}

static void
directory_unpublish_run(struct engine_call *call)
{
	struct mc_engine *engine = call->engine;

	engine->directory->unpublish(engine->peer,
				     engine->published ? PUBLISH_TIMEOUT_NS : LEAVE_TIMEOUT_NS,
				     published, call);
}

static void
directory_close_run(struct engine_call *call)
{
	call->engine->directory->close(call->engine->peer);
	engine_call_end(call, MC_OK);
}

/* ---- life ---- */

/* The machine as it is; no driver of ours has a use for its NICs yet. */
static void
topo_text(char *text, size_t room)
{
	struct mc_topo_params params = {.size = sizeof(params), .devices = "", .matrix_path = ""};
	struct mc_topo *topo;

	if (mc_topo_open(&params, &topo) != MC_OK)
		return;	/* it said why; nothing depends on it */
	snprintf(text, room, "\n%s", mc_topo_text(topo));
	mc_topo_close(topo);
}

static void
text_make(struct mc_engine *engine)
{
	size_t room = 4096, at = 0;

	engine->text = malloc(room);
	if (engine->text == NULL)
		return;
	at += (size_t)snprintf(engine->text, room, "engine %s: drivers %s, %u %s",
			       engine->directory->name(engine->peer), engine->drivers_text,
			       engine->cores_count,
			       engine->poll_inline ? "inline caller" : "lcores on CPUs");
	for (uint32_t i = 0; !engine->poll_inline && i < engine->cores_count && at < room; i++)
		at += (size_t)snprintf(engine->text + at, room - at, " %d", mc_eal_lcore_cpu(i));
	if (at < room)
		topo_text(engine->text + at, room - at);
}

static enum mc_status
engine_open(struct mc_engine *engine, const struct mc_engine_params *params,
	    const struct mc_driver *const *drivers)
{
	struct create_call call = {.params = params};
	enum mc_status st = engine_control_start(engine);

	if (st == MC_OK)
		st = devs_open(engine, params, drivers);
	if (st == MC_OK)
		st = engine_cores_create(engine);
	if (st == MC_OK)
		st = devs_listen(engine);
	if (st == MC_OK)
		st = engine_cores_start(engine);
	if (st == MC_OK)
		st = engine_call(engine, &call.call, directory_open_run);
	if (st == MC_OK)
		text_make(engine);
	return st;
}

enum mc_status
engine_create(const struct mc_engine_params *params, const struct mc_driver *const *drivers,
	      const struct engine_directory *directory, struct mc_reactor *reactor,
	      struct mc_engine **engine_out)
{
	struct mc_engine *engine;
	enum mc_status st;

	if (params->size != sizeof(*params) || params->name == NULL || params->metadata == NULL) {
		mc_log_error("engine: params.size, name and metadata must be set");
		return MC_ERR_INVALID;
	}
	engine = calloc(1, sizeof(*engine));
	if (engine == NULL)
		return MC_ERR_NO_MEMORY;
	engine_forks_count();
	engine->forks = atomic_load_explicit(&engine_forks, memory_order_relaxed);
	engine->pid = getpid();
	engine->instance = mc_random_seed();
	engine->directory = directory;
	engine->poll_inline = params->poll_inline || reactor != NULL;
	engine->reactor = reactor;
	engine->slices_max = params->slices_max != 0 ? params->slices_max : SLICES_DEFAULT;
	mc_list_init(&engine->mems);
	mc_list_init(&engine->segments);
	st = engine_open(engine, params, drivers);
	if (st != MC_OK) {
		mc_engine_destroy(engine);
		return st;
	}
	*engine_out = engine;
	return MC_OK;
}

enum mc_status
mc_engine_create_with(const struct mc_engine_params *params,
		      const struct mc_driver *const *drivers,
		      const struct engine_directory *directory, struct mc_engine **engine_out)
{
	return engine_create(params, drivers, directory, NULL, engine_out);
}

void
mc_engine_driven(struct mc_engine *engine, bool driven)
{
	engine->driven = driven;
}

struct mc_reactor *
mc_engine_reactor(const struct mc_engine *engine)
{
	return engine->cores[0].reactor;
}

bool
mc_engine_inline(const struct mc_engine *engine)
{
	return engine->poll_inline;
}

static void
parts_cancel(void *context, struct engine_core *core)
{
	core->stopping = true;
	engine_parts_expire(core, UINT64_MAX, MC_ERR_CANCELED);
}

static void
close_run(struct engine_call *call)
{
	engine_each_core(call->engine, parts_cancel, NULL);
	engine_segments_close(call);
}

void
mc_engine_destroy(struct mc_engine *engine)
{
	struct engine_call call = {0};

	if (engine == NULL || engine_forked(engine))
		return;
	atomic_store_explicit(&engine->stopping, true, memory_order_relaxed);
	if (engine->cores_started)
		engine_call(engine, &call, close_run);
	if (engine->peer != NULL) {
		engine_call(engine, &call, directory_unpublish_run);
		engine_call(engine, &call, directory_close_run);
		engine->peer = NULL;
	}
	while (!mc_list_empty(&engine->mems))
		mc_engine_mem_unreg(mc_container_of(engine->mems.next, struct mc_engine_mem, link));
	engine_cores_destroy(engine);
	devs_close(engine);
	engine_control_stop(engine);
	free(engine->text);
	free(engine);
}

/* ---- the rest of the API ---- */

const char *
mc_engine_name(const struct mc_engine *engine)
{
	return engine->directory->name(engine->peer);
}

const char *
mc_engine_text(const struct mc_engine *engine)
{
	return engine->text != NULL ? engine->text : "";
}

uint32_t
mc_engine_poll(struct mc_engine *engine)
{
	struct engine_core *core = &engine->cores[0];
	uint32_t work = engine_core_poll(&core->poller);

	/* the reactor asks the kernel: not in every pass while transfers go well without */
	if (work > 0 && ++core->passes % INLINE_PASSES != 0)
		return work;
	return work + mc_reactor_poll(core->reactor);
}

struct notify_call {
	struct engine_call call;
	void (*notified)(void *context, const char *name, const char *text);
	void *context;
};

static void
notify_set_run(struct engine_call *base)
{
	struct notify_call *call = mc_container_of(base, struct notify_call, call);

	base->engine->notified = call->notified;
	base->engine->notified_context = call->context;
	engine_call_end(base, MC_OK);
}

void
mc_engine_notify_set(struct mc_engine *engine,
		     void (*notified)(void *context, const char *name, const char *text),
		     void *context)
{
	struct notify_call call = {.notified = notified, .context = context};

	if (!engine_forked(engine))
		engine_call(engine, &call.call, notify_set_run);
}

void
mc_engine_counters_read(const struct mc_engine *engine, struct mc_engine_counters *out)
{
	*out = (struct mc_engine_counters){.size = sizeof(*out)};
	out->fallbacks = atomic_load_explicit(&engine->fallbacks, memory_order_relaxed);
	for (uint32_t i = 0; i < engine->cores_count; i++) {
		const struct engine_core *core = &engine->cores[i];

		out->read_bytes += mc_counter_read(&core->read_bytes);
		out->write_bytes += mc_counter_read(&core->write_bytes);
		out->transfers += mc_counter_read(&core->transfers);
		out->failures += mc_counter_read(&core->failures);
		out->timeouts += mc_counter_read(&core->timeouts);
		out->retries += mc_counter_read(&core->retries);
		for (uint32_t d = 0; d < engine->devs_count; d++)
			out->served_bytes += mc_counter_read(&core->cqs[d]->counters.served_bytes);
	}
	out->bytes = out->read_bytes + out->write_bytes;
}

const char *
mc_engine_device_counters(const struct mc_engine *engine, unsigned int index,
			  struct mc_engine_counters *out)
{
	if (index >= engine->devs_count)
		return NULL;
	*out = (struct mc_engine_counters){.size = sizeof(*out)};
	for (uint32_t i = 0; i < engine->cores_count; i++) {
		const struct mc_cq_counters *counters = &engine->cores[i].cqs[index]->counters;

		out->transfers += mc_counter_read(&counters->ops);
		out->failures += mc_counter_read(&counters->errors);
		out->served_bytes += mc_counter_read(&counters->served_bytes);
		out->bytes += mc_counter_read(&counters->bytes);
	}
	return engine->devs[index].dev->name;
}
