/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_VERSION_H
#define MC_VERSION_H

#define MC_VERSION "0.1.0"
/* The newest release of Mooncake whose wire formats this version speaks. */
#define MC_VERSION_UPSTREAM "0.3.13.post1"

#endif
