/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/meta/private.h"
#include "tests/support/suite.h"

static struct mc_str
str(const char *text)
{
	return (struct mc_str){text, strlen(text)};
}

static bool
equal(struct mc_str a, const char *b)
{
	return a.len == strlen(b) && memcmp(a.ptr, b, a.len) == 0;
}

/* ---- which keys name an rpc_meta entry, and its descriptor ---- */

static const struct {
	const char *key, *prefix, *name, *ram;
} keys[] = {
	{"mooncake/rpc_meta/host:1", "mooncake/", "host:1", "mooncake/ram/host:1"},
	{"mooncake/c1/rpc_meta/host:1", "mooncake/c1/", "host:1", "mooncake/c1/ram/host:1"},
	{"mooncake/rpc_meta/a/b", "mooncake/", "a/b", "mooncake/a/b"},
	{"mooncake/c/rpc_meta/a/b", "mooncake/c/", "a/b", "mooncake/c/a/b"},
	{"mooncake/rpc_meta/rpc_meta/x", "mooncake/", "rpc_meta/x", "mooncake/rpc_meta/x"},
};

START_TEST(rpc_meta_keys_are_split)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct mc_str prefix, name;
		char ram[64];
		size_t len;

		ck_assert_msg(mc_meta_key_split(str(keys[i].key), &prefix, &name), "%s",
			      keys[i].key);
		ck_assert(equal(prefix, keys[i].prefix));
		ck_assert(equal(name, keys[i].name));
		len = mc_meta_ram_key(prefix, name, ram, sizeof(ram));
		ck_assert_msg(equal((struct mc_str){ram, len}, keys[i].ram), "%.*s", (int)len, ram);
	}
}
END_TEST

START_TEST(other_keys_are_not)
{
	static const char *const others[] = {
		"",
		"mooncake",
		"mooncake/",
		"mooncake/ram/host",
		"rpc_meta/host",
		"mooncake/rpc_meta",
		"mooncake/rpc_meta/",
		"mooncake/c/rpc_meta/",
		"mooncake/a/b/rpc_meta/host",
		"Mooncake/rpc_meta/host",
		"xmooncake/rpc_meta/host",
		"mooncake/rpc_metax/host",
		"mooncake/c/xrpc_meta/host",
	};
	struct mc_str prefix, name;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(!mc_meta_key_split(str(others[i]), &prefix, &name), "%s", others[i]);
}
END_TEST

START_TEST(a_name_with_a_zero_byte_names_nobody)
{
	/* cut at the zero it would be another segment's name */
	static const char key[] = "mooncake/rpc_meta/host\0x";
	struct mc_str prefix, name;

	ck_assert(!mc_meta_key_split((struct mc_str){key, sizeof(key) - 1}, &prefix, &name));
}
END_TEST

START_TEST(a_ram_key_that_does_not_fit_is_none)
{
	char buf[20];

	ck_assert_uint_eq(mc_meta_ram_key(str("mooncake/"), str("host:1"), buf, 19), 0);
	ck_assert_uint_eq(mc_meta_ram_key(str("mooncake/"), str("host:1"), buf, 20), 19);
}
END_TEST

START_TEST(ram_keys_are_split)
{
	struct mc_str name;

	ck_assert(mc_meta_ram_key_split(str("mooncake/ram/host:1"), &name));
	ck_assert(name.len == 6 && memcmp(name.ptr, "host:1", 6) == 0);
	ck_assert(mc_meta_ram_key_split(str("mooncake/blue/ram/host:1"), &name));
	ck_assert(name.len == 6 && memcmp(name.ptr, "host:1", 6) == 0);
	ck_assert(!mc_meta_ram_key_split(str("mooncake/rpc_meta/host:1"), &name));
	ck_assert(!mc_meta_ram_key_split(str("mooncake/ram/"), &name));
	ck_assert(!mc_meta_ram_key_split((struct mc_str){"mooncake/ram/a\0b", 16}, &name));
}
END_TEST

/* ---- bodies ---- */

START_TEST(segments_tell_where_they_take_data)
{
	static const struct {
		const char *body;
		uint16_t port;
	} bodies[] = {
		{"{\"tcp_data_port\":16929,\"name\":\"a\"}", 16929},
		{"{\"tcp_data_port\":65535}", 65535},
		{"{\"tcp_data_port\":65536}", 0},
		{"{\"tcp_data_port\":-1}", 0},
		{"{\"tcp_data_port\":\"1\"}", 0},
		{"{\"tcp_data_port\":0}", 0},
		{"{}", 0},
		{"[1]", 0},
		{"segment", 0},
		{"", 0},
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		ck_assert_uint_eq(mc_meta_data_port(bodies[i].body, strlen(bodies[i].body)),
				  bodies[i].port);
}
END_TEST

static enum mc_status
addr_of(const char *body, struct mc_net_addr *addr_out)
{
	return mc_meta_rpc_addr(body, strlen(body), addr_out);
}

START_TEST(bodies_give_addresses)
{
	struct mc_net_addr addr;
	char text[MC_NET_ADDR_TEXT];

	ck_assert_int_eq(addr_of("{\"ip_or_host_name\":\"10.1.2.3\",\"rpc_port\":15000}", &addr),
			 MC_OK);
	ck_assert_str_eq(mc_net_addr_text(&addr, text), "10.1.2.3:15000");
	ck_assert_int_eq(addr_of("{\"rpc_port\":65535, \"more\":[], "
				 "\"ip_or_host_name\" : \"::1\"}\n",
				 &addr),
			 MC_OK);
	ck_assert_str_eq(mc_net_addr_text(&addr, text), "[::1]:65535");
}
END_TEST

START_TEST(names_are_not_looked_up)
{
	struct mc_net_addr addr;

	ck_assert_int_eq(addr_of("{\"ip_or_host_name\":\"localhost\",\"rpc_port\":1}", &addr),
			 MC_ERR_ADDRESS_INVALID);
	ck_assert_int_eq(addr_of("{\"ip_or_host_name\":\"\",\"rpc_port\":1}", &addr),
			 MC_ERR_ADDRESS_INVALID);
}
END_TEST

START_TEST(bodies_without_address_are_bad)
{
	static const char *const bodies[] = {
		"",
		"x",
		"null",
		"[]",
		"7",
		"{}",
		"{\"ip_or_host_name\":\"10.1.2.3\"}",
		"{\"rpc_port\":1}",
		"{\"ip_or_host_name\":\"10.1.2.3\",\"rpc_port\":0}",
		"{\"ip_or_host_name\":\"10.1.2.3\",\"rpc_port\":65536}",
		"{\"ip_or_host_name\":\"10.1.2.3\",\"rpc_port\":-1}",
		"{\"ip_or_host_name\":\"10.1.2.3\",\"rpc_port\":\"1\"}",
		"{\"ip_or_host_name\":7,\"rpc_port\":1}",
		"{\"ip_or_host_name\":\"10.1.2.3\",\"rpc_port\":1",
		"{\"ip_or_host_name\":\"10.1.2.3\",\"rpc_port\":1,\"rpc_port\":2}",
	};
	struct mc_net_addr addr;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		ck_assert_msg(addr_of(bodies[i], &addr) == MC_ERR_BAD_MESSAGE, "%s", bodies[i]);
	ck_assert_int_eq(mc_meta_rpc_addr("\0\xff", 2, &addr), MC_ERR_BAD_MESSAGE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("meta/key");
	TCase *tc = tcase_create("key");

	tcase_add_test(tc, rpc_meta_keys_are_split);
	tcase_add_test(tc, other_keys_are_not);
	tcase_add_test(tc, a_name_with_a_zero_byte_names_nobody);
	tcase_add_test(tc, ram_keys_are_split);
	tcase_add_test(tc, segments_tell_where_they_take_data);
	tcase_add_test(tc, a_ram_key_that_does_not_fit_is_none);
	tcase_add_test(tc, bodies_give_addresses);
	tcase_add_test(tc, names_are_not_looked_up);
	tcase_add_test(tc, bodies_without_address_are_bad);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
