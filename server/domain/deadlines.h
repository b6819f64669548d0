/* The deadlines at run time: rows on disk, the near ones in a timing wheel (core/time/horizon.h),
 * fired on the loop when the service time reaches them.
 *
 * A deadline counts from the moment its row is durable. What fires is a hint: the owner compares it
 * with what it waits for. Loop thread; rows are read on the pool. */
#ifndef SERVER_DOMAIN_DEADLINES_H
#define SERVER_DOMAIN_DEADLINES_H

#include "core/time/horizon.h"
#include "server/domain/service_time.h"
#include "storage/db.h"

struct deadlines; /* opaque */

struct deadlines_options {
    uv_loop_t *loop;
    struct db *db;
    struct service_time *time;
    const struct limits *limits;
    struct metrics *metrics;
    void *context;
    /* A deadline is due; `is_late`: it was before this process began. */
    void (*fire)(void *context, const struct deadline *deadline, bool is_late);
    /* Rows that were read: somebody waits for each, unless it is a stray. */
    void (*on_read)(void *context, const struct deadline *rows, size_t rows_count);
    bool (*may_fire)(void *context); /* false: too much waits for the disk, try again soon */
    void (*on_failed)(void *context, const struct error *error); /* rows cannot be read */
};

/* Nothing fires before deadlines_start. */
MUST_USE enum status deadlines_new(struct deadlines **ret, const struct deadlines_options *options);
void deadlines_start(struct deadlines *deadlines);
/* Nothing fires any more (drain). */
void deadlines_stop(struct deadlines *deadlines);
/* Its memory goes once the loop has run its close callbacks and pool jobs. NULL is allowed. */
void deadlines_free(struct deadlines *deadlines);

/* A row that is on its way into the commit with entry `seq`. */
void deadlines_put(struct deadlines *deadlines, uint64_t seq, const struct deadline *deadline);
/* Everything up to `seq` is durable: rows put for it count from now on. */
void deadlines_durable(struct deadlines *deadlines, uint64_t seq);

struct deadlines_stats {
    uint64_t in_memory, dropped_total;
};
void deadlines_stats(const struct deadlines *deadlines, struct deadlines_stats *ret);

#endif
