/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory straight from the kernel, zeroed when it is first touched: mapping costs no time in
 * proportion to its size, and none is used before it is needed. Any thread.
 */
#ifndef MC_CORE_BASE_PAGES_H
#define MC_CORE_BASE_PAGES_H

#include <stddef.h>

/* @align: 0, or a power of two of at least a page. NULL: no memory. */
void *mc_pages_map(size_t bytes, size_t align);
/* What mc_pages_map() gave, with the same @bytes; NULL is fine. */
void mc_pages_unmap(void *at, size_t bytes);

/*
 * Lets the kernel gather these pages to huge ones (2 MiB) in the background. For memory that has
 * been filled, never before: the first touch of a huge page clears all of it, 4.5 to 5 ms where
 * measured in a virtual machine, and a page that is never filled would take its 2 MiB all the same.
 */
void mc_pages_gather(void *at, size_t bytes);

#endif
