#include "core/time/calendar_set.h"

#include <string.h>

void calendar_set_init(struct calendar_set *set, uint32_t version) {
    set->version = version;
    set->calendars_count = 0;
    set->regions_count = 0;
}

const struct calendar *calendar_set_find(const struct calendar_set *set, struct slice name) {
    CHECK(set->calendars_count <= CALENDARS_MAX);
    for (uint32_t i = 0; i < set->calendars_count; i++) {
        if (slice_is(name, set->calendars[i].name)) {
            return &set->calendars[i];
        }
    }
    return NULL;
}

enum status calendar_set_add(struct calendar_set *set, const struct calendar *calendar,
                             struct error *error) {
    CHECK(calendar->sealed);
    if (calendar_set_find(set, slice_text(calendar->name)) != NULL) {
        return error_set(error, STATUS_INVALID, "there is a calendar of that name already", NULL,
                         NULL);
    }
    if (set->calendars_count == CALENDARS_MAX) {
        return error_set(error, STATUS_FULL, "there are at most 16 calendars", NULL, NULL);
    }
    set->calendars[set->calendars_count++] = *calendar;
    return STATUS_OK;
}

static const char *region_problem(const struct calendar_set *set, struct slice code) {
    if (code.bytes == 0 || code.bytes > REGION_CODE_BYTES_CAP) {
        return "a region code has 1 to 64 bytes";
    }
    if (memchr(code.data, '\0', code.bytes) != NULL) {
        return "a region code has a NUL";
    }
    for (uint32_t i = 0; i < set->regions_count; i++) {
        if (slice_is(code, set->regions[i].code)) {
            return "the region stands there already";
        }
    }
    return NULL;
}

enum status calendar_set_add_region(struct calendar_set *set, struct slice code,
                                    struct slice calendar, struct error *error) {
    const char *problem = region_problem(set, code);
    const struct calendar *found = calendar_set_find(set, calendar);
    if (problem == NULL && found == NULL) {
        problem = "there is no calendar of that name";
    }
    if (problem != NULL) {
        return error_set(error, STATUS_INVALID, problem, NULL, NULL);
    }
    if (set->regions_count == CALENDAR_REGIONS_MAX) {
        return error_set(error, STATUS_FULL, "at most 256 regions have a calendar of their own",
                         NULL, NULL);
    }
    struct calendar_region *region = &set->regions[set->regions_count++];
    memset(region, 0, sizeof *region);
    memcpy(region->code, code.data, code.bytes);
    region->calendar = (uint8_t)(found - set->calendars);
    return STATUS_OK;
}

/* Position of the first entry that is not below `region`. */
static uint32_t map_place(const struct calendar_map *map, uint32_t region) {
    uint32_t low = 0, high = map->count;
    CHECK(high <= CALENDAR_REGIONS_MAX);
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (map->regions[middle] < region) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void map_insert(struct calendar_map *map, uint32_t region, uint8_t calendar) {
    uint32_t at = map_place(map, region);
    uint32_t behind = map->count - at;
    CHECK(map->count < CALENDAR_REGIONS_MAX && (behind == 0 || map->regions[at] != region));
    memmove(&map->regions[at + 1], &map->regions[at], behind * sizeof map->regions[0]);
    memmove(&map->calendars[at + 1], &map->calendars[at], behind * sizeof map->calendars[0]);
    map->regions[at] = region;
    map->calendars[at] = calendar;
    map->count++;
}

uint32_t calendar_map_build(struct calendar_map *ret, const struct calendar_set *set,
                            const struct region_table *table, uint32_t *ret_unknown) {
    uint32_t unknown = 0;
    ret->count = 0;
    *ret_unknown = set->regions_count;
    for (uint32_t i = 0; i < set->regions_count; i++) {
        const struct calendar_region *region = &set->regions[i];
        uint32_t id = region_find(table, slice_text(region->code));
        if (id != REGION_NONE) {
            map_insert(ret, id, region->calendar);
        } else if (unknown++ == 0) {
            *ret_unknown = i;
        }
    }
    return unknown;
}

const struct calendar *calendar_of_path(const struct calendar_set *set,
                                        const struct calendar_map *map, const uint32_t *path,
                                        size_t path_count) {
    CHECK(set->calendars_count > 0);
    for (size_t i = map->count == 0 ? 0 : path_count; i > 0; i--) {
        uint32_t at = map_place(map, path[i - 1]);
        if (at < map->count && map->regions[at] == path[i - 1]) {
            CHECK(map->calendars[at] < set->calendars_count);
            return &set->calendars[map->calendars[at]];
        }
    }
    return &set->calendars[0];
}
