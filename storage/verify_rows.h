/* Are the sealed rows exactly the journal's entries? Journal and timeline are in different orders,
 * so both are reduced to a sum of hashes under a random seed, each in one pass over its own order;
 * only when the sums differ is every entry looked up, to name the first that is wrong. */
#ifndef STORAGE_VERIFY_ROWS_H
#define STORAGE_VERIFY_ROWS_H

#include "core/report/entry.h"
#include "storage/store.h"

struct rows_sum {
    uint64_t seed; /* random, so that no forged row can be made to fit */
    uint64_t count, low, high;
};

/* One entry as the row it is or would be sealed as. */
void rows_sum_add(struct rows_sum *sum, uint64_t seq, const struct entry *entry,
                  struct slice record);
/* Can the entry be a timeline row at all? */
bool rows_entry_has_position(const struct entry *entry);
/* The journal's entry of a number, `journal` an iterator over it. NOT_FOUND: there is none. */
MUST_USE enum status rows_entry_of(struct entry *ret, struct store_iter *journal, uint64_t seq,
                                   struct error *error);
/* OK: the store has exactly this row. NOT_FOUND: none under its key. CORRUPT: another one. */
MUST_USE enum status rows_lookup(struct store *store, uint64_t seq, const struct entry *entry,
                                 struct slice record, struct error *error);

/* Walks the whole timeline. Rows up to `sealed_through` are added to `sum`, later ones (sealed, but
 * the crash came before that was written down) are counted. */
MUST_USE enum status rows_walk_timeline(struct rows_sum *sum, uint64_t *ret_late_count,
                                        struct store *store, uint64_t sealed_through,
                                        struct error *error);
/* The sums differ: says where. Always CORRUPT (or a failure to read). */
MUST_USE enum status rows_name_difference(struct store *store, uint64_t sealed_through,
                                          struct error *error);

#endif
