#include "core/text/instant.h"

#include <time.h>

#include "tests/unit/support.h"

static int64_t parsed(const char *text) {
    int64_t ms = 0;
    const char *why = "";
    if (!instant_parse(&ms, slice_text(text), &why)) {
        fail_msg("%s: %s", text, why);
    }
    return ms;
}

static void valid_times_are_read(void **state) {
    (void)state;
    const struct {
        const char *text, *utc;
    } cases[] = {
        {"2026-11-22T08:30:00Z", "2026-11-22T08:30:00.000Z"},
        {"2026-11-22t08:30:00z", "2026-11-22T08:30:00.000Z"},
        {"2026-11-22T08:30:00+08:00", "2026-11-22T00:30:00.000Z"},
        {"2026-11-22T08:30:00-23:59", "2026-11-23T08:29:00.000Z"},
        {"2026-11-22T08:30:00-00:00", "2026-11-22T08:30:00.000Z"},
        {"2026-11-22T08:30:00.1Z", "2026-11-22T08:30:00.100Z"},
        {"2026-11-22T08:30:00.12Z", "2026-11-22T08:30:00.120Z"},
        {"2026-11-22T08:30:00.123Z", "2026-11-22T08:30:00.123Z"},
        {"2026-11-22T08:30:00.123999999999+00:00", "2026-11-22T08:30:00.123Z"},
        {"0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"},
        {"0000-02-29T00:00:00Z", "0000-02-29T00:00:00.000Z"},
        {"2000-02-29T23:59:59.999Z", "2000-02-29T23:59:59.999Z"},
        {"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
        {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"},
        {"2016-12-31T23:59:60.9Z", "2017-01-01T00:00:00.000Z"},
        {"2017-01-01T07:59:60+08:00", "2017-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[INSTANT_TEXT_BYTES + 1] = "";
        instant_format(text, parsed(cases[i].text));
        assert_string_equal(text, cases[i].utc);
    }
    assert_true(parsed("1970-01-01T00:00:00Z") == 0);
    assert_true(parsed("1970-01-01T00:00:00.001Z") == 1);
}

static void invalid_times_are_refused_with_a_reason(void **state) {
    (void)state;
    const char *const cases[] = {
        "",
        "2026-11-22",
        "2026-11-22T08:30:00",
        "2026-11-22T08:30:00.123",
        "2026-11-22 08:30:00Z",
        "2026/11/22T08:30:00Z",
        "2026-11-22T08.30.00Z",
        "2026-11-22T08:30Z        ",
        "2026-11-22T08:30:00.Z",
        "2026-11-22T08:30:00Zx",
        "2026-11-22T08:30:00+0800",
        "2026-11-22T08:30:00+08:000",
        "2026-11-22T08:30:00+8:00",
        "2026-11-22T08:30:00+24:00",
        "2026-11-22T08:30:00+08:60",
        "2026-11-22T24:00:00Z",
        "2026-11-22T08:60:00Z",
        "2026-11-22T08:30:61Z",
        "2026-00-22T08:30:00Z",
        "2026-13-22T08:30:00Z",
        "2026-11-00T08:30:00Z",
        "2026-11-31T08:30:00Z",
        "2026-02-29T08:30:00Z",
        "1900-02-29T08:30:00Z",
        "2026-11-22T08:30:60Z",
        "2016-12-31T23:59:60+08:00",
        "-026-11-22T08:30:00Z",
        "+2026-11-22T08:30:00Z",
        "9999-12-31T23:59:60Z",
        "9999-12-31T23:59:59-00:01",
        "0000-01-01T00:00:00+00:01",
        "2026-11-22T08:30:00\xE4\xB8\xAD",
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t ms = 77;
        const char *why = NULL;
        size_t bytes = strlen(cases[i]);
        uint8_t *copy = malloc(bytes + 1); /* exact memory but for the empty text */
        memcpy(copy, cases[i], bytes);
        if (instant_parse(&ms, (struct slice){copy, bytes}, &why)) {
            fail_msg("%s was accepted", cases[i]);
        }
        free(copy);
        assert_true(ms == 77);
        assert_true(why != NULL && strlen(why) > 10);
    }
}

/* Every prefix of a valid text ends inside exact memory. */
static void prefixes_are_refused(void **state) {
    (void)state;
    const char *whole = "2026-11-22T08:30:00.123+08:00";
    for (size_t bytes = 0; bytes < strlen(whole); bytes++) {
        uint8_t *copy = malloc(bytes + (bytes == 0));
        memcpy(copy, whole, bytes);
        int64_t ms;
        const char *why;
        assert_false(instant_parse(&ms, (struct slice){copy, bytes}, &why));
        free(copy);
    }
}

static void days_agree_with_the_c_library(void **state) {
    (void)state;
    char text[INSTANT_TEXT_BYTES + 1] = "";
    char expected[64];
    for (int64_t day = -719528; day <= 2932896; day += 37) {
        time_t seconds = (time_t)(day * 86400 + (day & 0xFFFF));
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.007Z", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        int64_t ms = (int64_t)timegm(&tm) * 1000 + 7;
        instant_format(text, ms);
        assert_string_equal(text, expected);
        assert_true(parsed(text) == ms);
        assert_true(instant_day(ms) == day);
    }
    for (int64_t day = -366 * 3; day < 366 * 140; day++) {
        instant_format(text, day * DAY_MS);
        assert_true(parsed(text) == day * DAY_MS);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_times_are_read),
        cmocka_unit_test(invalid_times_are_refused_with_a_reason),
        cmocka_unit_test(prefixes_are_refused),
        cmocka_unit_test(days_agree_with_the_c_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
