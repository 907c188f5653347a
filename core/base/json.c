/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/json.h"

/* Bytes of the UTF-8 character that @text begins with; 0: it is none. */
static size_t
utf8_len(struct mc_str text)
{
	unsigned char first = (unsigned char)text.ptr[0], second;
	size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	if (first > 0xf4 || len > text.len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((text.ptr[i] & 0xc0) != 0x80)
			return 0;
	}
	if (len < 3)
		return len;
	/* longer than need be, a surrogate, past the last one */
	second = (unsigned char)text.ptr[1];
	if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
	    (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
		return 0;
	return len;
}

bool
mc_json_is_text(struct mc_str text)
{
	while (text.len > 0) {
		size_t len = utf8_len(text);

		if (len == 0)
			return false;
		text.ptr += len;
		text.len -= len;
	}
	return true;
}

static bool
plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

enum mc_status
mc_json_str(struct mc_buf *out, struct mc_str text)
{
	enum mc_status st = mc_buf_append(out, "\"", 1);

	while (st == MC_OK && text.len > 0) {
		unsigned char c = (unsigned char)text.ptr[0];
		size_t len = 0;

		while (len < text.len && plain((unsigned char)text.ptr[len]))
			len++;
		if (len > 0 || (c >= 0x80 && (len = utf8_len(text)) > 0)) {
			st = mc_buf_append(out, text.ptr, len);
		} else {
			len = 1;
			if (c == '"' || c == '\\')
				st = mc_buf_printf(out, "\\%c", c);
			else
				st = mc_buf_printf(out, "\\u%04x", c < 0x80 ? c : 0xfffd);
		}
		text.ptr += len;
		text.len -= len;
	}
	return st == MC_OK ? mc_buf_append(out, "\"", 1) : st;
}
