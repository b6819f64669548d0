#include "core/time/clock.h"
#include "tests/unit/support.h"
#include "tests/unit/support_calendar.h"

enum { HOUR = 3600 };

static struct calendar office, later_version;
static struct clock clock_;
static struct clock_run run;

static int open_office(void **state) {
    (void)state;
    support_calendar_office(&office);
    support_workday(&office, "2026-09-20");
    support_holidays(&office, "2026-10-01", "2026-10-07");
    support_workday(&office, "2026-10-10");
    support_calendar_seal(&office);
    return 0;
}

static void start(enum metering metering, int64_t limit, const char *at) {
    clock_start(&clock_, &office, metering, limit, support_ms(at));
}

static void pause_at(const char *at) {
    clock_pause(&clock_, &office, support_ms(at), &run);
}

static void resume_at(const char *at) {
    clock_resume(&clock_, &office, support_ms(at));
}

static void percent_is(unsigned percent, const char *at) {
    int64_t ms;
    assert_int_equal(clock_percent_ms(&clock_, &office, percent, &ms), STATUS_OK);
    support_assert_instant(ms, at);
}

static void light_is(const char *at, const char *light) {
    assert_string_equal(light_name(clock_light(&clock_, &office, support_ms(at))), light);
}

static void consumed_is(const char *at, int64_t seconds) {
    assert_int_equal(clock_consumed_units(&clock_, &office, support_ms(at)), seconds * 1000);
}

/* 14 h: 2 h on Wednesday, paused at noon over National Day and into Thursday's lunch. */
static void a_suspension_over_a_holiday_and_a_lunch_is_exact(void **state) {
    (void)state;
    start(METERING_WORK_HOUR, 14 * HOUR, "2026-09-30T09:30:00");
    consumed_is("2026-09-30T11:29:57", 2 * HOUR - 3);
    pause_at("2026-09-30T11:29:57");
    consumed_is("2026-10-08T11:00:00", 2 * HOUR - 3);
    resume_at("2026-10-08T12:34:56");
    consumed_is("2026-10-08T13:59:59", 2 * HOUR - 3);
    consumed_is("2026-10-08T14:00:01", 2 * HOUR - 2);
    /* 12 h 3 s are left: 3.5 h on the 8th, 7 h on the 9th, 1 h 30 min 3 s on the make-up day. */
    percent_is(100, "2026-10-10T10:00:03");
    pause_at("2026-10-10T10:00:02");
    resume_at("2026-10-10T23:00:00");
    percent_is(100, "2026-10-12T08:30:01");
}

static void a_hold_shorter_than_lunch_costs_nothing(void **state) {
    (void)state;
    start(METERING_WORK_HOUR, 4 * HOUR, "2026-09-28T10:00:00");
    percent_is(100, "2026-09-28T16:00:00");
    pause_at("2026-09-28T12:10:00");
    resume_at("2026-09-28T13:50:00");
    percent_is(100, "2026-09-28T16:00:00");
}

static void days_are_paused_in_shares(void **state) {
    (void)state;
    int64_t ms;
    start(METERING_WORK_DAY, 5, "2026-09-21T16:00:00");
    percent_is(50, "2026-09-24T12:00:00");
    percent_is(80, "2026-09-25T17:30:00");
    percent_is(100, "2026-09-28T17:30:00");
    pause_at("2026-09-24T12:00:00"); /* 2.5 days used */
    assert_int_equal(clock_due_ms(&clock_, &office, &ms), STATUS_NOT_FOUND);
    resume_at("2026-09-30T13:00:00"); /* half a day is left of the 30th */
    percent_is(80, "2026-10-08T17:30:00");
    percent_is(100, "2026-10-09T17:30:00");
}

static void the_starting_day_is_not_counted_whatever_happens_on_it(void **state) {
    (void)state;
    start(METERING_WORK_DAY, 1, "2026-09-21T09:00:00");
    pause_at("2026-09-21T10:00:00");
    assert_int_equal(clock_.consumed_units, 0);
    resume_at("2026-09-21T11:00:00");
    percent_is(100, "2026-09-22T17:30:00");
    pause_at("2026-09-21T12:00:00");
    resume_at("2026-09-23T12:00:00"); /* but a day of resuming is, from then on */
    percent_is(50, "2026-09-23T17:30:00");
    percent_is(100, "2026-09-24T12:00:00");
}

static void lights_change_at_80_and_after_100_percent(void **state) {
    (void)state;
    start(METERING_WORK_HOUR, 5 * HOUR, "2026-09-28T08:30:00");
    percent_is(80, "2026-09-28T14:30:00");
    light_is("2026-09-28T14:29:59", "green");
    light_is("2026-09-28T14:30:00", "yellow");
    light_is("2026-09-28T15:30:00", "yellow");
    assert_int_equal(clock_light(&clock_, &office, support_ms("2026-09-28T15:30:00") + 1),
                     LIGHT_RED);
    percent_is(120, "2026-09-28T16:30:00");
    start(METERING_WORK_HOUR, 7 * HOUR, "2026-09-28T08:30:00");
    light_is("2026-09-28T17:30:00", "yellow");
    light_is("2026-09-28T20:00:00", "red"); /* due at close, nothing metered since */
}

static void a_breach_is_remembered_over_a_pause(void **state) {
    (void)state;
    start(METERING_WORK_HOUR, 1 * HOUR, "2026-09-28T08:30:00");
    pause_at("2026-09-28T10:30:00");
    consumed_is("2026-09-29T10:30:00", 2 * HOUR); /* beyond the limit */
    light_is("2026-09-29T10:30:00", "red");
    resume_at("2026-09-30T09:00:00");
    light_is("2026-09-30T09:00:00", "red");
    percent_is(100, "2026-09-28T09:30:00");
    percent_is(300, "2026-09-30T10:00:00");
}

static void a_pause_at_the_due_instant_is_no_breach(void **state) {
    (void)state;
    start(METERING_WORK_HOUR, 1 * HOUR, "2026-09-28T08:30:00");
    pause_at("2026-09-28T09:30:00");
    light_is("2026-09-28T20:00:00", "yellow");
    resume_at("2026-09-29T09:00:00");
    light_is("2026-09-29T09:00:00", "yellow");
    light_is("2026-09-29T09:00:01", "red");
    percent_is(100, "2026-09-29T09:00:00");
}

static void an_extension_adds_to_the_limit(void **state) {
    (void)state;
    start(METERING_WORK_HOUR, 2 * HOUR, "2026-09-28T08:30:00");
    assert_int_equal(clock_extend(&clock_, &office, 2 * HOUR), STATUS_OK);
    percent_is(100, "2026-09-28T14:30:00");
    pause_at("2026-09-28T16:30:00");
    light_is("2026-09-28T16:30:00", "red");
    assert_int_equal(clock_extend(&clock_, &office, HOUR), STATUS_OK); /* 6 h used, 5 h granted */
    light_is("2026-09-28T16:30:00", "red");
    assert_int_equal(clock_extend(&clock_, &office, 4 * HOUR), STATUS_OK);
    light_is("2026-09-28T16:30:00", "green");
    resume_at("2026-09-29T08:30:00");
    percent_is(100, "2026-09-29T11:30:00");
    assert_int_equal(clock_extend(&clock_, &office, clock_limit_max(METERING_WORK_HOUR)),
                     STATUS_TOO_LARGE);
    assert_int_equal(clock_.limit, 9 * HOUR);
}

static void limits_of_nothing_and_of_ten_years(void **state) {
    (void)state;
    static const enum metering meterings[] = {METERING_URGENT_HOUR, METERING_WORK_HOUR,
                                              METERING_WORK_DAY};
    for (size_t i = 0; i < ARRAY_COUNT(meterings); i++) {
        start(meterings[i], 0, "2026-10-03T10:00:00");
        percent_is(50, "2026-10-03T10:00:00");
        percent_is(100, "2026-10-03T10:00:00");
        light_is("2026-10-03T10:00:00", "yellow");
        light_is("2026-10-03T10:00:01", "red");
        int64_t ms;
        start(meterings[i], clock_limit_max(meterings[i]), "2026-10-03T10:00:00");
        assert_int_equal(clock_due_ms(&clock_, &office, &ms),
                         meterings[i] == METERING_URGENT_HOUR ? STATUS_OK : STATUS_TOO_LARGE);
        light_is("2026-10-09T10:00:00", "green");
    }
}

static void time_that_steps_back_meters_nothing(void **state) {
    (void)state;
    start(METERING_URGENT_HOUR, HOUR, "2026-09-28T08:30:00");
    consumed_is("2026-09-28T08:00:00", 0);
    pause_at("2026-09-28T08:00:00");
    assert_int_equal(run.to_ms, run.from_ms);
    resume_at("2026-09-28T07:00:00");
    percent_is(100, "2026-09-28T09:30:00");
}

enum { RUNS_MAX = 12 };

/* A clock turned on and off at random instants, and the same told by the slow twin. */
struct random_clock {
    struct clock clock;
    struct clock_run runs[RUNS_MAX];
    int64_t consumed, count_ms, now_ms;
};

static int64_t max_ms(int64_t a_ms, int64_t b_ms) {
    return a_ms > b_ms ? a_ms : b_ms;
}

static void turn_at_random(struct random_clock *random, const struct slow_calendar *slow,
                           struct prng *prng) {
    enum metering metering = random->clock.metering;
    int64_t end_ms = slow->first_ms + SLOW_SECONDS * INT64_C(1000);
    size_t turns_count = prng_below(prng, prng_below(prng, 2) == 0 ? 2 * RUNS_MAX : 3);
    for (size_t i = 0; i < turns_count && random->now_ms < end_ms; i++) {
        uint64_t most_ms = (uint64_t)(end_ms - random->now_ms) / 8 + 2;
        random->now_ms += (int64_t)prng_below(prng, most_ms);
        if (random->clock.is_running) {
            struct clock_run *last = &random->runs[random->clock.runs_count];
            clock_pause(&random->clock, slow->fast, random->now_ms, last);
            random->consumed +=
                slow_metered(slow, metering, max_ms(last->from_ms, random->count_ms), last->to_ms);
        } else {
            clock_resume(&random->clock, slow->fast, random->now_ms);
        }
        assert_int_equal(random->clock.consumed_units, random->consumed);
    }
}

static bool check_random_clock(const struct random_clock *random,
                               const struct slow_calendar *slow) {
    const struct clock *clock = &random->clock;
    int64_t limit = clock_limit_units(clock, slow->fast), due_ms;
    enum status status = clock_due_ms(clock, slow->fast, &due_ms);
    if (!clock->is_running) {
        assert_int_equal(status, STATUS_NOT_FOUND);
        assert_true((clock->breached_ms != CLOCK_NEVER) <= (random->consumed >= limit));
        return false;
    }
    int64_t from_ms = max_ms(clock->turned_ms, random->count_ms);
    if (random->consumed >= limit) {
        assert_int_equal(status, STATUS_OK);
        assert_true(due_ms <= clock->turned_ms);
        return false;
    }
    if (from_ms > slow->first_ms + SLOW_SECONDS * INT64_C(1000)) {
        return false;
    }
    int64_t expected_ms = slow_due_ms(slow, clock->metering, from_ms, limit - random->consumed);
    if (expected_ms == INT64_MAX) {
        return false;
    }
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(due_ms, expected_ms);
    assert_int_equal(clock_light(clock, slow->fast, due_ms), LIGHT_YELLOW);
    assert_int_equal(clock_light(clock, slow->fast, due_ms + 1), LIGHT_RED);
    assert_true(limit == 1 || clock_light(clock, slow->fast, from_ms) != LIGHT_RED);
    return true;
}

/* The clock recomputed under its own calendar from the runs it handed out is the same clock, and
 * so is one that went through a row. */
static void check_kept(const struct random_clock *random, const struct slow_calendar *slow) {
    struct clock again = random->clock;
    uint8_t row[CLOCK_BYTES];
    clock_recompute(&again, slow->fast, again.metering, again.limit, random->runs,
                    again.runs_count);
    assert_memory_equal(&again, &random->clock, sizeof again);
    clock_encode(row, &again);
    struct clock decoded;
    memset(&decoded, 0, sizeof decoded);
    assert_int_equal(clock_decode(&decoded, (struct slice){row, sizeof row}), STATUS_OK);
    assert_int_equal(decoded.consumed_units, random->clock.consumed_units);
    assert_int_equal(decoded.turned_ms, random->clock.turned_ms);
    assert_int_equal(decoded.breached_ms, random->clock.breached_ms);
    assert_int_equal(decoded.runs_count, random->clock.runs_count);
    assert_int_equal(decoded.is_running, random->clock.is_running);
}

static void any_number_of_pauses_agrees_with_the_twin(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 5);
    size_t dues_count = 0;
    for (unsigned i = 0; i < 24; i++) {
        struct slow_calendar *slow =
            slow_calendar_new(&prng, i % 2 == 0 ? DAY_RULE_CLOSE_OF_NTH_DAY : DAY_RULE_ROLLING);
        for (unsigned j = 0; j < 200; j++) {
            struct random_clock random = {.consumed = 0};
            enum metering metering = (enum metering)(METERING_URGENT_HOUR + j % 3);
            int64_t limit = (int64_t)prng_below(&prng, metering == METERING_WORK_DAY ? 8 : 200000);
            random.now_ms = slow_instant_ms(slow, &prng);
            random.count_ms = calendar_count_from_ms(slow->fast, metering, random.now_ms);
            clock_start(&random.clock, slow->fast, metering, limit, random.now_ms);
            if (random.count_ms <= slow->first_ms + SLOW_SECONDS * INT64_C(1000)) {
                turn_at_random(&random, slow, &prng);
                dues_count += check_random_clock(&random, slow);
                check_kept(&random, slow);
            }
        }
        slow_calendar_free(slow);
    }
    assert_in_range(dues_count, 800, 4800);
}

static void a_new_calendar_moves_the_past_too(void **state) {
    (void)state;
    struct clock_run runs[2];
    struct error error;
    start(METERING_WORK_HOUR, 10 * HOUR, "2026-09-28T08:30:00");
    pause_at("2026-09-29T10:30:00"); /* 9 h */
    runs[0] = run;
    resume_at("2026-09-30T08:30:00");
    percent_is(100, "2026-09-30T09:30:00");
    assert_int_equal(calendar_init_from(&later_version, &office, SLICE_LITERAL("cn"), &error),
                     STATUS_OK);
    support_holidays(&later_version, "2026-09-28", "2026-09-28");
    support_calendar_seal(&later_version);
    clock_recompute(&clock_, &later_version, METERING_WORK_HOUR, 10 * HOUR, runs, 1);
    assert_int_equal(clock_.calendar_tag, later_version.tag);
    assert_int_equal(clock_.consumed_units, 2 * HOUR * 1000);
    int64_t ms;
    assert_int_equal(clock_due_ms(&clock_, &later_version, &ms), STATUS_OK);
    support_assert_instant(ms, "2026-10-08T09:30:00"); /* 7 h on the 30th, 1 h after the holidays */
    /* The same clock by elapsed time: over 26 h on the first run. */
    clock_recompute(&clock_, &later_version, METERING_URGENT_HOUR, 24 * HOUR, runs, 1);
    assert_int_equal(clock_due_ms(&clock_, &later_version, &ms), STATUS_OK);
    support_assert_instant(ms, "2026-09-29T08:30:00");
    assert_int_equal(clock_light(&clock_, &later_version, support_ms("2026-09-30T08:30:00")),
                     LIGHT_RED);
}

static void rows_are_bytes_as_written_down(void **state) {
    (void)state;
    uint8_t row[CLOCK_BYTES], run_row[CLOCK_RUN_BYTES];
    static const uint8_t expected[CLOCK_BYTES] = {
        1,    2, 1, 0, 0x44, 0x33, 0x22, 0x11, 2, 0, 0,    0, 0x10, 0x0e, 0, 0,   0, 0,
        0,    0, 5, 0, 0,    0,    0,    0,    0, 0, 0xe8, 3, 0,    0,    0, 0,   0, 0,
        0xd0, 7, 0, 0, 0,    0,    0,    0,    0, 0, 0,    0, 0,    0,    0, 0x80};
    struct clock clock = {.metering = METERING_WORK_HOUR,
                          .is_running = true,
                          .calendar_tag = 0x11223344,
                          .runs_count = 2,
                          .limit = HOUR,
                          .consumed_units = 5,
                          .started_ms = 1000,
                          .turned_ms = 2000,
                          .breached_ms = CLOCK_NEVER};
    clock_encode(row, &clock);
    assert_memory_equal(row, expected, sizeof row);
    struct clock_run again;
    clock_run_encode(run_row, &(struct clock_run){-1, 258});
    assert_memory_equal(run_row, "\xff\xff\xff\xff\xff\xff\xff\xff\2\1\0\0\0\0\0\0", 16);
    assert_int_equal(clock_run_decode(&again, (struct slice){run_row, 16}), STATUS_OK);
    assert_true(again.from_ms == -1 && again.to_ms == 258);
    assert_int_equal(clock_run_decode(&again, (struct slice){run_row, 15}), STATUS_CORRUPT);
    run_row[7] = 0x7f;
    assert_int_equal(clock_run_decode(&again, (struct slice){run_row, 16}), STATUS_CORRUPT);
}

static enum status decode_with(size_t at, uint8_t value) {
    uint8_t row[CLOCK_BYTES];
    struct clock decoded;
    start(METERING_WORK_HOUR, HOUR, "2026-09-28T08:30:00");
    clock_encode(row, &clock_);
    assert_true(row[at] != value);
    row[at] = value;
    return clock_decode(&decoded, (struct slice){row, sizeof row});
}

static void rows_that_no_clock_wrote_are_refused(void **state) {
    (void)state;
    uint8_t row[CLOCK_BYTES] = {1};
    struct clock decoded;
    assert_int_equal(decode_with(0, 2), STATUS_VERSION);
    assert_int_equal(decode_with(1, 0), STATUS_CORRUPT);
    assert_int_equal(decode_with(1, 4), STATUS_CORRUPT);
    assert_int_equal(decode_with(2, 2), STATUS_CORRUPT);
    assert_int_equal(decode_with(2, 0), STATUS_CORRUPT); /* paused without a run */
    assert_int_equal(decode_with(3, 1), STATUS_CORRUPT);
    assert_int_equal(decode_with(19, 0x80), STATUS_CORRUPT); /* limit below 0 */
    assert_int_equal(decode_with(17, 1), STATUS_CORRUPT);    /* and too large */
    assert_int_equal(decode_with(20, 1), STATUS_CORRUPT);    /* used without a run */
    assert_int_equal(decode_with(35, 0x7f), STATUS_CORRUPT); /* started beyond all instants */
    assert_int_equal(decode_with(36, 0), STATUS_CORRUPT);    /* turned before it started */
    assert_int_equal(decode_with(51, 0), STATUS_CORRUPT);    /* breached before it started */
    assert_int_equal(decode_with(4, 0x5a), STATUS_OK);       /* the tag is not for decoding */
    assert_int_equal(clock_decode(&decoded, (struct slice){row, CLOCK_BYTES - 1}), STATUS_CORRUPT);
    assert_int_equal(clock_decode(&decoded, (struct slice){NULL, 0}), STATUS_CORRUPT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_suspension_over_a_holiday_and_a_lunch_is_exact),
        cmocka_unit_test(a_hold_shorter_than_lunch_costs_nothing),
        cmocka_unit_test(days_are_paused_in_shares),
        cmocka_unit_test(the_starting_day_is_not_counted_whatever_happens_on_it),
        cmocka_unit_test(lights_change_at_80_and_after_100_percent),
        cmocka_unit_test(a_breach_is_remembered_over_a_pause),
        cmocka_unit_test(a_pause_at_the_due_instant_is_no_breach),
        cmocka_unit_test(an_extension_adds_to_the_limit),
        cmocka_unit_test(limits_of_nothing_and_of_ten_years),
        cmocka_unit_test(time_that_steps_back_meters_nothing),
        cmocka_unit_test(any_number_of_pauses_agrees_with_the_twin),
        cmocka_unit_test(a_new_calendar_moves_the_past_too),
        cmocka_unit_test(rows_are_bytes_as_written_down),
        cmocka_unit_test(rows_that_no_clock_wrote_are_refused),
    };
    return cmocka_run_group_tests(tests, open_office, NULL);
}
