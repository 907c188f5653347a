/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reactor that belongs to no thread: those who wait for something of it run it in turns, and a
 * keeper thread does while nobody waits. A thread that is in a call so finds its answer itself, and
 * needs nobody to be woken for it; the keeper sleeps on the reactor's descriptor without holding
 * the turn, and steps back for a while when it finds others at work.
 */
#ifndef MC_CORE_EAL_TURNS_H
#define MC_CORE_EAL_TURNS_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/base/list.h"
#include "core/eal/reactor.h"

struct mc_turns;

/* What a thread waits for. Zero-initialise; its memory must live until the wait returned. */
struct mc_turn {
	struct mc_list link;		/* while its thread sleeps */
	_Atomic uint32_t word;		/* a futex: see turns.c */
};

/* No thread yet: until mc_turns_keep() the reactor may be run directly. */
enum mc_status mc_turns_create(struct mc_reactor *reactor, struct mc_turns **turns_out);
/* Not while it has a keeper. NULL is fine. */
void mc_turns_destroy(struct mc_turns *turns);
/* Starts the keeper. @name is the thread's, at most 15 bytes. MC_ERR_NO_MEMORY: no thread. */
enum mc_status mc_turns_keep(struct mc_turns *turns, const char *name);
/* Stops it, and blocks until then; nothing if there is none. Callers still take turns. */
void mc_turns_leave(struct mc_turns *turns);

/* Any thread but one that is running the reactor. Returns after mc_turn_over(). */
void mc_turns_wait(struct mc_turns *turns, struct mc_turn *turn);
/* The same where another thread runs the reactor, or, with @reactor, this one does alone. */
void mc_turn_wait_for(struct mc_turn *turn, struct mc_reactor *reactor);
/* On whoever runs the reactor; @turn is the waiter's again at once. */
void mc_turn_over(struct mc_turn *turn);
/* After a message was sent to the reactor that nobody waits for. Any thread. */
void mc_turns_nudge(struct mc_turns *turns);

#endif
