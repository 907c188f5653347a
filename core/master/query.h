/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to query*.c: what other threads ask is answered here, a slice per pass of the reactor.
 *
 *   query.c   sending, the order, the answers;  query_objects.c query_segments.c
 *   query_samples.c query_state.c   the kinds
 */
#ifndef MC_CORE_MASTER_QUERY_H
#define MC_CORE_MASTER_QUERY_H

#include "core/master/state.h"

/* One slice of a kind of query: true when it is answered. */
typedef bool (*query_step)(struct mc_master *master, struct mc_master_query *query);

bool mc_query_key(struct mc_master *master, struct mc_master_query *query);
bool mc_query_keys_named(struct mc_master *master, struct mc_master_query *query);
bool mc_query_remove_all(struct mc_master *master, struct mc_master_query *query);
bool mc_query_keys(struct mc_master *master, struct mc_master_query *query);
bool mc_query_segment_names(struct mc_master *master, struct mc_master_query *query);
bool mc_query_segment(struct mc_master *master, struct mc_master_query *query);
bool mc_query_segment_status(struct mc_master *master, struct mc_master_query *query);
bool mc_query_segments(struct mc_master *master, struct mc_master_query *query);
bool mc_query_state(struct mc_master *master, struct mc_master_query *query);
bool mc_query_segment_stats(struct mc_master *master, struct mc_master_query *query);
/* drain.c */
bool mc_query_drain_create(struct mc_master *master, struct mc_master_query *query);
bool mc_query_drain(struct mc_master *master, struct mc_master_query *query);
bool mc_query_drain_cancel(struct mc_master *master, struct mc_master_query *query);
bool mc_query_drop_endpoint(struct mc_master *master, struct mc_master_query *query);

/* Of the segments of one name. */
struct segment_sums {
	uint64_t segments;
	uint64_t object_bytes;
	uint64_t size;
	uint64_t extent_bytes;
	uint64_t free_bytes;
	uint64_t free_largest;
};
void mc_segment_sums_add(struct segment_sums *sums, const struct master_segment *segment);

/* What the text of the answer gets next. Without memory the query fails. */
void mc_query_add(struct mc_master_query *query, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void mc_query_add_str(struct mc_master_query *query, struct mc_str text);
/* As a JSON string; names are bytes from outside. */
void mc_query_add_json(struct mc_master_query *query, struct mc_str text);
/* As the value of a Prometheus label. */
void mc_query_add_label(struct mc_master_query *query, struct mc_str text);

#endif
