/* Rows of deadlines that nobody waits for any more: garbage of an incident whose window ended while
 * the server was down, or damage. They would stay for ever and be read again at each start.
 *
 * A row that was read and matches nobody is a suspect: its owner may have moved on while the read
 * was under way. When everything decided until then is durable the row is looked for once more, on
 * the pool; what is still there and still matches nobody goes with the next block that closes. Loop
 * thread. */
#ifndef SERVER_DOMAIN_STRAYS_H
#define SERVER_DOMAIN_STRAYS_H

#include "core/time/deadline.h"
#include "server/domain/row_set.h"
#include "server/process/metrics.h"
#include "storage/db.h"

#include <uv.h>

/* Suspects at a time; more than that are left to a later read. */
enum { STRAYS_MAX = 1024 };

struct strays; /* opaque */

struct strays_options {
    uv_loop_t *loop;
    struct db *db;
    struct metrics *metrics;
    void *context;
    /* Does its object wait for it, or is its row still to be removed by its object? */
    bool (*is_awaited)(void *context, const struct deadline *deadline);
};

struct strays *strays_new(const struct strays_options *options);
/* Its memory goes once the loop has run its pool jobs. NULL is allowed. */
void strays_free(struct strays *strays);

/* A row that was read; `next_seq` is the next entry's number. O(1). */
void strays_look(struct strays *strays, const struct deadline *deadline, uint64_t next_seq);
/* Everything up to `seq` is durable. */
void strays_durable(struct strays *strays, uint64_t seq);
/* A block closes: puts what is to be removed. Before the rows of those who may set the same again.
 */
void strays_flush(struct strays *strays, struct row_set *rows);

#endif
