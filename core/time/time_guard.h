/* The service time: what the wall clock says, kept from doing harm when it is set. Deadlines are
 * instants of the wall clock; between two looks it should move as the monotonic clock does, and
 * this says what happens when it does not (domain.md section 3.4, reliability.md section 5.5).
 *
 * - The service time never falls. While it is ahead of the wall clock (which was set back) it runs
 * at 7/8 of the monotonic clock until the wall clock has caught up, so that nothing stands still
 * and no limit is more than a seventh longer; a gap of more than a day is not chased.
 * - A step forward of more than five minutes is not believed for 60 s. Until then the service time
 *   runs on by the monotonic clock: what is due by the old time too fires, what only the step would
 *   make due does not. If the wall clock comes back meanwhile, the step never happened.
 * - A wall clock that at the start is older than the newest commit, or lies before 2024, is
 * suspect: nothing fires for 60 s, and the service time begins at the newest commit.
 *
 * Pure: the caller reads the clocks. The monotonic one should count suspended time too
 * (CLOCK_BOOTTIME). */
#ifndef CORE_TIME_TIME_GUARD_H
#define CORE_TIME_TIME_GUARD_H

#include "core/base/check.h"

enum {
    TIME_STEP_MS = 300000,    /* a step that is not believed at once */
    TIME_CONFIRM_MS = 60000,  /* how long it must last */
    TIME_BACK_MS = 1000,      /* a step back that is reported; smaller ones are ordinary slewing */
    TIME_CHASE_MS = 86400000, /* a gap that slowing down can close in about a week */
    TIME_SLOWED_EIGHTHS = 7,
};
#define TIME_SANE_MS INT64_C(1704067200000) /* 2024-01-01: no gridd ran before */

/* What the caller reports, once each. */
enum time_event {
    TIME_STEADY,
    TIME_SUSPECT,         /* at the start */
    TIME_STEPPED_BACK,    /* by more than TIME_BACK_MS */
    TIME_STEPPED_FORWARD, /* by more than TIME_STEP_MS: held, or held for longer */
    TIME_CONFIRMED,       /* the held time is over, the wall clock is believed */
    TIME_WITHDRAWN,       /* the step was taken back while it was held */
};

struct time_guard {
    int64_t monotonic_ms, wall_ms; /* of the last look */
    int64_t service_ms;
    int64_t slowed;        /* eighths of a millisecond not yet counted while slowed down */
    int64_t hold_until_ms; /* monotonic */
    bool holding, suspect;
};

struct time_reading {
    int64_t service_ms; /* use this for everything */
    int64_t fire_ms;    /* fire what is due until then; INT64_MIN: nothing */
    enum time_event event;
    int64_t step_ms; /* of the wall clock against the monotonic one; 0 when there is no event */
};

/* `newest_commit_ms`: the newest time in the journal, INT64_MIN when there is none. */
struct time_reading time_guard_init(struct time_guard *guard, int64_t monotonic_ms, int64_t wall_ms,
                                    int64_t newest_commit_ms);
/* Once a turn. `monotonic_ms` must not fall. O(1). */
struct time_reading time_guard_read(struct time_guard *guard, int64_t monotonic_ms,
                                    int64_t wall_ms);

#endif
