/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer may send to a master: bytes on a connection, cut anywhere, against a whole master
 * with objects in it. Whatever comes, the other client's connection and object stay as they were.
 * The first byte says where the bytes are cut.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/endian.h"
#include "tests/support/sim_master.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ensure(bool held)
{
	if (!held)
		abort();
}

static void
begin_once(void)
{
	static bool begun;

	if (!begun)
		sim_begin();
	begun = true;
}

/* A client that is alive, with objects that the recorded requests ask for and one of its own. */
static struct sim_client
neighbour_open(void)
{
	struct sim_client client = sim_client_open(7, MC_RELEASE_NEWEST);
	struct mc_replicate_config pinned = {.replica_num = 1, .with_hard_pin = true};

	ensure(sim_mount(&client, "127.0.0.1:1", 1, 4 * SIM_MIB) == 0);
	ensure(sim_mount(&client, "127.0.0.1:2", 2, 4 * SIM_MIB) == 0);
	ensure(sim_put_start(&client, "mine", 1000, &pinned, NULL) == 0);
	ensure(sim_put_end(&client, "mine") == 0);
	for (int i = 0; i < 20; i++) {
		char key[] = "k0";

		key[1] = (char)('a' + i);
		ensure(sim_put(&client, key, 100000) == 0);
	}
	return client;
}

static void
neighbour_check(struct sim_client *client)
{
	struct mc_replica_desc desc;

	/* what a request may well do: unmount, or remove by force */
	int32_t count = sim_get(client, "mine", &desc, 1);

	ensure(count == -703 || count == -704 || (count == 1 && desc.buffer.size == 1000));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sim_client neighbour, peer;
	size_t cut;

	if (size == 0)
		return 0;
	begin_once();
	sim_master_open(NULL);
	neighbour = neighbour_open();
	peer = sim_client_open(8, MC_RELEASE_NEWEST);
	cut = data[0] == 0 ? size : data[0];
	for (size_t at = 1; at < size && sim_client_alive(&peer); at += cut)
		sim_send_bytes(&peer, data + at, size - at < cut ? size - at : cut);
	sim_settle();
	neighbour_check(&neighbour);
	sim_advance_ms(11000);
	sim_master_close();
	return 0;
}
