/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK's EAL, started once per process on a thread of our own, which is its main lcore ever after.
 *
 * What DPDK 22.11 does decides the arguments, which are built here and never passed through:
 * --no-huge together with --in-memory is refused; without --in-memory, hugepages need a mounted
 * hugetlbfs; hugepages that are free but reserved by others end the process late; so --in-memory
 * only when enough are free and unreserved, else --no-huge. --no-shconf lets many processes of a
 * host start; no PCI device is the EAL's business.
 */
#include "mc/eal.h"

#include <pthread.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/eal/args.h"
#include "core/eal/hugepages.h"
#include "core/eal/reactor.h"
#include "mc/log.h"

#define MEMORY_MB_DEFAULT 64u
#define ARGS_MAX 24

enum runtime_state {
	RUNTIME_NONE,		/* EAL was never initialised */
	RUNTIME_STARTING,
	RUNTIME_FAILED,		/* for good: a second rte_eal_init() is refused */
	RUNTIME_IDLE,		/* EAL is there, no lcore polls */
	RUNTIME_LAUNCH,		/* told to poll */
	RUNTIME_RUNNING,
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum runtime_state state;
	pid_t pid;
	struct eal_layout eal;		/* as EAL was initialised */
	struct eal_layout layout;	/* of this start */
	struct mc_reactor *reactors[MC_LCORE_MAX];
	unsigned int on[MC_LCORE_MAX];	/* EAL's lcore of each of ours */
	_Atomic unsigned int polling;	/* lcores that are with their reactor */
	unsigned int memory_mb;
	char memory_text[160];
} runtime = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

static void
state_set(enum runtime_state state)
{
	pthread_mutex_lock(&runtime.lock);
	runtime.state = state;
	pthread_cond_broadcast(&runtime.changed);
	pthread_mutex_unlock(&runtime.lock);
}

static void
state_leave(enum runtime_state state)
{
	pthread_mutex_lock(&runtime.lock);
	while (runtime.state == state)
		pthread_cond_wait(&runtime.changed, &runtime.lock);
	pthread_mutex_unlock(&runtime.lock);
}

/* ---- EAL's arguments ---- */

struct eal_args {
	char text[ARGS_MAX][MC_LCORE_MAX * 12];
	char *argv[ARGS_MAX + 1];
	int argc;
};

__attribute__((format(printf, 2, 3))) static void
arg_add(struct eal_args *args, const char *format, ...)
{
	char *text = args->text[args->argc];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(args->text[0]), format, list);
	va_end(list);
	args->argv[args->argc++] = text;
}

static void
args_lcores(struct eal_args *args)
{
	char *text;
	size_t len = 0;

	arg_add(args, "--lcores");
	arg_add(args, "%s", "");
	text = args->text[args->argc - 1];
	for (unsigned int i = 0; i < runtime.eal.count; i++)
		len += (size_t)snprintf(text + len, sizeof(args->text[0]) - len, "%s%u@%d",
					i > 0 ? "," : "", i, runtime.eal.cpu[i]);
}

static void
args_build(struct eal_args *args)
{
	memset(args, 0, sizeof(*args));
	arg_add(args, "mooncore");
	arg_add(args, "--no-pci");
	arg_add(args, "--no-shconf");
	arg_add(args, "--iova-mode=va");
	arg_add(args, "--file-prefix=mooncore");
	arg_add(args, "--log-level=*:error");
	/* its thread would share the main lcore's CPU, and has nothing to tell about us */
	arg_add(args, "--no-telemetry");
	if (mc_hugepages_choose(runtime.memory_mb, runtime.memory_text,
				sizeof(runtime.memory_text)))
		arg_add(args, "--in-memory");
	else
		arg_add(args, "--no-huge");
	arg_add(args, "-m");
	arg_add(args, "%u", runtime.memory_mb);
	args_lcores(args);
}

/*
 * EAL keeps a run-time folder: /var/run/dpdk for root, else below $XDG_RUNTIME_DIR, else /tmp/dpdk,
 * which belongs to whoever came first. A user without one of its own gets one here.
 */
static bool
runtime_dir_prepare(void)
{
	char path[64];

	if (geteuid() == 0)
		return false;
	if (getenv("XDG_RUNTIME_DIR") != NULL && access(getenv("XDG_RUNTIME_DIR"), W_OK) == 0)
		return false;
	snprintf(path, sizeof(path), "/tmp/mooncore-%u", (unsigned int)geteuid());
	mkdir(path, 0700);
	return setenv("XDG_RUNTIME_DIR", path, 1) == 0;
}

static enum runtime_state
eal_init(void)
{
	static struct eal_args args;
	char *before = getenv("XDG_RUNTIME_DIR") ? strdup(getenv("XDG_RUNTIME_DIR")) : NULL;
	bool set = runtime_dir_prepare();
	int rc;

	args_build(&args);
	rc = rte_eal_init(args.argc, args.argv);
	if (set && before != NULL)
		setenv("XDG_RUNTIME_DIR", before, 1);
	else if (set)
		unsetenv("XDG_RUNTIME_DIR");
	free(before);
	if (rc >= 0)
		return RUNTIME_IDLE;
	mc_log_error("the runtime (DPDK EAL) does not start: %s; memory: %s",
		     rte_strerror(rte_errno), runtime.memory_text);
	return RUNTIME_FAILED;
}

/* ---- threads ---- */

static int
lcore_main(void *arg)
{
	unsigned int index = (unsigned int)(uintptr_t)arg;
	char name[32];

	snprintf(name, sizeof(name), "mc-lcore-%u", index);
	pthread_setname_np(pthread_self(), name);
	/* the last one to come here tells mc_eal_start() */
	if (atomic_fetch_add(&runtime.polling, 1) + 1 == runtime.layout.count)
		state_set(RUNTIME_RUNNING);
	mc_reactor_run(runtime.reactors[index]);
	snprintf(name, sizeof(name), "mc-idle-%u", index);
	pthread_setname_np(pthread_self(), name);
	atomic_fetch_sub_explicit(&runtime.polling, 1, memory_order_release);
	return 0;
}

/* The main lcore's own reactor, if it has one this time, runs here. */
static void
lcores_run(void)
{
	unsigned int main_index = MC_LCORE_MAX;

	for (unsigned int i = 0; i < runtime.layout.count; i++) {
		if (runtime.on[i] == rte_get_main_lcore())
			main_index = i;
		else
			rte_eal_remote_launch(lcore_main, (void *)(uintptr_t)i, runtime.on[i]);
	}
	if (main_index != MC_LCORE_MAX)
		lcore_main((void *)(uintptr_t)main_index);
	rte_eal_mp_wait_lcore();
	mc_assert(atomic_load_explicit(&runtime.polling, memory_order_acquire) == 0);
	state_set(RUNTIME_IDLE);
}

static void *
eal_thread(void *arg)
{
	enum runtime_state state = eal_init();

	pthread_setname_np(pthread_self(), "mc-idle-0");
	state_set(state);
	while (state != RUNTIME_FAILED) {
		state_leave(RUNTIME_IDLE);
		lcores_run();
	}
	return NULL;
}

/* With all signals blocked, which its children inherit: they are the host program's. */
static enum mc_status
thread_spawn(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	runtime.state = RUNTIME_STARTING;
	rc = pthread_create(&thread, &attr, eal_thread, NULL);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		runtime.state = RUNTIME_NONE;
		return MC_ERR_NO_MEMORY;
	}
	state_leave(RUNTIME_STARTING);
	return runtime.state == RUNTIME_IDLE ? MC_OK : MC_ERR_INTERNAL;
}

/* ---- start and stop ---- */

/* Finds EAL's lcore of each CPU wanted: they were fixed when EAL was initialised. */
static enum mc_status
lcores_map(const struct eal_layout *layout)
{
	for (unsigned int i = 0; i < layout->count; i++) {
		unsigned int at = 0;

		while (at < runtime.eal.count && runtime.eal.cpu[at] != layout->cpu[i])
			at++;
		if (at == runtime.eal.count) {
			mc_log_error("CPU %d was not among the lcores when this process first "
				     "started the runtime; give CPUs of that start",
				     layout->cpu[i]);
			return MC_ERR_INVALID;
		}
		runtime.on[i] = at;
	}
	runtime.layout = *layout;
	return MC_OK;
}

static void
reactors_destroy(void)
{
	for (unsigned int i = 0; i < runtime.layout.count; i++) {
		mc_reactor_destroy(runtime.reactors[i]);
		runtime.reactors[i] = NULL;
	}
	runtime.layout.count = 0;
}

static enum mc_status
reactors_create(const struct mc_eal_params *params)
{
	struct mc_reactor_params reactor = {
		.size = sizeof(reactor), .idle = params->idle, .spin_ns = params->spin_ns};

	for (unsigned int i = 0; i < runtime.layout.count; i++) {
		char name[32];
		enum mc_status st;

		snprintf(name, sizeof(name), "mc-lcore-%u", i);
		reactor.name = name;
		st = mc_reactor_create(&reactor, &runtime.reactors[i]);
		if (st != MC_OK) {
			mc_log_error("lcore %u: %s", i, mc_status_text(st));
			reactors_destroy();
			return st;
		}
	}
	return MC_OK;
}

/* A child of a fork has none of the threads, and must not touch what its parent owns. */
static bool
forked(void)
{
	return runtime.pid != 0 && runtime.pid != getpid();
}

static enum mc_status
eal_ensure(const struct mc_eal_params *params, const struct eal_layout *layout)
{
	if (runtime.state == RUNTIME_IDLE)
		return MC_OK;
	if (runtime.state == RUNTIME_FAILED) {
		mc_log_error("the runtime failed to start before; start the process again");
		return MC_ERR_INTERNAL;
	}
	runtime.eal = *layout;
	runtime.memory_mb = params->memory_mb != 0 ? params->memory_mb : MEMORY_MB_DEFAULT;
	runtime.pid = getpid();
	return thread_spawn();
}

enum mc_status
mc_eal_start(const struct mc_eal_params *params)
{
	struct eal_cpuset allowed;
	struct eal_layout layout;
	char error[EAL_ERROR_MAX];
	enum mc_status st;

	if (params->size != sizeof(*params) || params->idle == MC_IDLE_INLINE)
		return MC_ERR_INVALID;
	if (forked()) {
		mc_log_error("the runtime belongs to the parent process; start it after fork()");
		return MC_ERR_PERMISSION;
	}
	if (runtime.state == RUNTIME_RUNNING)
		return MC_ERR_EXISTS;
	st = mc_eal_allowed(&allowed);
	if (st != MC_OK)
		return st;
	st = mc_eal_layout(params, &allowed, &layout, error);
	if (st != MC_OK) {
		mc_log_error("%s", error);
		return st;
	}
	st = eal_ensure(params, &layout);
	if (st == MC_OK)
		st = lcores_map(&layout);
	if (st == MC_OK)
		st = reactors_create(params);
	if (st != MC_OK)
		return st;
	state_set(RUNTIME_LAUNCH);
	state_leave(RUNTIME_LAUNCH);
	return MC_OK;
}

void
mc_eal_stop(void)
{
	if (forked() || runtime.state != RUNTIME_RUNNING)
		return;
	for (unsigned int i = 0; i < runtime.layout.count; i++)
		mc_reactor_stop(runtime.reactors[i]);
	state_leave(RUNTIME_RUNNING);
	reactors_destroy();
}

unsigned int
mc_eal_lcore_count(void)
{
	return forked() ? 0 : runtime.layout.count;
}

int
mc_eal_lcore_cpu(unsigned int index)
{
	return runtime.layout.cpu[index];
}

const char *
mc_eal_memory_text(void)
{
	return runtime.memory_text;
}

struct mc_reactor *
mc_lcore_reactor(unsigned int index)
{
	return index < mc_eal_lcore_count() ? runtime.reactors[index] : NULL;
}
