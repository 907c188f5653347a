/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "core/topo/private.h"

/* A run of digits of at most @max; NULL: none, or more. */
static const char *
number_read(const char *text, uint64_t max, uint64_t *value_out)
{
	const char *at = text;
	uint64_t value = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		value = value * 10 + (uint64_t)(*at - '0');
		if (value > max)
			return NULL;
	}
	*value_out = value;
	return at > text ? at : NULL;
}

static bool
nodes_parse(const char *text, struct mc_location *location)
{
	uint64_t node;

	while (location->nodes_count < MC_LOCATION_NODES_MAX) {
		text = number_read(text, TOPO_NODE_ID_MAX, &node);
		if (text == NULL)
			return false;
		location->nodes[location->nodes_count++] = (int16_t)node;
		if (*text == '\0')
			return true;
		if (*text++ != ',')
			return false;
	}
	return false;
}

static bool
known_parse(const char *text, struct mc_location *location)
{
	uint64_t page;

	if (strncmp(text, "cpu:", 4) == 0)
		return nodes_parse(text + 4, location) && location->nodes_count == 1;
	if (strncmp(text, "segments:", 9) != 0)
		return true;
	/* what a reader needs of it are the nodes: the regions follow from the length */
	text = number_read(text + 9, INT64_MAX / 10, &page);
	return text != NULL && page > 0 && *text == ':' && nodes_parse(text + 1, location);
}

bool
mc_location_parse(const char *text, struct mc_location *location_out)
{
	location_out->nodes_count = 0;
	if (known_parse(text, location_out))
		return true;
	location_out->nodes_count = 0;
	return false;
}

int
mc_location_node(const struct mc_location *location, uint64_t offset, uint64_t length)
{
	uint32_t count = location->nodes_count;
	uint64_t region;

	if (count == 0)
		return MC_NODE_UNKNOWN;
	if (count == 1 || length < count)
		return location->nodes[0];
	/* the bytes that do not divide evenly belong to the last one */
	region = offset / (length / count);
	return location->nodes[region < count ? region : count - 1];
}

void
mc_location_write(int node, char text_out[MC_LOCATION_MAX])
{
	if (node < 0)
		strcpy(text_out, "*");
	else
		snprintf(text_out, MC_LOCATION_MAX, "cpu:%d", node);
}
