/* SPDX-License-Identifier: Apache-2.0 */
/* What mc-node serves over HTTP: /metrics and /health. On the reactor of the server. */
#ifndef MC_APPS_MC_NODE_PAGES_H
#define MC_APPS_MC_NODE_PAGES_H

#include "core/base/buf.h"
#include "core/eal/reactor.h"
#include "mc/store.h"

struct node_pages;

/* Failures are logged. @store outlives the pages. */
enum mc_status node_pages_open(struct mc_reactor *reactor, const char *host, uint16_t port,
			       struct mc_store *store, struct node_pages **pages_out);
void node_pages_close(struct node_pages *pages);
uint16_t node_pages_port(const struct node_pages *pages);

/* The text of /metrics, in the Prometheus format. */
void node_metrics_write(const struct mc_store_counters *counters,
			const struct mc_engine_counters *engine, struct mc_buf *out);

#endif
