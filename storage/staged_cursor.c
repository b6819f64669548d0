#include "core/base/check.h"
#include "storage/staged_segment.h"

/* The first row of the family that is not below the key; the family's end when there is none. */
static uint32_t lower_bound(const struct staged_segment *segment, unsigned slot, uint64_t head,
                            struct slice key) {
    uint32_t low = segment->starts[slot], high = segment->starts[slot + 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (staged_compare(&segment->rows[middle], head, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct staged_segment *segment, unsigned slot, uint32_t at, uint64_t head,
                  struct slice key) {
    return at < segment->starts[slot + 1] && staged_compare(&segment->rows[at], head, key) == 0;
}

enum staged_state staged_find(const struct staged_view *view, enum family family, struct slice key,
                              struct slice *ret) {
    CHECK(staged_family(family));
    unsigned slot = staged_slot(family);
    uint64_t head = staged_head(key);
    for (size_t i = view->count; i-- > 0;) {
        const struct staged_segment *segment = view->segments[i];
        uint32_t at = lower_bound(segment, slot, head, key);
        if (is_at(segment, slot, at, head, key)) {
            *ret = staged_row_value(&segment->rows[at]);
            return segment->rows[at].remove ? STAGED_REMOVED : STAGED_HERE;
        }
    }
    return STAGED_ABSENT;
}

void staged_cursor_init(struct staged_cursor *cursor, const struct staged_view *view,
                        enum family family) {
    CHECK(staged_family(family));
    cursor->view = view;
    cursor->family = family;
    cursor->valid = false;
}

/* The row a segment has to offer; NULL: none is left in this direction. */
static const struct staged_row *offer(const struct staged_cursor *cursor, size_t index) {
    const struct staged_segment *segment = cursor->view->segments[index];
    unsigned slot = staged_slot(cursor->family);
    uint32_t at = cursor->at[index];
    if (cursor->backward) {
        return at == segment->starts[slot] ? NULL : &segment->rows[at - 1];
    }
    return at == segment->starts[slot + 1] ? NULL : &segment->rows[at];
}

/* The nearest key that is offered, from the newest segment that has it. */
static void choose(struct staged_cursor *cursor) {
    const struct staged_row *best = NULL;
    for (size_t i = cursor->view->count; i-- > 0;) {
        const struct staged_row *row = offer(cursor, i);
        if (row == NULL) {
            continue;
        }
        int order = best == NULL ? -1 : staged_compare(row, best->head, staged_row_key(best));
        if (best == NULL || (cursor->backward ? order > 0 : order < 0)) {
            best = row;
            cursor->current = i;
        }
    }
    cursor->valid = best != NULL;
}

void staged_cursor_seek(struct staged_cursor *cursor, struct slice key, bool backward,
                        bool beyond) {
    unsigned slot = staged_slot(cursor->family);
    uint64_t head = staged_head(key);
    cursor->backward = backward;
    for (size_t i = 0; i < cursor->view->count; i++) {
        const struct staged_segment *segment = cursor->view->segments[i];
        uint32_t at = lower_bound(segment, slot, head, key);
        /* Forward a row at the key is skipped when it is not wanted, backward when it is. */
        cursor->at[i] = at + (beyond != backward && is_at(segment, slot, at, head, key) ? 1 : 0);
    }
    choose(cursor);
}

void staged_cursor_seek_last(struct staged_cursor *cursor) {
    cursor->backward = true;
    for (size_t i = 0; i < cursor->view->count; i++) {
        cursor->at[i] = cursor->view->segments[i]->starts[staged_slot(cursor->family) + 1];
    }
    choose(cursor);
}

static const struct staged_row *current(const struct staged_cursor *cursor) {
    CHECK(cursor->valid);
    return offer(cursor, cursor->current);
}

void staged_cursor_step(struct staged_cursor *cursor) {
    const struct staged_row *here = current(cursor);
    for (size_t i = 0; i < cursor->view->count; i++) {
        const struct staged_row *row = offer(cursor, i);
        if (row != NULL && staged_compare(row, here->head, staged_row_key(here)) == 0) {
            cursor->at[i] = cursor->backward ? cursor->at[i] - 1 : cursor->at[i] + 1;
        }
    }
    choose(cursor);
}

struct slice staged_cursor_key(const struct staged_cursor *cursor) {
    return staged_row_key(current(cursor));
}

bool staged_cursor_value(const struct staged_cursor *cursor, struct slice *ret) {
    const struct staged_row *row = current(cursor);
    *ret = staged_row_value(row);
    return !row->remove;
}
