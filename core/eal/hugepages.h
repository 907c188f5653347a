/* SPDX-License-Identifier: Apache-2.0 */
/* Private to core/eal: may EAL take hugepages? */
#ifndef MC_CORE_EAL_HUGEPAGES_H
#define MC_CORE_EAL_HUGEPAGES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True when @mb MiB of 2 MiB pages are free and not reserved by others. @text gets one line that
 * says what is used, and why not hugepages.
 */
bool mc_hugepages_choose(unsigned int mb, char *text, size_t size);

#endif
