/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of peers inside the process, for tests of the engine: what one engine publishes,
 * another one resolves. Tests make peers disappear, answer late, or come back as another process.
 */
#ifndef MC_TESTS_SUPPORT_FAKE_DIRECTORY_H
#define MC_TESTS_SUPPORT_FAKE_DIRECTORY_H

#include "core/engine/engine.h"

extern const struct engine_directory fake_directory;

/* resolve() answers @status for @name from now on; MC_OK: what was published. */
void fake_directory_status(const char *name, enum mc_status status);
/* Publishes @desc (copied) for its name, as a process of another kind would. */
void fake_directory_put(const struct mc_desc *desc);
/* What is published under @name, or NULL; the caller frees. */
struct mc_desc *fake_directory_get(const char *name);
/* How often @name was asked for. */
unsigned int fake_directory_asked(const char *name);
/* Forgets everything. */
void fake_directory_clear(void);

#endif
