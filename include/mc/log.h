/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging: one line per event in glog's layout, "I20261124 12:30:24.123456 4711 put.c:42] text",
 * to stderr or to a file. Any thread may log; a line is written with one write(2). Not for hot
 * paths. What a remote peer can trigger goes through MC_LOG_LIMITED.
 */
#ifndef MC_LOG_H
#define MC_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "mc/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

enum mc_log_level {
	MC_LOG_DEBUG = -1,	/* shown from -v=1 on */
	MC_LOG_INFO = 0,
	MC_LOG_WARN = 1,
	MC_LOG_ERROR = 2,
};

/* Nothing below @level is written. The default is MC_LOG_INFO. */
void mc_log_level_set(enum mc_log_level level);
enum mc_log_level mc_log_level_get(void);

/*
 * Appends to @path from now on (NULL: stderr, the default); @path is copied. mc_log_reopen() opens
 * the same path again, for log rotation; on failure the old file stays in use.
 */
enum mc_status mc_log_file_set(const char *path);
enum mc_status mc_log_reopen(void);

#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
void mc_log_write(enum mc_log_level level, const char *file, int line, const char *format, ...);

/* Token state of one MC_LOG_LIMITED place; true when a line may be written now. */
struct mc_log_limit {
	uint64_t window_start_ns;
	uint32_t written;
	uint32_t suppressed;
};
bool mc_log_limit_pass(struct mc_log_limit *limit, uint32_t per_second, uint32_t *suppressed_out);

#define mc_log_error(...) mc_log_write(MC_LOG_ERROR, __FILE__, __LINE__, __VA_ARGS__)
#define mc_log_warn(...) mc_log_write(MC_LOG_WARN, __FILE__, __LINE__, __VA_ARGS__)
#define mc_log_info(...) mc_log_write(MC_LOG_INFO, __FILE__, __LINE__, __VA_ARGS__)
#define mc_log_debug(...)                                                                          \
	do {                                                                                       \
		if (mc_log_level_get() <= MC_LOG_DEBUG)                                            \
			mc_log_write(MC_LOG_DEBUG, __FILE__, __LINE__, __VA_ARGS__);               \
	} while (0)

/*
 * At most five lines a second from this place; when some were not written, the next one that is
 * says how many. @format is a literal.
 */
#define MC_LOG_LIMITED(level, format, ...)                                                         \
	do {                                                                                       \
		static struct mc_log_limit mc_limit_;                                              \
		uint32_t mc_suppressed_;                                                           \
		bool mc_pass_ = mc_log_limit_pass(&mc_limit_, 5, &mc_suppressed_);                 \
		if (mc_pass_ && mc_suppressed_ == 0)                                               \
			mc_log_write(level, __FILE__, __LINE__, format, ##__VA_ARGS__);            \
		else if (mc_pass_)                                                                 \
			mc_log_write(level, __FILE__, __LINE__, format " (%u like it not shown)",  \
				     ##__VA_ARGS__, mc_suppressed_);                               \
	} while (0)

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
