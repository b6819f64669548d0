/* Rows of FAMILY_SUSPECTS: clock-suspect reports by identity, since their timeline key (under their
 * first received_at) cannot be made from a repeat. A row is written in the batch of its block; they
 * are rare. Layout: storage/README.md, "Keys". */
#ifndef STORAGE_SUSPECTS_H
#define STORAGE_SUSPECTS_H

#include "core/engine.h"
#include "storage/block.h"
#include "storage/schema.h"

struct suspect_row {
    struct identity identity;
    struct stored_report stored;
};
/* CORRUPT: sizes are wrong, or the number is 0. */
MUST_USE enum status suspects_decode(struct suspect_row *ret, struct slice key, struct slice value,
                                     struct error *error);

/* A row for each clock-suspect entry of the block. O(1) when there is none. */
void suspects_put(struct store_batch *batch, const struct block *block);
/* NOT_FOUND leaves `ret` alone. */
MUST_USE enum status suspects_get(struct stored_report *ret, struct store *store,
                                  struct identity identity, struct error *error);
/* Every row, in key order. */
typedef enum status (*suspects_cb)(void *context, const struct suspect_row *row,
                                   struct error *error);
MUST_USE enum status suspects_walk(struct store *store, suspects_cb callback, void *context,
                                   struct error *error);

/* Gives a directory from before there was this family its rows, out of the journal's index
 * sections, and says in the meta family that they are there. Done again from the start when it was
 * cut short. An identity that the journal has twice gets its first entry. O(journal). */
MUST_USE enum status suspects_complete(struct store *store, struct store_batch *batch,
                                       struct error *error);

#endif
