/* The near horizon: every deadline is a row on disk, those due within the next hours are also in
 * the timing wheel. Says what to read next and what to fire now; the caller reads and fires.
 *
 * All rows up to one place in the order of keys are in the wheel (or fired, or deleted since). The
 * place moves on in reads of bounded size, and back when the wheel is full: the farthest deadlines
 * are then dropped from memory and read again later, so a full wheel costs reads, never a deadline.
 *
 * What fires is a hint, the owner's state is the truth. A cancelled deadline stays in the wheel
 * until its time, and one may come twice (it was armed while a read was under way): the owner
 * compares what fires with what it waits for (stage, point, part and due_ms), and drops what does
 * not match. So no map from deadline to handle is needed, and reading needs no look-up of owners.
 *
 * Not thread-safe; everything here runs on the loop. 200 KiB, so no local variable. */
#ifndef CORE_TIME_HORIZON_H
#define CORE_TIME_HORIZON_H

#include "core/limits.h"
#include "core/time/wheel.h"

enum { HORIZON_STEPS = 4096 }; /* of the wheel in one call: at most a millisecond or so */

struct horizon_load {
    struct deadline after; /* rows that sort after it */
    int64_t until_ms;      /* and are due before this */
    uint32_t rows_max;     /* at most DEADLINE_LOAD_ROWS */
};

struct horizon {
    struct wheel wheel;
    int64_t horizon_ms, started_ms;
    uint32_t rows_max;      /* of one read */
    uint32_t load_entries;  /* reads leave the rest of the wheel to what is armed */
    struct deadline loaded; /* every row up to here is in the wheel */
    int64_t goal_ms;        /* where reading is going */
    bool loading;           /* a read is under way ... */
    bool load_stale;        /* ... and what it brings is not wanted any more */
    struct deadline load_end;
    bool dropping; /* deadlines from drop_ms on are being dropped */
    int64_t drop_ms;
    uint64_t dropped_total, rewound_total;
};

/* Bytes for limits.deadlines_in_memory; touched only where deadlines go. */
size_t horizon_bytes(const struct limits *limits);
/* `memory`: horizon_bytes of it, 32-byte aligned, stays the caller's. What is due before `now_ms`
 * was due while nobody watched: horizon_is_late. */
void horizon_init(struct horizon *horizon, void *memory, const struct limits *limits,
                  int64_t now_ms);

enum horizon_verdict {
    HORIZON_ARMED, /* in the wheel */
    HORIZON_LATER, /* on disk only, until a read brings it */
};
/* Tells of a deadline whose row is on disk: call it when the commit is durable, never before. */
enum horizon_verdict horizon_arm(struct horizon *horizon, const struct deadline *deadline);

/* Is there something to read now? Ask every turn. At most one read is under way: each true is
 * followed by exactly one horizon_loaded or horizon_load_failed. The read must see every commit
 * that horizon_arm was told of before this call. */
MUST_USE bool horizon_next_load(struct horizon *horizon, int64_t now_ms, struct horizon_load *ret);
/* The rows in key order. `complete`: there were no more than these. */
void horizon_loaded(struct horizon *horizon, const struct deadline *rows, size_t rows_count,
                    bool complete);
void horizon_load_failed(struct horizon *horizon);

/* What is due at `now_ms` (which must not fall), in due order, `max` of it at most: at most
 * HORIZON_STEPS of work, and as much dropping. Nothing fires ahead of an earlier row that has not
 * been read. `*ret_more`: there is more to do now; call again in the next turn. */
size_t horizon_fire(struct horizon *horizon, int64_t now_ms, struct deadline *ret, size_t max,
                    bool *ret_more);
/* Was it due before this process began? */
static inline bool horizon_is_late(const struct horizon *horizon, const struct deadline *deadline) {
    return deadline->due_ms < horizon->started_ms;
}
/* Nothing is to be fired, read or dropped earlier than this, unless a read under way brings it.
 * INT64_MIN: now. */
int64_t horizon_wake_ms(const struct horizon *horizon);

#endif
