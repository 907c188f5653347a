/* SPDX-License-Identifier: Apache-2.0 */
/* What a command's flags asked for in place of a run: help, version, configuration. */
#ifndef MC_APPS_MC_BENCH_REQUEST_H
#define MC_APPS_MC_BENCH_REQUEST_H

#include "apps/cli/flags.h"

/* Prints it; @usage stands before the help. Returns an exit code. */
int request_serve(const struct mc_flags *flags, const char *usage);
/* The command line as one text, "mc-bench store …", from malloc(); NULL: out of memory. */
char *request_command(int argc, const char *const *argv);

#endif
