/* SPDX-License-Identifier: Apache-2.0 */
/* Which lane carries what, and what an ep does when it has none. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "drivers/tcp/private.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"
#include "tests/support/tcp_rig.h"

static uint32_t
lanes_open(const struct mc_ep *ep)
{
	uint32_t n = 0;

	for (uint32_t l = 0; l < TCP_LANES_MAX; l++)
		n += tcp_ep(ep)->lanes[l].state == TCP_LANE_OPEN;
	return n;
}

/* The driver is its own peer. */
START_TEST(small_operations_share_a_lane_and_large_ones_spread)
{
	struct rig rig;
	struct mc_ep *ep;

	rig_open(&rig);
	ep = rig_ep(&rig, &rig.addr, 2, 3);
	for (uint64_t i = 1; i <= 100; i++)
		rig_post(&rig, ep, MC_OP_READ, i, (uintptr_t)rig.memory, RIG_BYTES / 2, 100);
	for (uint64_t i = 1; i <= 100; i++)
		ck_assert_int_eq(rig_await(&rig, i), MC_OK);
	ck_assert_uint_eq(lanes_open(ep), 1);
	for (uint64_t i = 1; i <= 100; i++)
		rig_post(&rig, ep, i % 2 == 0 ? MC_OP_READ : MC_OP_WRITE, i,
			 (uintptr_t)rig.memory, RIG_BYTES / 2, RIG_BYTES / 2);
	for (uint64_t i = 1; i <= 100; i++)
		ck_assert_int_eq(rig_await(&rig, i), MC_OK);
	ck_assert_uint_eq(lanes_open(ep), 3);
	rig_ep_end(&rig, ep);
	rig_close(&rig);
}
END_TEST

START_TEST(nobody_there)
{
	struct mc_ep_params params = {.size = sizeof(params)};
	struct mc_peer_addr addr;
	struct mc_ep *ep = NULL;
	struct rig rig;

	rig_open(&rig);
	close(rig_listen(&addr, 0));
	addr.tcp.version = 2;
	ck_assert_int_eq(rig.ops->ep_create(rig.cq, &params, &addr, &ep), MC_ERR_CONN_REFUSED);
	addr.tcp.version = 3;
	ck_assert_int_eq(rig.ops->ep_create(rig.cq, &params, &addr, &ep), MC_ERR_INVALID);
	ck_assert_ptr_null(ep);
	rig_close(&rig);
}
END_TEST

/* Created in vain: what it opened is closed again. */
START_TEST(never_attached)
{
	struct mc_ep_params params = {.size = sizeof(params)};
	struct mc_ep *ep = NULL;
	struct rig rig;

	rig_open(&rig);
	rig.addr.tcp.version = 2;
	ck_assert_int_eq(rig.ops->ep_create(rig.cq, &params, &rig.addr, &ep), MC_OK);
	rig_settle(&rig);
	ck_assert_uint_eq(atomic_load(&tcp_dev(rig.dev)->conns), 1);
	rig.ops->ep_detach(ep);
	rig.ops->ep_destroy(ep);
	rig_settle(&rig);
	ck_assert_uint_eq(atomic_load(&tcp_dev(rig.dev)->conns), 0);
	rig_close(&rig);
}
END_TEST

START_TEST(a_peer_that_goes_and_comes_back)
{
	static const uint8_t answer[] = {0, 0, 0, 0, 0x56, 0x54, 0x43, 0x4d, 'x'};
	uint8_t header[TCP_HEADER_BYTES];
	struct mc_peer_addr addr;
	struct mc_ep *ep;
	struct rig rig;
	int listener, fd;
	uint64_t begin;

	rig_open(&rig);
	listener = rig_listen(&addr, 0);
	ep = rig_ep(&rig, &addr, 2, 4);
	fd = rig_accept(&rig, listener);
	close(listener);
	close(fd);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.failures, 1);
	/* refused, then without asking */
	rig_post(&rig, ep, MC_OP_READ, 1, 4096, 0, 1);
	ck_assert_int_eq(rig_await(&rig, 1), MC_ERR_CONN_REFUSED);
	listener = rig_listen(&addr, mc_net_addr_port(&addr.tcp.addr));
	rig_post(&rig, ep, MC_OP_READ, 2, 4096, 0, 1);
	ck_assert_int_eq(rig_await(&rig, 2), MC_ERR_CONN_REFUSED);
	ck_assert_uint_eq(rig.failures, 1);
	begin = mc_clock_mono_ns();
	while (mc_clock_mono_ns() - begin < 250 * MC_NS_PER_MS)
		rig_poll(&rig);
	rig_post(&rig, ep, MC_OP_READ, 3, 4096, 0, 1);
	fd = rig_accept(&rig, listener);
	ck_assert(rig_recv(&rig, fd, header, sizeof(header)) == sizeof(header));
	rig_send(&rig, fd, answer, sizeof(answer));
	ck_assert_int_eq(rig_await(&rig, 3), MC_OK);
	ck_assert_uint_eq(rig.memory[0], 'x');
	rig_ep_end(&rig, ep);
	close(fd);
	close(listener);
	rig_close(&rig);
}
END_TEST

START_TEST(canceled_before_it_is_sent)
{
	struct mc_peer_addr addr;
	struct mc_ep *ep;
	struct rig rig;
	int listener, fd;

	rig_open(&rig);
	listener = rig_listen(&addr, 0);
	ep = rig_ep(&rig, &addr, 2, 1);
	fd = rig_accept(&rig, listener);
	for (uint64_t i = 1; i <= 100; i++)
		rig_post(&rig, ep, MC_OP_WRITE, i, 4096, 0, RIG_BYTES);
	for (uint64_t i = 100; i >= 1; i--)
		rig.ops->ep_cancel(ep, i);
	for (uint64_t i = 1; i <= 100; i++)
		ck_assert_int_eq(rig_await(&rig, i), MC_ERR_CANCELED);
	ck_assert_uint_eq(rig.failures, 0);
	rig_ep_end(&rig, ep);
	close(fd);
	close(listener);
	rig_close(&rig);
}
END_TEST

/* All pieces of ours, in order, cut where the kernel likes. */
START_TEST(many_pieces)
{
	struct mc_sge sge[TCP_SGE_MAX];
	struct mc_op op = {.cookie = 1, .opcode = MC_OP_WRITE, .sge = sge,
			   .sge_count = TCP_SGE_MAX};
	struct mc_ep *ep;
	struct rig rig;
	uint64_t at = 0;

	rig_open(&rig);
	ep = rig_ep(&rig, &rig.addr, 2, 1);
	for (uint32_t i = 0; i < TCP_SGE_MAX; i++) {
		sge[i] = (struct mc_sge){.addr = rig.memory + i * 100000, .length = 1 + i * 6000};
		memset(sge[i].addr, (int)i + 1, sge[i].length);
	}
	op.remote_addr = (uintptr_t)rig.memory + RIG_BYTES / 2;
	ck_assert_uint_eq(rig.dev->fast.post(ep, &op, 1), 1);
	ck_assert_int_eq(rig_await(&rig, 1), MC_OK);
	for (uint32_t i = 0; i < TCP_SGE_MAX; at += sge[i++].length)
		ck_assert_mem_eq(rig.memory + RIG_BYTES / 2 + at, sge[i].addr, sge[i].length);
	rig_ep_end(&rig, ep);
	rig_close(&rig);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("drivers/tcp/ep");
	TCase *tc = tcase_create("ep");

	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, small_operations_share_a_lane_and_large_ones_spread);
	tcase_add_test(tc, nobody_there);
	tcase_add_test(tc, never_attached);
	tcase_add_test(tc, a_peer_that_goes_and_comes_back);
	tcase_add_test(tc, canceled_before_it_is_sent);
	tcase_add_test(tc, many_pieces);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
