/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/admin_port.h"
#include "tests/support/suite.h"

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
		"mc_master_parked_bytes 0",
		"mc_master_rpc_latency_seconds_bucket{le=\"+Inf\"} ",
		"mc_master_rpc_latency_seconds_count ",
		"mc_master_segments 0",
		"mc_lcore_passes_total{",
		"mc_lcore_rpc_calls_total{",
	};
	struct http_reply reply = http_once(admin_port(), "GET", "/metrics", "", 0);

	ck_assert_uint_eq(reply.status, 200);
	ck_assert_str_eq(reply.type, "text/plain; version=0.0.4");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		line_expect(reply.body, names[i]);
}
END_TEST

/* Every sample stands in its name's only group, after HELP and TYPE: what the format asks for. */
START_TEST(metrics_are_well_formed)
{
	struct http_reply reply = http_once(admin_port(), "GET", "/metrics", "", 0);
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

int
main(void)
{
	Suite *suite = suite_create("admin/metrics");
	TCase *tc = admin_port_tcase("metrics");

	tcase_add_test(tc, metrics_have_upstreams_names_and_ours);
	tcase_add_test(tc, metrics_are_well_formed);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
