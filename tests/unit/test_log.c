#include "core/limits.h"
#include "core/text/json.h"
#include "server/process/log.h"
#include "tests/unit/support.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

static char captured[1 << 20];
static int saved_fd, file_fd;

static void capture_begin(void) {
    fflush(stderr);
    saved_fd = dup(STDERR_FILENO);
    file_fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    assert_true(saved_fd >= 0 && file_fd >= 0);
    /* Threads share the offset, O_APPEND keeps their writes apart. */
    assert_int_equal(fcntl(file_fd, F_SETFL, O_APPEND), 0);
    assert_true(dup2(file_fd, STDERR_FILENO) >= 0);
}

static size_t capture_end(void) {
    dup2(saved_fd, STDERR_FILENO);
    close(saved_fd);
    ssize_t bytes = pread(file_fd, captured, sizeof captured - 1, 0);
    close(file_fd);
    assert_true(bytes >= 0);
    captured[bytes] = '\0';
    return (size_t)bytes;
}

/* Every line must be one whole JSON object, whatever was logged. */
static size_t check_lines(void) {
    static struct json_reader reader;
    struct limits limits;
    struct json_bounds bounds;
    size_t lines = 0;
    limits_init(&limits);
    json_bounds_from(&bounds, &limits);
    for (char *at = captured, *end; *at != '\0'; at = end + 1, lines++) {
        end = strchr(at, '\n');
        assert_non_null(end);
        assert_true(end - at < 4096);
        json_init(&reader, &bounds, (struct slice){(uint8_t *)at, (size_t)(end - at)});
        assert_int_equal(json_next(&reader).kind, JSON_OBJECT_BEGIN);
        struct json_token token;
        do {
            token = json_next(&reader);
            assert_int_not_equal(token.kind, JSON_ERROR);
        } while (token.kind != JSON_DONE);
    }
    return lines;
}

static void a_line_has_its_members_in_order(void **state) {
    (void)state;
    capture_begin();
    log_line(LOG_LEVEL_INFO, LOG_START, "gridd starts", "path", LOG_TEXT, "/srv/网格", "seq",
             LOG_U64, UINT64_MAX, "delta", LOG_I64, INT64_MIN, "part", LOG_SLICE,
             SLICE_LITERAL("ab"), "none", LOG_TEXT, (const char *)NULL, NULL);
    capture_end();
    assert_int_equal(check_lines(), 1);
    assert_memory_equal(captured, "{\"ts\":\"", 7);
    assert_string_equal(captured + 7 + 24,
                        "\",\"level\":\"info\",\"event\":\"start\",\"msg\":\"gridd starts\","
                        "\"path\":\"/srv/网格\",\"seq\":18446744073709551615,"
                        "\"delta\":-9223372036854775808,\"part\":\"ab\",\"none\":\"\"}\n");
}

static void hostile_values_stay_json(void **state) {
    (void)state;
    capture_begin();
    log_line(LOG_LEVEL_WARN, LOG_WARNING, "a", "v", LOG_TEXT, "\"\\\n\r\t\x01\x7f", NULL);
    log_line(LOG_LEVEL_WARN, LOG_WARNING, "b", "v", LOG_TEXT, "\xff\xc3\x28\xed\xa0\x80\xe4\xbd",
             NULL);
    uint8_t every[256];
    for (size_t i = 0; i < sizeof every; i++) {
        every[i] = (uint8_t)i;
    }
    log_line(LOG_LEVEL_WARN, LOG_WARNING, "c", "v", LOG_SLICE, (struct slice){every, 256}, NULL);
    capture_end();
    assert_int_equal(check_lines(), 3);
    assert_non_null(strstr(captured, "\"v\":\"\\\"\\\\\\u000a\\u000d\\u0009\\u0001\\u007f\"}"));
    assert_non_null(strstr(captured, "\\ufffd\\ufffd(\\ufffd"));
}

static void values_are_cut_at_256_bytes(void **state) {
    (void)state;
    char text[300], expected[300];
    for (size_t bytes = 255; bytes <= 257; bytes++) {
        memset(text, 'x', bytes);
        text[bytes] = '\0';
        capture_begin();
        log_line(LOG_LEVEL_WARN, LOG_FEED, "m", "v", LOG_TEXT, text, NULL);
        capture_end();
        memset(expected, 'x', bytes);
        strcpy(expected + (bytes > 256 ? 256 : bytes), bytes > 256 ? "...\"}\n" : "\"}\n");
        assert_string_equal(strstr(captured, "\"v\":\"") + 5, expected);
    }
    /* A character over the bound goes as a whole: 254 bytes and one of three. */
    memset(text, 'x', 254);
    strcpy(text + 254, "网");
    capture_begin();
    log_line(LOG_LEVEL_WARN, LOG_FEED, "m", "v", LOG_TEXT, text, NULL);
    capture_end();
    assert_int_equal(check_lines(), 1);
    assert_non_null(strstr(captured, "x...\"}\n"));
}

static void a_long_line_leaves_pairs_out_and_says_so(void **state) {
    (void)state;
    char text[257];
    memset(text, 1, 256);
    text[256] = '\0';
    capture_begin();
    log_line(LOG_LEVEL_ERROR, LOG_HTTP, "m", "a", LOG_TEXT, text, "b", LOG_TEXT, text, "c",
             LOG_TEXT, text, "d", LOG_U64, UINT64_C(7), NULL);
    capture_end();
    assert_int_equal(check_lines(), 1);
    assert_non_null(strstr(captured, "\"d\":7,\"cut\":true}\n"));
    assert_null(strstr(captured, "\"c\":"));
}

static void levels_are_kept(void **state) {
    (void)state;
    enum log_level level;
    uint64_t before = log_lines_total(LOG_LEVEL_INFO);
    capture_begin();
    log_line(LOG_LEVEL_DEBUG, LOG_READY, "no", NULL);
    log_set_level(LOG_LEVEL_WARN);
    log_line(LOG_LEVEL_INFO, LOG_READY, "no", NULL);
    log_line(LOG_LEVEL_ERROR, LOG_READY, "yes", NULL);
    log_set_level(LOG_LEVEL_INFO);
    log_line(LOG_LEVEL_INFO, LOG_READY, "yes", NULL);
    capture_end();
    assert_int_equal(check_lines(), 2);
    assert_int_equal(log_lines_total(LOG_LEVEL_INFO), before + 1);
    assert_true(log_level_parse(&level, SLICE_LITERAL("error")));
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_false(log_level_parse(&level, SLICE_LITERAL("ERROR")));
    assert_string_equal(log_level_name(LOG_LEVEL_WARN), "warn");
}

static void the_rate_is_100_a_second(void **state) {
    (void)state;
    struct log_rate rate = {0, 0, 0};
    uint64_t suppressed = 77;
    for (int i = 0; i < 100; i++) {
        assert_true(log_rate_take(&rate, 5000 + i, &suppressed));
        assert_int_equal(suppressed, 0);
    }
    assert_false(log_rate_take(&rate, 5999, &suppressed));
    assert_false(log_rate_take(&rate, 5999, &suppressed));
    assert_true(log_rate_take(&rate, 6000, &suppressed));
    assert_int_equal(suppressed, 2);
    assert_true(log_rate_take(&rate, 6001, &suppressed));
    assert_int_equal(suppressed, 0);
    /* A clock that stepped back starts a new second instead of waiting for the old one. */
    assert_true(log_rate_take(&rate, 100, &suppressed));
}

static void *log_many(void *argument) {
    (void)argument;
    for (int i = 0; i < 500; i++) {
        log_line(LOG_LEVEL_INFO, LOG_SEALED, "from a thread", "i", LOG_I64, (int64_t)i, NULL);
    }
    return NULL;
}

static void threads_never_mix_lines(void **state) {
    (void)state;
    pthread_t threads[4];
    capture_begin();
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, NULL), 0);
    }
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    capture_end();
    size_t lines = check_lines();
    assert_true(lines >= LOG_LINES_PER_SECOND && lines <= 2000);
}

static void lines_on_security_are_all_written(void **state) {
    (void)state;
    capture_begin();
    for (int i = 0; i < 300; i++) {
        log_line(LOG_LEVEL_WARN, LOG_SECURITY, "who may come in", "i", LOG_I64, (int64_t)i, NULL);
    }
    capture_end();
    assert_int_equal(check_lines(), 300);
    assert_null(strstr(captured, "suppressed"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_its_members_in_order),
        cmocka_unit_test(hostile_values_stay_json),
        cmocka_unit_test(values_are_cut_at_256_bytes),
        cmocka_unit_test(a_long_line_leaves_pairs_out_and_says_so),
        cmocka_unit_test(levels_are_kept),
        cmocka_unit_test(the_rate_is_100_a_second),
        cmocka_unit_test(lines_on_security_are_all_written),
        cmocka_unit_test(threads_never_mix_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
