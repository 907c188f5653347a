/* SPDX-License-Identifier: Apache-2.0 */
/* Private to admin*.c. */
#ifndef MC_CORE_MASTER_ADMIN_PRIVATE_H
#define MC_CORE_MASTER_ADMIN_PRIVATE_H

#include "core/base/list.h"
#include "core/http/http.h"
#include "core/master/admin.h"

/* Counters as they stood when the last summary was made, for its rates. */
struct admin_snapshot {
	uint64_t at_ns;
	uint64_t calls[MC_FN_COUNT];
	uint64_t failures[MC_FN_COUNT];
	uint64_t items[MC_FN_COUNT];
	uint64_t item_failures[MC_FN_COUNT];
	uint64_t partial[MC_FN_COUNT];
};

struct mc_admin {
	struct mc_admin_params params;
	struct mc_http_server *http;
	bool serving;
	struct mc_list asking;		/* queries under way */
	struct admin_snapshot last;
};

/* All samples but those of segments, which come from a query. */
void mc_admin_metrics_write(struct mc_admin *admin, struct mc_buf *out);
void mc_admin_summary_write(struct mc_admin *admin, struct mc_buf *out);

#endif
