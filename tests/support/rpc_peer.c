/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/rpc_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/wire/frame.h"
#include "tests/support/must.h"

#define PATIENCE_NS (10 * MC_NS_PER_S)

void
rpc_peer_open(struct rpc_peer *peer, struct mc_reactor *reactor)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	peer->reactor = reactor;
	peer->fd = -1;
	peer->listener = socket(AF_INET, SOCK_STREAM, 0);
	must(bind(peer->listener, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	must(listen(peer->listener, 8) == 0);
}

void
rpc_peer_hang_up(struct rpc_peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
}

void
rpc_peer_close(struct rpc_peer *peer)
{
	rpc_peer_hang_up(peer);
	close(peer->listener);
}

void
rpc_peer_addr(const struct rpc_peer *peer, struct mc_net_addr *addr_out)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	must(getsockname(peer->listener, (struct sockaddr *)&addr, &len) == 0);
	must(mc_net_addr_parse("127.0.0.1", ntohs(addr.sin_port), addr_out) == MC_OK);
}

void
rpc_peer_accept(struct rpc_peer *peer)
{
	peer->fd = accept(peer->listener, NULL, NULL);
	must(peer->fd >= 0);
}

void
rpc_peer_read(struct rpc_peer *peer, void *to, size_t len)
{
	uint64_t deadline = mc_clock_mono_ns() + PATIENCE_NS;
	size_t got = 0;

	while (got < len) {
		ssize_t n = recv(peer->fd, (char *)to + got, len - got, MSG_DONTWAIT);

		must(n > 0 || (n < 0 && errno == EAGAIN));
		got += n > 0 ? (size_t)n : 0;
		mc_reactor_poll(peer->reactor);
		must(mc_clock_mono_ns() < deadline);
	}
}

uint32_t
rpc_peer_request(struct rpc_peer *peer, const char *body)
{
	uint8_t header[MC_FRAME_REQUEST_LEN];
	struct mc_frame_request frame;
	char text[64];

	rpc_peer_read(peer, header, sizeof(header));
	must(mc_frame_request_load(header, &frame));
	must(frame.function_id == RPC_PEER_FN && frame.attach_len == 0);
	must(frame.body_len == strlen(body) && frame.body_len <= sizeof(text));
	rpc_peer_read(peer, text, frame.body_len);
	must(memcmp(text, body, frame.body_len) == 0);
	return frame.seq;
}

void
rpc_peer_end(struct rpc_peer *peer)
{
	char rest[256];
	ssize_t n;

	do
		n = recv(peer->fd, rest, sizeof(rest), 0);
	while (n > 0);
	must(n == 0 || errno == ECONNRESET);
}

void
rpc_peer_send(struct rpc_peer *peer, const void *bytes, size_t len)
{
	must(send(peer->fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len);
}

size_t
rpc_peer_frame(uint8_t *to, uint32_t seq, uint8_t err_code, const void *body, size_t len)
{
	struct mc_frame_response frame = {err_code, seq, (uint32_t)len, 0};

	mc_frame_response_store(to, &frame);
	memcpy(to + MC_FRAME_RESPONSE_LEN, body, len);
	return MC_FRAME_RESPONSE_LEN + len;
}

void
rpc_peer_answer(struct rpc_peer *peer, uint32_t seq, uint8_t err_code, const void *body,
		size_t len)
{
	uint8_t bytes[256];

	rpc_peer_send(peer, bytes, rpc_peer_frame(bytes, seq, err_code, body, len));
}
