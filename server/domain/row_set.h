/* Rows on their way into a commit: keys and values copied one after the other, in the order they
 * were put; a later row of the same key wins. Memory is kept between uses. */
#ifndef SERVER_DOMAIN_ROW_SET_H
#define SERVER_DOMAIN_ROW_SET_H

#include "server/buffer.h"
#include "storage/db.h"

struct row_set {
    struct buffer bytes; /* per row: a header, the key, the value */
    size_t count;
};

void row_set_init(struct row_set *rows);
void row_set_deinit(struct row_set *rows);
void row_set_reset(struct row_set *rows);
/* `remove`: the row goes, and `value` is not looked at. O(bytes). */
void row_set_put(struct row_set *rows, enum family family, struct slice key, struct slice value,
                 bool remove);
/* The rows of another set, behind those that are there. O(bytes). */
void row_set_append(struct row_set *rows, const struct row_set *more);
/* Writes rows->count rows to `to`; they point into the set. */
void row_set_list(const struct row_set *rows, struct db_row *to);

#endif
