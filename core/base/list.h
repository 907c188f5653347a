/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked list with a head; a linked-out node has next == NULL. */
#ifndef MC_CORE_BASE_LIST_H
#define MC_CORE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct mc_list {
	struct mc_list *next;
	struct mc_list *prev;
};

#define mc_container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

static inline void
mc_list_init(struct mc_list *head)
{
	head->next = head->prev = head;
}

static inline bool
mc_list_empty(const struct mc_list *head)
{
	return head->next == head;
}

static inline void
mc_list_add_tail(struct mc_list *head, struct mc_list *node)
{
	node->next = head;
	node->prev = head->prev;
	head->prev->next = node;
	head->prev = node;
}

static inline void
mc_list_add_head(struct mc_list *head, struct mc_list *node)
{
	mc_list_add_tail(head->next, node);
}

static inline bool
mc_list_linked(const struct mc_list *node)
{
	return node->next != NULL;
}

static inline void
mc_list_del(struct mc_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->next = node->prev = NULL;
}

#endif
