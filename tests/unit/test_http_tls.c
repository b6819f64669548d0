/* A connection of the real server over TLS: what it holds, and what it does when it cannot go on.
 */
#include "tests/unit/support_http.h"
#include "tests/unit/support_tls.h"

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct tls_context *context;
static struct tls_client client;
static struct buffer wire, answer;
static int fd;

static int start(void **state) {
    assert_int_equal(tls_files_start(state), 0);
    context = tls_fixture_context(false);
    http_fixture_tls = context;
    buffer_init(&wire);
    buffer_init(&answer);
    return http_fixture_start(state);
}

static int stop(void **state) {
    assert_int_equal(http_fixture_stop(state), 0);
    http_fixture_tls = NULL;
    tls_context_free(context);
    buffer_deinit(&wire);
    buffer_deinit(&answer);
    return tls_files_stop(state);
}

/* What has come over the socket goes to the client. */
static void hear(void) {
    buffer_reset(&wire);
    (void)receive(fd, &wire);
    size_t written;
    if (wire.bytes > 0) {
        assert_int_equal(BIO_write_ex(client.to_us, wire.data, wire.bytes, &written), 1);
    }
}

static void speak(void) {
    buffer_reset(&wire);
    tls_client_take(&client, &wire);
    send_all(fd, wire.data, wire.bytes);
}

static void come_in(void) {
    tls_client_init(&client, 0, NULL);
    tls_client_start(&client);
    fd = http_dial();
    while (SSL_do_handshake(client.ssl) != 1) {
        ERR_clear_error();
        speak();
        hear();
    }
    speak();
}

static void leave(void) {
    tls_client_deinit(&client);
    close(fd);
}

static void say(const char *text) {
    size_t written;
    assert_int_equal(SSL_write_ex(client.ssl, text, strlen(text), &written), 1);
    speak();
}

/* Plaintext until it has `text` that many times. */
static void hear_until(const char *text, size_t count) {
    for (;;) {
        size_t found = 0, got = 0;
        while (SSL_read_ex(client.ssl, buffer_reserve(&answer, 16384), 16384, &got) == 1) {
            answer.bytes += got;
        }
        ERR_clear_error();
        for (const char *at = text_of(&answer); (at = strstr(at, text)) != NULL; at++) {
            found++;
        }
        if (found >= count) {
            return;
        }
        hear();
    }
}

/* While a body cannot be taken, a connection holds one read and one record: the rest stays in the
 * socket, and the client waits. */
static void a_paused_body_is_not_read_on(void **state) {
    (void)state;
    static char block[16384];
    enum { BLOCKS = 600 }; /* more than sockets hold */
    come_in();
    fix.pause_on_body = true;
    say("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9830400\r\n\r\n");
    memset(block, 'b', sizeof block);
    buffer_reset(&wire);
    size_t written;
    for (int i = 0; i < BLOCKS; i++) {
        assert_int_equal(SSL_write_ex(client.ssl, block, sizeof block, &written), 1);
        tls_client_take(&client, &wire);
    }
    size_t sent = 0;
    for (int quiet = 0; quiet < 50;) { /* until the socket takes no more for a while */
        ssize_t count = send(fd, wire.data + sent, wire.bytes - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += count > 0 ? (size_t)count : 0;
        quiet = count > 0 ? 0 : quiet + 1;
        http_turn();
    }
    assert_non_null(fix.parked);
    assert_true(sent < wire.bytes);
    struct http_server_stats stats;
    http_server_stats(fix.server, &stats);
    assert_true(stats.bytes_in_total <= 4096 + 2 * 65536); /* the handshake, a head, two reads */
    assert_true(fix.body.bytes <= 65536);
    fix.pause_on_body = false;
    http_body_resume(fix.parked);
    send_all(fd, wire.data + sent, wire.bytes - sent);
    while (fix.finished == 0) {
        hear();
    }
    assert_int_equal(fix.body.bytes, BLOCKS * sizeof block);
    for (size_t i = 0; i < fix.body.bytes; i++) {
        assert_int_equal(fix.body.data[i], 'b');
    }
    leave();
}

static void all_of_one_read_is_answered(void **state) {
    (void)state;
    come_in();
    for (int i = 0; i < 9; i++) { /* records of one packet */
        size_t written;
        const char *request = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
        assert_int_equal(SSL_write_ex(client.ssl, request, strlen(request), &written), 1);
    }
    speak();
    hear_until("hello", 9);
    leave();
}

/* What a call leaves to send goes out though there is no answer that would take it along. */
static void what_reading_wrote_is_sent(void **state) {
    (void)state;
    come_in();
    size_t written = 0;
    const char *request = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_int_equal(SSL_write_ex(client.ssl, request, strlen(request), &written), 1);
    buffer_reset(&wire);
    tls_client_take(&client, &wire);
    wire.data[wire.bytes - 1] ^= 1;
    send_all(fd, wire.data, wire.bytes);
    size_t got = 0;
    char byte;
    while (SSL_read_ex(client.ssl, &byte, 1, &got) != 1) {
        if (SSL_get_error(client.ssl, 0) == SSL_ERROR_SSL) {
            break;
        }
        ERR_clear_error();
        hear();
    }
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
    assert_string_equal(fix.reason, "tls_failed");
    ERR_clear_error();
    leave();
}

static void a_cut_body_is_thrown_away(void **state) {
    (void)state;
    come_in();
    say("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
    while (fix.body.bytes < 4) {
        http_turn();
    }
    leave(); /* no farewell */
    while (fix.done == 0) {
        http_turn();
    }
    assert_int_equal(fix.aborted, 1);
    assert_string_equal(fix.reason, "tls_truncated");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, start, stop)
        WITH_SERVER(a_paused_body_is_not_read_on),
        WITH_SERVER(all_of_one_read_is_answered),
        WITH_SERVER(what_reading_wrote_is_sent),
        WITH_SERVER(a_cut_body_is_thrown_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
