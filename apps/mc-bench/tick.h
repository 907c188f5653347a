/* SPDX-License-Identifier: Apache-2.0 */
/* How the main thread passes the time while others work: short sleeps, after which it looks. */
#ifndef MC_APPS_MC_BENCH_TICK_H
#define MC_APPS_MC_BENCH_TICK_H

#include <stdint.h>

/* At most @ns; a signal ends it early. */
void tick_sleep(uint64_t ns);

#endif
