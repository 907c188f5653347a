/* SPDX-License-Identifier: Apache-2.0 */
/* A peer's buffers made reachable, and given up: by us, or taken back by the peer. */
#include <unistd.h>

#include "core/base/clock.h"
#include "drivers/shm/private.h"

#define ASK_TIMEOUT_NS (5 * MC_NS_PER_S)
/* What one look at the sockets unmaps at most: under 1 ms with small pages. */
#define UNMAP_BYTES (8ull << 20)

static bool
state_change(struct shm_import *import, uint32_t from, uint32_t to)
{
	return atomic_compare_exchange_strong(&import->state, &from, to);
}

static enum mc_status
slot_find(const struct shm_ep *ep, uint32_t *slot_out)
{
	for (uint32_t slot = 0; slot < SHM_SLOTS; slot++) {
		if (atomic_load(&ep->imports[slot].state) == SHM_SLOT_FREE) {
			*slot_out = slot;
			return MC_OK;
		}
	}
	return MC_ERR_TOO_LARGE;
}

static bool
revoked(const struct shm_ep *ep, uint32_t slot)
{
	return atomic_load(&ep->gate->revoked[slot]) != 0;
}

struct in_vain {
	struct shm_ep *ep;
	uint32_t slot;
};

static bool
in_vain(void *context)
{
	const struct in_vain *import = context;

	return revoked(import->ep, import->slot) || atomic_load(&import->ep->dead);
}

static enum mc_status
import_fill(struct shm_ep *ep, uint32_t slot, const struct shm_msg *answer, int fd)
{
	struct shm_import *import = &ep->imports[slot];
	struct shm_file file = {fd, answer->offset, import->length, answer->page_size};
	struct in_vain context = {ep, slot};
	struct shm_stop stop = {in_vain, &context};
	enum mc_status st;

	import->mapping = NULL;
	if (answer->type == SHM_NONE)
		return MC_ERR_ADDRESS_REJECTED;
	if (answer->type != SHM_HOST && (answer->type != SHM_MAP || fd < 0))
		return MC_ERR_PROTOCOL;
	if (ep->own) {
		import->kind = SHM_KIND_OWN;
		import->local = (char *)(uintptr_t)import->addr;
		return MC_OK;
	}
	if (answer->type == SHM_HOST) {
		import->kind = SHM_KIND_CMA;
		return shm_cma_probe(ep, import->addr, import->length);
	}
	import->kind = SHM_KIND_MAPPED;
	st = shm_map(shm_dev(ep->base.dev), &file, stop, &import->mapping);
	if (st == MC_OK)
		import->local = shm_mapping_at(import->mapping, answer->offset);
	return st;
}

/* The passive side drops what it noted; that it may be gone is no matter. */
static void
slot_release(struct shm_ep *ep, uint32_t slot)
{
	struct shm_msg release = {.type = SHM_RELEASE, .slot = slot};

	if (ep->ask >= 0 && shm_msg_send(ep->ask, &release, -1) != MC_OK) {
		close(ep->ask);		/* else it would refuse the slot for ever */
		ep->ask = -1;
	}
}

enum mc_status
shm_ep_import(struct mc_ep *base, uint64_t addr, uint64_t length, uint32_t *key_out)
{
	struct shm_ep *ep = shm_ep(base);
	struct shm_msg ask = {.type = SHM_ASK, .addr = addr, .length = length}, answer;
	struct shm_import *import;
	enum mc_status st = slot_find(ep, &ask.slot);
	int fd = -1;

	if (st != MC_OK)
		return st;
	if (length == 0 || addr + length < addr)
		return MC_ERR_ADDRESS_REJECTED;
	st = shm_ep_ask(ep, &ask, ASK_TIMEOUT_NS, &answer, &fd);
	if (st != MC_OK)
		return st;
	import = &ep->imports[ask.slot];
	import->addr = addr;
	import->length = length;
	st = import_fill(ep, ask.slot, &answer, fd);
	if (fd >= 0)
		close(fd);
	if (st != MC_OK) {
		if (answer.type != SHM_NONE)
			slot_release(ep, ask.slot);
		return atomic_load(&ep->dead) ? MC_ERR_CONN_CLOSED : st;
	}
	if (ask.slot >= ep->slots_used)
		ep->slots_used = ask.slot + 1;
	atomic_store(&ep->slots_seen, ep->slots_used);
	atomic_store(&import->state, SHM_SLOT_LIVE);
	/* Taken back meanwhile: the owner sees the slot, or we see that it is revoked. */
	if (revoked(ep, ask.slot)) {
		shm_ep_unimport(base, ask.slot);
		return MC_ERR_ADDRESS_REJECTED;
	}
	*key_out = ask.slot;
	return MC_OK;
}

void
shm_ep_unimport(struct mc_ep *base, uint32_t key)
{
	struct shm_ep *ep = shm_ep(base);
	struct shm_import *import = &ep->imports[key];

	if (state_change(import, SHM_SLOT_LIVE, SHM_SLOT_FREE)) {
		shm_unmap(&import->mapping, UINT64_MAX);
		slot_release(ep, key);
	} else if (!state_change(import, SHM_SLOT_DYING, SHM_SLOT_LEFT)) {
		state_change(import, SHM_SLOT_GONE, SHM_SLOT_FREE);
	}
}

void
shm_imports_drop(struct shm_ep *ep)
{
	for (uint32_t slot = 0; slot < ep->slots_used; slot++) {
		if (atomic_load(&ep->imports[slot].state) != SHM_SLOT_FREE)
			shm_unmap(&ep->imports[slot].mapping, UINT64_MAX);
	}
	shm_mappings_sweep(shm_dev(ep->base.dev));
}

void
shm_imports_revoke(struct shm_ep *ep)
{
	uint32_t seen = atomic_load(&ep->slots_seen), dying = 0;

	for (uint32_t slot = 0; slot < seen; slot++) {
		if (revoked(ep, slot) &&
		    state_change(&ep->imports[slot], SHM_SLOT_LIVE, SHM_SLOT_DYING))
			dying++;
	}
	if (dying > 0 && !mc_list_linked(&ep->dying_link))
		mc_list_add_tail(&shm_cq(ep->base.cq)->dying, &ep->dying_link);
}

bool
shm_imports_unmap(struct shm_ep *ep)
{
	uint32_t seen = atomic_load(&ep->slots_seen);

	for (uint32_t slot = 0; slot < seen; slot++) {
		struct shm_import *import = &ep->imports[slot];
		uint32_t state = atomic_load(&import->state);

		if (state != SHM_SLOT_DYING && state != SHM_SLOT_LEFT)
			continue;
		if (!shm_unmap(&import->mapping, UNMAP_BYTES) &&
		    !state_change(import, SHM_SLOT_DYING, SHM_SLOT_GONE))
			atomic_store(&import->state, SHM_SLOT_FREE);
		return true;
	}
	return false;
}
