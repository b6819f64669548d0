#include "core/ticket/stage.h"

#include "core/time/calendar.h"
#include "tests/unit/support.h"

static void stages_go_both_ways(void **state) {
    (void)state;
    for (int i = 0; i < STAGE_COUNT; i++) {
        enum stage stage;
        assert_true(stage_parse(&stage, slice_text(stage_name((enum stage)i))));
        assert_int_equal(stage, i);
    }
    enum stage stage = STAGE_CHECK;
    assert_false(stage_parse(&stage, SLICE_LITERAL("Accept")));
    assert_int_equal(stage, STAGE_CHECK);
}

static void limits_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum metering metering;
        uint32_t amount;
    } cases[] = {
        {"90s", METERING_URGENT_HOUR, 90},
        {"2m", METERING_URGENT_HOUR, 120},
        {"24h", METERING_URGENT_HOUR, 86400},
        {"7d", METERING_URGENT_HOUR, 604800},
        {"30wm", METERING_WORK_HOUR, 1800},
        {"4wh", METERING_WORK_HOUR, 14400},
        {"5wd", METERING_WORK_DAY, 5},
        {"none", METERING_URGENT_HOUR, 0},
        {"366d", METERING_URGENT_HOUR, 31622400},
        {"366wd", METERING_WORK_DAY, 366},
        {"2928wh", METERING_WORK_HOUR, 10540800},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct stage_limit limit = {77, 77};
        if (!stage_limit_parse(&limit, slice_text(cases[i].text))) {
            fail_msg("refused: %s", cases[i].text);
        }
        assert_int_equal(limit.unit, cases[i].metering);
        assert_int_equal(limit.amount, cases[i].amount);
        assert_true(stage_limit_is_valid(limit));
    }
}

static void what_is_no_limit_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",       "5",        "h",
        "0h",     "05h",      "-1h",
        "+1h",    "1.5h",     " 1h",
        "1h ",    "1 h",      "1H",
        "1w",     "1hw",      "1h1m",
        "none ",  "None",     "0",
        "ws",     "1ws",      "367d",
        "8785h",  "527041m",  "367wd",
        "2929wh", "175681wm", "99999999999999999999h",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct stage_limit limit = {77, 77};
        if (stage_limit_parse(&limit, slice_text(bad[i]))) {
            fail_msg("taken: %s", bad[i]);
        }
        assert_int_equal(limit.unit, 77);
    }
    assert_false(stage_limit_is_valid((struct stage_limit){0, 0}));
    assert_false(stage_limit_is_valid((struct stage_limit){METERING_WORK_DAY + 1, 1}));
    assert_false(stage_limit_is_valid((struct stage_limit){METERING_WORK_DAY, 367}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_go_both_ways),
        cmocka_unit_test(limits_are_read),
        cmocka_unit_test(what_is_no_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
