/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver for peers that are reached by sockets, upstream's processes among them: its data
 * channel, versions 1 and 2, in both roles. See doc/drivers/tcp.md.
 */
#ifndef MC_DRIVERS_TCP_TCP_H
#define MC_DRIVERS_TCP_TCP_H

#include "drivers/driver.h"

extern const struct mc_driver mc_driver_tcp;

#endif
