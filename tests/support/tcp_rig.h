/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cq of drivers/tcp, polled by the test, and sockets of the test's own that play its peer byte by
 * byte; recorded frames to play. Aborts the test on failure.
 */
#ifndef MC_TESTS_SUPPORT_TCP_RIG_H
#define MC_TESTS_SUPPORT_TCP_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/driver.h"

#define RIG_BYTES (4u << 20)
#define RIG_COOKIES 256u

struct rig {
	const struct mc_driver_ops *ops;
	struct mc_dev *dev;
	struct mc_cq *cq;
	struct mc_mem *mem;	/* of memory, attached */
	uint8_t *memory;	/* RIG_BYTES */
	struct mc_peer_addr addr;	/* of the driver's listener */
	bool done[RIG_COOKIES];
	int32_t status[RIG_COOKIES];
	uint32_t detail[RIG_COOKIES];
	uint32_t failures;	/* with cookie 0 */
};

void rig_open(struct rig *rig);
void rig_close(struct rig *rig);
void rig_poll(struct rig *rig);
/* Until operation @cookie is done; its status. */
enum mc_status rig_await(struct rig *rig, uint64_t cookie);
/* Polls for a while in which nothing should happen. */
void rig_settle(struct rig *rig);

/* The test's own ends. */
int rig_connect(struct rig *rig);			/* to the driver */
int rig_listen(struct mc_peer_addr *addr, uint16_t port);	/* for the driver to connect to */
int rig_accept(struct rig *rig, int listener);
void rig_send(struct rig *rig, int fd, const void *bytes, size_t len);
/* Fewer than @len: the peer closed; SIZE_MAX: it reset. */
size_t rig_recv(struct rig *rig, int fd, void *bytes, size_t len);

struct mc_ep *rig_ep(struct rig *rig, const struct mc_peer_addr *addr, uint8_t version,
		     uint32_t lanes);
void rig_ep_end(struct rig *rig, struct mc_ep *ep);
/* @local: an offset in memory. */
void rig_post(struct rig *rig, struct mc_ep *ep, enum mc_opcode opcode, uint64_t cookie,
	      uint64_t remote, uint64_t local, uint32_t length);

/* A line of tests/vectors/transfer that has bytes: the first @len of @size. */
struct rig_record {
	char meaning[64];
	int conn;		/* 0: there is but one at a time */
	uint8_t *bytes;
	size_t len;
	size_t size;
};
struct rig_record *rig_records(const char *file, size_t *count_out);
void rig_records_free(struct rig_record *records, size_t count);

#endif
