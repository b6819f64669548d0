#include "tests/unit/support.h"
#include "tests/unit/support_limits.h"

#include "server/api/region_upload.h"

static struct limits limits;
static struct region_upload upload;

static int set_up(void **state) {
    (void)state;
    limits_init(&limits);
    return 0;
}

/* The whole text in pieces of `piece` bytes. */
static bool take(enum region_upload_format format, const char *text, size_t bytes, size_t piece) {
    region_upload_init(&upload, format, &limits);
    for (size_t at = 0; at < bytes; at += piece) {
        size_t left = bytes - at;
        /* A copy of exact size, so that reading past it is seen. */
        size_t now = left < piece ? left : piece;
        uint8_t *copy = malloc(now);
        assert_non_null(copy);
        memcpy(copy, text + at, now);
        region_upload_take(&upload, (struct slice){copy, now});
        free(copy);
    }
    return region_upload_end(&upload);
}

static bool take_csv(const char *text) {
    return take(REGION_UPLOAD_CSV, text, strlen(text), strlen(text) + 1);
}

static void assert_row(size_t index, const char *code, const char *name, uint32_t line) {
    struct slice rest = buffer_slice(&upload.rows);
    struct region_row row = {.level = 0};
    for (size_t i = 0; i <= index; i++) {
        size_t bytes = region_row_decode(&row, rest);
        assert_true(bytes > 0);
        rest = (struct slice){rest.data + bytes, rest.bytes - bytes};
    }
    assert_true(slice_is(row.code, code));
    assert_true(slice_is(row.name, name));
    assert_int_equal(region_upload_line(&upload, index), line);
}

static void assert_refused(uint32_t line, const char *part) {
    assert_non_null(upload.problem.why);
    assert_int_equal(upload.problem.line, line);
    assert_non_null(strstr(upload.problem.why, part));
    assert_int_equal(upload.rows_count, 0);
    region_upload_deinit(&upload);
}

static const char sample[] = "\xef\xbb\xbf"
                             "code,parent,level,name\r\n"
                             "c,,0,City\n"
                             "\n"
                             "g1,c,1,\"Grid, the\n\"\"first\"\"\"\r\n"
                             "g2,c,1,Grid two\n"
                             "  \r\n"
                             "g3,c,1,last";

static void rows_come_out_however_the_body_is_cut(void **state) {
    (void)state;
    for (size_t piece = 1; piece <= sizeof sample; piece++) {
        assert_true(take(REGION_UPLOAD_CSV, sample, sizeof sample - 1, piece));
        assert_int_equal(upload.rows_count, 4);
        assert_row(0, "c", "City", 2);
        assert_row(1, "g1", "Grid, the\n\"first\"", 4);
        assert_row(2, "g2", "Grid two", 6);
        assert_row(3, "g3", "last", 8);
        region_upload_deinit(&upload);
    }
}

static void objects_come_one_a_line(void **state) {
    (void)state;
    const char text[] = "{\"code\":\"c\",\"level\":0,\"name\":\"a \\\"quote\"}\n\n"
                        "{\"code\":\"g\",\"parent\":\"c\",\"level\":1,\"name\":\"G\"}";
    for (size_t piece = 1; piece <= sizeof text; piece += 7) {
        assert_true(take(REGION_UPLOAD_NDJSON, text, sizeof text - 1, piece));
        assert_int_equal(upload.rows_count, 2);
        assert_row(0, "c", "a \"quote", 1);
        assert_row(1, "g", "G", 3);
        region_upload_deinit(&upload);
    }
}

static void the_first_bad_line_is_named(void **state) {
    (void)state;
    assert_false(take_csv("code,parent,level,name\nc,,0,City\n\nx,c,high,X\ny,c,high,Y\n"));
    assert_refused(4, "level");
    assert_false(take_csv("code,parent,level,colour\n"));
    assert_int_equal(upload.problem.line, 1);
    region_upload_deinit(&upload);
    assert_false(take_csv("code,parent,level,name\nc,,0,\"City\nx,c,1,X\n"));
    assert_refused(2, "not closed");
    assert_false(take(REGION_UPLOAD_NDJSON, "{\"code\":\"c\"\n", 12, 12));
    assert_int_equal(upload.problem.line, 1);
    region_upload_deinit(&upload);
}

static void an_upload_without_rows_is_refused(void **state) {
    (void)state;
    assert_false(take_csv(""));
    assert_refused(0, "no rows");
    assert_false(take_csv("code,parent,level,name\r\n"));
    assert_refused(0, "no rows");
    assert_false(take(REGION_UPLOAD_NDJSON, "\n\n", 2, 1));
    assert_refused(0, "no rows");
}

static void a_line_ends_at_its_limit(void **state) {
    (void)state;
    static char text[4096];
    limits.line_bytes = 256;
    EACH_AROUND(bytes, limits, line_bytes) {
        for (size_t piece = 1; piece <= 300; piece += 299) {
            size_t head = (size_t)snprintf(text, sizeof text, "code,parent,level,name\nc,,0,");
            size_t name = bytes - 5;
            memset(text + head, ' ', name);
            text[head] = text[head + 200] = 'n';
            memcpy(text + head + name, "\r\ng,c,1,G\n", 11);
            bool taken = take(REGION_UPLOAD_CSV, text, strlen(text), piece);
            assert_int_equal(taken, bytes <= 256);
            if (!taken) {
                assert_refused(2, "too long");
            }
            region_upload_deinit(&upload);
        }
    }
    limits_init(&limits);
}

static void there_are_no_more_rows_than_regions_may_be(void **state) {
    (void)state;
    limits.regions = 2;
    assert_true(take_csv("code,parent,level,name\na,,0,A\nb,a,1,B\n"));
    region_upload_deinit(&upload);
    assert_false(take_csv("code,parent,level,name\na,,0,A\nb,a,1,B\nc,a,1,C\n"));
    assert_refused(4, "regions");
    limits_init(&limits);
}

static void nothing_is_held_after_a_bad_line(void **state) {
    (void)state;
    const char text[] = "code,parent,level,name\na,,0,A\nb,,x,B\n";
    region_upload_init(&upload, REGION_UPLOAD_CSV, &limits);
    assert_false(region_upload_take(&upload, slice_text(text)));
    assert_int_equal(region_upload_memory_bytes(&upload), 0);
    assert_false(region_upload_take(&upload, slice_text(text)));
    assert_int_equal(region_upload_memory_bytes(&upload), 0);
    assert_false(region_upload_end(&upload));
    assert_refused(3, "level");
}

static void a_byte_order_mark_is_beside_the_limit(void **state) {
    (void)state;
    char text[600];
    limits.line_bytes = 256;
    for (size_t over = 0; over <= 1; over++) {
        for (size_t piece = 1; piece <= sizeof text; piece += sizeof text - 1) {
            int head = snprintf(text, sizeof text,
                                "\xef\xbb\xbf{\"code\":\"c\",\"level\":0,\"name\":\"n\"");
            size_t bytes = 3 + 256 + over;
            memset(text + head, ' ', bytes - (size_t)head);
            text[bytes - 1] = '}';
            memcpy(text + bytes, "\r\n", 3);
            assert_int_equal(take(REGION_UPLOAD_NDJSON, text, bytes + 2, piece), over == 0);
            if (over > 0) {
                assert_refused(1, "too long");
            }
            region_upload_deinit(&upload);
        }
    }
    limits_init(&limits);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_out_however_the_body_is_cut),
        cmocka_unit_test(objects_come_one_a_line),
        cmocka_unit_test(the_first_bad_line_is_named),
        cmocka_unit_test(an_upload_without_rows_is_refused),
        cmocka_unit_test(a_line_ends_at_its_limit),
        cmocka_unit_test(there_are_no_more_rows_than_regions_may_be),
        cmocka_unit_test(nothing_is_held_after_a_bad_line),
        cmocka_unit_test(a_byte_order_mark_is_beside_the_limit),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
