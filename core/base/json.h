/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text, written into a buffer: always valid UTF-8, whatever bytes the names have. */
#ifndef MC_CORE_BASE_JSON_H
#define MC_CORE_BASE_JSON_H

#include "core/base/buf.h"
#include "mc/types.h"

/* @text as a string with its quotes; each byte that is in no character becomes U+FFFD. */
enum mc_status mc_json_str(struct mc_buf *out, struct mc_str text);

/* Is @text UTF-8 throughout, so that nothing of it is replaced? */
bool mc_json_is_text(struct mc_str text);

#endif
