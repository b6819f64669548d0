/* Who is told next: the way up the region tree (domain.md 3.5).
 *
 * Notification climbs, responsibility stays. Ranks are steps from the ticket's region towards the
 * root along parents, so ranks that a ragged tree does not have are skipped by themselves. An
 * office is vacant when its region names no leader while one above it does; it is passed over and
 * named. Nobody above the ladder's top level is told. */
#ifndef CORE_TICKET_LADDER_H
#define CORE_TICKET_LADDER_H

#include "core/policy/policy.h"
#include "core/region/region.h"

struct ladder_step {
    uint32_t region; /* told; REGION_NONE: the ticket is nowhere */
    uint8_t rank;    /* steps above the ticket's region */
    bool is_top;     /* nobody higher will be told */
    uint8_t vacant_count;
    uint32_t vacant[REGION_DEPTH_CAP]; /* passed over, lowest first */
};

/* The first office above `rank` that has somebody; at the top it is the top again. `regions` may be
 * NULL. O(depth). */
struct ladder_step ladder_climb(const struct region_table *regions, uint32_t region,
                                uint8_t top_level, uint8_t rank);

#endif
