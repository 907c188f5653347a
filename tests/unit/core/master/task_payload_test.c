/* SPDX-License-Identifier: Apache-2.0 */
/* What clients of each release are told to do. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/master/task.h"
#include "tests/support/suite.h"

#define TARGETS_MAX 4

static struct task_order *
order_of(enum mc_task_type type, struct mc_str key, uint32_t targets_count)
{
	static const struct mc_str targets[TARGETS_MAX] = {
		{"b:1", 3}, {"c:1", 3}, {"d:1", 3}, {"e:1", 3}};
	struct task_order *order =
		malloc(sizeof(*order) + TARGETS_MAX * sizeof(order->targets[0]));

	order->type = type;
	order->key = key;
	order->source = (struct mc_str){"a:1", 3};
	order->targets_count = targets_count;
	memcpy(order->targets, targets, sizeof(targets));
	return order;
}

static char *
payload(enum mc_task_type type, struct mc_str key, uint32_t targets_count, enum mc_release release)
{
	struct task_order *order = order_of(type, key, targets_count);
	struct mc_buf out;
	char *text;

	mc_buf_init(&out);
	ck_assert_int_eq(mc_task_payload(order, release, &out), MC_OK);
	/* as a string; strndup() may look at the byte behind */
	ck_assert_int_eq(mc_buf_append(&out, "", 1), MC_OK);
	text = strdup((char *)out.data + out.head);
	mc_buf_fini(&out);
	free(order);
	return text;
}

static void
payload_expect(enum mc_task_type type, uint32_t targets_count, enum mc_release release,
	       const char *wanted)
{
	char *text = payload(type, MC_STR("k"), targets_count, release);

	ck_assert_str_eq(text, wanted);
	free(text);
}

START_TEST(copies_are_told_more_from_release_to_release)
{
	payload_expect(MC_TASK_COPY, 1, MC_RELEASE_0_3_8,
		       "{\"key\":\"k\",\"targets\":[\"b:1\"]}");
	payload_expect(MC_TASK_COPY, 2, MC_RELEASE_0_3_9,
		       "{\"key\":\"k\",\"targets\":[\"b:1\",\"c:1\"]}");
	payload_expect(MC_TASK_COPY, 1, MC_RELEASE_0_3_10,
		       "{\"key\":\"k\",\"source\":\"a:1\",\"targets\":[\"b:1\"]}");
	payload_expect(MC_TASK_COPY, 1, MC_RELEASE_0_3_11,
		       "{\"key\":\"k\",\"source\":\"a:1\",\"targets\":[\"b:1\"]}");
	payload_expect(MC_TASK_COPY, 1, MC_RELEASE_0_3_12,
		       "{\"tenant_id\":\"default\",\"key\":\"k\",\"source\":\"a:1\","
		       "\"targets\":[\"b:1\"]}");
	payload_expect(MC_TASK_COPY, 1, MC_RELEASE_0_3_13,
		       "{\"tenant_id\":\"default\",\"key\":\"k\",\"source\":\"a:1\","
		       "\"targets\":[\"b:1\"],\"dynamic_replication_lease_id_high\":0,"
		       "\"dynamic_replication_lease_id_low\":0,"
		       "\"dynamic_replication_version_epoch\":0}");
}
END_TEST

START_TEST(moves_have_one_target)
{
	payload_expect(MC_TASK_MOVE, 1, MC_RELEASE_0_3_8,
		       "{\"key\":\"k\",\"source\":\"a:1\",\"target\":\"b:1\"}");
	payload_expect(MC_TASK_MOVE, 1, MC_RELEASE_0_3_11,
		       "{\"key\":\"k\",\"source\":\"a:1\",\"target\":\"b:1\"}");
	payload_expect(MC_TASK_MOVE, 1, MC_RELEASE_0_3_13,
		       "{\"tenant_id\":\"default\",\"key\":\"k\",\"source\":\"a:1\","
		       "\"target\":\"b:1\"}");
}
END_TEST

/* Whatever text the key is, a reader of JSON gets it back. */
START_TEST(any_text_survives)
{
	static const char key[] = "\"}\\ \n\x01\x7f\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7";
	char *text = payload(MC_TASK_MOVE, MC_STR(key), 1, MC_RELEASE_NEWEST);
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	ck_assert_ptr_nonnull(json);
	ck_assert_str_eq(json_string_value(json_object_get(json, "key")), key);
	json_decref(json);
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("master/task_payload");
	TCase *tc = tcase_create("payloads");

	tcase_add_test(tc, copies_are_told_more_from_release_to_release);
	tcase_add_test(tc, moves_have_one_target);
	tcase_add_test(tc, any_text_survives);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK);
}
