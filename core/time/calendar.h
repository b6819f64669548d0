/* The working calendar: attendance by weekday, holidays, make-up workdays, and the arithmetic of
 * time metered inside attendance (domain.md 3.4).
 *
 * A calendar is data: built once with calendar_init, _set_attendance and _add_exception, sealed,
 * and read-only afterwards (then from any thread). Civil time is UTC plus a fixed offset. Days are
 * counted from 1970-01-01 in that civil time. Outside the exceptions the week repeats for ever, so
 * there is no last covered year.
 *
 * Metering is a function P(instant) that never falls: what has been metered since a fixed origin,
 * in whole units. The amount between two instants is the difference of two values of P, so amounts
 * of adjoining stretches add up exactly, and pausing and resuming loses nothing.
 *
 *   urgent_hour             P is elapsed milliseconds
 *   work_hour               P is attended milliseconds
 *   work_day, close_of_nth_day
 *                           every day with attendance is one whole day of CALENDAR_DAY_UNITS,
 *                           spread evenly over its attendance: P = working days closed before,
 *                           times CALENDAR_DAY_UNITS, plus today's attended share, rounded down.
 *                           The day a clock starts on is not counted (calendar_count_from_ms), so
 *                           n days are reached at close of business of the n-th working day after
 *                           it, and 80 % of five days at the close of the fourth. A half day is
 *                           a day. When a day's attendance divides CALENDAR_DAY_UNITS (half hours
 *                           from 6 to 8, and 9, 10, 12, 24 hours) shares are exact; else a
 *                           suspension within a day may move what is due by one millisecond
 *   work_day, rolling       P is attended milliseconds, a day is the attendance of the default
 *                           working day, and the start is counted from its own instant
 *
 * Instants are milliseconds within +-CALENDAR_INSTANT_MS_BOUND (CHECKed). Source of the idea of day
 * counting: Civil Code of China, arts. 201-203. */
#ifndef CORE_TIME_CALENDAR_H
#define CORE_TIME_CALENDAR_H

#include "core/base/status.h"
#include "core/limits.h"
#include "core/text/instant.h"

/* Stored in rows: values are never given a new meaning. */
enum metering { METERING_URGENT_HOUR = 1, METERING_WORK_HOUR, METERING_WORK_DAY };
enum day_rule { DAY_RULE_CLOSE_OF_NTH_DAY = 1, DAY_RULE_ROLLING };

/* What a day can be: one of the week, a make-up workday as by default, or a holiday. */
enum calendar_pattern {
    CALENDAR_MONDAY,
    CALENDAR_TUESDAY,
    CALENDAR_WEDNESDAY,
    CALENDAR_THURSDAY,
    CALENDAR_FRIDAY,
    CALENDAR_SATURDAY,
    CALENDAR_SUNDAY,
    CALENDAR_WORKDAY,
    CALENDAR_HOLIDAY,
    CALENDAR_PATTERNS
};

enum {
    CALENDAR_DAY_S = 86400,
    CALENDAR_OFFSET_S_MAX = 14 * 3600, /* UTC+14:00 is the farthest in use */
};
/* 1,800,000 ms * lcm(12..16, 18, 20, 24, 48 half hours); times DAY_MS it still fits 64 bits. */
#define CALENDAR_DAY_UNITS INT64_C(117936000000)
#define CALENDAR_INSTANT_MS_BOUND INT64_C(1000000000000000)

/* Seconds of the civil day, [from_s, to_s). */
struct calendar_interval {
    uint32_t from_s, to_s;
};

/* The attendance of one kind of day, in order, with gaps between the intervals. */
struct calendar_day {
    uint32_t intervals_count; /* 0: no working day */
    uint32_t attendance_s;    /* their sum */
    struct calendar_interval intervals[CALENDAR_INTERVALS_MAX];
};

/* What P counts in; see calendar_meter.c. */
enum calendar_measure { CALENDAR_ATTENDANCE, CALENDAR_DAYS, CALENDAR_MEASURES };

struct calendar {
    char name[CALENDAR_NAME_BYTES_MAX + 1];
    uint32_t version;
    int32_t offset_s; /* civil time minus UTC */
    enum day_rule day_rule;
    uint32_t exceptions_count;
    struct calendar_day patterns[CALENDAR_PATTERNS];
    struct calendar_exception {
        int32_t day;
        uint8_t pattern;
        bool inherited;                    /* copied from another calendar: may be replaced once */
    } exceptions[CALENDAR_EXCEPTIONS_MAX]; /* by day */

    /* Derived by calendar_seal. */
    bool sealed;
    uint32_t tag; /* hash of all that decides a result; equal tags: equal arithmetic */
    int64_t week_units[CALENDAR_MEASURES][8]; /* before each day of the week; [7]: of a week */
    int64_t before_units[CALENDAR_MEASURES][CALENDAR_EXCEPTIONS_MAX]; /* P at the day's start */
    int64_t shift_units[CALENDAR_MEASURES][CALENDAR_EXCEPTIONS_MAX];  /* beyond the bare week */
};

/* An empty calendar: no attendance, UTC, close_of_nth_day. INVALID: a name that is not 1 to 32 of
 * [a-z0-9_]. */
MUST_USE enum status calendar_init(struct calendar *calendar, struct slice name, uint32_t version,
                                   struct error *error);
/* A copy of a sealed calendar under another name, open again for changes; each of its exceptions
 * may be replaced once. */
MUST_USE enum status calendar_init_from(struct calendar *calendar, const struct calendar *from,
                                        struct slice name, struct error *error);
/* Replaces the attendance of a day of the week or of CALENDAR_WORKDAY. INVALID: intervals that are
 * empty, beyond 24:00, not in order, or that touch; FULL: more than CALENDAR_INTERVALS_MAX. */
MUST_USE enum status calendar_set_attendance(struct calendar *calendar,
                                             enum calendar_pattern pattern,
                                             const struct calendar_interval *intervals,
                                             size_t intervals_count, struct error *error);
/* Makes one date a holiday, or a day like another (CALENDAR_WORKDAY or a weekday). INVALID when the
 * date has an exception already, FULL. O(exceptions). */
MUST_USE enum status calendar_add_exception(struct calendar *calendar, int32_t day,
                                            enum calendar_pattern pattern, struct error *error);
/* Sums up and closes the calendar. INVALID: no day of the week or no default working day has
 * attendance, an exception works like a day that has none, or the offset is out of range. */
MUST_USE enum status calendar_seal(struct calendar *calendar, struct error *error);

/* What the date is by the week and the exceptions. O(log exceptions). */
enum calendar_pattern calendar_pattern_of(const struct calendar *calendar, int64_t day);
/* The civil day of an instant, and the instant of a civil day's midnight. */
int64_t calendar_day_at(const struct calendar *calendar, int64_t ms);
int64_t calendar_midnight_ms(const struct calendar *calendar, int64_t day);

/* Units in one second (urgent_hour, work_hour) or in one day (work_day) of a limit. */
int64_t calendar_scale(const struct calendar *calendar, enum metering metering);
/* From when a clock that starts at `start_ms` counts: the next midnight under close_of_nth_day, the
 * start itself otherwise. */
int64_t calendar_count_from_ms(const struct calendar *calendar, enum metering metering,
                               int64_t start_ms);
/* Units metered in [from_ms, to_ms); 0 when that is empty. O(log exceptions). */
int64_t calendar_metered(const struct calendar *calendar, enum metering metering, int64_t from_ms,
                         int64_t to_ms);
/* The first instant at which `units` have been metered since `from_ms`; `from_ms` itself when
 * `units` is 0 or less. TOO_LARGE when that is more than CALENDAR_AHEAD_DAYS_MAX days later.
 * O(log exceptions). */
MUST_USE enum status calendar_due_ms(const struct calendar *calendar, enum metering metering,
                                     int64_t from_ms, int64_t units, int64_t *ret_ms);

/* "urgent_hour", "close_of_nth_day", ...: the words of the API and of files. */
const char *metering_name(enum metering metering);
MUST_USE bool metering_parse(enum metering *ret_metering, struct slice text);
const char *day_rule_name(enum day_rule rule);
MUST_USE bool day_rule_parse(enum day_rule *ret_rule, struct slice text);
/* "monday" ... "sunday", "workday", "holiday". */
const char *calendar_pattern_name(enum calendar_pattern pattern);
MUST_USE bool calendar_pattern_parse(enum calendar_pattern *ret_pattern, struct slice text);

#endif
