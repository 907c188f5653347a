/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/rpc_served.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/wire/frame.h"
#include "mc/log.h"
#include "tests/support/must.h"

#define PASSES_MAX 100000	/* what does not settle by then never does */

struct rpc_served served;

static struct mc_reactor *reactors[2];

/* ---- the connection's end of the socket ---- */

static const struct mc_net_ops *system_net;
static struct mc_net_ops served_net;

static enum mc_status
served_recv(int fd, void *buf, size_t len, size_t *got_out)
{
	if (served.recv_status != MC_OK)
		return served.recv_status;
	served.reads++;
	return system_net->recv(fd, buf, len < served.recv_max ? len : served.recv_max, got_out);
}

static enum mc_status
served_send(int fd, const struct iovec *iov, int iov_count, size_t *sent_out)
{
	struct iovec part = iov[0];
	enum mc_status st;

	must(iov_count == 1);
	if (served.send_status != MC_OK)
		return served.send_status;
	if (part.iov_len > served.send_budget)
		part.iov_len = served.send_budget;
	if (part.iov_len == 0)
		return MC_AGAIN;
	st = system_net->send(fd, &part, 1, sent_out);
	if (st != MC_OK)
		return st;
	served.sends++;
	if (served.send_budget != SIZE_MAX)
		served.send_budget -= *sent_out;
	return MC_OK;
}

static void
served_close(int fd)
{
	served.closes++;
	system_net->close(fd);
}

/* ---- the handler ---- */

static enum mc_rpc_verdict
call_wait(struct mc_rpc_call *call)
{
	if (call->job == NULL) {
		call->job = call;
		served.waiting = call;
		return MC_RPC_LATER;
	}
	served.resumed++;
	served.waiting = NULL;
	mc_buf_append(call->out, "late", 4);
	mc_rpc_answer(call, 0);
	return MC_RPC_ANSWERED;
}

static enum mc_rpc_verdict
served_call(void *context, struct mc_rpc_call *call)
{
	static const uint8_t zeros[RPC_SERVED_BIG_LEN];

	must(mc_reactor_self() == served.exec);
	must(call->peer == &served.conn->peer);
	if (call->job == NULL)
		served.seqs[served.calls++ % 256] = call->seq;
	switch (call->function_id) {
	case RPC_SERVED_PATIENT:
		call->patient = true;
		return call_wait(call);
	case RPC_SERVED_LATER:
		return call_wait(call);
	case RPC_SERVED_CLOSE:
		mc_buf_append(call->out, "half", 4);
		return MC_RPC_CLOSE;
	case RPC_SERVED_BIG:
		mc_buf_append(call->out, zeros, sizeof(zeros));
		break;
	default:
		mc_buf_append(call->out, call->body, call->body_len);
	}
	mc_rpc_answer(call, call->function_id == RPC_SERVED_ERROR ? MC_FRAME_NOT_REGISTERED : 0);
	return MC_RPC_ANSWERED;
}

static void
served_cancel(void *context, struct mc_rpc_call *call)
{
	must(call == served.waiting);
	served.cancelled++;
	served.waiting = NULL;
}

/* ---- life ---- */

bool
rpc_served_start(void)
{
	struct mc_eal_params eal = {.size = sizeof(eal), .lcore_count = 1};
	struct mc_reactor_params params = {
		.size = sizeof(params), .name = "test", .idle = MC_IDLE_INLINE, .messages_max = 64};

	mc_log_level_set(MC_LOG_ERROR);
	if (mc_eal_start(&eal) != MC_OK)
		return false;
	system_net = mc_net();
	served_net = *system_net;
	served_net.recv = served_recv;
	served_net.send = served_send;
	served_net.close = served_close;
	return mc_reactor_create(&params, &reactors[0]) == MC_OK &&
	       mc_reactor_create(&params, &reactors[1]) == MC_OK;
}

void
rpc_served_stop(void)
{
	mc_reactor_destroy(reactors[0]);
	mc_reactor_destroy(reactors[1]);
	mc_eal_stop();
}

void
rpc_served_open(bool own_exec)
{
	int fds[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	served = (struct rpc_served){
		.home = reactors[0],
		.exec = reactors[own_exec],
		.fd = fds[0],
		.recv_max = SIZE_MAX,
		.send_budget = SIZE_MAX,
	};
	served.server.exec = served.exec;
	served.server.handler = (struct mc_rpc_handler){served_call, served_cancel, NULL};
	sem_init(&served.server.commanded, 0, 0);
	served.io.server = &served.server;
	served.io.reactor = served.home;
	served.io.load = 1;
	served.io.chunk = malloc(RPC_READ_CHUNK);
	mc_list_init(&served.io.conns);
	served.conn = calloc(1, sizeof(*served.conn));
	served.conn->watch.fd = fds[1];
	served.conn->io = &served.io;
	served.conn->batch.conn = served.conn;
	mc_net_ops_set(&served_net);
}

void
rpc_served_begin(void)
{
	mc_rpc_conn_begin(served.conn);
}

void
rpc_served_close(void)
{
	if (!rpc_served_gone())
		mc_rpc_conn_close(served.conn);
	rpc_served_settle();
	must(rpc_served_gone());
	must(served.closes == 1);
	rpc_served_hang_up();
	free(served.io.chunk);
	sem_destroy(&served.server.commanded);
	mc_net_ops_set(NULL);
}

bool
rpc_served_gone(void)
{
	return served.io.load == 0;
}

void
rpc_served_settle(void)
{
	unsigned int quiet = 0;

	/* a socket that would take nothing is ready all the same: not work that goes on */
	for (unsigned int pass = 0; quiet < 3 && pass < PASSES_MAX; pass++) {
		unsigned int before = served.reads + served.sends + served.calls;
		struct mc_reactor_stats stats[2][2];

		for (int i = 0; i < 2; i++) {
			mc_reactor_stats_read(reactors[i], &stats[i][0]);
			mc_reactor_poll(reactors[i]);
			mc_reactor_stats_read(reactors[i], &stats[i][1]);
		}
		if (stats[0][0].messages == stats[0][1].messages &&
		    stats[1][0].messages == stats[1][1].messages &&
		    before == served.reads + served.sends + served.calls)
			quiet++;
		else
			quiet = 0;
	}
	must(quiet == 3);
}

static struct {
	struct mc_msg msg;
	void (*run)(void);
} order;

static void
order_run(struct mc_msg *msg)
{
	order.run();
}

void
rpc_served_on_exec(void (*run)(void))
{
	order.msg.run = order_run;
	order.run = run;
	must(mc_reactor_send(served.exec, &order.msg) == MC_OK);
	mc_reactor_poll(served.exec);
}

static void
waiting_resume(void)
{
	mc_rpc_resume(served.waiting);
}

void
rpc_served_resume(void)
{
	must(served.waiting != NULL);
	rpc_served_on_exec(waiting_resume);
}

/* ---- the peer's end ---- */

size_t
rpc_served_frame(uint8_t *to, uint32_t function_id, uint32_t seq, const void *body, uint32_t len)
{
	struct mc_frame_request frame = {seq, function_id, len, 0};

	mc_frame_request_store(to, &frame);
	if (len > 0)
		memcpy(to + MC_FRAME_REQUEST_LEN, body, len);
	return MC_FRAME_REQUEST_LEN + len;
}

void
rpc_served_send(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len > 0) {
		ssize_t sent = send(served.fd, at, len, MSG_NOSIGNAL);

		must(sent > 0 || errno == EAGAIN);
		at += sent > 0 ? sent : 0;
		len -= sent > 0 ? (size_t)sent : 0;
		rpc_served_settle();
	}
}

void
rpc_served_call(uint32_t function_id, uint32_t seq, const char *body)
{
	uint8_t bytes[256];

	must(strlen(body) <= sizeof(bytes) - MC_FRAME_REQUEST_LEN);
	rpc_served_send(bytes, rpc_served_frame(bytes, function_id, seq, body,
						(uint32_t)strlen(body)));
}

static void
peer_read(void *to, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = recv(served.fd, (char *)to + got, len - got, 0);

		must(n != 0);
		if (n > 0) {
			got += (size_t)n;
			continue;
		}
		must(errno == EAGAIN);
		/* what did not fit into the socket before does now, or the answer is short */
		unsigned int before = served.sends;

		rpc_served_settle();
		must(served.sends > before);
	}
}

void
rpc_served_answered(uint32_t seq, uint8_t err_code, const void *body, uint32_t len)
{
	uint8_t header[MC_FRAME_RESPONSE_LEN];
	struct mc_frame_response frame;
	uint8_t *got = malloc(len + 1);

	peer_read(header, sizeof(header));
	must(mc_frame_response_load(header, &frame));
	ck_assert_uint_eq(frame.seq, seq);
	ck_assert_uint_eq(frame.err_code, err_code);
	ck_assert_uint_eq(frame.body_len, len);
	peer_read(got, len);
	must(len == 0 || memcmp(got, body, len) == 0);
	free(got);
}

void
rpc_served_silent(void)
{
	uint8_t byte;

	rpc_served_settle();
	must(recv(served.fd, &byte, 1, MSG_PEEK) == -1 && errno == EAGAIN);
}

void
rpc_served_ended(void)
{
	uint8_t byte;
	ssize_t n;

	rpc_served_settle();
	n = recv(served.fd, &byte, 1, 0);
	/* reset: the connection was closed with bytes unread */
	must(n == 0 || (n < 0 && errno == ECONNRESET));
	must(rpc_served_gone());
}

void
rpc_served_hang_up(void)
{
	if (served.fd >= 0)
		close(served.fd);
	served.fd = -1;
}
