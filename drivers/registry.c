/* SPDX-License-Identifier: Apache-2.0 */
/* The list of drivers: the one place of the tree that names them all. */
#include <string.h>

#include "drivers/driver.h"
#include "drivers/shm/shm.h"
#include "drivers/tcp/tcp.h"

static const struct mc_driver *const drivers[] = {
	&mc_driver_shm,
	&mc_driver_tcp,
	NULL,
};

const struct mc_driver *
mc_driver_at(unsigned int index)
{
	return index < sizeof(drivers) / sizeof(drivers[0]) ? drivers[index] : NULL;
}

const struct mc_driver *
mc_driver_find(const char *name)
{
	for (unsigned int i = 0; mc_driver_at(i) != NULL; i++) {
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	}
	return NULL;
}
