/* Inside the calendar: the bare week, and the exceptions as a sorted table. */
#ifndef CORE_TIME_CALENDAR_WEEK_H
#define CORE_TIME_CALENDAR_WEEK_H

#include "core/time/calendar.h"

enum { CALENDAR_FIRST_MONDAY = 4 }; /* 1970-01-05 */

static inline enum calendar_pattern calendar_weekday(int64_t day) {
    int64_t since_monday = (day - CALENDAR_FIRST_MONDAY) % 7;
    return (enum calendar_pattern)(since_monday < 0 ? since_monday + 7 : since_monday);
}

/* P at the day's start in a calendar without exceptions; `week` as calendar.week_units. */
static inline int64_t calendar_week_position(const int64_t week[8], int64_t day) {
    int64_t weekday = calendar_weekday(day);
    return (day - CALENDAR_FIRST_MONDAY - weekday) / 7 * week[7] + week[weekday];
}

/* Number of exceptions before `day`. */
static inline uint32_t calendar_exceptions_before(const struct calendar *calendar, int64_t day) {
    uint32_t low = 0, high = calendar->exceptions_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (calendar->exceptions[middle].day < day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* What the date is, when `at` exceptions stand before it. */
static inline enum calendar_pattern calendar_pattern_at(const struct calendar *calendar,
                                                        uint32_t at, int64_t day) {
    bool is_exception = at < calendar->exceptions_count && calendar->exceptions[at].day == day;
    return is_exception ? (enum calendar_pattern)calendar->exceptions[at].pattern
                        : calendar_weekday(day);
}

#endif
