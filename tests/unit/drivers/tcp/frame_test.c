/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tcp/frame.h"

#include <check.h>
#include <string.h>

#include "tests/support/suite.h"

/* As upstream's 0.3.13.post1 sent it, and as an initiator with garbage in the padding did. */
static const uint8_t read_v2[] = {0x64, 0, 0, 0, 0, 0, 0, 0, 0xd0, 0x71, 0x95, 0x15,
				  0x04, 0x56, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0};
static const uint8_t write_v1[] = {0x0c, 0, 0, 0, 0, 0, 0, 0, 0x50, 0xd0, 0x5f, 0x7d,
				   0x10, 0x7f, 0, 0, 0x01, 0xaa, 0xbb, 0xcc,
				   0xdd, 0xee, 0xff, 0x11};

START_TEST(recorded_headers)
{
	struct tcp_header header = tcp_header_decode(read_v2);
	uint8_t out[TCP_HEADER_BYTES];

	ck_assert_uint_eq(header.size, 100);
	ck_assert_uint_eq(header.addr, 0x5604159571d0);
	ck_assert(!header.write);
	ck_assert_uint_eq(header.version, 2);
	tcp_header_encode(&header, out);
	ck_assert_mem_eq(out, read_v2, sizeof(out));

	header = tcp_header_decode(write_v1);
	ck_assert_uint_eq(header.size, 12);
	ck_assert_uint_eq(header.addr, 0x7f107d5fd050);
	ck_assert(header.write);
	ck_assert_uint_eq(header.version, 1);
	tcp_header_encode(&header, out);
	ck_assert_mem_eq(out, write_v1, 17);
	for (int i = 17; i < 24; i++)
		ck_assert_uint_eq(out[i], 0);
}
END_TEST

START_TEST(every_opcode)
{
	uint8_t wire[TCP_HEADER_BYTES] = {0};

	for (unsigned int opcode = 0; opcode < 256; opcode++) {
		struct tcp_header header;

		wire[16] = (uint8_t)opcode;
		header = tcp_header_decode(wire);
		ck_assert(header.write == ((opcode & 0x7f) == 1));
		ck_assert_uint_eq(header.version, opcode >= 0x80 ? 2 : 1);
	}
}
END_TEST

START_TEST(statuses)
{
	static const uint8_t ok[] = {0, 0, 0, 0, 0x56, 0x54, 0x43, 0x4d};
	static const uint8_t rejected[] = {1, 0, 0, 0, 0x56, 0x54, 0x43, 0x4d};
	uint8_t out[TCP_STATUS_BYTES];
	uint32_t code = 99;

	tcp_status_encode(TCP_CODE_OK, out);
	ck_assert_mem_eq(out, ok, 8);
	tcp_status_encode(TCP_CODE_REJECTED, out);
	ck_assert_mem_eq(out, rejected, 8);
	ck_assert(tcp_status_decode(ok, &code));
	ck_assert_uint_eq(code, 0);
	for (int i = 4; i < 8; i++) {
		memcpy(out, ok, 8);
		out[i] ^= 0x10;
		ck_assert(!tcp_status_decode(out, &code));
	}
	tcp_status_encode(0xdeadbeef, out);
	ck_assert(tcp_status_decode(out, &code));
	ck_assert_uint_eq(code, 0xdeadbeef);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("drivers/tcp/frame");
	TCase *tc = tcase_create("frame");

	tcase_add_test(tc, recorded_headers);
	tcase_add_test(tc, every_opcode);
	tcase_add_test(tc, statuses);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
