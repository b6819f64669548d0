#include "core/ticket/ladder.h"

#include "core/base/check.h"

struct ladder_path ladder_path_of(const struct region_table *regions, uint32_t region) {
    struct ladder_path path = {.levels = 0};
    uint32_t ids[REGION_DEPTH_CAP];
    if (regions == NULL || region == REGION_NONE) {
        return path;
    }
    size_t count = region_path(regions, region, ids);
    CHECK(count <= LADDER_ABOVE_MAX + 1);
    for (size_t i = 0; i < count; i++) {
        path.levels |= (uint16_t)(1u << region_level(regions, ids[i]));
        if (i + 1 < count) {
            path.above[count - 2 - i] = ids[i];
        }
    }
    CHECK(ladder_above_count(&path) + 1 == count); /* the build refuses a level twice on a path */
    return path;
}

size_t ladder_above_count(const struct ladder_path *path) {
    size_t count = 0;
    for (unsigned level = 0; level <= REGION_LEVEL_MAX; level++) {
        count += path->levels >> level & 1;
    }
    return count == 0 ? 0 : count - 1;
}

/* Levels by rank: the highest number is the ticket's own. */
static void levels_of(const struct ladder_path *path, uint8_t levels[LADDER_ABOVE_MAX + 1]) {
    size_t rank = 0;
    for (unsigned level = REGION_LEVEL_MAX + 1; level-- > 0;) {
        if ((path->levels >> level & 1) != 0) {
            levels[rank++] = (uint8_t)level;
        }
    }
}

struct ladder_step ladder_climb(const struct region_table *regions, uint32_t region,
                                const struct ladder_path *path, uint8_t top_level, uint8_t rank) {
    struct ladder_step step = {.region = REGION_NONE, .rank = rank, .is_top = true};
    if (path->levels == 0) {
        return step;
    }
    uint32_t ids[LADDER_ABOVE_MAX + 1] = {region};
    uint8_t levels[LADDER_ABOVE_MAX + 1];
    size_t top = 0, above = ladder_above_count(path);
    levels_of(path, levels);
    for (size_t i = 0; i < above; i++) {
        ids[i + 1] = path->above[i];
    }
    while (top < above && levels[top + 1] >= top_level) {
        top++;
    }
    size_t told = rank < top ? (size_t)rank + 1 : top;
    size_t manned = told;
    while (manned < top && !region_has_leader(regions, ids[manned])) {
        manned++;
    }
    if (region_has_leader(regions, ids[manned])) {
        for (; told < manned; told++) {
            step.vacant[step.vacant_count++] = ids[told];
        }
    }
    step.region = ids[told];
    step.rank = (uint8_t)told;
    step.level = levels[told];
    step.is_top = told == top;
    return step;
}
