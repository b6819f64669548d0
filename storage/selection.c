#include "storage/selection.h"

#include "core/base/check.h"

#include <stdlib.h>

void selection_init(struct selection *selection, bool ascending) {
    *selection = (struct selection){.ascending = ascending};
}

void selection_deinit(struct selection *selection) {
    free(selection->items);
}

void selection_reset(struct selection *selection, size_t max) {
    CHECK(max > 0);
    selection->count = 0;
    selection->max = max;
}

static bool is_after(const struct selection *selection, const struct timeline_position *a,
                     const struct timeline_position *b) {
    int order = timeline_position_compare(a, b);
    return selection->ascending ? order > 0 : order < 0;
}

bool selection_refuses(const struct selection *selection,
                       const struct timeline_position *position) {
    return selection->count == selection->max &&
           !is_after(selection, &selection->items[0].position, position);
}

/* A heap with the last in order on top. */
static void sift_up(struct selection *selection, size_t at) {
    struct candidate *items = selection->items, item = items[at];
    while (at > 0 && is_after(selection, &item.position, &items[(at - 1) / 2].position)) {
        items[at] = items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    items[at] = item;
}

static void sift_down(struct selection *selection, size_t count) {
    struct candidate *items = selection->items, item = items[0];
    size_t at = 0;
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= count) {
            break;
        }
        if (child + 1 < count &&
            is_after(selection, &items[child + 1].position, &items[child].position)) {
            child++;
        }
        if (!is_after(selection, &items[child].position, &item.position)) {
            break;
        }
        items[at] = items[child];
        at = child;
    }
    items[at] = item;
}

enum status selection_offer(struct selection *selection, const struct candidate *candidate) {
    if (selection_refuses(selection, &candidate->position)) {
        return STATUS_OK;
    }
    if (selection->count == selection->max) {
        selection->items[0] = *candidate;
        sift_down(selection, selection->count);
        return STATUS_OK;
    }
    if (selection->count == selection->room) {
        size_t room = selection->room == 0 ? 64 : selection->room * 2;
        struct candidate *items = realloc(selection->items, room * sizeof *items);
        if (items == NULL) {
            return STATUS_NO_MEMORY;
        }
        selection->items = items;
        selection->room = room;
    }
    selection->items[selection->count] = *candidate;
    sift_up(selection, selection->count++);
    return STATUS_OK;
}

void selection_sort(struct selection *selection) {
    for (size_t count = selection->count; count > 1; count--) {
        struct candidate last = selection->items[0];
        selection->items[0] = selection->items[count - 1];
        sift_down(selection, count - 1);
        selection->items[count - 1] = last;
        CHECK_SLOW(count == selection->count ||
                   !is_after(selection, &last.position, &selection->items[count].position));
    }
}
