/* SPDX-License-Identifier: Apache-2.0 */
/* The admin port of a master without objects; tests/integration/test_http.py has one with them. */
#include "core/master/admin.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/http_client.h"
#include "tests/support/suite.h"

static struct mc_reactor *control, *exec, *io;
static struct mc_rpc_server *server;
static struct mc_master *master;
static struct mc_admin *admin;
static uint16_t port;
static bool exec_stands; /* queries are not looked at */

static uint32_t
exec_poll(struct mc_poller *poller)
{
	return exec_stands ? 0 : mc_reactor_poll(exec);
}

static struct mc_poller exec_poller = {.poll = exec_poll};

static void
loop_start(void)
{
	struct mc_reactor_params params = {
		.size = sizeof(params), .name = "exec", .idle = MC_IDLE_INLINE};

	control = http_loop_start();
	io = mc_lcore_reactor(0);
	ck_assert_int_eq(mc_reactor_create(&params, &exec), MC_OK);
	mc_reactor_poll(exec);
	mc_poller_add(control, &exec_poller);
}

static void
loop_stop(void)
{
	mc_poller_del(&exec_poller);
	mc_reactor_destroy(exec);
	http_loop_stop();
}

static void
server_open(void)
{
	struct mc_rpc_listen listen = {.releases = MC_RELEASE_ALL};
	struct mc_rpc_server_params params = {
		.size = sizeof(params),
		.io = &io,
		.io_count = 1,
		.exec = io,
		.handler = mc_master_handler(master), /* nobody calls */
		.listens = &listen,
		.listens_count = 1,
	};

	ck_assert_int_eq(mc_net_addr_parse("127.0.0.1", 0, &listen.addr), MC_OK);
	ck_assert_int_eq(mc_rpc_server_open(&params, &server), MC_OK);
}

static void
setup(void)
{
	struct mc_master_params params;
	struct mc_admin_params admin_params = {
		.size = sizeof(admin_params),
		.reactor = control,
		.io = &io,
		.io_count = 1,
		.host = "127.0.0.1",
	};

	exec_stands = false;
	mc_master_params_init(&params);
	params.exec = exec;
	ck_assert_int_eq(mc_master_create(&params, &master), MC_OK);
	mc_master_start(master);
	server_open();
	admin_params.master = master;
	admin_params.server = server;
	ck_assert_int_eq(mc_admin_open(&admin_params, &admin), MC_OK);
	port = mc_admin_port(admin);
}

static void
teardown(void)
{
	mc_admin_close(admin);
	mc_rpc_server_close(server);
	mc_master_stop(master);
	mc_master_destroy(master);
}

static void
member_expect(const json_t *json, const char *name, json_t *wanted)
{
	ck_assert_msg(json_equal(json_object_get(json, name), wanted), "%s", name);
	json_decref(wanted);
}

static void
health_expect(unsigned int status, const char *word, bool ready)
{
	struct http_reply reply = http_once(port, "GET", "/health", "", 0);
	json_t *json = json_loadb(reply.body, reply.len, 0, NULL);

	ck_assert_uint_eq(reply.status, status);
	ck_assert_str_eq(reply.type, "application/json; charset=utf-8");
	member_expect(json, "status", json_string(word));
	member_expect(json, "service_ready", json_boolean(ready));
	member_expect(json, "role", json_string("leader"));
	json_decref(json);
}

START_TEST(health_ends_with_serving)
{
	health_expect(200, "ok", true);
	http_expect(port, "GET", "/ha_status", "", 200, "serving");
	mc_admin_serving_set(admin, 0);
	health_expect(503, "unavailable", false);
	http_expect(port, "GET", "/ha_status", "", 200, "stopping");
	http_expect(port, "GET", "/role", "", 200, "leader");
	mc_admin_serving_set(admin, 1);
	health_expect(200, "ok", true);
}
END_TEST

START_TEST(an_empty_master_lists_nothing)
{
	struct http_reply reply;
	json_t *json;

	http_expect(port, "GET", "/get_all_keys", "", 200, "");
	http_expect(port, "GET", "/get_all_segments", "", 200, "");
	reply = http_once(port, "GET", "/get_segments_detail", "", 0);
	json = json_loadb(reply.body, reply.len, 0, NULL);
	ck_assert_uint_eq(reply.status, 200);
	member_expect(json, "total_segments", json_integer(0));
	member_expect(json, "segments", json_array());
	json_decref(json);
}
END_TEST

START_TEST(a_key_that_is_not_there)
{
	static const char *const targets[] = {"/query_key?key=nobody", "/query_key",
					      "/query_key?key=", "/query_key?key=%00%ff"};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		http_expect(port, "GET", targets[i], "", 404,
			    "{\"success\":false,\"error_code\":-704,"
			    "\"error_message\":\"OBJECT_NOT_FOUND\"}");
}
END_TEST

START_TEST(other_paths_and_methods_are_not_found)
{
	http_expect(port, "GET", "/", "", 404, "404 Not Found");
	http_expect(port, "GET", "/metrics/", "", 404, "404 Not Found");
	http_expect(port, "POST", "/metrics", "", 404, "404 Not Found");
}
END_TEST

/* ---- metrics ---- */

static void
line_expect(const char *text, const char *begin)
{
	char line[256];

	snprintf(line, sizeof(line), "\n%s", begin);
	ck_assert_msg(strstr(text, line) != NULL, "no line \"%s\" in:\n%s", begin, text);
}

START_TEST(metrics_have_upstreams_names_and_ours)
{
	static const char *const names[] = {
		"master_active_clients 0",
		"master_allocated_bytes 0",
		"master_total_capacity_bytes 0",
		"master_key_count 0",
		"master_soft_pin_key_count 0",
		"master_successful_evictions_total 0",
		"master_attempted_evictions_total 0",
		"master_evicted_key_count 0",
		"master_evicted_size_bytes 0",
		"master_put_start_discard_cnt 0",
		"master_put_start_requests_total 0",
		"master_ping_requests_total 0",
		"mc_build_info{",
		"mc_master_segments 0",
		"mc_lcore_passes_total{",
		"mc_lcore_rpc_calls_total{",
	};
	struct http_reply reply = http_once(port, "GET", "/metrics", "", 0);

	ck_assert_uint_eq(reply.status, 200);
	ck_assert_str_eq(reply.type, "text/plain; version=0.0.4");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		line_expect(reply.body, names[i]);
}
END_TEST

/* Every sample stands in its name's only group, after HELP and TYPE: what the format asks for. */
START_TEST(metrics_are_well_formed)
{
	struct http_reply reply = http_once(port, "GET", "/metrics", "", 0);
	char *text = strdup(reply.body), *next = text, *line;
	char name[128] = "", mark[160];

	ck_assert(reply.len > 0 && text[reply.len - 1] == '\n');
	while ((line = strsep(&next, "\n")) != NULL && next != NULL) {
		char found[128], kind[16], value[64];

		if (sscanf(line, "# HELP %127s", found) == 1) {
			snprintf(mark, sizeof(mark), "# HELP %s ", found);
			ck_assert_msg(strstr(strstr(reply.body, mark) + 1, mark) == NULL,
				      "%s twice", found);
			snprintf(name, sizeof(name), "%s", found);
		} else if (sscanf(line, "# TYPE %127s %15s", found, kind) == 2) {
			ck_assert_str_eq(found, name);
		} else {
			ck_assert_msg(strncmp(line, name, strlen(name)) == 0, "%s: %s", name, line);
			ck_assert_msg(sscanf(strrchr(line, ' '), " %63[0-9.e+-]", value) == 1, "%s",
				      line);
		}
	}
	free(text);
}
END_TEST

START_TEST(the_summary_is_one_line)
{
	struct http_reply reply = http_once(port, "GET", "/metrics/summary", "", 0);
	char *summary = mc_admin_summary(admin);

	ck_assert_uint_eq(reply.status, 200);
	ck_assert_ptr_nonnull(strstr(reply.body, "Keys: 0 "));
	ck_assert_ptr_nonnull(strstr(reply.body, "role=leader, state=serving"));
	ck_assert_ptr_nonnull(strstr(summary, "Clients: 0 "));
	ck_assert_ptr_null(strchr(summary, '\n'));
	free(summary);
}
END_TEST

/* ---- queries under way ---- */

START_TEST(a_query_holds_up_nobody_else)
{
	struct http_client client;
	struct http_reply reply;

	exec_stands = true;
	http_client_open(&client, port);
	http_client_request(&client, "GET", "/get_all_keys", "", 0);
	ck_assert(http_client_waits(&client));
	health_expect(200, "ok", true);
	exec_stands = false;
	reply = http_client_reply(&client);
	http_reply_expect(&reply, 200, "");
	http_client_close(&client);
}
END_TEST

START_TEST(closing_leaves_a_query_to_end_later)
{
	struct http_client client;

	exec_stands = true;
	http_client_open(&client, port);
	http_client_request(&client, "GET", "/metrics", "", 0);
	ck_assert(http_client_waits(&client));
	mc_admin_close(admin);
	admin = NULL;
	ck_assert_uint_eq(http_client_reply(&client).status, 0);
	exec_stands = false;
	http_loop_settle();
	http_client_close(&client);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("admin");
	TCase *tc = tcase_create("routes");

	tcase_add_unchecked_fixture(tc, loop_start, loop_stop);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, health_ends_with_serving);
	tcase_add_test(tc, an_empty_master_lists_nothing);
	tcase_add_test(tc, a_key_that_is_not_there);
	tcase_add_test(tc, other_paths_and_methods_are_not_found);
	tcase_add_test(tc, metrics_have_upstreams_names_and_ours);
	tcase_add_test(tc, metrics_are_well_formed);
	tcase_add_test(tc, the_summary_is_one_line);
	tcase_add_test(tc, a_query_holds_up_nobody_else);
	tcase_add_test(tc, closing_leaves_a_query_to_end_later);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
