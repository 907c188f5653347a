/* SPDX-License-Identifier: Apache-2.0 */
/* What is learned about a caller's release, call by call. */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/master/state.h"
#include "tests/support/http_client.h"
#include "tests/support/suite.h"

static struct mc_reactor *reactor;
static struct mc_master *master;

static void
setup(void)
{
	master = calloc(1, sizeof(*master));
	ck_assert_ptr_nonnull(master);
	master->exec = reactor;
	master->params.release_default = MC_RELEASE_0_3_13;
}

static void
teardown(void)
{
	free(master);
}

static struct mc_rpc_peer
peer_at(const char *host, uint16_t port)
{
	struct mc_rpc_peer peer = {.releases = MC_RELEASE_ALL, .allowed = MC_RELEASE_ALL};

	ck_assert_int_eq(mc_net_addr_parse(host, port, &peer.addr), MC_OK);
	return peer;
}

/* A call whose arguments look like those of @releases. */
static enum mc_release
choose(struct mc_rpc_peer *peer, enum mc_fn fn, mc_release_set releases)
{
	struct mc_request request = {.fn = fn, .releases = releases};

	return mc_release_choose(master, peer, &request);
}

/* The functions whose argument tells nothing, while the result differs between the releases. */
#define MUTE MC_FN_GET_REPLICA_LIST
#define OLD  MC_RELEASE_0_3_6
#define NEW  MC_RELEASE_0_3_13

static void
same_layout(enum mc_release chosen, enum mc_release wanted)
{
	ck_assert_msg((mc_result_same(MUTE, wanted) & MC_RELEASE_BIT(chosen)) != 0,
		      "answered as %s, not as %s", mc_release_name(chosen),
		      mc_release_name(wanted));
}

START_TEST(the_premise)
{
	ck_assert((mc_result_same(MUTE, OLD) & MC_RELEASE_BIT(NEW)) == 0);
	ck_assert(mc_result_same(MUTE, OLD) != 0);
}
END_TEST

START_TEST(a_call_that_says_it_is_believed)
{
	for (unsigned int i = 0; i < MC_RELEASE_COUNT; i++) {
		struct mc_rpc_peer peer = peer_at("10.0.0.1", 1);

		ck_assert_uint_eq(choose(&peer, MUTE, MC_RELEASE_BIT(i)), i);
		ck_assert_uint_eq(peer.releases, MC_RELEASE_BIT(i));
	}
}
END_TEST

START_TEST(a_connection_remembers)
{
	struct mc_rpc_peer peer = peer_at("10.0.0.1", 1);

	choose(&peer, MC_FN_PUT_START, MC_RELEASE_BIT(OLD));
	same_layout(choose(&peer, MUTE, MC_RELEASE_ALL), OLD);
}
END_TEST

START_TEST(calls_narrow_down_together)
{
	struct mc_rpc_peer peer = peer_at("10.0.0.1", 1);
	mc_release_set low = MC_RELEASE_BIT(MC_RELEASE_0_3_6) | MC_RELEASE_BIT(MC_RELEASE_0_3_7) |
			     MC_RELEASE_BIT(MC_RELEASE_0_3_8);
	mc_release_set mid = MC_RELEASE_BIT(MC_RELEASE_0_3_8) | MC_RELEASE_BIT(MC_RELEASE_0_3_9);
	struct mc_rpc_peer sibling = peer_at("10.0.0.1", 2);

	choose(&peer, MC_FN_PUT_START, low);
	ck_assert_uint_eq(peer.releases, low);
	choose(&peer, MC_FN_PUT_END, mid);
	ck_assert_uint_eq(peer.releases, MC_RELEASE_BIT(MC_RELEASE_0_3_8));
	ck_assert_uint_eq(choose(&peer, MUTE, MC_RELEASE_ALL), MC_RELEASE_0_3_8);
	/* and that was noted for the address */
	same_layout(choose(&sibling, MUTE, MC_RELEASE_ALL), MC_RELEASE_0_3_8);
}
END_TEST

START_TEST(connections_of_one_address_share)
{
	static const char *const hosts[][2] = {{"10.0.0.1", "10.0.0.2"}, {"fd00::1", "fd00::2"}};

	for (int i = 0; i < 2; i++) {
		struct mc_rpc_peer first = peer_at(hosts[i][0], 1);
		struct mc_rpc_peer second = peer_at(hosts[i][0], 2);
		struct mc_rpc_peer other = peer_at(hosts[i][1], 1);

		choose(&first, MC_FN_PUT_START, MC_RELEASE_BIT(OLD));
		same_layout(choose(&second, MUTE, MC_RELEASE_ALL), OLD);
		same_layout(choose(&other, MUTE, MC_RELEASE_ALL), NEW);
	}
}
END_TEST

START_TEST(what_an_address_showed_is_forgotten_after_an_hour)
{
	struct mc_rpc_peer first = peer_at("10.0.0.1", 1);
	struct mc_rpc_peer second = peer_at("10.0.0.1", 2);

	choose(&first, MC_FN_PUT_START, MC_RELEASE_BIT(OLD));
	http_loop_skip(3500 * MC_NS_PER_S);
	same_layout(choose(&second, MUTE, MC_RELEASE_ALL), OLD);
	http_loop_skip(200 * MC_NS_PER_S);
	same_layout(choose(&second, MUTE, MC_RELEASE_ALL), NEW);
	/* what the connection itself showed is not */
	same_layout(choose(&first, MUTE, MC_RELEASE_ALL), OLD);
}
END_TEST

START_TEST(the_default_decides_last)
{
	struct mc_rpc_peer peer = peer_at("10.0.0.1", 1);
	mc_release_set two = MC_RELEASE_BIT(OLD) | MC_RELEASE_BIT(NEW);

	same_layout(choose(&peer, MUTE, MC_RELEASE_ALL), NEW);
	master->params.release_default = OLD;
	same_layout(choose(&peer, MUTE, MC_RELEASE_ALL), OLD);
	/* a default that is ruled out is none: the newest left */
	master->params.release_default = MC_RELEASE_0_3_9;
	same_layout(choose(&peer, MUTE, two), NEW);
}
END_TEST

START_TEST(two_releases_at_one_address_leave_the_newest_or_the_default)
{
	struct mc_rpc_peer first = peer_at("10.0.0.1", 1);
	struct mc_rpc_peer second = peer_at("10.0.0.1", 2);
	struct mc_rpc_peer third = peer_at("10.0.0.1", 3);

	choose(&first, MC_FN_PUT_START, MC_RELEASE_BIT(OLD));
	choose(&second, MC_FN_PUT_START, MC_RELEASE_BIT(NEW));
	same_layout(choose(&third, MUTE, MC_RELEASE_ALL), NEW);
	master->params.release_default = OLD;
	same_layout(choose(&third, MUTE, MC_RELEASE_ALL), OLD);
	same_layout(choose(&second, MUTE, MC_RELEASE_ALL), NEW);
}
END_TEST

START_TEST(a_proxy_may_change_its_mind)
{
	struct mc_rpc_peer peer = peer_at("10.0.0.1", 1);

	ck_assert_uint_eq(choose(&peer, MUTE, MC_RELEASE_BIT(OLD)), OLD);
	ck_assert_uint_eq(choose(&peer, MUTE, MC_RELEASE_BIT(NEW)), NEW);
	same_layout(choose(&peer, MUTE, MC_RELEASE_ALL), NEW);
}
END_TEST

START_TEST(many_addresses_push_out_quiet_ones_only)
{
	struct mc_rpc_peer busy = peer_at("10.9.9.9", 1);
	char host[32];

	for (int round = 0; round < 20; round++) {
		struct mc_rpc_peer fresh = peer_at("10.9.9.9", 2);

		busy.releases = MC_RELEASE_ALL;
		choose(&busy, MC_FN_PUT_START, MC_RELEASE_BIT(OLD));
		same_layout(choose(&fresh, MUTE, MC_RELEASE_ALL), OLD);
		http_loop_skip(MC_NS_PER_S);
		for (int i = 0; i < 200; i++) {
			struct mc_rpc_peer peer;

			snprintf(host, sizeof(host), "10.1.%d.%d", round, i);
			peer = peer_at(host, 1);
			choose(&peer, MC_FN_PUT_START, MC_RELEASE_BIT(MC_RELEASE_0_3_9));
		}
	}
	/* the last round's are known all the same */
	struct mc_rpc_peer last = peer_at(host, 2);

	same_layout(choose(&last, MUTE, MC_RELEASE_ALL), MC_RELEASE_0_3_9);
}
END_TEST

static void
loop_start(void)
{
	reactor = http_loop_start();
}

int
main(void)
{
	Suite *suite = suite_create("release");
	TCase *tc = tcase_create("choose");

	tcase_add_unchecked_fixture(tc, loop_start, http_loop_stop);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_premise);
	tcase_add_test(tc, a_call_that_says_it_is_believed);
	tcase_add_test(tc, a_connection_remembers);
	tcase_add_test(tc, calls_narrow_down_together);
	tcase_add_test(tc, connections_of_one_address_share);
	tcase_add_test(tc, what_an_address_showed_is_forgotten_after_an_hour);
	tcase_add_test(tc, the_default_decides_last);
	tcase_add_test(tc, two_releases_at_one_address_leave_the_newest_or_the_default);
	tcase_add_test(tc, a_proxy_may_change_its_mind);
	tcase_add_test(tc, many_addresses_push_out_quiet_ones_only);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
