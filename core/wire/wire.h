/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master protocol: which functions exist, how their arguments and results lie in bytes in each
 * release, and the codec that reads and writes them from these tables. Pure: no sockets, no clock,
 * no allocation but the growth of the output buffer. Any thread.
 *
 * Layout tables: core/wire/schema.c says, per function and type, the members in wire order with
 * the first and last release that has them. From it follow the type literals; the hashes stand in
 * core/wire/hashes.c and a test recomputes every one.
 */
#ifndef MC_CORE_WIRE_WIRE_H
#define MC_CORE_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/wire/msg.h"
#include "core/wire/release.h"
#include "mc/status.h"

enum mc_fn {
	MC_FN_EXIST_KEY,
	MC_FN_BATCH_QUERY_IP,
	MC_FN_BATCH_REPLICA_CLEAR,
	MC_FN_GET_REPLICA_LIST_BY_REGEX,
	MC_FN_GET_REPLICA_LIST,
	MC_FN_BATCH_GET_REPLICA_LIST,
	MC_FN_PUT_START,
	MC_FN_PUT_END,
	MC_FN_PUT_REVOKE,
	MC_FN_BATCH_PUT_START,
	MC_FN_BATCH_PUT_END,
	MC_FN_BATCH_PUT_REVOKE,
	MC_FN_UPSERT_START,
	MC_FN_UPSERT_END,
	MC_FN_UPSERT_REVOKE,
	MC_FN_BATCH_UPSERT_START,
	MC_FN_BATCH_UPSERT_END,
	MC_FN_BATCH_UPSERT_REVOKE,
	MC_FN_REMOVE,
	MC_FN_REMOVE_BY_REGEX,
	MC_FN_REMOVE_ALL,
	MC_FN_BATCH_REMOVE,
	MC_FN_MOUNT_SEGMENT,
	MC_FN_MOUNT_NOF_SEGMENT,
	MC_FN_REMOUNT_SEGMENT,
	MC_FN_REMOUNT_NOF_SEGMENT,
	MC_FN_UNMOUNT_SEGMENT,
	MC_FN_GRACEFUL_UNMOUNT_SEGMENT,
	MC_FN_UNMOUNT_NOF_SEGMENT,
	MC_FN_GET_ALL_NOF_SEGMENTS,
	MC_FN_GET_NOF_SEGMENTS_BY_NAME,
	MC_FN_PING,
	MC_FN_GET_FSDIR,
	MC_FN_QUERY_SEGMENT_STATUS,
	MC_FN_QUERY_SEGMENT_STATUS_BY_ID,
	MC_FN_GET_STORAGE_CONFIG,
	MC_FN_BATCH_EXIST_KEY,
	MC_FN_SERVICE_READY,
	MC_FN_MOUNT_LOCAL_DISK_SEGMENT,
	MC_FN_UNMOUNT_LOCAL_DISK_SEGMENT,
	MC_FN_OFFLOAD_OBJECT_HEARTBEAT,
	MC_FN_REPORT_SSD_CAPACITY,
	MC_FN_NOTIFY_OFFLOAD_SUCCESS,
	MC_FN_PROMOTION_OBJECT_HEARTBEAT,
	MC_FN_PROMOTION_ALLOC_START,
	MC_FN_NOTIFY_PROMOTION_SUCCESS,
	MC_FN_NOTIFY_PROMOTION_FAILURE,
	MC_FN_COPY_START,
	MC_FN_DYNAMIC_REPLICA_COPY_START,
	MC_FN_COPY_END,
	MC_FN_DYNAMIC_REPLICA_COPY_END,
	MC_FN_COPY_REVOKE,
	MC_FN_DYNAMIC_REPLICA_COPY_REVOKE,
	MC_FN_MOVE_START,
	MC_FN_MOVE_END,
	MC_FN_MOVE_REVOKE,
	MC_FN_EVICT_DISK_REPLICA,
	MC_FN_BATCH_EVICT_DISK_REPLICA,
	MC_FN_POLL_REMOVE_ALL,
	MC_FN_CREATE_COPY_TASK,
	MC_FN_CREATE_MOVE_TASK,
	MC_FN_QUERY_TASK,
	MC_FN_FETCH_TASKS,
	MC_FN_MARK_TASK_TO_COMPLETE,
	MC_FN_UPSTREAM_COUNT,
	/* of our own: upstream's masters answer that they have no such function */
	MC_FN_BATCH_PUT_START_WAIT = MC_FN_UPSTREAM_COUNT,
	MC_FN_CLIENT_FEATURES,
	MC_FN_COUNT,
};

/* Builds the literal and dispatch tables from the schema. Before anything else; repeatable. */
enum mc_status mc_wire_init(void);

const char *mc_fn_name(enum mc_fn fn);		/* "PutStart" */
uint32_t mc_fn_id(enum mc_fn fn);
mc_release_set mc_fn_releases(enum mc_fn fn);	/* releases that have it */

/* ---- reading a request ---- */

struct mc_request {
	enum mc_fn fn;
	mc_release_set releases;	/* those whose argument hash this is; never empty */
	const uint8_t *payload;
	size_t payload_len;
	uint8_t width;
};

/*
 * Looks at function id, head, meta and literal. @allowed limits the releases (an exact port).
 * MC_ERR_UNKNOWN_FUNCTION: no allowed release has the id. MC_ERR_BAD_MESSAGE: wrong hash,
 * truncated, wrong literal. A function without arguments ignores its body.
 */
enum mc_status mc_request_open(uint32_t function_id, const void *body, size_t len,
			       mc_release_set allowed, struct mc_request *request_out);

/*
 * Decodes and checks the whole body, elements of vectors included, so that later reads of these
 * cannot fail. MC_ERR_BAD_MESSAGE: short, or a count that the remaining bytes cannot hold. Bytes
 * behind the payload are tolerated, as upstream does.
 */
enum mc_status mc_request_decode(const struct mc_request *request, struct mc_args *args_out);

/* Defaults of every member: tenant "default", replica type ALL, the rest zero. */
void mc_args_init(struct mc_args *args);

/*
 * The next element of a decoded or an array vector; false at the end. Start with a zeroed cursor.
 * @release matters where the element's layout does: pass the one the message was decoded with.
 */
struct mc_vec_cursor {
	uint32_t index;
	uint32_t offset;
};
bool mc_vec_next_str(const struct mc_vec *vec, struct mc_vec_cursor *cursor, struct mc_str *out);
bool mc_vec_next_u64(const struct mc_vec *vec, struct mc_vec_cursor *cursor, uint64_t *out);
/* vector<vector<u64>> of 0.3.6 and 0.3.7: each element summed; also takes vector<u64>. */
bool mc_vec_next_slices(const struct mc_vec *vec, struct mc_vec_cursor *cursor,
			enum mc_release release, uint64_t *sum_out);
bool mc_vec_next_uuid(const struct mc_vec *vec, struct mc_vec_cursor *cursor,
		      struct mc_uuid *out);
bool mc_vec_next_meta(const struct mc_vec *vec, struct mc_vec_cursor *cursor,
		      enum mc_release release, struct mc_object_meta *out);
bool mc_vec_next_segment(const struct mc_vec *vec, struct mc_vec_cursor *cursor,
			 enum mc_release release, struct mc_segment_desc *out);
bool mc_vec_next_replica(const struct mc_vec *vec, struct mc_vec_cursor *cursor,
			 enum mc_release release, struct mc_replica_desc *out);

/* ---- writing a result ---- */

/* What a message's elements are written as; the type of a result or of a result's element. */
struct mc_writer {
	struct mc_buf *buf;
	enum mc_release release;
	enum mc_fn fn;
	uint8_t width;		/* bytes per container length */
	bool failed;		/* out of memory, or past 4 GiB: say so with mc_writer_close() */
	size_t start;
};

/* Whether to send the type literal, as upstream's wheels do; readers take both forms. */
enum mc_form {
	MC_FORM_SHORT,
	MC_FORM_LITERAL,
};

/*
 * Begins a result of @fn for @release, at the tail of @buf: head, meta, literal. @len_max: no
 * container or string of the message will be longer (it decides the width of lengths).
 */
void mc_result_open(struct mc_writer *writer, struct mc_buf *buf, enum mc_fn fn,
		    enum mc_release release, enum mc_form form, size_t len_max);
/* The whole result; @result is the struct mc_result_* of @fn. Batches: one vector, see below. */
void mc_result_put(struct mc_writer *writer, const void *result);
/* A result that is a bare vector (the batches): its count, then each element with put_element. */
void mc_result_put_count(struct mc_writer *writer, uint32_t count);
void mc_result_put_element(struct mc_writer *writer, const void *element);
/*
 * A result that is expected<vector or map> written piece by piece: ok(count), then the pairs or
 * elements with put_element; or an error alone with mc_result_put().
 */
void mc_result_put_ok_count(struct mc_writer *writer, uint32_t count);
/* MC_OK, MC_ERR_NO_MEMORY or MC_ERR_TOO_LARGE; on failure the buffer's tail is put back. */
enum mc_status mc_result_close(struct mc_writer *writer);

/* The body of a framing-level error (err_code 1..254): a string. */
enum mc_status mc_error_body(struct mc_buf *buf, const char *text, enum mc_form form);

/* ---- the client's side: write a request, read a result ---- */

enum mc_status mc_request_encode(struct mc_buf *buf, enum mc_fn fn, enum mc_release release,
				 enum mc_form form, const struct mc_args *args);
/*
 * Decodes the result of @fn into its struct mc_result_*; bare vectors (batches) into
 * mc_result_vec with error 0, whose elements mc_vec_next_result() reads.
 */
enum mc_status mc_result_decode(const void *body, size_t len, enum mc_fn fn,
				enum mc_release release, void *result_out);
bool mc_vec_next_result(const struct mc_vec *vec, struct mc_vec_cursor *cursor, enum mc_fn fn,
			enum mc_release release, void *element_out);

/* The longest container or string of a result, for mc_result_open(). */
size_t mc_result_longest(enum mc_fn fn, enum mc_release release, const void *result);

/* The releases whose result of @fn has the same layout as @release's. */
mc_release_set mc_result_same(enum mc_fn fn, enum mc_release release);

/* ---- error codes (core/wire/status_map.c) ---- */

/* Upstream's ErrorCode of a status (0 for MC_OK), and back (unknown codes: MC_ERR_INTERNAL). */
int32_t mc_wire_error(enum mc_status status);
enum mc_status mc_wire_error_status(int32_t code);
const char *mc_wire_error_name(int32_t code);	/* "OBJECT_NOT_FOUND"; "UNKNOWN" */

#endif
