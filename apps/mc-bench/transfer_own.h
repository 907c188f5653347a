/* SPDX-License-Identifier: Apache-2.0 */
/* The target that mc-bench transfer starts itself when it is given no peer. */
#ifndef MC_APPS_MC_BENCH_TRANSFER_OWN_H
#define MC_APPS_MC_BENCH_TRANSFER_OWN_H

#include "apps/mc-bench/child.h"
#include "apps/mc-bench/transfer_options.h"

/* A name without a second: as given with P2PHANDSHAKE, else with a port of this process. */
void transfer_own_name(char *text, size_t size, const char *name, const char *metadata,
		       unsigned int end);

/*
 * On a started runtime, so that the target gets another CPU, where there is one. @segment gets the
 * name to open. Complains on stderr; no child is left then.
 */
enum mc_status transfer_own_start(struct child *child, const struct transfer_options *options,
				  char *segment, size_t size);

#endif
