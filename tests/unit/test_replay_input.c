/* The lines of a replay: each kind is read, the short way agrees with the long one, and what is no
 * line is refused with its reason. */
#include "tests/unit/support.h"

#include "server/replay/input.h"

#include <unistd.h>

enum { ARENA_BYTES = 4096 };

static struct limits limits;
static struct json_reader reader;
static struct arena arena;
static struct replay_line line;
static _Alignas(16) uint8_t arena_memory[ARENA_BYTES];
static char path[64];

static int set_up(void **state) {
    (void)state;
    limits_init(&limits);
    snprintf(path, sizeof path, "/tmp/gridd-replay-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    assert_int_equal(unlink(path), 0);
    return 0;
}

static void write_file(const char *text, size_t bytes) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

/* NULL: it was read; else why not. */
static const char *read_line(const char *text) {
    const char *why = NULL;
    /* A copy of exact size, so that reading past it is seen; spans of the line before go with it.
     */
    static char *copy;
    free(copy);
    size_t bytes = strlen(text);
    copy = malloc(bytes);
    assert_non_null(copy);
    memcpy(copy, text, bytes);
    arena_init(&arena, arena_memory, sizeof arena_memory);
    const struct slice slice = {(const uint8_t *)copy, bytes};
    return replay_line_read(&line, slice, &limits, &arena, &reader, &why) ? NULL : why;
}

static void assert_span(struct slice span, const char *text) {
    assert_int_equal(span.bytes, strlen(text));
    assert_memory_equal(span.data, text, span.bytes);
}

#define AT "\"at\":\"2026-11-23T03:00:00Z\""
#define AT_MS INT64_C(1795402800000)

static void lines_are_counted_and_blank_ones_passed_over(void **state) {
    (void)state;
    static const char text[] = "\n \t\r\n  one \r\n\ntwo\n\t\n three";
    struct replay_input input;
    struct error error;
    struct slice slice;
    write_file(text, sizeof text - 1);
    assert_int_equal(replay_input_open(&input, path, &error), STATUS_OK);
    assert_int_equal(replay_input_lines(&input), 7);
    for (int round = 0; round < 2; round++) {
        assert_true(replay_input_next(&input, &slice));
        assert_span(slice, "one");
        assert_int_equal(input.line, 3);
        assert_true(replay_input_next(&input, &slice));
        assert_span(slice, "two");
        assert_int_equal(input.line, 5);
        assert_true(replay_input_next(&input, &slice));
        assert_span(slice, "three"); /* without an end */
        assert_int_equal(input.line, 7);
        assert_false(replay_input_next(&input, &slice));
        replay_input_rewind(&input);
    }
    replay_input_close(&input);
}

static void files_that_cannot_be_read_are_named(void **state) {
    (void)state;
    struct replay_input input;
    struct error error;
    struct slice slice;
    assert_int_equal(replay_input_open(&input, path, &error), STATUS_OK); /* empty */
    assert_int_equal(replay_input_lines(&input), 0);
    assert_false(replay_input_next(&input, &slice));
    replay_input_close(&input);
    assert_int_equal(replay_input_open(&input, "/nowhere/at/all", &error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.message, "/nowhere/at/all"));
    assert_int_equal(replay_input_open(&input, "/tmp", &error), STATUS_IO);
    assert_non_null(strstr(error.message, "no regular file"));
}

static void each_kind_is_read_in_any_order_of_members(void **state) {
    (void)state;
    assert_null(read_line("{" AT ",\"report\":{\"id\":\"a\"}}"));
    assert_int_equal(line.kind, REPLAY_REPORT);
    assert_int_equal(line.at_ms, AT_MS);
    assert_span(line.report, "{\"id\":\"a\"}");
    assert_true(line.overall_due_ms == INT64_MIN);

    assert_null(read_line("{\"ticket\":{\"overall_due\":\"2026-11-23T11:00:01+08:00\"},"
                          "\"report\" : { \"x\" : [1, {}] } , " AT "}"));
    assert_int_equal(line.kind, REPLAY_REPORT);
    assert_int_equal(line.at_ms, AT_MS);
    assert_int_equal(line.overall_due_ms, AT_MS + 1000);
    assert_span(line.report, "{ \"x\" : [1, {}] }");

    assert_null(read_line("{\"fields\":{\"unit\":\"u\"},\"command\":\"dis\\u0070atch\","
                          "\"ticket\":{\"report\":{\"id\":\"\\u8857\",\"source\":\"s\"}}," AT "}"));
    assert_int_equal(line.kind, REPLAY_COMMAND);
    assert_span(line.command, "dispatch");
    assert_span(line.id, "\xe8\xa1\x97");
    assert_span(line.source, "s");
    assert_span(line.fields, "{\"unit\":\"u\"}");

    assert_null(read_line("{\"ticket\":{\"report\":{\"id\":\"a\"}},\"command\":\"ack\"," AT "}"));
    assert_int_equal(line.fields.bytes, 0);

    assert_null(read_line("{\"advance\":true," AT "}"));
    assert_int_equal(line.kind, REPLAY_ADVANCE);
    assert_int_equal(line.report.bytes, 0);
}

static void what_is_no_line_is_refused_with_its_reason(void **state) {
    (void)state;
    static const char *const refused[][2] = {
        {"[]", "not a JSON object"},
        {"7", "not a JSON object"},
        {"{\"report\":{}}", "at is missing"},
        {"{\"at\":7,\"report\":{}}", "at must be a time"},
        {"{" AT "}", "a report, a command or an advance"},
        {"{" AT ",\"report\":{},\"advance\":true}", "a report, a command or an advance"},
        {"{" AT ",\"report\":{},\"command\":\"ack\",\"ticket\":{\"report\":{\"id\":\"a\"}}}",
         "a report, a command or an advance"},
        {"{" AT ",\"command\":\"ack\"}", "a command is for a ticket"},
        {"{" AT ",\"command\":\"ack\",\"ticket\":{\"report\":{\"source\":\"s\"}}}",
         "a command is for a ticket"},
        {"{" AT ",\"command\":\"ack\",\"ticket\":{\"report\":{\"id\":\"a\"},"
         "\"overall_due\":\"2026-11-23T03:00:00Z\"}}",
         "a command is for a ticket"},
        {"{" AT ",\"report\":{},\"fields\":{}}", "a command is missing"},
        {"{" AT ",\"report\":{},\"ticket\":{\"report\":{\"id\":\"a\"}}}", "a command is missing"},
        {"{" AT ",\"report\":{},\"ticket\":{}}", "a command is missing"},
        {"{" AT ",\"advance\":true,\"ticket\":{\"overall_due\":\"2026-11-23T03:00:00Z\"}}",
         "a command is missing"},
        {"{" AT ",\"advance\":false}", "advance must be true"},
        {"{" AT ",\"command\":7}", "command must be a string"},
        {"{" AT ",\"ticket\":[]}", "ticket must be an object"},
        {"{" AT ",\"ticket\":{\"report\":\"a\"}}", "ticket.report must be an object"},
        {"{" AT ",\"ticket\":{\"report\":{\"id\":1}}}", "ticket.report.id must be a string"},
        {"{" AT ",\"ticket\":{\"report\":{\"seq\":1}}}", "ticket.report has source and id"},
        {"{" AT ",\"ticket\":{\"id\":\"a\"}}", "ticket has report or overall_due"},
        {"{" AT ",\"ticket\":{\"overall_due\":1}}", "ticket.overall_due must be a time"},
        {"{" AT ",\"other\":1}", "a line has at"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        const char *why = read_line(refused[i][0]);
        if (why == NULL || strstr(why, refused[i][1]) == NULL) {
            fail_msg("%s: %s", refused[i][0], why == NULL ? "taken" : why);
        }
    }
}

/* Cut anywhere, or with something behind it, it is no line, and a reason is there. */
static void a_line_that_is_cut_is_refused(void **state) {
    (void)state;
    static const char whole[] = "{" AT ",\"ticket\":{\"report\":{\"source\":\"s\",\"id\":\"a\"}},"
                                "\"command\":\"ack\",\"fields\":{\"note\":\"n\"}}";
    char cut[sizeof whole + 2];
    assert_null(read_line(whole));
    for (size_t bytes = 0; bytes + 1 < sizeof whole; bytes++) {
        memcpy(cut, whole, bytes);
        cut[bytes] = '\0';
        const char *why = read_line(cut);
        assert_true(why != NULL && why[0] != '\0');
    }
    snprintf(cut, sizeof cut, "%s7", whole);
    assert_non_null(read_line(cut));
}

static void strings_of_a_line_fit_the_arena_or_it_is_refused(void **state) {
    (void)state;
    static char text[ARENA_BYTES + 256];
    for (int over = 0; over < 2; over++) {
        size_t bytes = 0;
        bytes += (size_t)snprintf(text, sizeof text, "{" AT ",\"command\":\"\\n");
        memset(text + bytes, 'a', ARENA_BYTES - 2 + (size_t)over);
        bytes += ARENA_BYTES - 2 + (size_t)over; /* with the escape as written: the arena's size */
        snprintf(text + bytes, sizeof text - bytes, "\",\"ticket\":{\"report\":{\"id\":\"a\"}}}");
        const char *why = read_line(text);
        if (over == 0) {
            assert_null(why);
            assert_int_equal(line.command.bytes, ARENA_BYTES - 1);
        } else {
            assert_string_equal(why, "the line's strings are too long");
        }
    }
}

/* The guess takes a line only when it means what the whole reading says. */
static void the_guess_says_what_the_whole_reading_says(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool is_guessed;
    } lines[] = {
        {"{" AT ",\"report\":{\"id\":\"a\"}}", true},
        {"{\"at\": \"2026-11-23T11:00:00+08:00\", \"report\": {\"id\":\"a\"}}", true},
        {"{\"at\":\"2026-11-23\",\"report\":{}}", false},
        {"{\"at\":7,\"report\":{}}", false},
        {"{\"report\":{}," AT "}", false},
        {"{" AT ",\"advance\":true}", false},
        {"{\"at\":\"", false},
        {"{\"at\":\"2026-11-23T03:00:00Z\"", false},
        {"{" AT ",\"report\":", false},
        {"{" AT ",\"report\":{\"id\":\"a\"}", true}, /* what stands for the report does not read */
        {"", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        struct replay_line guessed;
        bool is_guessed = replay_line_guess(&guessed, slice_text(lines[i].text));
        assert_int_equal(is_guessed, lines[i].is_guessed);
        if (is_guessed && read_line(lines[i].text) == NULL) {
            assert_int_equal(guessed.kind, line.kind);
            assert_int_equal(guessed.at_ms, line.at_ms);
            assert_true(guessed.overall_due_ms == line.overall_due_ms);
            assert_int_equal(guessed.report.bytes, line.report.bytes);
            assert_memory_equal(guessed.report.data, line.report.data, line.report.bytes);
        }
    }
    struct replay_line more;
    assert_true(replay_line_guess(
        &more, slice_text("{" AT ",\"report\":{},\"ticket\":{\"overall_due\":\"x\"}}")));
    assert_span(more.report, "{},\"ticket\":{\"overall_due\":\"x\"}"); /* not one object */
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(lines_are_counted_and_blank_ones_passed_over),
        TEST(files_that_cannot_be_read_are_named),
        TEST(each_kind_is_read_in_any_order_of_members),
        TEST(what_is_no_line_is_refused_with_its_reason),
        TEST(a_line_that_is_cut_is_refused),
        TEST(strings_of_a_line_fit_the_arena_or_it_is_refused),
        TEST(the_guess_says_what_the_whole_reading_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
