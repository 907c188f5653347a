/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end, when mc-bench starts it itself: this program again, as a child that the kernel
 * kills with us. In a process group of its own, as a Ctrl-C is ours to handle.
 */
#ifndef MC_APPS_MC_BENCH_CHILD_H
#define MC_APPS_MC_BENCH_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mc/status.h"

struct child {
	pid_t pid;		/* 0: none, or reaped */
	int out;		/* its standard output; -1: closed */
	int wait_status;	/* once reaped */
	bool stopped;		/* by child_stop(): how it ended is no news */
};

/*
 * Runs this program with @argv (argv[0] too, NULL behind the last). From the main thread: the
 * kernel kills the child when the thread that started it ends. Complains on stderr.
 */
enum mc_status child_start(struct child *child, char *const *argv);
/* The same of the program at @path, with its log, standard error, in its output. */
enum mc_status child_start_program(struct child *child, const char *path, char *const *argv);
#define CHILD_PATH_MAX 4096
/*
 * Where our program @name is: beside this one, in this one's build tree, or in PATH. False: it is
 * in none of these, and stderr says so.
 */
bool child_program_find(const char *name, char path[CHILD_PATH_MAX]);
/*
 * The next line of its output, without the newline. Blocks, not longer than @timeout_ns nor after a
 * signal: MC_ERR_TIMEOUT, MC_ERR_CANCELED. MC_ERR_CONN_CLOSED: it ended, or closed its output.
 */
enum mc_status child_line(struct child *child, char *line, size_t size, uint64_t timeout_ns);
/* Is it there? Reaps it if not. */
bool child_alive(struct child *child);
/* Its output is of no interest any more: what it writes is lost. */
void child_mute(struct child *child);
/* Has it ended by itself within @timeout_ns? Reaps it then. */
bool child_ended(struct child *child, uint64_t timeout_ns);
/* Ends it, by force after 2 s, and reaps it. Harmless when there is none. */
void child_stop(struct child *child);
/* "ended with code 1", "was killed by signal 9 (Killed)"; of a child that was reaped. */
const char *child_text(const struct child *child, char *text, size_t size);

#endif
