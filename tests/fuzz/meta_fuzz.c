/* SPDX-License-Identifier: Apache-2.0 */
/* What the metadata server makes of a key and of a stored rpc_meta body: first line, rest. */
#include <stdlib.h>
#include <string.h>

#include "core/meta/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line_end = memchr(data, '\n', size);
	size_t key_len = line_end != NULL ? (size_t)(line_end - data) : size;
	struct mc_str key = {(const char *)data, key_len};
	struct mc_str prefix, name;
	struct mc_net_addr addr;
	char ram[META_KEY_MAX + 8];

	if (key_len > 0 && key_len <= META_KEY_MAX && mc_meta_key_split(key, &prefix, &name)) {
		size_t len = mc_meta_ram_key(prefix, name, ram, sizeof(ram));

		/* the parts lie in the key, in order */
		if (prefix.ptr != key.ptr || name.ptr + name.len != key.ptr + key.len ||
		    len >= sizeof(ram))
			abort();
	}
	if (line_end != NULL &&
	    mc_meta_rpc_addr(line_end + 1, size - key_len - 1, &addr) == MC_OK &&
	    mc_net_addr_port(&addr) == 0)
		abort();
	return 0;
}
