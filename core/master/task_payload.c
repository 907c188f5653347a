/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a task says to its client: one JSON object, whose members and their order are upstream's.
 * They became more with the releases. JSON is text, so that a key which is none is not taken into
 * a task in the first place (mc_task_add()).
 */
#include "core/base/json.h"
#include "core/master/task.h"

/* ,"name":"text" */
static enum mc_status
member(struct mc_buf *out, const char *name, struct mc_str text)
{
	enum mc_status st = mc_buf_printf(out, ",\"%s\":", name);

	return st == MC_OK ? mc_json_str(out, text) : st;
}

static enum mc_status
targets(struct mc_buf *out, const struct task_order *order)
{
	enum mc_status st = mc_buf_printf(out, ",\"targets\":[");

	for (uint32_t i = 0; st == MC_OK && i < order->targets_count; i++) {
		if (i > 0)
			st = mc_buf_printf(out, ",");
		if (st == MC_OK)
			st = mc_json_str(out, order->targets[i]);
	}
	return st == MC_OK ? mc_buf_printf(out, "]") : st;
}

/* No copy is one of a hot key here. */
static enum mc_status
dynamic(struct mc_buf *out)
{
	return mc_buf_printf(out, ",\"dynamic_replication_lease_id_high\":0"
				  ",\"dynamic_replication_lease_id_low\":0"
				  ",\"dynamic_replication_version_epoch\":0");
}

enum mc_status
mc_task_payload(const struct task_order *order, enum mc_release release, struct mc_buf *out)
{
	bool move = order->type == MC_TASK_MOVE;
	enum mc_status st = mc_buf_printf(out, "{");

	if (st == MC_OK && release >= MC_RELEASE_0_3_12)
		st = mc_buf_printf(out, "\"tenant_id\":\"default\",");
	if (st == MC_OK)
		st = mc_buf_printf(out, "\"key\":");
	if (st == MC_OK)
		st = mc_json_str(out, order->key);
	/* before that, a client copies from where it finds a replica */
	if (st == MC_OK && (move || release >= MC_RELEASE_0_3_10))
		st = member(out, "source", order->source);
	if (st == MC_OK)
		st = move ? member(out, "target", order->targets[0]) : targets(out, order);
	if (st == MC_OK && !move && release >= MC_RELEASE_0_3_13)
		st = dynamic(out);
	return st == MC_OK ? mc_buf_printf(out, "}") : st;
}
