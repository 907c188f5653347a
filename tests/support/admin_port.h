/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of core/admin: a master with its admin port, on the thread of the test. The master's
 * reactor is another one than the port's, as in the program, and is polled with it. Requests come
 * by http_client.h; calls of the protocol go to the master's handler directly.
 */
#ifndef MC_TESTS_SUPPORT_ADMIN_PORT_H
#define MC_TESTS_SUPPORT_ADMIN_PORT_H

#include <check.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/admin/admin.h"
#include "tests/support/http_client.h"

/* A test case with the loop, and a master and port of its own for every test. */
TCase *admin_port_tcase(const char *name);

uint16_t admin_port(void);
struct mc_admin *admin_port_admin(void);
/* Before its time; the test goes on without. */
void admin_port_close(void);
/* True: the master's reactor is not polled, so no query is answered. */
void admin_port_stand(bool stand);

/* ---- the protocol; any error fails the test ---- */

#define ADMIN_PORT_CLIENT ((struct mc_uuid){7, 8})

void admin_port_mount(const char *name, uint64_t number, uint64_t size);
void admin_port_put(const char *key, uint64_t size);
/* Whatever @fn answers: the error of its result. */
int32_t admin_port_call(enum mc_fn fn, const struct mc_args *args);

/* ---- what is answered ---- */

/* The JSON of an answer, which must have @status and the type. To be freed. */
json_t *admin_port_json(const char *method, const char *target, const char *body,
			unsigned int status);
/* @json's member; frees @wanted. */
void admin_port_member(const json_t *json, const char *name, json_t *wanted);
/* The text of a GET, until the next request. */
const char *admin_port_text(const char *target);

#endif
