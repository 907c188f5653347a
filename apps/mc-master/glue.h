/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the master on its lcore and the metadata server on the control thread: neither knows the
 * other.
 */
#ifndef MC_APPS_MC_MASTER_GLUE_H
#define MC_APPS_MC_MASTER_GLUE_H

#include "core/base/list.h"
#include "core/eal/reactor.h"
#include "core/master/master.h"
#include "core/meta/meta.h"

struct glue {
	struct mc_reactor *control;
	struct mc_master *master;
	struct mc_meta *meta;		/* NULL: none in this process */
	struct mc_list drops;		/* under way; control thread */
};

void glue_init(struct glue *glue, struct mc_reactor *control);
/* When neither side runs any more. */
void glue_fini(struct glue *glue);

/* mc_meta_params.evict_endpoint; control thread. */
void glue_evict_endpoint(void *context, const char *endpoint, void (*done)(void *done_context),
			 void *done_context);
/* mc_master_params.client_expired; the master's lcore. */
void glue_client_expired(void *context, const char *segment_name);

#endif
