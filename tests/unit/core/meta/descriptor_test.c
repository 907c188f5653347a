/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors: judged as upstream judges them, written byte for byte as upstream writes them. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/meta/descriptor.h"
#include "tests/support/suite.h"

#define STR(text) ((struct mc_str){text, strlen(text)})

static enum mc_status
judge(const char *json, struct mc_desc **desc_out, char *error)
{
	error[0] = '\0';
	*desc_out = NULL;
	return mc_desc_read(STR(json), desc_out, error);
}

static void
refused(const char *json, const char *reason)
{
	char error[MC_DESC_ERROR_MAX];
	struct mc_desc *desc;

	ck_assert_int_eq(judge(json, &desc, error), MC_ERR_BAD_MESSAGE);
	ck_assert_str_eq(error, reason);
	ck_assert_ptr_null(desc);
}

/* Each line of @file as JSON. */
static unsigned int
lines_each(const char *file, void (*each)(const json_t *line))
{
	char path[512];
	char *line = NULL;
	size_t room = 0;
	unsigned int count = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/transfer/%s", MC_VECTORS, file);
	in = fopen(path, "r");
	ck_assert_msg(in != NULL, "%s", path);
	while (getline(&line, &room, in) > 0) {
		json_t *json = json_loads(line, 0, NULL);

		ck_assert_ptr_nonnull(json);
		each(json);
		json_decref(json);
		count++;
	}
	free(line);
	fclose(in);
	return count;
}

static void
line_judged(const json_t *line)
{
	const char *meaning = json_string_value(json_object_get(line, "meaning"));
	bool accepted = json_is_true(json_object_get(line, "accepted"));
	char *text = json_dumps(json_object_get(line, "json"), 0);
	char error[MC_DESC_ERROR_MAX];
	struct mc_desc *desc;
	enum mc_status st = judge(text, &desc, error);

	ck_assert_msg((st == MC_OK) == accepted, "%s: %s", meaning, error);
	ck_assert_msg(accepted || error[0] != '\0', "%s: no reason", meaning);
	mc_desc_free(desc);
	free(text);
}

START_TEST(every_recorded_descriptor_is_judged_as_upstream_does)
{
	ck_assert_uint_eq(lines_each("descriptor_accept.jsonl", line_judged), 35);
}
END_TEST

static unsigned int rewritten;

/* What upstream PUT, read and written again. */
static void
line_rewritten(const json_t *line)
{
	const char *raw = json_string_value(json_object_get(line, "raw"));
	const char *body = raw != NULL ? strstr(raw, "\r\n\r\n{") : NULL;
	char error[MC_DESC_ERROR_MAX];
	struct mc_rpc_meta meta;
	struct mc_desc *desc;
	struct mc_buf out;

	if (body == NULL)
		return;
	body += 4;
	mc_buf_init(&out);
	if (strstr(body, "ip_or_host_name") != NULL) {
		ck_assert_int_eq(mc_rpc_meta_read(STR(body), &meta, error), MC_OK);
		ck_assert_int_eq(mc_rpc_meta_write(&meta, &out), MC_OK);
	} else {
		ck_assert_int_eq(judge(body, &desc, error), MC_OK);
		ck_assert_int_eq(mc_desc_write(desc, &out), MC_OK);
		mc_desc_free(desc);
	}
	ck_assert_uint_eq(mc_buf_len(&out), strlen(body));
	ck_assert_mem_eq(out.data + out.head, body, strlen(body));
	mc_buf_fini(&out);
	rewritten++;
}

START_TEST(recorded_documents_are_written_byte_for_byte)
{
	lines_each("te_http_full.jsonl", line_rewritten);
	ck_assert_uint_gt(rewritten, 9);
}
END_TEST

START_TEST(reasons_name_the_field)
{
	refused("", "the text is no JSON");
	refused("[]", "the descriptor is no JSON object");
	refused("{}", "protocol is none that is known");
	refused("{\"protocol\":\"tcp\",\"tcp_data_port\":\"1\"}",
		"tcp_data_port is no whole number");
	refused("{\"protocol\":\"tcp\",\"tcp_data_port\":65536}", "tcp_data_port is above 65535");
	refused("{\"protocol\":\"tcp\",\"tcp_data_port\":1.5}", "tcp_data_port is no whole number");
	refused("{\"protocol\":\"tcp\",\"name\":7}", "name is no string");
	refused("{\"protocol\":\"tcp\",\"buffers\":{}}", "buffers is no array");
	refused("{\"protocol\":\"tcp\",\"buffers\":[1]}", "buffers[0].entry is no object");
	refused("{\"protocol\":\"tcp\",\"buffers\":[{\"name\":\"a\",\"addr\":1,\"length\":1},"
		"{\"name\":\"a\",\"addr\":0,\"length\":1}]}", "buffers[1].addr is 0");
	refused("{\"protocol\":\"rdma\",\"devices\":[{\"name\":\"m\",\"gid\":\"fe:80\"}]}",
		"devices[0].gid is not of 16 hex bytes with colons");
}
END_TEST

START_TEST(our_own_member_comes_back)
{
	char error[MC_DESC_ERROR_MAX];
	struct mc_desc_buffer buffer = {.name = "cpu:0", .addr = 4096, .length = 1};
	struct mc_desc desc = {.name = "n", .protocol = "tcp", .tcp_data_host = "h",
			       .rdma_server_name = "", .timestamp = "t", .tcp_proto_version = 2,
			       .buffers = &buffer, .buffers_count = 1};
	struct mc_desc *back, *clone;
	struct mc_buf out;

	desc.own = (struct mc_desc_own){.version = 1, .instance = UINT64_MAX, .pid = 12,
					.pid_ns = 1, .net_ns = UINT64_MAX - 1, .mnt_ns = 3};
	memset(desc.own.boot_id, 0xab, sizeof(desc.own.boot_id));
	strcpy(desc.own.shm_socket, "mooncore-1");
	mc_buf_init(&out);
	ck_assert_int_eq(mc_desc_write(&desc, &out), MC_OK);
	ck_assert_int_eq(mc_desc_read((struct mc_str){(char *)out.data, mc_buf_len(&out)}, &back,
				      error), MC_OK);
	clone = mc_desc_clone(back);
	mc_desc_free(back);
	ck_assert_mem_eq(&clone->own, &desc.own, sizeof(desc.own));
	ck_assert_str_eq(clone->buffers[0].name, "cpu:0");
	ck_assert_uint_eq(mc_desc_find(clone, 4096, 1), 0);
	ck_assert_uint_eq(mc_desc_find(clone, 4096, 2), UINT32_MAX);
	ck_assert_uint_eq(mc_desc_find(clone, 4095, 1), UINT32_MAX);
	mc_desc_free(clone);
	mc_buf_fini(&out);
}
END_TEST

START_TEST(a_damaged_own_member_is_as_none)
{
	char error[MC_DESC_ERROR_MAX];
	struct mc_desc *desc;

	ck_assert_int_eq(judge("{\"protocol\":\"tcp\",\"mooncore\":{\"version\":1,"
			       "\"shm_socket\":7}}", &desc, error), MC_OK);
	ck_assert_uint_eq(desc->own.version, 0);
	mc_desc_free(desc);
	ck_assert_int_eq(judge("{\"protocol\":\"tcp\",\"mooncore\":[]}", &desc, error), MC_OK);
	ck_assert_uint_eq(desc->own.version, 0);
	mc_desc_free(desc);
}
END_TEST

START_TEST(what_cannot_be_written_is_not_left_out)
{
	struct mc_desc_buffer buffer = {.name = "\xff", .addr = 4096, .length = 1};
	struct mc_desc desc = {.name = "n", .protocol = "tcp", .buffers = &buffer,
			       .buffers_count = 1};
	struct mc_buf out;

	mc_buf_init(&out);
	ck_assert_int_eq(mc_desc_write(&desc, &out), MC_ERR_INVALID);
	desc.buffers_count = 0;
	desc.name = "\xc3";
	ck_assert_int_eq(mc_desc_write(&desc, &out), MC_ERR_INVALID);
	desc.name = "\xc3\xa9";
	ck_assert_int_eq(mc_desc_write(&desc, &out), MC_OK);
	desc.protocol = "rdma";
	desc.priority_matrix = "{";
	ck_assert_int_eq(mc_desc_write(&desc, &out), MC_ERR_INVALID);
	mc_buf_fini(&out);
}
END_TEST

static enum mc_status
repeated(const char *piece, size_t count)
{
	size_t length = strlen(piece);
	char error[MC_DESC_ERROR_MAX];
	struct mc_desc *desc = NULL;
	enum mc_status st;
	struct mc_buf text;

	mc_buf_init(&text);
	ck_assert_int_eq(mc_buf_printf(&text, "{\"protocol\":\"tcp\",\"x\":["), MC_OK);
	for (size_t i = 0; i < count; i++)
		mc_buf_append(&text, piece, length);
	ck_assert_int_eq(mc_buf_append(&text, "0]}", 3), MC_OK);
	st = mc_desc_read((struct mc_str){(char *)text.data, mc_buf_len(&text)}, &desc, error);
	mc_desc_free(desc);
	mc_buf_fini(&text);
	return st;
}

START_TEST(null_is_as_absent)
{
	char error[MC_DESC_ERROR_MAX];
	struct mc_desc *desc;

	ck_assert_int_eq(judge("{\"protocol\":\"tcp\",\"name\":null,\"buffers\":null,"
			       "\"tcp_data_port\":null,\"tcp_proto_version\":null,"
			       "\"priority_matrix\":null,\"mooncore\":null}", &desc, error), MC_OK);
	ck_assert_str_eq(desc->name, "");
	ck_assert_uint_eq(desc->tcp_proto_version, 1);
	ck_assert_uint_eq(desc->buffers_count, 0);
	mc_desc_free(desc);
	refused("{\"protocol\":\"tcp\",\"buffers\":[{\"name\":\"a\",\"addr\":null,\"length\":1}]}",
		"buffers[0].addr is 0");
}
END_TEST

START_TEST(values_are_counted_before_they_take_memory)
{
	ck_assert_int_eq(repeated("[],", 200000), MC_OK);
	ck_assert_int_eq(repeated("[],", 262145), MC_ERR_TOO_LARGE);
	ck_assert_int_eq(repeated("0,", 2200000), MC_ERR_TOO_LARGE);
	ck_assert_int_eq(repeated("\"[[[[,,,,\\\"\",", 100000), MC_OK);
	ck_assert_int_eq(repeated("0", 17u << 20), MC_ERR_TOO_LARGE);
}
END_TEST

START_TEST(hex_is_hex_and_nothing_else)
{
	static const char *const gids[] = {
		"fe:80:00:00:00:00:00:00:00:00:00:00:00:00:00: 1",
		"fe:80:00:00:00:00:00:00:00:00:00:00:00:00:00:-1",
		"fe:80:00:00:00:00:00:00:00:00:00:00:00:00:00:0x",
		"fe:80:00:00:00:00:00:00:00:00:00:00:00:00:00:011",
		"fe:80:00:00:00:00:00:00:00:00:00:00:00:00:00:01:", "",
	};
	char json[256];

	for (unsigned int i = 0; i < sizeof(gids) / sizeof(gids[0]); i++) {
		snprintf(json, sizeof(json), "{\"protocol\":\"rdma\",\"devices\":"
			 "[{\"name\":\"m\",\"gid\":\"%s\"}]}", gids[i]);
		refused(json, "devices[0].gid is not of 16 hex bytes with colons");
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("meta/descriptor");
	TCase *tc = tcase_create("descriptor");

	tcase_add_test(tc, every_recorded_descriptor_is_judged_as_upstream_does);
	tcase_add_test(tc, recorded_documents_are_written_byte_for_byte);
	tcase_add_test(tc, reasons_name_the_field);
	tcase_add_test(tc, our_own_member_comes_back);
	tcase_add_test(tc, a_damaged_own_member_is_as_none);
	tcase_add_test(tc, what_cannot_be_written_is_not_left_out);
	tcase_add_test(tc, null_is_as_absent);
	tcase_add_test(tc, values_are_counted_before_they_take_memory);
	tcase_add_test(tc, hex_is_hex_and_nothing_else);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
