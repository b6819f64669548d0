/* The rows of one commit in the order of families and keys, of each key only the row that was put
 * last. Sorted rows go into a memtable at a fraction of the price: each is looked for from where
 * the one before it went (storage/README.md, "RocksDB"). */
#ifndef STORAGE_ROW_ORDER_H
#define STORAGE_ROW_ORDER_H

#include "storage/db.h"

struct ordered_row {
    uint64_t head; /* first eight bytes of the key, big-endian; zeros behind a shorter one */
    const struct db_row *row;
};

/* Memory of its own, kept between commits. Zeroed: empty. */
struct row_order {
    struct ordered_row *rows;
    struct ordered_row *scratch; /* as many */
    size_t rows_count, rows_room;
};

/* Points into `rows`, which must outlive the use. O(n) for each byte in which heads differ; rows of
 * one head that do not come in order are sorted by comparing. NO_MEMORY. */
MUST_USE enum status row_order_set(struct row_order *order, const struct db_row *rows,
                                   size_t rows_count);
void row_order_deinit(struct row_order *order);

#endif
