/* SPDX-License-Identifier: Apache-2.0 */
/* Private to core/topo. Nothing here is called after mc_topo_open() has returned. */
#ifndef MC_CORE_TOPO_PRIVATE_H
#define MC_CORE_TOPO_PRIVATE_H

#include "core/topo/topo.h"

#define TOPO_NODE_ID_MAX 1023	/* the kernel's own bound on x86 and arm64 */

struct hwloc_topology;

struct mc_topo {
	struct mc_topo_node *nodes;	/* ascending ids */
	uint32_t nodes_count;
	int16_t *cpu_nodes;		/* by CPU */
	uint32_t cpus_count;
	uint32_t *distances;		/* nodes_count x nodes_count, by index */
	struct mc_topo_nic *nics;
	uint32_t nics_count;
	uint32_t rails[MC_RAILS_MAX];	/* indices of nics */
	struct mc_matrix *matrix;
	char *text;
};

/* ---- files.c: small text files below a root ("": this machine) ---- */

/* The first line without its end; false: cannot be read, or is longer. */
bool topo_line_read(char *line, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A number; @otherwise where there is none. */
int64_t topo_number_read(int64_t otherwise, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Names in the directory, as people sort them, without those that begin with a dot. -1: none. */
int topo_names_read(char ***names_out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void topo_names_free(char **names, int count);

/* ---- hardware.c: what hwloc tells ---- */

enum mc_status topo_hardware_open(const char *root, struct hwloc_topology **hardware_out);
void topo_hardware_close(struct hwloc_topology *hardware);
/* Nodes, CPUs and distances. */
enum mc_status topo_hardware_read(struct hwloc_topology *hardware, const char *root,
				  struct mc_topo *topo);
/* The node of the PCI device that NIC @name is, or MC_NODE_UNKNOWN. */
int topo_hardware_nic_node(struct hwloc_topology *hardware, const char *name);

/* ---- memory.c: sizes of nodes ---- */

void topo_memory_read(const char *root, struct mc_topo *topo);

/* ---- nic.c ---- */

enum mc_status topo_nics_read(const char *root, struct hwloc_topology *hardware,
			      struct mc_topo *topo);

/* ---- rails.c: which NICs are used, and their matrix ---- */

enum mc_status topo_rails_choose(struct mc_topo *topo, const struct mc_topo_params *params);

/* ---- text.c ---- */

enum mc_status topo_text_make(struct mc_topo *topo);

/* ---- matrix.c: making one ---- */

struct mc_matrix {
	char **nics;
	uint32_t nics_count;
	struct mc_matrix_row *rows;	/* sorted once finished */
	uint32_t rows_count, rows_room;
	struct mc_matrix_row any;	/* what "*" means where no row says */
	const struct mc_matrix_row **nodes;	/* by id; NULL where it has no row */
	uint32_t nodes_count;
};

enum mc_status topo_matrix_create(const char *const *nics, uint32_t nics_count,
				  struct mc_matrix **matrix_out);
/* A NIC is named once: later mentions in the row are dropped. */
enum mc_status topo_matrix_add(struct mc_matrix *matrix, const char *location, const uint16_t *nics,
			       uint32_t nics_count, uint32_t preferred_count);
/* After the last row. */
enum mc_status topo_matrix_finish(struct mc_matrix *matrix);
/* The NICs for which @keep, numbered as upstream's readers do; returns how many. */
uint32_t topo_matrix_walk(const struct mc_matrix *matrix, const bool *keep, uint16_t *nics_out);
/* The NICs for which @keep, in an order that can be published as it is. Replaces *matrix. */
enum mc_status topo_matrix_arrange(struct mc_matrix **matrix, const bool *keep);

/* ---- iteration.c ---- */

/*
 * The order in which upstream's readers walk a matrix with these @locations, which they filled in
 * the order given (bytewise).
 */
void topo_iteration_order(const char *const *locations, uint32_t count, uint32_t *order_out);

#endif
