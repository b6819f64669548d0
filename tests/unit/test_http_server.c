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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(simple_requests_are_answered, start, stop),
        cmocka_unit_test_setup_teardown(routing_and_methods, start, stop),
        cmocka_unit_test_setup_teardown(connections_are_kept_and_pipelined_in_order, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
