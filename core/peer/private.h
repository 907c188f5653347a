/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to core/peer:
 *   name.c   segment names, hosts and ports (pure)	frame.c   handshake frames (pure)
 *   serve.c  the listener and its connections		ask.c     questions to peers
 *   host.c   addresses of host names
 *   http.c   the metadata server			publish.c what others learn of us
 *   resolve.c what we learn of others		peer.c    opening and closing
 */
#ifndef MC_CORE_PEER_PRIVATE_H
#define MC_CORE_PEER_PRIVATE_H

#include "core/base/buf.h"
#include "core/base/list.h"
#include "core/base/net.h"
#include "core/http/client.h"
#include "core/peer/peer.h"

static inline struct mc_str
peer_text(const struct mc_buf *buf)
{
	if (mc_buf_len(buf) == 0)	/* without memory it has no address to count from */
		return (struct mc_str){"", 0};
	return (struct mc_str){(const char *)buf->data + buf->head, mc_buf_len(buf)};
}

/* ---- name.c ---- */

#define PEER_HOST_MAX 256u
#define PEER_NAME_MAX 300u
#define PEER_PORT_DEFAULT 12001u	/* of names without one; MC_HANDSHAKE_PORT */

struct peer_name {
	char host[PEER_HOST_MAX];	/* without brackets */
	uint16_t port;
	bool v6;
};
/*
 * "host", "host:port", "v6", "[v6]", "[v6]:port", "v6%scope:port". A port that is none counts as
 * not given, as upstream has it. MC_ERR_ADDRESS_INVALID: no host, or one above 255 bytes.
 */
enum mc_status peer_name_parse(const char *text, struct peer_name *name_out);
/* "host:port" or "[v6]:port"; buf of PEER_NAME_MAX bytes. */
void peer_name_text(const struct peer_name *name, char *buf);

struct peer_ports {
	uint16_t min;
	uint16_t max;
};
/* From MC_MIN_RPC_PORT and MC_MAX_RPC_PORT (or their old spelling), if upstream took them. */
struct peer_ports peer_ports_choose(void);
/* A number from the environment, or @fallback, with a warning for one that is not in range. */
uint32_t peer_env(const char *name, uint32_t fallback, uint32_t min, uint32_t max);

/* ---- frame.c ---- */

enum peer_frame_type {
	FRAME_CONNECTION = 0,
	FRAME_METADATA = 1,
	FRAME_NOTIFY = 2,
	FRAME_PROBE = 3,
	FRAME_OLD = 0xff,	/* of a release without types: a connection request */
};

struct peer_frame {
	uint8_t type;
	struct mc_str body;	/* in the buffer that was read */
};

/* Appends a frame; FRAME_OLD has no type byte. */
enum mc_status peer_frame_write(struct mc_buf *out, uint8_t type, struct mc_str body);
/*
 * Takes a frame from the head of @in, without consuming it. MC_AGAIN: not all of it is there.
 * MC_ERR_PROTOCOL: length 0 or above @max, or a type that there is not.
 */
enum mc_status peer_frame_read(const struct mc_buf *in, size_t max, struct peer_frame *frame_out);

/* ---- the peer ---- */

struct mc_peer {
	struct mc_reactor *reactor;
	struct mc_peer_params params;
	bool p2p;
	bool legacy_port;		/* the handshake port is that of the name */
	bool rpc_meta_put;
	bool rpc_meta_lost;		/* a PUT failed, and may have arrived */
	bool closing;
	size_t frame_max;
	uint64_t connect_timeout_ns;
	char name[PEER_NAME_MAX];
	char host[PEER_HOST_MAX];
	char url[512];			/* of the metadata server, up to "?key=" */
	char prefix[128];		/* of keys: "mooncake/" or "mooncake/CLUSTER/" */
	uint16_t port;
	/* the listener */
	struct mc_watch listen;
	bool paused;			/* too many connections, or no descriptor for one more */
	struct mc_timer accept_again;
	uint32_t serving_count;
	struct mc_list serving;
	struct mc_list looking;		/* host names being looked up */
	struct mc_list asking;		/* questions under way */
	struct mc_list deferred;	/* answers to be given in the next pass */
	struct mc_timer later;		/* that pass */
	struct mc_http_client *http;
	struct mc_buf own;		/* our descriptor as JSON */
	bool own_sent;			/* no PUT of it is due: sent, on its way, or failed */
	bool putting;			/* a PUT is under way, for those in the first list */
	uint64_t put_deadline_ns;
	struct mc_list publishing;
	struct mc_list waiting;		/* for that to end, and the PUT behind it */
	struct mc_list published;	/* to be told in the next pass */
};

/* ---- serve.c ---- */

/* @port 0: a free one of peer_ports_choose(). */
enum mc_status peer_serve_open(struct mc_peer *peer, const char *bind_host, uint16_t port);
void peer_serve_close(struct mc_peer *peer);

/* ---- host.c ---- */

#define PEER_ADDRS_MAX 8u	/* of a host, tried in turn */

/* The addresses live during the call. MC_ERR_ADDRESS_INVALID, MC_ERR_TIMEOUT, MC_ERR_CANCELED. */
typedef void (*peer_host_found)(void *context, enum mc_status status,
				const struct mc_net_addr *addrs, uint32_t addrs_count);

/* The addresses of @host, numeric or a name. Not called back inside the call. */
enum mc_status peer_host_look(struct mc_peer *peer, const char *host, uint16_t port,
			      uint64_t timeout_ns, peer_host_found found, void *context);
void peer_host_close(struct mc_peer *peer);

/* ---- ask.c ---- */

typedef void (*peer_answer)(void *context, enum mc_status status, struct mc_str body);

/* One question and its answer. Not called back inside the call. */
void peer_ask(struct mc_peer *peer, const struct peer_name *to, uint8_t type, struct mc_str body,
	      uint64_t timeout_ns, peer_answer answer, void *context);
void peer_ask_close(struct mc_peer *peer);

/* ---- http.c ---- */

#define PEER_KEY_RAM "ram"
#define PEER_KEY_RPC "rpc_meta"

/* The metadata server's entry of @kind for segment @name. MC_ERR_NOT_FOUND: 404. */
void peer_http(struct mc_peer *peer, const char *method, const char *kind, const char *name,
	       struct mc_str body, uint64_t timeout_ns, peer_answer answer, void *context);

/* ---- publish.c ---- */

/* Answers what is left with MC_ERR_CANCELED. */
void peer_publish_close(struct mc_peer *peer);

/* ---- peer.c ---- */

/* Calls @answer with @status in the next pass of the reactor. */
void peer_later(struct mc_peer *peer, peer_answer answer, void *context, enum mc_status status);

#endif
