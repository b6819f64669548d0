#include "storage/timeline_walk.h"

#include "core/base/check.h"
#include "core/text/instant.h"
#include "storage/recent_order.h"
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

/* What is offered of one region out of one run. */
struct offer {
    struct walk *walk;
    const struct recent_run *run;
    uint32_t source, region, count; /* count: entries of the view */
    struct timeline_position low, high;
};

static enum status offer_entry(const struct offer *offer, uint32_t index) {
    const struct entry *entry = recent_run_entry(offer->run, index);
    const struct candidate candidate = {position_of(entry), offer->source, index};
    if (index >= offer->count || !walk_matches(offer->walk, entry) ||
        !walk_is_between(&candidate.position, &offer->low, &offer->high)) {
        return STATUS_OK;
    }
    return selection_offer(&offer->walk->selection, &candidate);
}

/* How many of the piece come before `bound`, or with `included` are not after it. O(log). */
static uint32_t count_before(const struct offer *offer, const struct recent_piece *piece,
                             const struct timeline_position *bound, bool included) {
    uint32_t first = 0, count = piece->count;
    while (count > 0) {
        uint32_t half = count / 2;
        struct timeline_position position =
            position_of(recent_run_entry(offer->run, piece->indexes[first + half]));
        int order = timeline_position_compare(&position, bound);
        if (order < 0 || (order == 0 && included)) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return first;
}

/* In the order of the walk, until the selection has no use for what follows. */
static enum status offer_piece(const struct offer *offer, const struct recent_piece *piece) {
    bool upward = offer->walk->query->ascending;
    uint32_t from = count_before(offer, piece, &offer->low, false);
    uint32_t to = count_before(offer, piece, &offer->high, true);
    for (; from < to; upward ? from++ : to--) {
        uint32_t index = piece->indexes[upward ? from : to - 1];
        struct timeline_position position = position_of(recent_run_entry(offer->run, index));
        if (selection_refuses(&offer->walk->selection, &position)) {
            break;
        }
        enum status status = offer_entry(offer, index);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* Could the selection take any of the chain? */
static bool may_hold(const struct offer *offer, const struct recent_chain *chain) {
    if (chain->next == 0) {
        return false;
    }
    const struct timeline_position oldest = {chain->oldest_ms, offer->region, 0};
    const struct timeline_position newest = {chain->newest_ms, offer->region, UINT64_MAX};
    bool upward = offer->walk->query->ascending;
    return timeline_position_compare(&oldest, &offer->high) <= 0 &&
           timeline_position_compare(&newest, &offer->low) >= 0 &&
           !selection_refuses(&offer->walk->selection, upward ? &oldest : &newest);
}

static enum status offer_run(const struct offer *offer, uint32_t day) {
    struct recent_chain chain;
    recent_chain_begin(&chain, offer->run, offer->count, day, offer->region);
    if (!may_hold(offer, &chain)) {
        return STATUS_OK;
    }
    struct recent_pieces pieces;
    recent_order_pieces(recent_run_order(offer->run), &chain, day, offer->region, &pieces);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < pieces.count && status == STATUS_OK; i++) {
        status = offer_piece(offer, &pieces.pieces[i]);
    }
    for (uint32_t index; status == STATUS_OK && recent_chain_next(&chain, &index);) {
        if (index < pieces.covered) {
            break;
        }
        status = offer_entry(offer, index);
    }
    return status;
}

enum status walk_collect_recent(struct walk *walk, uint32_t day, uint32_t region) {
    struct offer offer = {.walk = walk, .region = region};
    if (!walk_bounds(walk, day, region, &offer.low, &offer.high)) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < walk->view.runs_count; i++) {
        offer.run = walk->view.runs[i];
        offer.source = (uint32_t)i;
        offer.count = walk->view.counts[i];
        enum status status = offer_run(&offer, day);
        if (status != STATUS_OK) {
            return status;
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
