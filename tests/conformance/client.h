/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The active end: a dev, a cq and memory of the test, whose one thread is control and owner in
 * turn. Judges every completion: of an operation that is under way, once, and in time.
 */
#ifndef MC_TESTS_CONFORMANCE_CLIENT_H
#define MC_TESTS_CONFORMANCE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/driver.h"
#include "tests/conformance/server.h"

#define CLIENT_OPS_MAX 8192u
#define CLIENT_EPS_MAX 8u

/* An ep with what it may reach. */
struct path {
	struct mc_ep *ep;
	uint32_t key;
	bool failed;		/* a completion with cookie 0 came */
};

struct client {
	const struct mc_driver_ops *ops;
	struct mc_dev *dev;
	struct mc_cq *cq;
	struct mc_mem *mem;
	uint8_t *memory;
	uint64_t bytes;
	int fd;
	struct path path[CLIENT_EPS_MAX];
	uint32_t paths;
	/* by cookie - 1 */
	bool under_way[CLIENT_OPS_MAX];
	bool done[CLIENT_OPS_MAX];
	enum mc_status status[CLIENT_OPS_MAX];
	uint32_t outstanding;
	uint64_t connect_timeout_ns;
};

void client_open(struct client *client, const struct mc_driver *driver, uint64_t bytes);
void client_close(struct client *client);

/* Connects, attaches, and imports @length bytes at @addr where the driver wants that. */
enum mc_status client_try(struct client *client, const struct server *server, void *addr,
			  uint64_t length, struct path **path_out);
/* The whole memory of the server's mem 0; must work. */
struct path *client_connect(struct client *client, const struct server *server);
/* Detaches if need be, takes all completions, destroys. */
void client_disconnect(struct client *client, struct path *path);

/* One operation of one piece of ours, at @local of our memory. */
struct mc_op client_op(const struct client *client, const struct path *path, enum mc_opcode opcode,
		       uint64_t cookie, const void *remote, uint64_t local, uint32_t length,
		       struct mc_sge *sge);

/* As post(), and notes what was taken. */
uint32_t client_post(struct client *client, struct path *path, const struct mc_op *ops,
		     uint32_t count);
/* Takes completions; returns how many. */
uint32_t client_poll(struct client *client);
/* Until nothing is outstanding; fails the test after 20 s. */
void client_drain(struct client *client);
/* Posts all and drains; @count at most CLIENT_OPS_MAX. Statuses are in client->status. */
void client_run(struct client *client, struct path *path, const struct mc_op *ops, uint32_t count);
/* The same, and every one must be MC_OK. */
void client_run_ok(struct client *client, struct path *path, const struct mc_op *ops,
		   uint32_t count);
/* One operation of any size, cut to the driver's limit; its status, that of the first cut. */
enum mc_status client_move(struct client *client, struct path *path, enum mc_opcode opcode,
			   const void *remote, uint64_t local, uint64_t length);

/* Bytes that differ by seed and place. */
void pattern_fill(uint8_t *at, uint64_t length, uint64_t seed);
bool pattern_check(const uint8_t *at, uint64_t length, uint64_t seed);

#endif
