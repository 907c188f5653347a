/* SPDX-License-Identifier: Apache-2.0 */
/* SIGINT and SIGTERM: the first ends the bench in order, a second one at once. */
#ifndef MC_APPS_MC_BENCH_INTERRUPT_H
#define MC_APPS_MC_BENCH_INTERRUPT_H

/* From now on the two are caught, once each. */
void interrupt_watch(void);
/* The signal that came; 0: none. Any thread. */
int interrupt_signal(void);

#endif
