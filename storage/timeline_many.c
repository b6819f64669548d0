#include "storage/timeline_walk.h"

#include "core/base/check.h"
#include "core/region/region.h"
#include "storage/timeline_row.h"

enum {
    FETCH_BATCH = 64,
    LEAP_STEPS = 8, /* a seek costs about as much as this many steps */
};

/* By the wanted regions or by the day's, whichever are fewer in a run. */
static enum status collect_recent_day(struct walk *walk, uint32_t day) {
    uint64_t present = 0;
    struct recent_regions regions[RUN_VIEW_MAX];
    for (size_t i = 0; i < walk->view.runs_count; i++) {
        recent_regions_begin(&regions[i], walk->view.runs[i], day);
        present += regions[i].regions_count;
    }
    enum status status = STATUS_OK;
    if (present == 0) {
        return status;
    }
    if (present >= walk->query->regions_count) {
        for (size_t i = 0; i < walk->query->regions_count && status == STATUS_OK; i++) {
            status = walk_collect_recent(walk, day, walk->query->regions[i]);
        }
        return status;
    }
    for (size_t i = 0; i < walk->view.runs_count; i++) {
        for (uint32_t region; status == STATUS_OK && recent_regions_next(&regions[i], &region);) {
            /* collect_recent looks into both runs; the second must not do so again. */
            struct recent_chain before;
            uint32_t index;
            recent_chain_begin(&before, walk->view.runs[0], i == 0 ? 0 : walk->view.counts[0], day,
                               region);
            if (region_bits_has(&walk->bits, region) && !recent_chain_next(&before, &index)) {
                status = walk_collect_recent(walk, day, region);
            }
        }
    }
    return status;
}

static bool next_wanted(const struct walk *walk, uint32_t region, uint32_t *ret) {
    bool upward = walk->query->ascending;
    if (!upward && region == 0) {
        return false;
    }
    return region_bits_find(&walk->bits, upward ? region + 1 : region - 1, upward, ret);
}

/* Offers the sealed rows of one region, as many as have a chance. */
static enum status collect_sealed_region(struct walk *walk, uint32_t day,
                                         const struct timeline_position *low,
                                         const struct timeline_position *high,
                                         struct error *error) {
    enum status status = STATUS_OK;
    while (status == STATUS_OK && walk->at_valid && walk_is_between(&walk->at, low, high) &&
           walk->at.region == low->region && !selection_refuses(&walk->selection, &walk->at)) {
        struct timeline_row row;
        status = walk_read_row(walk, &row, error);
        if (status != STATUS_OK) {
            return status;
        }
        const struct candidate candidate = {walk->at, WALK_SEALED, 0};
        if (walk_matches(walk, &row.entry) &&
            selection_offer(&walk->selection, &candidate) != STATUS_OK) {
            return walk_no_memory(error);
        }
        status = walk_step(walk, day, error);
    }
    for (int i = 0;
         i < LEAP_STEPS && status == STATUS_OK && walk->at_valid && walk->at.region == low->region;
         i++) {
        status = walk_step(walk, day, error);
    }
    return status;
}

static enum status collect_sealed_day(struct walk *walk, uint32_t day, struct error *error) {
    bool upward = walk->query->ascending, started = false;
    uint32_t region;
    bool more = region_bits_find(&walk->bits, upward ? 0 : REGION_NONE - 1, upward, &region);
    enum status status = STATUS_OK;
    while (more && status == STATUS_OK) {
        struct timeline_position low, high;
        if (!walk_bounds(walk, day, region, &low, &high)) {
            more = next_wanted(walk, region, &region);
            continue;
        }
        bool stands =
            started && walk->at.region == region &&
            timeline_position_compare(upward ? &walk->at : &high, upward ? &low : &walk->at) >= 0;
        if (!stands) {
            status = walk_seek(walk, day, &low, &high, error);
            started = true;
        }
        if (status == STATUS_OK) {
            status = collect_sealed_region(walk, day, &low, &high, error);
        }
        if (status != STATUS_OK || !walk->at_valid) {
            break;
        }
        more = walk->at.region == region
                   ? next_wanted(walk, region, &region)
                   : region_bits_find(&walk->bits, walk->at.region, upward, &region);
    }
    return status;
}

/* Fetches and gives out candidates of which at least one is sealed. Rows are written once and never
 * change, so a look-up beside the iterator finds the same row. */
static enum status give_some(struct walk *walk, const struct candidate *candidates, size_t count,
                             struct error *error) {
    uint8_t bytes[FETCH_BATCH][TIMELINE_KEY_BYTES];
    struct slice keys[FETCH_BATCH];
    struct store_value values[FETCH_BATCH];
    size_t sealed_count = 0;
    CHECK(count <= FETCH_BATCH);
    for (size_t i = 0; i < count; i++) {
        if (candidates[i].source == WALK_SEALED) {
            timeline_key_encode(bytes[sealed_count], &candidates[i].position);
            keys[sealed_count] = (struct slice){bytes[sealed_count], TIMELINE_KEY_BYTES};
            sealed_count++;
        }
    }
    enum status status = STATUS_OK;
    if (sealed_count > 0) {
        status =
            store_multi_get(walk->db->store, FAMILY_TIMELINE, keys, sealed_count, values, error);
        if (status != STATUS_OK) {
            return status;
        }
    }
    size_t sealed = 0;
    for (size_t i = 0; i < count && status == STATUS_OK && !walk->stopped; i++) {
        if (candidates[i].source != WALK_SEALED) {
            walk_give_recent(walk, &candidates[i]);
            continue;
        }
        CHECK(sealed < sealed_count);
        struct timeline_row row;
        if (values[sealed].bytes.data != NULL) {
            status = timeline_row_decode(&row, keys[sealed], values[sealed].bytes, error);
            if (status == STATUS_OK) {
                walk_give(walk, &row);
            }
        }
        sealed++;
    }
    for (size_t i = 0; i < sealed_count; i++) {
        if (values[i].bytes.data != NULL) {
            store_value_free(&values[i]);
        }
    }
    return status;
}

static enum status give_selection(struct walk *walk, struct error *error) {
    selection_sort(&walk->selection);
    enum status status = STATUS_OK;
    size_t count;
    for (size_t i = 0; i < walk->selection.count && status == STATUS_OK && !walk->stopped;
         i += count) {
        count = walk->selection.count - i < FETCH_BATCH ? walk->selection.count - i : FETCH_BATCH;
        status = give_some(walk, &walk->selection.items[i], count, error);
    }
    return status;
}

enum status walk_day_of_many(struct walk *walk, uint32_t day, struct error *error) {
    for (;;) {
        selection_reset(&walk->selection, walk->batch);
        if (collect_recent_day(walk, day) != STATUS_OK) {
            return walk_no_memory(error);
        }
        enum status status = collect_sealed_day(walk, day, error);
        bool partial = walk->selection.count == walk->batch;
        if (status == STATUS_OK) {
            status = give_selection(walk, error);
        }
        if (status != STATUS_OK || walk->stopped || !partial) {
            return status;
        }
        walk_move_cursor(walk);
    }
}
