#include "tests/unit/support_http.h"
#include "tests/unit/support_limits.h"

#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

static void simple_requests_are_answered(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    exchange("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_status(&answer, 200);
    assert_contains(&answer, "Content-Length: 5\r\n");
    assert_contains(&answer, "X-Request-Id: ");
    assert_contains(&answer, "Cache-Control: no-store\r\n");
    assert_contains(&answer, "X-Content-Type-Options: nosniff\r\n");
    assert_contains(&answer, "\r\n\r\nhello");
    assert_int_equal(fix.done, 1);
    assert_int_equal(fix.finished, 1);
    buffer_deinit(&answer);
}

static void one_status(const char *request, unsigned status) {
    struct buffer answer;
    buffer_init(&answer);
    exchange(request, &answer);
    if (strncmp(text_of(&answer), "HTTP/1.1 ", 9) != 0 ||
        (unsigned)atoi(text_of(&answer) + 9) != status) {
        fail_msg("expected %u for: %s, got: %s", status, request, text_of(&answer));
    }
    assert_contains(&answer, "\r\nX-Request-Id: ");
    if (status >= 400) {
        assert_contains(&answer, "\r\nContent-Type: application/problem+json\r\n");
        assert_contains(&answer, "\"type\":\"about:blank\"");
    }
    buffer_deinit(&answer);
}

static void routing_and_methods(void **state) {
    (void)state;
    static const struct {
        const char *request;
        unsigned status;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200},
        {"GET /hello HTTP/1.0\r\n\r\n", 200},
        {"HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n", 200},
        {"OPTIONS /hello HTTP/1.1\r\nHost: x\r\n\r\n", 204},
        {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 204},
        {"OPTIONS /nope HTTP/1.1\r\nHost: x\r\n\r\n", 404},
        {"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n", 404},
        {"GET /hello/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /names/a%2Fb HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /names/%e7%81%ab?q=a%26b HTTP/1.1\r\nHost: x\r\n\r\n", 200},
        {"POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405},
        {"PATCH /hello HTTP/1.1\r\nHost: x\r\n\r\n", 405},
        {"TRACE /hello HTTP/1.1\r\nHost: x\r\n\r\n", 405},
        {"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 405},
        {"BREW /hello HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        {"GET /hello HTTP/2.0\r\nHost: x\r\n\r\n", 505},
        {"GET /hello HTTP/1.1\r\n\r\n", 400},
        {"GET /hello?x=1 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /names/a?q=1&q=2 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 400},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 200},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
         "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
         200},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
         415},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: more\r\nContent-Length: 1\r\n\r\nx", 417},
        {"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", 400},
        {"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n12345678", 200},
        {"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123456789", 413},
        {"POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123456789", 401},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        one_status(cases[i].request, cases[i].status);
    }
}

static void connections_are_kept_and_pipelined_in_order(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    int fd = http_dial();
    send_text(fd, "GET /names/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(fd, &answer, "\r\n\r\n1/-", 1);
    send_text(fd, "GET /names/2 HTTP/1.1\r\nHost: x\r\n\r\nPOST /echo HTTP/1.1\r\nHost: "
                  "x\r\nContent-Length: 3\r\n\r\nabcGET /names/3 HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(fd, &answer, "\r\n\r\n3/-", 1);
    const char *two = strstr(text_of(&answer), "\r\n\r\n2/-");
    assert_non_null(two);
    assert_non_null(strstr(two, "\r\n\r\nabc"));
    assert_null(strstr(text_of(&answer), "Connection: close"));
    close(fd);
    buffer_deinit(&answer);
}

static void an_early_answer_keeps_the_connection_up_to_its_limit(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    fix.limits.linger_bytes = 100;
    EACH_AROUND(rest, fix.limits, linger_bytes) {
        char request[128];
        snprintf(request, sizeof request,
                 "POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: %u\r\n\r\n", (unsigned)rest);
        buffer_reset(&answer);
        int fd = http_dial();
        send_text(fd, request);
        read_until(fd, &answer, "\r\n\r\n{", 1);
        assert_status(&answer, 401);
        assert_int_equal(strstr(text_of(&answer), "Connection: close") == NULL, rest <= 100);
        close(fd);
    }
    buffer_deinit(&answer);
}

static void memory_for_bodies_is_counted_to_the_byte(void **state) {
    (void)state;
    int fd = http_dial();
    send_text(fd, "GET /parked HTTP/1.1\r\nHost: x\r\n\r\n");
    while (fix.parked == NULL) {
        http_turn();
    }
    fix.limits.body_memory_bytes = 1000;
    EACH_AROUND(bytes, fix.limits, body_memory_bytes) {
        assert_int_equal(http_body_memory(fix.parked, (int64_t)bytes), bytes <= 1000);
        assert_true(http_body_memory(fix.parked, -(int64_t)bytes));
    }
    http_respond(fix.parked, 200, "text/plain", SLICE_LITERAL("parked"));
    close(fd);
}

static void early_answers_drain_or_close(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    fix.limits.linger_bytes = 100;
    int fd = http_dial();
    /* A little is thrown away and the connection goes on. */
    send_text(fd, "POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n");
    read_until(fd, &answer, "\r\n\r\n{", 1);
    assert_status(&answer, 401);
    assert_null(strstr(text_of(&answer), "Connection: close"));
    char junk[101];
    memset(junk, 'j', 100);
    send_all(fd, junk, 100);
    send_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(fd, &answer, "\r\n\r\nhello", 1);
    /* More than that, or unknown, or not begun: the connection ends. */
    static const char *const ends[] = {
        "POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n",
        "POST /refused HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_COUNT(ends); i++) {
        buffer_reset(&answer);
        if (i > 0) {
            fd = http_dial();
        }
        send_text(fd, ends[i]);
        read_to_end(fd, &answer);
        assert_status(&answer, 401);
        assert_contains(&answer, "Connection: close\r\n");
        assert_null(strstr(text_of(&answer), "100 Continue"));
        close(fd);
    }
    buffer_deinit(&answer);
}

static void continue_is_sent_when_the_body_is_wanted(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    int fd = http_dial();
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: "
                  "100-continue\r\n\r\n");
    read_until(fd, &answer, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    send_text(fd, "ok");
    read_until(fd, &answer, "\r\n\r\nok", 1);
    buffer_reset(&answer);
    send_text(fd, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: "
                  "100-continue\r\n\r\n");
    read_to_end(fd, &answer);
    assert_status(&answer, 413);
    close(fd);
    buffer_deinit(&answer);
}

static void handlers_add_to_refusals(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    exchange("POST /asked HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123456789", &answer);
    assert_status(&answer, 413);
    assert_contains(&answer, "\"counts\":{\"created\":3}");
    buffer_reset(&answer);
    exchange("POST /asked HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789",
             &answer);
    assert_status(&answer, 413);
    assert_contains(&answer, "\"counts\":{\"created\":3}");
    buffer_reset(&answer);
    exchange("POST /asked HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: "
             "3\r\n\r\nabc",
             &answer);
    assert_status(&answer, 400);
    assert_contains(&answer, "\"counts\":{\"created\":3}");
    assert_int_equal(fix.done, 3);
    buffer_deinit(&answer);
}

static void bodies_pause_and_resume(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    fix.pause_on_body = true;
    fix.limits.body_grace_ms = 10;
    fix.limits.body_ms = 100;
    int fd = http_dial();
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    for (size_t i = 1; i <= 3; i++) {
        while (fix.parked == NULL || fix.body.bytes < i) {
            http_turn();
        }
        /* Paused, its clock stands still. */
        uint64_t until = uv_hrtime() + 150000000;
        while (uv_hrtime() < until) {
            http_turn();
        }
        assert_int_equal(fix.body.bytes, i);
        http_body_resume(fix.parked);
    }
    read_until(fd, &answer, "\r\n\r\nabc", 1);
    read_until(fd, &answer, "\r\n\r\nhello", 1);
    close(fd);
    buffer_deinit(&answer);
}

static void all_bodies_pause_together(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    http_server_pause_bodies(fix.server, true);
    int fd = http_dial();
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
    int other = http_dial();
    send_text(other, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(other, &answer, "\r\n\r\nhello", 1);
    assert_int_equal(fix.body.bytes, 0);
    http_server_pause_bodies(fix.server, false);
    read_until(fd, &answer, "\r\n\r\nx", 1);
    close(fd);
    close(other);
    buffer_deinit(&answer);
}

static void streams_are_chunked_or_end_with_the_connection(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    int fd = http_dial();
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(fd, &answer, "4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n", 1);
    assert_contains(&answer, "Transfer-Encoding: chunked\r\n");
    send_text(fd, "HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(fd, &answer, "\r\n\r\nHTTP/1.1 200 OK", 2);
    close(fd);
    buffer_reset(&answer);
    exchange("GET /stream HTTP/1.0\r\n\r\n", &answer);
    assert_contains(&answer, "\r\n\r\none two");
    assert_contains(&answer, "Connection: close\r\n");
    assert_null(strstr(text_of(&answer), "Transfer-Encoding"));
    buffer_deinit(&answer);
}

static void every_cut_gives_the_same_answer(void **state) {
    (void)state;
    static const char *const requests[] = {
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n",
        "GET /hello HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        "GET /names/b?q=1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    };
    struct buffer whole;
    struct buffer cut;
    buffer_init(&whole);
    buffer_init(&cut);
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        buffer_reset(&whole);
        exchange(requests[i], &whole);
        for (size_t at = 1; at < strlen(requests[i]); at++) {
            buffer_reset(&cut);
            int fd = http_dial();
            send_all(fd, requests[i], at);
            http_turn();
            http_turn();
            send_text(fd, requests[i] + at);
            shutdown(fd, SHUT_WR);
            read_to_end(fd, &cut);
            close(fd);
            assert_int_equal(whole.bytes, cut.bytes);
            assert_memory_equal(whole.data, cut.data, strlen("HTTP/1.1 200"));
            const char *body = strstr(text_of(&whole), "\r\n\r\n");
            assert_string_equal(body, strstr(text_of(&cut), "\r\n\r\n"));
        }
    }
    buffer_deinit(&whole);
    buffer_deinit(&cut);
}

static void request_ids_are_kept_when_sane(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    exchange("GET /hello HTTP/1.1\r\nHost: x\r\nX-Request-Id: a.B-c_9\r\n\r\n", &answer);
    assert_contains(&answer, "\r\nX-Request-Id: a.B-c_9\r\n");
    buffer_reset(&answer);
    exchange("GET /nope HTTP/1.1\r\nHost: x\r\nX-Request-Id: a b\r\n\r\n", &answer);
    assert_null(strstr(text_of(&answer), "a b"));
    const char *id = strstr(text_of(&answer), "\r\nX-Request-Id: ");
    assert_int_equal(strspn(id + 16, "0123456789abcdef"), 16);
    buffer_reset(&answer);
    exchange("GET /names/a?z%22%0a=1 HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_contains(&answer, "unknown or repeated query parameter: z\\\"\\n\"");
    buffer_reset(&answer);
    exchange("DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_contains(&answer, "\r\nAllow: GET, HEAD, OPTIONS\r\n");
    buffer_reset(&answer);
    exchange("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
             &answer);
    assert_contains(&answer, "\r\nAccept-Encoding: gzip, zstd\r\n");
    buffer_deinit(&answer);
}

static void addresses_are_checked(void **state) {
    (void)state;
    static const char *const bad[] = {
        "127.0.0.1", ":1", "127.0.0.1:", "127.0.0.1:x", "::1:80", "127.0.0.1:123456", "[]:1"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct http_options options = {.loop = &fix.loop, .limits = &fix.limits};
        struct http_server *server;
        struct error error = {""};
        char address[64];
        assert_int_equal(http_server_new(&server, &options), STATUS_OK);
        assert_int_equal(http_server_listen(server, bad[i], address, sizeof address, &error),
                         STATUS_INVALID);
        assert_non_null(strstr(error.message, bad[i]));
        http_server_close(server);
        http_turn();
        http_turn();
        http_server_free(server);
    }
    struct http_options options = {.loop = &fix.loop, .limits = &fix.limits};
    struct http_server *server;
    struct error error = {""};
    char address[64];
    assert_int_equal(http_server_new(&server, &options), STATUS_OK);
    assert_int_equal(http_server_listen(server, fix.address, address, sizeof address, &error),
                     STATUS_IO);
    http_server_close(server);
    http_turn();
    http_turn();
    http_server_free(server);
}

/* POSTs `body` with the encoding and reads the answer. */
static void post_encoded(const char *coding, struct slice body, struct buffer *answer) {
    struct buffer text;
    buffer_init(&text);
    buffer_printf(&text,
                  "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: "
                  "%s\r\nContent-Length: %zu\r\n\r\n",
                  coding, body.bytes);
    buffer_append_slice(&text, body);
    int fd = http_dial();
    send_all(fd, text.data, text.bytes);
    buffer_reset(answer);
    read_to_end(fd, answer);
    close(fd);
    buffer_deinit(&text);
}

static void encoded_bodies_are_undone(void **state) {
    (void)state;
    size_t bytes = 3 << 20;
    uint8_t *data = malloc(bytes);
    uint32_t seed = 7;
    for (size_t i = 0; i < bytes; i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (uint8_t)(seed >> 28);
    }
    struct buffer packed;
    struct buffer answer;
    buffer_init(&packed);
    buffer_init(&answer);
    packed.bytes = ZSTD_compress(buffer_reserve(&packed, ZSTD_compressBound(bytes)),
                                 ZSTD_compressBound(bytes), data, bytes, 3);
    assert_false(ZSTD_isError(packed.bytes));
    post_encoded("zstd", buffer_slice(&packed), &answer);
    assert_status(&answer, 200);
    assert_true(slice_equal(buffer_slice(&fix.body), (struct slice){data, bytes}));
    packed.bytes--;
    post_encoded("zstd", buffer_slice(&packed), &answer);
    assert_status(&answer, 400);
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    buffer_reset(&packed);
    uLong room = deflateBound(&stream, bytes) + 64;
    stream.next_in = data;
    stream.avail_in = (uInt)bytes;
    stream.next_out = buffer_reserve(&packed, room);
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.bytes = room - stream.avail_out;
    deflateEnd(&stream);
    post_encoded("GZIP", buffer_slice(&packed), &answer);
    assert_status(&answer, 200);
    assert_true(slice_equal(buffer_slice(&fix.body), (struct slice){data, bytes}));
    buffer_append_text(&packed, "x");
    post_encoded("gzip", buffer_slice(&packed), &answer);
    assert_status(&answer, 400);
    /* A decoder's own memory counts as memory of bodies. */
    fix.limits.body_memory_bytes = 1000;
    post_encoded("gzip", buffer_slice(&packed), &answer);
    assert_status(&answer, 503);
    assert_contains(&answer, "\r\nRetry-After: ");
    free(data);
    buffer_deinit(&packed);
    buffer_deinit(&answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(simple_requests_are_answered, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(routing_and_methods, http_fixture_start, http_fixture_stop),
        cmocka_unit_test_setup_teardown(connections_are_kept_and_pipelined_in_order,
                                        http_fixture_start, http_fixture_stop),
        cmocka_unit_test_setup_teardown(an_early_answer_keeps_the_connection_up_to_its_limit,
                                        http_fixture_start, http_fixture_stop),
        cmocka_unit_test_setup_teardown(memory_for_bodies_is_counted_to_the_byte,
                                        http_fixture_start, http_fixture_stop),
        cmocka_unit_test_setup_teardown(early_answers_drain_or_close, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(continue_is_sent_when_the_body_is_wanted,
                                        http_fixture_start, http_fixture_stop),
        cmocka_unit_test_setup_teardown(handlers_add_to_refusals, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(bodies_pause_and_resume, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(all_bodies_pause_together, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(streams_are_chunked_or_end_with_the_connection,
                                        http_fixture_start, http_fixture_stop),
        cmocka_unit_test_setup_teardown(every_cut_gives_the_same_answer, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(request_ids_are_kept_when_sane, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(addresses_are_checked, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(encoded_bodies_are_undone, http_fixture_start,
                                        http_fixture_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
