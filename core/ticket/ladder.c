#include "core/ticket/ladder.h"

/* Steps from `path[count - 1]` to the highest region that may be told. */
static size_t top_rank(const struct region_table *regions, const uint32_t *path, size_t count,
                       uint8_t top_level) {
    size_t rank = 0;
    while (rank + 1 < count && region_level(regions, path[count - 2 - rank]) >= top_level) {
        rank++;
    }
    return rank;
}

struct ladder_step ladder_climb(const struct region_table *regions, uint32_t region,
                                uint8_t top_level, uint8_t rank) {
    struct ladder_step step = {.region = region, .rank = rank, .is_top = true};
    if (regions == NULL || region == REGION_NONE) {
        step.region = REGION_NONE;
        return step;
    }
    uint32_t path[REGION_DEPTH_CAP];
    size_t count = region_path(regions, region, path);
    size_t top = top_rank(regions, path, count, top_level);
    size_t told = rank < top ? (size_t)rank + 1 : top;
    size_t manned = told;
    while (manned < top && !region_has_leader(regions, path[count - 1 - manned])) {
        manned++;
    }
    if (region_has_leader(regions, path[count - 1 - manned])) {
        for (; told < manned; told++) {
            step.vacant[step.vacant_count++] = path[count - 1 - told];
        }
    }
    step.region = path[count - 1 - told];
    step.rank = (uint8_t)told;
    step.is_top = told == top;
    return step;
}
