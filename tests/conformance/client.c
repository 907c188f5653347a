/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/client.h"

#include <check.h>
#include <sched.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "tests/support/must.h"

#define CQ_DEPTH 512
#define PATIENCE_NS (20 * MC_NS_PER_S)
#define CONNECT_NS (5 * MC_NS_PER_S)

void
client_open(struct client *client, const struct mc_driver *driver, uint64_t bytes)
{
	struct mc_dev_params params = {.size = sizeof(params), .instance = mc_random_seed()};

	memset(client, 0, sizeof(*client));
	client->ops = driver->ops;
	client->bytes = bytes;
	client->connect_timeout_ns = CONNECT_NS;
	client->memory = memory_create(bytes, false, &client->fd);
	must(driver->ops->open(&params, &client->dev) == MC_OK);
	must(driver->ops->cq_create(client->dev, CQ_DEPTH, &client->cq) == MC_OK);
	client->mem = memory_reg(client->dev, client->memory, 0, bytes, client->fd);
}

void
client_close(struct client *client)
{
	for (uint32_t i = 0; i < client->paths; i++)
		client_disconnect(client, &client->path[i]);
	client->ops->mem_unreg(client->mem);
	client->ops->cq_destroy(client->cq);
	client->ops->close(client->dev);
	memory_destroy(client->memory, client->bytes, client->fd);
}

enum mc_status
client_try(struct client *client, const struct server *server, void *addr, uint64_t length,
	   struct path **path_out)
{
	struct mc_ep_params params = {.size = sizeof(params),
				      .connect_timeout_ns = client->connect_timeout_ns};
	struct path *path = &client->path[client->paths];
	enum mc_status st;

	must(client->paths < CLIENT_EPS_MAX);
	*path = (struct path){NULL, 0, false};
	st = client->ops->ep_create(client->cq, &params, &server->addr, &path->ep);
	if (st != MC_OK)
		return st;
	path->ep->owner = path;
	if ((client->dev->driver->caps & MC_CAP_IMPORT) != 0)
		st = client->ops->ep_import(path->ep, (uintptr_t)addr, length, &path->key);
	if (st == MC_OK)
		st = client->ops->ep_attach(path->ep);
	if (st != MC_OK) {
		client->ops->ep_destroy(path->ep);
		return st;
	}
	client->paths++;
	*path_out = path;
	return MC_OK;
}

struct path *
client_connect(struct client *client, const struct server *server)
{
	struct path *path = NULL;
	enum mc_status st = client_try(client, server, server->memory, server->params.mem_bytes,
				       &path);

	if (st != MC_OK)
		ck_abort_msg("connecting: %s", mc_status_text(st));
	return path;
}

void
client_disconnect(struct client *client, struct path *path)
{
	if (path->ep == NULL)
		return;
	client->ops->ep_detach(path->ep);
	client_drain(client);
	client->ops->ep_destroy(path->ep);
	path->ep = NULL;
}

struct mc_op
client_op(const struct client *client, const struct path *path, enum mc_opcode opcode,
	  uint64_t cookie, const void *remote, uint64_t local, uint32_t length, struct mc_sge *sge)
{
	*sge = (struct mc_sge){client->memory + local, length, client->mem->key};
	return (struct mc_op){.cookie = cookie, .remote_addr = (uintptr_t)remote,
			      .remote_key = path->key, .opcode = opcode, .sge_count = 1,
			      .sge = sge};
}

uint32_t
client_post(struct client *client, struct path *path, const struct mc_op *ops, uint32_t count)
{
	uint32_t taken = client->dev->fast.post(path->ep, ops, count);

	must(taken <= count);
	for (uint32_t i = 0; i < taken; i++) {
		must(ops[i].cookie > 0 && ops[i].cookie <= CLIENT_OPS_MAX);
		must(!client->under_way[ops[i].cookie - 1]);
		client->under_way[ops[i].cookie - 1] = true;
		client->done[ops[i].cookie - 1] = false;
	}
	client->outstanding += taken;
	return taken;
}

uint32_t
client_poll(struct client *client)
{
	struct mc_completion completions[32];
	uint32_t n = client->dev->fast.poll(client->cq, completions, 32);

	must(n <= 32);
	for (uint32_t i = 0; i < n; i++) {
		const struct mc_completion *completion = &completions[i];
		struct path *path = completion->ep->owner;

		must(path >= client->path && path < client->path + CLIENT_EPS_MAX);
		must(path->ep == completion->ep);
		if (completion->cookie == 0) {
			must(completion->status != MC_OK && !path->failed);
			path->failed = true;
			continue;
		}
		must(completion->cookie <= CLIENT_OPS_MAX);
		must(client->under_way[completion->cookie - 1]);
		client->under_way[completion->cookie - 1] = false;
		client->done[completion->cookie - 1] = true;
		client->status[completion->cookie - 1] = completion->status;
		client->outstanding--;
	}
	return n;
}

void
client_drain(struct client *client)
{
	uint64_t deadline_ns = mc_clock_mono_ns() + PATIENCE_NS;

	while (client->outstanding > 0) {
		if (client_poll(client) > 0)
			continue;
		must(mc_clock_mono_ns() < deadline_ns);
		sched_yield();
	}
}

void
client_run(struct client *client, struct path *path, const struct mc_op *ops, uint32_t count)
{
	uint64_t deadline_ns = mc_clock_mono_ns() + PATIENCE_NS;
	uint32_t posted = 0;

	while (posted < count) {
		uint32_t taken = client_post(client, path, ops + posted, count - posted);

		posted += taken;
		if (client_poll(client) > 0 || taken > 0)
			continue;
		must(mc_clock_mono_ns() < deadline_ns);
		sched_yield();
	}
	client_drain(client);
}

void
client_run_ok(struct client *client, struct path *path, const struct mc_op *ops, uint32_t count)
{
	client_run(client, path, ops, count);
	for (uint32_t i = 0; i < count; i++) {
		enum mc_status st = client->status[ops[i].cookie - 1];

		if (st != MC_OK)
			ck_abort_msg("operation %u of %u: %s", i, count, mc_status_text(st));
	}
}

enum mc_status
client_move(struct client *client, struct path *path, enum mc_opcode opcode, const void *remote,
	    uint64_t local, uint64_t length)
{
	uint64_t max = client->dev->limits.op_bytes_max;
	struct mc_sge sge[64];
	struct mc_op ops[64] = {{0}};
	uint32_t n = 0;

	for (uint64_t at = 0; at < length; n++) {
		uint64_t part = length - at < max ? length - at : max;

		must(n < 64);
		ops[n] = client_op(client, path, opcode, n + 1, (const uint8_t *)remote + at,
				   local + at, (uint32_t)part, &sge[n]);
		at += part;
	}
	client_run(client, path, ops, n);
	for (uint32_t i = 0; i < n; i++) {
		if (client->status[i] != MC_OK)
			return client->status[i];
	}
	return MC_OK;
}

/* ---- contents ---- */

static uint64_t
pattern_word(uint64_t seed, uint64_t index)
{
	uint64_t x = (index + 1) * 0x9e3779b97f4a7c15u ^ seed * 0xd6e8feb86659fd93u;

	return x ^ x >> 29;
}

void
pattern_fill(uint8_t *at, uint64_t length, uint64_t seed)
{
	for (uint64_t i = 0; i < length; i += 8) {
		uint64_t word = pattern_word(seed, i / 8);

		memcpy(at + i, &word, length - i < 8 ? length - i : 8);
	}
}

bool
pattern_check(const uint8_t *at, uint64_t length, uint64_t seed)
{
	for (uint64_t i = 0; i < length; i += 8) {
		uint64_t word = pattern_word(seed, i / 8);

		if (memcmp(at + i, &word, length - i < 8 ? length - i : 8) != 0)
			return false;
	}
	return true;
}
