/* SPDX-License-Identifier: Apache-2.0 */
/* A node's life: memory to the pool, then nothing but answering, then unmounted. */
#include "apps/mc-node/run.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "apps/mc-node/pages.h"
#include "core/base/clock.h"
#include "core/base/net.h"
#include "core/eal/reactor.h"
#include "mc/log.h"
#include "mc/version.h"

#define STOP_SECONDS_MAX 30u
#define GIB (1024.0 * 1024 * 1024)

struct node {
	struct node_config *config;
	struct mc_reactor *control;
	struct mc_store *store;
	struct node_pages *pages;
	struct mc_watch signals;
};

/* ---- the address of this host ---- */

/* The one that a connection to the master leaves from. */
static enum mc_status
host_find(struct node_config *config)
{
	char host[MC_NET_ADDR_TEXT];
	struct mc_net_addr addr;
	int fd;
	enum mc_status st = mc_net_addr_resolve(config->store.master, &addr);

	if (st != MC_OK) {
		mc_log_error("-master_server_address=%s: not a host:port that can be resolved",
			     config->store.master);
		return st;
	}
	st = mc_net()->connect(&addr, &fd);
	if (st != MC_OK) {
		mc_log_error("-master_server_address=%s: %s; give host:port of a master",
			     config->store.master, mc_status_text(st));
		return st;
	}
	st = mc_net()->local(fd, &addr);
	mc_net()->close(fd);
	if (st == MC_OK)
		node_config_host(config, mc_net_addr_host(&addr, host));
	return st;
}

/* ---- progress of the memory ---- */

/* On a populating thread, one call at a time; goes on while the node serves already. */
static void
progress_show(void *context, uint64_t ready, uint64_t length)
{
	static uint64_t shown_ns;
	uint64_t now = mc_clock_mono_ns();
	bool terminal = isatty(STDERR_FILENO) == 1;

	if (ready < length && now - shown_ns < (terminal ? MC_NS_PER_S / 10 : MC_NS_PER_S))
		return;
	shown_ns = now;
	if (!terminal)
		mc_log_info("memory: %.2f of %.2f GiB ready", (double)ready / GIB,
			    (double)length / GIB);
	else
		fprintf(stderr, "\rmemory: %.2f of %.2f GiB ready%s", (double)ready / GIB,
			(double)length / GIB, ready == length ? "\n" : "");
}

/* ---- signals ---- */

static void
leave_at_once(int signal_number)
{
	static const char late[] = "the stop took too long: leaving\n";

	if (signal_number == SIGALRM && write(STDERR_FILENO, late, sizeof(late) - 1) < 0)
		_exit(1);
	_exit(1);
}

static void
handler_set(int signal_number)
{
	struct sigaction action = {.sa_handler = leave_at_once};
	sigset_t set;

	sigaction(signal_number, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, signal_number);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void
signals_ready(struct mc_watch *watch, uint32_t events)
{
	struct node *node = mc_container_of(watch, struct node, signals);
	struct signalfd_siginfo info;

	if (read(watch->fd, &info, sizeof(info)) != sizeof(info))
		return;
	mc_log_info("%s: unmounting", info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
	mc_reactor_stop(node->control);
}

static enum mc_status
signals_open(struct node *node)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	node->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (node->signals.fd < 0) {
		mc_log_error("signalfd: errno %d", errno);
		return MC_ERR_IO;
	}
	node->signals.events = EPOLLIN;
	node->signals.ready = signals_ready;
	return mc_watch_add(node->control, &node->signals);
}

static void
signals_block(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* ---- up and down ---- */

static enum mc_status
node_open(struct node *node)
{
	struct node_config *config = node->config;
	struct mc_reactor_params control = {
		.size = sizeof(control), .name = "mc-control", .idle = MC_IDLE_ADAPTIVE};
	enum mc_status st = MC_OK;

	if (config->host_any)
		st = host_find(config);
	if (st == MC_OK && config->lcores)
		st = mc_eal_start(&config->eal);
	if (st == MC_OK)
		st = mc_reactor_create(&control, &node->control);
	if (st == MC_OK)
		st = signals_open(node);
	config->store.progress = progress_show;
	if (st == MC_OK)
		st = mc_store_open(&config->store, &node->store);
	if (st == MC_OK && config->http)
		st = node_pages_open(node->control, config->http_host, config->http_port,
				     node->store, &node->pages);
	return st;
}

static void
node_close(struct node *node)
{
	node_pages_close(node->pages);
	mc_store_close(node->store, MC_STORE_GRACEFUL);
	if (node->signals.on) {
		mc_watch_del(node->control, &node->signals);
		close(node->signals.fd);
	}
	mc_reactor_destroy(node->control);
	mc_eal_stop();
}

static void
node_announce(const struct node *node)
{
	mc_log_info("Mooncore %s, node %s", MC_VERSION, mc_store_hostname(node->store));
	mc_log_info("%s", mc_store_text(node->store));
	if (node->pages != NULL)
		mc_log_info("metrics and health on http://%s:%u/", node->config->http_host,
			    node_pages_port(node->pages));
	mc_log_info("serving");
}

enum mc_status
node_run(struct node_config *config)
{
	struct node node = {.config = config};
	enum mc_status st;

	signals_block();
	st = node_open(&node);
	if (st == MC_OK) {
		node_announce(&node);
		mc_reactor_run(node.control);
		/* a second signal does not wait for the unmounting, and nothing does for ever */
		handler_set(SIGTERM);
		handler_set(SIGINT);
		handler_set(SIGALRM);
		alarm(STOP_SECONDS_MAX);
	}
	node_close(&node);
	if (st == MC_OK)
		mc_log_info("stopped");
	return st;
}
