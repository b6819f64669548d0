/* A list of numbered things (tickets, incidents), newest first: rows of one family walked backward
 * on the pool, filtered, a page at a time.
 *
 * At most ROWS_SCANNED_MAX rows are looked at for a page; when that is not enough to fill it, the
 * page is short and its cursor goes on. */
#ifndef SERVER_API_LIST_READ_H
#define SERVER_API_LIST_READ_H

#include "server/api/cursor.h"
#include "server/api/request_job.h"
#include "server/json_out.h"
#include "storage/db.h"

struct list_read {
    struct request_job job;
    struct db *db;
    enum family family;
    enum cursor_kind cursor;
    uint64_t binding;
    uint64_t limit;  /* items of the page */
    uint64_t before; /* numbers below it; 0: from the newest */
    /* Pool thread. Writes the row as an item when it passes the filters. `*ret_taken`: it did. */
    enum status (*take)(struct list_read *read, struct slice key, struct slice value,
                        struct json_out *out, bool *ret_taken);
    /* Frees the struct it is embedded in. */
    void (*release)(struct list_read *read);
    /* the rest is list_read.c's own */
    struct json_out out;
    struct buffer answer;
    uint64_t last, items_count, scanned;
    bool more;
    enum status status;
    struct error error;
};

/* Reads `limit` and `cursor` of the request and starts. False: 400 went out, and the struct is the
 * caller's to free. */
MUST_USE bool list_read_start(struct list_read *read, struct http_request *request);

#endif
