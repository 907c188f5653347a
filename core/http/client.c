/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl asks for sockets to be watched and for one timer; a reactor has both. libcurl may call
 * back in the middle of any call into it, so that answers are given out at one place, between such
 * calls.
 */
#include "core/http/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/list.h"
#include "mc/log.h"

#define BODY_MAX_DEFAULT (16u << 20)
#define CONNECTIONS_MAX 16L	/* more requests wait for one of them */

struct mc_http_client {
	CURLM *multi;
	struct mc_reactor *reactor;
	struct mc_timer timer;		/* libcurl's */
	struct mc_list sockets;
	struct mc_list requests;
	size_t body_max;
};

struct socket_watch {
	struct mc_watch watch;
	struct mc_list link;
	struct mc_http_client *client;
};

struct request {
	struct mc_list link;
	struct mc_http_client *client;
	CURL *easy;
	struct curl_slist *headers;
	struct mc_buf answer_body;
	struct mc_buf body;
	bool too_large;
	mc_http_answer answer;
	void *context;
};

/* ---- requests ---- */

static void
request_free(struct request *request)
{
	curl_easy_cleanup(request->easy);
	curl_slist_free_all(request->headers);
	mc_buf_fini(&request->answer_body);
	mc_buf_fini(&request->body);
	free(request);
}

static enum mc_status
status_of(CURLcode code, const struct request *request)
{
	switch (code) {
	case CURLE_OK:
		return MC_OK;
	case CURLE_OPERATION_TIMEDOUT:
		return MC_ERR_TIMEOUT;
	case CURLE_COULDNT_CONNECT: {
		long error = 0;

		curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &error);
		return error == 0 || error == ECONNREFUSED ? MC_ERR_CONN_REFUSED
							   : MC_ERR_UNREACHABLE;
	}
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return MC_ERR_ADDRESS_INVALID;
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
		return MC_ERR_CONN_CLOSED;
	case CURLE_WRITE_ERROR:
		return request->too_large ? MC_ERR_TOO_LARGE : MC_ERR_NO_MEMORY;
	case CURLE_OUT_OF_MEMORY:
		return MC_ERR_NO_MEMORY;
	default:
		return MC_ERR_IO;
	}
}

static void
request_end(struct request *request, enum mc_status status)
{
	long code = 0;

	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &code);
	curl_multi_remove_handle(request->client->multi, request->easy);
	mc_list_del(&request->link);
	request->answer(request->context, status, (unsigned int)code,
			(struct mc_str){(const char *)request->answer_body.data,
					mc_buf_len(&request->answer_body)});
	request_free(request);
}

/* Gives out what is complete. */
static void
client_harvest(struct mc_http_client *client)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
		CURLcode code = message->data.result;
		struct request *request;

		if (message->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request) != CURLE_OK)
			continue;
		request_end(request, status_of(code, request));
	}
}

static size_t
body_came(char *bytes, size_t size, size_t count, void *context)
{
	struct request *request = context;

	if (mc_buf_len(&request->answer_body) + size * count > request->client->body_max) {
		request->too_large = true;
		return 0;
	}
	return mc_buf_append(&request->answer_body, bytes, size * count) == MC_OK ? size * count
										    : 0;
}

/* ---- what libcurl wants of the reactor ---- */

static void
socket_ready(struct mc_watch *base, uint32_t events)
{
	struct socket_watch *watch = mc_container_of(base, struct socket_watch, watch);
	struct mc_http_client *client = watch->client;
	int mask = 0, running;

	if (events & (EPOLLIN | EPOLLHUP))
		mask |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (events & EPOLLERR)
		mask |= CURL_CSELECT_ERR;
	/* may free @watch */
	curl_multi_socket_action(client->multi, watch->watch.fd, mask, &running);
	client_harvest(client);
}

static void
socket_drop(struct socket_watch *watch)
{
	mc_watch_del(watch->client->reactor, &watch->watch);
	mc_list_del(&watch->link);
	free(watch);
}

static int
socket_wanted(CURL *easy, curl_socket_t fd, int what, void *context, void *socket)
{
	struct mc_http_client *client = context;
	struct socket_watch *watch = socket;
	uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) |
			  (what & CURL_POLL_OUT ? EPOLLOUT : 0);

	if (what == CURL_POLL_REMOVE) {
		if (watch != NULL)
			socket_drop(watch);
		return 0;
	}
	if (watch != NULL)
		return mc_watch_mod(client->reactor, &watch->watch, events) == MC_OK ? 0 : -1;
	watch = calloc(1, sizeof(*watch));
	if (watch == NULL)
		return -1;
	watch->client = client;
	watch->watch.fd = fd;
	watch->watch.events = events;
	watch->watch.ready = socket_ready;
	if (mc_watch_add(client->reactor, &watch->watch) != MC_OK) {
		free(watch);
		return -1;
	}
	mc_list_add_tail(&client->sockets, &watch->link);
	curl_multi_assign(client->multi, fd, watch);
	return 0;
}

static void
timer_expired(struct mc_timer *timer)
{
	struct mc_http_client *client = mc_container_of(timer, struct mc_http_client, timer);
	int running;

	curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	client_harvest(client);
}

static int
timer_wanted(CURLM *multi, long timeout_ms, void *context)
{
	struct mc_http_client *client = context;

	if (timeout_ms < 0) {
		mc_timer_stop(client->reactor, &client->timer);
		return 0;
	}
	return mc_timer_start(client->reactor, &client->timer,
			      mc_clock_mono_ns() + (uint64_t)timeout_ms * MC_NS_PER_MS) == MC_OK
		       ? 0 : -1;
}

/* ---- the interface ---- */

static void
curl_start(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum mc_status
mc_http_client_create(struct mc_reactor *reactor, size_t body_max,
		      struct mc_http_client **client_out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct mc_http_client *client = calloc(1, sizeof(*client));

	pthread_once(&once, curl_start);
	if (client == NULL)
		return MC_ERR_NO_MEMORY;
	client->reactor = reactor;
	client->body_max = body_max != 0 ? body_max : BODY_MAX_DEFAULT;
	client->timer.expired = timer_expired;
	mc_list_init(&client->sockets);
	mc_list_init(&client->requests);
	client->multi = curl_multi_init();
	if (client->multi == NULL) {
		free(client);
		return MC_ERR_NO_MEMORY;
	}
	curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	*client_out = client;
	return MC_OK;
}

void
mc_http_client_destroy(struct mc_http_client *client)
{
	if (client == NULL)
		return;
	while (!mc_list_empty(&client->requests))
		request_end(mc_container_of(client->requests.next, struct request, link),
			    MC_ERR_CANCELED);
	/* closes the connections that were kept, and with them most of the watches */
	curl_multi_cleanup(client->multi);
	while (!mc_list_empty(&client->sockets))
		socket_drop(mc_container_of(client->sockets.next, struct socket_watch, link));
	mc_timer_stop(client->reactor, &client->timer);
	free(client);
}

static bool
request_set(struct request *request, const char *method, const char *url,
	    const char *content_type, const struct mc_str *body, uint64_t timeout_ns)
{
	long timeout_ms = (long)(timeout_ns / MC_NS_PER_MS);
	struct curl_slist *expect;
	CURL *easy = request->easy;
	char header[128];

	if (content_type != NULL) {
		snprintf(header, sizeof(header), "Content-Type: %s", content_type);
		request->headers = curl_slist_append(NULL, header);
		if (request->headers == NULL)
			return false;
	}
	/* upstream's server never answers "Expect: 100-continue" */
	expect = curl_slist_append(request->headers, "Expect:");
	if (expect == NULL)
		return false;
	request->headers = expect;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	/* else a request that timed out waits for the thread that looks its host up */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_came);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms > 0 ? timeout_ms : 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms > 1 ? timeout_ms / 2 : 1L);
	if (body != NULL) {	/* an empty one has a length too */
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
				 request->body.data != NULL ? (char *)request->body.data : "");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)mc_buf_len(&request->body));
	}
	return true;
}

enum mc_status
mc_http_send(struct mc_http_client *client, const char *method, const char *url,
	     const char *content_type, const struct mc_str *body, uint64_t timeout_ns,
	     mc_http_answer answer, void *context)
{
	struct request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		return MC_ERR_NO_MEMORY;
	request->client = client;
	request->answer = answer;
	request->context = context;
	mc_buf_init(&request->answer_body);
	mc_buf_init(&request->body);
	request->easy = curl_easy_init();
	if (request->easy == NULL ||
	    (body != NULL && mc_buf_append(&request->body, body->ptr, body->len) != MC_OK) ||
	    !request_set(request, method, url, content_type, body, timeout_ns) ||
	    curl_multi_add_handle(client->multi, request->easy) != CURLM_OK) {
		request_free(request);
		return MC_ERR_NO_MEMORY;
	}
	mc_list_add_tail(&client->requests, &request->link);
	return MC_OK;
}

size_t
mc_http_escape(const char *text, char *buf, size_t size)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t at = 0;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			     (c >= '0' && c <= '9') || (c != 0 && strchr("-._~", c) != NULL);

		if (at + 4 > size)
			return 0;
		if (plain) {
			buf[at++] = (char)c;
		} else {
			buf[at++] = '%';
			buf[at++] = digits[c >> 4];
			buf[at++] = digits[c & 15];
		}
	}
	if (at == size)
		return 0;
	buf[at] = '\0';
	return at;
}
