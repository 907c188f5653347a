/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which release a caller is of. Most calls of different releases differ in their argument hash and
 * so say it themselves; a few (GetReplicaList first of all) look the same in several releases, but
 * want differently laid out results. For these the answer's release comes from, in this order:
 *
 *   1. what earlier calls of the same connection left possible,
 *   2. which releases were seen at the caller's address during the last SEEN_S seconds, as a client
 *      pools several connections,
 *   3. --abi_default, when it is among those left, else the newest left.
 *
 * An exact port (--abi_ports) leaves one release from the start.
 */
#include <netinet/in.h>
#include <xxhash.h>

#include "core/base/clock.h"
#include "core/master/state.h"

#define SEEN_S 3600u
#define PROBES 8u

static void
address_ip(const struct mc_net_addr *addr, uint8_t ip_out[16])
{
	memset(ip_out, 0, 16);
	if (addr->storage.ss_family == AF_INET6)
		memcpy(ip_out, &((const struct sockaddr_in6 *)&addr->storage)->sin6_addr, 16);
	else
		memcpy(ip_out + 12, &((const struct sockaddr_in *)&addr->storage)->sin_addr, 4);
}

static uint32_t
address_latest(const struct master_address *address)
{
	uint32_t latest = 0;

	for (unsigned int i = 0; i < MC_RELEASE_COUNT; i++) {
		if (address->seen_s[i] > latest)
			latest = address->seen_s[i];
	}
	return latest;
}

/* The entry of @ip, or the one among its places that was quiet for longest. */
static struct master_address *
address_slot(struct mc_master *master, const uint8_t ip[16])
{
	uint64_t hash = XXH3_64bits(ip, 16);
	struct master_address *oldest = NULL;

	for (uint32_t i = 0; i < PROBES; i++) {
		struct master_address *slot = &master->addresses[(hash + i) % MC_ADDRESSES];

		if (memcmp(slot->ip, ip, 16) == 0)
			return slot;
		if (oldest == NULL || address_latest(slot) < address_latest(oldest))
			oldest = slot;
	}
	return oldest;
}

static uint32_t
seconds(const struct mc_master *master)
{
	/* 1 and up: 0 is "never" */
	return (uint32_t)(mc_reactor_now(master->exec) / MC_NS_PER_S) + 1;
}

static void
address_note(struct mc_master *master, const struct mc_net_addr *addr, enum mc_release release)
{
	uint8_t ip[16];
	struct master_address *slot;

	address_ip(addr, ip);
	slot = address_slot(master, ip);
	if (memcmp(slot->ip, ip, 16) != 0) {
		memset(slot, 0, sizeof(*slot));
		memcpy(slot->ip, ip, 16);
	}
	slot->seen_s[release] = seconds(master);
}

static mc_release_set
address_releases(struct mc_master *master, const struct mc_net_addr *addr)
{
	uint32_t now = seconds(master);
	mc_release_set seen = 0;
	uint8_t ip[16];
	const struct master_address *slot;

	address_ip(addr, ip);
	slot = address_slot(master, ip);
	if (memcmp(slot->ip, ip, 16) != 0)
		return 0;
	for (unsigned int i = 0; i < MC_RELEASE_COUNT; i++) {
		if (slot->seen_s[i] != 0 && now - slot->seen_s[i] < SEEN_S)
			seen |= MC_RELEASE_BIT(i);
	}
	return seen;
}

static enum mc_release
newest(mc_release_set set)
{
	return (enum mc_release)(31 - __builtin_clz(set));
}

/* All of @set want the same result of @fn. */
static bool
same_result(enum mc_fn fn, mc_release_set set)
{
	return (set & ~mc_result_same(fn, newest(set))) == 0;
}

enum mc_release
mc_release_choose(struct mc_master *master, struct mc_rpc_peer *peer,
		  const struct mc_request *request)
{
	mc_release_set left = peer->releases & request->releases;
	mc_release_set seen;

	/* another program behind the same connection: a proxy, say */
	if (left == 0)
		left = request->releases;
	if (left != peer->releases) {
		peer->releases = left;
		if ((left & (left - 1)) == 0)
			address_note(master, &peer->addr, newest(left));
	}
	if (same_result(request->fn, left))
		return newest(left);
	seen = left & address_releases(master, &peer->addr);
	if (seen != 0)
		left = seen;
	if (same_result(request->fn, left))
		return newest(left);
	if ((left & MC_RELEASE_BIT(master->params.release_default)) != 0)
		return master->params.release_default;
	return newest(left);
}
