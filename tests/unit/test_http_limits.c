#include "tests/unit/support_http.h"
#include "tests/unit/support_limits.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

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
    int fd = http_dial();
    send_text(fd, "GET /parked HTTP/1.1\r\nHost: x\r\n\r\n");
    while (fix.parked == NULL) {
        http_turn();
    }
    memset(buffer_reserve(&fix.body, 4 << 20), 'd', 4 << 20);
    fix.body.bytes = 4 << 20;
    struct http_request *request = fix.parked;
    http_stream_begin(request, 200, "text/plain");
    size_t queued = http_stream_write(request, buffer_slice(&fix.body));
    assert_true(queued >= fix.body.bytes);
    http_stream_on_drain(request, 65536, on_drain);
    for (size_t i = 0; i < 50; i++) {
        http_turn();
    }
    /* Nobody reads: what the kernel does not take stays queued, and no more is asked for. */
    assert_int_equal(drains, 0);
    assert_true(http_stream_queued(request) > 65536);
    size_t total = 0;
    for (;;) {
        http_turn();
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
    int fd = http_dial();
    send_text(fd, "GET /parked HTTP/1.1\r\nHost: x\r\n\r\n");
    while (fix.parked == NULL) {
        http_turn();
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
    int fd = http_dial();
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
    expect_timeout("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", NULL);
    expect_timeout("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc",
                   "HTTP/1.1 408 ", NULL);
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
    int fd = http_dial();
    send_text(fd, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n");
    uint8_t *junk = calloc(1, 90000);
    send_all(fd, junk, 90000);
    read_to_end(fd, &answer);
    assert_status(&answer, 413);
    close(fd);
    /* Beyond linger_bytes the connection goes without waiting. */
    fix.limits.linger_bytes = 1000;
    fix.limits.linger_ms = 60000;
    fd = http_dial();
    send_text(fd, "BAD\r\n");
    send_all(fd, junk, 90000);
    struct http_server_stats stats;
    do {
        http_turn();
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
    int fd = http_dial();
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

static void wait_for_no_connections(void) {
    struct http_server_stats stats;
    do {
        http_turn();
        http_server_stats(fix.server, &stats);
    } while (stats.connections > 0);
}

static const char hello[] = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";

static void requests_are_counted_to_the_limit(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    fix.limits.requests_per_connection = 3;
    EACH_AROUND(count, fix.limits, requests_per_connection) {
        buffer_reset(&answer);
        int fd = http_dial();
        for (uint64_t i = 0; i < count; i++) {
            send_text(fd, hello);
        }
        shutdown(fd, SHUT_WR);
        read_to_end(fd, &answer);
        uint64_t found = 0;
        for (const char *at = text_of(&answer); (at = strstr(at, "hello")) != NULL; at++) {
            found++;
        }
        assert_int_equal(found, count <= 3 ? count : 3);
        close(fd);
    }
    buffer_deinit(&answer);
}

/* The last of `count` connections: is it answered? */
static bool last_is_answered(uint64_t count) {
    int fds[16];
    struct buffer answer;
    buffer_init(&answer);
    assert_true(count <= ARRAY_COUNT(fds));
    for (uint64_t i = 0; i < count; i++) {
        fds[i] = http_dial();
        buffer_reset(&answer);
        send_text(fds[i], hello);
        for (int turn = 0; turn < 50 && strstr(text_of(&answer), "hello") == NULL; turn++) {
            http_turn();
            if (!receive(fds[i], &answer)) {
                break;
            }
        }
        assert_true(i + 1 == count || strstr(text_of(&answer), "hello") != NULL);
    }
    bool answered = strstr(text_of(&answer), "hello") != NULL;
    for (uint64_t i = 0; i < count; i++) {
        close(fds[i]);
    }
    buffer_deinit(&answer);
    wait_for_no_connections();
    return answered;
}

static void connections_are_counted_to_the_limit(void **state) {
    (void)state;
    fix.limits.connections = 8;
    EACH_AROUND(count, fix.limits, connections) {
        assert_int_equal(last_is_answered(count), count <= 8);
    }
    fix.limits.connections = 100;
    fix.limits.connections_per_address = 3;
    EACH_AROUND(count, fix.limits, connections_per_address) {
        assert_int_equal(last_is_answered(count), count <= 3);
    }
}

static void connections_are_capped(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    fix.limits.connections = 8;
    int fds[9];
    for (size_t i = 0; i < ARRAY_COUNT(fds); i++) {
        fds[i] = http_dial();
        send_text(fds[i], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (size_t i = 0; i < 8; i++) {
        buffer_reset(&answer);
        read_until(fds[i], &answer, "hello", 1);
    }
    for (size_t i = 0; i < 20; i++) {
        http_turn();
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
        fds[i] = http_dial();
        http_turn();
    }
    send_text(fds[1], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(fds[1], &answer, "hello", 1);
    read_to_end(fds[2], &answer);
    assert_string_equal(fix.reason, "connections_per_address");
    close(fds[2]);
    close(fds[0]);
    struct http_server_stats stats;
    do {
        http_turn();
        http_server_stats(fix.server, &stats);
    } while (stats.connections > 1);
    fds[2] = http_dial();
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
    int fd = http_dial();
    send_text(fd, "GET /parked HTTP/1.1\r\nHost: x\r\n\r\n");
    while (fix.parked == NULL) {
        http_turn();
    }
    for (size_t i = 0; i < 10000; i++) {
        buffer_append_text(&text, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    size_t sent = 0;
    for (size_t idle = 0; idle < 100 && sent < text.bytes;) {
        ssize_t count = send(fd, text.data + sent, text.bytes - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        idle = count > 0 ? 0 : idle + 1;
        sent += count > 0 ? (size_t)count : 0;
        http_turn();
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
        answer.bytes -= (size_t)(last - (const char *)answer.data);
        memmove(answer.data, last, answer.bytes);
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
                int fd = http_dial();
                send_all(fd, requests[i], bytes);
                for (size_t turns = 0; turns < 5; turns++) {
                    http_turn();
                }
                struct linger linger = {reset, 0};
                setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
                close(fd);
                for (size_t turns = 0; turns < 5; turns++) {
                    http_turn();
                }
                if (fix.parked != NULL) {
                    http_respond(fix.parked, 200, "text/plain", SLICE_LITERAL("late"));
                }
            }
        }
    }
    struct http_server_stats stats;
    do {
        http_turn();
        http_server_stats(fix.server, &stats);
    } while (stats.connections > 0);
    assert_int_equal(fix.done, fix.finished);
    assert_true(fix.aborted > 0);
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
    int idle = http_dial();
    send_text(idle, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(idle, &answer, "hello", 1);
    int busy = http_dial();
    send_text(busy, "GET /parked HTTP/1.1\r\nHost: x\r\n\r\n");
    while (fix.parked == NULL) {
        http_turn();
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
    int busy = http_dial();
    send_text(busy, "GET /parked HTTP/1.1\r\nHost: x\r\n\r\n");
    while (fix.parked == NULL) {
        http_turn();
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

static void running_out_of_descriptors_is_survived(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer);
    int waiting = http_dial();
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {(rlim_t)waiting, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    read_to_end(waiting, &answer);
    assert_int_equal(answer.bytes, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    close(waiting);
    exchange("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_status(&answer, 200);
    buffer_deinit(&answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(slow_readers_drain_the_queue, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(stalled_readers_are_cut, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(silence_is_timed_out, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(errors_linger_so_that_they_are_read, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(connections_end_after_their_requests, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(requests_are_counted_to_the_limit, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(connections_are_counted_to_the_limit, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(connections_are_capped, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(connections_of_an_address_are_capped, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(pipelined_requests_wait_unread, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(clients_may_vanish_at_any_byte, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(drain_lets_requests_finish, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(drain_cuts_at_its_deadline, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(drain_of_an_idle_server_reports_too, http_fixture_start,
                                        http_fixture_stop),
        cmocka_unit_test_setup_teardown(running_out_of_descriptors_is_survived, http_fixture_start,
                                        http_fixture_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
