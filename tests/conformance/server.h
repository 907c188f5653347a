/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The passive end: a thread of the test, or a process of its own that can be killed. Its memory is
 * mapped in the test too, so that contents are looked at without the driver under test.
 */
#ifndef MC_TESTS_CONFORMANCE_SERVER_H
#define MC_TESTS_CONFORMANCE_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "drivers/driver.h"

#define SERVER_LOOPS_MAX 2
#define SERVER_MEMS_MAX 4

struct server_params {
	const struct mc_driver *driver;
	bool process;
	bool host_memory;	/* no memfd behind it */
	uint32_t loops;		/* cqs, with a thread each; 0: 1 */
	uint32_t mems;		/* registered one by one, adjacent; 0: 1 */
	uint64_t mem_bytes;	/* of each: whole pages */
};

struct server_loop {
	struct server *server;
	struct mc_cq *cq;
	int ours;		/* ends of the socket for commands: the loop's */
	int tests;		/* and the test's */
	pthread_t thread;
};

struct server {
	struct server_params params;
	struct mc_peer_addr addr;
	uint8_t *memory;	/* all mems */
	int fd;			/* behind it; -1: host memory */
	uint32_t loops;
	uint32_t mems;
	pid_t pid;		/* params.process */
	bool running;
	/* the passive end's own */
	struct mc_dev *dev;
	struct mc_mem *mem[SERVER_MEMS_MAX];
	struct server_loop loop[SERVER_LOOPS_MAX];
};

/* Listens with all of its memory attached when it returns. Aborts the test on failure. */
void server_start(struct server *server, const struct server_params *params);
void server_stop(struct server *server);
/* -9, and waits until it is gone. */
void server_kill(struct server *server);
/* In every loop, one after the other. */
void server_mem_attach(struct server *server, uint32_t index);
void server_mem_detach(struct server *server, uint32_t index);

/* Memory as a test registers it: shared with children, pages of a sealed memfd or of none. */
uint8_t *memory_create(uint64_t bytes, bool host, int *fd_out);
void memory_destroy(uint8_t *memory, uint64_t bytes, int fd);
struct mc_mem *memory_reg(struct mc_dev *dev, uint8_t *memory, uint64_t offset, uint64_t bytes,
			  int fd);

#endif
