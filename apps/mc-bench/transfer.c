/* SPDX-License-Identifier: Apache-2.0 */
/* mc-bench transfer: both ends on this host, or one of them. */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/mc-bench/commands.h"
#include "apps/mc-bench/interrupt.h"
#include "apps/mc-bench/pattern.h"
#include "apps/mc-bench/request.h"
#include "apps/mc-bench/size.h"
#include "apps/mc-bench/transfer_html.h"
#include "apps/mc-bench/transfer_own.h"
#include "apps/mc-bench/transfer_side.h"
#include "apps/mc-bench/transfer_target.h"
#include "core/base/clock.h"
#include "mc/log.h"

#define EXIT_WRONG_BYTES 2

struct bench {
	struct transfer_options options;
	struct transfer_side side;
	struct child child;		/* pid 0: the peer is another's */
	char name[512];
	char peer[512];
	char about[768];
	char *command;			/* as it was given */
	struct transfer_result *results;	/* the rounds of a row */
	struct transfer_row *rows;	/* all rows so far, for the page */
	unsigned int rows_count;
	FILE *html;			/* NULL: none */
	bool local_dirty;		/* our buffer does not hold the pattern */
	bool remote_dirty;		/* nor the peer's */
	bool failed;
	bool wrong;
};

static const char *
complete_name(const struct transfer_options *options)
{
	static const char *const names[] = {"callback", "wait", "poll"};

	return options->poll_inline ? "inline" : names[options->complete];
}

/* ---- what is said on stderr ---- */

static void
failure_tell(const struct bench *bench, const struct transfer_params *params,
	     const struct transfer_result *result)
{
	const char *op = transfer_op_name(params->op);
	char size[SIZE_TEXT], text[96];

	size_text(params->size, size);
	if (bench->child.pid == 0 && bench->options.peer == NULL)
		fprintf(stderr, "mc-bench transfer: the target %s during %s of %s\n",
			child_text(&bench->child, text, sizeof(text)), op, size);
	else
		fprintf(stderr, "mc-bench transfer: %s: %s of %s failed: %s\n", bench->peer, op,
			size, mc_status_text(result->status));
}

static void
mismatch_tell(const struct bench *bench, const struct transfer_params *params,
	      const struct transfer_mismatch *mismatch)
{
	char size[SIZE_TEXT];

	fprintf(stderr,
		"mc-bench transfer: %s: wrong byte at 0x%" PRIx64 " (%" PRIu64
		" in its buffer, %" PRIu64 " in a %s of %s): 0x%02x, not 0x%02x%s\n",
		bench->peer, mismatch->addr, mismatch->addr - bench->side.path.remote,
		mismatch->addr - mismatch->block, transfer_op_name(params->op),
		size_text(params->size, size), mismatch->got, mismatch->expected,
		params->op == MC_READ && bench->options.peer != NULL && !bench->options.fill
			? "; a target that mc-bench did not fill needs -fill"
			: "");
}

/* ---- rows ---- */

/* The bytes that this row counts on, in both buffers. */
static enum mc_status
row_prepare(struct bench *bench, const struct transfer_params *params)
{
	const struct transfer_path *path = &bench->side.path;
	bool fill = params->verify && params->op == MC_READ && bench->remote_dirty;
	enum mc_status st = MC_OK;

	if (fill) {
		st = transfer_fill(path, params->seed, params->timeout_ns);
		if (st != MC_OK && interrupt_signal() == 0)
			fprintf(stderr, "mc-bench transfer: %s: filling its buffer failed: %s\n",
				bench->peer, mc_status_text(st));
		bench->remote_dirty = st != MC_OK;
	} else if (params->op == MC_WRITE && !params->verify && bench->local_dirty) {
		pattern_fill(path->local, path->remote, path->set, params->seed);
		bench->local_dirty = false;
	}
	return st;
}

static void
row_report(struct bench *bench, const struct transfer_params *params, unsigned int rounds)
{
	struct transfer_row *row = &bench->rows[bench->rows_count];
	const struct transfer_path *path = &bench->side.path;

	if (rounds == 0)
		return;
	*row = (struct transfer_row){
		.op = params->op,
		.size = params->size,
		.set = path->set,
		.batch = params->batch,
		.post = params->post,
		.threads = params->threads,
		.rounds = rounds,
		.complete = complete_name(&bench->options),
		.cpu_of_both = bench->options.peer == NULL,
		.figures = transfer_figures_median(bench->results, rounds, params->size, path->set),
	};
	snprintf(row->driver, sizeof(row->driver), "%s", bench->side.driver);
	transfer_report_row(stdout, bench->options.json, row);
	bench->rows_count++;
}

/* Judges one round; false when the bench must not go on. */
static bool
round_judge(struct bench *bench, const struct transfer_params *params,
	    const struct transfer_result *result)
{
	if (result->mismatch.found) {
		mismatch_tell(bench, params, &result->mismatch);
		bench->wrong = true;
	} else if (result->status != MC_OK) {
		if (interrupt_signal() == 0)
			failure_tell(bench, params, result);
		bench->failed = true;
	}
	return !bench->wrong && !bench->failed && interrupt_signal() == 0;
}

static bool
row_run(struct bench *bench, const struct transfer_params *params)
{
	unsigned int rounds = 0;
	bool go_on = row_prepare(bench, params) == MC_OK;

	bench->failed |= !go_on;
	for (unsigned int i = 0; go_on && i < bench->options.rounds; i++) {
		struct transfer_result *result = &bench->results[rounds];
		enum mc_status st = transfer_run(&bench->side.path, params, result);

		bench->local_dirty |= params->verify || params->op == MC_READ;
		bench->remote_dirty |= params->verify && params->op == MC_WRITE;
		if (st != MC_OK) {
			fprintf(stderr, "mc-bench transfer: %s\n", mc_status_text(st));
			bench->failed = true;
			break;
		}
		/* one that ended in its warm-up measured nothing */
		rounds += result->ops > 0 || result->errors > 0;
		go_on = round_judge(bench, params, result);
	}
	row_report(bench, params, rounds);
	return go_on && !bench->failed;
}

static struct transfer_params
params_of(const struct transfer_options *options)
{
	return (struct transfer_params){
		.batch = options->batch,
		.post = options->post,
		.threads = options->threads,
		.complete = options->complete,
		.poll_inline = options->poll_inline,
		.seconds = options->seconds,
		.warmup = options->warmup,
		.timeout_ns = options->timeout_ns,
		.verify = options->verify,
		.seed = options->seed,
		.live = !options->json && isatty(STDERR_FILENO),
	};
}

/* All rows with the driver that is open; false when the bench must not go on. */
static bool
driver_rows(struct bench *bench)
{
	const struct transfer_options *options = &bench->options;
	struct transfer_params params = params_of(options);
	bool go_on = true;

	for (unsigned int o = 0; go_on && o < options->ops_count; o++) {
		for (unsigned int s = 0; go_on && s < options->sizes_count; s++) {
			params.op = options->ops[o];
			params.size = options->sizes[s];
			go_on = row_run(bench, &params);
		}
	}
	return go_on;
}

/* ---- the whole ---- */

static void
about_make(struct bench *bench)
{
	const struct transfer_options *options = &bench->options;
	int cpu = mc_eal_lcore_count() > 0 ? mc_eal_lcore_cpu(0) : -1;
	/* what follows a colon there is how to get larger pages */
	const char *pages = mc_region_text(bench->side.region);
	char set[SIZE_TEXT], where[48] = "polled inline";

	if (cpu >= 0)
		snprintf(where, sizeof(where), "%u lcore%s from CPU %d", mc_eal_lcore_count(),
			 mc_eal_lcore_count() > 1 ? "s" : "", cpu);
	snprintf(bench->about, sizeof(bench->about),
		 "target %.128s%s; initiator %s, %u thread%s with %u in flight each\n"
		 "set of %s; ours: %.*s; CPU seconds of %s",
		 bench->peer, options->peer == NULL ? " on this host" : "", where, options->threads,
		 options->threads > 1 ? "s" : "", options->batch,
		 size_text(bench->side.path.set, set), (int)strcspn(pages, ":"), pages,
		 options->peer == NULL ? "both ends" : "the initiator alone");
}

static void
drivers_run(struct bench *bench)
{
	struct transfer_options *options = &bench->options;
	bool go_on = true;

	bench->local_dirty = true;
	bench->remote_dirty = options->fill;
	for (unsigned int i = 0; go_on && i < options->drivers_count; i++) {
		enum mc_status st = transfer_side_open(
			&bench->side, options, options->drivers[i], bench->peer,
			options->peer == NULL ? &bench->child : NULL);

		if (st != MC_OK) {
			bench->failed = true;
			return;
		}
		about_make(bench);
		if (i > 0 && !options->json)
			putchar('\n');
		transfer_report_head(stdout, options->json, bench->side.driver, bench->about);
		go_on = driver_rows(bench);
		transfer_side_close(&bench->side);
	}
}

static void
page_write(struct bench *bench)
{
	struct transfer_page page = {
		.command = bench->command,
		.about = bench->about,
		.rows = bench->rows,
		.rows_count = bench->rows_count,
		.real_ns = mc_clock_real_ns(),
	};
	struct mc_buf text;
	enum mc_status st;

	if (bench->rows_count == 0) {
		/* no page is better than an empty one */
		fclose(bench->html);
		remove(bench->options.html);
		return;
	}
	mc_buf_init(&text);
	st = transfer_html_write(&page, &text);
	if (st == MC_OK && fwrite(text.data + text.head, 1, mc_buf_len(&text), bench->html) !=
				   mc_buf_len(&text))
		st = MC_ERR_IO;
	mc_buf_fini(&text);
	if (fclose(bench->html) != 0)
		st = MC_ERR_IO;
	bench->html = NULL;
	if (st == MC_OK)
		return;
	fprintf(stderr, "mc-bench transfer: -html %s: not written: %s\n", bench->options.html,
		mc_status_text(st));
	bench->failed = true;
}

static enum mc_status
runtime_start(const struct transfer_options *options)
{
	struct mc_eal_params eal = {
		.size = sizeof(eal),
		.corelist = options->corelist,
		.coremask = options->coremask,
		.lcores = options->lcores,
		.lcore_count = 1,
		.idle = options->idle,
		.spin_ns = options->spin_ns,
	};

	return options->poll_inline ? MC_OK : mc_eal_start(&eal);
}

/* The thread that polls, with -inline; after the target was started, which would inherit it. */
static enum mc_status
inline_pin(const struct transfer_options *options)
{
	cpu_set_t set;

	if (options->inline_cpu < 0)
		return MC_OK;
	CPU_ZERO(&set);
	CPU_SET(options->inline_cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) == 0)
		return MC_OK;
	fprintf(stderr, "mc-bench transfer: -l %d: %s; give a CPU that this process may use\n",
		options->inline_cpu, strerror(errno));
	return MC_ERR_INVALID;
}

static void
initiate(struct bench *bench)
{
	const struct transfer_options *options = &bench->options;
	size_t rows = (size_t)options->drivers_count * options->ops_count * options->sizes_count;
	enum mc_status st = MC_OK;

	bench->results = calloc(options->rounds, sizeof(*bench->results));
	bench->rows = calloc(rows, sizeof(*bench->rows));
	if (bench->results == NULL || bench->rows == NULL)
		st = MC_ERR_NO_MEMORY;
	else if (options->peer == NULL)
		st = transfer_own_start(&bench->child, options, bench->peer, sizeof(bench->peer));
	else
		snprintf(bench->peer, sizeof(bench->peer), "%s", options->peer);
	if (st == MC_OK)
		st = inline_pin(options);
	if (st == MC_OK)
		drivers_run(bench);
	else
		bench->failed = true;
	transfer_side_fini(&bench->side);
	child_stop(&bench->child);
	if (bench->html != NULL)
		page_write(bench);
	free(bench->results);
	free(bench->rows);
}

/* A signal goes before what it broke: 130 for SIGINT, as shells have it. */
static int
exit_code(const struct bench *bench)
{
	int number = interrupt_signal();

	if (bench->options.target)
		return bench->failed ? EXIT_FAILURE : EXIT_SUCCESS;
	if (number != 0) {
		fprintf(stderr, "mc-bench transfer: ended early by a signal: %s\n",
			strsignal(number));
		return 128 + number;
	}
	if (bench->wrong)
		return EXIT_WRONG_BYTES;
	return bench->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int
bench_start(struct bench *bench)
{
	struct transfer_options *options = &bench->options;

	transfer_own_name(bench->name, sizeof(bench->name), options->name, options->metadata, 0);
	options->name = bench->name;
	if (options->html != NULL) {
		/* now, so that nothing was measured for nothing */
		bench->html = fopen(options->html, "w");
		if (bench->html == NULL) {
			fprintf(stderr, "mc-bench transfer: -html %s: %s; give a file that can be "
				"written\n", options->html, strerror(errno));
			return EXIT_FAILURE;
		}
	}
	interrupt_watch();
	if (runtime_start(options) != MC_OK) {
		if (bench->html != NULL)
			fclose(bench->html);
		return EXIT_FAILURE;
	}
	if (options->target)
		bench->failed = transfer_target_serve(options) != MC_OK;
	else
		initiate(bench);
	mc_eal_stop();
	return exit_code(bench);
}

/* ---- command line ---- */

static const char usage[] =
	"usage: mc-bench transfer [flags]\n\n"
	"Moves bytes between two processes and says how fast. Without -peer both ends run\n"
	"on this host; without a flag on what to measure there is a table for each driver.\n\n"
	"  mc-bench transfer -target -name HOST       on one host, and on another\n"
	"  mc-bench transfer -peer SEGMENT -sweep 4K:64M\n\n"
	"Exit code: 0; 1 when something failed; 2 when -verify found a wrong byte; 130 or\n"
	"143 when SIGINT or SIGTERM ended it early, with what was measured until then. A\n"
	"target ends with 0 then.";

/* In front of the list as Markdown. */
static const char document[] =
	"# Flags of mc-bench transfer\n\n"
	"Written by `mc-bench transfer -help_markdown`; `apps/mc-bench/transfer_options.c` is the "
	"source.\n[benchmarks.md](benchmarks.md) says how it is used. Sizes are bytes, or have K, "
	"M, G behind them\n(powers of 1024).\n";

int
bench_transfer(int argc, const char *const *argv)
{
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = transfer_options_table,
		.table_count = transfer_options_count,
		.program = "mc-bench transfer",
	};
	static struct bench bench = {.child = {.out = -1}};
	struct mc_flags *flags;
	int rc = EXIT_FAILURE;

	mc_log_level_set(MC_LOG_WARN);
	if (mc_flags_create(&params, &flags) != MC_OK)
		return EXIT_FAILURE;
	if (mc_flags_parse(flags, argc, argv) == MC_OK &&
	    mc_flags_request(flags) != MC_FLAGS_RUN) {
		if (mc_flags_request(flags) == MC_FLAGS_HELP_MARKDOWN)
			fputs(document, stdout);
		rc = request_serve(flags, usage);
	} else if (mc_flags_errors(flags)[0] == '\0' &&
		   transfer_options_read(flags, &bench.options) == MC_OK) {
		bench.command = request_command(argc, argv);
		rc = bench.command != NULL ? bench_start(&bench) : EXIT_FAILURE;
	}
	fputs(mc_flags_errors(flags), stderr);
	free(bench.command);
	mc_flags_destroy(flags);
	return rc;
}
