/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor of a peer: refused with a reason, or the same again when written and read. */
#include <stdlib.h>
#include <string.h>

#include "core/meta/descriptor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must_hold(bool condition)
{
	if (!condition)
		abort();
}

static void
written_again(const struct mc_desc *desc)
{
	char error[MC_DESC_ERROR_MAX];
	struct mc_desc *clone = mc_desc_clone(desc), *again;
	struct mc_buf out;

	must_hold(clone != NULL);
	mc_buf_init(&out);
	must_hold(mc_desc_write(clone, &out) == MC_OK);
	/* devices of other protocols have addresses that are not kept */
	if (mc_desc_read((struct mc_str){(char *)out.data, mc_buf_len(&out)}, &again, error) ==
	    MC_OK) {
		must_hold(strcmp(again->name, desc->name) == 0);
		must_hold(again->buffers_count == desc->buffers_count);
		must_hold(memcmp(&again->own, &desc->own, sizeof(desc->own)) == 0);
		for (uint32_t i = 0; i < desc->buffers_count; i++)
			must_hold(again->buffers[i].addr == desc->buffers[i].addr &&
				  again->buffers[i].length == desc->buffers[i].length);
		mc_desc_free(again);
	} else {
		must_hold(strcmp(desc->protocol, "tcp") != 0);
		must_hold(strcmp(desc->protocol, "rdma") != 0);
	}
	mc_buf_fini(&out);
	mc_desc_free(clone);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mc_str json = {(const char *)data, size};
	char error[MC_DESC_ERROR_MAX] = "";
	struct mc_rpc_meta meta;
	struct mc_desc *desc;

	if (mc_desc_read(json, &desc, error) == MC_OK) {
		written_again(desc);
		mc_desc_free(desc);
	} else {
		must_hold(error[0] != '\0');
	}
	error[0] = '\0';
	must_hold(mc_rpc_meta_read(json, &meta, error) == MC_OK || error[0] != '\0');
	return 0;
}
