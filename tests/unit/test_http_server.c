#include "server/http/http.h"
#include "tests/unit/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A real server in this process, with a client on blocking-free sockets; the loop is turned by hand
 * until what a test waits for is there. */
struct fixture {
    uv_loop_t loop;
    struct limits limits;
    struct http_server *server;
    char address[64];
    uint16_t port;
    unsigned done, aborted, finished, rejected;
    char reason[64];
    struct buffer body;
    struct http_request *parked;
    bool pause_on_body, drained;
};
static struct fixture fix;

static void on_finished(void *context, const struct http_request *request) {
    (void)context;
    assert_non_null(http_route_of(request));
    fix.finished++;
}

static void on_rejected(void *context, const char *reason) {
    (void)context;
    fix.rejected++;
    snprintf(fix.reason, sizeof fix.reason, "%s", reason);
}

static void count_done(struct http_request *request) {
    fix.done++;
    fix.aborted += http_aborted(request);
    if (fix.parked == request) {
        fix.parked = NULL;
    }
}

static void hello(struct http_request *request) {
    http_respond(request, 200, "text/plain; charset=utf-8", SLICE_LITERAL("hello"));
}

static void name_of(struct http_request *request) {
    struct slice query = SLICE_LITERAL("-");
    http_query(request, "q", &query);
    struct buffer text;
    buffer_init(&text);
    buffer_append_slice(&text, http_param(request, "name"));
    buffer_append_text(&text, "/");
    buffer_append_slice(&text, query);
    http_respond(request, 200, "text/plain", buffer_slice(&text));
    buffer_deinit(&text);
}

static void echo_begin(struct http_request *request) {
    buffer_reset(&fix.body);
    (void)request;
}

static void echo_body(struct http_request *request, struct slice bytes) {
    buffer_append_slice(&fix.body, bytes);
    if (fix.pause_on_body) {
        http_body_pause(request);
        fix.parked = request;
    }
}

static void echo_end(struct http_request *request) {
    http_respond(request, 200, "application/octet-stream", buffer_slice(&fix.body));
}

static void park(struct http_request *request) {
    fix.parked = request;
}

static void refuse(struct http_request *request) {
    http_problem(request, 401, "Unauthorized", "no", NULL);
}

static void small_begin(struct http_request *request) {
    http_body_limit(request, 8);
    echo_begin(request);
}

static bool ask(struct http_request *request, unsigned status, const char *title,
                const char *detail) {
    http_problem(request, status, title, detail, "\"counts\":{\"created\":3}");
    return true;
}

static void asked_begin(struct http_request *request) {
    http_on_body_refused(request, ask);
    small_begin(request);
}

static void stream_begin(struct http_request *request) {
    http_stream_begin(request, 200, "text/plain");
    http_stream_write(request, SLICE_LITERAL("one "));
    http_stream_write(request, SLICE_LITERAL("two"));
    http_stream_end(request);
}

static const struct http_route routes[] = {
    {HTTP_METHOD_GET, "/", "root", "", HTTP_BODY_NONE, hello, NULL, NULL, count_done},
    {HTTP_METHOD_GET, "/hello", "hello", "", HTTP_BODY_NONE, hello, NULL, NULL, count_done},
    {HTTP_METHOD_GET, "/names/{name}", "name", "q r", HTTP_BODY_NONE, name_of, NULL, NULL,
     count_done},
    {HTTP_METHOD_POST, "/echo", "echo", "", HTTP_BODY_STREAM, echo_begin, echo_body, echo_end,
     count_done},
    {HTTP_METHOD_PUT, "/echo", "echo_put", "", HTTP_BODY_STREAM, echo_begin, echo_body, echo_end,
     count_done},
    {HTTP_METHOD_POST, "/small", "small", "", HTTP_BODY_STREAM, small_begin, echo_body, echo_end,
     count_done},
    {HTTP_METHOD_POST, "/asked", "asked", "", HTTP_BODY_STREAM, asked_begin, echo_body, echo_end,
     count_done},
    {HTTP_METHOD_POST, "/refused", "refused", "", HTTP_BODY_STREAM, refuse, echo_body, echo_end,
     count_done},
    {HTTP_METHOD_GET, "/parked", "parked", "", HTTP_BODY_NONE, park, NULL, NULL, count_done},
    {HTTP_METHOD_GET, "/stream", "stream", "", HTTP_BODY_NONE, stream_begin, NULL, NULL,
     count_done},
    {HTTP_METHOD_GET, "/parked-stream", "parked_stream", "", HTTP_BODY_NONE, park, NULL, NULL,
     count_done},
};

static int start(void **state) {
    (void)state;
    memset(&fix, 0, sizeof fix);
    buffer_init(&fix.body);
    limits_init(&fix.limits);
    assert_int_equal(uv_loop_init(&fix.loop), 0);
    struct http_options options = {.loop = &fix.loop,
                                   .limits = &fix.limits,
                                   .routes = routes,
                                   .routes_count = ARRAY_COUNT(routes),
                                   .context = &fix,
                                   .on_finished = on_finished,
                                   .on_rejected = on_rejected};
    assert_int_equal(http_server_new(&fix.server, &options), STATUS_OK);
    struct error error;
    assert_int_equal(
        http_server_listen(fix.server, "127.0.0.1:0", fix.address, sizeof fix.address, &error),
        STATUS_OK);
    fix.port = (uint16_t)atoi(strrchr(fix.address, ':') + 1);
    assert_int_not_equal(fix.port, 0);
    return 0;
}

static int stop(void **state) {
    (void)state;
    http_server_close(fix.server);
    uv_run(&fix.loop, UV_RUN_DEFAULT);
    struct http_server_stats stats;
    http_server_stats(fix.server, &stats);
    assert_int_equal(stats.connections, 0);
    assert_int_equal(stats.body_memory_bytes, 0);
    http_server_free(fix.server);
    assert_int_equal(uv_loop_close(&fix.loop), 0);
    buffer_deinit(&fix.body);
    return 0;
}

static void turn(void) {
    uv_run(&fix.loop, UV_RUN_NOWAIT);
}

static int dial(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(fix.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void send_all(int fd, const void *data, size_t bytes) {
    const uint8_t *at = data;
    while (bytes > 0) {
        ssize_t sent = send(fd, at, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) {
            if (errno != EAGAIN) {
                return; /* the server has closed: the test looks at what it answered */
            }
            turn();
            continue;
        }
        at += sent;
        bytes -= (size_t)sent;
    }
}

static void send_text(int fd, const char *text) {
    send_all(fd, text, strlen(text));
}

/* Reads what is there; false at the end of the stream. */
static bool receive(int fd, struct buffer *to) {
    turn();
    struct pollfd poll_fd = {fd, POLLIN, 0};
    if (poll(&poll_fd, 1, 1) <= 0) {
        return true;
    }
    ssize_t count = recv(fd, buffer_reserve(to, 4096), 4096, MSG_DONTWAIT);
    if (count <= 0) {
        return false;
    }
    to->bytes += (size_t)count;
    return true;
}

static const char *text_of(struct buffer *buffer) {
    buffer_reserve(buffer, 1)[0] = '\0';
    return (const char *)buffer->data;
}

/* Until the server closes. */
static void read_to_end(int fd, struct buffer *to) {
    while (receive(fd, to)) {
    }
}

/* Until `text` was received `count` times. */
static void read_until(int fd, struct buffer *to, const char *text, size_t count) {
    for (;;) {
        size_t found = 0;
        for (const char *at = text_of(to); (at = strstr(at, text)) != NULL; at++) {
            found++;
        }
        if (found >= count) {
            return;
        }
        if (!receive(fd, to)) {
            fail_msg("the server closed; it had sent: %s", text_of(to));
        }
    }
}

/* Sends, closes for writing, and reads to the end. */
static void exchange(const char *text, struct buffer *answer) {
    int fd = dial();
    send_text(fd, text);
    shutdown(fd, SHUT_WR);
    read_to_end(fd, answer);
    close(fd);
}

static void assert_status(struct buffer *answer, unsigned status) {
    char expected[32];
    snprintf(expected, sizeof expected, "HTTP/1.1 %u ", status);
    if (strncmp(text_of(answer), expected, strlen(expected)) != 0) {
        fail_msg("expected %s, got: %s", expected, text_of(answer));
    }
}

static void assert_contains(struct buffer *answer, const char *text) {
    if (strstr(text_of(answer), text) == NULL) {
        fail_msg("no \"%s\" in: %s", text, text_of(answer));
    }
}

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
    int fd = dial();
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

static void early_answers_drain_or_close(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    fix.limits.linger_bytes = 100;
    int fd = dial();
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
            fd = dial();
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
    int fd = dial();
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
    int fd = dial();
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    for (size_t i = 1; i <= 3; i++) {
        while (fix.parked == NULL || fix.body.bytes < i) {
            turn();
        }
        /* Paused, its clock stands still. */
        uint64_t until = uv_hrtime() + 150000000;
        while (uv_hrtime() < until) {
            turn();
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
    int fd = dial();
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
    int other = dial();
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
    int fd = dial();
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

static unsigned drains;

static void on_drain(struct http_request *request) {
    if (++drains == 5) {
        http_stream_end(request);
        return;
    }
    struct slice piece = {fix.body.data, fix.body.bytes};
    http_stream_write(request, piece);
}

static void slow_readers_drain_the_queue(void **state) {
    (void)state;
    drains = 0;
    struct buffer answer;
    buffer_init(&answer);
    int fd = dial();
    send_text(fd, "GET /parked HTTP/1.1\r\nHost: x\r\n\r\n");
    while (fix.parked == NULL) {
        turn();
    }
    memset(buffer_reserve(&fix.body, 4 << 20), 'd', 4 << 20);
    fix.body.bytes = 4 << 20;
    struct http_request *request = fix.parked;
    http_stream_begin(request, 200, "text/plain");
    size_t queued = http_stream_write(request, buffer_slice(&fix.body));
    assert_true(queued >= fix.body.bytes);
    http_stream_on_drain(request, 65536, on_drain);
    for (size_t i = 0; i < 50; i++) {
        turn();
    }
    /* Nobody reads: what the kernel does not take stays queued, and no more is asked for. */
    assert_int_equal(drains, 0);
    assert_true(http_stream_queued(request) > 65536);
    size_t total = 0;
    for (;;) {
        turn();
        static uint8_t sink[1 << 20];
        ssize_t count = recv(fd, sink, sizeof sink, MSG_DONTWAIT);
        if (count > 0) {
            total += (size_t)count;
            if (memmem(sink + count - 5, 5, "0\r\n\r\n", 5) != NULL) {
                break;
            }
        } else {
            assert_int_not_equal(count, 0);
        }
    }
    assert_true(total > (size_t)5 * (4 << 20));
    assert_int_equal(drains, 5);
    close(fd);
    buffer_deinit(&answer);
}

static void turn_until(const unsigned *count, unsigned wanted) {
    while (*count < wanted) {
        uv_run(&fix.loop, UV_RUN_ONCE);
    }
}

static void stalled_readers_are_cut(void **state) {
    (void)state;
    fix.limits.write_stall_ms = 10;
    int fd = dial();
    send_text(fd, "GET /parked HTTP/1.1\r\nHost: x\r\n\r\n");
    while (fix.parked == NULL) {
        turn();
    }
    memset(buffer_reserve(&fix.body, 16 << 20), 'd', 16 << 20);
    fix.body.bytes = 16 << 20;
    http_respond(fix.parked, 200, "text/plain", buffer_slice(&fix.body));
    turn_until(&fix.aborted, 1);
    assert_string_equal(fix.reason, "write_stall");
    close(fd);
}

/* What a connection that sends `text` and then nothing gets before it is closed. */
static void expect_timeout(const char *text, const char *status, const char *reason) {
    struct buffer answer;
    buffer_init(&answer);
    int fd = dial();
    send_text(fd, text);
    read_to_end(fd, &answer);
    if (strncmp(text_of(&answer), status, strlen(status)) != 0 ||
        (status[0] == '\0' && answer.bytes > 0)) {
        fail_msg("after %s: %s", text, text_of(&answer));
    }
    if (reason != NULL) {
        assert_string_equal(fix.reason, reason);
    }
    close(fd);
    buffer_deinit(&answer);
}

static void silence_is_timed_out(void **state) {
    (void)state;
    fix.limits.first_byte_ms = fix.limits.header_ms = fix.limits.keepalive_ms = 10;
    fix.limits.body_grace_ms = 10;
    fix.limits.linger_ms = 10;
    expect_timeout("", "", "first_byte_timeout");
    expect_timeout("\r\n", "", NULL);
    expect_timeout("GET / HTTP/1.1\r\nHost:", "HTTP/1.1 408 ", "header_timeout");
    expect_timeout("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", "keepalive_timeout");
    expect_timeout("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc",
                   "HTTP/1.1 408 ", "keepalive_timeout");
    fix.limits.body_grace_ms = 3600000;
    fix.limits.body_ms = 100;
    expect_timeout("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n",
                   "HTTP/1.1 408 ", NULL);
    /* Its answer is out, the announced rest never comes. */
    expect_timeout("POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc",
                   "HTTP/1.1 401 ", NULL);
}

static void errors_linger_so_that_they_are_read(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    fix.limits.linger_bytes = 100000;
    int fd = dial();
    send_text(fd, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n");
    uint8_t *junk = calloc(1, 90000);
    send_all(fd, junk, 90000);
    read_to_end(fd, &answer);
    assert_status(&answer, 413);
    close(fd);
    /* Beyond linger_bytes the connection goes without waiting. */
    fix.limits.linger_bytes = 1000;
    fix.limits.linger_ms = 60000;
    fd = dial();
    send_text(fd, "BAD\r\n");
    send_all(fd, junk, 90000);
    struct http_server_stats stats;
    do {
        turn();
        http_server_stats(fix.server, &stats);
    } while (stats.connections > 0);
    close(fd);
    free(junk);
    buffer_deinit(&answer);
}

static void connections_end_after_their_requests(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    fix.limits.requests_per_connection = 3;
    int fd = dial();
    for (size_t i = 0; i < 4; i++) {
        send_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    read_to_end(fd, &answer);
    size_t found = 0;
    for (const char *at = text_of(&answer); (at = strstr(at, "hello")) != NULL; at++) {
        found++;
    }
    assert_int_equal(found, 3);
    const char *closes = strstr(text_of(&answer), "Connection: close");
    assert_non_null(closes);
    assert_null(strstr(closes + 1, "HTTP/1.1 200"));
    close(fd);
    buffer_deinit(&answer);
}

static void connections_are_capped(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    fix.limits.connections = 8;
    int fds[9];
    for (size_t i = 0; i < ARRAY_COUNT(fds); i++) {
        fds[i] = dial();
        send_text(fds[i], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (size_t i = 0; i < 8; i++) {
        buffer_reset(&answer);
        read_until(fds[i], &answer, "hello", 1);
    }
    for (size_t i = 0; i < 20; i++) {
        turn();
    }
    buffer_reset(&answer);
    assert_true(receive(fds[8], &answer));
    assert_int_equal(answer.bytes, 0);
    assert_string_equal(fix.reason, "connections");
    close(fds[3]);
    read_until(fds[8], &answer, "hello", 1);
    for (size_t i = 0; i < ARRAY_COUNT(fds); i++) {
        if (i != 3) {
            close(fds[i]);
        }
    }
    buffer_deinit(&answer);
}

static void connections_of_an_address_are_capped(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    fix.limits.connections_per_address = 2;
    int fds[3];
    for (size_t i = 0; i < ARRAY_COUNT(fds); i++) {
        fds[i] = dial();
        turn();
    }
    send_text(fds[1], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(fds[1], &answer, "hello", 1);
    read_to_end(fds[2], &answer);
    assert_string_equal(fix.reason, "connections_per_address");
    close(fds[2]);
    close(fds[0]);
    struct http_server_stats stats;
    do {
        turn();
        http_server_stats(fix.server, &stats);
    } while (stats.connections > 1);
    fds[2] = dial();
    send_text(fds[2], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    buffer_reset(&answer);
    read_until(fds[2], &answer, "hello", 1);
    close(fds[1]);
    close(fds[2]);
    buffer_deinit(&answer);
}

static void pipelined_requests_wait_unread(void **state) {
    (void)state;
    struct buffer answer;
    struct buffer text;
    buffer_init(&answer);
    buffer_init(&text);
    int fd = dial();
    send_text(fd, "GET /parked HTTP/1.1\r\nHost: x\r\n\r\n");
    while (fix.parked == NULL) {
        turn();
    }
    for (size_t i = 0; i < 10000; i++) {
        buffer_append_text(&text, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    size_t sent = 0;
    for (size_t idle = 0; idle < 100 && sent < text.bytes;) {
        ssize_t count = send(fd, text.data + sent, text.bytes - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        idle = count > 0 ? 0 : idle + 1;
        sent += count > 0 ? (size_t)count : 0;
        turn();
    }
    struct http_server_stats stats;
    http_server_stats(fix.server, &stats);
    assert_true(stats.bytes_in_total <= 65536);
    fix.limits.requests_per_connection = 100000;
    http_respond(fix.parked, 200, "text/plain", SLICE_LITERAL("parked"));
    size_t answers = 0;
    while (answers < 10000) {
        if (sent < text.bytes) {
            ssize_t count =
                send(fd, text.data + sent, text.bytes - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            sent += count > 0 ? (size_t)count : 0;
        }
        assert_true(receive(fd, &answer));
        const char *last = text_of(&answer);
        for (const char *at = last; (at = strstr(at, "\r\n\r\nhello")) != NULL; at += 9) {
            answers++;
            last = at + 9;
        }
        buffer_consume(&answer, (size_t)(last - (const char *)answer.data));
    }
    close(fd);
    buffer_deinit(&answer);
    buffer_deinit(&text);
}

static void clients_may_vanish_at_any_byte(void **state) {
    (void)state;
    static const char *const requests[] = {
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "POST /asked HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n123456789012",
        "GET /parked HTTP/1.1\r\nHost: x\r\n\r\nGET /stream HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        for (size_t bytes = 1; bytes <= strlen(requests[i]); bytes++) {
            for (int reset = 0; reset < 2; reset++) {
                int fd = dial();
                send_all(fd, requests[i], bytes);
                for (size_t turns = 0; turns < 5; turns++) {
                    turn();
                }
                struct linger linger = {reset, 0};
                setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
                close(fd);
                for (size_t turns = 0; turns < 5; turns++) {
                    turn();
                }
                if (fix.parked != NULL) {
                    http_respond(fix.parked, 200, "text/plain", SLICE_LITERAL("late"));
                }
            }
        }
    }
    struct http_server_stats stats;
    do {
        turn();
        http_server_stats(fix.server, &stats);
    } while (stats.connections > 0);
    assert_int_equal(fix.done, fix.finished);
    assert_true(fix.aborted > 0);
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
            int fd = dial();
            send_all(fd, requests[i], at);
            turn();
            turn();
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

static void on_drained(void *context) {
    assert_ptr_equal(context, &fix);
    assert_false(fix.drained);
    fix.drained = true;
}

static void drain_lets_requests_finish(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    int idle = dial();
    send_text(idle, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(idle, &answer, "hello", 1);
    int busy = dial();
    send_text(busy, "GET /parked HTTP/1.1\r\nHost: x\r\n\r\n");
    while (fix.parked == NULL) {
        turn();
    }
    http_server_drain(fix.server, on_drained, &fix);
    read_to_end(idle, &answer);
    assert_false(fix.drained);
    http_respond(fix.parked, 200, "text/plain", SLICE_LITERAL("last"));
    buffer_reset(&answer);
    read_until(busy, &answer, "last", 1);
    assert_contains(&answer, "Connection: close\r\n");
    close(busy);
    close(idle);
    while (!fix.drained) {
        uv_run(&fix.loop, UV_RUN_ONCE);
    }
    buffer_deinit(&answer);
}

static void drain_cuts_at_its_deadline(void **state) {
    (void)state;
    fix.limits.drain_ms = 100;
    int busy = dial();
    send_text(busy, "GET /parked HTTP/1.1\r\nHost: x\r\n\r\n");
    while (fix.parked == NULL) {
        turn();
    }
    http_server_drain(fix.server, on_drained, &fix);
    while (!fix.drained) {
        uv_run(&fix.loop, UV_RUN_ONCE);
    }
    assert_int_equal(fix.aborted, 1);
    close(busy);
}

static void drain_of_an_idle_server_reports_too(void **state) {
    (void)state;
    http_server_drain(fix.server, on_drained, &fix);
    uv_run(&fix.loop, UV_RUN_DEFAULT);
    assert_true(fix.drained);
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
        turn();
        turn();
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
    turn();
    turn();
    http_server_free(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(simple_requests_are_answered, start, stop),
        cmocka_unit_test_setup_teardown(routing_and_methods, start, stop),
        cmocka_unit_test_setup_teardown(connections_are_kept_and_pipelined_in_order, start, stop),
        cmocka_unit_test_setup_teardown(early_answers_drain_or_close, start, stop),
        cmocka_unit_test_setup_teardown(continue_is_sent_when_the_body_is_wanted, start, stop),
        cmocka_unit_test_setup_teardown(handlers_add_to_refusals, start, stop),
        cmocka_unit_test_setup_teardown(bodies_pause_and_resume, start, stop),
        cmocka_unit_test_setup_teardown(all_bodies_pause_together, start, stop),
        cmocka_unit_test_setup_teardown(streams_are_chunked_or_end_with_the_connection, start,
                                        stop),
        cmocka_unit_test_setup_teardown(slow_readers_drain_the_queue, start, stop),
        cmocka_unit_test_setup_teardown(stalled_readers_are_cut, start, stop),
        cmocka_unit_test_setup_teardown(silence_is_timed_out, start, stop),
        cmocka_unit_test_setup_teardown(errors_linger_so_that_they_are_read, start, stop),
        cmocka_unit_test_setup_teardown(connections_end_after_their_requests, start, stop),
        cmocka_unit_test_setup_teardown(connections_are_capped, start, stop),
        cmocka_unit_test_setup_teardown(connections_of_an_address_are_capped, start, stop),
        cmocka_unit_test_setup_teardown(pipelined_requests_wait_unread, start, stop),
        cmocka_unit_test_setup_teardown(clients_may_vanish_at_any_byte, start, stop),
        cmocka_unit_test_setup_teardown(every_cut_gives_the_same_answer, start, stop),
        cmocka_unit_test_setup_teardown(drain_lets_requests_finish, start, stop),
        cmocka_unit_test_setup_teardown(drain_cuts_at_its_deadline, start, stop),
        cmocka_unit_test_setup_teardown(drain_of_an_idle_server_reports_too, start, stop),
        cmocka_unit_test_setup_teardown(request_ids_are_kept_when_sane, start, stop),
        cmocka_unit_test_setup_teardown(addresses_are_checked, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
