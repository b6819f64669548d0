#include "server/json_out.h"
#include "tests/unit/support.h"

#include <float.h>
#include <math.h>
#include <yajl/yajl_parse.h>

static struct buffer buffer;
static struct json_out out;

static int begin(void **state) {
    (void)state;
    buffer_init(&buffer);
    json_out_init(&out, &buffer);
    return 0;
}

static int end(void **state) {
    (void)state;
    buffer_deinit(&buffer);
    return 0;
}

static void assert_written(const char *expected) {
    if (!slice_is(buffer_slice(&buffer), expected)) {
        fail_msg("wrote %.*s, expected %s", (int)buffer.bytes, (const char *)buffer.data, expected);
    }
}

static void commas_and_nesting(void **state) {
    (void)state;
    json_out_object_begin(&out);
    json_out_key(&out, "a");
    json_out_u64(&out, 1);
    json_out_key_slice(&out, SLICE_LITERAL("b\""));
    json_out_array_begin(&out);
    json_out_i64(&out, INT64_MIN);
    json_out_bool(&out, true);
    json_out_bool(&out, false);
    json_out_null(&out);
    json_out_object_begin(&out);
    json_out_object_end(&out);
    json_out_raw(&out, SLICE_LITERAL("[1,2]"));
    json_out_array_end(&out);
    json_out_key(&out, "c");
    json_out_text(&out, NULL);
    json_out_object_end(&out);
    assert_written(
        "{\"a\":1,\"b\\\"\":[-9223372036854775808,true,false,null,{},[1,2]],\"c\":null}");
}

static void strings_are_escaped(void **state) {
    (void)state;
    json_out_text(&out, "q\" b\\ \b\f\n\r\t \x01\x1f\x7f / 火");
    assert_written("\"q\\\" b\\\\ \\b\\f\\n\\r\\t \\u0001\\u001f\\u007f / 火\"");
}

static void bytes_that_are_not_utf8_are_replaced(void **state) {
    (void)state;
    static const char *const bad[] = {
        "\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\xe7\x81"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        buffer_reset(&buffer);
        json_out_init(&out, &buffer);
        json_out_text(&out, bad[i]);
        yajl_handle handle = yajl_alloc(NULL, NULL, NULL);
        assert_int_equal(yajl_parse(handle, buffer.data, buffer.bytes), yajl_status_ok);
        assert_int_equal(yajl_complete_parse(handle), yajl_status_ok);
        yajl_free(handle);
        assert_int_equal(buffer.bytes, 2 + 3 * strlen(bad[i]));
    }
    static const char *const good[] = {"\xc2\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf",
                                       "\xee\x80\x80"};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        buffer_reset(&buffer);
        json_out_init(&out, &buffer);
        json_out_text(&out, good[i]);
        assert_int_equal(buffer.bytes, 2 + strlen(good[i]));
    }
}

static void doubles_are_short_and_read_back(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"}, {35.2, "35.2"}, {-0.0, "-0"}, {1e300, "1e+300"}, {3, "3"}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        buffer_reset(&buffer);
        json_out_init(&out, &buffer);
        json_out_double(&out, cases[i].value);
        assert_written(cases[i].text);
    }
    static const double exact[] = {DBL_MAX, DBL_MIN, DBL_TRUE_MIN,
                                   M_PI,    1.0 / 3, 107.79123456789012};
    for (size_t i = 0; i < ARRAY_COUNT(exact); i++) {
        buffer_reset(&buffer);
        json_out_init(&out, &buffer);
        json_out_double(&out, exact[i]);
        buffer_append(&buffer, "", 1);
        assert_true(strtod((const char *)buffer.data, NULL) == exact[i]);
    }
}

static void values_at_top_are_separated(void **state) {
    (void)state;
    json_out_u64(&out, 1);
    json_out_u64(&out, 2);
    assert_written("1,2");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(commas_and_nesting, begin, end),
        cmocka_unit_test_setup_teardown(strings_are_escaped, begin, end),
        cmocka_unit_test_setup_teardown(bytes_that_are_not_utf8_are_replaced, begin, end),
        cmocka_unit_test_setup_teardown(doubles_are_short_and_read_back, begin, end),
        cmocka_unit_test_setup_teardown(values_at_top_are_separated, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
