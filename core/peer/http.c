/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the metadata server: GET, PUT and DELETE of "?key=" and the escaped key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/peer/private.h"
#include "mc/log.h"

#define KEY_MAX 1024u

struct asked {
	struct mc_peer *peer;
	peer_answer answer;
	void *context;
	bool claim;			/* a PUT of rpc_meta: 400 says that it is taken */
	char what[KEY_MAX + 8];		/* "PUT mooncake/ram/…", for logs */
};

/* "P kind/name"; a descriptor whose name has a slash: "P name". */
static bool
key_make(const struct mc_peer *peer, const char *kind, const char *name, char *buf, size_t size)
{
	bool bare = strcmp(kind, PEER_KEY_RAM) == 0 && strchr(name, '/') != NULL;
	int length = snprintf(buf, size, "%s%s%s%s", peer->prefix, bare ? "" : kind,
			      bare ? "" : "/", name);

	return length > 0 && (size_t)length < size;
}

static void
http_answered(void *context, enum mc_status status, unsigned int code, struct mc_str body)
{
	struct asked *asked = context;

	if (status == MC_OK && code == 404) {
		status = MC_ERR_NOT_FOUND;
	} else if (status == MC_OK && code == 400 && asked->claim) {
		status = MC_ERR_EXISTS;
	} else if (status == MC_OK && code != 200) {
		mc_log_warn("metadata server: %s: status %u", asked->what, code);
		status = MC_ERR_IO;
	} else if (status != MC_OK && status != MC_ERR_CANCELED) {
		MC_LOG_LIMITED(MC_LOG_WARN, "metadata server %s: %s: %s", asked->peer->url,
			       asked->what, mc_status_text(status));
	}
	asked->answer(asked->context, status, body);
	free(asked);
}

void
peer_http(struct mc_peer *peer, const char *method, const char *kind, const char *name,
	  struct mc_str body, uint64_t timeout_ns, peer_answer answer, void *context)
{
	struct asked *asked = calloc(1, sizeof(*asked));
	char key[KEY_MAX], escaped[3 * KEY_MAX], url[4 * KEY_MAX];
	bool put = strcmp(method, "PUT") == 0;
	enum mc_status st = MC_ERR_NO_MEMORY;

	if (asked != NULL && !key_make(peer, kind, name, key, sizeof(key)))
		st = MC_ERR_TOO_LARGE;
	else if (asked != NULL && mc_http_escape(key, escaped, sizeof(escaped)) > 0) {
		asked->peer = peer;
		asked->answer = answer;
		asked->context = context;
		asked->claim = put && strcmp(kind, PEER_KEY_RPC) == 0;
		snprintf(asked->what, sizeof(asked->what), "%s %s", method, key);
		snprintf(url, sizeof(url), "%s?key=%s", peer->url, escaped);
		st = mc_http_send(peer->http, method, url, put ? "application/json" : NULL,
				  put ? &body : NULL, timeout_ns, http_answered, asked);
	}
	if (st == MC_OK)
		return;
	free(asked);
	peer_later(peer, answer, context, st);
}
