/* SPDX-License-Identifier: Apache-2.0 */
/* A result as a client gets it: a byte for the function, one for the release, then a body. */
#include <stdlib.h>

#include "core/wire/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Room for any result: the largest is a copy's. */
union any_result {
	struct mc_result_copy copy;
	struct mc_result_task task;
	struct mc_result_replicas replicas;
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	union any_result result = {0};
	enum mc_release release;
	struct mc_writer writer;
	struct mc_buf buf;
	enum mc_fn fn;

	mc_wire_init();
	if (size < 2)
		return 0;
	fn = (enum mc_fn)(data[0] % MC_FN_COUNT);
	release = (enum mc_release)(data[1] % MC_RELEASE_COUNT);
	if (mc_result_decode(data + 2, size - 2, fn, release, &result) != MC_OK)
		return 0;
	mc_buf_init(&buf);
	mc_result_open(&writer, &buf, fn, release, MC_FORM_SHORT,
		       mc_result_longest(fn, release, &result));
	mc_result_put(&writer, &result);
	if (mc_result_close(&writer) != MC_OK ||
	    mc_result_decode(buf.data, mc_buf_len(&buf), fn, release, &result) != MC_OK)
		abort();
	mc_buf_fini(&buf);
	return 0;
}
