/* Building a region table from rows, and what an import has to store: work without the loop, on any
 * thread. Also the shared references to tables (regions.h). */
#ifndef SERVER_REGION_BUILD_H
#define SERVER_REGION_BUILD_H

#include "server/buffer.h"
#include "server/regions.h"

/* A table of `before` (NULL: none) and encoded rows, with one reference. INVALID: `*ret_row` and
 * the message name the row. */
MUST_USE enum status region_ref_build(struct region_ref **ret, const struct region_table *before,
                                      struct slice rows, size_t rows_count,
                                      const struct limits *limits, size_t *ret_row,
                                      struct error *error);

/* The stored rows in which two tables differ, ready for a commit. */
struct region_changes {
    struct db_row *rows; /* into `bytes`: keys and values */
    size_t rows_count;
    uint64_t created_count, updated_count;
    struct buffer bytes;
};
/* `after` was built from `before`. O(regions). */
void region_changes_find(struct region_changes *changes, const struct region_table *before,
                         const struct region_table *after);
void region_changes_deinit(struct region_changes *changes);

#endif
