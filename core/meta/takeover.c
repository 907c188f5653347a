/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes under one name: the second is let in when the first is dead. That is asked of the
 * first itself, by a TCP connect to the address that it published:
 *
 *   refused                     nobody is there: dead
 *   accepted                    alive: the second is refused, as upstream always does
 *   no answer within PROBE_NS,  dead if it has not published for client_ttl, else alive: its host
 *   or another error            may just be slow to answer
 *
 * An address that is a name is not looked up (that would block the reactor): no answer. Before the
 * second is stored, the first's segments are dropped everywhere, so that no reader meets memory of
 * another process.
 *
 * Now and then (1 in 2,001) the second draws the very port of the first, and its rpc_meta is the
 * same. It shows when the second publishes its segment, by the other port that it listens on.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/base/clock.h"
#include "core/meta/private.h"
#include "mc/log.h"

#define PROBE_NS MC_NS_PER_S

struct takeover {
	struct mc_list link;
	struct mc_meta *meta;		/* NULL: aborted while @evict_endpoint is under way */
	struct mc_http_request *request;
	struct mc_watch watch;
	struct mc_timer timer;
	bool probing;
	uint64_t put_ns;		/* of the stored entry */
	char *name;			/* terminated; in @key */
	size_t key_len;
	char key[];
};

static struct mc_str
takeover_key(const struct takeover *takeover)
{
	return (struct mc_str){takeover->key, takeover->key_len};
}

static void
probe_end(struct takeover *takeover)
{
	struct mc_reactor *reactor = takeover->meta->params.reactor;

	if (!takeover->probing)
		return;
	takeover->probing = false;
	mc_timer_stop(reactor, &takeover->timer);
	mc_watch_del(reactor, &takeover->watch);
	mc_net()->close(takeover->watch.fd);
}

static void
takeover_free(struct takeover *takeover)
{
	if (mc_list_linked(&takeover->link))
		mc_list_del(&takeover->link);
	free(takeover);
}

static void
holder_gone(void *context)
{
	struct takeover *takeover = context;

	if (takeover->meta != NULL)
		mc_meta_put_reply(takeover->meta, takeover->request, takeover_key(takeover));
	takeover_free(takeover);
}

static void
holder_evict(struct takeover *takeover)
{
	struct mc_meta *meta = takeover->meta;

	if (meta->params.evict_endpoint == NULL)
		holder_gone(takeover);
	else
		meta->params.evict_endpoint(meta->params.context, takeover->name, holder_gone,
					    takeover);
}

static void
verdict_dead(struct takeover *takeover)
{
	char ram[META_KEY_MAX + 8];
	struct mc_str prefix, name;
	size_t len;

	mc_log_info("metadata: %s is taken over: its former holder does not answer",
		    takeover->name);
	mc_meta_key_split(takeover_key(takeover), &prefix, &name);
	len = mc_meta_ram_key(prefix, name, ram, sizeof(ram));
	if (len > 0)
		mc_meta_store_del(&takeover->meta->store, (struct mc_str){ram, len});
	holder_evict(takeover);
}

static void
verdict_alive(struct takeover *takeover)
{
	mc_log_warn("metadata: a second process wants to be %s while the first is alive; give it "
		    "a name of its own",
		    takeover->name);
	mc_meta_refuse(takeover->meta, takeover->request, takeover_key(takeover));
	takeover_free(takeover);
}

static void
verdict_silent(struct takeover *takeover)
{
	const struct mc_meta *meta = takeover->meta;
	uint64_t age = mc_reactor_now(meta->params.reactor) - takeover->put_ns;

	if (age >= meta->params.client_ttl_ns)
		verdict_dead(takeover);
	else
		verdict_alive(takeover);
}

static void
verdict(struct takeover *takeover, enum mc_status connected)
{
	probe_end(takeover);
	if (connected == MC_OK)
		verdict_alive(takeover);
	else if (connected == MC_ERR_CONN_REFUSED || connected == MC_ERR_BAD_MESSAGE)
		verdict_dead(takeover);	/* a body without an address tells of nobody */
	else
		verdict_silent(takeover);
}

static void
probe_ready(struct mc_watch *watch, uint32_t events)
{
	struct takeover *takeover = mc_container_of(watch, struct takeover, watch);

	verdict(takeover, mc_net()->connect_result(watch->fd));
}

static void
probe_expired(struct mc_timer *timer)
{
	verdict(mc_container_of(timer, struct takeover, timer), MC_ERR_TIMEOUT);
}

static void
probe_begin(struct takeover *takeover, const struct mc_net_addr *addr)
{
	struct mc_reactor *reactor = takeover->meta->params.reactor;
	enum mc_status st = mc_net()->connect(addr, &takeover->watch.fd);

	if (st != MC_OK) {
		verdict(takeover, st);
		return;
	}
	takeover->watch.ready = probe_ready;
	takeover->watch.events = EPOLLOUT;
	takeover->timer.expired = probe_expired;
	takeover->probing = true;
	if (mc_watch_add(reactor, &takeover->watch) != MC_OK ||
	    mc_timer_start(reactor, &takeover->timer, mc_reactor_now(reactor) + PROBE_NS) != MC_OK)
		verdict(takeover, MC_ERR_NO_MEMORY);
}

/* The server closes: no answer is wanted any more. */
static void
takeover_aborted(void *context)
{
	struct takeover *takeover = context;
	bool waits_for_evict = !takeover->probing;

	probe_end(takeover);
	mc_list_del(&takeover->link);
	takeover->meta = NULL;
	if (!waits_for_evict)
		takeover_free(takeover);
}

/* NULL: no memory. @name ends where @key does. */
static struct takeover *
takeover_new(struct mc_meta *meta, struct mc_http_request *request, struct mc_str key,
	     struct mc_str name)
{
	struct takeover *takeover = calloc(1, sizeof(*takeover) + key.len + 1);

	if (takeover == NULL)
		return NULL;
	takeover->meta = meta;
	takeover->request = request;
	takeover->put_ns = mc_meta_store_find(&meta->store, key)->put_ns;
	takeover->key_len = key.len;
	memcpy(takeover->key, key.ptr, key.len);
	takeover->name = takeover->key + (name.ptr - key.ptr);
	mc_list_add_tail(&meta->takeovers, &takeover->link);
	mc_http_on_abort(request, takeover_aborted, takeover);
	return takeover;
}

void
mc_meta_takeover(struct mc_meta *meta, struct mc_http_request *request, struct mc_str key)
{
	const struct meta_entry *stored = mc_meta_store_find(&meta->store, key);
	struct takeover *takeover = NULL;
	struct mc_net_addr addr;
	struct mc_str prefix, name;
	enum mc_status st;

	if (mc_meta_key_split(key, &prefix, &name))
		takeover = takeover_new(meta, request, key, name);
	/* a key that only contains the word rpc_meta: no name, nobody to ask */
	if (takeover == NULL) {
		mc_meta_refuse(meta, request, key);
		return;
	}
	st = mc_meta_rpc_addr(stored->value, stored->len, &addr);
	if (st == MC_OK)
		probe_begin(takeover, &addr);
	else
		verdict(takeover, st);
}

void
mc_meta_replace(struct mc_meta *meta, struct mc_http_request *request, struct mc_str key,
		struct mc_str name)
{
	struct takeover *takeover = takeover_new(meta, request, key, name);

	if (takeover == NULL) {
		mc_http_reply(request, 500, NULL, "out of memory", strlen("out of memory"));
		return;
	}
	mc_log_info("metadata: %s is another process now, on the same port", takeover->name);
	mc_meta_store_del(&meta->store, key);
	holder_evict(takeover);
}

bool
mc_meta_contested(const struct mc_meta *meta, struct mc_str key)
{
	for (const struct mc_list *node = meta->takeovers.next; node != &meta->takeovers;
	     node = node->next) {
		const struct takeover *takeover = mc_container_of(node, struct takeover, link);

		if (takeover->key_len == key.len &&
		    memcmp(takeover->key, key.ptr, key.len) == 0)
			return true;
	}
	return false;
}
