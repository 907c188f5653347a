/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fake_directory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/list.h"
#include "tests/support/must.h"

#define ENTRIES_MAX 32

struct entry {
	char name[64];
	struct mc_desc *desc;
	enum mc_status status;
	unsigned int asked;
	struct mc_peer *peer;		/* who published it here, for notifies */
};

struct mc_peer {
	struct mc_peer_params params;
	char name[64];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry entries[ENTRIES_MAX];

static struct entry *
entry_of(const char *name)
{
	for (int i = 0; i < ENTRIES_MAX; i++) {
		if (strcmp(entries[i].name, name) == 0)
			return &entries[i];
		if (entries[i].name[0] == '\0') {
			snprintf(entries[i].name, sizeof(entries[i].name), "%s", name);
			return &entries[i];
		}
	}
	must(!"room for a name");
	return NULL;
}

/* ---- for the tests ---- */

void
fake_directory_status(const char *name, enum mc_status status)
{
	pthread_mutex_lock(&lock);
	entry_of(name)->status = status;
	pthread_mutex_unlock(&lock);
}

static void
put_locked(const struct mc_desc *desc, struct mc_peer *peer)
{
	struct entry *entry = entry_of(desc->name);

	mc_desc_free(entry->desc);
	entry->desc = mc_desc_clone(desc);
	entry->peer = peer;
	must(entry->desc != NULL);
}

void
fake_directory_put(const struct mc_desc *desc)
{
	pthread_mutex_lock(&lock);
	put_locked(desc, NULL);
	pthread_mutex_unlock(&lock);
}

struct mc_desc *
fake_directory_get(const char *name)
{
	struct mc_desc *desc;

	pthread_mutex_lock(&lock);
	desc = entry_of(name)->desc != NULL ? mc_desc_clone(entry_of(name)->desc) : NULL;
	pthread_mutex_unlock(&lock);
	return desc;
}

unsigned int
fake_directory_asked(const char *name)
{
	unsigned int asked;

	pthread_mutex_lock(&lock);
	asked = entry_of(name)->asked;
	pthread_mutex_unlock(&lock);
	return asked;
}

void
fake_directory_clear(void)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < ENTRIES_MAX; i++)
		mc_desc_free(entries[i].desc);
	memset(entries, 0, sizeof(entries));
	pthread_mutex_unlock(&lock);
}

/* ---- answers: later, on the same reactor ---- */

struct answer {
	struct mc_msg msg;
	mc_peer_done done;
	mc_peer_resolved resolved;
	void *context;
	enum mc_status status;
	struct mc_desc *desc;
};

static void
answer_run(struct mc_msg *msg)
{
	struct answer *answer = mc_container_of(msg, struct answer, msg);

	if (answer->resolved != NULL)
		answer->resolved(answer->context, answer->status, answer->desc);
	else
		answer->done(answer->context, answer->status);
	free(answer);
}

static void
answer_send(struct mc_peer *peer, struct answer content)
{
	struct answer *answer = malloc(sizeof(*answer));

	must(answer != NULL);
	*answer = content;
	answer->msg.run = answer_run;
	must(mc_reactor_send(peer->params.reactor, &answer->msg) == MC_OK);
}

/* ---- the table ---- */

static enum mc_status
directory_open(const struct mc_peer_params *params, struct mc_peer **peer_out)
{
	struct mc_peer *peer = calloc(1, sizeof(*peer));

	must(peer != NULL);
	peer->params = *params;
	snprintf(peer->name, sizeof(peer->name), "%s", params->name);
	*peer_out = peer;
	return MC_OK;
}

static void
directory_close(struct mc_peer *peer)
{
	free(peer);
}

static const char *
directory_name(const struct mc_peer *peer)
{
	return peer->name;
}

static const char *
directory_host(const struct mc_peer *peer)
{
	return "127.0.0.1";
}

static void
directory_publish(struct mc_peer *peer, const struct mc_desc *own, uint64_t timeout_ns,
		  mc_peer_done done, void *context)
{
	pthread_mutex_lock(&lock);
	put_locked(own, peer);
	pthread_mutex_unlock(&lock);
	answer_send(peer, (struct answer){.done = done, .context = context});
}

static void
directory_unpublish(struct mc_peer *peer, uint64_t timeout_ns, mc_peer_done done, void *context)
{
	struct entry *entry;

	pthread_mutex_lock(&lock);
	entry = entry_of(peer->name);
	mc_desc_free(entry->desc);
	entry->desc = NULL;
	entry->peer = NULL;
	pthread_mutex_unlock(&lock);
	answer_send(peer, (struct answer){.done = done, .context = context});
}

static void
directory_resolve(struct mc_peer *peer, const char *name, uint64_t timeout_ns,
		  mc_peer_resolved done, void *context)
{
	struct answer answer = {.resolved = done, .context = context};
	struct entry *entry;

	pthread_mutex_lock(&lock);
	entry = entry_of(name);
	entry->asked++;
	answer.status = entry->status;
	if (answer.status == MC_OK && entry->desc == NULL)
		answer.status = MC_ERR_NOT_FOUND;
	if (answer.status == MC_OK)
		answer.desc = mc_desc_clone(entry->desc);
	pthread_mutex_unlock(&lock);
	answer_send(peer, answer);
}

static void
directory_notify(struct mc_peer *peer, const char *segment, const char *name, const char *text,
		 uint64_t timeout_ns, mc_peer_done done, void *context)
{
	struct answer answer = {.done = done, .context = context, .status = MC_ERR_CONN_REFUSED};
	struct mc_peer *to;

	pthread_mutex_lock(&lock);
	to = entry_of(segment)->peer;
	if (to != NULL && to->params.notified(to->params.context, name, text))
		answer.status = MC_OK;
	pthread_mutex_unlock(&lock);
	answer_send(peer, answer);
}

static void
directory_probe(struct mc_peer *peer, const char *segment, uint64_t timeout_ns, mc_peer_done done,
		void *context)
{
	struct answer answer = {.done = done, .context = context};

	pthread_mutex_lock(&lock);
	if (entry_of(segment)->peer == NULL)
		answer.status = MC_ERR_CONN_REFUSED;
	pthread_mutex_unlock(&lock);
	answer_send(peer, answer);
}

const struct engine_directory fake_directory = {
	.open = directory_open,
	.close = directory_close,
	.name = directory_name,
	.host = directory_host,
	.publish = directory_publish,
	.unpublish = directory_unpublish,
	.resolve = directory_resolve,
	.notify = directory_notify,
	.probe = directory_probe,
};
