#include "core/time/calendar_set.h"
#include "tests/unit/support.h"
#include "tests/unit/support_calendar.h"
#include "tests/unit/support_region.h"

static struct calendar_set set;
static struct calendar_map map;
static struct calendar office;

static enum status add_calendar(const char *name) {
    struct error error;
    support_calendar_office(&office);
    memset(office.name, 0, sizeof office.name);
    memcpy(office.name, name, strlen(name));
    support_calendar_seal(&office);
    return calendar_set_add(&set, &office, &error);
}

static enum status add_region(const char *code, const char *calendar) {
    struct error error;
    return calendar_set_add_region(&set, slice_text(code), slice_text(calendar), &error);
}

static const char *calendar_of(const struct region_table *table, const char *code) {
    uint32_t path[REGION_DEPTH_CAP];
    uint32_t id = region_find(table, slice_text(code));
    assert_true(id != REGION_NONE);
    return calendar_of_path(&set, &map, path, region_path(table, id, path))->name;
}

static void the_nearest_ancestor_decides(void **state) {
    (void)state;
    struct support_upload upload = {0};
    void *memory;
    uint32_t unknown;
    support_upload_add(&upload, "city", "", 1);
    support_upload_add(&upload, "county", "city", 2);
    support_upload_add(&upload, "town", "county", 3);
    support_upload_add(&upload, "village", "town", 4);
    support_upload_add(&upload, "other", "city", 2);
    struct region_table *table = support_table(&memory, NULL, &upload);
    calendar_set_init(&set, 1);
    assert_int_equal(add_calendar("cn"), STATUS_OK);
    assert_int_equal(add_calendar("summer"), STATUS_OK);
    assert_int_equal(add_calendar("market"), STATUS_OK);
    assert_int_equal(add_region("town", "market"), STATUS_OK);
    assert_int_equal(add_region("nowhere", "market"), STATUS_OK);
    assert_int_equal(add_region("county", "summer"), STATUS_OK);
    assert_int_equal(add_region("village", "cn"), STATUS_OK);
    assert_int_equal(calendar_map_build(&map, &set, table, &unknown), 1);
    assert_int_equal(unknown, 1);
    assert_int_equal(map.count, 3);
    assert_string_equal(calendar_of(table, "city"), "cn");
    assert_string_equal(calendar_of(table, "other"), "cn");
    assert_string_equal(calendar_of(table, "county"), "summer");
    assert_string_equal(calendar_of(table, "town"), "market");
    assert_string_equal(calendar_of(table, "village"), "cn");
    assert_string_equal(calendar_of_path(&set, &map, NULL, 0)->name, "cn");
    support_upload_free(&upload);
    free(memory);
}

static void tables_fill_to_their_bounds(void **state) {
    (void)state;
    char name[32];
    calendar_set_init(&set, 1);
    for (unsigned i = 0; i < CALENDARS_MAX; i++) {
        snprintf(name, sizeof name, "c%u", i);
        assert_int_equal(add_calendar(name), STATUS_OK);
    }
    assert_int_equal(add_calendar("c3"), STATUS_INVALID);
    assert_int_equal(add_calendar("more"), STATUS_FULL);
    for (unsigned i = 0; i < CALENDAR_REGIONS_MAX; i++) {
        snprintf(name, sizeof name, "r%u", i);
        assert_int_equal(add_region(name, "c7"), STATUS_OK);
    }
    assert_int_equal(add_region("r9", "c7"), STATUS_INVALID);
    assert_int_equal(add_region("more", "c7"), STATUS_FULL);
}

static void bad_regions_are_refused(void **state) {
    (void)state;
    char code[REGION_CODE_BYTES_CAP + 2];
    struct error error;
    calendar_set_init(&set, 1);
    assert_int_equal(add_calendar("cn"), STATUS_OK);
    assert_int_equal(add_region("", "cn"), STATUS_INVALID);
    assert_int_equal(add_region("county", "cm"), STATUS_INVALID);
    memset(code, 'x', sizeof code);
    code[REGION_CODE_BYTES_CAP] = '\0';
    assert_int_equal(add_region(code, "cn"), STATUS_OK);
    code[REGION_CODE_BYTES_CAP] = 'x';
    code[REGION_CODE_BYTES_CAP + 1] = '\0';
    assert_int_equal(add_region(code, "cn"), STATUS_INVALID);
    assert_int_equal(calendar_set_add_region(&set, (struct slice){(const uint8_t *)"a\0b", 3},
                                             SLICE_LITERAL("cn"), &error),
                     STATUS_INVALID);
    assert_null(calendar_set_find(&set, SLICE_LITERAL("")));
}

static void a_full_map_is_found_whatever_the_order(void **state) {
    (void)state;
    struct support_upload upload = {0};
    void *memory;
    uint32_t unknown;
    char code[32];
    support_upload_add(&upload, "root", "", 0);
    for (unsigned i = 0; i < 300; i++) {
        snprintf(code, sizeof code, "r%u", i);
        support_upload_add(&upload, code, "root", 1);
    }
    struct region_table *table = support_table(&memory, NULL, &upload);
    calendar_set_init(&set, 1);
    assert_int_equal(add_calendar("cn"), STATUS_OK);
    assert_int_equal(add_calendar("odd"), STATUS_OK);
    for (unsigned i = 0; i < CALENDAR_REGIONS_MAX; i++) {
        snprintf(code, sizeof code, "r%u", i * 77 % CALENDAR_REGIONS_MAX);
        assert_int_equal(add_region(code, i * 77 % 2 == 1 ? "odd" : "cn"), STATUS_OK);
    }
    assert_int_equal(calendar_map_build(&map, &set, table, &unknown), 0);
    assert_int_equal(unknown, CALENDAR_REGIONS_MAX);
    for (unsigned i = 0; i < 300; i++) {
        snprintf(code, sizeof code, "r%u", i);
        bool is_odd = i < CALENDAR_REGIONS_MAX && i % 2 == 1;
        assert_string_equal(calendar_of(table, code), is_odd ? "odd" : "cn");
    }
    support_upload_free(&upload);
    free(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_ancestor_decides),
        cmocka_unit_test(tables_fill_to_their_bounds),
        cmocka_unit_test(bad_regions_are_refused),
        cmocka_unit_test(a_full_map_is_found_whatever_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
