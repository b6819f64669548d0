/* Large zeroed memory straight from the system, for tables and arenas that are read at random.
 *
 * Only address space is taken at first; what is touched is resident, in huge pages where the system
 * has them: fewer faults while it fills, fewer misses of the address cache while it is read. */
#ifndef STORAGE_PAGES_H
#define STORAGE_PAGES_H

#include "core/base/base.h"

#include <stddef.h>

/* NULL when there is no address space. Page aligned; bytes > 0. */
void *pages_new(size_t bytes);
/* NULL is allowed. */
void pages_free(void *pages, size_t bytes);
/* Gives the memory back to the system, which has it read as zeros again. */
void pages_reset(void *pages, size_t bytes);

#endif
