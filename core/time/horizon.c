#include "core/time/horizon.h"

#include "core/base/mutant.h"

_Static_assert((int)DEADLINE_LOAD_ROWS <= (int)HORIZON_STEPS,
               "one read is no more work than one turn");

size_t horizon_bytes(const struct limits *limits) {
    return wheel_bytes((uint32_t)limits->deadlines_in_memory);
}

void horizon_init(struct horizon *horizon, void *memory, const struct limits *limits,
                  int64_t now_ms) {
    uint32_t capacity = (uint32_t)limits->deadlines_in_memory;
    CHECK(capacity >= 8);
    /* What is overdue stands in the wheel's first slot in the order it is read: in due order. */
    wheel_init(&horizon->wheel, memory, capacity, now_ms);
    horizon->horizon_ms = (int64_t)limits->deadline_horizon_ms;
    horizon->started_ms = now_ms;
    horizon->rows_max = (uint32_t)min_u64(DEADLINE_LOAD_ROWS, capacity / 8);
    horizon->load_entries = capacity - capacity / 8;
    horizon->loaded = (struct deadline){.due_ms = INT64_MIN};
    horizon->goal_ms = INT64_MIN + 1;
    horizon->loading = horizon->load_stale = horizon->dropping = false;
    horizon->dropped_total = horizon->rewound_total = 0;
}

/* Rows after `last` are not all in the wheel any more: they will be read again. */
static void set_back(struct horizon *horizon, struct deadline last) {
    if (deadline_compare(&last, &horizon->loaded) < 0) {
        horizon->loaded = last;
    }
    horizon->load_stale = horizon->loading;
}

static void drop_some(struct horizon *horizon) {
    uint32_t before = wheel_count(&horizon->wheel);
    horizon->dropping = !wheel_drop_from(&horizon->wheel, horizon->drop_ms, HORIZON_STEPS);
    horizon->dropped_total += before - wheel_count(&horizon->wheel);
}

/* Drops the farthest slot. Nothing before it is touched, so the rest stays complete. */
static void shrink(struct horizon *horizon, int64_t from_ms) {
    set_back(horizon, deadline_last_of(from_ms - 1));
    horizon->drop_ms = horizon->dropping && horizon->drop_ms < from_ms ? horizon->drop_ms : from_ms;
    drop_some(horizon);
}

/* Makes room for the deadline, or puts it off. */
static enum horizon_verdict arm_when_full(struct horizon *horizon,
                                          const struct deadline *deadline) {
    int64_t last_slot_ms;
    if (!wheel_last_slot_ms(&horizon->wheel, &last_slot_ms)) {
        /* All that is in the wheel is due now, or is being sorted. The next reads bring this one,
         * and some others a second time. */
        set_back(horizon, deadline_last_of(deadline->due_ms - 1));
        horizon->rewound_total++;
        return HORIZON_LATER;
    }
    shrink(horizon, last_slot_ms);
    if (deadline->due_ms >= last_slot_ms) {
        return HORIZON_LATER;
    }
    enum status status = wheel_arm(&horizon->wheel, deadline, NULL);
    CHECK(status == STATUS_OK);
    return HORIZON_ARMED;
}

enum horizon_verdict horizon_arm(struct horizon *horizon, const struct deadline *deadline) {
    const struct deadline *reach =
        horizon->loading && !horizon->load_stale ? &horizon->load_end : &horizon->loaded;
    CHECK(deadline->due_ms > INT64_MIN);
    if (deadline_compare(deadline, reach) > 0) {
        return HORIZON_LATER;
    }
    return wheel_arm(&horizon->wheel, deadline, NULL) == STATUS_OK
               ? HORIZON_ARMED
               : arm_when_full(horizon, deadline);
}

static bool has_room(const struct horizon *horizon) {
    return wheel_count(&horizon->wheel) + horizon->rows_max <= horizon->load_entries;
}

/* Deadlines beyond a place that was set back would keep the room that the rows up to there need.
 * Each slot dropped has at least one, and one with many ends it. */
static void make_room(struct horizon *horizon) {
    int64_t last_slot_ms;
    while (!has_room(horizon) && !horizon->dropping &&
           wheel_last_slot_ms(&horizon->wheel, &last_slot_ms) &&
           last_slot_ms > horizon->loaded.due_ms) {
        shrink(horizon, last_slot_ms);
    }
}

static bool wants_load(struct horizon *horizon, int64_t now_ms) {
    if (horizon->loaded.due_ms >= horizon->goal_ms - 1) {
        if (horizon->loaded.due_ms >= now_ms + horizon->horizon_ms / 2) {
            return false;
        }
        horizon->goal_ms = now_ms + horizon->horizon_ms;
    }
    return true;
}

bool horizon_next_load(struct horizon *horizon, int64_t now_ms, struct horizon_load *ret) {
    if (horizon->dropping) {
        drop_some(horizon);
    }
    if (horizon->loading || horizon->dropping || !wants_load(horizon, now_ms)) {
        return false;
    }
    make_room(horizon);
    if (horizon->dropping || !has_room(horizon)) {
        return false;
    }
    horizon->loading = true;
    horizon->load_stale = false;
    horizon->load_end = deadline_last_of(horizon->goal_ms - 1);
    *ret = (struct horizon_load){horizon->loaded, horizon->goal_ms, horizon->rows_max};
    return true;
}

/* What was armed meanwhile beyond the place is read again: its owner takes it once. */
void horizon_load_failed(struct horizon *horizon) {
    CHECK(horizon->loading);
    horizon->loading = false;
}

void horizon_loaded(struct horizon *horizon, const struct deadline *rows, size_t rows_count,
                    bool complete) {
    CHECK(horizon->loading && rows_count <= horizon->rows_max);
    CHECK(complete || rows_count > 0);
    horizon->loading = false;
    if (horizon->load_stale) {
        return;
    }
    for (size_t i = 0; i < rows_count; i++) {
        CHECK(deadline_compare(&rows[i], &horizon->loaded) > 0);
        CHECK(deadline_compare(&rows[i], &horizon->load_end) <= 0);
        if (wheel_arm(&horizon->wheel, &rows[i], NULL) != STATUS_OK) {
            return;
        }
        horizon->loaded = rows[i];
    }
    if (complete || MUTANT(HORIZON_SKIPS_ROWS)) {
        horizon->loaded = horizon->load_end;
    }
}

size_t horizon_fire(struct horizon *horizon, int64_t now_ms, struct deadline *ret, size_t max,
                    bool *ret_more) {
    struct wheel *wheel = &horizon->wheel;
    if (horizon->dropping) {
        drop_some(horizon);
    }
    /* What was already due when armed or read stands at the wheel's time, even when the place was
     * set back to before it. */
    int64_t through_ms = horizon->loaded.due_ms;
    through_ms = through_ms > wheel_now_ms(wheel) ? through_ms : wheel_now_ms(wheel);
    through_ms = through_ms < now_ms ? through_ms : now_ms;
    size_t count = wheel_advance(wheel, through_ms, HORIZON_STEPS, ret, max, ret_more);
    *ret_more = *ret_more || horizon->dropping;
    return count;
}

static int64_t next_load_ms(const struct horizon *horizon) {
    if (horizon->loading || !has_room(horizon)) {
        return INT64_MAX; /* firing makes room */
    }
    bool on_the_way = horizon->loaded.due_ms < horizon->goal_ms - 1;
    return on_the_way || horizon->loaded.due_ms == INT64_MIN
               ? INT64_MIN
               : horizon->loaded.due_ms - horizon->horizon_ms / 2 + 1;
}

int64_t horizon_wake_ms(const struct horizon *horizon) {
    if (horizon->dropping) {
        return INT64_MIN;
    }
    int64_t fire_ms = wheel_next_ms(&horizon->wheel), load_ms = next_load_ms(horizon);
    return fire_ms < load_ms ? fire_ms : load_ms;
}
