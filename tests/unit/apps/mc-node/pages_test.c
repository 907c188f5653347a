/* SPDX-License-Identifier: Apache-2.0 */
/* What mc-node serves over HTTP, with a store and a master in this process. */
#include "apps/mc-node/pages.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "tests/support/http_client.h"
#include "tests/support/store_rig.h"
#include "tests/support/suite.h"

static struct store_rig rig;
static struct mc_store *store;
static struct node_pages *pages;
static uint16_t port;

static void
setup(void)
{
	struct mc_reactor *loop = http_loop_start();

	store_rig_start(&rig, NULL);
	store = store_rig_open(&rig, 16u << 20);
	ck_assert_int_eq(node_pages_open(loop, "127.0.0.1", 0, store, &pages), MC_OK);
	port = node_pages_port(pages);
}

static void
teardown(void)
{
	node_pages_close(pages);
	mc_store_close(store, MC_STORE_ABRUPT);
	store_rig_stop(&rig);
	http_loop_stop();
}

/* The value of a sample in Prometheus text. */
static double
sample(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0 && line[len] == ' ')
			return strtod(line + len, NULL);
	}
	ck_abort_msg("no %s in:\n%s", name, text);
}

START_TEST(metrics_are_the_stores_and_the_engines)
{
	struct http_reply reply = http_once(port, "GET", "/metrics", NULL, 0);

	ck_assert_uint_eq(reply.status, 200);
	ck_assert_str_eq(reply.type, "text/plain; version=0.0.4");
	ck_assert_ptr_nonnull(strstr(reply.body, "# TYPE mc_store_segment_bytes gauge\n"));
	ck_assert(sample(reply.body, "mc_store_segments") == 1);
	ck_assert(sample(reply.body, "mc_store_segment_bytes") == 16u << 20);
	ck_assert(sample(reply.body, "mc_store_puts_total") == 0);
	ck_assert(sample(reply.body, "mc_engine_served_bytes_total") >= 0);
	ck_assert_int_eq(mc_store_put(store, "k", "value", 5, NULL), MC_OK);
	reply = http_once(port, "GET", "/metrics", NULL, 0);
	ck_assert(sample(reply.body, "mc_store_puts_total") == 1);
}
END_TEST

START_TEST(health_is_the_masters_answer)
{
	http_expect(port, "GET", "/health", "", 200, "{\"status\":\"healthy\"}\n");
	http_expect(port, "GET", "/healthz", "", 200, "{\"status\":\"healthy\"}\n");
	store_rig_stop(&rig);
	/* it was asked just now */
	http_expect(port, "GET", "/health", "", 200, "{\"status\":\"healthy\"}\n");
	http_loop_skip(MC_NS_PER_S / 2);
	http_expect(port, "GET", "/health", "", 503,
		    "{\"status\":\"unhealthy\",\"reason\":\"master unreachable\"}\n");
	store_rig_start(&rig, NULL);
}
END_TEST

START_TEST(other_pages_are_not_there)
{
	ck_assert_uint_eq(http_once(port, "GET", "/", NULL, 0).status, 404);
	ck_assert_uint_eq(http_once(port, "POST", "/metrics", "x", 1).status, 405);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mc-node/pages");
	TCase *tcase = tcase_create("pages");

	tcase_add_unchecked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, metrics_are_the_stores_and_the_engines);
	tcase_add_test(tcase, other_pages_are_not_there);
	tcase_add_test(tcase, health_is_the_masters_answer);
	suite_add_tcase(suite, tcase);
	return suite_run(suite, CK_NOFORK);
}
