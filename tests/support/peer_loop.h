/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of core/peer share: one inline reactor with a clock that can be moved on, answers
 * to wait for, and sockets of their own on this side of the loop.
 */
#ifndef MC_TESTS_SUPPORT_PEER_LOOP_H
#define MC_TESTS_SUPPORT_PEER_LOOP_H

#include "core/peer/peer.h"

/* Makes the reactor. */
struct mc_reactor *peer_loop_start(void);
void peer_loop_stop(void);
void peer_loop_poll(void);
/* The clock goes on by @ns at once. */
void peer_loop_skip(uint64_t ns);

struct peer_answered {
	bool came;
	enum mc_status status;
	struct mc_desc *desc;
};

/* mc_peer_done and mc_peer_resolved, with a struct peer_answered for context. */
void peer_loop_done(void *context, enum mc_status status);
void peer_loop_resolved(void *context, enum mc_status status, struct mc_desc *desc);
/* Polls until it came, at most 10 s. */
enum mc_status peer_loop_await(struct peer_answered *answer);

/* The descriptor of @name, or NULL; *status_out says why. */
struct mc_desc *peer_loop_resolve(struct mc_peer *peer, const char *name, uint64_t timeout_ns,
				  enum mc_status *status_out);

/* Binds to 127.0.0.1; takes every notify but "refuse me". */
struct mc_peer *peer_loop_open(const char *name, const char *metadata);
/* "name/text" of the last notify. */
extern char peer_loop_noted[64];
/* A descriptor with one buffer at @addr, and @host for its data. */
void peer_loop_publish(struct mc_peer *peer, uint64_t addr, const char *host, uint64_t timeout_ns,
		       struct peer_answered *answer);

/* A listening socket that does not block, on 127.0.0.1, and its name as a peer's. */
int peer_loop_listen(char name_out[64]);
int peer_loop_connect(uint16_t port);
/* Sends @bytes on a new connection, and reads to the end; how much came. */
size_t peer_loop_exchange(uint16_t port, const void *bytes, size_t length, uint8_t *reply,
			  size_t room);

/*
 * Calls @each with the handshake frames of a recorded file, in their order: sent by the recorded
 * client, or the server's answer ("closed without reply": no bytes). Returns how many.
 */
typedef void (*peer_frame_fn)(void *context, bool answer, const uint8_t *bytes, size_t length);
unsigned int peer_loop_frames(const char *file, peer_frame_fn each, void *context);

#endif
