#include "tests/unit/support.h"

#include "server/report_json.h"
#include "server/report_view.h"
#include "tests/unit/support_report.h"

static struct support_world world;
static struct support_row memory;
static char text[1 << 17];

static int set_up(void **state) {
    (void)state;
    support_world_init(&world);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    support_world_deinit(&world);
    return 0;
}

typedef void (*writer)(struct json_out *, const struct timeline_row *, const struct region_table *,
                       const struct policy *);

static const char *write_row(writer write, const struct timeline_row *row) {
    struct buffer buffer;
    buffer_init(&buffer);
    struct json_out out;
    json_out_init(&out, &buffer);
    write(&out, row, world.regions, &world.policy);
    assert_true(buffer.bytes < sizeof text);
    memcpy(text, buffer.data, buffer.bytes);
    text[buffer.bytes] = '\0';
    buffer_deinit(&buffer);
    return text;
}

#define HEAD                                                                                       \
    "{\"seq\":7,\"kind\":\"report\",\"occurred_at\":\"2026-11-22T08:30:00.000Z\","                 \
    "\"received_at\":\"2026-11-22T08:30:01.000Z\",\"grid\":\"g1\",\"category\":\"forest_fire\","   \
    "\"severity\":\"severe\","
#define NULLS "\"incident\":null,\"ticket\":null"

static void a_small_report(void **state) {
    (void)state;
    const struct timeline_row *row = support_row(
        &memory,
        "{\"id\":\"r-1\",\"category\":\"forest_fire\",\"grid\":\"g1\","
        "\"occurred_at\":\"2026-11-22T16:30:00+08:00\",\"text\":\"smoke \\\"here\\\"\"}",
        0, NULL, "anonymous");
    assert_string_equal(write_row(report_json_write, row),
                        HEAD "\"channel\":\"handheld\",\"id\":\"r-1\",\"source\":\"anonymous\","
                             "\"flags\":[]," NULLS ",\"text\":\"smoke \\\"here\\\"\"}");
}

static void what_we_say_replaces_what_was_given(void **state) {
    (void)state;
    const struct timeline_row *row =
        support_row(&memory,
                    "{\"\\u0069d\":\"r\\u002d1\",\"source\":\"s\",\"category\":\"forest_fire\","
                    "\"severity\":\"minor\",\"seq\":1,\"kind\":2,\"flags\":{\"a\":[]},"
                    "\"incident\":4,\"match\":5,\"ticket\":6,\"received_at\":7,"
                    "\"location_given\":8,\"occurred_at_given\":9,\"channel\":\"hotline\","
                    "\"sent_at\":\"2026-11-22T16:30:00.5+08:00\",\"bearing\":{\"azimuth_deg\":1},"
                    "\"seqs\":[1,{\"seq\":2}],\"se\\u0071\":3}",
                    0, NULL, NULL);
    assert_string_equal(write_row(report_json_write, row),
                        HEAD "\"channel\":\"hotline\",\"id\":\"r\\u002d1\",\"source\":\"s\","
                             "\"flags\":[]," NULLS ",\"sent_at\":\"2026-11-22T08:30:00.500Z\","
                             "\"bearing\":{\"azimuth_deg\":1},\"seqs\":[1,{\"seq\":2}]}");
}

static void a_wgs84_position_keeps_its_digits(void **state) {
    (void)state;
    const struct position position = {30.10, -110.2};
    const struct timeline_row *row = support_row(
        &memory,
        "{\"id\":\"r\",\"category\":\"forest_fire\",\"location\":{\"lat\":30.10,\"lon\":-1.102e2,"
        "\"accuracy_m\":5,\"crs\":\"wgs84\"}}",
        ENTRY_LOCATED, &position, NULL);
    assert_string_equal(write_row(report_json_write, row),
                        HEAD "\"channel\":\"handheld\",\"id\":\"r\",\"source\":null,\"location\":"
                             "{\"lat\":30.10,\"lon\":-1.102e2,\"accuracy_m\":5,\"crs\":\"wgs84\"},"
                             "\"flags\":[\"located\"]," NULLS "}");
}

static void a_converted_position_shows_both(void **state) {
    (void)state;
    const struct position position = {39.907500004, -0.000000014};
    const struct timeline_row *row = support_row(
        &memory,
        "{\"id\":\"r\",\"category\":\"forest_fire\",\"location\":{\"lat\":39.9,\"lon\":0.1,"
        "\"crs\":\"gcj02\"}}",
        0, &position, NULL);
    assert_non_null(
        strstr(write_row(report_json_write, row),
               "\"location\":{\"lat\":39.9075,\"lon\":-0.00000001,\"crs\":\"wgs84\"},\"flags\":[],"
               "" NULLS ",\"location_given\":{\"lat\":39.9,\"lon\":0.1,\"crs\":\"gcj02\"}}"));
}

static void degrees_have_eight_decimals_at_most(void **state) {
    (void)state;
    static const struct {
        double degrees;
        const char *text;
    } cases[] = {{0, "0"},
                 {-0.0, "0"},
                 {180, "180"},
                 {-180, "-180"},
                 {100.5, "100.5"},
                 {0.1, "0.1"},
                 {-0.25, "-0.25"},
                 {1e-9, "0"},
                 {-1e-9, "0"},
                 {1e-8, "0.00000001"},
                 {89.999999994, "89.99999999"},
                 {89.999999996, "90"},
                 {116.39747, "116.39747"}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct report_view view = {.record = {.has_position = true}};
        char scratch[REPORT_NUMBER_BYTES_MAX];
        view.record.position = (struct position){cases[i].degrees, cases[i].degrees / 2};
        struct slice shown = report_lat_text(&view, scratch);
        assert_int_equal(shown.bytes, strlen(cases[i].text));
        assert_memory_equal(shown.data, cases[i].text, shown.bytes);
    }
}

static void flags_and_a_derived_id(void **state) {
    (void)state;
    const struct timeline_row *row = support_row(
        &memory,
        "{\"category\":\"forest_fire\",\"id\":null,\"occurred_at\":\"2190-01-01T00:00:00Z\"}",
        ENTRY_CLOCK_SUSPECT | ENTRY_DERIVED_ID | ENTRY_LOCATED, NULL, "s");
    assert_string_equal(write_row(report_json_write, row),
                        HEAD "\"channel\":\"handheld\","
                             "\"id\":\"d-0123456789abcdeffedcba9876543210\",\"source\":\"s\","
                             "\"flags\":[\"clock_suspect\",\"derived_id\",\"located\"]," NULLS
                             ",\"occurred_at_given\":\"2190-01-01T00:00:00Z\"}");
}

static void everything_stands_on_one_line(void **state) {
    (void)state;
    const struct position position = {1, 2};
    const struct timeline_row *row = support_row(
        &memory,
        "{\r\n \"category\" : \"forest_fire\",\n \"id\":\"r\", \"location\":{\"lat\":\n1,"
        "\r\"lon\":2},\n\"attributes\"\n:\r\n{\"a\":\n[1,\n2], \"b\":\"x\\ny\"}\n}",
        0, &position, NULL);
    const writer writers[] = {report_json_write, report_json_write_feature,
                              report_json_write_event};
    for (size_t i = 0; i < ARRAY_COUNT(writers); i++) {
        const char *line = write_row(writers[i], row);
        assert_null(strpbrk(line, "\r\n"));
    }
    assert_non_null(strstr(write_row(report_json_write, row),
                           ",\"attributes\" :  {\"a\": [1, 2], \"b\":\"x\\ny\"}}"));
}

static void as_many_members_as_a_report_may_have(void **state) {
    (void)state;
    static char json[1 << 14];
    size_t length = (size_t)snprintf(json, sizeof json, "{\"category\":\"forest_fire\"");
    for (unsigned i = 1; i < JSON_KEYS_CAP; i++) {
        length += (size_t)snprintf(json + length, sizeof json - length, ",\"k%u\":%u", i, i);
    }
    snprintf(json + length, sizeof json - length, "}");
    const char *line = write_row(report_json_write, support_row(&memory, json, 0, NULL, "s"));
    assert_non_null(strstr(line, NULLS ",\"k1\":1,"));
    assert_non_null(strstr(line, ",\"k255\":255}"));
}

static void a_feature_has_its_longitude_first(void **state) {
    (void)state;
    const struct position position = {30.5, 110.25};
    const char *json = "{\"id\":\"r\",\"category\":\"forest_fire\","
                       "\"location\":{\"lat\":30.5,\"lon\":110.25}}";
    assert_string_equal(
        write_row(report_json_write_feature, support_row(&memory, json, 0, &position, "s")),
        "{\"type\":\"Feature\",\"id\":7,\"geometry\":{\"type\":\"Point\","
        "\"coordinates\":[110.25,30.5]},\"properties\":" HEAD
        "\"channel\":\"handheld\",\"id\":\"r\",\"source\":\"s\",\"flags\":[]," NULLS "}}");
    assert_non_null(
        strstr(write_row(report_json_write_feature,
                         support_row(&memory, "{\"category\":\"forest_fire\"}", 0, NULL, "s")),
               "\"geometry\":null,\"properties\":{"));
}

static void an_event_shows_where_and_what(void **state) {
    (void)state;
    const struct position position = {30.5, 110.25};
    const struct timeline_row *row =
        support_row(&memory,
                    "{\"id\":\"r\",\"category\":\"forest_fire\",\"text\":\"long\","
                    "\"location\":{\"lat\":30.5,\"lon\":110.25}}",
                    0, &position, "s");
    assert_string_equal(
        write_row(report_json_write_event, row),
        "{\"kind\":\"report\",\"seq\":7,\"grid\":\"g1\",\"path\":[\"c\",\"c1\",\"g1\"],"
        "\"category\":\"forest_fire\",\"severity\":\"severe\",\"light\":null,\"incident\":null,"
        "\"ticket\":null,"
        "\"title\":\"Forest fire \xc2\xb7 Grid\",\"id\":\"r\",\"source\":\"s\","
        "\"occurred_at\":\"2026-11-22T08:30:00.000Z\","
        "\"received_at\":\"2026-11-22T08:30:01.000Z\","
        "\"location\":{\"lat\":30.5,\"lon\":110.25}}");
}

static void what_the_policy_and_the_tree_no_longer_know(void **state) {
    (void)state;
    support_row(&memory, "{\"id\":\"r\",\"category\":\"gone\\u0021\"}", 0, NULL, "s");
    memory.row.entry.category_tag = 1;
    memory.row.entry.region = 3;
    const char *line = write_row(report_json_write_event, &memory.row);
    assert_non_null(strstr(line, "\"grid\":null,\"path\":[],\"category\":\"gone\\u0021\""));
    assert_non_null(strstr(line, "\"title\":\"gone!"));
}

static void a_damaged_record_still_gives_an_object(void **state) {
    (void)state;
    support_row(&memory, "{\"id\":\"r\",\"category\":\"forest_fire\"}", 0, NULL, "s");
    memory.row.record.bytes = 3;
    assert_string_equal(write_row(report_json_write, &memory.row),
                        "{\"seq\":7,\"kind\":\"report\",\"occurred_at\":\"2026-11-22T08:30:00.000Z"
                        "\",\"received_at\":\"2026-11-22T08:30:01.000Z\",\"grid\":\"g1\","
                        "\"category\":null,\"severity\":\"severe\",\"channel\":\"handheld\","
                        "\"id\":null,\"source\":null,\"flags\":[]," NULLS "}");
}

static void one_member_as_text(void **state) {
    (void)state;
    uint8_t to[1024];
    const struct timeline_row *row = support_row(
        &memory, "{\"text\":\"a\\u00e9\\n\",\"reporter\":\"\",\"device\":5}", 0, NULL, "s");
    const struct report_view *view = report_view_of(row);
    assert_true(slice_is(report_view_text(view->given[REPORT_MEMBER_TEXT], to), "a\xc3\xa9\n"));
    assert_int_equal(report_view_text(view->given[REPORT_MEMBER_REPORTER], to).bytes, 0);
    assert_int_equal(report_view_text(view->given[REPORT_MEMBER_DEVICE], to).bytes, 0);
    assert_int_equal(report_view_text(view->given[REPORT_MEMBER_CHANNEL], to).bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_report),
        cmocka_unit_test(what_we_say_replaces_what_was_given),
        cmocka_unit_test(a_wgs84_position_keeps_its_digits),
        cmocka_unit_test(a_converted_position_shows_both),
        cmocka_unit_test(degrees_have_eight_decimals_at_most),
        cmocka_unit_test(flags_and_a_derived_id),
        cmocka_unit_test(everything_stands_on_one_line),
        cmocka_unit_test(as_many_members_as_a_report_may_have),
        cmocka_unit_test(a_feature_has_its_longitude_first),
        cmocka_unit_test(an_event_shows_where_and_what),
        cmocka_unit_test(what_the_policy_and_the_tree_no_longer_know),
        cmocka_unit_test(a_damaged_record_still_gives_an_object),
        cmocka_unit_test(one_member_as_text),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
