/* SPDX-License-Identifier: Apache-2.0 */
/* Host names, with a name service of our own in front of the C library's. */
#include <arpa/inet.h>
#include <check.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/peer/private.h"
#include "tests/support/must.h"
#include "tests/support/peer_loop.h"
#include "tests/support/suite.h"

#define SLOW_MS 600u
#define IN_FRONT __attribute__((visibility("default")))	/* for libcurl, too */

static _Atomic unsigned int asking, asking_most;

static struct addrinfo *
entry(const char *host)
{
	struct addrinfo *one = calloc(1, sizeof(*one) + sizeof(struct sockaddr_in6));
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(one + 1);
	struct sockaddr_in *v4 = (struct sockaddr_in *)(one + 1);

	one->ai_addr = (struct sockaddr *)(one + 1);
	one->ai_socktype = SOCK_STREAM;
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		one->ai_family = v4->sin_family = AF_INET;
		one->ai_addrlen = sizeof(*v4);
	} else {
		must(inet_pton(AF_INET6, host, &v6->sin6_addr) == 1);
		one->ai_family = v6->sin6_family = AF_INET6;
		one->ai_addrlen = sizeof(*v6);
	}
	return one;
}

/* "two.test" is ::1 and 127.0.0.1, "slow.test" takes its time, others are none. */
IN_FRONT int
getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
	    struct addrinfo **found_out)
{
	unsigned int now = atomic_fetch_add(&asking, 1) + 1, most = atomic_load(&asking_most);

	while (now > most && !atomic_compare_exchange_weak(&asking_most, &most, now))
		;
	if (strcmp(host, "slow.test") == 0)
		usleep(SLOW_MS * 1000);
	atomic_fetch_sub(&asking, 1);
	if (strcmp(host, "two.test") != 0 && strcmp(host, "slow.test") != 0)
		return EAI_NONAME;
	*found_out = entry("::1");
	(*found_out)->ai_next = entry("127.0.0.1");
	return 0;
}

IN_FRONT void
freeaddrinfo(struct addrinfo *found)
{
	while (found != NULL) {
		struct addrinfo *next = found->ai_next;

		free(found);
		found = next;
	}
}

static struct mc_peer *a, *b;

static void
setup(void)
{
	struct peer_answered answer;

	a = peer_loop_open("127.0.0.1", "P2PHANDSHAKE");
	b = peer_loop_open("two.test", "P2PHANDSHAKE");
	peer_loop_publish(b, 0x1000, "two.test", MC_NS_PER_S, &answer);
	must(peer_loop_await(&answer) == MC_OK);
}

static void
teardown(void)
{
	mc_peer_close(a);
	mc_peer_close(b);
	/* threads that were given up end by themselves */
	while (atomic_load(&asking) > 0)
		usleep(1000);
	usleep(20000);
}

static void
name_of(const char *host, char name[64])
{
	snprintf(name, 64, "%s:%u", host, mc_peer_port(b));
}

START_TEST(every_address_of_a_name_is_tried)
{
	enum mc_status st;
	struct mc_desc *desc = peer_loop_resolve(a, mc_peer_name(b), MC_NS_PER_S, &st);

	ck_assert_int_eq(st, MC_OK);
	ck_assert_int_eq(strncmp(mc_peer_name(b), "two.test:", 9), 0);
	/* numeric, and IPv4 where there is a choice: for an engine that must not block */
	ck_assert_str_eq(desc->tcp_data_host, "127.0.0.1");
	mc_desc_free(desc);
}
END_TEST

START_TEST(a_name_without_an_address_is_told)
{
	char name[64];
	enum mc_status st;

	name_of("none.test", name);
	peer_loop_resolve(a, name, MC_NS_PER_S, &st);
	ck_assert_int_eq(st, MC_ERR_ADDRESS_INVALID);
}
END_TEST

START_TEST(a_slow_name_service_holds_nothing_up)
{
	uint64_t begin = mc_clock_mono_ns();
	struct peer_answered slow = {0};
	struct mc_desc *desc;
	char name[64];
	enum mc_status st;

	name_of("slow.test", name);
	mc_peer_resolve(a, name, 200 * MC_NS_PER_MS, peer_loop_resolved, &slow);
	desc = peer_loop_resolve(a, mc_peer_name(b), MC_NS_PER_S, &st);
	ck_assert_int_eq(st, MC_OK);
	mc_desc_free(desc);
	ck_assert(!slow.came);
	ck_assert_int_eq(peer_loop_await(&slow), MC_ERR_TIMEOUT);
	ck_assert_uint_lt(mc_clock_mono_ns() - begin, 500 * MC_NS_PER_MS);
	/* with time enough it is as good as another */
	desc = peer_loop_resolve(a, name, 5 * MC_NS_PER_S, &st);
	ck_assert_int_eq(st, MC_OK);
	mc_desc_free(desc);
}
END_TEST

START_TEST(a_metadata_server_that_is_looked_up_slowly_holds_nothing_up)
{
	struct mc_peer *peer = peer_loop_open("a", "http://slow.test:1/metadata");
	uint64_t begin = mc_clock_mono_ns();
	enum mc_status st;

	peer_loop_resolve(peer, "b", 200 * MC_NS_PER_MS, &st);
	ck_assert_int_eq(st, MC_ERR_TIMEOUT);
	ck_assert_uint_lt(mc_clock_mono_ns() - begin, 500 * MC_NS_PER_MS);
	mc_peer_close(peer);
	ck_assert_uint_lt(mc_clock_mono_ns() - begin, 500 * MC_NS_PER_MS);
}
END_TEST

START_TEST(look_ups_are_bounded_and_end_with_the_peer)
{
	struct peer_answered answers[64] = {0};
	uint64_t end = mc_clock_mono_ns() + 100 * MC_NS_PER_MS;
	char name[64];

	name_of("slow.test", name);
	atomic_store(&asking_most, 0);
	for (unsigned int i = 0; i < 64; i++)
		mc_peer_resolve(a, name, 10 * MC_NS_PER_S, peer_loop_resolved, &answers[i]);
	while (mc_clock_mono_ns() < end)
		peer_loop_poll();
	ck_assert_uint_gt(atomic_load(&asking_most), 0);
	ck_assert_uint_le(atomic_load(&asking_most), 16);
	mc_peer_close(a);
	for (unsigned int i = 0; i < 64; i++) {
		ck_assert(answers[i].came);
		ck_assert_int_eq(answers[i].status, MC_ERR_CANCELED);
	}
	a = NULL;
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("peer/host");
	TCase *tc = tcase_create("host");
	int rc;

	peer_loop_start();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_address_of_a_name_is_tried);
	tcase_add_test(tc, a_name_without_an_address_is_told);
	tcase_add_test(tc, a_slow_name_service_holds_nothing_up);
	tcase_add_test(tc, a_metadata_server_that_is_looked_up_slowly_holds_nothing_up);
	tcase_add_test(tc, look_ups_are_bounded_and_end_with_the_peer);
	suite_add_tcase(suite, tc);
	rc = suite_run(suite, CK_NOFORK);
	peer_loop_stop();
	return rc;
}
