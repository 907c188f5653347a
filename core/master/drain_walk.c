/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A drain job at work. It walks over all objects in slices; each replica on one of its segments
 * gets a task to move it, for the client that has the segment, while not too many are under way.
 * Rounds follow each other, a second apart, until one meets no such replica any more: what could
 * not be moved in one of them may be in the next.
 */
#include "core/base/clock.h"
#include "core/master/drain.h"

/* Objects looked at per pass of the reactor, as in walk.c. */
#define SLICE	 1024u
#define ROUND_NS MC_NS_PER_S
/* Names looked at for one object, which takes as long as to look at so many objects. */
#define SAMPLE	     64u
#define SAMPLE_STEPS 32u
/* Rounds that find nothing to move leave the lcore to others for so many times their length. */
#define REST 4u

/* ---- where to ---- */

/* Share of free space of @i, or less than 0: there is no room for @size bytes. */
static double
name_room(const struct mc_master *master, uint32_t i, uint64_t size)
{
	const struct master_name *name = &master->names[i];
	uint64_t capacity = 0, used = 0, largest = 0;

	for (uint32_t n = 0; n < name->segments_count; n++) {
		struct mc_alloc_stats stats;

		mc_alloc_stats_read(master->segments[name->segments[n]].alloc, &stats);
		capacity += stats.capacity;
		used += stats.used;
		if (stats.free_largest > largest)
			largest = stats.free_largest;
	}
	return largest < size ? -1.0 : (double)(capacity - used) / (double)capacity;
}

/* The name of candidate @i, or MC_NUMBER_NONE when it takes no objects. */
static uint32_t
candidate(const struct mc_master *master, const struct drain_job *job, uint32_t i)
{
	uint32_t name;

	if (job->targets.count == 0)
		return master->names_live[i];
	name = mc_name_find(master, job->targets.at[i]);
	if (name == MC_NUMBER_NONE || master->names[name].segments_count == 0)
		return MC_NUMBER_NONE;
	return name;
}

/*
 * Of a sample of names the one with most free space; failing that, one that has another replica of
 * the object already: then the move only removes this one. MC_NUMBER_NONE: neither.
 */
static uint32_t
target_choose(struct mc_master *master, const struct drain_job *job, struct mc_object *object,
	      uint32_t source)
{
	uint32_t count = job->targets.count > 0 ? job->targets.count : master->names_live_count;
	uint32_t start = count > 0 ? (uint32_t)mc_random_below(&master->random, count) : 0;
	uint32_t best = MC_NUMBER_NONE, there = MC_NUMBER_NONE;
	double best_room = -1.0;

	for (uint32_t n = 0; n < count && n < SAMPLE; n++) {
		uint32_t name = candidate(master, job, (start + n) % count);
		double room;

		if (name == MC_NUMBER_NONE || name == source)
			continue;
		if (mc_placed_on(master, object, name)) {
			there = name;
			continue;
		}
		room = name_room(master, name, object->size);
		if (room > best_room) {
			best = name;
			best_room = room;
		}
	}
	return best != MC_NUMBER_NONE ? best : there;
}

/* ---- units ---- */

static unsigned int
failures(const struct mc_replica *replica)
{
	return replica->flags >> MC_REPLICA_FAILED_SHIFT;
}

static void
failures_set(struct mc_replica *replica, unsigned int count)
{
	replica->flags &= (1u << MC_REPLICA_FAILED_SHIFT) - 1;
	replica->flags |= (uint8_t)(count << MC_REPLICA_FAILED_SHIFT);
}

static enum mc_status
task_start(struct mc_master *master, const struct drain_job *job, struct mc_object *object,
	   const struct mc_replica *replica, uint32_t target)
{
	const struct master_segment *segment = &master->segments[replica->segment];
	struct task_request request = {
		.type = MC_TASK_MOVE,
		.key = {mc_object_key(object), object->key_len},
		.source = master->names[segment->name].text,
		.targets = {&master->names[target].text, 1, sizeof(struct mc_str), 0, 0},
		.client = segment->client,
		.drain = job->number,
	};
	uint32_t task;

	return mc_task_add(master, &request, &task);
}

/* A replica that has no task: it gets one, if that can be. */
static void
unit_start(struct mc_master *master, struct drain_job *job, struct mc_object *object,
	   struct mc_replica *replica)
{
	uint32_t source = master->segments[replica->segment].name;
	uint32_t target = MC_NUMBER_NONE;
	enum mc_status st = MC_ERR_UNAVAILABLE_STATE;

	if (!mc_object_busy(object) && replica->status == MC_REPLICA_COMPLETE)
		target = target_choose(master, job, object, source);
	if (target != MC_NUMBER_NONE)
		st = task_start(master, job, object, replica, target);
	if (st == MC_OK) {
		replica->flags |= MC_REPLICA_DRAINED;
		job->told.active_units++;
		job->round.started++;
	} else if (st == MC_ERR_INVALID_KEY) {
		failures_set(replica, MC_DRAIN_TRIES);
		job->told.failed_units++;
		job->round.hopeless++;
	} else {
		job->round.blocked++;
	}
}

/* Returns how many steps that was worth. */
static uint32_t
object_visit(struct mc_master *master, struct drain_job *job, struct mc_object *object)
{
	uint32_t steps = 0;

	for (unsigned int i = 0; i < object->replicas; i++) {
		struct mc_replica *replica = &mc_object_replicas(object)[i];

		if (master->segments[replica->segment].drain != job->number)
			continue;
		job->round.left++;
		if ((replica->flags & MC_REPLICA_DRAINED) != 0)
			continue;
		/* of a job before this one */
		if (job->first_round)
			failures_set(replica, 0);
		if (failures(replica) >= MC_DRAIN_TRIES) {
			job->round.hopeless++;
			continue;
		}
		unit_start(master, job, object, replica);
		steps += SAMPLE_STEPS;
	}
	return steps;
}

/* The replica that @order is to move, if it is still there. */
static struct mc_replica *
unit_replica(struct mc_master *master, const struct task_order *order, uint32_t number,
	     uint64_t *size_out)
{
	uint32_t object =
		mc_object_find(master, order->key, mc_table_hash(order->key.ptr, order->key.len));
	struct mc_object *obj;

	if (object == MC_OBJECT_NONE)
		return NULL;
	obj = master_object(master, object);
	*size_out = obj->size;
	for (unsigned int i = 0; i < obj->replicas; i++) {
		struct mc_replica *replica = &mc_object_replicas(obj)[i];
		const struct master_segment *segment = &master->segments[replica->segment];

		if (segment->drain == number && (replica->flags & MC_REPLICA_DRAINED) != 0 &&
		    mc_str_equal(master->names[segment->name].text, order->source))
			return replica;
	}
	return NULL;
}

void
mc_drain_task_done(struct mc_master *master, const struct master_task *task,
		   enum mc_task_status status)
{
	struct drain_job *job = mc_drain_find(master, task->drain);
	uint64_t size = 0;
	struct mc_replica *replica;

	if (job == NULL)
		return;
	replica = unit_replica(master, task->order, task->drain, &size);
	job->told.active_units--;
	mc_drain_touch(job);
	if (replica != NULL) {
		/* whatever the client says of it */
		replica->flags &= (uint8_t)~MC_REPLICA_DRAINED;
		failures_set(replica, failures(replica) + 1);
		job->told.failed_units++;
	} else if (status == MC_TASK_SUCCESS) {
		job->told.succeeded_units++;
		job->told.migrated_bytes += size;
	}
	/* else removed or evicted since: no move is missing */
}

/* ---- rounds ---- */

static void
round_end(struct mc_master *master, struct drain_job *job)
{
	const struct drain_round *round = &job->round;
	uint64_t now = mc_reactor_now(master->exec);
	uint64_t rest_ns = round->started == 0 ? REST * (now - round->began_ns) : 0;
	bool idle = job->told.active_units == 0;

	job->told.blocked_units = round->blocked;
	if (idle && round->left == 0) {
		mc_drain_end(master, job, job->lost ? MC_DRAIN_FAILED : MC_DRAIN_SUCCEEDED);
	} else if (idle && round->left == round->hopeless) {
		mc_drain_end(master, job, MC_DRAIN_FAILED);
	} else {
		job->next_ns = now + (rest_ns > ROUND_NS ? rest_ns : ROUND_NS);
		job->first_round = false;
		job->round = (struct drain_round){.cursor = MC_OBJECT_NONE};
	}
}

/* One object, or as many steps as there are without one. */
static void
walk_step(struct mc_master *master, struct drain_job *job, uint32_t *steps)
{
	uint32_t object = mc_table_walk(master->table, &job->round.cursor, steps);
	uint32_t worth;

	if (object == MC_OBJECT_NONE || !mc_object_prune(master, object))
		return;
	worth = object_visit(master, job, master_object(master, object));
	*steps -= worth < *steps ? worth : *steps;
}

uint32_t
mc_drain_walk(struct mc_master *master, struct drain_job *job)
{
	uint64_t now = mc_reactor_now(master->exec);
	uint32_t steps = SLICE;

	if (now < job->next_ns)
		return 0;
	if (job->told.status == MC_DRAIN_CREATED) {
		job->told.status = MC_DRAIN_RUNNING;
		mc_drain_touch(job);
	}
	if (job->round.cursor == MC_OBJECT_NONE)
		job->round.began_ns = now;
	while (steps > 0 && job->told.active_units < job->concurrency) {
		walk_step(master, job, &steps);
		if (job->round.cursor == MC_OBJECT_NONE) {
			round_end(master, job);
			return 1;
		}
	}
	return SLICE - steps;
}
