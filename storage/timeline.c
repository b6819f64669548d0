#include "storage/timeline.h"

#include "core/bytes.h"
#include "core/check.h"
#include "core/instant.h"
#include "core/region.h"
#include "storage/db_internal.h"
#include "storage/region_bits.h"
#include "storage/selection.h"
#include "storage/timeline_row.h"

/* How a day is read. Keys are in order of region first, so:
 *
 * One region: the store's iterator already gives its rows in order; the few rows of the runs in
 * memory are sorted and merged in.
 *
 * Many regions: the best `batch` positions after the cursor are selected out of all regions, then
 * fetched and given out in order; when the batch was full, again from its last position on. The
 * iterator leaps between rows and wanted regions, so a batch costs at most a seek for each wanted
 * region with rows on that day, and at most one step for each row of the day. Batches grow, so that
 * a page costs little and an export few rounds. */
enum {
    BATCH_FIRST = 128,
    BATCH_MAX = 65536, /* 2 MiB of candidates */
    FETCH_BATCH = 64,
    LEAP_STEPS = 8, /* a seek costs about as much as this many steps */
    SOURCE_SEALED = RUN_VIEW_MAX,
};

struct walk {
    struct db *db;
    const struct timeline_query *query;
    timeline_row_cb callback;
    void *context;
    struct run_view view;
    struct store_iter *iter;
    struct region_bits bits; /* many regions only */
    struct selection selection;
    size_t batch;
    int64_t from_ms, to_ms; /* from <= occurred_ms < to */
    bool has_after;         /* moves on as batches are given out */
    struct timeline_position after;
    bool has_last; /* the row given last: one that is both in a run and sealed comes once */
    struct timeline_position last;
    bool stopped;
    bool at_valid; /* the iterator stands on a row of the day, at this position */
    struct timeline_position at;
};

static struct timeline_position position_of(const struct entry *entry) {
    return (struct timeline_position){entry->occurred_ms, entry->region, entry->identity.low};
}

static bool matches(const struct timeline_query *query, const struct entry *entry) {
    return (query->category_tag == 0 || query->category_tag == entry->category_tag) &&
           (query->kinds == 0 || (query->kinds >> entry->kind & 1) != 0) &&
           (query->severities == 0 || (query->severities >> entry->severity & 1) != 0);
}

/* Narrows the wanted rows of a region by the cursor. In the order of a timeline the region comes
 * after the millisecond, so a region above the cursor's still has that millisecond in front of it
 * when ascending, and has it behind it when descending. */
static void apply_after(const struct walk *walk, uint32_t region, struct timeline_position *low,
                        struct timeline_position *high) {
    const struct timeline_position *after = &walk->after;
    struct timeline_position next = {after->occurred_ms, region, 0};
    if (walk->query->ascending) {
        if (region < after->region ||
            (region == after->region && after->identity_low == UINT64_MAX)) {
            next.occurred_ms++;
        } else if (region == after->region) {
            next.identity_low = after->identity_low + 1;
        }
        if (timeline_position_compare(&next, low) > 0) {
            *low = next;
        }
        return;
    }
    next.identity_low = UINT64_MAX;
    if (region > after->region || (region == after->region && after->identity_low == 0)) {
        next.occurred_ms--;
    } else if (region == after->region) {
        next.identity_low = after->identity_low - 1;
    }
    if (timeline_position_compare(&next, high) < 0) {
        *high = next;
    }
}

/* The first and last position wanted of a region on a day, both included. False: none. */
static bool bounds(const struct walk *walk, uint32_t day, uint32_t region,
                   struct timeline_position *ret_low, struct timeline_position *ret_high) {
    int64_t begin_ms = (int64_t)day * DAY_MS, end_ms = begin_ms + DAY_MS;
    *ret_low =
        (struct timeline_position){begin_ms > walk->from_ms ? begin_ms : walk->from_ms, region, 0};
    *ret_high = (struct timeline_position){(end_ms < walk->to_ms ? end_ms : walk->to_ms) - 1,
                                           region, UINT64_MAX};
    if (walk->has_after) {
        apply_after(walk, region, ret_low, ret_high);
    }
    return timeline_position_compare(ret_low, ret_high) <= 0;
}

static bool is_between(const struct timeline_position *position,
                       const struct timeline_position *low, const struct timeline_position *high) {
    return timeline_position_compare(low, position) <= 0 &&
           timeline_position_compare(position, high) <= 0;
}

static enum status no_memory(struct error *error) {
    return error_set(error, STATUS_NO_MEMORY, "no memory to read a timeline", NULL, NULL);
}

static enum status collect_recent(struct walk *walk, uint32_t day, uint32_t region) {
    struct timeline_position low, high;
    if (!bounds(walk, day, region, &low, &high)) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < walk->view.runs_count; i++) {
        const struct recent_run *run = walk->view.runs[i];
        struct recent_chain chain;
        recent_chain_begin(&chain, run, walk->view.counts[i], day, region);
        for (uint32_t index; recent_chain_next(&chain, &index);) {
            const struct entry *entry = recent_run_entry(run, index);
            struct candidate candidate = {position_of(entry), (uint32_t)i, index};
            if (!is_between(&candidate.position, &low, &high) || !matches(walk->query, entry)) {
                continue;
            }
            enum status status = selection_offer(&walk->selection, &candidate);
            if (status != STATUS_OK) {
                return status;
            }
        }
    }
    return STATUS_OK;
}

static void give(struct walk *walk, const struct timeline_row *row) {
    struct timeline_position position = position_of(&row->entry);
    if (walk->has_last && timeline_position_compare(&position, &walk->last) == 0) {
        return;
    }
    CHECK(!walk->has_last ||
          (timeline_position_compare(&position, &walk->last) > 0) == walk->query->ascending);
    walk->has_last = true;
    walk->last = position;
    walk->stopped = !walk->callback(walk->context, row);
}

static void give_recent(struct walk *walk, const struct candidate *candidate) {
    struct timeline_row row;
    recent_run_row(walk->view.runs[candidate->source], candidate->index, &row);
    give(walk, &row);
}

/* Reads where the iterator stands. */
static enum status look(struct walk *walk, uint32_t day, struct error *error) {
    walk->at_valid = false;
    if (!store_iter_valid(walk->iter)) {
        return store_iter_status(walk->iter, error);
    }
    struct slice key = store_iter_key(walk->iter);
    if (key.bytes != TIMELINE_KEY_BYTES) {
        return error_set(error, STATUS_CORRUPT, "a key of the timeline is damaged", NULL, NULL);
    }
    timeline_key_decode(&walk->at, key.data);
    walk->at_valid = walk->at.occurred_ms / DAY_MS == (int64_t)day;
    return STATUS_OK;
}

static enum status step(struct walk *walk, uint32_t day, struct error *error) {
    if (walk->query->ascending) {
        store_iter_next(walk->iter);
    } else {
        store_iter_prev(walk->iter);
    }
    return look(walk, day, error);
}

static enum status seek(struct walk *walk, uint32_t day, const struct timeline_position *low,
                        const struct timeline_position *high, struct error *error) {
    uint8_t key[TIMELINE_KEY_BYTES];
    timeline_key_encode(key, walk->query->ascending ? low : high);
    if (walk->query->ascending) {
        store_iter_seek(walk->iter, (struct slice){key, sizeof key});
    } else {
        store_iter_seek_for_prev(walk->iter, (struct slice){key, sizeof key});
    }
    return look(walk, day, error);
}

static enum status read_row(const struct walk *walk, struct timeline_row *ret,
                            struct error *error) {
    return timeline_row_decode(ret, store_iter_key(walk->iter), store_iter_value(walk->iter),
                               error);
}

/* Merges the sorted selection with the sealed rows between the bounds; when the selection was cut
 * off (`partial`) it ends with its last candidate. */
static enum status merge_region(struct walk *walk, uint32_t day,
                                const struct timeline_position *low,
                                const struct timeline_position *high, bool partial,
                                struct error *error) {
    enum status status = seek(walk, day, low, high, error);
    size_t next = 0;
    while (status == STATUS_OK && !walk->stopped) {
        bool sealed = walk->at_valid && is_between(&walk->at, low, high);
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
            give_recent(walk, &walk->selection.items[next++]);
            continue;
        }
        struct timeline_row row;
        status = read_row(walk, &row, error);
        if (status == STATUS_OK && matches(walk->query, &row.entry)) {
            give(walk, &row);
        }
        if (status == STATUS_OK && !walk->stopped) {
            status = step(walk, day, error);
        }
    }
    return status;
}

static void move_cursor(struct walk *walk) {
    CHECK(walk->selection.count > 0);
    walk->after = walk->selection.items[walk->selection.count - 1].position;
    walk->has_after = true;
    walk->batch = walk->batch * 4 < BATCH_MAX ? walk->batch * 4 : BATCH_MAX;
}

static enum status walk_one_region(struct walk *walk, uint32_t day, struct error *error) {
    uint32_t region = walk->query->regions[0];
    for (;;) {
        struct timeline_position low, high;
        if (!bounds(walk, day, region, &low, &high)) {
            return STATUS_OK;
        }
        selection_reset(&walk->selection, walk->batch);
        if (collect_recent(walk, day, region) != STATUS_OK) {
            return no_memory(error);
        }
        selection_sort(&walk->selection);
        bool partial = walk->selection.count == walk->batch;
        enum status status = merge_region(walk, day, &low, &high, partial, error);
        if (status != STATUS_OK || walk->stopped || !partial) {
            return status;
        }
        move_cursor(walk);
    }
}

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
            status = collect_recent(walk, day, walk->query->regions[i]);
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
                status = collect_recent(walk, day, region);
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
    while (status == STATUS_OK && walk->at_valid && is_between(&walk->at, low, high) &&
           walk->at.region == low->region && !selection_refuses(&walk->selection, &walk->at)) {
        struct timeline_row row;
        status = read_row(walk, &row, error);
        if (status != STATUS_OK) {
            return status;
        }
        const struct candidate candidate = {walk->at, SOURCE_SEALED, 0};
        if (matches(walk->query, &row.entry) &&
            selection_offer(&walk->selection, &candidate) != STATUS_OK) {
            return no_memory(error);
        }
        status = step(walk, day, error);
    }
    for (int i = 0;
         i < LEAP_STEPS && status == STATUS_OK && walk->at_valid && walk->at.region == low->region;
         i++) {
        status = step(walk, day, error);
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
        if (!bounds(walk, day, region, &low, &high)) {
            more = next_wanted(walk, region, &region);
            continue;
        }
        bool stands =
            started && walk->at.region == region &&
            timeline_position_compare(upward ? &walk->at : &high, upward ? &low : &walk->at) >= 0;
        if (!stands) {
            status = seek(walk, day, &low, &high, error);
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
        if (candidates[i].source == SOURCE_SEALED) {
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
        if (candidates[i].source != SOURCE_SEALED) {
            give_recent(walk, &candidates[i]);
            continue;
        }
        struct timeline_row row;
        if (values[sealed].bytes.data != NULL) {
            status = timeline_row_decode(&row, keys[sealed], values[sealed].bytes, error);
            if (status == STATUS_OK) {
                give(walk, &row);
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

static enum status walk_many_regions(struct walk *walk, uint32_t day, struct error *error) {
    for (;;) {
        selection_reset(&walk->selection, walk->batch);
        if (collect_recent_day(walk, day) != STATUS_OK) {
            return no_memory(error);
        }
        enum status status = collect_sealed_day(walk, day, error);
        bool partial = walk->selection.count == walk->batch;
        if (status == STATUS_OK) {
            status = give_selection(walk, error);
        }
        if (status != STATUS_OK || walk->stopped || !partial) {
            return status;
        }
        move_cursor(walk);
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
        status = one ? walk_one_region(walk, day, error) : walk_many_regions(walk, day, error);
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
        .batch = BATCH_FIRST,
        .has_after = query->has_after,
        .after = query->after,
    };
    if (query->regions_count == 0 || !narrow(&walk)) {
        return STATUS_OK;
    }
    if (query->regions_count > 1 &&
        region_bits_init(&walk.bits, query->regions, query->regions_count) != STATUS_OK) {
        return no_memory(error);
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
        status = no_memory(error);
    }
    run_set_release(db->runs, &walk.view);
    selection_deinit(&walk.selection);
    region_bits_deinit(&walk.bits);
    return status;
}
