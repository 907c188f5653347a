/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for the engine (mc/engine.h) where what drives it is tested: one peer whose memory is
 * this process's own, transfers that are copied when they are polled or by a thread, and faults.
 */
#ifndef MC_TESTS_SUPPORT_FAKE_ENGINE_H
#define MC_TESTS_SUPPORT_FAKE_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mc/engine.h"

struct fake_engine {
	uint8_t *remote;		/* the peer's buffer; set before mc_segment_open() */
	uint64_t remote_length;
	bool threaded;			/* completes on a thread of its own */
	uint64_t fail_at;		/* the transfer with this number, from 1, fails; 0: none */
	enum mc_status fail_status;
	uint64_t flip_at;		/* and this one gets a wrong byte in the middle */
	uint64_t drop_at;		/* this one moves nothing, and says that all is well */
	uint64_t again_every;		/* so many submits find no room; 0: none */
	_Atomic uint64_t transfers, reads, writes;
	_Atomic uint64_t bytes;
	atomic_uint flying, flying_max;
};

/* All zero, but for what the test wants. */
extern struct fake_engine fake_engine;

#endif
