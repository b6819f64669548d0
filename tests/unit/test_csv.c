#include "core/text/csv.h"
#include "tests/unit/support.h"

enum { FIELDS_MAX = 4 };

static struct slice fields[FIELDS_MAX];
static uint8_t scratch[256];

static size_t split(const char *record) {
    size_t count = 0;
    const char *why = NULL;
    if (!csv_split(fields, FIELDS_MAX, &count, slice_text(record), scratch, strlen(record), &why)) {
        assert_non_null(why);
        return 0;
    }
    assert_null(why);
    return count;
}

static void fields_are_split_and_unquoted(void **state) {
    (void)state;
    assert_int_equal(split("a,b,,d"), 4);
    assert_true(slice_is(fields[0], "a") && slice_is(fields[2], "") && slice_is(fields[3], "d"));
    assert_int_equal(split(""), 1);
    assert_true(slice_is(fields[0], ""));
    assert_int_equal(split(","), 2);
    assert_int_equal(split("\"a,b\",\"say \"\"hi\"\"\",\"\",\"two\r\nlines\""), 4);
    assert_true(slice_is(fields[0], "a,b") && slice_is(fields[1], "say \"hi\""));
    assert_true(slice_is(fields[2], "") && slice_is(fields[3], "two\r\nlines"));
    assert_int_equal(split("\"\"\"\",\"\"\"\"\"\""), 2);
    assert_true(slice_is(fields[0], "\"") && slice_is(fields[1], "\"\""));
    assert_int_equal(split(" a , b"), 2); /* spaces are part of a field */
    assert_true(slice_is(fields[0], " a "));
}

static void bad_records_are_refused(void **state) {
    (void)state;
    const char *const records[] = {"a\"b",   "a,b\"", "\"a",        "\"a\"\"",   "\"a\"b",
                                   "\"a\" ", "\"",    "a,\"b\"\"c", "a,b,c,d,e", "a,b,c,d,"};
    for (size_t i = 0; i < ARRAY_COUNT(records); i++) {
        if (split(records[i]) != 0) {
            fail_msg("%s was taken", records[i]);
        }
    }
}

static void scratch_is_never_overrun(void **state) {
    (void)state;
    struct slice record = SLICE_LITERAL("\"a\"\"b\",\"c\"\"d\""); /* needs 3 + 3 */
    size_t count;
    const char *why = NULL;
    for (size_t room = 0; room <= 6; room++) {
        uint8_t *exact = malloc(room + 1);
        assert_int_equal(csv_split(fields, FIELDS_MAX, &count, record, exact, room, &why),
                         room == 6);
        free(exact);
    }
}

/* Ends are found the same way however the bytes are cut. */
static void records_end_outside_quotes(void **state) {
    (void)state;
    static const char text[] = "a,b\r\n\"x\ny\",\"\"\"\n\"\n\nstray\"quote\nlast \"\n\"q\"\"\",z\n";
    const char *const records[] = {"a,b",     "\"x\ny\",\"\"\"\n\"", "", "stray\"quote",
                                   "last \"", "\"q\"\"\",z"};
    size_t bytes = sizeof text - 1;
    for (size_t piece = 1; piece <= bytes; piece++) {
        struct csv_splitter splitter = {0};
        size_t start = 0, found = 0, at = 0;
        while (at < bytes) {
            size_t length = (size_t)min_u64(piece, bytes - at);
            struct slice next = {(const uint8_t *)text + at, length};
            size_t end = csv_find_record_end(&splitter, next);
            if (end == 0) {
                at += length;
                continue;
            }
            at += end;
            struct slice record = {(const uint8_t *)text + start, at - start};
            assert_true(found < ARRAY_COUNT(records));
            assert_true(slice_is(csv_trim_line_end(record), records[found]));
            found++;
            start = at;
        }
        assert_int_equal(found, ARRAY_COUNT(records));
        assert_int_equal(start, bytes);
    }
}

static void line_ends_are_trimmed_once(void **state) {
    (void)state;
    assert_true(slice_is(csv_trim_line_end(SLICE_LITERAL("a\r\n")), "a"));
    assert_true(slice_is(csv_trim_line_end(SLICE_LITERAL("a\n\n")), "a\n"));
    assert_true(slice_is(csv_trim_line_end(SLICE_LITERAL("a\r")), "a\r"));
    assert_true(slice_is(csv_trim_line_end(SLICE_LITERAL("\n")), ""));
    assert_true(slice_is(csv_trim_line_end(SLICE_LITERAL("")), ""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_split_and_unquoted),
        cmocka_unit_test(bad_records_are_refused),
        cmocka_unit_test(scratch_is_never_overrun),
        cmocka_unit_test(records_end_outside_quotes),
        cmocka_unit_test(line_ends_are_trimmed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
