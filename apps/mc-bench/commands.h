/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of mc-bench: each gets its own argv, argv[0] its name, and returns an exit code. */
#ifndef MC_APPS_MC_BENCH_COMMANDS_H
#define MC_APPS_MC_BENCH_COMMANDS_H

int bench_master(int argc, const char *const *argv);
int bench_replay(int argc, const char *const *argv);
int bench_store(int argc, const char *const *argv);
int bench_topo(int argc, const char *const *argv);
int bench_transfer(int argc, const char *const *argv);

#endif
