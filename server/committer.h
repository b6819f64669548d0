/* Group commit: the loop fills the open block; one committer thread writes what has gathered; when
 * it is on disk the loop publishes it and wakes who waited.
 *
 * All calls on the loop thread. Order after a commit: db_publish of each block, on_published
 * (feed), then the waiters in the order of their sequence numbers. A failed commit calls every
 * waiter with the failure, then on_failed: the process must end (its outcome is unknown). */
#ifndef SERVER_COMMITTER_H
#define SERVER_COMMITTER_H

#include "server/domain/row_set.h"
#include "server/process/metrics.h"
#include "storage/db.h"

#include <uv.h>

struct committer; /* opaque */

struct committer_options {
    uv_loop_t *loop;
    struct db *db;
    const struct limits *limits;
    struct metrics *metrics;
    uint64_t next_seq;
    void *context;
    /* The open block is closed: whoever has rows that its entries changed puts them now, as they
     * stand, and they are on disk together with it. NULL: nobody has. */
    void (*on_closing)(void *context, struct row_set *rows);
    void (*on_published)(void *context, const struct block *block);
    void (*on_pressure)(void *context); /* committer_pressure has changed */
    void (*on_failed)(void *context, const struct error *error);
};

enum pressure {
    PRESSURE_NONE,
    PRESSURE_PAUSE,  /* stop reading bodies: enough is waiting, or the sealer is behind */
    PRESSURE_REFUSE, /* answer 503 to new uploads */
};

/* Intrusive: lives in the caller's memory until called or removed. */
struct commit_waiter {
    uint64_t seq; /* called once everything up to here is durable */
    void (*call)(struct commit_waiter *waiter, enum status status);
    struct commit_waiter *next, *previous; /* committer's own */
};

MUST_USE enum status committer_new(struct committer **ret, const struct committer_options *options);
/* Calls `on_idle` on the loop when nothing is open or under way; then committer_free is allowed. */
void committer_drain(struct committer *committer, void (*on_idle)(void *context), void *context);
void committer_free(struct committer *committer);

/* Appends an entry whose sequence number is committer_next_seq; the commit starts by itself at the
 * end of this turn. */
void committer_append(struct committer *committer, const struct entry *entry,
                      const struct record *record);
/* Room in the open block for entries that belong together with the rows they change: what is open
 * is closed when it has less. An empty block has room for what limits_are_consistent promises. */
void committer_reserve(struct committer *committer, uint32_t entries_count, size_t payload_bytes);
uint64_t committer_next_seq(const struct committer *committer);
uint64_t committer_durable_seq(const struct committer *committer);
enum pressure committer_pressure(const struct committer *committer);
uint64_t committer_queued_bytes(const struct committer *committer);
/* How long the oldest write that is not durable has waited; 0: there is none. */
uint64_t committer_oldest_ms(const struct committer *committer);
/* `call` is never called from inside this function, not even when `seq` is durable already. */
void committer_wait(struct committer *committer, struct commit_waiter *waiter);
void committer_unwait(struct committer *committer, struct commit_waiter *waiter);

/* Rows to write in a commit of their own (region imports). The memory stays the caller's until
 * `call`, on the loop. One at a time. */
struct commit_rows {
    const struct db_row *rows;
    size_t rows_count;
    void (*call)(struct commit_rows *rows, enum status status);
};
void committer_write_rows(struct committer *committer, struct commit_rows *rows);
/* The sealer has finished a run (called through the loop): room may be back. */
void committer_room_changed(struct committer *committer);

#endif
