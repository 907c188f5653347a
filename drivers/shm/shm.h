/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers on this host: a transfer is one copy by the initiator, into or out of the peer's memory,
 * which it has mapped (drivers/driver.h is the interface, doc/drivers/shm.md the protocol).
 */
#ifndef MC_DRIVERS_SHM_SHM_H
#define MC_DRIVERS_SHM_SHM_H

#include "drivers/driver.h"

extern const struct mc_driver mc_driver_shm;

#endif
