/* Who is told next: the way up the region tree (domain.md 3.5).
 *
 * Notification climbs, responsibility stays. Ranks are steps from the ticket's region towards the
 * root along parents, so ranks that a ragged tree does not have are skipped by themselves. The path
 * is the one of the tree version at the ticket's opening, kept with it: a region that moves later
 * changes nobody's ladder. Who leads an office is asked now: one is vacant when its region names
 * no leader while one above it does; it is passed over and named. Nobody above the ladder's top
 * level is told. */
#ifndef CORE_TICKET_LADDER_H
#define CORE_TICKET_LADDER_H

#include "core/region/region.h"

/* A path has each level once, and levels fall towards the root: the levels say how long it is. */
enum { LADDER_ABOVE_MAX = REGION_LEVEL_MAX };

struct ladder_path {
    uint32_t above[LADDER_ABOVE_MAX]; /* ids of the regions above the ticket's, nearest first */
    uint16_t levels; /* bits 1 << level of all on the path, the ticket's too; 0: there is none */
};

struct ladder_step {
    uint32_t region; /* told; REGION_NONE: the ticket is nowhere */
    uint8_t rank;    /* steps above the ticket's region */
    uint8_t level;   /* of `region`, as the path was kept */
    bool is_top;     /* nobody higher will be told */
    uint8_t vacant_count;
    uint32_t vacant[LADDER_ABOVE_MAX + 1]; /* passed over, lowest first */
};

/* The path in this tree. `regions` may be NULL, `region` REGION_NONE. O(depth). */
struct ladder_path ladder_path_of(const struct region_table *regions, uint32_t region);
/* How many of `above` are used. */
size_t ladder_above_count(const struct ladder_path *path);
/* The first office above `rank` that has somebody; at the top it is the top again. `regions` says
 * who leads; it may be NULL when there is no path. O(depth). */
struct ladder_step ladder_climb(const struct region_table *regions, uint32_t region,
                                const struct ladder_path *path, uint8_t top_level, uint8_t rank);

#endif
