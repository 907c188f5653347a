/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus text format 0.0.4. A line that finds no memory is left out whole. */
#include <inttypes.h>
#include <stdio.h>

#include "core/metrics/metrics.h"

void
mc_prometheus_head(struct mc_buf *out, const char *name, enum mc_metric_kind kind,
		   const char *help)
{
	static const char *const kinds[] = {"counter", "gauge", "histogram"};
	char line[512];
	int len = snprintf(line, sizeof(line), "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
			   kinds[kind]);

	if (len > 0 && (size_t)len < sizeof(line))
		mc_buf_append(out, line, (size_t)len);
}

static size_t
label_escape(const char *value, char *out, size_t size)
{
	size_t len = 0;

	for (; *value != '\0' && len + 3 < size; value++) {
		if (*value == '\\' || *value == '"' || *value == '\n')
			out[len++] = '\\';
		out[len++] = *value == '\n' ? 'n' : *value;
	}
	out[len] = '\0';
	return len;
}

static void
sample_write(struct mc_buf *out, const char *name, const char *label, const char *label_value,
	     const char *value)
{
	char escaped[512], line[1024];
	int len;

	if (label != NULL) {
		label_escape(label_value, escaped, sizeof(escaped));
		len = snprintf(line, sizeof(line), "%s{%s=\"%s\"} %s\n", name, label, escaped,
			       value);
	} else {
		len = snprintf(line, sizeof(line), "%s %s\n", name, value);
	}
	if (len > 0 && (size_t)len < sizeof(line))
		mc_buf_append(out, line, (size_t)len);
}

void
mc_prometheus_u64(struct mc_buf *out, const char *name, const char *label, const char *label_value,
		  uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	sample_write(out, name, label, label_value, text);
}

void
mc_prometheus_double(struct mc_buf *out, const char *name, const char *label,
		     const char *label_value, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.6g", value);
	sample_write(out, name, label, label_value, text);
}
