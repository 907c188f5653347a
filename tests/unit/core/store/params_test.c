/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/store/store.h"
#include "mc/log.h"
#include "tests/support/suite.h"

#define HOST {"local_hostname", "10.0.0.7"}
#define META {"metadata_server", "P2PHANDSHAKE"}

static struct mc_store_params params;
static char error[300];
static char log_path[64];

static void
setup(void)
{
	int fd;

	snprintf(log_path, sizeof(log_path), "/tmp/mc-params-test-XXXXXX");
	fd = mkstemp(log_path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(mc_log_file_set(log_path), MC_OK);
	memset(&params, 0x5a, sizeof(params));
	error[0] = '\0';
}

static void
teardown(void)
{
	mc_log_file_set(NULL);
	unlink(log_path);
}

static const char *
logged(void)
{
	static char text[4096];
	FILE *in = fopen(log_path, "r");

	ck_assert_ptr_nonnull(in);
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	return text;
}

static enum mc_status
read_all(const struct mc_store_option *options, unsigned int count)
{
	return mc_store_params_read(options, count, &params, error, sizeof(error));
}

#define READ(...)                                                                                  \
	({                                                                                         \
		const struct mc_store_option options_[] = {__VA_ARGS__};                           \
		read_all(options_, sizeof(options_) / sizeof(options_[0]));                        \
	})

START_TEST(sizes_are_what_upstream_reads)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		/* as setup() of upstream's wheel 0.3.13.post1 mounts them */
		{"16MB", 16777216}, {"0.03GB", 32212254}, {"16777216", 16777216},
		{"16M", 16777216}, {"16 mb", 16777216}, {"16777216B", 16777216},
		{" 32MB ", 33554432}, {"1e8", 100000000}, {"0x1000000", 16777216},
		{"40000 K", 40960000}, {"30GB", 30ull << 30}, {"2T", 2ull << 40},
		{"4 GB", 4ull << 30}, {"0", 0},
		/* that it refuses */
		{"16 MiB", 16777216}, {"1gib", 1ull << 30},
		/* the largest, and whole numbers above a double's */
		{"1024TB", MC_STORE_SIZE_MAX}, {"1125899906842623", MC_STORE_SIZE_MAX - 1},
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint64_t bytes = 7;

		ck_assert_msg(mc_store_size_parse(good[i].text, &bytes) == MC_OK, "%s",
			      good[i].text);
		ck_assert_msg(bytes == good[i].bytes, "%s: %llu", good[i].text,
			      (unsigned long long)bytes);
	}
}
END_TEST

START_TEST(what_is_no_size)
{
	static const char *const bad[] = {
		"", " ", "-1", "+1", "MB", "16MBx", "16 bytes", "1i", "1Mi", "1PB", "nan", "inf",
		"1025TB", "1e99", "99999999999999999999", "1 2", "1MBB", "1bb", ".5GB",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t bytes = 7;

		ck_assert_msg(mc_store_size_parse(bad[i], &bytes) == MC_ERR_INVALID, "\"%s\"",
			      bad[i]);
		ck_assert_uint_eq(bytes, 7);
	}
}
END_TEST

START_TEST(two_names_are_enough)
{
	ck_assert_int_eq(READ(HOST, META), MC_OK);
	ck_assert_uint_eq(params.size, sizeof(params));
	ck_assert_str_eq(params.hostname, "10.0.0.7");
	ck_assert_str_eq(params.metadata, "P2PHANDSHAKE");
	ck_assert_uint_eq(params.segment_size, 16u << 20);
	ck_assert_uint_eq(params.buffer_size, 16u << 20);
	ck_assert_ptr_null(params.master);
	ck_assert_ptr_null(params.devices);
	ck_assert_ptr_null(params.tenant);
	ck_assert_ptr_null(params.engine);
	ck_assert(!params.poll_inline && !params.checksum);
	ck_assert_str_eq(logged(), "");
}
END_TEST

/* As LMCache forwards the names of its YAML file: all values are texts. */
START_TEST(the_names_of_lmcache)
{
	ck_assert_int_eq(READ(HOST, {"metadata_server", "http://10.0.0.1:8080/metadata"},
			      {"protocol", "rdma"}, {"device_name", "mlx5_0,mlx5_1"},
			      {"master_server_address", "10.0.0.1:50052"},
			      {"global_segment_size", "32212254720"},
			      {"local_buffer_size", "1073741824"}),
			 MC_OK);
	ck_assert_str_eq(params.metadata, "http://10.0.0.1:8080/metadata");
	ck_assert_str_eq(params.protocol, "rdma");
	ck_assert_str_eq(params.devices, "mlx5_0,mlx5_1");
	ck_assert_str_eq(params.master, "10.0.0.1:50052");
	ck_assert_uint_eq(params.segment_size, 30ull << 30);
	ck_assert_uint_eq(params.buffer_size, 1u << 30);
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(upstreams_spelling_wins_wherever_it_stands)
{
	ck_assert_int_eq(READ(HOST, META, {"master_server_addr", "a:1"},
			      {"master_server_address", "b:2"}, {"rdma_devices", "mlx5_0"},
			      {"device_name", "mlx5_9"}),
			 MC_OK);
	ck_assert_str_eq(params.master, "a:1");
	ck_assert_str_eq(params.devices, "mlx5_0");
	ck_assert_int_eq(READ(HOST, META, {"master_server_address", "b:2"},
			      {"device_name", "mlx5_9"}, {"rdma_devices", "mlx5_0"},
			      {"master_server_addr", "a:1"}),
			 MC_OK);
	ck_assert_str_eq(params.master, "a:1");
	ck_assert_str_eq(params.devices, "mlx5_0");
	/* one that is empty, or absent, says nothing */
	ck_assert_int_eq(READ(HOST, META, {"master_server_addr", ""}, {"rdma_devices", NULL},
			      {"master_server_address", "b:2"}, {"device_name", "mlx5_9"}),
			 MC_OK);
	ck_assert_str_eq(params.master, "b:2");
	ck_assert_str_eq(params.devices, "mlx5_9");
}
END_TEST

START_TEST(all_devices)
{
	ck_assert_int_eq(READ(HOST, META, {"rdma_devices", "auto-discovery"}), MC_OK);
	ck_assert_ptr_null(params.devices);
	ck_assert_int_eq(READ(HOST, META, {"device_name", ""}), MC_OK);
	ck_assert_ptr_null(params.devices);
	/* asked for by name, it is not narrowed by the weaker spelling */
	ck_assert_int_eq(READ(HOST, META, {"device_name", "mlx5_9"},
			      {"rdma_devices", "auto-discovery"}),
			 MC_OK);
	ck_assert_ptr_null(params.devices);
}
END_TEST

START_TEST(the_names_of_the_struct)
{
	ck_assert_int_eq(READ({"hostname", "h:1"}, {"metadata", "P2PHANDSHAKE"}, {"master", "m:2"},
			      {"devices", "mlx5_2"}, {"drivers", "shm,tcp"}, {"tenant", "blue"},
			      {"host_id", "rack7"}, {"bind_host", "127.0.0.1"},
			      {"segment_size", "1GB"}, {"buffer_size", "0"},
			      {"poll_inline", "true"}, {"checksum", "True"},
			      {"checksum_upstream", "1"}, {"put_deadline_ms", "100"},
			      {"get_deadline_ms", "200"}, {"rpc_timeout_ms", "300"},
			      {"huge", "only"}, {"numa", "interleave"}),
			 MC_OK);
	ck_assert_str_eq(params.hostname, "h:1");
	ck_assert_str_eq(params.master, "m:2");
	ck_assert_str_eq(params.devices, "mlx5_2");
	ck_assert_str_eq(params.drivers, "shm,tcp");
	ck_assert_str_eq(params.tenant, "blue");
	ck_assert_str_eq(params.host_id, "rack7");
	ck_assert_str_eq(params.bind_host, "127.0.0.1");
	ck_assert_uint_eq(params.segment_size, 1u << 30);
	ck_assert_uint_eq(params.buffer_size, 0);
	ck_assert(params.poll_inline && params.checksum && params.checksum_upstream);
	ck_assert_uint_eq(params.put_deadline_ms, 100);
	ck_assert_uint_eq(params.get_deadline_ms, 200);
	ck_assert_uint_eq(params.rpc_timeout_ms, 300);
	ck_assert_int_eq(params.huge, MC_HUGE_ONLY);
	ck_assert_int_eq(params.numa, MC_NUMA_INTERLEAVE);
	ck_assert_int_eq(READ(HOST, META, {"numa_node", "3"}), MC_OK);
	ck_assert_int_eq(params.numa, MC_NUMA_BIND);
	ck_assert_int_eq(params.numa_node, 3);
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(unknown_names_are_told)
{
	ck_assert_int_eq(READ(HOST, META, {"global_segmnet_size", "1GB"}, {"wholly_other", "1"}),
			 MC_OK);
	ck_assert_uint_eq(params.segment_size, 16u << 20);
	ck_assert_ptr_nonnull(strstr(logged(), "unknown option \"global_segmnet_size\" is passed "
					       "over; is global_segment_size meant?"));
	ck_assert_ptr_nonnull(strstr(logged(), "\"wholly_other\" is passed over\n"));
}
END_TEST

START_TEST(upstreams_other_names)
{
	ck_assert_int_eq(READ(HOST, META, {"enable_ssd_offload", "false"},
			      {"ssd_offload_path", ""}, {"ipc_socket_path", ""},
			      {"enable_client_http_server", "False"}, {"client_http_port", "9300"}),
			 MC_OK);
	ck_assert_str_eq(logged(), "");
	ck_assert_int_eq(READ(HOST, META, {"enable_client_http_server", "1"}), MC_OK);
	ck_assert_ptr_nonnull(strstr(logged(), "enable_client_http_server has no effect"));
	ck_assert_int_eq(READ(HOST, META, {"enable_ssd_offload", "true"}), MC_ERR_INVALID);
	ck_assert_str_eq(error, "enable_ssd_offload=\"true\": give false: the SSD tier is not "
				"built");
}
END_TEST

START_TEST(what_is_missing_is_named)
{
	ck_assert_int_eq(READ(META), MC_ERR_INVALID);
	ck_assert_ptr_eq(strstr(error, "local_hostname is missing: "), error);
	ck_assert_int_eq(READ(HOST, {"metadata_server", ""}), MC_ERR_INVALID);
	ck_assert_ptr_eq(strstr(error, "metadata_server is missing: give P2PHANDSHAKE"), error);
	ck_assert_int_eq(read_all(NULL, 0), MC_ERR_INVALID);
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(values_that_do_not_parse)
{
	static const struct mc_store_option bad[] = {
		{"global_segment_size", "16MBx"}, {"local_buffer_size", ""},
		{"put_deadline_ms", "-1"}, {"get_deadline_ms", "4294967296"},
		{"rpc_timeout_ms", "1s"}, {"checksum", "maybe"}, {"poll_inline", ""},
		{"huge", "always"}, {"numa", "2"}, {"numa_node", "1024"},
		{"enable_ssd_offload", "x"}, {"enable_client_http_server", "x"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char begin[64];
		struct mc_store_params before = params;

		snprintf(begin, sizeof(begin), "%s=\"%s\": give ", bad[i].name, bad[i].value);
		ck_assert_int_eq(READ(HOST, META, bad[i]), MC_ERR_INVALID);
		ck_assert_msg(strncmp(error, begin, strlen(begin)) == 0, "%s", error);
		ck_assert_int_eq(memcmp(&before, &params, sizeof(params)), 0);
	}
}
END_TEST

START_TEST(errors_are_cut_or_logged)
{
	const struct mc_store_option options[] = {HOST, META, {"checksum", "maybe"}};
	char small[10];

	ck_assert_int_eq(mc_store_params_read(options, 3, &params, small, sizeof(small)),
			 MC_ERR_INVALID);
	ck_assert_str_eq(small, "checksum=");
	ck_assert_str_eq(logged(), "");
	ck_assert_int_eq(mc_store_params_read(options, 3, &params, NULL, 0), MC_ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(logged(), "store: checksum=\"maybe\": give true or false"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store/params");
	TCase *tcase = tcase_create("params");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, sizes_are_what_upstream_reads);
	tcase_add_test(tcase, what_is_no_size);
	tcase_add_test(tcase, two_names_are_enough);
	tcase_add_test(tcase, the_names_of_lmcache);
	tcase_add_test(tcase, upstreams_spelling_wins_wherever_it_stands);
	tcase_add_test(tcase, all_devices);
	tcase_add_test(tcase, the_names_of_the_struct);
	tcase_add_test(tcase, unknown_names_are_told);
	tcase_add_test(tcase, upstreams_other_names);
	tcase_add_test(tcase, what_is_missing_is_named);
	tcase_add_test(tcase, values_that_do_not_parse);
	tcase_add_test(tcase, errors_are_cut_or_logged);
	suite_add_tcase(suite, tcase);
	return suite_run(suite, CK_FORK);
}
