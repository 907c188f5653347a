/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads: the lcores serve RPC, lcore 0 also keeps the objects; this thread, unpinned, runs the
 * HTTP ports, the signals and the report. Things go up from the bottom of the stack and down in the
 * reverse order; a failure half-way goes down the same way from where it got to.
 */
#include "apps/mc-master/run.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "apps/mc-master/announce.h"
#include "apps/mc-master/glue.h"
#include "core/base/clock.h"
#include "core/admin/admin.h"
#include "core/meta/meta.h"

#define REPORT_NS (10 * MC_NS_PER_S)

/*
 * /health says 503 for so long before connections are closed, for what polls it; far below the
 * second that a stop may take.
 */
#define DRAIN_NS (200 * MC_NS_PER_MS)

/* A stop that takes longer than this many seconds is a bug, and ends as one. */
#define STOP_SECONDS_MAX 5

struct app {
	const struct config *config;
	struct mc_reactor *io[MC_LCORE_MAX];
	unsigned int io_count;
	struct mc_reactor *control;
	struct mc_master *master;
	bool master_started;
	struct mc_rpc_server *server;
	struct mc_admin *admin;
	struct mc_meta *meta;
	struct glue glue;
	struct mc_watch signals;
	struct mc_timer report;
	struct mc_timer drain;
	bool stopping;
};

/* ---- work on another reactor, waited for ---- */

struct errand {
	struct mc_msg msg;
	void (*run)(struct mc_master *master);
	struct mc_master *master;
	sem_t done;
};

static void
errand_run(struct mc_msg *msg)
{
	struct errand *errand = mc_container_of(msg, struct errand, msg);

	errand->run(errand->master);
	sem_post(&errand->done);
}

static enum mc_status
on_exec(struct app *app, void (*run_there)(struct mc_master *master))
{
	struct errand errand = {.msg.run = errand_run, .run = run_there, .master = app->master};
	enum mc_status st;

	sem_init(&errand.done, 0, 0);
	/* full only for as long as the lcore needs to work a ring off */
	while ((st = mc_reactor_send(app->io[0], &errand.msg)) == MC_AGAIN)
		sched_yield();
	while (st == MC_OK && sem_wait(&errand.done) != 0 && errno == EINTR)
		continue;
	sem_destroy(&errand.done);
	return st;
}

/* ---- signals and timers of the control thread ---- */

static void
drain_over(struct mc_timer *timer)
{
	struct app *app = mc_container_of(timer, struct app, drain);

	mc_reactor_stop(app->control);
}

static void
stop_begin(struct app *app, const char *signal_name)
{
	if (app->stopping) {
		mc_log_warn("%s again: leaving at once", signal_name);
		_exit(1);
	}
	mc_log_info("%s: stopping", signal_name);
	app->stopping = true;
	mc_admin_serving_set(app->admin, 0);
	alarm(STOP_SECONDS_MAX);
	if (mc_timer_start(app->control, &app->drain, mc_reactor_now(app->control) + DRAIN_NS) !=
	    MC_OK)
		mc_reactor_stop(app->control);
}

static void
signals_ready(struct mc_watch *watch, uint32_t events)
{
	struct app *app = mc_container_of(watch, struct app, signals);
	struct signalfd_siginfo info;

	while (read(watch->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			stop_begin(app, info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
		else if (mc_log_reopen() == MC_OK)
			mc_log_info("SIGHUP: log file opened anew");
		else
			mc_log_error("SIGHUP: the log file cannot be opened, the old one stays in "
				     "use; see that its directory exists and is writable");
	}
}

static void
report_due(struct mc_timer *timer)
{
	struct app *app = mc_container_of(timer, struct app, report);
	char *summary = mc_admin_summary(app->admin);

	if (summary != NULL)
		mc_log_info("%s", summary);
	free(summary);
	mc_timer_start(app->control, timer, mc_reactor_now(app->control) + REPORT_NS);
}

/* In the last steps of a stop nobody reads the signal descriptor any more. */
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

static enum mc_status
signals_open(struct app *app)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	handler_set(SIGALRM);
	app->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (app->signals.fd < 0) {
		mc_log_error("signalfd: errno %d", errno);
		return MC_ERR_IO;
	}
	app->signals.events = EPOLLIN;
	app->signals.ready = signals_ready;
	return mc_watch_add(app->control, &app->signals);
}

static void
signals_block(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* ---- up ---- */

static enum mc_status
runtime_open(struct app *app)
{
	struct mc_reactor_params control = {
		.size = sizeof(control), .name = "mc-control", .idle = MC_IDLE_ADAPTIVE};
	enum mc_status st = mc_eal_start(&app->config->eal);

	if (st != MC_OK)
		return st;
	app->io_count = mc_eal_lcore_count();
	for (unsigned int i = 0; i < app->io_count; i++)
		app->io[i] = mc_lcore_reactor(i);
	st = mc_reactor_create(&control, &app->control);
	if (st != MC_OK)
		mc_log_error("control thread: %s", mc_status_text(st));
	return st;
}

static enum mc_status
master_open(struct app *app)
{
	struct mc_master_params params = app->config->master;
	enum mc_status st;

	glue_init(&app->glue, app->control);
	params.exec = app->io[0];
	params.context = &app->glue;
	if (app->config->metadata_cleanup)
		params.client_expired = glue_client_expired;
	st = mc_master_create(&params, &app->master);
	if (st != MC_OK) {
		mc_log_error("master: %s", mc_status_text(st));
		return st;
	}
	app->glue.master = app->master;
	app->master_started = true;
	return on_exec(app, mc_master_start);
}

static enum mc_status
rpc_open(struct app *app)
{
	struct mc_rpc_server_params params = {
		.size = sizeof(params),
		.io = app->io,
		.io_count = app->io_count,
		.exec = app->io[0],
		.handler = mc_master_handler(app->master),
		.listens = app->config->rpc,
		.listens_count = app->config->rpc_count,
		.idle_timeout_ns = app->config->rpc_idle_timeout_ns,
		.nodelay = app->config->rpc_nodelay,
	};

	return mc_rpc_server_open(&params, &app->server);
}

static enum mc_status
admin_open(struct app *app)
{
	char host[MC_NET_ADDR_TEXT];
	struct mc_admin_params params = {
		.size = sizeof(params),
		.reactor = app->control,
		.master = app->master,
		.server = app->server,
		.io = app->io,
		.io_count = app->io_count,
		.host = mc_net_addr_host(&app->config->metrics, host),
		.port = mc_net_addr_port(&app->config->metrics),
		.remote_writes = app->config->admin_remote_writes,
	};

	return mc_admin_open(&params, &app->admin);
}

static enum mc_status
metadata_open(struct app *app)
{
	char host[MC_NET_ADDR_TEXT];
	struct mc_meta_params params = {
		.size = sizeof(params),
		.reactor = app->control,
		.client_ttl_ns = app->config->master.client_ttl_ns,
		.evict_endpoint = glue_evict_endpoint,
		.context = &app->glue,
	};
	enum mc_status st;

	if (!app->config->metadata_on)
		return MC_OK;
	params.host = mc_net_addr_host(&app->config->metadata, host);
	params.port = mc_net_addr_port(&app->config->metadata);
	st = mc_meta_open(&params, &app->meta);
	if (st == MC_OK)
		app->glue.meta = app->meta;
	return st;
}

static enum mc_status
report_open(struct app *app)
{
	app->report.expired = report_due;
	app->drain.expired = drain_over;
	if (!app->config->report)
		return MC_OK;
	return mc_timer_start(app->control, &app->report, mc_reactor_now(app->control) + REPORT_NS);
}

static enum mc_status
app_open(struct app *app)
{
	static enum mc_status (*const steps[])(struct app *app) = {
		runtime_open, master_open, rpc_open, admin_open,
		metadata_open, signals_open, report_open,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		enum mc_status st = steps[i](app);

		if (st != MC_OK)
			return st;
	}
	return MC_OK;
}

/* ---- down ---- */

struct marker {
	struct mc_msg msg;
	bool passed;
};

static void
marker_pass(struct mc_msg *msg)
{
	mc_container_of(msg, struct marker, msg)->passed = true;
}

/*
 * Runs what the lcores sent here before they fell silent, while its receivers still exist. The
 * marker keeps the reactor from going to sleep, and comes last.
 */
static void
messages_finish(struct app *app)
{
	struct marker marker = {.msg.run = marker_pass};

	if (app->control == NULL || mc_reactor_send(app->control, &marker.msg) != MC_OK)
		return;
	while (!marker.passed)
		mc_reactor_poll(app->control);
}

static void
app_close(struct app *app)
{
	if (app->master_started)
		(void)!on_exec(app, mc_master_drain);
	mc_rpc_server_close(app->server);
	if (app->master_started)
		(void)!on_exec(app, mc_master_stop);
	messages_finish(app);
	if (app->signals.on) {
		mc_watch_del(app->control, &app->signals);
		close(app->signals.fd);
	}
	if (app->admin != NULL)
		mc_admin_close(app->admin);
	if (app->meta != NULL)
		mc_meta_close(app->meta);
	if (app->control != NULL && app->master != NULL)
		glue_fini(&app->glue);
	mc_master_destroy(app->master);
	mc_reactor_destroy(app->control);
	mc_eal_stop();
}

enum mc_status
run(const struct config *config)
{
	struct app app = {.config = config};
	struct announcement what;
	enum mc_status st;

	signals_block();
	st = app_open(&app);
	if (st == MC_OK) {
		what = (struct announcement){config, app.server, app.admin, app.meta, app.io_count};
		announce(&what);
		mc_reactor_run(app.control);
		handler_set(SIGTERM);
		handler_set(SIGINT);
	}
	app_close(&app);
	if (st == MC_OK)
		mc_log_info("stopped");
	return st;
}
