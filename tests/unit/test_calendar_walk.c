#include "core/time/calendar_walk.h"
#include "tests/unit/support.h"
#include "tests/unit/support_calendar.h"

static struct calendar office;

static void national_day(void) {
    support_calendar_office(&office);
    support_holidays(&office, "2026-10-01", "2026-10-07");
    support_workday(&office, "2026-10-10");
    support_calendar_seal(&office);
}

struct expected {
    enum calendar_piece_kind kind;
    const char *to;
};

static void walks(enum metering metering, const char *from, const struct expected *expected,
                  size_t count) {
    struct calendar_walk walk;
    struct calendar_piece piece;
    int64_t at_ms = support_ms(from);
    calendar_walk_init(&walk, &office, metering, at_ms, at_ms, support_ms(expected[count - 1].to));
    for (size_t i = 0; i < count; i++) {
        assert_true(calendar_walk_next(&walk, &piece));
        assert_int_equal(piece.from_ms, at_ms);
        assert_string_equal(calendar_piece_name(piece.kind), calendar_piece_name(expected[i].kind));
        support_assert_instant(piece.to_ms, expected[i].to);
        assert_int_equal(piece.units, piece.kind == CALENDAR_COUNTED
                                          ? calendar_metered(&office, metering, at_ms, piece.to_ms)
                                          : 0);
        at_ms = piece.to_ms;
    }
    assert_false(calendar_walk_next(&walk, &piece));
}

static void every_gap_has_its_reason(void **state) {
    (void)state;
    static const struct expected hours[] = {
        {CALENDAR_COUNTED, "2026-09-30T12:00:00"}, {CALENDAR_LUNCH, "2026-09-30T14:00:00"},
        {CALENDAR_COUNTED, "2026-09-30T17:30:00"}, {CALENDAR_NIGHT, "2026-10-01T00:00:00"},
        {CALENDAR_DAY_OFF, "2026-10-08T00:00:00"}, {CALENDAR_NIGHT, "2026-10-08T08:30:00"},
        {CALENDAR_COUNTED, "2026-10-08T12:00:00"}, {CALENDAR_LUNCH, "2026-10-08T14:00:00"},
        {CALENDAR_COUNTED, "2026-10-08T17:30:00"}, {CALENDAR_NIGHT, "2026-10-09T08:30:00"},
        {CALENDAR_COUNTED, "2026-10-09T12:00:00"}, {CALENDAR_LUNCH, "2026-10-09T14:00:00"},
        {CALENDAR_COUNTED, "2026-10-09T17:30:00"}, {CALENDAR_NIGHT, "2026-10-10T08:30:00"},
        {CALENDAR_COUNTED, "2026-10-10T12:00:00"}, {CALENDAR_LUNCH, "2026-10-10T14:00:00"},
        {CALENDAR_COUNTED, "2026-10-10T17:30:00"}, {CALENDAR_NIGHT, "2026-10-11T00:00:00"},
        {CALENDAR_WEEKEND, "2026-10-12T00:00:00"}, {CALENDAR_NIGHT, "2026-10-12T08:30:00"},
        {CALENDAR_COUNTED, "2026-10-12T08:30:01"}};
    national_day();
    walks(METERING_WORK_HOUR, "2026-09-30T10:00:00", hours, ARRAY_COUNT(hours));
}

static void days_begin_after_the_starting_day(void **state) {
    (void)state;
    static const struct expected days[] = {
        {CALENDAR_STARTING_DAY, "2026-10-01T00:00:00"}, {CALENDAR_DAY_OFF, "2026-10-08T00:00:00"},
        {CALENDAR_NIGHT, "2026-10-08T08:30:00"},        {CALENDAR_COUNTED, "2026-10-08T12:00:00"},
        {CALENDAR_LUNCH, "2026-10-08T12:30:00"},
    };
    national_day();
    walks(METERING_WORK_DAY, "2026-09-30T10:00:00", days, ARRAY_COUNT(days));
}

static void elapsed_time_is_one_piece(void **state) {
    (void)state;
    static const struct expected once[] = {{CALENDAR_COUNTED, "2026-10-12T03:04:05"}};
    national_day();
    walks(METERING_URGENT_HOUR, "2026-09-30T10:00:00", once, 1);
}

static void nothing_is_walked_backwards(void **state) {
    (void)state;
    struct calendar_walk walk;
    struct calendar_piece piece;
    national_day();
    calendar_walk_init(&walk, &office, METERING_WORK_HOUR, 0, 1000, 1000);
    assert_false(calendar_walk_next(&walk, &piece));
    calendar_walk_init(&walk, &office, METERING_WORK_HOUR, 0, 1000, 0);
    assert_false(calendar_walk_next(&walk, &piece));
}

static void check_piece(const struct slow_calendar *slow, enum metering metering,
                        const struct calendar_piece *piece) {
    bool counted = piece->kind == CALENDAR_COUNTED;
    int64_t units = slow_metered(slow, metering, piece->from_ms, piece->to_ms);
    assert_int_equal(piece->units, counted ? units : 0);
    assert_true(counted || piece->kind == CALENDAR_STARTING_DAY || units == 0);
    int64_t day = (piece->from_ms - slow->first_ms) / DAY_MS;
    bool is_free = slow->days[day].intervals_count == 0;
    if (piece->kind == CALENDAR_DAY_OFF || piece->kind == CALENDAR_WEEKEND) {
        assert_true(is_free && slow->days[day].is_holiday == (piece->kind == CALENDAR_DAY_OFF));
    } else {
        assert_true(!is_free || counted || piece->kind == CALENDAR_STARTING_DAY);
    }
}

static void pieces_cover_random_stretches(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 3);
    for (unsigned i = 0; i < 12; i++) {
        struct slow_calendar *slow =
            slow_calendar_new(&prng, i % 2 == 0 ? DAY_RULE_CLOSE_OF_NTH_DAY : DAY_RULE_ROLLING);
        for (unsigned j = 0; j < 200; j++) {
            enum metering metering = (enum metering)(METERING_URGENT_HOUR + j % 3);
            int64_t from_ms = slow_instant_ms(slow, &prng), to_ms = slow_instant_ms(slow, &prng);
            struct calendar_walk walk;
            struct calendar_piece piece = {0};
            int64_t at_ms = from_ms, units = 0;
            enum calendar_piece_kind last = 0;
            calendar_walk_init(&walk, slow->fast, metering, from_ms, from_ms, to_ms);
            while (calendar_walk_next(&walk, &piece)) {
                assert_true(piece.from_ms == at_ms && piece.to_ms > at_ms && piece.kind != last);
                check_piece(slow, metering, &piece);
                at_ms = piece.to_ms;
                last = piece.kind;
                units += piece.units;
            }
            assert_int_equal(at_ms, to_ms > from_ms ? to_ms : from_ms);
            int64_t count_ms = calendar_count_from_ms(slow->fast, metering, from_ms);
            assert_int_equal(units,
                             count_ms > to_ms ? 0 : slow_metered(slow, metering, count_ms, to_ms));
        }
        slow_calendar_free(slow);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_gap_has_its_reason),
        cmocka_unit_test(days_begin_after_the_starting_day),
        cmocka_unit_test(elapsed_time_is_one_piece),
        cmocka_unit_test(nothing_is_walked_backwards),
        cmocka_unit_test(pieces_cover_random_stretches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
