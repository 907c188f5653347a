/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process with stores, driven by lines of JSON on standard input, {"do": NAME, "store": NUMBER,
 * …}; it answers each with a line, {"result": …, "ms": …} or {"error": TEXT}.
 * tests/integration/support/store_node.py has the other end. Contents are made and judged here,
 * from key, size and salt.
 */
#include "tests/support/store_node.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "mc/eal.h"

#define REPLICAS_MAX 16

struct mc_store *node_stores[STORES_MAX];
static bool polled[STORES_MAX]; /* the loop polls it */

/* ---- arguments and answers ---- */

uint64_t
node_number(const json_t *command, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(command, name));
}

const char *
node_text(const json_t *command, const char *name)
{
	return json_string_value(json_object_get(command, name));
}

const char *
node_text_or(const json_t *command, const char *name, const char *other)
{
	const char *text = node_text(command, name);

	return text != NULL ? text : other;
}

bool
node_flag(const json_t *command, const char *name)
{
	return json_is_true(json_object_get(command, name));
}

static unsigned int
index_of(const json_t *command)
{
	return (unsigned int)node_number(command, "store") % STORES_MAX;
}

struct mc_store *
node_store(const json_t *command)
{
	return node_stores[index_of(command)];
}

json_t *
node_status(enum mc_status status)
{
	return json_string(mc_status_text(status));
}

const char *
node_verdict(enum mc_status status)
{
	return status == MC_ERR_OBJECT_NOT_FOUND ? "miss" : mc_status_text(status);
}

static json_t *
opened(unsigned int index, enum mc_status st)
{
	if (st != MC_OK)
		return json_pack("{s:o}", "status", node_status(st));
	return json_pack("{s:o, s:s, s:s}", "status", node_status(st), "name",
			 mc_store_hostname(node_stores[index]), "text",
			 mc_store_text(node_stores[index]));
}

/* ---- open and close ---- */

/* "lcores": the runtime is started on these cores, and the store runs there. */
static json_t *
do_open(const json_t *command)
{
	const char *lcores = node_text(command, "lcores");
	struct mc_eal_params eal = {.size = sizeof(eal), .corelist = lcores};
	unsigned int index = index_of(command);
	struct mc_store_params params = {
		.size = sizeof(params),
		.hostname = node_text(command, "hostname"),
		.metadata = node_text(command, "metadata"),
		.master = node_text(command, "master"),
		.protocol = node_text(command, "protocol"),
		.devices = node_text(command, "devices"),
		.drivers = node_text(command, "drivers"),
		.tenant = node_text(command, "tenant"),
		.host_id = node_text(command, "host_id"),
		.bind_host = node_text(command, "bind_host"),
		.segment_size = node_number(command, "segment_size"),
		.buffer_size = node_number(command, "buffer_size"),
		.poll_inline = node_flag(command, "poll_inline"),
		.checksum = node_flag(command, "checksum"),
		.checksum_upstream = node_flag(command, "checksum_upstream"),
		.put_deadline_ms = (uint32_t)node_number(command, "put_deadline_ms"),
		.get_deadline_ms = (uint32_t)node_number(command, "get_deadline_ms"),
		.rpc_timeout_ms = (uint32_t)node_number(command, "rpc_timeout_ms"),
		.huge = MC_HUGE_NEVER,
	};
	enum mc_status st = lcores != NULL ? mc_eal_start(&eal) : MC_OK;

	if (st == MC_OK)
		st = mc_store_open(&params, &node_stores[index]);
	polled[index] = st == MC_OK && params.poll_inline;
	return opened(index, st);
}

/* "options": {name: value}, as mc_store_params_read() takes them. */
static json_t *
do_open_options(const json_t *command)
{
	struct mc_store_option options[32];
	struct mc_store_params params = {.size = sizeof(params)};
	unsigned int count = 0, index = index_of(command);
	char error[512] = "";
	const char *name;
	enum mc_status st;
	json_t *value;

	json_object_foreach(json_object_get(command, "options"), name, value)
		options[count++ % 32] = (struct mc_store_option){name, json_string_value(value)};
	st = mc_store_params_read(options, count, &params, error, sizeof(error));
	if (st != MC_OK)
		return json_pack("{s:o, s:s}", "status", node_status(st), "text", error);
	params.huge = MC_HUGE_NEVER;
	return opened(index, mc_store_open(&params, &node_stores[index]));
}

static json_t *
do_close(const json_t *command)
{
	unsigned int index = index_of(command);

	mc_store_close(node_stores[index],
		       node_flag(command, "abrupt") ? MC_STORE_ABRUPT : MC_STORE_GRACEFUL);
	node_stores[index] = NULL;
	polled[index] = false;
	return json_true();
}

static json_t *
do_stop(const json_t *command)
{
	for (unsigned int i = 0; i < STORES_MAX; i++) {
		mc_store_close(node_stores[i], MC_STORE_GRACEFUL);
		node_stores[i] = NULL;
		polled[i] = false;
	}
	mc_eal_stop();
	return json_true();
}

/* ---- about objects ---- */

static json_t *
do_exist(const json_t *command)
{
	struct values values;
	json_t *out = json_array();

	values_init(&values, command, 1);
	mc_store_exist_batch(values.store, values.items, values.count);
	for (uint32_t i = 0; i < values.count; i++)
		json_array_append_new(out, json_string(node_verdict(values.items[i].status)));
	values_fini(&values);
	return out;
}

/* Lengths, or what was in the way. */
static json_t *
do_sizes(const json_t *command)
{
	struct values values;
	json_t *out = json_array();

	values_init(&values, command, 1);
	mc_store_size_batch(values.store, values.items, values.count);
	for (uint32_t i = 0; i < values.count; i++) {
		const struct mc_store_item *item = &values.items[i];

		json_array_append_new(out, item->status == MC_OK
						   ? json_integer((json_int_t)item->length)
						   : json_string(node_verdict(item->status)));
	}
	values_fini(&values);
	return out;
}

static json_t *
do_remove(const json_t *command)
{
	struct values values;
	json_t *out = json_array();

	values_init(&values, command, 1);
	mc_store_remove_batch(values.store, values.items, values.count,
			      node_flag(command, "force"));
	for (uint32_t i = 0; i < values.count; i++)
		json_array_append_new(out, json_string(node_verdict(values.items[i].status)));
	values_fini(&values);
	return out;
}

/* "regex": those that match, else all. How many went. */
static json_t *
do_remove_all(const json_t *command)
{
	const char *regex = node_text(command, "regex");
	bool force = node_flag(command, "force");
	uint64_t removed = 0;
	enum mc_status st =
		regex != NULL ? mc_store_remove_regex(node_store(command), regex, force, &removed)
			      : mc_store_remove_all(node_store(command), force, &removed);

	return st == MC_OK ? json_integer((json_int_t)removed) : node_status(st);
}

static json_t *
do_replicas(const json_t *command)
{
	struct mc_store_replica replicas[REPLICAS_MAX];
	json_t *out = json_array();
	uint32_t count = 0;
	enum mc_status st = mc_store_replicas(node_store(command), node_text(command, "key"),
					      replicas, REPLICAS_MAX, &count);

	if (st != MC_OK)
		return json_string(node_verdict(st));
	for (uint32_t i = 0; i < count && i < REPLICAS_MAX; i++)
		json_array_append_new(out, json_pack("{s:s, s:I, s:I, s:i, s:i}", "endpoint",
						     replicas[i].endpoint, "address",
						     (json_int_t)replicas[i].address, "length",
						     (json_int_t)replicas[i].length, "status",
						     replicas[i].status, "type", replicas[i].type));
	return out;
}

/* ---- tasks and segments ---- */

static json_t *
uuid_json(struct mc_uuid id)
{
	char text[48];

	snprintf(text, sizeof(text), "%llu-%llu", (unsigned long long)id.first,
		 (unsigned long long)id.second);
	return json_string(text);
}

static struct mc_uuid
uuid_of(const json_t *command, const char *name)
{
	unsigned long long first = 0, second = 0;

	sscanf(node_text_or(command, name, ""), "%llu-%llu", &first, &second);
	return (struct mc_uuid){first, second};
}

/* "source": a move from there, else a copy. */
static json_t *
do_task(const json_t *command)
{
	const char *target = node_text(command, "target"), *key = node_text(command, "key");
	const char *source = node_text(command, "source");
	struct mc_uuid task;
	enum mc_status st =
		source != NULL ? mc_store_move_task(node_store(command), key, source, target, &task)
			       : mc_store_copy_task(node_store(command), key, &target, 1, &task);

	return json_pack("{s:o, s:o}", "status", node_status(st), "task",
			 st == MC_OK ? uuid_json(task) : json_null());
}

static json_t *
do_task_query(const json_t *command)
{
	struct mc_store_task task;
	enum mc_status st =
		mc_store_task_query(node_store(command), uuid_of(command, "task"), &task);

	if (st != MC_OK)
		return node_status(st);
	return json_pack("[i, i, s]", task.type, task.status, task.message);
}

static json_t *
do_mount(const json_t *command)
{
	struct mc_uuid segment;
	enum mc_status st =
		mc_store_mount(node_store(command), node_number(command, "length"), &segment);

	return st == MC_OK ? uuid_json(segment) : node_status(st);
}

static json_t *
do_unmount(const json_t *command)
{
	return node_status(mc_store_unmount(node_store(command), uuid_of(command, "segment"),
					    node_number(command, "grace_ms")));
}

static json_t *
do_health(const json_t *command)
{
	return node_status(mc_store_health(node_store(command)));
}

static json_t *
do_counters(const json_t *command)
{
	struct mc_store_counters now;

	mc_store_counters_read(node_store(command), &now);
#define NAMED(name) #name, (json_int_t)now.name
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I,"
			 " s:I, s:I, s:I, s:I, s:I}",
			 NAMED(puts), NAMED(gets), NAMED(misses), NAMED(put_failures),
			 NAMED(get_failures), NAMED(put_timeouts), NAMED(get_timeouts),
			 NAMED(checked), NAMED(unchecked), NAMED(mismatches),
			 NAMED(checksum_failures), NAMED(lease_expired), NAMED(remounts),
			 NAMED(rpc_failures), NAMED(tasks_done), NAMED(segments),
			 NAMED(segment_bytes), NAMED(outstanding), NAMED(buffer_used));
#undef NAMED
}

/* ---- our memory ---- */

/* Turns one byte of our own memory over: "addr", and what it was. */
static json_t *
do_flip(const json_t *command)
{
	unsigned char *at = (unsigned char *)(uintptr_t)node_number(command, "addr");

	*at ^= 0x40;
	return json_integer(*at ^ 0x40);
}

/* ---- a child ---- */

static void
forget(void *context, enum mc_status status)
{
}

static void
child_write(int fd, const char *what, enum mc_status st)
{
	dprintf(fd, "%s=%s\n", what, mc_status_text(st));
}

/* A store of its own is another matter. */
static void
child_opens(const json_t *command, int fd)
{
	struct mc_store_params params = {.size = sizeof(params),
					 .hostname = "127.0.0.1",
					 .metadata = "P2PHANDSHAKE",
					 .master = node_text(command, "master"),
					 .bind_host = "127.0.0.1"};
	struct mc_store *own = NULL;
	char byte = 1;

	child_write(fd, "own open", mc_store_open(&params, &own));
	if (own != NULL)
		child_write(fd, "own put", mc_store_put(own, "child", &byte, 1, NULL));
	mc_store_close(own, MC_STORE_GRACEFUL);
}

/* All that a child of a fork may try, with what it is answered. Ends as a program does. */
static void
child_run(const json_t *command, struct mc_store *store, int fd)
{
	struct mc_store_item item = {.key = "child"};
	struct mc_store_buffer *buffer;
	struct mc_uuid segment;
	uint64_t length;
	char byte = 1;

	child_write(fd, "put", mc_store_put(store, "child", &byte, 1, NULL));
	child_write(fd, "get", mc_store_get(store, "child", &buffer));
	child_write(fd, "get_into", mc_store_get_into(store, "child", &byte, 1, &length));
	child_write(fd, "exist", mc_store_exist(store, "child"));
	child_write(fd, "size", mc_store_size(store, "child", &length));
	child_write(fd, "remove", mc_store_remove(store, "child", true));
	child_write(fd, "remove_all", mc_store_remove_all(store, true, &length));
	child_write(fd, "health", mc_store_health(store));
	child_write(fd, "mount", mc_store_mount(store, 1 << 20, &segment));
	child_write(fd, "buffer_reg", mc_store_buffer_reg(store, &byte, 1));
	child_write(fd, "start",
		    mc_store_start(store, MC_STORE_EXIST, &item, 1, NULL, forget, NULL));
	mc_store_close(store, MC_STORE_GRACEFUL);
	child_opens(command, fd);
	exit(0);
}

/* {what: status} of the child, and how it ended. */
static json_t *
do_fork(const json_t *command)
{
	static json_t *answers;	/* where the child's end sees it, too: no leak */
	char line[128], *is;
	int fds[2], ended;
	FILE *from;
	pid_t child;

	answers = json_object();
	if (pipe(fds) != 0)
		return NULL;
	child = fork();
	if (child == 0) {
		alarm(20); /* a child that hangs ends, and is told apart */
		child_run(command, node_store(command), fds[1]);
	}
	close(fds[1]);
	from = fdopen(fds[0], "r");
	while (fgets(line, sizeof(line), from) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		is = strchr(line, '=');
		*is = '\0';
		json_object_set_new(answers, line, json_string(is + 1));
	}
	fclose(from);
	if (waitpid(child, &ended, 0) != child)
		return NULL;
	return json_pack("{s:o, s:i}", "answers", answers, "ended", ended);
}

/* ---- the loop ---- */

static json_t *
do_exit(const json_t *command)
{
	exit(7); /* without closing anything, but with what runs at exit */
}

static const struct {
	const char *name;
	json_t *(*run)(const json_t *command);
} commands[] = {
	{"open", do_open},
	{"open_options", do_open_options},
	{"close", do_close},
	{"stop", do_stop},
	{"put", node_put},
	{"get", node_get},
	{"exist", do_exist},
	{"sizes", do_sizes},
	{"remove", do_remove},
	{"remove_all", do_remove_all},
	{"replicas", do_replicas},
	{"task", do_task},
	{"task_query", do_task_query},
	{"mount", do_mount},
	{"unmount", do_unmount},
	{"health", do_health},
	{"counters", do_counters},
	{"flip", do_flip},
	{"fork", do_fork},
	{"exit", do_exit},
	{"hammer", node_hammer},
	{"hammered", node_hammered},
};

static json_t *
command_run(const json_t *command)
{
	const char *name = node_text(command, "do");

	for (size_t i = 0; name != NULL && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run(command);
	}
	return NULL;
}

static void
line_run(const char *line)
{
	json_t *command = json_loads(line, 0, NULL);
	uint64_t begin = mc_clock_mono_ns();
	json_t *result = command_run(command);
	json_int_t ms = (json_int_t)((mc_clock_mono_ns() - begin) / MC_NS_PER_MS);
	json_t *answer = result != NULL ? json_pack("{s:o, s:I}", "result", result, "ms", ms)
					: json_pack("{s:s}", "error", "it failed");
	char *out = json_dumps(answer, JSON_COMPACT);

	puts(out);
	fflush(stdout);
	free(out);
	json_decref(answer);
	json_decref(command);
}

/* Stores that their user polls are polled while no command is there. */
static void
line_await(void)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	bool any;

	do {
		any = false;
		for (unsigned int i = 0; i < STORES_MAX; i++) {
			if (polled[i]) {
				mc_store_poll(node_stores[i]);
				any = true;
			}
		}
	} while (poll(&in, 1, any ? 1 : -1) == 0);
}

int
main(void)
{
	char *line = NULL;
	size_t room = 0;

	setvbuf(stdin, NULL, _IONBF, 0); /* what poll() sees is all there is */
	line_await();
	while (getline(&line, &room, stdin) > 0) {
		line_run(line);
		line_await();
	}
	free(line);
	return 0;
}
