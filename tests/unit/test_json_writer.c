#include "core/text/json.h"
#include "core/text/json_writer.h"
#include "tests/unit/support.h"

static uint8_t room[4096];
static struct json_writer writer;

static void begin(size_t bytes_max) {
    memset(room, 0xee, sizeof room);
    json_writer_init(&writer, room, bytes_max);
}

static void expect(const char *text) {
    struct slice got;
    assert_int_equal(json_writer_finish(&writer, &got), STATUS_OK);
    if (!slice_is(got, text)) {
        fail_msg("%.*s is not %s", (int)got.bytes, (const char *)got.data, text);
    }
}

static void write_event(void) {
    json_write_object_begin(&writer);
    json_write_key(&writer, "incident");
    json_write_name(&writer, 'i', UINT64_MAX);
    json_write_key(&writer, "distance_m");
    json_write_f64(&writer, 31.25, 1);
    json_write_key(&writer, "alternatives");
    json_write_array_begin(&writer);
    json_write_object_begin(&writer);
    json_write_object_end(&writer);
    json_write_array_begin(&writer);
    json_write_array_end(&writer);
    json_write_i64(&writer, INT64_MIN);
    json_write_array_end(&writer);
    json_write_key(&writer, "at");
    json_write_instant(&writer, 1795485600123);
    json_write_key(&writer, "late");
    json_write_bool(&writer, true);
    json_write_key(&writer, "ticket");
    json_write_text(&writer, NULL);
    json_write_key(&writer, "count");
    json_write_u64(&writer, 0);
    json_write_object_end(&writer);
}

static const char event_text[] =
    "{\"incident\":\"i18446744073709551615\",\"distance_m\":31.3,\"alternatives\":[{},[],"
    "-9223372036854775808],\"at\":\"2026-11-24T02:00:00.123Z\",\"late\":true,\"ticket\":null,"
    "\"count\":0}";

static void structure_and_values(void **state) {
    (void)state;
    begin(sizeof room);
    write_event();
    expect(event_text);
}

static void every_shorter_buffer_is_full_and_nothing_is_written_past_it(void **state) {
    (void)state;
    for (size_t bytes_max = 0; bytes_max < sizeof event_text - 1; bytes_max++) {
        begin(bytes_max);
        write_event();
        struct slice got = {NULL, 7};
        assert_int_equal(json_writer_finish(&writer, &got), STATUS_FULL);
        assert_int_equal(got.bytes, 7);
        for (size_t i = bytes_max; i < sizeof event_text; i++) {
            assert_int_equal(room[i], 0xee);
        }
    }
    begin(sizeof event_text - 1);
    write_event();
    expect(event_text);
}

static void fixed_decimals(void **state) {
    (void)state;
    const struct {
        double value;
        unsigned decimals;
        const char *text;
    } cases[] = {
        {0, 0, "0"},
        {-0.04, 1, "0.0"},
        {-0.05, 1, "-0.1"},
        {0.5, 0, "1"},
        {1.005, 3, "1.005"},
        {-12.3456, 2, "-12.35"},
        {999.9996, 3, "1000.000"},
        {1e-9, 9, "0.000000001"},
        {123456789012.25, 2, "123456789012.25"},
        {90.0, 7, "90.0000000"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        begin(sizeof room);
        json_write_f64(&writer, cases[i].value, cases[i].decimals);
        expect(cases[i].text);
    }
}

static void strings_are_escaped(void **state) {
    (void)state;
    begin(sizeof room);
    json_write_string(&writer, SLICE_LITERAL("a\"b\\c\n\x01\x7f/\xe7\xbd\x91\xf0\x9f\x94\xa5"));
    expect("\"a\\\"b\\\\c\\u000a\\u0001\\u007f/\xe7\xbd\x91\xf0\x9f\x94\xa5\"");
    begin(sizeof room);
    json_write_string(&writer, SLICE_LITERAL("\xff|\xc0\x80|\xed\xa0\x80|\xe7\xbd"));
    expect("\"\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|"
           "\xef\xbf\xbd\xef\xbf\xbd\"");
}

/* Whatever bytes go in: what comes out is one valid JSON string. */
static void any_bytes_make_valid_json(void **state) {
    (void)state;
    static struct json_reader reader;
    uint64_t random = 1;
    for (int round = 0; round < 2000; round++) {
        uint8_t bytes[64];
        for (size_t i = 0; i < sizeof bytes; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            bytes[i] = (uint8_t)(random >> 56);
        }
        begin(sizeof room);
        json_write_string(&writer, (struct slice){bytes, (size_t)(random >> 58)});
        struct slice text;
        assert_int_equal(json_writer_finish(&writer, &text), STATUS_OK);
        struct limits limits;
        limits_init(&limits);
        struct json_bounds bounds;
        json_bounds_from(&bounds, &limits);
        json_init(&reader, &bounds, text);
        struct slice span;
        assert_true(json_skip_value(&reader, &span));
        assert_int_equal(span.bytes, text.bytes);
    }
}

static void depth_is_bounded_by_the_format(void **state) {
    (void)state;
    begin(sizeof room);
    for (int i = 0; i < JSON_WRITER_DEPTH_MAX; i++) {
        json_write_array_begin(&writer);
        json_write_u64(&writer, 1);
    }
    for (int i = 0; i < JSON_WRITER_DEPTH_MAX; i++) {
        json_write_array_end(&writer);
        if (i + 1 < JSON_WRITER_DEPTH_MAX) {
            json_write_null(&writer);
        }
    }
    expect("[1,[1,[1,[1,[1,[1,[1,[1,[1,[1,[1,[1,[1,[1,[1],null],null],null],null],null],null],null]"
           ",null],null],null],null],null],null],null]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structure_and_values),
        cmocka_unit_test(every_shorter_buffer_is_full_and_nothing_is_written_past_it),
        cmocka_unit_test(fixed_decimals),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(any_bytes_make_valid_json),
        cmocka_unit_test(depth_is_bounded_by_the_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
