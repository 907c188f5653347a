/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/interrupt.h"

#include <signal.h>
#include <stdatomic.h>

static atomic_int came;

static void
signal_note(int number)
{
	atomic_store_explicit(&came, number, memory_order_relaxed);
}

void
interrupt_watch(void)
{
	/* once: whoever asks again does not want to wait for the order */
	struct sigaction action = {.sa_handler = signal_note, .sa_flags = SA_RESETHAND};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int
interrupt_signal(void)
{
	return atomic_load_explicit(&came, memory_order_relaxed);
}
