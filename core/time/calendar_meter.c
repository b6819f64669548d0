/* The metering function P of calendar.h and its inverse.
 *
 * P at a day's start = the bare week up to there + the shift of the exceptions before. P never
 * falls, so the exceptions are in the order of P too: the inverse finds the last exception that
 * begins below the wanted value by bisection, and the day in the undisturbed weeks after it by
 * division. */
#include "core/time/calendar_week.h"

/* A civil instant. */
struct moment {
    int64_t day;
    int64_t of_day_ms;
};

static struct moment moment_of(const struct calendar *calendar, int64_t ms) {
    CHECK(ms > -CALENDAR_INSTANT_MS_BOUND && ms < CALENDAR_INSTANT_MS_BOUND);
    int64_t local_ms = ms + calendar->offset_s * INT64_C(1000);
    int64_t day = instant_day(local_ms);
    return (struct moment){day, local_ms - day * DAY_MS};
}

int64_t calendar_day_at(const struct calendar *calendar, int64_t ms) {
    return moment_of(calendar, ms).day;
}

int64_t calendar_midnight_ms(const struct calendar *calendar, int64_t day) {
    return day * DAY_MS - calendar->offset_s * INT64_C(1000);
}

static enum calendar_measure measure_of(const struct calendar *calendar, enum metering metering) {
    CHECK(calendar->sealed);
    bool by_close =
        metering == METERING_WORK_DAY && calendar->day_rule == DAY_RULE_CLOSE_OF_NTH_DAY;
    return by_close ? CALENDAR_DAYS : CALENDAR_ATTENDANCE;
}

int64_t calendar_scale(const struct calendar *calendar, enum metering metering) {
    if (metering != METERING_WORK_DAY) {
        return 1000;
    }
    return measure_of(calendar, metering) == CALENDAR_DAYS
               ? CALENDAR_DAY_UNITS
               : calendar->patterns[CALENDAR_WORKDAY].attendance_s * INT64_C(1000);
}

int64_t calendar_count_from_ms(const struct calendar *calendar, enum metering metering,
                               int64_t start_ms) {
    return measure_of(calendar, metering) == CALENDAR_DAYS
               ? calendar_midnight_ms(calendar, calendar_day_at(calendar, start_ms) + 1)
               : start_ms;
}

static int64_t attended_ms(const struct calendar_day *day, int64_t of_day_ms) {
    int64_t sum_ms = 0;
    for (uint32_t i = 0; i < day->intervals_count; i++) {
        int64_t from_ms = day->intervals[i].from_s * INT64_C(1000);
        int64_t to_ms = day->intervals[i].to_s * INT64_C(1000);
        if (of_day_ms <= from_ms) {
            break;
        }
        sum_ms += (of_day_ms < to_ms ? of_day_ms : to_ms) - from_ms;
    }
    return sum_ms;
}

/* Today's share of P. */
static int64_t units_within(const struct calendar_day *day, enum calendar_measure measure,
                            int64_t of_day_ms) {
    uint64_t attended = (uint64_t)attended_ms(day, of_day_ms);
    if (measure == CALENDAR_ATTENDANCE || attended == 0) {
        return (int64_t)attended;
    }
    _Static_assert((uint64_t)CALENDAR_DAY_UNITS <= UINT64_MAX / DAY_MS, "the product fits");
    return (int64_t)(attended * (uint64_t)CALENDAR_DAY_UNITS / (day->attendance_s * 1000ull));
}

/* P at any instant. */
static int64_t position_of(const struct calendar *calendar, enum calendar_measure measure,
                           struct moment moment) {
    uint32_t at = calendar_exceptions_before(calendar, moment.day);
    int64_t shift = at > 0 ? calendar->shift_units[measure][at - 1] : 0;
    enum calendar_pattern pattern = calendar_pattern_at(calendar, at, moment.day);
    return calendar_week_position(calendar->week_units[measure], moment.day) + shift +
           units_within(&calendar->patterns[pattern], measure, moment.of_day_ms);
}

int64_t calendar_metered(const struct calendar *calendar, enum metering metering, int64_t from_ms,
                         int64_t to_ms) {
    struct moment from = moment_of(calendar, from_ms);
    struct moment to = moment_of(calendar, to_ms);
    enum calendar_measure measure = measure_of(calendar, metering);
    if (to_ms <= from_ms) {
        return 0;
    }
    if (metering == METERING_URGENT_HOUR) {
        return to_ms - from_ms;
    }
    int64_t units = position_of(calendar, measure, to) - position_of(calendar, measure, from);
    CHECK(units >= 0);
    return units;
}

/* The first day on which P reaches `target` in a calendar without exceptions. */
static int64_t week_day_reaching(const int64_t week[8], int64_t target) {
    int64_t rest = (target - 1) % week[7];
    rest += rest < 0 ? week[7] : 0;
    int64_t weeks = (target - 1 - rest) / week[7];
    int64_t weekday = 0;
    while (week[weekday + 1] <= rest) {
        weekday++;
        CHECK(weekday < 7);
    }
    return weeks * 7 + weekday + CALENDAR_FIRST_MONDAY;
}

/* A day, what it is, and P at its start. */
struct found_day {
    int64_t day;
    const struct calendar_day *pattern;
    int64_t before;
};

/* The first day on which P reaches `target`. */
static struct found_day day_reaching(const struct calendar *calendar, enum calendar_measure measure,
                                     int64_t target) {
    const int64_t *before = calendar->before_units[measure];
    const int64_t *week = calendar->week_units[measure];
    uint32_t low = 0, high = calendar->exceptions_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (before[middle] < target) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    int64_t shift = 0;
    if (low > 0) {
        const struct calendar_exception *last = &calendar->exceptions[low - 1];
        const struct calendar_day *pattern = &calendar->patterns[last->pattern];
        shift = calendar->shift_units[measure][low - 1];
        int64_t after = calendar_week_position(week, last->day + (int64_t)1) + shift;
        if (after >= target) {
            return (struct found_day){last->day, pattern, before[low - 1]};
        }
    }
    int64_t day = week_day_reaching(week, target - shift);
    return (struct found_day){day, &calendar->patterns[calendar_weekday(day)],
                              calendar_week_position(week, day) + shift};
}

/* The first millisecond of the day at which `attended` have been attended, 1 at least. */
static int64_t of_day_reaching(const struct calendar_day *day, int64_t attended) {
    CHECK(attended > 0);
    for (uint32_t i = 0; i < day->intervals_count; i++) {
        int64_t from_ms = day->intervals[i].from_s * INT64_C(1000);
        int64_t length_ms = day->intervals[i].to_s * INT64_C(1000) - from_ms;
        if (attended <= length_ms) {
            return from_ms + attended;
        }
        attended -= length_ms;
    }
    CHECK(false);
}

static int64_t instant_reaching(const struct calendar *calendar, enum calendar_measure measure,
                                int64_t target) {
    struct found_day found = day_reaching(calendar, measure, target);
    uint64_t rest = (uint64_t)(target - found.before);
    CHECK(target > found.before);
    if (measure == CALENDAR_DAYS) {
        /* floor(e * units / length) >= rest exactly when e >= rest * length / units. */
        uint64_t length_ms = found.pattern->attendance_s * 1000ull;
        rest = (rest * length_ms + (uint64_t)CALENDAR_DAY_UNITS - 1) / (uint64_t)CALENDAR_DAY_UNITS;
    }
    return calendar_midnight_ms(calendar, found.day) +
           of_day_reaching(found.pattern, (int64_t)rest);
}

static enum status due_or_too_far(int64_t from_ms, int64_t due_ms, int64_t *ret_ms) {
    if (due_ms - from_ms > CALENDAR_AHEAD_DAYS_MAX * (int64_t)DAY_MS) {
        return STATUS_TOO_LARGE;
    }
    *ret_ms = due_ms;
    return STATUS_OK;
}

enum status calendar_due_ms(const struct calendar *calendar, enum metering metering,
                            int64_t from_ms, int64_t units, int64_t *ret_ms) {
    struct moment from = moment_of(calendar, from_ms);
    enum calendar_measure measure = measure_of(calendar, metering);
    if (units <= 0) {
        *ret_ms = from_ms;
        return STATUS_OK;
    }
    /* Nothing meters faster than this; it also keeps the sums below small. */
    if (units > CALENDAR_AHEAD_DAYS_MAX *
                    (measure == CALENDAR_DAYS ? CALENDAR_DAY_UNITS : (int64_t)DAY_MS)) {
        return STATUS_TOO_LARGE;
    }
    int64_t due_ms =
        metering == METERING_URGENT_HOUR
            ? from_ms + units
            : instant_reaching(calendar, measure, position_of(calendar, measure, from) + units);
    CHECK(due_ms > from_ms);
    CHECK_SLOW(calendar_metered(calendar, metering, from_ms, due_ms) >= units);
    return due_or_too_far(from_ms, due_ms, ret_ms);
}
