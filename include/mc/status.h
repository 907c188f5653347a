/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error enumeration of Mooncore.
 *
 * A function that can fail returns enum mc_status: MC_OK or a negative value. The numbers are
 * private to this library and may be reordered between releases; what travels on the wire or
 * through Python is mapped in core/wire/status_map.c and nowhere else.
 */
#ifndef MC_STATUS_H
#define MC_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

enum mc_status {
	MC_OK = 0,

	/* any module */
	MC_AGAIN = -1,			/* back-pressure: nothing happened, try later */
	MC_ERR_INTERNAL = -2,
	MC_ERR_NO_MEMORY = -3,
	MC_ERR_INVALID = -4,		/* an argument is out of its documented range */
	MC_ERR_UNSUPPORTED = -5,
	MC_ERR_EXISTS = -6,
	MC_ERR_NOT_FOUND = -7,
	MC_ERR_PERMISSION = -8,
	MC_ERR_BUSY = -9,
	MC_ERR_TIMEOUT = -10,
	MC_ERR_TOO_LARGE = -11,
	MC_ERR_IO = -12,

	/* sockets and peers */
	MC_ERR_ADDRESS_IN_USE = -20,
	MC_ERR_ADDRESS_INVALID = -21,
	MC_ERR_CONN_REFUSED = -22,
	MC_ERR_CONN_CLOSED = -23,
	MC_ERR_UNREACHABLE = -24,
	MC_ERR_ADDRESS_REJECTED = -25,	/* the peer has no such memory registered */
	MC_ERR_CANCELED = -26,
	MC_ERR_PEER_RESTARTED = -27,	/* addresses learned before are void */

	/* master RPC framing and decoding */
	MC_ERR_PROTOCOL = -30,		/* the peer broke the framing: close */
	MC_ERR_UNKNOWN_FUNCTION = -31,
	MC_ERR_BAD_MESSAGE = -32,	/* a body that does not decode */

	/* what the master answers (one to one with upstream's ErrorCode) */
	MC_ERR_SEGMENT_NOT_FOUND = -50,
	MC_ERR_SEGMENT_EXISTS = -51,
	MC_ERR_CLIENT_NOT_FOUND = -52,
	MC_ERR_NO_SPACE = -53,		/* NO_AVAILABLE_HANDLE */
	MC_ERR_INVALID_KEY = -54,
	MC_ERR_ILLEGAL_CLIENT = -55,
	MC_ERR_INVALID_WRITE = -56,
	MC_ERR_REPLICA_NOT_READY = -57,
	MC_ERR_OBJECT_NOT_FOUND = -58,
	MC_ERR_OBJECT_EXISTS = -59,
	MC_ERR_OBJECT_LEASED = -60,
	MC_ERR_OBJECT_BUSY = -61,	/* a copy or move task runs on it */
	MC_ERR_NO_TASK = -62,
	MC_ERR_REPLICA_NOT_FOUND = -63,
	MC_ERR_REPLICA_EXISTS = -64,
	MC_ERR_REPLICA_GONE = -65,
	MC_ERR_LEASE_EXPIRED = -66,
	MC_ERR_TRANSFER = -67,
	MC_ERR_CHECKSUM = -68,
	MC_ERR_UNAVAILABLE_STATE = -69,	/* UNAVAILABLE_IN_CURRENT_STATUS */
	MC_ERR_UNAVAILABLE_MODE = -70,	/* UNAVAILABLE_IN_CURRENT_MODE */
	MC_ERR_INVALID_VERSION = -71,
	MC_ERR_OFFLOAD_UNAVAILABLE = -72,	/* UNABLE_OFFLOAD */
	MC_ERR_TASK_NOT_FOUND = -73,
	MC_ERR_TASK_LIMIT = -74,
	MC_ERR_JOB_NOT_FOUND = -75,
	MC_ERR_DFS_UNAVAILABLE = -76,
	MC_ERR_TENANT_UNKNOWN = -77,
};

/*
 * A short lower-case text for @status, for logs and messages ("address in use"). Never NULL; static
 * storage.
 */
const char *mc_status_text(enum mc_status status);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
