#include "storage/timeline.h"

#include "core/base/check.h"
#include "core/text/instant.h"
#include "storage/timeline_walk.h"

/* Merges the sorted selection with the sealed rows between the bounds; when the selection was cut
 * off (`partial`) it ends with its last candidate. */
static enum status merge_region(struct walk *walk, uint32_t day,
                                const struct timeline_position *low,
                                const struct timeline_position *high, bool partial,
                                struct error *error) {
    enum status status = walk_seek(walk, day, low, high, error);
    size_t next = 0;
    while (status == STATUS_OK && !walk->stopped) {
        bool sealed = walk->at_valid && walk_is_between(&walk->at, low, high);
        bool recent = next < walk->selection.count;
        if (!recent && (partial || !sealed)) {
            break;
        }
        int order = !sealed ? -1 : 1;
        if (sealed && recent) {
            order = timeline_position_compare(&walk->selection.items[next].position, &walk->at);
            order = walk->query->ascending ? order : -order;
        }
        if (recent && order <= 0) {
            walk_give_recent(walk, &walk->selection.items[next++]);
            continue;
        }
        struct timeline_row row;
        status = walk_read_row(walk, &row, error);
        if (status == STATUS_OK && walk_matches(walk, &row.entry)) {
            walk_give(walk, &row);
        }
        if (status == STATUS_OK && !walk->stopped) {
            status = walk_step(walk, day, error);
        }
    }
    return status;
}

static enum status walk_one_region(struct walk *walk, uint32_t day, struct error *error) {
    uint32_t region = walk->query->regions[0];
    for (;;) {
        struct timeline_position low, high;
        if (!walk_bounds(walk, day, region, &low, &high)) {
            return STATUS_OK;
        }
        selection_reset(&walk->selection, walk->batch);
        if (walk_collect_recent(walk, day, region) != STATUS_OK) {
            return walk_no_memory(error);
        }
        selection_sort(&walk->selection);
        bool partial = walk->selection.count == walk->batch;
        enum status status = merge_region(walk, day, &low, &high, partial, error);
        if (status != STATUS_OK || walk->stopped || !partial) {
            return status;
        }
        walk_move_cursor(walk);
    }
}

static bool next_day(const struct walk *walk, bool first, uint32_t *day) {
    if (walk->query->ascending) {
        uint32_t from = first ? (uint32_t)(walk->from_ms / DAY_MS) : *day + 1;
        return day_index_next(walk->db->days, from, day) && (int64_t)*day * DAY_MS < walk->to_ms;
    }
    if (!first && *day == 0) {
        return false;
    }
    uint32_t to = first ? (uint32_t)((walk->to_ms - 1) / DAY_MS) : *day - 1;
    return day_index_previous(walk->db->days, to, day) &&
           ((int64_t)*day + 1) * DAY_MS > walk->from_ms;
}

static enum status walk_days(struct walk *walk, struct error *error) {
    bool one = walk->query->regions_count == 1;
    uint32_t day = 0;
    enum status status = STATUS_OK;
    for (bool first = true; status == STATUS_OK && !walk->stopped && next_day(walk, first, &day);
         first = false) {
        status = one ? walk_one_region(walk, day, error) : walk_day_of_many(walk, day, error);
    }
    return status;
}

/* What the cursor and the range leave of each other; false when that is nothing. */
static bool narrow(struct walk *walk) {
    const struct timeline_query *query = walk->query;
    const int64_t end_ms = (int64_t)DAY_INDEX_DAYS * DAY_MS;
    walk->from_ms = query->from_ms > 0 ? query->from_ms : 0;
    walk->to_ms = query->to_ms < end_ms ? query->to_ms : end_ms;
    if (query->has_after) {
        int64_t after_ms = query->after.occurred_ms;
        if (query->ascending && after_ms > walk->from_ms) {
            walk->from_ms = after_ms;
        }
        if (!query->ascending && after_ms < walk->to_ms) {
            walk->to_ms = after_ms + 1;
        }
    }
    return walk->from_ms < walk->to_ms;
}

enum status timeline_walk(struct db *db, const struct timeline_query *query,
                          timeline_row_cb callback, void *context, struct error *error) {
    struct walk walk = {
        .db = db,
        .query = query,
        .callback = callback,
        .context = context,
        .batch = WALK_BATCH_FIRST,
        .has_after = query->has_after,
        .after = query->after,
    };
    if (query->regions_count == 0 || !narrow(&walk)) {
        return STATUS_OK;
    }
    if (query->regions_count > 1 &&
        region_bits_init(&walk.bits, query->regions, query->regions_count) != STATUS_OK) {
        return walk_no_memory(error);
    }
    selection_init(&walk.selection, query->ascending);
    /* First the view, then the iterator: storage/run_set.h says why. */
    run_set_acquire(db->runs, &walk.view);
    enum status status =
        store_iter_new(&walk.iter, db->store, FAMILY_TIMELINE, NULL, query->regions_count == 1);
    if (status == STATUS_OK) {
        status = walk_days(&walk, error);
        store_iter_free(walk.iter);
    } else {
        status = walk_no_memory(error);
    }
    run_set_release(db->runs, &walk.view);
    selection_deinit(&walk.selection);
    region_bits_deinit(&walk.bits);
    return status;
}
