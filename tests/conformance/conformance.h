/* SPDX-License-Identifier: Apache-2.0 */
/* What the cases share: the driver under test, and the kinds of passive end to try it with. */
#ifndef MC_TESTS_CONFORMANCE_CONFORMANCE_H
#define MC_TESTS_CONFORMANCE_CONFORMANCE_H

#include <check.h>

#include "tests/conformance/client.h"
#include "tests/conformance/server.h"

/* Both ends use it. */
extern const struct mc_driver *conf_driver;
extern uint64_t conf_seed;

/* The kinds: a thread, a process, a process whose memory has no memfd (where that matters). */
enum conf_kind {
	CONF_THREAD,
	CONF_PROCESS,
	CONF_PROCESS_HOST,
};

/* Starts a server of that kind, with one mem of @bytes; the rest of its params as given. */
void conf_server(struct server *server, int kind, uint64_t bytes);
void conf_server_mems(struct server *server, int kind, uint64_t bytes, uint32_t mems);

/* Two ends that are connected. */
struct pair {
	struct server server;
	struct client client;
	struct path *path;
};

void pair_open(struct pair *pair, int kind, uint64_t bytes);
void pair_close(struct pair *pair);

/* Each adds its cases; @kinds: how many kinds of passive end there are. */
void cases_data(Suite *suite, int kinds);
void cases_refused(Suite *suite, int kinds);
void cases_end(Suite *suite, int kinds);
void cases_many(Suite *suite, int kinds);

#endif
