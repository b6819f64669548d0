/* A region by value. */
#ifndef SERVER_REGION_AT_H
#define SERVER_REGION_AT_H

#include "core/region.h"

static inline struct region region_at(const struct region_table *table, uint32_t id) {
    return region_get(table, id);
}

#endif
