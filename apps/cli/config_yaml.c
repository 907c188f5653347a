/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -config_path in YAML: one document, a mapping of plain values. It is read event by event and left
 * at the first one that has no place there, so nothing in it can nest, repeat or expand.
 */
#include <string.h>
#include <yaml.h>

#include "apps/cli/config_file.h"

struct yaml_file {
	struct mc_config_file *file;
	yaml_parser_t parser;
	yaml_event_t event;
};

static unsigned int
line_of(const yaml_mark_t *mark)
{
	return (unsigned int)mark->line + 1;
}

/* The next event in yaml->event, to be deleted by the caller. */
static bool
event_next(struct yaml_file *yaml)
{
	if (yaml_parser_parse(&yaml->parser, &yaml->event) == 1)
		return true;
	mc_config_error(yaml->file, line_of(&yaml->parser.problem_mark), "no YAML: %s",
			yaml->parser.problem != NULL ? yaml->parser.problem : "out of memory");
	return false;
}

/* Takes the next event, which must be @type, and drops it. */
static bool
event_expect(struct yaml_file *yaml, yaml_event_type_t type, const char *otherwise)
{
	bool fits;

	if (!event_next(yaml))
		return false;
	fits = yaml->event.type == type;
	if (!fits)
		mc_config_error(yaml->file, line_of(&yaml->event.start_mark), "%s", otherwise);
	yaml_event_delete(&yaml->event);
	return fits;
}

/* What keeps the event from being a plain text; NULL: nothing. */
static const char *
scalar_problem(const yaml_event_t *event)
{
	if (event->type == YAML_ALIAS_EVENT)
		return "an alias; write the value out";
	if (event->type != YAML_SCALAR_EVENT)
		return "a list or a mapping; give a text, a number, true or false";
	if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL)
		return "a value with an anchor or a tag; give it plain";
	if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
		return "a text with a zero byte; leave that out";
	return NULL;
}

static bool
is_null(const yaml_event_t *event)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

	if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++) {
		if (strcmp((const char *)event->data.scalar.value, nulls[i]) == 0)
			return true;
	}
	return false;
}

/* The value behind the key in @key, and the setting. False: the rest cannot be read. */
static bool
value_take(struct yaml_file *yaml, const yaml_event_t *key)
{
	const char *name = (const char *)key->data.scalar.value;
	unsigned int line = line_of(&key->start_mark);
	const char *problem;

	if (!event_next(yaml))
		return false;
	problem = scalar_problem(&yaml->event);
	if (problem != NULL)
		mc_config_error(yaml->file, line, "\"%.80s\" is %s", name, problem);
	else if (is_null(&yaml->event))
		mc_config_error(yaml->file, line,
				"\"%.80s\" has no value; give one, or \"\" for an empty text",
				name);
	else
		mc_config_set(yaml->file, line, name, (const char *)yaml->event.data.scalar.value);
	yaml_event_delete(&yaml->event);
	return problem == NULL;
}

static bool
mapping_read(struct yaml_file *yaml)
{
	bool more = true;

	while (more) {
		yaml_event_t key;
		const char *problem;

		if (!event_next(yaml))
			return false;
		key = yaml->event;
		if (key.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&key);
			return true;
		}
		problem = scalar_problem(&key);
		if (problem != NULL)
			mc_config_error(yaml->file, line_of(&key.start_mark), "a key is %s",
					problem);
		more = problem == NULL && value_take(yaml, &key);
		yaml_event_delete(&key);
	}
	return false;
}

static void
stream_read(struct yaml_file *yaml)
{
	bool empty;

	if (!event_expect(yaml, YAML_STREAM_START_EVENT, "no YAML") || !event_next(yaml))
		return;
	/* nothing but comments */
	empty = yaml->event.type == YAML_STREAM_END_EVENT;
	yaml_event_delete(&yaml->event);
	if (empty)
		return;
	if (event_expect(yaml, YAML_MAPPING_START_EVENT,
			 "no mapping of flags; give lines like \"flag: value\"") &&
	    mapping_read(yaml) && event_expect(yaml, YAML_DOCUMENT_END_EVENT, "no YAML"))
		event_expect(yaml, YAML_STREAM_END_EVENT,
			     "a second document; give one mapping of flags");
}

void
mc_config_yaml(struct mc_config_file *file, const void *text, size_t len)
{
	struct yaml_file yaml = {.file = file};

	if (yaml_parser_initialize(&yaml.parser) != 1) {
		file->flags->no_memory = true;
		return;
	}
	yaml_parser_set_input_string(&yaml.parser, text, len);
	stream_read(&yaml);
	yaml_parser_delete(&yaml.parser);
}
