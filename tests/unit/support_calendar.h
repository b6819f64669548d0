/* Random calendars with a slow twin that knows nothing of core/calendar: every second of a window
 * of days is looked at by itself. */
#ifndef TESTS_UNIT_SUPPORT_CALENDAR_H
#define TESTS_UNIT_SUPPORT_CALENDAR_H

#include "bench/prng.h"
#include "core/time/calendar.h"

enum { SLOW_DAYS = 12, SLOW_SECONDS = SLOW_DAYS * CALENDAR_DAY_S };

struct slow_calendar {
    struct calendar *fast; /* the same calendar */
    int64_t first_day;     /* civil day the window begins with */
    int64_t first_ms;      /* its midnight in UTC */
    struct {
        bool is_holiday;
        size_t intervals_count;
        struct calendar_interval intervals[CALENDAR_INTERVALS_MAX];
    } days[SLOW_DAYS];
    uint8_t attended[SLOW_SECONDS];      /* is second i attended? */
    uint32_t before[SLOW_SECONDS + 1];   /* attended seconds before second i */
    uint32_t day_s[SLOW_DAYS];           /* attended seconds of the day */
    uint32_t days_closed[SLOW_DAYS + 1]; /* working days before day i */
};

/* A sealed calendar and its twin, free() both through slow_calendar_free. */
struct slow_calendar *slow_calendar_new(struct prng *prng, enum day_rule rule);
void slow_calendar_free(struct slow_calendar *slow);

/* An instant in the window, often within a second of a border between attendance and not. */
int64_t slow_instant_ms(const struct slow_calendar *slow, struct prng *prng);
/* Units from the window's begin to the instant. */
int64_t slow_position(const struct slow_calendar *slow, enum metering metering, int64_t ms);
int64_t slow_metered(const struct slow_calendar *slow, enum metering metering, int64_t from_ms,
                     int64_t to_ms);
/* The first instant with that many units, found second by second, then millisecond by millisecond;
 * INT64_MAX when it is not in the window. */
int64_t slow_due_ms(const struct slow_calendar *slow, enum metering metering, int64_t from_ms,
                    int64_t units);

/* Monday to Friday 08:30-12:00 and 14:00-17:30 at UTC+8; open for exceptions. */
void support_calendar_office(struct calendar *calendar);
void support_calendar_seal(struct calendar *calendar);
/* "2026-10-01" as a day, "2026-10-01T08:30:00" (+08:00) as an instant. */
int32_t support_day(const char *date);
int64_t support_ms(const char *date_time);
/* Makes the days from `from` to `to` holidays. */
void support_holidays(struct calendar *calendar, const char *from, const char *to);
void support_workday(struct calendar *calendar, const char *date);
/* Fails with both instants written out when they differ. */
void support_assert_instant(int64_t ms, const char *date_time);

#endif
