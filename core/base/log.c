/* SPDX-License-Identifier: Apache-2.0 */
#include "mc/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"

#define LINE_MAX_BYTES 1024

static _Atomic int log_level = MC_LOG_INFO;
static _Atomic int log_fd = STDERR_FILENO;
static pthread_mutex_t path_lock = PTHREAD_MUTEX_INITIALIZER;
static char *log_path;	/* under path_lock */

void
mc_log_level_set(enum mc_log_level level)
{
	atomic_store_explicit(&log_level, level, memory_order_relaxed);
}

enum mc_log_level
mc_log_level_get(void)
{
	return (enum mc_log_level)atomic_load_explicit(&log_level, memory_order_relaxed);
}

/*
 * The descriptor's number stays the same when a file is reopened (dup2), so that a thread in the
 * middle of a write never meets a closed one.
 */
static enum mc_status
log_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	int current = atomic_load(&log_fd);

	if (fd < 0)
		return MC_ERR_IO;
	if (current == STDERR_FILENO) {
		atomic_store(&log_fd, fd);
		return MC_OK;
	}
	dup3(fd, current, O_CLOEXEC);
	close(fd);
	return MC_OK;
}

enum mc_status
mc_log_file_set(const char *path)
{
	enum mc_status st = MC_OK;
	char *copy = path != NULL ? strdup(path) : NULL;

	if (path != NULL && copy == NULL)
		return MC_ERR_NO_MEMORY;
	pthread_mutex_lock(&path_lock);
	if (path != NULL)
		st = log_open(path);
	else
		atomic_store(&log_fd, STDERR_FILENO);	/* the file stays open: see log_open() */
	if (st == MC_OK) {
		free(log_path);
		log_path = copy;
		copy = NULL;
	}
	pthread_mutex_unlock(&path_lock);
	free(copy);
	return st;
}

enum mc_status
mc_log_reopen(void)
{
	enum mc_status st = MC_OK;

	pthread_mutex_lock(&path_lock);
	if (log_path != NULL)
		st = log_open(log_path);
	pthread_mutex_unlock(&path_lock);
	return st;
}

static int
line_head(char *line, size_t size, enum mc_log_level level, const char *file, int at)
{
	uint64_t now = mc_clock_real_ns();
	time_t s = (time_t)(now / MC_NS_PER_S);
	const char *base = strrchr(file, '/');
	struct tm t;

	localtime_r(&s, &t);
	return snprintf(line, size, "%c%04d%02d%02d %02d:%02d:%02d.%06u %5ld %s:%d] ",
			"DIWE"[level + 1], t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
			t.tm_min, t.tm_sec, (unsigned int)(now % MC_NS_PER_S / MC_NS_PER_US),
			(long)syscall(SYS_gettid), base != NULL ? base + 1 : file, at);
}

void
mc_log_write(enum mc_log_level level, const char *file, int line, const char *format, ...)
{
	char text[LINE_MAX_BYTES];
	size_t len;
	va_list args;
	int n;

	if ((int)level < atomic_load_explicit(&log_level, memory_order_relaxed))
		return;
	n = line_head(text, sizeof(text), level, file, line);
	len = n > 0 ? (size_t)n : 0;
	va_start(args, format);
	n = vsnprintf(text + len, sizeof(text) - len, format, args);
	va_end(args);
	len += n > 0 ? (size_t)n : 0;
	if (len > sizeof(text) - 2)
		len = sizeof(text) - 2;
	text[len++] = '\n';
	/* a log that cannot be written has nowhere to say so */
	if (write(atomic_load_explicit(&log_fd, memory_order_relaxed), text, len) < 0)
		return;
}

bool
mc_log_limit_pass(struct mc_log_limit *limit, uint32_t per_second, uint32_t *suppressed_out)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	uint64_t now = mc_clock_mono_ns();
	bool pass;

	pthread_mutex_lock(&lock);
	if (now - limit->window_start_ns >= MC_NS_PER_S) {
		limit->window_start_ns = now;
		limit->written = 0;
	}
	pass = limit->written < per_second;
	*suppressed_out = 0;
	if (pass) {
		limit->written++;
		*suppressed_out = limit->suppressed;
		limit->suppressed = 0;
	} else {
		limit->suppressed++;
	}
	pthread_mutex_unlock(&lock);
	return pass;
}
