/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things are: the NUMA nodes and CPUs that this process may use, the RDMA devices (NICs), and
 * which of them is near which memory. Three parts:
 *
 *   mc_topo      this machine as it was when asked: nodes, CPUs, NICs, and the rails, which are the
 *                NICs that transfers use
 *   mc_matrix    which rails are preferred for which location, ours or a peer's: the member
 *                "priority_matrix" of segment descriptors (doc/topology.md)
 *   mc_location  the name of a buffer, "cpu:1", "*", "segments:4096:0,1"
 *
 * Nothing changes after it was made: any thread may read. Making allocates, reads files, and logs.
 */
#ifndef MC_CORE_TOPO_TOPO_H
#define MC_CORE_TOPO_TOPO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "mc/status.h"
#include "mc/types.h"

#define MC_NODE_UNKNOWN (-1)	/* of memory, a CPU or a NIC; near to nothing in particular */
#define MC_RAIL_NONE UINT32_MAX
#define MC_RAILS_MAX 64u	/* of one machine; as many devices as a descriptor may have */

/* ---- locations ---- */

#define MC_LOCATION_MAX 64	/* bytes of the text of one that we write */
#define MC_LOCATION_NODES_MAX 64u

/* A location taken apart once, asked for each transfer. */
struct mc_location {
	uint32_t nodes_count;	/* 0: not on one node that the text tells, as "*" or "cuda:0" */
	int16_t nodes[MC_LOCATION_NODES_MAX];
};

/*
 * Any text is a location; false: one that begins as one that we know ("cpu:", "segments:") and does
 * not go on as one. *location_out is then as for "*".
 */
bool mc_location_parse(const char *text, struct mc_location *location_out);
/* The node of byte @offset of a buffer of @length bytes, or MC_NODE_UNKNOWN. */
int mc_location_node(const struct mc_location *location, uint64_t offset, uint64_t length);
/* "cpu:1"; "*" for MC_NODE_UNKNOWN. With mc_mem_node() the location of a buffer. */
void mc_location_write(int node, char text_out[MC_LOCATION_MAX]);

/* ---- matrices ---- */

#define MC_MATRIX_ERROR_MAX 160
#define MC_MATRIX_BYTES_MAX (1u << 20)	/* of its JSON */
#define MC_MATRIX_LOCATIONS_MAX 1024u

struct mc_matrix;

/*
 * Reads the JSON of a priority_matrix. Its NICs are numbered by @devices, which are the names of
 * the descriptor's devices in their order: a number is thus an index into devices[] and rkey[];
 * those that @devices does not have are left out. @devices NULL: numbered as they first appear,
 * locations in bytewise order. MC_ERR_BAD_MESSAGE with a reason in @error ("\"cpu:0\": 3 lists, not
 * 2"), MC_ERR_TOO_LARGE, MC_ERR_NO_MEMORY.
 */
enum mc_status mc_matrix_parse(struct mc_str json, const char *const *devices,
			       uint32_t devices_count, struct mc_matrix **matrix_out,
			       char error[MC_MATRIX_ERROR_MAX]);
void mc_matrix_free(struct mc_matrix *matrix);

uint32_t mc_matrix_nics_count(const struct mc_matrix *matrix);
const char *mc_matrix_nic(const struct mc_matrix *matrix, uint32_t nic);

/* One location: the preferred NICs first, then the others. Lives as the matrix. */
struct mc_matrix_row {
	const char *location;
	const uint16_t *nics;
	uint32_t nics_count;
	uint32_t preferred_count;
};
uint32_t mc_matrix_rows_count(const struct mc_matrix *matrix);
/* In bytewise order of their locations. */
const struct mc_matrix_row *mc_matrix_row(const struct mc_matrix *matrix, uint32_t index);
/* The row of @location, else that of "*", which is all NICs as preferred where none is given. */
const struct mc_matrix_row *mc_matrix_find(const struct mc_matrix *matrix, const char *location);
/* The same for the location of @node. No search through texts: fit for each transfer. */
const struct mc_matrix_row *mc_matrix_find_node(const struct mc_matrix *matrix, int node);

/*
 * The NIC for try number @retry, the first being 0, or MC_RAIL_NONE when the row has none. The
 * first try takes a preferred one by @turn, a random number or a counter; then they come in order.
 */
uint32_t mc_matrix_pick(const struct mc_matrix_row *row, uint32_t retry, uint64_t turn);

/*
 * Appends the JSON to publish beside descriptor devices @devices, in this order: compact, keys
 * sorted, without the NICs that @devices does not have. Readers of upstream number NICs by the
 * iteration order of a hash table; where that would not give the order of @devices, which cannot
 * happen with the rails of a mc_topo or a part of them in their order, all are published under the
 * one location "cpu:0".
 */
enum mc_status mc_matrix_write(const struct mc_matrix *matrix, const char *const *devices,
			       uint32_t devices_count, struct mc_buf *out);

/* ---- the machine ---- */

struct mc_topo;

struct mc_topo_params {
	size_t size;			/* sizeof(struct mc_topo_params) */
	/*
	 * "mlx5_0,mlx5_1": the NICs to use. NULL: those of the environment variable MC_TE_FILTERS,
	 * "" or no such variable: all. Who has no driver for NICs gives "", here and below: what is
	 * wrong with a setting for them is no reason to fail then.
	 */
	const char *devices;
	/* A file with a matrix to use. NULL: that of MC_CUSTOM_TOPO_JSON; "" or none: our own. */
	const char *matrix_path;
	/*
	 * A directory with sys/ and proc/ of some machine, for tests; NULL: this machine. A given
	 * one sets environment variables of hwloc during the call: not beside other threads.
	 */
	const char *root;
};

/*
 * Some 10 ms. MC_ERR_NOT_FOUND: a device that is not here; MC_ERR_INVALID: a matrix that cannot be
 * used; each with one error line that names the value and what would be right. A machine without
 * NICs has no rails, which is no error.
 */
enum mc_status mc_topo_open(const struct mc_topo_params *params, struct mc_topo **topo_out);
void mc_topo_close(struct mc_topo *topo);
/* Nodes, NICs and rails in a few lines, for a log at start. Lives as @topo. */
const char *mc_topo_text(const struct mc_topo *topo);

/* ---- nodes and CPUs ---- */

struct mc_topo_hugepages {
	uint64_t page_size;	/* in bytes */
	uint64_t total, free;	/* pages */
};
#define MC_TOPO_HUGE_SIZES 4u

struct mc_topo_node {
	int id;
	bool allowed;		/* this process may take memory of it */
	const char *cpus;	/* "0-3,8", all of it; "" for memory alone */
	const char *cpus_allowed;	/* those that this process may run on */
	uint32_t cpus_count, cpus_allowed_count;
	uint64_t memory_total, memory_free;	/* bytes, when opened */
	struct mc_topo_hugepages huge[MC_TOPO_HUGE_SIZES];
	uint32_t huge_count;
};
uint32_t mc_topo_nodes_count(const struct mc_topo *topo);
/* In ascending order of ids, which may have gaps. */
const struct mc_topo_node *mc_topo_node(const struct mc_topo *topo, uint32_t index);
/* The node of @cpu; MC_NODE_UNKNOWN: there is no such CPU. */
int mc_topo_cpu_node(const struct mc_topo *topo, int cpu);
/* As the firmware tells it: 10 for a node to itself. What is unknown is farther than anything. */
uint32_t mc_topo_distance(const struct mc_topo *topo, int from, int to);

/* ---- NICs and rails ---- */

struct mc_topo_nic {
	char name[64];		/* "mlx5_0" */
	int node;
	char pci[16];		/* "0000:3b:00.0"; "": virtual */
	char netdev[16];	/* "eth0"; "": none */
	uint32_t port;		/* MC_IB_PORT, else the first that is active, else the first */
	char state[16];		/* of the port: "ACTIVE", "DOWN" */
	char link[16];		/* "Ethernet", "InfiniBand" */
	char rate[32];		/* "100 Gb/sec (4X EDR)" */
	bool active;
	bool wanted;		/* by the list of devices and the file with a matrix */
	uint32_t rail;		/* MC_RAIL_NONE: not used */
};
uint32_t mc_topo_nics_count(const struct mc_topo *topo);
/* All that are here, used or not, in order of their names. */
const struct mc_topo_nic *mc_topo_nic(const struct mc_topo *topo, uint32_t index);

/* NICs that are active and wanted, in the order in which to publish them. */
uint32_t mc_topo_rails_count(const struct mc_topo *topo);
const struct mc_topo_nic *mc_topo_rail(const struct mc_topo *topo, uint32_t rail);
/* Its NICs are the rails, by number. */
const struct mc_matrix *mc_topo_matrix(const struct mc_topo *topo);

/* ---- which for which ---- */

/*
 * Rails for memory on @node, nearest first, into @rails_out (room for MC_RAILS_MAX). Returns how
 * many of them are preferred: those of a first try.
 */
uint32_t mc_topo_rails_for(const struct mc_topo *topo, int node, uint32_t *rails_out);
/*
 * The same for lcores, which are given by the CPUs that they run on: indices into @cpus, nearest
 * first, into @lcores_out (room for @count). Returns how many are as near as the first.
 */
uint32_t mc_topo_lcores_for(const struct mc_topo *topo, int node, const int *cpus, uint32_t count,
			    uint32_t *lcores_out);

#endif
