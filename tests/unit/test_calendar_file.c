#include "core/time/clock.h"
#include "server/rules/calendar_file.h"
#include "tests/unit/support.h"
#include "tests/unit/support_calendar.h"

static struct calendar_set set, before;

static enum status load_text(const char *text, struct error *error) {
    char path[4200];
    const char *directory = support_temporary_directory();
    snprintf(path, sizeof path, "%s/calendar.yaml", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    enum status status = calendar_file_read(&set, path, error);
    support_remove_tree(directory);
    return status;
}

static void taken(const char *text) {
    struct error error = {""};
    enum status status = load_text(text, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, STATUS_OK);
}

static const struct calendar *named(const char *name) {
    const struct calendar *found = calendar_set_find(&set, slice_text(name));
    assert_non_null(found);
    return found;
}

static void due_is(const struct calendar *calendar, enum metering metering, const char *from,
                   int64_t limit, const char *due) {
    struct clock clock;
    int64_t ms;
    clock_start(&clock, calendar, metering, limit, support_ms(from));
    assert_int_equal(clock_due_ms(&clock, calendar, &ms), STATUS_OK);
    support_assert_instant(ms, due);
}

/* Days off from Monday to Friday, and days at work on weekends, of a year. */
static void count_year(const struct calendar *calendar, const char *first, unsigned *ret_off,
                       unsigned *ret_make_up) {
    int32_t day = support_day(first);
    *ret_off = *ret_make_up = 0;
    for (unsigned i = 0; i < 365; i++, day++) {
        enum calendar_pattern pattern = calendar_pattern_of(calendar, day);
        bool is_weekend = (day + 3) % 7 >= 5;
        *ret_off += !is_weekend && pattern == CALENDAR_HOLIDAY;
        *ret_make_up += is_weekend && pattern == CALENDAR_WORKDAY;
    }
}

static void the_default_is_the_arrangement_of_the_state_council(void **state) {
    (void)state;
    struct error error = {""};
    unsigned off, make_up;
    enum status status = calendar_file_read(&set, "", &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(set.calendars_count, 1);
    assert_int_equal(set.regions_count, 0);
    const struct calendar *cn = named("cn");
    assert_int_equal(cn->offset_s, 28800);
    assert_int_equal(cn->day_rule, DAY_RULE_CLOSE_OF_NTH_DAY);
    assert_int_equal(calendar_scale(cn, METERING_WORK_HOUR), 1000);
    assert_int_equal(cn->patterns[CALENDAR_WORKDAY].attendance_s, 7 * 3600);
    /* 13 statutory days, of which those on weekdays plus what make-up days pay for. */
    count_year(cn, "2025-01-01", &off, &make_up);
    assert_int_equal(off, 18);
    assert_int_equal(make_up, 5);
    count_year(cn, "2026-01-01", &off, &make_up);
    assert_int_equal(off, 19);
    assert_int_equal(make_up, 6);
    count_year(cn, "2027-01-01", &off, &make_up);
    assert_int_equal(off, 7);
    assert_int_equal(make_up, 0);
}

static void deadlines_under_the_default(void **state) {
    (void)state;
    struct error error;
    assert_int_equal(calendar_file_read(&set, "", &error), STATUS_OK);
    const struct calendar *cn = named("cn");
    /* Spring Festival of 2026: the 14th is a make-up Saturday, then nine days off. */
    due_is(cn, METERING_WORK_HOUR, "2026-02-13T17:00:00", 7 * 3600, "2026-02-14T17:00:00");
    due_is(cn, METERING_WORK_HOUR, "2026-02-14T17:00:00", 3600, "2026-02-24T09:00:00");
    due_is(cn, METERING_WORK_DAY, "2026-02-13T09:00:00", 2, "2026-02-24T17:30:00");
    due_is(cn, METERING_WORK_DAY, "2026-02-27T09:00:00", 1, "2026-02-28T17:30:00");
    /* New Year 2026: the 4th is a make-up Sunday. */
    due_is(cn, METERING_WORK_DAY, "2025-12-31T17:29:00", 1, "2026-01-04T17:30:00");
    due_is(cn, METERING_WORK_HOUR, "2025-09-30T17:00:00", 3600, "2025-10-09T09:00:00");
    due_is(cn, METERING_URGENT_HOUR, "2025-09-30T17:00:00", 3600, "2025-09-30T18:00:00");
}

static void the_built_in_copy_is_the_file(void **state) {
    (void)state;
    struct error error;
    assert_int_equal(calendar_file_read(&before, "", &error), STATUS_OK);
    assert_int_equal(
        calendar_file_read(&set, GRIDD_SOURCE_DIR "/server/policy/calendar-cn.yaml", &error),
        STATUS_OK);
    assert_int_equal(set.version, before.version);
    assert_int_equal(named("cn")->tag, before.calendars[0].tag);
    assert_int_equal(named("cn")->exceptions_count, before.calendars[0].exceptions_count);
}

#define HEAD "version: 3\ncalendars:\n"
#define OFFICE "- name: cn\n  utc_offset: '+08:00'\n  week:\n"
#define WEEK "  - {days: [monday, friday], attendance: ['08:00-12:00', '13:00-17:00']}\n"
#define CN HEAD OFFICE WEEK

static void a_small_file_is_read(void **state) {
    (void)state;
    taken(CN "  holidays: [{date: 2026-11-30}]\n"
             "  workdays: [{date: 2026-11-29, like: monday}, {date: 2026-11-28}]\n"
             "- {name: county, based_on: cn, day_rule: rolling, workdays: [{date: 2026-11-30}]}\n"
             "- name: port\n  based_on: cn\n  utc_offset: '-05:30'\n  week:\n"
             "  - {days: [sunday], attendance: ['00:00-24:00']}\n"
             "  - {days: [monday, workday], attendance: ['20:00-22:00']}\n"
             "regions:\n- {code: '610428', calendar: county}\n- {code: 港口, calendar: port}\n");
    assert_int_equal(set.version, 3);
    assert_int_equal(set.calendars_count, 3);
    assert_int_equal(set.regions_count, 2);
    assert_string_equal(set.regions[1].code, "港口");
    assert_int_equal(set.regions[1].calendar, 2);
    const struct calendar *cn = named("cn"), *county = named("county"), *port = named("port");
    assert_int_equal(cn->version, 3);
    assert_int_equal(cn->patterns[CALENDAR_WORKDAY].attendance_s, 8 * 3600);
    assert_int_equal(cn->patterns[CALENDAR_TUESDAY].intervals_count, 0);
    assert_int_equal(calendar_pattern_of(cn, support_day("2026-11-29")), CALENDAR_MONDAY);
    assert_int_equal(calendar_pattern_of(cn, support_day("2026-11-28")), CALENDAR_WORKDAY);
    assert_int_equal(calendar_pattern_of(cn, support_day("2026-11-30")), CALENDAR_HOLIDAY);
    assert_int_equal(calendar_pattern_of(county, support_day("2026-11-30")), CALENDAR_WORKDAY);
    assert_int_equal(county->day_rule, DAY_RULE_ROLLING);
    assert_int_equal(county->offset_s, 28800);
    assert_int_equal(port->offset_s, -19800);
    assert_int_equal(port->patterns[CALENDAR_FRIDAY].intervals_count, 0);
    assert_int_equal(port->patterns[CALENDAR_SUNDAY].attendance_s, CALENDAR_DAY_S);
    assert_int_equal(port->patterns[CALENDAR_WORKDAY].attendance_s, 2 * 3600);
}

static const struct {
    const char *text, *line, *reason;
} refusals[] = {
    {"", ":1: ", "empty"},
    {CN "more: 1\n", ":7: ", "more: there is no such key"},
    {"version: 0\ncalendars:\n" OFFICE WEEK, ":1: ", "version"},
    {"version: x\ncalendars:\n" OFFICE WEEK, ":1: ", "version"},
    {"version: 1\ncalendars: []\n", ":2: ", "calendars"},
    {"version: 1\n", ":1: ", "the key calendars is missing"},
    {HEAD "- {name: Cn, utc_offset: '+08:00'}\n", ":3: ", "calendars[0].name: "},
    {HEAD "- name: cn\n  utc_offset: '+08:00'\n", ":3: ", "calendars[0]: the key week is missing"},
    {HEAD "- name: cn\n  week:\n" WEEK, ":3: ", "calendars[0]: the key utc_offset is missing"},
    {HEAD "- name: cn\n  utc_offset: '08:00'\n  week:\n" WEEK,
     ":4: ", "utc_offset: is not written"},
    {HEAD "- name: cn\n  utc_offset: '+14:01'\n  week:\n" WEEK, ":4: ", "utc_offset: is more than"},
    {HEAD "- name: cn\n  utc_offset: '+8'\n  week:\n" WEEK, ":4: ", "utc_offset"},
    {HEAD "- name: cn\n  utc_offset: '+08:60'\n  week:\n" WEEK, ":4: ", "utc_offset"},
    {CN "  day_rule: nth\n", ":7: ", "calendars[0].day_rule: is neither"},
    {CN "  zone: x\n", ":7: ", "calendars[0].zone: there is no such key"},
    {CN "- {name: cn, based_on: cn}\n", ":7: ", "calendars[1].name: there is a calendar"},
    {CN "- {name: x, based_on: y}\n", ":7: ", "calendars[1].based_on: "},
    {CN "- {name: x, based_on: x}\n", ":7: ", "calendars[1].based_on: "},
    {HEAD OFFICE "  - {days: [], attendance: ['08:00-12:00']}\n", ":6: ", "days"},
    {HEAD OFFICE "  - {days: [monday], attendance: []}\n", ":6: ", "attendance"},
    {HEAD OFFICE "  - {days: [Monday], attendance: ['08:00-12:00']}\n", ":6: ", "days[0]: is none"},
    {HEAD OFFICE "  - {days: [holiday], attendance: ['08:00-12:00']}\n",
     ":6: ", "days[0]: is none"},
    {CN "  - {days: [tuesday, friday], attendance: ['08:00-12:00']}\n",
     ":7: ", "calendars[0].week[1].days[1]: stands twice"},
    {CN "  - {days: [tuesday], attendance: ['08:00-12:00', '8-9']}\n",
     ":7: ", "calendars[0].week[1].attendance[1]: is not written"},
    {CN "  - {days: [tuesday], attendance: ['08:00-12:00 ']}\n", ":7: ", "attendance[0]"},
    {CN "  - {days: [tuesday], attendance: ['08:00-24:01']}\n", ":7: ", "attendance[0]"},
    {CN "  - {days: [tuesday], attendance: ['08:60-12:00']}\n", ":7: ", "attendance[0]"},
    {CN "  - {days: [tuesday], attendance: ['22:00-06:00']}\n",
     ":7: ", "attendance[0]: ends before"},
    {CN "  - {days: [tuesday], attendance: ['08:00-12:00', '12:00-14:00']}\n",
     ":7: ", "calendars[0].week[1].attendance: an interval does not begin after"},
    {CN "  - {days: [tuesday], attendance: ['01:00-02:00', '03:00-04:00', '05:00-06:00', "
        "'07:00-08:00', '09:00-10:00']}\n",
     ":7: ", "attendance"},
    {HEAD OFFICE "  - {days: [workday], attendance: ['08:00-12:00']}\n",
     ":3: ", "calendars[0]: no day of the week"},
    {HEAD OFFICE "  - {days: [tuesday], attendance: ['08:00-12:00']}\n",
     ":3: ", "calendars[0]: the default working day"},
    {CN "  holidays:\n  - {date: 2026-02-29}\n", ":8: ", "holidays[0].date: the month has no such"},
    {CN "  holidays:\n  - {date: 2026-2-1}\n", ":8: ", "holidays[0].date: the date is not written"},
    {CN "  holidays:\n  - {date: 2026-02-01T}\n", ":8: ", "holidays[0].date"},
    {CN "  holidays:\n  - {date: 2026-02-01, until: 2026-01-31}\n", ":8: ", "holidays[0].until: "},
    {CN "  holidays:\n  - {date: 2026-02-01, until: 2027-02-03}\n", ":8: ", "holidays[0].until: "},
    {CN "  holidays:\n  - {date: 2026-02-01, until: x}\n", ":8: ", "holidays[0].until: "},
    {CN "  holidays:\n  - {date: 2026-02-01}\n  - {date: 2026-01-31, until: 2026-02-02}\n",
     ":9: ", "calendars[0].holidays[1].date: the date stands twice"},
    {CN "  holidays:\n  - {name: x}\n", ":8: ", "date"},
    {CN "  holidays:\n  - {date: 2026-02-01, like: monday}\n", ":8: ", "like"},
    {CN "  holidays: [{date: 2026-02-01}]\n  workdays: [{date: 2026-02-01}]\n",
     ":8: ", "calendars[0].workdays[0].date: the date stands twice"},
    {CN "  workdays:\n  - {date: 2026-02-01, like: holiday}\n",
     ":8: ", "workdays[0].like: is none"},
    {CN "  workdays:\n  - {date: 2026-02-01, like: sunday}\n",
     ":8: ", "calendars[0].workdays[0].like: is to be like a day without attendance"},
    {CN "  workdays: [{date: 2026-02-01, like: friday}]\n"
        "- name: x\n  based_on: cn\n  week:\n"
        "  - {days: [monday], attendance: ['08:00-12:00']}\n",
     ":8: ", "calendars[1]: a make-up workday is to be like"},
    {CN "regions:\n- {code: '1', calendar: x}\n", ":8: ", "regions[0]: there is no calendar"},
    {CN "regions:\n- {code: '', calendar: cn}\n", ":8: ", "regions[0]: a region code"},
    {CN "regions:\n- {code: '1', calendar: cn}\n- {code: '1', calendar: cn}\n",
     ":9: ", "regions[1]: the region stands there already"},
    {CN "regions:\n- {code: '1'}\n", ":8: ", "the key calendar is missing"},
    {"version: 1\ncalendars: &x []\n", ":2: ", "anchor"},
};

static void bad_files_are_refused_with_line_and_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(refusals); i++) {
        struct error error = {""};
        memset(&set, 0x5a, sizeof set);
        memcpy(&before, &set, sizeof set);
        enum status status = load_text(refusals[i].text, &error);
        if (status != STATUS_INVALID || strstr(error.message, refusals[i].line) == NULL ||
            strstr(error.message, refusals[i].reason) == NULL) {
            fail_msg("%zu: \"%s\" names not both \"%s\" and \"%s\"", i, error.message,
                     refusals[i].line, refusals[i].reason);
        }
        assert_memory_equal(&before, &set, sizeof set);
    }
}

/* A file with that many calendars, regions, and holidays in the first calendar. */
static char *file_of(unsigned calendars, unsigned regions, unsigned holidays) {
    size_t room = 200 + 64 * ((size_t)calendars + regions + holidays), used;
    char *text = malloc(room);
    assert_non_null(text);
    used = (size_t)snprintf(text, room, "%s  holidays:\n", CN);
    for (unsigned i = 0; i < holidays; i++) {
        used += (size_t)snprintf(text + used, room - used, "  - {date: %u-%02u-%02u}\n",
                                 2000 + i / 300, 1 + i / 25 % 12, 1 + i % 25);
    }
    for (unsigned i = 1; i < calendars; i++) {
        used += (size_t)snprintf(text + used, room - used, "- {name: c%u, based_on: cn}\n", i);
    }
    used += (size_t)snprintf(text + used, room - used, "regions:\n");
    for (unsigned i = 0; i < regions; i++) {
        used += (size_t)snprintf(text + used, room - used, "- {code: r%u, calendar: cn}\n", i);
    }
    return text;
}

static void bound_is(unsigned calendars, unsigned regions, unsigned holidays, const char *reason) {
    struct error error = {""};
    char *text = file_of(calendars, regions, holidays);
    enum status status = load_text(text, &error);
    free(text);
    if (reason == NULL) {
        assert_string_equal(error.message, "");
        assert_int_equal(status, STATUS_OK);
    } else {
        assert_int_equal(status, STATUS_INVALID);
        assert_non_null(strstr(error.message, reason));
    }
}

static void tables_fill_to_their_bounds_and_no_further(void **state) {
    (void)state;
    bound_is(CALENDARS_MAX, CALENDAR_REGIONS_MAX, CALENDAR_EXCEPTIONS_MAX, NULL);
    assert_int_equal(set.calendars[CALENDARS_MAX - 1].exceptions_count, CALENDAR_EXCEPTIONS_MAX);
    bound_is(CALENDARS_MAX + 1, 1, 1, "calendars");
    bound_is(1, CALENDAR_REGIONS_MAX + 1, 1, "regions");
    bound_is(1, 1, CALENDAR_EXCEPTIONS_MAX + 1, "holidays");
    struct error error = {""};
    assert_int_equal(load_text(CN "  holidays:\n  - {date: 2026-01-01, until: 2026-12-31}\n"
                                  "  - {date: 2027-01-01, until: 2027-12-31}\n",
                               &error),
                     STATUS_INVALID);
    assert_non_null(strstr(error.message, ":9: calendars[0].holidays[1].date: a calendar has at "
                                          "most 512"));
}

static void a_missing_file_is_not_found(void **state) {
    (void)state;
    struct error error;
    assert_int_equal(calendar_file_read(&set, "/nonexistent/calendar.yaml", &error),
                     STATUS_NOT_FOUND);
    assert_non_null(strstr(error.message, "/nonexistent/calendar.yaml"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_is_the_arrangement_of_the_state_council),
        cmocka_unit_test(deadlines_under_the_default),
        cmocka_unit_test(the_built_in_copy_is_the_file),
        cmocka_unit_test(a_small_file_is_read),
        cmocka_unit_test(bad_files_are_refused_with_line_and_reason),
        cmocka_unit_test(tables_fill_to_their_bounds_and_no_further),
        cmocka_unit_test(a_missing_file_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
