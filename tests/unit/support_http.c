#include "tests/unit/support_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

struct http_fixture fix;
const struct tls_context *http_fixture_tls;

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

/* Whose it is, the header `owner` says. */
static bool claim(void *context, struct http_request *request) {
    (void)context;
    struct slice owner;
    if (!http_header(request, "owner", &owner)) {
        return true;
    }
    if (http_claim(request, owner.data[0])) {
        return true;
    }
    http_problem(request, 429, "Too Many Requests", "too many connections", NULL);
    return false;
}

static int start(bool knows_owners) {
    memset(&fix, 0, sizeof fix);
    buffer_init(&fix.body);
    limits_init(&fix.limits);
    assert_int_equal(uv_loop_init(&fix.loop), 0);
    struct http_options options = {.loop = &fix.loop,
                                   .limits = &fix.limits,
                                   .routes = routes,
                                   .routes_count = ARRAY_COUNT(routes),
                                   .context = &fix,
                                   .knows_owners = knows_owners,
                                   .on_route = knows_owners ? claim : NULL,
                                   .on_finished = on_finished,
                                   .on_rejected = on_rejected,
                                   .tls = http_fixture_tls};
    assert_int_equal(http_server_new(&fix.server, &options), STATUS_OK);
    struct error error;
    assert_int_equal(
        http_server_listen(fix.server, "127.0.0.1:0", fix.address, sizeof fix.address, &error),
        STATUS_OK);
    fix.port = (uint16_t)atoi(strrchr(fix.address, ':') + 1);
    assert_int_not_equal(fix.port, 0);
    return 0;
}

int http_fixture_start(void **state) {
    (void)state;
    return start(false);
}

int http_owners_fixture_start(void **state) {
    (void)state;
    return start(true);
}

int http_fixture_stop(void **state) {
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

void http_turn(void) {
    uv_run(&fix.loop, UV_RUN_NOWAIT);
}

int http_dial(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(fix.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

void send_all(int fd, const void *data, size_t bytes) {
    const uint8_t *at = data;
    while (bytes > 0) {
        ssize_t sent = send(fd, at, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) {
            if (errno != EAGAIN) {
                return; /* the server has closed: the test looks at what it answered */
            }
            http_turn();
            continue;
        }
        at += sent;
        bytes -= (size_t)sent;
    }
}

void send_text(int fd, const char *text) {
    send_all(fd, text, strlen(text));
}

bool receive(int fd, struct buffer *to) {
    http_turn();
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

const char *text_of(struct buffer *buffer) {
    buffer_reserve(buffer, 1)[0] = '\0';
    return (const char *)buffer->data;
}

void read_to_end(int fd, struct buffer *to) {
    while (receive(fd, to)) {
    }
}

void read_until(int fd, struct buffer *to, const char *text, size_t count) {
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

void exchange(const char *text, struct buffer *answer) {
    int fd = http_dial();
    send_text(fd, text);
    shutdown(fd, SHUT_WR);
    read_to_end(fd, answer);
    close(fd);
}

void assert_status(struct buffer *answer, unsigned status) {
    char expected[32];
    snprintf(expected, sizeof expected, "HTTP/1.1 %u ", status);
    if (strncmp(text_of(answer), expected, strlen(expected)) != 0) {
        fail_msg("expected %s, got: %s", expected, text_of(answer));
    }
}

void assert_contains(struct buffer *answer, const char *text) {
    if (strstr(text_of(answer), text) == NULL) {
        fail_msg("no \"%s\" in: %s", text, text_of(answer));
    }
}
