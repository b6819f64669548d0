#include "tests/unit/support_calendar.h"

#include "tests/unit/support.h"

/* One to four intervals with gaps; `step_s` is the grain of their borders. */
static size_t draw_intervals(struct prng *prng, struct calendar_interval *to) {
    static const uint32_t steps_s[] = {1, 60, 900, 1800};
    uint32_t step_s = steps_s[prng_below(prng, ARRAY_COUNT(steps_s))];
    size_t count = 1 + prng_below(prng, CALENDAR_INTERVALS_MAX);
    uint32_t room = CALENDAR_DAY_S / (uint32_t)count, at = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t slots = room / step_s;
        uint32_t from = (uint32_t)prng_below(prng, slots - 1);
        uint32_t length = 1 + (uint32_t)prng_below(prng, slots - 1 - from);
        to[i].from_s = at + (i == 0 && prng_below(prng, 4) == 0 ? 0 : from * step_s);
        to[i].to_s = at + (from + length) * step_s;
        at += room;
    }
    if (prng_below(prng, 8) == 0) {
        to[count - 1].to_s = CALENDAR_DAY_S;
    }
    for (size_t i = 1; i < count; i++) {
        to[i].from_s += to[i].from_s == to[i - 1].to_s; /* they may not touch */
    }
    return count;
}

struct draw {
    size_t counts[CALENDAR_PATTERNS];
    struct calendar_interval intervals[CALENDAR_PATTERNS][CALENDAR_INTERVALS_MAX];
};

static void draw_patterns(struct prng *prng, struct calendar *fast, struct draw *draw) {
    struct error error;
    for (unsigned i = 0; i <= CALENDAR_WORKDAY; i++) {
        bool works = i == CALENDAR_MONDAY || i == CALENDAR_WORKDAY || prng_below(prng, 4) > 0;
        draw->counts[i] = works ? draw_intervals(prng, draw->intervals[i]) : 0;
        assert_int_equal(calendar_set_attendance(fast, (enum calendar_pattern)i, draw->intervals[i],
                                                 draw->counts[i], &error),
                         STATUS_OK);
    }
}

static void draw_days(struct prng *prng, struct slow_calendar *slow, const struct draw *draw) {
    struct error error;
    for (unsigned i = 0; i < SLOW_DAYS; i++) {
        int64_t day = slow->first_day + i;
        unsigned pattern = (unsigned)(((day + 3) % 7 + 7) % 7); /* day 0 was a Thursday */
        uint64_t dice = prng_below(prng, 10);
        if (dice < 3) {
            pattern = dice == 0 ? CALENDAR_WORKDAY : dice == 1 ? CALENDAR_HOLIDAY : CALENDAR_MONDAY;
            assert_int_equal(calendar_add_exception(slow->fast, (int32_t)day,
                                                    (enum calendar_pattern)pattern, &error),
                             STATUS_OK);
        }
        slow->days[i].is_holiday = pattern == CALENDAR_HOLIDAY;
        slow->days[i].intervals_count = pattern == CALENDAR_HOLIDAY ? 0 : draw->counts[pattern];
        memcpy(slow->days[i].intervals, draw->intervals[pattern], sizeof slow->days[i].intervals);
    }
}

static void mark_day(struct slow_calendar *slow, uint32_t day) {
    uint8_t *seconds = &slow->attended[day * CALENDAR_DAY_S];
    for (size_t i = 0; i < slow->days[day].intervals_count; i++) {
        struct calendar_interval interval = slow->days[day].intervals[i];
        for (uint32_t second = interval.from_s; second < interval.to_s; second++) {
            seconds[second] = 1;
        }
    }
    for (uint32_t second = 0; second < CALENDAR_DAY_S; second++) {
        slow->day_s[day] += seconds[second];
    }
}

static void mark_each_second(struct slow_calendar *slow) {
    for (uint32_t day = 0; day < SLOW_DAYS; day++) {
        mark_day(slow, day);
        slow->days_closed[day + 1] = slow->days_closed[day] + (slow->day_s[day] > 0);
    }
    for (uint32_t i = 0; i < SLOW_SECONDS; i++) {
        slow->before[i + 1] = slow->before[i] + slow->attended[i];
    }
}

struct slow_calendar *slow_calendar_new(struct prng *prng, enum day_rule rule) {
    static const int32_t offsets_s[] = {28800, 28800, 0, -19800, CALENDAR_OFFSET_S_MAX};
    struct slow_calendar *slow = calloc(1, sizeof *slow);
    assert_non_null(slow);
    slow->fast = malloc(sizeof *slow->fast);
    assert_non_null(slow->fast);
    struct error error;
    assert_int_equal(calendar_init(slow->fast, SLICE_LITERAL("random"), 1, &error), STATUS_OK);
    slow->fast->day_rule = rule;
    slow->fast->offset_s = offsets_s[prng_below(prng, ARRAY_COUNT(offsets_s))];
    slow->first_day = (int64_t)prng_below(prng, 40000) - 8000; /* 1948 to 2057 */
    slow->first_ms = slow->first_day * DAY_MS - slow->fast->offset_s * INT64_C(1000);
    struct draw draw = {0};
    draw_patterns(prng, slow->fast, &draw);
    draw_days(prng, slow, &draw);
    support_calendar_seal(slow->fast);
    mark_each_second(slow);
    return slow;
}

void slow_calendar_free(struct slow_calendar *slow) {
    free(slow->fast);
    free(slow);
}

int64_t slow_instant_ms(const struct slow_calendar *slow, struct prng *prng) {
    uint64_t second = prng_below(prng, SLOW_SECONDS);
    if (prng_below(prng, 2) == 0) {
        while (second > 0 && slow->attended[second] == slow->attended[second - 1]) {
            second--;
        }
    }
    int64_t beside_ms = (int64_t)prng_below(prng, 3) * (int64_t)prng_below(prng, 1000) - 1000;
    int64_t ms = (int64_t)second * 1000 + (prng_below(prng, 2) == 0 ? 0 : beside_ms);
    return slow->first_ms + (ms < 0 ? 0 : ms);
}

int64_t slow_position(const struct slow_calendar *slow, enum metering metering, int64_t ms) {
    int64_t since_ms = ms - slow->first_ms;
    assert_true(since_ms >= 0 && since_ms <= SLOW_SECONDS * INT64_C(1000));
    if (metering == METERING_URGENT_HOUR) {
        return since_ms;
    }
    int64_t second = since_ms / 1000, day = second / CALENDAR_DAY_S;
    int64_t ms_of_second = second < SLOW_SECONDS && slow->attended[second] ? since_ms % 1000 : 0;
    if (metering == METERING_WORK_HOUR || slow->fast->day_rule == DAY_RULE_ROLLING) {
        return slow->before[second] * INT64_C(1000) + ms_of_second;
    }
    int64_t units = slow->days_closed[day] * CALENDAR_DAY_UNITS;
    if (day < SLOW_DAYS && slow->day_s[day] > 0) {
        int64_t today_ms =
            (slow->before[second] - slow->before[day * CALENDAR_DAY_S]) * INT64_C(1000);
        units += (int64_t)((__int128)(today_ms + ms_of_second) * CALENDAR_DAY_UNITS /
                           (slow->day_s[day] * INT64_C(1000)));
    }
    return units;
}

int64_t slow_metered(const struct slow_calendar *slow, enum metering metering, int64_t from_ms,
                     int64_t to_ms) {
    return to_ms <= from_ms
               ? 0
               : slow_position(slow, metering, to_ms) - slow_position(slow, metering, from_ms);
}

/* Is nothing metered in the second after `ms`? */
static bool is_idle(const struct slow_calendar *slow, int64_t ms) {
    int64_t second = (ms - slow->first_ms) / 1000;
    return slow->attended[second] == 0 &&
           (second + 1 == SLOW_SECONDS || slow->attended[second + 1] == 0);
}

int64_t slow_due_ms(const struct slow_calendar *slow, enum metering metering, int64_t from_ms,
                    int64_t units) {
    int64_t target = slow_position(slow, metering, from_ms) + units;
    int64_t end_ms = slow->first_ms + SLOW_SECONDS * INT64_C(1000), ms = from_ms;
    if (units <= 0) {
        return from_ms;
    }
    if (metering == METERING_URGENT_HOUR) {
        return units > end_ms - from_ms ? INT64_MAX : from_ms + units;
    }
    while (ms + 1000 <= end_ms &&
           (is_idle(slow, ms) || slow_position(slow, metering, ms + 1000) < target)) {
        ms += 1000;
    }
    while (ms <= end_ms && slow_position(slow, metering, ms) < target) {
        ms++;
    }
    return ms > end_ms ? INT64_MAX : ms;
}

void support_calendar_office(struct calendar *calendar) {
    static const struct calendar_interval office[] = {{30600, 43200}, {50400, 63000}};
    struct error error;
    assert_int_equal(calendar_init(calendar, SLICE_LITERAL("office"), 1, &error), STATUS_OK);
    calendar->offset_s = 28800;
    for (unsigned i = CALENDAR_MONDAY; i <= CALENDAR_WORKDAY; i++) {
        if (i != CALENDAR_SATURDAY && i != CALENDAR_SUNDAY) {
            assert_int_equal(
                calendar_set_attendance(calendar, (enum calendar_pattern)i, office, 2, &error),
                STATUS_OK);
        }
    }
}

void support_calendar_seal(struct calendar *calendar) {
    struct error error = {""};
    enum status status = calendar_seal(calendar, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, STATUS_OK);
}

int64_t support_ms(const char *date_time) {
    char text[40];
    const char *why = NULL;
    int64_t ms;
    snprintf(text, sizeof text, "%s+08:00", date_time);
    if (!instant_parse(&ms, slice_text(text), &why)) {
        fail_msg("%s: %s", date_time, why);
    }
    return ms;
}

int32_t support_day(const char *date) {
    char text[40];
    snprintf(text, sizeof text, "%sT08:00:00", date);
    return (int32_t)(support_ms(text) / DAY_MS);
}

void support_holidays(struct calendar *calendar, const char *from, const char *to) {
    struct error error;
    for (int32_t day = support_day(from); day <= support_day(to); day++) {
        assert_int_equal(calendar_add_exception(calendar, day, CALENDAR_HOLIDAY, &error),
                         STATUS_OK);
    }
}

void support_workday(struct calendar *calendar, const char *date) {
    struct error error;
    assert_int_equal(calendar_add_exception(calendar, support_day(date), CALENDAR_WORKDAY, &error),
                     STATUS_OK);
}

void support_assert_instant(int64_t ms, const char *date_time) {
    char text[INSTANT_TEXT_BYTES + 1] = "";
    if (ms != support_ms(date_time)) {
        instant_format(text, ms + 28800000);
        fail_msg("%.23s is not %s", text, date_time);
    }
}
