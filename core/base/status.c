/* SPDX-License-Identifier: Apache-2.0 */
#include "mc/status.h"

#include <stddef.h>

static const struct {
	enum mc_status status;
	const char *text;
} texts[] = {
	{MC_OK, "ok"},
	{MC_AGAIN, "try again"},
	{MC_ERR_INTERNAL, "internal error"},
	{MC_ERR_NO_MEMORY, "out of memory"},
	{MC_ERR_INVALID, "invalid argument"},
	{MC_ERR_UNSUPPORTED, "not supported"},
	{MC_ERR_EXISTS, "exists already"},
	{MC_ERR_NOT_FOUND, "not found"},
	{MC_ERR_PERMISSION, "not permitted"},
	{MC_ERR_BUSY, "busy"},
	{MC_ERR_TIMEOUT, "timed out"},
	{MC_ERR_TOO_LARGE, "too large"},
	{MC_ERR_IO, "input/output error"},
	{MC_ERR_ADDRESS_IN_USE, "address in use"},
	{MC_ERR_ADDRESS_INVALID, "not an address of this host"},
	{MC_ERR_CONN_REFUSED, "connection refused"},
	{MC_ERR_CONN_CLOSED, "connection closed"},
	{MC_ERR_UNREACHABLE, "unreachable"},
	{MC_ERR_ADDRESS_REJECTED, "the peer has no such memory registered"},
	{MC_ERR_CANCELED, "canceled"},
	{MC_ERR_PEER_RESTARTED, "the peer was restarted"},
	{MC_ERR_PROTOCOL, "protocol error"},
	{MC_ERR_UNKNOWN_FUNCTION, "unknown function"},
	{MC_ERR_BAD_MESSAGE, "message does not decode"},
	{MC_ERR_SEGMENT_NOT_FOUND, "no such segment"},
	{MC_ERR_SEGMENT_EXISTS, "segment exists already"},
	{MC_ERR_CLIENT_NOT_FOUND, "no such client"},
	{MC_ERR_NO_SPACE, "no space for the object"},
	{MC_ERR_INVALID_KEY, "invalid key"},
	{MC_ERR_ILLEGAL_CLIENT, "not this client's"},
	{MC_ERR_INVALID_WRITE, "no such write in progress"},
	{MC_ERR_REPLICA_NOT_READY, "no replica is ready"},
	{MC_ERR_OBJECT_NOT_FOUND, "no such object"},
	{MC_ERR_OBJECT_EXISTS, "object exists already"},
	{MC_ERR_OBJECT_LEASED, "object has a lease"},
	{MC_ERR_OBJECT_BUSY, "object has a running task"},
	{MC_ERR_NO_TASK, "object has no running task"},
	{MC_ERR_REPLICA_NOT_FOUND, "no such replica"},
	{MC_ERR_REPLICA_EXISTS, "replica exists already"},
	{MC_ERR_REPLICA_GONE, "replica is gone"},
	{MC_ERR_LEASE_EXPIRED, "lease expired"},
	{MC_ERR_TRANSFER, "transfer failed"},
	{MC_ERR_CHECKSUM, "checksum mismatch"},
	{MC_ERR_UNAVAILABLE_STATE, "unavailable in the current state"},
	{MC_ERR_UNAVAILABLE_MODE, "unavailable in this mode"},
	{MC_ERR_INVALID_VERSION, "invalid version"},
	{MC_ERR_OFFLOAD_UNAVAILABLE, "offload is not available"},
	{MC_ERR_TASK_NOT_FOUND, "no such task"},
	{MC_ERR_TASK_LIMIT, "too many pending tasks"},
	{MC_ERR_JOB_NOT_FOUND, "no such job"},
	{MC_ERR_DFS_UNAVAILABLE, "no distributed file system"},
	{MC_ERR_TENANT_UNKNOWN, "tenant is not registered"},
};

const char *
mc_status_text(enum mc_status status)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].status == status)
			return texts[i].text;
	}
	return "unknown status";
}
