/* Reading a timeline in pieces on the thread pool: a page, or the next piece of a stream. */
#ifndef SERVER_API_TIMELINE_READ_H
#define SERVER_API_TIMELINE_READ_H

#include "server/api/timeline_format.h"
#include "server/api/timeline_query.h"
#include "server/personal.h"
#include "storage/db.h"

struct timeline_read {
    struct timeline_params params; /* query.after moves on with every piece */
    const struct timeline_format *format;
    uint64_t rows_count; /* written so far, all pieces */
    bool ended;          /* the range, or the limit, is reached */
    bool begun;          /* the form's beginning was written */
};

/* What a piece is read with; all of it stays the caller's. */
struct timeline_source {
    struct db *db;
    const struct region_table *regions;
    const struct policy *policy;
    struct personal *personal; /* what of personal data may be seen */
    /* Asked at every row; true ends the piece early. May be NULL. */
    bool (*cancelled)(void *context);
    void *context;
};

/* Appends rows in the form asked for until about `piece_bytes` are in `to`, or the end: then the
 * form's end is appended too and `ended` is set. Pool thread. Cost: timeline_walk's, and the ids
 * of the subtree once a piece. */
MUST_USE enum status timeline_read_piece(struct timeline_read *read,
                                         const struct timeline_source *source, size_t piece_bytes,
                                         struct buffer *to, struct error *error);
/* One page as {"items":[...],"next_cursor":...}; params.limit rows at most. Pool thread. */
MUST_USE enum status timeline_read_page(const struct timeline_params *params,
                                        const struct timeline_source *source, struct buffer *to,
                                        struct error *error);

#endif
