#include "server/http/lines.h"
#include "tests/unit/support.h"

enum { LIMIT = 8 };

/* Writes one word per line ("T:text|", "B|", "L|") so that runs can be compared. */
static void record(struct buffer *log, const struct line *line) {
    static const char letters[] = {'T', 'B', 'L'};
    buffer_printf(log, "%llu%c:", (unsigned long long)line->number, letters[line->kind]);
    if (line->kind == LINE_TEXT) {
        buffer_append_slice(log, line->text);
    }
    buffer_append_text(log, "|");
}

/* `cuts` is a bit mask over the text: a set bit ends a piece after that byte. */
static void split(struct buffer *log, const char *text, uint64_t cuts) {
    struct lines lines;
    struct line line;
    lines_init(&lines, LIMIT);
    size_t bytes = strlen(text);
    size_t from = 0;
    for (size_t i = 1; i <= bytes; i++) {
        if (i == bytes || (cuts >> (i % 64) & 1) != 0) {
            /* A piece of its own memory: reading past it would be seen. */
            uint8_t *copy = malloc(i - from);
            memcpy(copy, text + from, i - from);
            struct slice piece = {copy, i - from};
            while (lines_next(&lines, &piece, &line)) {
                record(log, &line);
            }
            free(copy);
            from = i;
        }
    }
    if (lines_end(&lines, &line)) {
        record(log, &line);
    }
    assert_false(lines_end(&lines, &line));
    lines_deinit(&lines);
}

static void the_cuts_do_not_matter(void **state) {
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", ""},
        {"a", "1T:a|"},
        {"a\n", "1T:a|"},
        {"a\r\nb", "1T:a|2T:b|"},
        {"\n\r\n \t\r\n", "1B:|2B:|3B:|"},
        {" ", "1B:|"},
        {"\r", "1B:|"},
        {"a\rb\n", "1T:a\rb|"},
        {"1234567\n", "1T:1234567|"},
        {"12345678\nx", "1T:12345678|2T:x|"},
        {"12345678\r\nx", "1T:12345678|2T:x|"},
        {"12345678\r", "1T:12345678|"},
        {"123456789\nx", "1L:|2T:x|"},
        {"123456789\r\nx", "1L:|2T:x|"},
        {"12345678\rA\nx", "1L:|2T:x|"},
        {"123456789", "1L:|"},
        {"12345678901234567890\n\n1", "1L:|2B:|3T:1|"},
        {"ab\n12345678901234\nc\n", "1T:ab|2L:|3T:c|"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (uint64_t cuts = 0; cuts < 2048; cuts++) {
            struct buffer log;
            buffer_init(&log);
            split(&log, cases[i].text, cuts);
            if (!slice_is(buffer_slice(&log), cases[i].expected)) {
                fail_msg("case %zu, cuts %llx: %.*s", i, (unsigned long long)cuts, (int)log.bytes,
                         (const char *)log.data);
            }
            buffer_deinit(&log);
        }
        struct buffer log;
        buffer_init(&log);
        split(&log, cases[i].text, UINT64_MAX);
        assert_true(slice_is(buffer_slice(&log), cases[i].expected));
        buffer_deinit(&log);
    }
}

static void whole_lines_are_not_copied(void **state) {
    (void)state;
    struct lines lines;
    struct line line;
    lines_init(&lines, LIMIT);
    const char *text = "one\ntwo\nth";
    struct slice piece = slice_text(text);
    assert_true(lines_next(&lines, &piece, &line));
    assert_ptr_equal(line.text.data, text);
    assert_true(lines_next(&lines, &piece, &line));
    assert_ptr_equal(line.text.data, text + 4);
    assert_false(lines_next(&lines, &piece, &line));
    assert_int_equal(lines.held.bytes, 2);
    lines_deinit(&lines);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cuts_do_not_matter),
        cmocka_unit_test(whole_lines_are_not_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
