/* All calendars of one file, and which region goes by which.
 *
 * The first calendar is the default; a region that names another one gives it to its whole subtree,
 * the nearest ancestor deciding. Regions are named by code in the set and by id in a map, which is
 * made anew for each region tree. Both are read-only once made. The set is about 350 KiB: static or
 * heap memory, never a stack. */
#ifndef CORE_TIME_CALENDAR_SET_H
#define CORE_TIME_CALENDAR_SET_H

#include "core/region/region.h"
#include "core/time/calendar.h"

struct calendar_set {
    uint32_t version;
    uint32_t calendars_count, regions_count;
    struct calendar calendars[CALENDARS_MAX];
    struct calendar_region {
        char code[REGION_CODE_BYTES_CAP + 1];
        uint8_t calendar; /* index */
    } regions[CALENDAR_REGIONS_MAX];
};

void calendar_set_init(struct calendar_set *set, uint32_t version);
/* Adds a sealed calendar. INVALID: the name is there already; FULL. */
MUST_USE enum status calendar_set_add(struct calendar_set *set, const struct calendar *calendar,
                                      struct error *error);
/* NULL when there is none of that name. */
const struct calendar *calendar_set_find(const struct calendar_set *set, struct slice name);
/* Gives a region and what is below it a calendar of the set. INVALID: an empty or too long code,
 * one that stands there already, or no calendar of that name; FULL. */
MUST_USE enum status calendar_set_add_region(struct calendar_set *set, struct slice code,
                                             struct slice calendar, struct error *error);

/* Region ids in ascending order with their calendar's index in the set. */
struct calendar_map {
    uint32_t count;
    uint32_t regions[CALENDAR_REGIONS_MAX];
    uint8_t calendars[CALENDAR_REGIONS_MAX];
};

/* Codes that the tree does not have are left out; `*ret_unknown` is the index in set->regions of
 * the first of them, or regions_count. Returns how many. O(regions^2) at most. */
uint32_t calendar_map_build(struct calendar_map *ret, const struct calendar_set *set,
                            const struct region_table *table, uint32_t *ret_unknown);
/* The calendar of a region: `path` is the ids from the root down to it, as region_path gives them;
 * an empty path has the default calendar. CHECKs that the set has a calendar. O(depth * log). */
const struct calendar *calendar_of_path(const struct calendar_set *set,
                                        const struct calendar_map *map, const uint32_t *path,
                                        size_t path_count);

#endif
