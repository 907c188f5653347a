/* SPDX-License-Identifier: Apache-2.0 */
/* What mc-bench topo prints, appended to a buffer. */
#ifndef MC_APPS_MC_BENCH_TOPO_REPORT_H
#define MC_APPS_MC_BENCH_TOPO_REPORT_H

#include "core/base/buf.h"
#include "core/topo/topo.h"

enum mc_status topo_table_write(const struct mc_topo *topo, struct mc_buf *out);
/* One object in one line. What is not known is null. */
enum mc_status topo_json_write(const struct mc_topo *topo, struct mc_buf *out);

#endif
