/* The best positions of many: keeps the first `max` in an order, whatever is offered. */
#ifndef STORAGE_SELECTION_H
#define STORAGE_SELECTION_H

#include "core/base/status.h"
#include "storage/keys.h"

struct candidate {
    struct timeline_position position;
    uint32_t source, index; /* the caller's: where the row is */
};

struct selection {
    struct candidate *items;
    size_t count, max, room;
    bool ascending;
};

void selection_init(struct selection *selection, bool ascending);
void selection_deinit(struct selection *selection);
/* Empty again, for at most `max` > 0 candidates. */
void selection_reset(struct selection *selection, size_t max);
/* Would an offer of this position be refused? Then so would all after it in the order. O(1). */
bool selection_refuses(const struct selection *selection, const struct timeline_position *position);
/* Takes it, possibly in place of the last in order. O(log max). */
MUST_USE enum status selection_offer(struct selection *selection,
                                     const struct candidate *candidate);
/* Sorts what is there into the order; offers are over until the next reset. */
void selection_sort(struct selection *selection);

#endif
