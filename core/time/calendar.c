#include "core/time/calendar.h"

#include "core/base/bytes.h"
#include "core/time/calendar_week.h"

#include <string.h>
#include <xxhash.h>

static enum status refuse(struct error *error, const char *why) {
    return error_set(error, STATUS_INVALID, why, NULL, NULL);
}

static enum status set_name(struct calendar *calendar, struct slice name, struct error *error) {
    if (name.bytes == 0 || name.bytes > CALENDAR_NAME_BYTES_MAX) {
        return refuse(error, "a calendar's name has 1 to 32 characters");
    }
    for (size_t i = 0; i < name.bytes; i++) {
        uint8_t c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) {
            return refuse(error, "a calendar's name has a character other than a-z, 0-9 and _");
        }
    }
    memset(calendar->name, 0, sizeof calendar->name);
    memcpy(calendar->name, name.data, name.bytes);
    return STATUS_OK;
}

enum status calendar_init(struct calendar *calendar, struct slice name, uint32_t version,
                          struct error *error) {
    memset(calendar, 0, sizeof *calendar);
    calendar->version = version;
    calendar->day_rule = DAY_RULE_CLOSE_OF_NTH_DAY;
    return set_name(calendar, name, error);
}

enum status calendar_init_from(struct calendar *calendar, const struct calendar *from,
                               struct slice name, struct error *error) {
    CHECK(from->sealed);
    *calendar = *from;
    calendar->sealed = false;
    for (uint32_t i = 0; i < calendar->exceptions_count; i++) {
        calendar->exceptions[i].inherited = true;
    }
    return set_name(calendar, name, error);
}

enum status calendar_set_attendance(struct calendar *calendar, enum calendar_pattern pattern,
                                    const struct calendar_interval *intervals,
                                    size_t intervals_count, struct error *error) {
    CHECK(!calendar->sealed && pattern <= CALENDAR_WORKDAY);
    if (intervals_count > CALENDAR_INTERVALS_MAX) {
        return error_set(error, STATUS_FULL, "a day has at most 4 attendance intervals", NULL,
                         NULL);
    }
    struct calendar_day day = {.intervals_count = (uint32_t)intervals_count};
    for (size_t i = 0; i < intervals_count; i++) {
        if (intervals[i].from_s >= intervals[i].to_s || intervals[i].to_s > CALENDAR_DAY_S) {
            return refuse(error, "an interval is empty, backward or beyond 24:00");
        }
        if (i > 0 && intervals[i].from_s <= intervals[i - 1].to_s) {
            return refuse(error, "an interval does not begin after the one before it has ended");
        }
        day.intervals[i] = intervals[i];
        day.attendance_s += intervals[i].to_s - intervals[i].from_s;
    }
    calendar->patterns[pattern] = day;
    return STATUS_OK;
}

enum status calendar_add_exception(struct calendar *calendar, int32_t day,
                                   enum calendar_pattern pattern, struct error *error) {
    CHECK(!calendar->sealed && pattern < CALENDAR_PATTERNS);
    CHECK(day > -CALENDAR_INSTANT_MS_BOUND / DAY_MS && day < CALENDAR_INSTANT_MS_BOUND / DAY_MS);
    uint32_t at = calendar_exceptions_before(calendar, day);
    struct calendar_exception *place = &calendar->exceptions[at];
    if (at < calendar->exceptions_count && place->day == day) {
        if (!place->inherited) {
            return refuse(error, "the date stands twice");
        }
    } else {
        if (calendar->exceptions_count == CALENDAR_EXCEPTIONS_MAX) {
            return error_set(error, STATUS_FULL,
                             "a calendar has at most 512 holidays and make-up workdays", NULL,
                             NULL);
        }
        memmove(place + 1, place, (calendar->exceptions_count - at) * sizeof *place);
        calendar->exceptions_count++;
    }
    *place = (struct calendar_exception){.day = day, .pattern = (uint8_t)pattern};
    return STATUS_OK;
}

enum calendar_pattern calendar_pattern_of(const struct calendar *calendar, int64_t day) {
    return calendar_pattern_at(calendar, calendar_exceptions_before(calendar, day), day);
}

static const char *problem_of(const struct calendar *calendar) {
    bool has_workday = false;
    for (int i = CALENDAR_MONDAY; i <= CALENDAR_SUNDAY; i++) {
        has_workday |= calendar->patterns[i].intervals_count > 0;
    }
    if (!has_workday) {
        return "no day of the week has attendance";
    }
    if (calendar->patterns[CALENDAR_WORKDAY].intervals_count == 0) {
        return "the default working day has no attendance";
    }
    if (calendar->offset_s < -CALENDAR_OFFSET_S_MAX || calendar->offset_s > CALENDAR_OFFSET_S_MAX) {
        return "the offset from UTC is more than 14 hours";
    }
    for (uint32_t i = 0; i < calendar->exceptions_count; i++) {
        uint8_t pattern = calendar->exceptions[i].pattern;
        if (pattern != CALENDAR_HOLIDAY && calendar->patterns[pattern].intervals_count == 0) {
            return "a make-up workday is to be like a weekday that has no attendance";
        }
    }
    return NULL;
}

static int64_t units_of(const struct calendar *calendar, unsigned measure, unsigned pattern) {
    int64_t attendance_ms = calendar->patterns[pattern].attendance_s * INT64_C(1000);
    return measure == CALENDAR_ATTENDANCE ? attendance_ms
           : attendance_ms > 0            ? CALENDAR_DAY_UNITS
                                          : 0;
}

static void sum_up(struct calendar *calendar, unsigned measure) {
    int64_t *week = calendar->week_units[measure];
    week[0] = 0;
    for (unsigned i = 0; i < 7; i++) {
        week[i + 1] = week[i] + units_of(calendar, measure, i);
    }
    int64_t shift = 0;
    for (uint32_t i = 0; i < calendar->exceptions_count; i++) {
        const struct calendar_exception *exception = &calendar->exceptions[i];
        calendar->before_units[measure][i] = calendar_week_position(week, exception->day) + shift;
        shift += units_of(calendar, measure, exception->pattern) -
                 units_of(calendar, measure, calendar_weekday(exception->day));
        calendar->shift_units[measure][i] = shift;
    }
}

/* XXH32 over everything a result depends on, in a byte order of its own. */
static uint32_t tag_of(const struct calendar *calendar) {
    uint8_t bytes[(2 + CALENDAR_PATTERNS * (1 + 2 * CALENDAR_INTERVALS_MAX)) * 4];
    size_t used = 0;
    store_u32_le(bytes, (uint32_t)calendar->offset_s);
    store_u32_le(bytes + 4, calendar->day_rule);
    used = 8;
    for (unsigned i = 0; i < CALENDAR_PATTERNS; i++) {
        const struct calendar_day *day = &calendar->patterns[i];
        store_u32_le(bytes + used, day->intervals_count);
        used += 4;
        for (unsigned j = 0; j < CALENDAR_INTERVALS_MAX; j++, used += 8) {
            store_u32_le(bytes + used, day->intervals[j].from_s);
            store_u32_le(bytes + used + 4, day->intervals[j].to_s);
        }
    }
    CHECK(used == sizeof bytes);
    uint32_t tag = XXH32(bytes, used, 0);
    for (uint32_t i = 0; i < calendar->exceptions_count; i++) {
        store_u32_le(bytes, (uint32_t)calendar->exceptions[i].day);
        bytes[4] = calendar->exceptions[i].pattern;
        tag = XXH32(bytes, 5, tag);
    }
    return tag;
}

enum status calendar_seal(struct calendar *calendar, struct error *error) {
    CHECK(!calendar->sealed);
    const char *problem = problem_of(calendar);
    if (problem != NULL) {
        return refuse(error, problem);
    }
    for (unsigned measure = 0; measure < CALENDAR_MEASURES; measure++) {
        sum_up(calendar, measure);
    }
    calendar->tag = tag_of(calendar);
    calendar->sealed = true;
    return STATUS_OK;
}

static const char *const metering_names[] = {[METERING_URGENT_HOUR] = "urgent_hour",
                                             [METERING_WORK_HOUR] = "work_hour",
                                             [METERING_WORK_DAY] = "work_day"};
static const char *const day_rule_names[] = {
    [DAY_RULE_CLOSE_OF_NTH_DAY] = "close_of_nth_day", [DAY_RULE_ROLLING] = "rolling"};
static const char *const pattern_names[] = {"monday",   "tuesday", "wednesday",
                                            "thursday", "friday",  "saturday",
                                            "sunday",   "workday", "holiday"};
_Static_assert(ARRAY_COUNT(pattern_names) == CALENDAR_PATTERNS, "one name a pattern");

/* The index of `text` among `names`, from `first`; `count` when it is none of them. */
static size_t name_find(const char *const *names, size_t first, size_t count, struct slice text) {
    for (; first < count && !slice_is(text, names[first]); first++) {
    }
    return first;
}

const char *metering_name(enum metering metering) {
    CHECK(metering >= METERING_URGENT_HOUR && metering <= METERING_WORK_DAY);
    return metering_names[metering];
}

bool metering_parse(enum metering *ret_metering, struct slice text) {
    size_t at = name_find(metering_names, 1, ARRAY_COUNT(metering_names), text);
    if (at == ARRAY_COUNT(metering_names)) {
        return false;
    }
    *ret_metering = (enum metering)at;
    return true;
}

const char *day_rule_name(enum day_rule rule) {
    CHECK(rule >= DAY_RULE_CLOSE_OF_NTH_DAY && rule <= DAY_RULE_ROLLING);
    return day_rule_names[rule];
}

bool day_rule_parse(enum day_rule *ret_rule, struct slice text) {
    size_t at = name_find(day_rule_names, 1, ARRAY_COUNT(day_rule_names), text);
    if (at == ARRAY_COUNT(day_rule_names)) {
        return false;
    }
    *ret_rule = (enum day_rule)at;
    return true;
}

const char *calendar_pattern_name(enum calendar_pattern pattern) {
    CHECK(pattern < CALENDAR_PATTERNS);
    return pattern_names[pattern];
}

bool calendar_pattern_parse(enum calendar_pattern *ret_pattern, struct slice text) {
    size_t at = name_find(pattern_names, 0, ARRAY_COUNT(pattern_names), text);
    if (at == ARRAY_COUNT(pattern_names)) {
        return false;
    }
    *ret_pattern = (enum calendar_pattern)at;
    return true;
}
