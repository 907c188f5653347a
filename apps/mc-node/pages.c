/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-node/pages.h"

#include <stddef.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/http/http.h"
#include "core/metrics/metrics.h"

#define HEALTH_NS (MC_NS_PER_S / 2)

struct node_pages {
	struct mc_http_server *server;
	struct mc_store *store;
	uint64_t health_until_ns;	/* an answer of the master's counts for so long */
	enum mc_status health;
};

struct sample {
	const char *name;
	const char *help;
	enum mc_metric_kind kind;
	size_t offset;
};

#define STORE(name, kind, member, help)                                                            \
	{"mc_store_" name, help, MC_METRIC_##kind, offsetof(struct mc_store_counters, member)}
#define ENGINE(name, kind, member, help)                                                           \
	{"mc_engine_" name, help, MC_METRIC_##kind, offsetof(struct mc_engine_counters, member)}

static const struct sample store_samples[] = {
	STORE("segments", GAUGE, segments, "Segments mounted."),
	STORE("segment_bytes", GAUGE, segment_bytes, "Bytes given to the pool."),
	STORE("remounts_total", COUNTER, remounts, "Times that the master asked for segments."),
	STORE("rpc_failures_total", COUNTER, rpc_failures, "Connections to the master lost."),
	STORE("tasks_done_total", COUNTER, tasks_done, "Copies and moves made."),
	STORE("tasks_failed_total", COUNTER, tasks_failed, "Copies and moves that failed."),
	STORE("puts_total", COUNTER, puts, "Objects put by this process."),
	STORE("gets_total", COUNTER, gets, "Objects asked for by this process."),
	STORE("misses_total", COUNTER, misses, "Of these, not found."),
	STORE("mismatches_total", COUNTER, mismatches, "Reads whose trailer was another's."),
	STORE("outstanding", GAUGE, outstanding, "Calls under way."),
};

static const struct sample engine_samples[] = {
	ENGINE("served_bytes_total", COUNTER, served_bytes, "Bytes moved for peers by our cores."),
	ENGINE("bytes_total", COUNTER, bytes, "Bytes moved by our own transfers."),
	ENGINE("transfers_total", COUNTER, transfers, "Transfers of our own."),
	ENGINE("failures_total", COUNTER, failures, "Transfers that failed."),
	ENGINE("timeouts_total", COUNTER, timeouts, "Transfers that met their deadline."),
	ENGINE("retries_total", COUNTER, retries, "Slices tried again."),
	ENGINE("fallbacks_total", COUNTER, fallbacks, "Peers reached by a lesser driver."),
};

static void
samples_write(const struct sample *samples, size_t count, const void *values, struct mc_buf *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct sample *sample = &samples[i];
		uint64_t value = *(const uint64_t *)((const char *)values + sample->offset);

		mc_prometheus_head(out, sample->name, sample->kind, sample->help);
		mc_prometheus_u64(out, sample->name, NULL, NULL, value);
	}
}

void
node_metrics_write(const struct mc_store_counters *counters,
		   const struct mc_engine_counters *engine, struct mc_buf *out)
{
	samples_write(store_samples, sizeof(store_samples) / sizeof(store_samples[0]), counters,
		      out);
	samples_write(engine_samples, sizeof(engine_samples) / sizeof(engine_samples[0]), engine,
		      out);
}

static void
metrics_answer(void *context, struct mc_http_request *request)
{
	struct node_pages *pages = context;
	struct mc_store_counters counters;
	struct mc_engine_counters engine;
	struct mc_buf out;

	mc_buf_init(&out);
	mc_store_counters_read(pages->store, &counters);
	mc_engine_counters_read(mc_store_engine(pages->store), &engine);
	node_metrics_write(&counters, &engine, &out);
	mc_http_reply(request, 200, "text/plain; version=0.0.4", out.data + out.head,
		      mc_buf_len(&out));
	mc_buf_fini(&out);
}

/*
 * Asks the master, which blocks for as long as the store's rpc_timeout_ms at most. With a master
 * that stands still, many who ask at a time would hold up the thread that also gets the signals.
 */
static enum mc_status
health_read(struct node_pages *pages)
{
	if (mc_clock_mono_ns() >= pages->health_until_ns) {
		pages->health = mc_store_health(pages->store);
		pages->health_until_ns = mc_clock_mono_ns() + HEALTH_NS;
	}
	return pages->health;
}

static void
health_answer(void *context, struct mc_http_request *request)
{
	static const char good[] = "{\"status\":\"healthy\"}\n";
	static const char bad[] = "{\"status\":\"unhealthy\",\"reason\":\"master unreachable\"}\n";

	if (health_read(context) == MC_OK)
		mc_http_reply(request, 200, "application/json", good, sizeof(good) - 1);
	else
		mc_http_reply(request, 503, "application/json", bad, sizeof(bad) - 1);
}

enum mc_status
node_pages_open(struct mc_reactor *reactor, const char *host, uint16_t port,
		struct mc_store *store, struct node_pages **pages_out)
{
	struct node_pages *pages = calloc(1, sizeof(*pages));
	const struct mc_http_route routes[] = {
		{"GET", "/metrics", metrics_answer, pages},
		{"GET", "/health", health_answer, pages},
		{"GET", "/healthz", health_answer, pages},
	};
	struct mc_http_params params = {
		.size = sizeof(params),
		.reactor = reactor,
		.host = host,
		.port = port,
		.routes = routes,
		.routes_count = sizeof(routes) / sizeof(routes[0]),
		.body_max = 4096,
		.connections_max = 64,
	};
	enum mc_status st;

	if (pages == NULL)
		return MC_ERR_NO_MEMORY;
	pages->store = store;
	st = mc_http_server_open(&params, &pages->server);
	if (st != MC_OK) {
		free(pages);
		return st;
	}
	*pages_out = pages;
	return MC_OK;
}

void
node_pages_close(struct node_pages *pages)
{
	if (pages == NULL)
		return;
	mc_http_server_close(pages->server);
	free(pages);
}

uint16_t
node_pages_port(const struct node_pages *pages)
{
	return mc_http_server_port(pages->server);
}
