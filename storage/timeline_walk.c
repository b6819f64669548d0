#include "storage/timeline_walk.h"

#include "core/base/check.h"
#include "core/text/instant.h"
#include "storage/timeline_row.h"

static struct timeline_position position_of(const struct entry *entry) {
    return (struct timeline_position){entry->occurred_ms, entry->region, entry->identity.low};
}

bool walk_matches(const struct walk *walk, const struct entry *entry) {
    const struct timeline_query *query = walk->query;
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

bool walk_bounds(const struct walk *walk, uint32_t day, uint32_t region,
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

bool walk_is_between(const struct timeline_position *position, const struct timeline_position *low,
                     const struct timeline_position *high) {
    return timeline_position_compare(low, position) <= 0 &&
           timeline_position_compare(position, high) <= 0;
}

enum status walk_no_memory(struct error *error) {
    return error_set(error, STATUS_NO_MEMORY, "no memory to read a timeline", NULL, NULL);
}

enum status walk_collect_recent(struct walk *walk, uint32_t day, uint32_t region) {
    struct timeline_position low, high;
    if (!walk_bounds(walk, day, region, &low, &high)) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < walk->view.runs_count; i++) {
        const struct recent_run *run = walk->view.runs[i];
        struct recent_chain chain;
        recent_chain_begin(&chain, run, walk->view.counts[i], day, region);
        for (uint32_t index; recent_chain_next(&chain, &index);) {
            const struct entry *entry = recent_run_entry(run, index);
            struct candidate candidate = {position_of(entry), (uint32_t)i, index};
            if (!walk_is_between(&candidate.position, &low, &high) || !walk_matches(walk, entry)) {
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

void walk_give(struct walk *walk, const struct timeline_row *row) {
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

void walk_give_recent(struct walk *walk, const struct candidate *candidate) {
    struct timeline_row row;
    recent_run_row(walk->view.runs[candidate->source], candidate->index, &row);
    walk_give(walk, &row);
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

enum status walk_step(struct walk *walk, uint32_t day, struct error *error) {
    if (walk->query->ascending) {
        store_iter_next(walk->iter);
    } else {
        store_iter_prev(walk->iter);
    }
    return look(walk, day, error);
}

enum status walk_seek(struct walk *walk, uint32_t day, const struct timeline_position *low,
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

enum status walk_read_row(const struct walk *walk, struct timeline_row *ret, struct error *error) {
    return timeline_row_decode(ret, store_iter_key(walk->iter), store_iter_value(walk->iter),
                               error);
}

void walk_move_cursor(struct walk *walk) {
    CHECK(walk->selection.count > 0);
    walk->after = walk->selection.items[walk->selection.count - 1].position;
    walk->has_after = true;
    walk->batch = walk->batch * 4 < WALK_BATCH_MAX ? walk->batch * 4 : WALK_BATCH_MAX;
}
