/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tcp_rig.h"

#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "drivers/tcp/tcp.h"
#include "tests/support/must.h"

#define PATIENCE_NS (10 * MC_NS_PER_S)

void
rig_open(struct rig *rig)
{
	struct mc_dev_params params = {.size = sizeof(params), .bind_host = "127.0.0.1"};
	struct mc_span span = {.length = RIG_BYTES, .fd = -1, .page_size = 4096};

	memset(rig, 0, sizeof(*rig));
	rig->ops = mc_driver_tcp.ops;
	span.addr = rig->memory = calloc(1, RIG_BYTES);
	must(span.addr != NULL);
	must(rig->ops->open(&params, &rig->dev) == MC_OK);
	must(rig->ops->cq_create(rig->dev, 128, &rig->cq) == MC_OK);
	must(rig->ops->mem_reg(rig->dev, &span, &rig->mem) == MC_OK);
	must(rig->ops->mem_attach(rig->cq, rig->mem) == MC_OK);
	must(rig->ops->listen(rig->dev, &rig->addr) == MC_OK);
}

void
rig_close(struct rig *rig)
{
	rig->ops->mem_detach(rig->cq, rig->mem);
	rig->ops->mem_unreg(rig->mem);
	rig->ops->cq_destroy(rig->cq);
	rig->ops->close(rig->dev);
	free(rig->memory);
}

void
rig_poll(struct rig *rig)
{
	struct mc_completion out[8];
	uint32_t n = rig->dev->fast.poll(rig->cq, out, 8);

	for (uint32_t i = 0; i < n; i++) {
		must(out[i].cookie < RIG_COOKIES);
		if (out[i].cookie == 0) {
			rig->failures++;
			continue;
		}
		must(!rig->done[out[i].cookie]);
		rig->done[out[i].cookie] = true;
		rig->status[out[i].cookie] = out[i].status;
		rig->detail[out[i].cookie] = out[i].detail;
	}
}

enum mc_status
rig_await(struct rig *rig, uint64_t cookie)
{
	uint64_t deadline_ns = mc_clock_mono_ns() + PATIENCE_NS;

	while (!rig->done[cookie]) {
		rig_poll(rig);
		must(mc_clock_mono_ns() < deadline_ns);
	}
	return rig->status[cookie];
}

void
rig_settle(struct rig *rig)
{
	for (int i = 0; i < 40; i++) {
		rig_poll(rig);
		usleep(100);
	}
}

/* ---- the test's own ends ---- */

int
rig_connect(struct rig *rig)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(connect(fd, (struct sockaddr *)&rig->addr.tcp.addr.storage, rig->addr.tcp.addr.len) ==
	     0);
	rig_settle(rig);
	return fd;
}

int
rig_listen(struct mc_peer_addr *addr, uint16_t port)
{
	struct mc_net_addr *at = &addr->tcp.addr;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	must(mc_net_addr_parse("127.0.0.1", port, at) == MC_OK);
	must(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
	must(bind(fd, (struct sockaddr *)&at->storage, at->len) == 0 && listen(fd, 16) == 0);
	must(getsockname(fd, (struct sockaddr *)&at->storage, &at->len) == 0);
	return fd;
}

int
rig_accept(struct rig *rig, int listener)
{
	uint64_t deadline_ns = mc_clock_mono_ns() + PATIENCE_NS;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0) {
		rig_poll(rig);
		must(mc_clock_mono_ns() < deadline_ns);
	}
	return fd;
}

void
rig_send(struct rig *rig, int fd, const void *bytes, size_t len)
{
	uint64_t deadline_ns = mc_clock_mono_ns() + PATIENCE_NS;

	for (size_t at = 0; at < len;) {
		ssize_t n = send(fd, (const uint8_t *)bytes + at, len - at,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		must(n > 0 || errno == EAGAIN);
		at += n > 0 ? (size_t)n : 0;
		rig_poll(rig);
		must(mc_clock_mono_ns() < deadline_ns);
	}
}

size_t
rig_recv(struct rig *rig, int fd, void *bytes, size_t len)
{
	uint64_t deadline_ns = mc_clock_mono_ns() + PATIENCE_NS;
	size_t at = 0;

	while (at < len) {
		ssize_t n = recv(fd, (uint8_t *)bytes + at, len - at, MSG_DONTWAIT);

		if (n == 0)
			return at;
		if (n < 0 && errno == ECONNRESET)
			return SIZE_MAX;
		at += n > 0 ? (size_t)n : 0;
		rig_poll(rig);
		must(mc_clock_mono_ns() < deadline_ns);
	}
	return at;
}

/* ---- the driver's active side ---- */

struct mc_ep *
rig_ep(struct rig *rig, const struct mc_peer_addr *addr, uint8_t version, uint32_t lanes)
{
	struct mc_ep_params params = {.size = sizeof(params), .lanes_max = lanes};
	struct mc_peer_addr peer = *addr;
	struct mc_ep *ep = NULL;

	peer.tcp.version = version;
	must(rig->ops->ep_create(rig->cq, &params, &peer, &ep) == MC_OK);
	must(rig->ops->ep_attach(ep) == MC_OK);
	return ep;
}

void
rig_ep_end(struct rig *rig, struct mc_ep *ep)
{
	rig->ops->ep_detach(ep);
	rig_settle(rig);
	rig->ops->ep_destroy(ep);
}

void
rig_post(struct rig *rig, struct mc_ep *ep, enum mc_opcode opcode, uint64_t cookie, uint64_t remote,
	 uint64_t local, uint32_t length)
{
	struct mc_sge sge = {.addr = rig->memory + local, .length = length};
	struct mc_op op = {.cookie = cookie, .remote_addr = remote, .opcode = opcode,
			   .sge_count = 1, .sge = &sge};

	must(cookie > 0 && cookie < RIG_COOKIES && local + length <= RIG_BYTES);
	rig->done[cookie] = false;
	must(rig->dev->fast.post(ep, &op, 1) == 1);
}

/* ---- recorded frames ---- */

static void
record_read(struct rig_record *record, json_t *line)
{
	const char *hex = json_string_value(json_object_get(line, "hex"));
	json_t *size = json_object_get(line, "size");

	snprintf(record->meaning, sizeof(record->meaning), "%s",
		 json_string_value(json_object_get(line, "meaning")));
	record->conn = (int)json_integer_value(json_object_get(line, "conn"));
	record->len = strlen(hex) / 2;
	record->size = size != NULL ? (size_t)json_integer_value(size) : record->len;
	record->bytes = malloc(record->len + 1);
	for (size_t i = 0; i < record->len; i++) {
		unsigned int byte = 0;

		must(sscanf(hex + 2 * i, "%2x", &byte) == 1);
		record->bytes[i] = (uint8_t)byte;
	}
}

struct rig_record *
rig_records(const char *file, size_t *count_out)
{
	struct rig_record *records = calloc(4096, sizeof(*records));
	char path[4096];
	FILE *in;
	json_t *line;

	snprintf(path, sizeof(path), "%s/transfer/%s", MC_VECTORS, file);
	in = fopen(path, "r");
	must(in != NULL && records != NULL);
	*count_out = 0;
	while ((line = json_loadf(in, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
		must(*count_out < 4096);
		if (json_is_string(json_object_get(line, "hex")) &&
		    json_is_string(json_object_get(line, "meaning")))
			record_read(&records[(*count_out)++], line);
		json_decref(line);
	}
	fclose(in);
	must(*count_out > 0);
	return records;
}

void
rig_records_free(struct rig_record *records, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(records[i].bytes);
	free(records);
}
