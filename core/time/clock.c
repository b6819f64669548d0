#include "core/time/clock.h"

#include "core/base/bytes.h"

#include <string.h>

enum { CLOCK_VERSION = 1, YELLOW_PERCENT = 80, PERCENT_MAX = 1000 };

static int64_t later(int64_t a_ms, int64_t b_ms) {
    return a_ms > b_ms ? a_ms : b_ms;
}

static void check_clock(const struct clock *clock, const struct calendar *calendar) {
    CHECK(clock->calendar_tag == calendar->tag);
    CHECK(clock->limit >= 0 && clock->limit <= clock_limit_max(clock->metering));
    CHECK(clock->consumed_units >= 0 && clock->turned_ms >= clock->started_ms);
}

int64_t clock_limit_max(enum metering metering) {
    return metering == METERING_WORK_DAY ? CALENDAR_AHEAD_DAYS_MAX
                                         : CALENDAR_AHEAD_DAYS_MAX * (int64_t)CALENDAR_DAY_S;
}

void clock_start(struct clock *clock, const struct calendar *calendar, enum metering metering,
                 int64_t limit, int64_t start_ms) {
    *clock = (struct clock){.metering = metering,
                            .is_running = true,
                            .calendar_tag = calendar->tag,
                            .limit = limit,
                            .started_ms = start_ms,
                            .turned_ms = start_ms,
                            .breached_ms = CLOCK_NEVER};
    check_clock(clock, calendar);
}

/* From when the current run counts: later than its begin while the starting day lasts. */
static int64_t run_from_ms(const struct clock *clock, const struct calendar *calendar) {
    CHECK(clock->is_running);
    return later(clock->turned_ms,
                 calendar_count_from_ms(calendar, clock->metering, clock->started_ms));
}

int64_t clock_consumed_units(const struct clock *clock, const struct calendar *calendar,
                             int64_t at_ms) {
    check_clock(clock, calendar);
    if (!clock->is_running) {
        return clock->consumed_units;
    }
    return clock->consumed_units +
           calendar_metered(calendar, clock->metering, run_from_ms(clock, calendar), at_ms);
}

int64_t clock_limit_units(const struct clock *clock, const struct calendar *calendar) {
    check_clock(clock, calendar);
    return clock->limit * calendar_scale(calendar, clock->metering);
}

enum status clock_percent_ms(const struct clock *clock, const struct calendar *calendar,
                             unsigned percent, int64_t *ret_ms) {
    CHECK(percent >= 1 && percent <= PERCENT_MAX);
    check_clock(clock, calendar);
    if (!clock->is_running) {
        return STATUS_NOT_FOUND;
    }
    if (percent == 100 && clock->breached_ms != CLOCK_NEVER) {
        *ret_ms = clock->breached_ms;
        return STATUS_OK;
    }
    int64_t point = (clock_limit_units(clock, calendar) * percent + 99) / 100;
    if (point <= clock->consumed_units) {
        *ret_ms = clock->turned_ms;
        return STATUS_OK;
    }
    return calendar_due_ms(calendar, clock->metering, run_from_ms(clock, calendar),
                           point - clock->consumed_units, ret_ms);
}

enum status clock_due_ms(const struct clock *clock, const struct calendar *calendar,
                         int64_t *ret_ms) {
    return clock_percent_ms(clock, calendar, 100, ret_ms);
}

/* Did the limit run out before `at_ms`? Only of a running clock. */
static bool is_past_due(const struct clock *clock, const struct calendar *calendar, int64_t at_ms,
                        int64_t *ret_due_ms) {
    return clock_due_ms(clock, calendar, ret_due_ms) == STATUS_OK && at_ms > *ret_due_ms;
}

void clock_pause(struct clock *clock, const struct calendar *calendar, int64_t at_ms,
                 struct clock_run *ret_run) {
    CHECK(clock->is_running);
    check_clock(clock, calendar);
    at_ms = later(at_ms, clock->turned_ms);
    int64_t due_ms;
    if (is_past_due(clock, calendar, at_ms, &due_ms)) {
        clock->breached_ms = due_ms;
    }
    *ret_run = (struct clock_run){clock->turned_ms, at_ms};
    clock->consumed_units = clock_consumed_units(clock, calendar, at_ms);
    clock->is_running = false;
    clock->turned_ms = at_ms;
    clock->runs_count++;
}

void clock_resume(struct clock *clock, const struct calendar *calendar, int64_t at_ms) {
    CHECK(!clock->is_running);
    check_clock(clock, calendar);
    clock->is_running = true;
    clock->turned_ms = later(at_ms, clock->turned_ms);
}

enum status clock_extend(struct clock *clock, const struct calendar *calendar, int64_t by) {
    check_clock(clock, calendar);
    CHECK(by >= 0);
    if (by > clock_limit_max(clock->metering) - clock->limit) {
        return STATUS_TOO_LARGE;
    }
    clock->limit += by;
    if (clock->consumed_units < clock_limit_units(clock, calendar)) {
        clock->breached_ms = CLOCK_NEVER;
    }
    return STATUS_OK;
}

enum light clock_light(const struct clock *clock, const struct calendar *calendar, int64_t at_ms) {
    int64_t limit = clock_limit_units(clock, calendar);
    int64_t consumed = clock_consumed_units(clock, calendar, at_ms);
    int64_t due_ms;
    if (clock->breached_ms != CLOCK_NEVER ||
        (clock->is_running && consumed >= limit && is_past_due(clock, calendar, at_ms, &due_ms))) {
        return LIGHT_RED;
    }
    /* `consumed` has no bound: compared before it is multiplied. */
    return consumed >= limit || consumed * 100 >= limit * YELLOW_PERCENT ? LIGHT_YELLOW
                                                                         : LIGHT_GREEN;
}

const char *light_name(enum light light) {
    static const char *const names[] = {
        [LIGHT_GREEN] = "green", [LIGHT_YELLOW] = "yellow", [LIGHT_RED] = "red"};
    CHECK(light >= LIGHT_GREEN && light <= LIGHT_RED);
    return names[light];
}

void clock_recompute(struct clock *clock, const struct calendar *calendar, enum metering metering,
                     int64_t limit, const struct clock_run *runs, size_t runs_count) {
    CHECK(runs_count == clock->runs_count && (runs_count > 0 || clock->is_running));
    struct clock fresh;
    struct clock_run again;
    clock_start(&fresh, calendar, metering, limit, clock->started_ms);
    for (size_t i = 0; i < runs_count; i++) {
        if (i > 0) {
            clock_resume(&fresh, calendar, runs[i].from_ms);
        }
        clock_pause(&fresh, calendar, runs[i].to_ms, &again);
        CHECK(again.from_ms == runs[i].from_ms && again.to_ms == runs[i].to_ms);
    }
    if (clock->is_running && runs_count > 0) {
        clock_resume(&fresh, calendar, clock->turned_ms);
    }
    CHECK(fresh.is_running == clock->is_running && fresh.turned_ms == clock->turned_ms);
    *clock = fresh;
}

void clock_encode(uint8_t to[CLOCK_BYTES], const struct clock *clock) {
    CHECK(clock->metering >= METERING_URGENT_HOUR && clock->metering <= METERING_WORK_DAY);
    to[0] = CLOCK_VERSION;
    to[1] = (uint8_t)clock->metering;
    to[2] = clock->is_running;
    to[3] = 0;
    store_u32_le(to + 4, clock->calendar_tag);
    store_u32_le(to + 8, clock->runs_count);
    store_u64_le(to + 12, (uint64_t)clock->limit);
    store_u64_le(to + 20, (uint64_t)clock->consumed_units);
    store_u64_le(to + 28, (uint64_t)clock->started_ms);
    store_u64_le(to + 36, (uint64_t)clock->turned_ms);
    store_u64_le(to + 44, (uint64_t)clock->breached_ms);
}

static bool instant_is_possible(int64_t ms) {
    return ms > -CALENDAR_INSTANT_MS_BOUND && ms < CALENDAR_INSTANT_MS_BOUND;
}

static bool clock_is_possible(const struct clock *clock) {
    return clock->metering >= METERING_URGENT_HOUR && clock->metering <= METERING_WORK_DAY &&
           clock->limit >= 0 && clock->limit <= clock_limit_max(clock->metering) &&
           clock->consumed_units >= 0 && instant_is_possible(clock->started_ms) &&
           instant_is_possible(clock->turned_ms) && clock->turned_ms >= clock->started_ms &&
           (clock->breached_ms == CLOCK_NEVER ||
            (clock->breached_ms >= clock->started_ms && clock->breached_ms < clock->turned_ms)) &&
           (clock->runs_count > 0 || (clock->is_running && clock->consumed_units == 0 &&
                                      clock->turned_ms == clock->started_ms));
}

enum status clock_decode(struct clock *ret_clock, struct slice from) {
    const uint8_t *at = from.data;
    if (from.bytes != CLOCK_BYTES) {
        return STATUS_CORRUPT;
    }
    if (at[0] != CLOCK_VERSION) {
        return STATUS_VERSION;
    }
    struct clock clock = {.metering = (enum metering)at[1],
                          .is_running = at[2] == 1,
                          .calendar_tag = load_u32_le(at + 4),
                          .runs_count = load_u32_le(at + 8),
                          .limit = (int64_t)load_u64_le(at + 12),
                          .consumed_units = (int64_t)load_u64_le(at + 20),
                          .started_ms = (int64_t)load_u64_le(at + 28),
                          .turned_ms = (int64_t)load_u64_le(at + 36),
                          .breached_ms = (int64_t)load_u64_le(at + 44)};
    if (at[2] > 1 || at[3] != 0 || !clock_is_possible(&clock)) {
        return STATUS_CORRUPT;
    }
    *ret_clock = clock;
    return STATUS_OK;
}

void clock_run_encode(uint8_t to[CLOCK_RUN_BYTES], const struct clock_run *run) {
    CHECK(run->from_ms <= run->to_ms);
    store_u64_le(to, (uint64_t)run->from_ms);
    store_u64_le(to + 8, (uint64_t)run->to_ms);
}

enum status clock_run_decode(struct clock_run *ret_run, struct slice from) {
    if (from.bytes != CLOCK_RUN_BYTES) {
        return STATUS_CORRUPT;
    }
    struct clock_run run = {(int64_t)load_u64_le(from.data), (int64_t)load_u64_le(from.data + 8)};
    if (!instant_is_possible(run.from_ms) || !instant_is_possible(run.to_ms) ||
        run.from_ms > run.to_ms) {
        return STATUS_CORRUPT;
    }
    *ret_run = run;
    return STATUS_OK;
}
