#include "core/time/calendar.h"
#include "tests/unit/support.h"
#include "tests/unit/support_calendar.h"

static const enum metering all_meterings[] = {METERING_URGENT_HOUR, METERING_WORK_HOUR,
                                              METERING_WORK_DAY};
static struct calendar office;

/* 2026's National Day week with its two make-up days. */
static void national_day(struct calendar *calendar) {
    support_calendar_office(calendar);
    support_workday(calendar, "2026-09-20");
    support_holidays(calendar, "2026-10-01", "2026-10-07");
    support_workday(calendar, "2026-10-10");
    support_calendar_seal(calendar);
}

static void due_is(enum metering metering, const char *from, int64_t amount, const char *due) {
    int64_t ms;
    int64_t from_ms = support_ms(from);
    int64_t count_ms = calendar_count_from_ms(&office, metering, from_ms);
    assert_int_equal(calendar_due_ms(&office, metering, count_ms,
                                     amount * calendar_scale(&office, metering), &ms),
                     STATUS_OK);
    support_assert_instant(ms, due);
}

static void a_second_by_second_twin_agrees(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 0x63616c656e646172);
    size_t dues_count = 0;
    for (unsigned i = 0; i < 16; i++) {
        struct slow_calendar *slow =
            slow_calendar_new(&prng, i % 2 == 0 ? DAY_RULE_CLOSE_OF_NTH_DAY : DAY_RULE_ROLLING);
        for (unsigned j = 0; j < 300; j++) {
            enum metering metering = all_meterings[j % ARRAY_COUNT(all_meterings)];
            int64_t from_ms = slow_instant_ms(slow, &prng), to_ms = slow_instant_ms(slow, &prng);
            int64_t units = slow_metered(slow, metering, from_ms, to_ms);
            assert_int_equal(calendar_metered(slow->fast, metering, from_ms, to_ms), units);
            units += (int64_t)prng_below(&prng, 3) - 1;
            int64_t due_ms = slow_due_ms(slow, metering, from_ms, units), ms;
            if (due_ms != INT64_MAX) {
                assert_int_equal(calendar_due_ms(slow->fast, metering, from_ms, units, &ms),
                                 STATUS_OK);
                assert_int_equal(ms, due_ms);
                dues_count++;
            }
        }
        slow_calendar_free(slow);
    }
    assert_in_range(dues_count, 4000, 4800);
}

static void due_and_metered_are_inverse_over_years(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 2);
    size_t reached = 0;
    for (unsigned i = 0; i < 20; i++) {
        struct slow_calendar *slow =
            slow_calendar_new(&prng, i % 2 == 0 ? DAY_RULE_CLOSE_OF_NTH_DAY : DAY_RULE_ROLLING);
        for (unsigned j = 0; j < 3000; j++) {
            enum metering metering = all_meterings[j % ARRAY_COUNT(all_meterings)];
            int64_t from_ms = slow->first_ms - 400 * (int64_t)DAY_MS +
                              (int64_t)prng_below(&prng, 800ull * DAY_MS);
            int64_t scale = calendar_scale(slow->fast, metering);
            int64_t most = metering == METERING_WORK_DAY ? 700 : 700 * 20000;
            int64_t units = 1 + (int64_t)prng_below(&prng, (uint64_t)(scale * most)), ms;
            enum status status = calendar_due_ms(slow->fast, metering, from_ms, units, &ms);
            if (status == STATUS_TOO_LARGE) {
                int64_t end_ms = from_ms + CALENDAR_AHEAD_DAYS_MAX * (int64_t)DAY_MS;
                assert_true(calendar_metered(slow->fast, metering, from_ms, end_ms) < units);
                continue;
            }
            reached++;
            assert_true(calendar_metered(slow->fast, metering, from_ms, ms) >= units);
            assert_true(calendar_metered(slow->fast, metering, from_ms, ms - 1) < units);
        }
        slow_calendar_free(slow);
    }
    assert_in_range(reached, 40000, 60000);
}

static void work_hours_skip_nights_lunches_weekends_and_holidays(void **state) {
    (void)state;
    enum { HOUR = 3600 };
    national_day(&office);
    due_is(METERING_WORK_HOUR, "2026-09-28T09:00:00", 1 * HOUR, "2026-09-28T10:00:00");
    due_is(METERING_WORK_HOUR, "2026-09-28T11:30:00", 1 * HOUR, "2026-09-28T14:30:00");
    due_is(METERING_WORK_HOUR, "2026-09-28T12:30:00", 1 * HOUR, "2026-09-28T15:00:00");
    due_is(METERING_WORK_HOUR, "2026-09-28T23:00:00", 1 * HOUR, "2026-09-29T09:30:00");
    due_is(METERING_WORK_HOUR, "2026-09-28T08:30:00", 7 * HOUR, "2026-09-28T17:30:00");
    due_is(METERING_WORK_HOUR, "2026-09-28T08:30:01", 7 * HOUR, "2026-09-29T08:30:01");
    due_is(METERING_WORK_HOUR, "2026-09-30T16:30:00", 4 * HOUR, "2026-10-08T11:30:00");
    due_is(METERING_WORK_HOUR, "2026-10-03T10:00:00", 1, "2026-10-08T08:30:01");
    due_is(METERING_WORK_HOUR, "2026-10-09T16:30:00", 8 * HOUR, "2026-10-10T17:30:00");
    due_is(METERING_WORK_HOUR, "2026-10-10T16:30:00", 2 * HOUR, "2026-10-12T09:30:00");
    due_is(METERING_URGENT_HOUR, "2026-09-30T16:30:00", 24 * HOUR, "2026-10-01T16:30:00");
    due_is(METERING_WORK_HOUR, "2027-12-31T17:00:00", 1 * HOUR, "2028-01-03T09:00:00");
}

static void a_day_ends_at_close_of_business(void **state) {
    (void)state;
    national_day(&office);
    due_is(METERING_WORK_DAY, "2026-09-28T09:00:00", 1, "2026-09-29T17:30:00");
    due_is(METERING_WORK_DAY, "2026-09-28T00:00:00", 1, "2026-09-29T17:30:00");
    due_is(METERING_WORK_DAY, "2026-09-28T23:59:59", 1, "2026-09-29T17:30:00");
    due_is(METERING_WORK_DAY, "2026-09-30T09:00:00", 1, "2026-10-08T17:30:00");
    due_is(METERING_WORK_DAY, "2026-09-30T09:00:00", 3, "2026-10-10T17:30:00");
    due_is(METERING_WORK_DAY, "2026-10-04T09:00:00", 4, "2026-10-12T17:30:00");
    due_is(METERING_WORK_DAY, "2026-09-19T09:00:00", 1, "2026-09-20T17:30:00");
    due_is(METERING_WORK_DAY, "2027-12-31T12:00:00", 2, "2028-01-04T17:30:00");
}

static void a_rolling_day_is_a_days_attendance(void **state) {
    (void)state;
    support_calendar_office(&office);
    office.day_rule = DAY_RULE_ROLLING;
    support_calendar_seal(&office);
    assert_int_equal(calendar_scale(&office, METERING_WORK_DAY), 7 * 3600 * 1000);
    due_is(METERING_WORK_DAY, "2026-09-28T09:00:00", 1, "2026-09-29T09:00:00");
    due_is(METERING_WORK_DAY, "2026-09-28T12:30:00", 1, "2026-09-29T12:00:00");
    due_is(METERING_WORK_DAY, "2026-10-02T17:00:00", 2, "2026-10-06T17:00:00");
}

static void a_half_day_counts_as_a_day_by_close(void **state) {
    (void)state;
    static const struct calendar_interval morning = {30600, 43200};
    struct error error;
    support_calendar_office(&office);
    assert_int_equal(calendar_set_attendance(&office, CALENDAR_SATURDAY, &morning, 1, &error),
                     STATUS_OK);
    support_calendar_seal(&office);
    due_is(METERING_WORK_DAY, "2026-10-02T09:00:00", 1, "2026-10-03T12:00:00");
    int64_t from_ms = support_ms("2026-10-03T00:00:00");
    assert_int_equal(
        calendar_metered(&office, METERING_WORK_DAY, from_ms, support_ms("2026-10-03T10:15:00")),
        CALENDAR_DAY_UNITS / 2);
}

static void what_is_too_far_or_nothing_is_said(void **state) {
    (void)state;
    national_day(&office);
    int64_t from_ms = support_ms("2026-10-03T10:00:00"), ms = 7;
    int64_t most_ms = CALENDAR_AHEAD_DAYS_MAX * (int64_t)DAY_MS;
    for (size_t i = 0; i < ARRAY_COUNT(all_meterings); i++) {
        assert_int_equal(calendar_due_ms(&office, all_meterings[i], from_ms, 0, &ms), STATUS_OK);
        assert_int_equal(ms, from_ms);
        assert_int_equal(calendar_due_ms(&office, all_meterings[i], from_ms, -5, &ms), STATUS_OK);
        assert_int_equal(ms, from_ms);
        assert_int_equal(calendar_due_ms(&office, all_meterings[i], from_ms, INT64_MAX, &ms),
                         STATUS_TOO_LARGE);
        assert_int_equal(ms, from_ms);
    }
    assert_int_equal(calendar_due_ms(&office, METERING_URGENT_HOUR, from_ms, most_ms, &ms),
                     STATUS_OK);
    assert_int_equal(ms, from_ms + most_ms);
    assert_int_equal(calendar_due_ms(&office, METERING_URGENT_HOUR, from_ms, most_ms + 1, &ms),
                     STATUS_TOO_LARGE);
    int64_t units = calendar_metered(&office, METERING_WORK_HOUR, from_ms, from_ms + most_ms);
    assert_int_equal(calendar_due_ms(&office, METERING_WORK_HOUR, from_ms, units, &ms), STATUS_OK);
    assert_int_equal(
        calendar_due_ms(&office, METERING_WORK_HOUR, from_ms, units + 12 * 3600000, &ms),
        STATUS_TOO_LARGE);
}

static void the_week_goes_on_beyond_the_exceptions(void **state) {
    (void)state;
    national_day(&office);
    due_is(METERING_WORK_HOUR, "2090-10-02T17:00:00", 3600, "2090-10-03T09:00:00");
    due_is(METERING_WORK_DAY, "1950-10-01T17:00:00", 1, "1950-10-02T17:30:00");
    assert_int_equal(calendar_metered(&office, METERING_WORK_DAY, support_ms("2090-10-02T00:00:00"),
                                      support_ms("2090-10-09T00:00:00")),
                     5 * CALENDAR_DAY_UNITS);
}

static enum status attend(struct calendar *calendar, uint32_t from_s, uint32_t to_s,
                          uint32_t from2_s, uint32_t to2_s) {
    struct error error;
    const struct calendar_interval intervals[] = {{from_s, to_s}, {from2_s, to2_s}};
    return calendar_set_attendance(calendar, CALENDAR_MONDAY, intervals, 2, &error);
}

static void bad_attendance_is_refused(void **state) {
    (void)state;
    static const struct calendar_interval five[CALENDAR_INTERVALS_MAX + 1] = {
        {0, 1}, {2, 3}, {4, 5}, {6, 7}, {8, 9}};
    struct error error;
    support_calendar_office(&office);
    assert_int_equal(attend(&office, 0, 1, 2, CALENDAR_DAY_S), STATUS_OK);
    assert_int_equal(attend(&office, 0, 1, 2, CALENDAR_DAY_S + 1), STATUS_INVALID);
    assert_int_equal(attend(&office, 0, 1, 1, 2), STATUS_INVALID);
    assert_int_equal(attend(&office, 5, 6, 1, 2), STATUS_INVALID);
    assert_int_equal(attend(&office, 5, 5, 6, 7), STATUS_INVALID);
    assert_int_equal(attend(&office, 0, 1, 3, 2), STATUS_INVALID);
    assert_int_equal(
        calendar_set_attendance(&office, CALENDAR_MONDAY, five, CALENDAR_INTERVALS_MAX, &error),
        STATUS_OK);
    assert_int_equal(
        calendar_set_attendance(&office, CALENDAR_MONDAY, five, CALENDAR_INTERVALS_MAX + 1, &error),
        STATUS_FULL);
}

static enum status seal_with(void (*spoil)(struct calendar *calendar)) {
    struct error error;
    support_calendar_office(&office);
    spoil(&office);
    return calendar_seal(&office, &error);
}

static void spoil_nothing(struct calendar *calendar) {
    (void)calendar;
}

static void spoil_week(struct calendar *calendar) {
    struct error error;
    for (unsigned i = 0; i < CALENDAR_WORKDAY; i++) {
        assert_int_equal(
            calendar_set_attendance(calendar, (enum calendar_pattern)i, NULL, 0, &error),
            STATUS_OK);
    }
}

static void spoil_workday(struct calendar *calendar) {
    struct error error;
    assert_int_equal(calendar_set_attendance(calendar, CALENDAR_WORKDAY, NULL, 0, &error),
                     STATUS_OK);
}

static void spoil_offset(struct calendar *calendar) {
    calendar->offset_s = CALENDAR_OFFSET_S_MAX + 1;
}

static void spoil_exception(struct calendar *calendar) {
    struct error error;
    assert_int_equal(calendar_add_exception(calendar, 20000, CALENDAR_SUNDAY, &error), STATUS_OK);
}

static void calendars_that_cannot_work_are_refused(void **state) {
    (void)state;
    struct error error;
    assert_int_equal(seal_with(spoil_nothing), STATUS_OK);
    assert_int_equal(seal_with(spoil_week), STATUS_INVALID);
    assert_int_equal(seal_with(spoil_workday), STATUS_INVALID);
    assert_int_equal(seal_with(spoil_offset), STATUS_INVALID);
    assert_int_equal(seal_with(spoil_exception), STATUS_INVALID);
    assert_int_equal(calendar_init(&office, SLICE_LITERAL(""), 1, &error), STATUS_INVALID);
    assert_int_equal(calendar_init(&office, SLICE_LITERAL("A"), 1, &error), STATUS_INVALID);
    assert_int_equal(
        calendar_init(&office, SLICE_LITERAL("a23456789_123456789_123456789_12"), 1, &error),
        STATUS_OK);
    assert_int_equal(
        calendar_init(&office, SLICE_LITERAL("a23456789_123456789_123456789_123"), 1, &error),
        STATUS_INVALID);
}

static void exceptions_fill_to_their_bound_in_any_order(void **state) {
    (void)state;
    struct error error;
    support_calendar_office(&office);
    for (int32_t i = 0; i < CALENDAR_EXCEPTIONS_MAX; i++) {
        assert_int_equal(calendar_add_exception(&office, 20000 + i * 7 % CALENDAR_EXCEPTIONS_MAX,
                                                CALENDAR_HOLIDAY, &error),
                         STATUS_OK);
    }
    assert_int_equal(calendar_add_exception(&office, 20003, CALENDAR_HOLIDAY, &error),
                     STATUS_INVALID);
    assert_int_equal(calendar_add_exception(&office, 19999, CALENDAR_HOLIDAY, &error), STATUS_FULL);
    support_calendar_seal(&office);
    for (int32_t i = 1; i < CALENDAR_EXCEPTIONS_MAX; i++) {
        assert_int_equal(office.exceptions[i].day, office.exceptions[i - 1].day + 1);
    }
    int64_t from_ms = calendar_midnight_ms(&office, 20000), ms;
    assert_int_equal(calendar_due_ms(&office, METERING_WORK_HOUR, from_ms, 1, &ms), STATUS_OK);
    /* The day after the last one is a Saturday. */
    assert_int_equal(calendar_day_at(&office, ms), 20000 + CALENDAR_EXCEPTIONS_MAX + 2);
}

static void a_copy_may_replace_what_it_inherited_once(void **state) {
    (void)state;
    static struct calendar county;
    struct error error;
    national_day(&office);
    assert_int_equal(calendar_init_from(&county, &office, SLICE_LITERAL("county"), &error),
                     STATUS_OK);
    int32_t day = support_day("2026-10-01");
    assert_int_equal(calendar_add_exception(&county, day, CALENDAR_WORKDAY, &error), STATUS_OK);
    assert_int_equal(calendar_add_exception(&county, day, CALENDAR_WORKDAY, &error),
                     STATUS_INVALID);
    support_calendar_seal(&county);
    assert_int_equal(county.exceptions_count, office.exceptions_count);
    assert_int_equal(calendar_pattern_of(&county, day), CALENDAR_WORKDAY);
    assert_int_equal(calendar_pattern_of(&office, day), CALENDAR_HOLIDAY);
    assert_int_equal(calendar_pattern_of(&county, day + 1), CALENDAR_HOLIDAY);
    assert_true(county.tag != office.tag);
}

static void the_tag_is_that_of_the_content(void **state) {
    (void)state;
    struct error error;
    national_day(&office);
    uint32_t tag = office.tag;
    static struct calendar other;
    assert_int_equal(calendar_init_from(&other, &office, SLICE_LITERAL("other"), &error),
                     STATUS_OK);
    other.version = 9;
    support_calendar_seal(&other);
    assert_int_equal(other.tag, tag);
    other.sealed = false;
    other.day_rule = DAY_RULE_ROLLING;
    support_calendar_seal(&other);
    assert_true(other.tag != tag);
    other.sealed = false;
    other.day_rule = DAY_RULE_CLOSE_OF_NTH_DAY;
    other.offset_s = 0;
    support_calendar_seal(&other);
    assert_true(other.tag != tag);
}

static void words_are_read_and_written(void **state) {
    (void)state;
    enum metering metering;
    enum day_rule rule;
    enum calendar_pattern pattern;
    for (size_t i = 0; i < ARRAY_COUNT(all_meterings); i++) {
        assert_true(metering_parse(&metering, slice_text(metering_name(all_meterings[i]))));
        assert_int_equal(metering, all_meterings[i]);
    }
    assert_string_equal(metering_name(METERING_WORK_DAY), "work_day");
    assert_false(metering_parse(&metering, SLICE_LITERAL("")));
    assert_false(metering_parse(&metering, SLICE_LITERAL("work_days")));
    assert_true(day_rule_parse(&rule, SLICE_LITERAL("rolling")));
    assert_int_equal(rule, DAY_RULE_ROLLING);
    assert_string_equal(day_rule_name(DAY_RULE_CLOSE_OF_NTH_DAY), "close_of_nth_day");
    assert_false(day_rule_parse(&rule, SLICE_LITERAL("")));
    for (unsigned i = 0; i < CALENDAR_PATTERNS; i++) {
        const char *name = calendar_pattern_name((enum calendar_pattern)i);
        assert_true(calendar_pattern_parse(&pattern, slice_text(name)));
        assert_int_equal(pattern, i);
    }
    assert_false(calendar_pattern_parse(&pattern, SLICE_LITERAL("Monday")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_by_second_twin_agrees),
        cmocka_unit_test(due_and_metered_are_inverse_over_years),
        cmocka_unit_test(work_hours_skip_nights_lunches_weekends_and_holidays),
        cmocka_unit_test(a_day_ends_at_close_of_business),
        cmocka_unit_test(a_rolling_day_is_a_days_attendance),
        cmocka_unit_test(a_half_day_counts_as_a_day_by_close),
        cmocka_unit_test(what_is_too_far_or_nothing_is_said),
        cmocka_unit_test(the_week_goes_on_beyond_the_exceptions),
        cmocka_unit_test(bad_attendance_is_refused),
        cmocka_unit_test(calendars_that_cannot_work_are_refused),
        cmocka_unit_test(exceptions_fill_to_their_bound_in_any_order),
        cmocka_unit_test(a_copy_may_replace_what_it_inherited_once),
        cmocka_unit_test(the_tag_is_that_of_the_content),
        cmocka_unit_test(words_are_read_and_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
