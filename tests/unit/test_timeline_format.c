#include "tests/unit/support.h"

#include "server/api/timeline_format.h"
#include "tests/unit/support_report.h"

static struct support_world world;
static struct support_row memory;
static struct buffer out;

static int set_up(void **state) {
    (void)state;
    support_world_init(&world);
    buffer_init(&out);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    buffer_deinit(&out);
    support_world_deinit(&world);
    return 0;
}

static void assert_written(const char *expected) {
    buffer_append(&out, "", 1);
    assert_string_equal((const char *)out.data, expected);
    buffer_reset(&out);
}

static void cells_are_quoted_and_guarded(void **state) {
    (void)state;
    static const struct {
        const char *text, *cell;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"a,b", "\"a,b\""},
        {"say \"hi\"", "\"say \"\"hi\"\"\""},
        {"\"", "\"\"\"\""},
        {"two\nlines", "\"two\nlines\""},
        {"cr\rhere", "\"cr\rhere\""},
        {"=1+1", "'=1+1"},
        {"+86", "'+86"},
        {"-1", "'-1"},
        {"@a", "'@a"},
        {"\ta", "'\ta"},
        {"\ra", "\"'\ra\""},
        {"=\"x\"", "\"'=\"\"x\"\"\""},
        {"=a,b", "\"'=a,b\""},
        {"a=b", "a=b"},
        {" =a", " =a"},
        {"'a", "'a"},
        {"\xe6\xa3\xae\xe6\x9e\x97", "\xe6\xa3\xae\xe6\x9e\x97"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        timeline_csv_cell(&out, slice_text(cases[i].text));
        assert_written(cases[i].cell);
    }
}

static void row(const struct timeline_format *format, bool first, const char *json, unsigned flags,
                const struct position *position) {
    format->row(&out, first, support_row(&memory, json, flags, position, "s"), world.regions,
                &world.policy);
}

#define CSV_HEAD "7,report,2026-11-22T08:30:00.000Z,2026-11-22T08:30:01.000Z,g1,forest_fire,severe,"

static void csv_rows(void **state) {
    (void)state;
    const struct position position = {-30.5, -110.25};
    timeline_format_csv.begin(&out);
    assert_written("seq,kind,occurred_at,received_at,grid,category,severity,channel,id,source,lat,"
                   "lon,reporter,device,text,flags\r\n");
    row(&timeline_format_csv, true,
        "{\"id\":\"-r\",\"category\":\"forest_fire\",\"reporter\":\"=who\",\"device\":5,"
        "\"text\":\"a \\\"b\\\"\\r\\nc\",\"location\":{\"lat\":-30.5,\"lon\":-110.25}}",
        ENTRY_LOCATED | ENTRY_CLOCK_SUSPECT, &position);
    assert_written(CSV_HEAD "handheld,'-r,s,-30.5,-110.25,'=who,,\"a \"\"b\"\"\r\nc\","
                            "clock_suspect located\r\n");
    row(&timeline_format_csv, false, "{\"category\":\"forest_fire\",\"channel\":\"app\"}",
        ENTRY_DERIVED_ID, NULL);
    assert_written(CSV_HEAD "app,d-0123456789abcdeffedcba9876543210,s,,,,,,derived_id\r\n");
    timeline_format_csv.end(&out);
    assert_int_equal(out.bytes, 0);
}

/* Every letter doubled and unescaped at once: the worst case for the shared room. */
static void a_long_text_of_quotes(void **state) {
    (void)state;
    enum { QUOTES = 4096 };
    static char json[2 * QUOTES + 64], expected[2 * QUOTES + 256];
    size_t at = (size_t)snprintf(json, sizeof json, "{\"category\":\"forest_fire\",\"text\":\"");
    for (unsigned i = 0; i < QUOTES; i++) {
        memcpy(json + at, "\\\"", 2);
        at += 2;
    }
    memcpy(json + at, "\"}", 3);
    row(&timeline_format_csv, true, json, ENTRY_DERIVED_ID, NULL);
    at = (size_t)snprintf(expected, sizeof expected,
                          CSV_HEAD "handheld,d-0123456789abcdeffedcba9876543210,s,,,,,\"");
    memset(expected + at, '"', 2 * (size_t)QUOTES);
    at += 2 * (size_t)QUOTES;
    memcpy(expected + at, "\",derived_id\r\n", 15);
    assert_written(expected);
}

static void ndjson_is_one_object_a_line(void **state) {
    (void)state;
    timeline_format_ndjson.begin(&out);
    row(&timeline_format_ndjson, true, "{\n\"id\":\"a\"\n}", 0, NULL);
    row(&timeline_format_ndjson, false, "{\"id\":\"b\"}", 0, NULL);
    timeline_format_ndjson.end(&out);
    size_t lines = 0;
    for (size_t i = 0; i < out.bytes; i++) {
        lines += out.data[i] == '\n';
    }
    assert_int_equal(lines, 2);
    assert_int_equal(out.data[out.bytes - 1], '\n');
    buffer_reset(&out);
}

static void geojson_is_a_collection_also_without_features(void **state) {
    (void)state;
    timeline_format_geojson.begin(&out);
    timeline_format_geojson.end(&out);
    assert_written("{\"type\":\"FeatureCollection\",\"features\":[\n]}\n");
    timeline_format_geojson.begin(&out);
    row(&timeline_format_geojson, true, "{\"id\":\"a\"}", 0, NULL);
    row(&timeline_format_geojson, false, "{\"id\":\"b\"}", 0, NULL);
    timeline_format_geojson.end(&out);
    buffer_append(&out, "", 1);
    const char *first = strstr((const char *)out.data, "[\n{\"type\":\"Feature\"");
    assert_non_null(first);
    assert_non_null(strstr(first, "}},\n{\"type\":\"Feature\""));
    assert_non_null(strstr(first, "}}\n]}\n"));
    buffer_reset(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_quoted_and_guarded),
        cmocka_unit_test(csv_rows),
        cmocka_unit_test(a_long_text_of_quotes),
        cmocka_unit_test(ndjson_is_one_object_a_line),
        cmocka_unit_test(geojson_is_a_collection_also_without_features),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
