/* SPDX-License-Identifier: Apache-2.0 */
/* What poll() does besides handing out completions: the sockets of a cq, and unmapping. */
#include <errno.h>
#include <sys/epoll.h>

#include "drivers/shm/private.h"

#define EVENTS_MAX 16
/* After an event the next polls look too: peers ask for one thing after the other. */
#define HOT_LOOKS 64u

void
shm_look(struct shm_cq *cq)
{
	struct epoll_event event;
	bool busy = false;

	/* one at a time: what one does may close another */
	for (int i = 0; i < EVENTS_MAX && epoll_wait(cq->epoll, &event, 1, 0) == 1; i++) {
		struct shm_source *source = event.data.ptr;

		source->ready(source, event.events);
		cq->looks_hot = HOT_LOOKS;
		busy = true;
	}
	if (!mc_list_empty(&cq->dying)) {
		struct shm_ep *ep = mc_container_of(cq->dying.next, struct shm_ep, dying_link);

		if (!shm_imports_unmap(ep))
			mc_list_del(&ep->dying_link);
		cq->looks_hot = HOT_LOOKS;
		busy = true;
	}
	if (cq->looks_hot > 0) {
		cq->looks_hot--;
		cq->look_in = 1;
	}
	if (busy)
		cq->base.counters.busy = true;
}

enum mc_status
shm_watch(struct shm_cq *cq, int fd, uint32_t events, struct shm_source *source)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	if (epoll_ctl(cq->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
		return MC_OK;
	return errno == ENOMEM || errno == ENOSPC ? MC_ERR_NO_MEMORY : MC_ERR_IO;
}

void
shm_unwatch(struct shm_cq *cq, int fd)
{
	struct epoll_event event = {0};

	epoll_ctl(cq->epoll, EPOLL_CTL_DEL, fd, &event);
}
