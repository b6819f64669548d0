/* The parser and its guards: which requests are taken, which refused and why, at every cut. */
#include "server/http/http_guard.h"
#include "tests/http_drive.h"
#include "tests/unit/support.h"
#include "tests/unit/support_limits.h"

#include <dirent.h>

static struct limits limits;

static int start(void **state) {
    (void)state;
    limits_init(&limits);
    return 0;
}

/* What comes of `text` when it is fed in pieces: whole (0), of one byte (1), or of pseudo-random
 * sizes drawn from `seed`. The caller frees. */
static char *run(struct slice text, uint32_t seed) {
    struct http_drive drive;
    http_drive_init(&drive, &limits);
    size_t at = 0;
    while (at < text.bytes) {
        size_t piece = seed == 0 ? text.bytes : 1;
        if (seed > 1) {
            seed = seed * 1103515245 + 12345;
            piece = 1 + (seed >> 16) % (text.bytes < 64 ? text.bytes : 64);
        }
        piece = piece < text.bytes - at ? piece : text.bytes - at;
        http_drive_feed(&drive, text.data + at, piece);
        at += piece;
    }
    buffer_append(&drive.log, drive.refused ? "" : "end", drive.refused ? 1 : 4);
    char *log = malloc(drive.log.bytes);
    memcpy(log, drive.log.data, drive.log.bytes);
    http_drive_deinit(&drive);
    return log;
}

/* Checks that every segmentation gives the same and returns it. */
static char *verdict(struct slice text) {
    char *whole = run(text, 0);
    for (uint32_t seed = 1; seed < 12; seed++) {
        char *other = run(text, seed);
        if (strcmp(whole, other) != 0) {
            fail_msg("seed %u: \"%s\" but whole: \"%s\" for: %.*s", seed, other, whole,
                     (int)text.bytes, (const char *)text.data);
        }
        free(other);
    }
    return whole;
}

static void expect(struct slice text, const char *reason) {
    char *log = verdict(text);
    const char *last = strrchr(log, '\n');
    bool as_expected;
    if (strcmp(reason, "ok") == 0) {
        as_expected = last != NULL && strcmp(last, "\nend") == 0;
    } else {
        as_expected =
            strlen(log) >= strlen(reason) + 1 &&
            strncmp(log + strlen(log) - strlen(reason) - 1, reason, strlen(reason)) == 0 &&
            strcmp(log + strlen(log) - 1, "\n") == 0;
    }
    if (!as_expected) {
        fail_msg("expected %s, got \"%s\" for: %.*s", reason, log, (int)text.bytes,
                 (const char *)text.data);
    }
    free(log);
}

#define H "Host: x\r\n"
static const struct {
    struct slice text;
    const char *reason;
} cases[] = {
#define CASE(text, reason)                                                                         \
    { {(const uint8_t *)(text), sizeof(text) - 1}, reason }
    CASE("GET / HTTP/1.1\r\n" H "\r\n", "ok"),
    CASE("GET / HTTP/1.0\r\n\r\n", "ok"),
    CASE("\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", "ok"),
    CASE("\r\n\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", "400 blank_lines"),
    CASE("\nGET / HTTP/1.1\r\n" H "\r\n", "400 bare_lf"),
    CASE("GET / HTTP/1.1\n" H "\r\n", "400 bare_lf"),
    CASE("GET / HTTP/1.1\r\nHost: x\n\r\n", "400 bare_lf"),
    CASE("GET / HTTP/1.1\r\n" H "\n", "400 bare_lf"),
    CASE("GET / HTTP/1.1\r\n" H "A: b\rContent-Length: 3\r\n\r\n", "400 header_syntax"),
    CASE("GET / HTTP/1.1\r\n" H "\r\rX\r\n\r\n", "400 header_syntax"),
    CASE("GET / HTTP/1.1\r\n" H "A: b\0c\r\n\r\n", "400 header_syntax"),
    CASE("GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n", "400 header_folded"),
    CASE("GET / HTTP/1.1\r\n" H "\tContent-Length: 3\r\n\r\nabc", "400 header_folded"),
    CASE("POST / HTTP/1.1\r\n" H "A: b\r\n Transfer-Encoding: chunked\r\n\r\n",
         "400 header_folded"),
    CASE("GET / HTTP/1.1\r\n" H ": x\r\n\r\n", "400 header_syntax"),
    CASE("GET / HTTP/1.1\r\n" H "A : x\r\n\r\n", "400 header_syntax"),
    CASE("GET / HTTP/1.1\r\n" H "nocolon\r\n\r\n", "400 header_syntax"),
    CASE("GET / HTTP/1.1\r\n" H "A\x80: x\r\n\r\n", "400 header_syntax"),
    CASE("GET / HTTP/1.1\r\n" H "A: \x80\xff\r\n\r\n", "ok"),
    CASE("GET / HTTP/1.1\r\n" H "A:\r\nB: \t \r\n\r\n", "ok"),
    CASE("GET / HTTP/1.1\r\n" H "Authorization: \x80\r\n\r\n", "400 header_bytes"),
    CASE("GET / HTTP/1.1\r\n\r\n", "400 host"),
    CASE("GET / HTTP/1.1\r\n" H H "\r\n", "400 host"),
    CASE("GET / HTTP/1.0\r\n" H H "\r\n", "400 host"),
    CASE("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400 host"),
    CASE("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "400 host"),
    CASE("GET / HTTP/1.1\r\nHost: u@b\r\n\r\n", "400 host"),
    CASE("GET / HTTP/1.1\r\nHost: a:80x\r\n\r\n", "400 host"),
    CASE("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400 host"),
    CASE("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "ok"),
    CASE("GET / HTTP/1.1\r\nhOST: grid-1.example:8080\r\n\r\n", "ok"),
    CASE("GET  / HTTP/1.1\r\n" H "\r\n", "400 request_line"),
    CASE("GET /  HTTP/1.1\r\n" H "\r\n", "400 request_line"),
    CASE("GET / HTTP/1.1 \r\n" H "\r\n", "400 request_line"),
    CASE(" GET / HTTP/1.1\r\n" H "\r\n", "400 request_line"),
    CASE("GET /\r\n\r\n", "400 request_line"),
    CASE("GET\r\n\r\n", "400 request_line"),
    CASE("G(T / HTTP/1.1\r\n" H "\r\n", "400 request_line"),
    CASE("GET / http/1.1\r\n" H "\r\n", "400 request_line"),
    CASE("GET / RTSP/1.0\r\n\r\n", "400 request_line"),
    CASE("GET /\t HTTP/1.1\r\n" H "\r\n", "400 target"),
    CASE("GET /\xe7\x81\xab HTTP/1.1\r\n" H "\r\n", "400 target"),
    CASE("GET /a#b HTTP/1.1\r\n" H "\r\n", "400 target"),
    CASE("GET /a\\b HTTP/1.1\r\n" H "\r\n", "400 target"),
    CASE("GET http://x/ HTTP/1.1\r\n" H "\r\n", "400 target"),
    CASE("GET * HTTP/1.1\r\n" H "\r\n", "400 target"),
    CASE("OPTIONS * HTTP/1.1\r\n" H "\r\n", "ok"),
    CASE("GET / HTTP/0.9\r\n" H "\r\n", "505 version"),
    CASE("GET / HTTP/1.2\r\n" H "\r\n", "505 version"),
    CASE("GET / HTTP/2.0\r\n" H "\r\n", "505 version"),
    CASE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 version"),
    CASE("get / HTTP/1.1\r\n" H "\r\n", "501 method_unknown"),
    CASE("SOURCE / HTTP/1.1\r\n" H "\r\n", "501 method_unknown"),
    CASE("CONNECT x:1 HTTP/1.1\r\n" H "\r\n", "405 method_not_allowed"),
    CASE("GET / HTTP/1.1\r\n" H "Upgrade: h2c\r\n\r\n", "400 upgrade"),
    CASE("GET / HTTP/1.1\r\n" H "Connection: a, upgrade\r\n\r\n", "400 upgrade"),
    CASE("GET / HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", "400 upgrade"),
    CASE("GET / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "ok"),
    CASE("GET / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx", "400 body_unexpected"),
    CASE("DELETE / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx", "400 body_unexpected"),
    CASE("HEAD / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "400 body_unexpected"),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc", "ok"),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
         "400 framing"),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc", "400 framing"),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc", "400 framing"),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: -3\r\n\r\nabc", "400 framing"),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\nabc", "400 framing"),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 3 3\r\n\r\nabc", "400 framing"),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\nabc", "400 framing"),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551616\r\n\r\n", "400 framing"),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 003\r\n\r\nabc", "ok"),
    CASE("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n",
         "400 framing"),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
         "400 transfer_encoding"),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
         "400 transfer_encoding"),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: "
         "chunked\r\n\r\n0\r\n\r\n",
         "400 framing"),
    CASE("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 transfer_encoding"),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "ok"),
    CASE("POST / HTTP/1.1\r\n" H "Content-Type: a/b\r\nContent-Type: a/c\r\n\r\n",
         "400 header_repeated"),
    CASE("POST / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx", "ok"),
    CASE("POST / HTTP/1.1\r\n" H "Expect: 200-ok\r\nContent-Length: 1\r\n\r\nx", "417 expectation"),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
         "400 chunk_extension"),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n",
         "400 chunk_extension"),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
         "400 chunk"),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
         "400 chunk"),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n",
         "400 chunk"),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n\r\n", "400 chunk"),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\ng\r\n", "400 chunk"),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
         "400 chunk"),
    CASE("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n",
         "400 trailer"),
    CASE("POST / HTTP/1.1\r\n" H
         "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\r\n",
         "413 body_too_large"),
    CASE("POST / HTTP/1.1\r\n" H
         "Transfer-Encoding: chunked\r\n\r\n0000000003\r\nabc\r\n000\r\n\r\n",
         "ok"),
    CASE("GET / HTTP/1.1\r\n" H "\r\nPOST / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhiGET /b "
         "HTTP/1.1\r\n" H "\r\n",
         "ok"),
#undef CASE
};

static void requests_are_judged_alike_at_every_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        expect(cases[i].text, cases[i].reason);
    }
}

/* before + `count` times "x" + after. */
static void expect_padded(const char *before, size_t count, const char *after, const char *reason) {
    struct buffer text;
    buffer_init(&text);
    buffer_append_text(&text, before);
    memset(buffer_reserve(&text, count), 'x', count);
    text.bytes += count;
    buffer_append_text(&text, after);
    expect(buffer_slice(&text), reason);
    buffer_deinit(&text);
}

static void line_limits(void **state) {
    (void)state;
    limits.uri_bytes = 64;
    limits.request_line_bytes = 80;
    const char *end = " HTTP/1.1\r\n" H "\r\n";
    EACH_AROUND(bytes, limits, uri_bytes) { /* "/" is one of them */
        expect_padded("GET /", bytes - 1, end, bytes <= 64 ? "ok" : "414 target_too_long");
    }
    limits.uri_bytes = 80;
    EACH_AROUND(bytes, limits, request_line_bytes) { /* "GET /" and " HTTP/1.1" are 14 */
        expect_padded("GET /", bytes - 14, end, bytes <= 80 ? "ok" : "414 request_line_too_long");
    }
    expect_padded("GET /", 5000, "", "414 request_line_too_long");
}

static void header_limits(void **state) {
    (void)state;
    const char *before = "GET / HTTP/1.1\r\n" H "A: ";
    limits.header_value_bytes = 100;
    EACH_AROUND(bytes, limits, header_value_bytes) {
        const char *reason = bytes <= 100 ? "ok" : "431 header_value";
        expect_padded(before, bytes, "\r\n\r\n", reason);
        expect_padded(before, bytes, " \t\r\n\r\n", reason); /* white space is not the value */
    }
    limits_init(&limits);
    limits.header_block_bytes = 256; /* "Host: x" and "A: " take 9 + 5 with their line ends */
    EACH_AROUND(bytes, limits, header_block_bytes) {
        expect_padded(before, bytes - 14, "\r\n\r\n", bytes <= 256 ? "ok" : "431 header_block");
    }
    expect_padded(before, 5000, "", "431 header_block");
    limits_init(&limits);
    limits.header_count = 8;
    EACH_AROUND(count, limits, header_count) {
        struct buffer text;
        buffer_init(&text);
        buffer_append_text(&text, "GET / HTTP/1.1\r\n" H);
        for (size_t i = 1; i < count; i++) {
            buffer_append_text(&text, "A: b\r\n");
        }
        buffer_append_text(&text, "\r\n");
        expect(buffer_slice(&text), count <= 8 ? "ok" : "431 header_count");
        buffer_deinit(&text);
    }
}

static void chunk_limits(void **state) {
    (void)state;
    static const char head[] = "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n";
    limits.body_wire_bytes = 1024;
    EACH_AROUND(bytes, limits, body_wire_bytes) {
        struct buffer text;
        buffer_init(&text);
        buffer_append_text(&text, head);
        buffer_printf(&text, "3fe\r\n%01022d\r\n%x\r\n%0*d\r\n0\r\n\r\n", 0, (unsigned)bytes - 1022,
                      (int)bytes - 1022, 0);
        expect(buffer_slice(&text), bytes <= 1024 ? "ok" : "413 body_too_large");
        buffer_deinit(&text);
    }
    limits_init(&limits);
    /* Framing may take chunk_overhead_bytes more than the body. A first size of n digits is n + 2
     * bytes, one byte of body and 7 more of framing follow. */
    limits.chunk_overhead_bytes = 64;
    EACH_AROUND(framing, limits, chunk_overhead_bytes) {
        struct buffer text;
        buffer_init(&text);
        buffer_append_text(&text, head);
        buffer_printf(&text, "%0*x\r\nz\r\n0\r\n\r\n", (int)framing - 8, 1);
        expect(buffer_slice(&text), framing <= 64 ? "ok" : "400 chunk_overhead");
        buffer_deinit(&text);
    }
    struct buffer zeros;
    buffer_init(&zeros);
    buffer_append_text(&zeros, head);
    buffer_printf(&zeros, "%05000d", 0);
    expect(buffer_slice(&zeros), "400 chunk_overhead");
    buffer_deinit(&zeros);
}

/* A request of the corpus: the text between ```http and ```; line ends stand for CR LF unless
 * written out, and a few escapes are spelled. */
static void corpus_request(struct slice text) {
    struct buffer request;
    buffer_init(&request);
    for (size_t i = 0; i < text.bytes; i++) {
        uint8_t byte = text.data[i];
        if (byte == '\n') {
            buffer_append_text(&request, "\r\n");
        } else if (byte == '\\' && i + 1 < text.bytes && strchr("rntf", text.data[i + 1]) != NULL) {
            static const char plain[] = {['r'] = '\r', ['n'] = '\n', ['t'] = '\t', ['f'] = '\f'};
            buffer_append(&request, &plain[text.data[++i]], 1);
        } else if (byte == '\\' && i + 1 < text.bytes && text.data[i + 1] == '\n') {
            i++;
        } else {
            buffer_append(&request, &byte, 1);
        }
    }
    free(verdict(buffer_slice(&request)));
    buffer_deinit(&request);
}

static size_t corpus_file(const char *path) {
    struct slice file = support_read_file(path);
    size_t count = 0;
    struct slice rest = file;
    for (;;) {
        const uint8_t *begin = memmem(rest.data, rest.bytes, "```http\n", 8);
        if (begin == NULL) {
            break;
        }
        begin += 8;
        size_t left = (size_t)(file.data + file.bytes - begin);
        const uint8_t *end = memmem(begin, left, "```", 3);
        assert_non_null(end);
        /* The line end before the fence belongs to the fence. */
        corpus_request((struct slice){begin, (size_t)(end - begin) - (end > begin)});
        count++;
        rest = (struct slice){end + 3, left - (size_t)(end - begin) - 3};
    }
    free((void *)(uintptr_t)file.data);
    return count;
}

static void the_corpus_is_judged_alike_at_every_cut(void **state) {
    (void)state;
    static const char *const folders[] = {"http/llhttp-md", "http/llhttp-md/request",
                                          "http/llhttp-md/response"};
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
        const char *folder = support_corpus(folders[i]);
        if (folder == NULL) {
            skip();
        }
        char base[2048];
        snprintf(base, sizeof base, "%s", folder);
        DIR *dir = opendir(base);
        assert_non_null(dir);
        for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
            if (strstr(entry->d_name, ".md") != NULL) {
                char path[4096];
                snprintf(path, sizeof path, "%s/%s", base, entry->d_name);
                count += corpus_file(path);
            }
        }
        closedir(dir);
    }
    assert_true(count > 200);
}

static void refusals_have_words(void **state) {
    (void)state;
    for (unsigned i = 1; i <= HTTP_REFUSAL_BODY_TIMEOUT; i++) {
        const struct http_refusal_row *row = http_refusal_row((enum http_refusal)i);
        assert_true(row->status >= 400 && row->detail[0] != '\0');
        assert_string_not_equal(http_status_title(row->status), "Unknown");
        assert_int_equal(strspn(row->reason, "abcdefghijklmnopqrstuvwxyz_"), strlen(row->reason));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(requests_are_judged_alike_at_every_cut, start),
        cmocka_unit_test_setup(line_limits, start),
        cmocka_unit_test_setup(header_limits, start),
        cmocka_unit_test_setup(chunk_limits, start),
        cmocka_unit_test_setup(the_corpus_is_judged_alike_at_every_cut, start),
        cmocka_unit_test_setup(refusals_have_words, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
