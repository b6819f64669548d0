#include "core/time/time_guard.h"

#include "core/base/mutant.h"

static struct time_reading reading(const struct time_guard *guard, enum time_event event,
                                   int64_t step_ms) {
    return (struct time_reading){.service_ms = guard->service_ms,
                                 .fire_ms = guard->suspect ? INT64_MIN : guard->service_ms,
                                 .event = event,
                                 .step_ms = event == TIME_STEADY ? 0 : step_ms};
}

static void hold(struct time_guard *guard) {
    guard->holding = true;
    guard->hold_until_ms = guard->monotonic_ms + TIME_CONFIRM_MS;
}

static void let_go(struct time_guard *guard) {
    guard->holding = guard->suspect = false;
}

struct time_reading time_guard_init(struct time_guard *guard, int64_t monotonic_ms, int64_t wall_ms,
                                    int64_t newest_commit_ms) {
    *guard =
        (struct time_guard){.monotonic_ms = monotonic_ms,
                            .wall_ms = wall_ms,
                            .service_ms = newest_commit_ms > wall_ms ? newest_commit_ms : wall_ms};
    int64_t behind_ms = guard->service_ms - wall_ms;
    if (behind_ms <= TIME_BACK_MS && wall_ms >= TIME_SANE_MS) {
        return reading(guard, TIME_STEADY, 0);
    }
    guard->suspect = true;
    hold(guard);
    return reading(guard, TIME_SUSPECT, -behind_ms);
}

/* The wall clock is more than a step ahead of the service time. */
static enum time_event far_ahead(struct time_guard *guard, int64_t elapsed_ms, int64_t step_ms) {
    guard->service_ms += elapsed_ms;
    if (!guard->holding || step_ms > TIME_STEP_MS) {
        hold(guard);
        return TIME_STEPPED_FORWARD;
    }
    if (guard->monotonic_ms < guard->hold_until_ms) {
        return TIME_STEADY;
    }
    guard->service_ms = guard->wall_ms;
    let_go(guard);
    return TIME_CONFIRMED;
}

/* The wall clock is near, or behind: follow it, but never back. */
static void follow(struct time_guard *guard, int64_t elapsed_ms) {
    if (guard->service_ms - guard->wall_ms > TIME_CHASE_MS) {
        guard->service_ms += elapsed_ms;
        return;
    }
    guard->slowed += elapsed_ms * TIME_SLOWED_EIGHTHS;
    int64_t slow_ms = MUTANT(TIME_GOES_BACK) ? INT64_MIN : guard->service_ms + guard->slowed / 8;
    guard->slowed %= 8;
    guard->service_ms = guard->wall_ms > slow_ms ? guard->wall_ms : slow_ms;
}

struct time_reading time_guard_read(struct time_guard *guard, int64_t monotonic_ms,
                                    int64_t wall_ms) {
    CHECK(monotonic_ms >= guard->monotonic_ms);
    int64_t before_ms = guard->service_ms;
    int64_t elapsed_ms = monotonic_ms - guard->monotonic_ms;
    int64_t step_ms = wall_ms - guard->wall_ms - elapsed_ms;
    guard->monotonic_ms = monotonic_ms;
    guard->wall_ms = wall_ms;
    enum time_event event = TIME_STEADY;
    if (wall_ms - (guard->service_ms + elapsed_ms) > TIME_STEP_MS) {
        event = far_ahead(guard, elapsed_ms, step_ms);
    } else {
        follow(guard, elapsed_ms);
        if (guard->holding && !guard->suspect) {
            let_go(guard);
            event = TIME_WITHDRAWN;
        } else if (guard->holding && monotonic_ms >= guard->hold_until_ms) {
            let_go(guard);
            event = TIME_CONFIRMED;
        } else if (step_ms < -TIME_BACK_MS) {
            event = TIME_STEPPED_BACK;
        }
    }
    CHECK(guard->service_ms >= before_ms);
    return reading(guard, event, step_ms);
}
