/* A metered clock: a limit, what is used of it, and whether it runs.
 *
 * Time is given in, never read. A clock runs in stretches ("runs"): it starts running, is paused
 * (suspension, or its stage has ended) and resumed any number of times. What was metered in
 * finished runs is kept in units of calendar.h; the rest of the limit follows a resume from its own
 * instant. The hold is never added to anything, so remaining work is exact over nights, lunches and
 * holidays. An instant before the begin of the current run (a clock that stepped back) counts as
 * that begin.
 *
 * A clock belongs to the arithmetic of one calendar, named by its tag, and every call CHECKs it. To
 * move it to another calendar, version or metering, the caller keeps each finished run (16 bytes,
 * clock_pause hands it out) and gives all of them to clock_recompute.
 *
 * Everything is O(log exceptions) but clock_recompute, O(runs). */
#ifndef CORE_TIME_CLOCK_H
#define CORE_TIME_CLOCK_H

#include "core/time/calendar.h"

enum light { LIGHT_GREEN = 1, LIGHT_YELLOW, LIGHT_RED };

enum {
    CLOCK_BYTES = 52,    /* encoded */
    CLOCK_RUN_BYTES = 16 /* encoded */
};
#define CLOCK_NEVER INT64_MIN

struct clock {
    enum metering metering;
    bool is_running;
    uint32_t calendar_tag;
    uint32_t runs_count;    /* finished */
    int64_t limit;          /* seconds; days for work_day */
    int64_t consumed_units; /* in finished runs */
    int64_t started_ms;
    int64_t turned_ms;   /* of the last start, pause or resume */
    int64_t breached_ms; /* due instant that passed in a finished run, or CLOCK_NEVER */
};

/* [from_ms, to_ms] in which a clock ran. */
struct clock_run {
    int64_t from_ms, to_ms;
};

/* Largest limit in its own unit: CALENDAR_AHEAD_DAYS_MAX days. */
int64_t clock_limit_max(enum metering metering);

/* CHECKs 0 <= limit <= clock_limit_max. A limit of 0 is due at the start. */
void clock_start(struct clock *clock, const struct calendar *calendar, enum metering metering,
                 int64_t limit, int64_t start_ms);
/* CHECK that the clock runs, or does not. */
void clock_pause(struct clock *clock, const struct calendar *calendar, int64_t at_ms,
                 struct clock_run *ret_run);
void clock_resume(struct clock *clock, const struct calendar *calendar, int64_t at_ms);
/* Adds `by` seconds or days, running or not; a breach that the new limit makes good is forgotten.
 * TOO_LARGE: more than clock_limit_max in all. For any other change of the limit see
 * clock_recompute. */
MUST_USE enum status clock_extend(struct clock *clock, const struct calendar *calendar, int64_t by);

/* Units used up to `at_ms`, and units of the whole limit; calendar_scale makes seconds or days. */
int64_t clock_consumed_units(const struct clock *clock, const struct calendar *calendar,
                             int64_t at_ms);
int64_t clock_limit_units(const struct clock *clock, const struct calendar *calendar);
/* The instant at which `percent` (1..1000) of the limit is reached if the clock goes on running: 50
 * and 80 for warnings, 100 for what is due, more for later steps. NOT_FOUND: it is paused, so there
 * is none. TOO_LARGE: more than CALENDAR_AHEAD_DAYS_MAX days ahead. A point that was reached in an
 * earlier run is told as the begin of this run, except that 100 is told as it was. */
MUST_USE enum status clock_percent_ms(const struct clock *clock, const struct calendar *calendar,
                                      unsigned percent, int64_t *ret_ms);
MUST_USE enum status clock_due_ms(const struct clock *clock, const struct calendar *calendar,
                                  int64_t *ret_ms);
/* Green below 80 % of the limit, yellow up to and including the due instant, red after it, also
 * when nothing is metered after it (a day's due passes at night). Paused: as at the pause. */
enum light clock_light(const struct clock *clock, const struct calendar *calendar, int64_t at_ms);
const char *light_name(enum light light);

/* The clock as if `calendar` and `metering` had held since its start. `runs` are its finished runs
 * in order (CHECKed: runs_count of them). The limit is set to `limit`. */
void clock_recompute(struct clock *clock, const struct calendar *calendar, enum metering metering,
                     int64_t limit, const struct clock_run *runs, size_t runs_count);

/* Rows, little-endian: u8 version = 1 | u8 metering | u8 1: running | u8 0 | u32 calendar_tag |
 * u32 runs_count | i64 limit | i64 consumed_units | i64 started_ms | i64 turned_ms |
 * i64 breached_ms. A run: i64 from_ms | i64 to_ms. Decoding answers VERSION or CORRUPT and refuses
 * what no clock can be; bytes shorter than the size are CORRUPT. */
void clock_encode(uint8_t to[CLOCK_BYTES], const struct clock *clock);
MUST_USE enum status clock_decode(struct clock *ret_clock, struct slice from);
void clock_run_encode(uint8_t to[CLOCK_RUN_BYTES], const struct clock_run *run);
MUST_USE enum status clock_run_decode(struct clock_run *ret_run, struct slice from);

#endif
