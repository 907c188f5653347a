/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server of plain sockets for one client, on the thread of the client's reactor: waiting here
 * polls that reactor, so that things happen in the order that a test says. What is not as expected
 * fails the test.
 */
#ifndef MC_TESTS_SUPPORT_RPC_PEER_H
#define MC_TESTS_SUPPORT_RPC_PEER_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/net.h"
#include "core/eal/reactor.h"

#define RPC_PEER_FN 0x01020304u		/* what the client is to call */

struct rpc_peer {
	struct mc_reactor *reactor;
	int listener;
	int fd;				/* -1: nobody is connected */
};

void rpc_peer_open(struct rpc_peer *peer, struct mc_reactor *reactor);
void rpc_peer_close(struct rpc_peer *peer);
void rpc_peer_addr(const struct rpc_peer *peer, struct mc_net_addr *addr_out);
void rpc_peer_accept(struct rpc_peer *peer);
/* Closes the connection, as a server that dies does. */
void rpc_peer_hang_up(struct rpc_peer *peer);

void rpc_peer_read(struct rpc_peer *peer, void *to, size_t len);
/* The next request, which must be @body. Returns its sequence number. */
uint32_t rpc_peer_request(struct rpc_peer *peer, const char *body);
/* The client closed, or reset because it left bytes unread. */
void rpc_peer_end(struct rpc_peer *peer);

void rpc_peer_send(struct rpc_peer *peer, const void *bytes, size_t len);
/* Writes a frame; returns its length. */
size_t rpc_peer_frame(uint8_t *to, uint32_t seq, uint8_t err_code, const void *body, size_t len);
void rpc_peer_answer(struct rpc_peer *peer, uint32_t seq, uint8_t err_code, const void *body,
		     size_t len);

#endif
