/* One test a pitfall of TLS over buffers. The peer is OpenSSL's client in memory. */
#include "core/limits.h"
#include "tests/unit/support_limits.h"
#include "tests/unit/support_tls.h"

#include <openssl/err.h>

static struct tls_context *context;
static struct limits limits;
static struct tls_session *session;
static struct tls_client client;
static struct buffer wire;

static int start(void **state) {
    limits_init(&limits);
    buffer_init(&wire);
    assert_int_equal(tls_files_start(state), 0);
    context = tls_fixture_context(false);
    return 0;
}

static int stop(void **state) {
    tls_context_free(context);
    buffer_deinit(&wire);
    return tls_files_stop(state);
}

static void connect_with(int version) {
    session = tls_session_new(context, limits.tls_key_updates);
    assert_non_null(session);
    tls_client_init(&client, version, NULL);
    tls_client_start(&client);
    assert_int_equal(tls_shake(session, &client), TLS_IO_DONE);
}

static void disconnect(void) {
    tls_client_deinit(&client);
    tls_session_free(session);
}

static void client_writes(const void *bytes, size_t count) {
    size_t written = 0;
    assert_int_equal(SSL_write_ex(client.ssl, bytes, count, &written), 1);
    assert_int_equal(written, count);
}

/* All that the client has goes to the session in one piece, as one read of a socket. */
static void give_all(void) {
    buffer_reset(&wire);
    tls_client_take(&client, &wire);
    tls_session_give(session, buffer_slice(&wire));
}

static enum tls_io read_some(void *to, size_t room, size_t *ret_bytes) {
    return tls_session_read(session, 1000, to, room, ret_bytes);
}

static void assert_client_reads(const char *text) {
    char got[64] = "";
    size_t bytes = 0;
    tls_deliver(session, &client);
    assert_int_equal(SSL_read_ex(client.ssl, got, sizeof got - 1, &bytes), 1);
    assert_string_equal(got, text);
}

static void a_byte_at_a_time_is_as_good_as_all(void **state) {
    (void)state;
    const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < ARRAY_COUNT(versions); i++) {
        session = tls_session_new(context, limits.tls_key_updates);
        tls_client_init(&client, versions[i], NULL);
        tls_client_start(&client);
        enum tls_io io = TLS_IO_WANT_INPUT;
        for (int turn = 0; turn < 10 && io != TLS_IO_DONE; turn++) {
            (void)SSL_do_handshake(client.ssl);
            buffer_reset(&wire);
            tls_client_take(&client, &wire);
            for (size_t at = 0; at < wire.bytes; at++) {
                tls_session_give(session, (struct slice){wire.data + at, 1});
                io = tls_session_handshake(session);
                tls_session_keep(session);
                tls_deliver(session, &client);
            }
        }
        assert_int_equal(io, TLS_IO_DONE);
        assert_int_equal(SSL_do_handshake(client.ssl), 1);
        char got[16];
        size_t bytes = 0, count = 0;
        client_writes("segment", 7);
        buffer_reset(&wire);
        tls_client_take(&client, &wire);
        for (size_t at = 0; at < wire.bytes; at++) {
            tls_session_give(session, (struct slice){wire.data + at, 1});
            io = read_some(got + count, sizeof got - count, &bytes);
            count += bytes;
            assert_int_equal(io, at + 1 == wire.bytes ? TLS_IO_DONE : TLS_IO_WANT_INPUT);
        }
        assert_true(count == 7 && memcmp(got, "segment", 7) == 0);
        disconnect();
    }
}

/* What one connection's failure, or a hash elsewhere, leaves in the thread's queue is not taken for
 * another's. */
static void errors_of_others_do_not_count(void **state) {
    (void)state;
    char got[16];
    size_t bytes = 0;
    connect_with(0);
    ERR_raise(ERR_LIB_SSL, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
    assert_int_equal(read_some(got, sizeof got, &bytes), TLS_IO_WANT_INPUT);
    ERR_raise(ERR_LIB_SSL, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
    assert_int_equal(tls_session_write(session, SLICE_LITERAL("fine"), &bytes), TLS_IO_DONE);
    assert_client_reads("fine");
    struct tls_session *other = tls_session_new(context, limits.tls_key_updates);
    ERR_raise(ERR_LIB_SSL, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
    assert_int_equal(tls_session_handshake(other), TLS_IO_WANT_INPUT);
    /* And a failure leaves nothing behind. */
    tls_session_give(other, SLICE_LITERAL("this is no TLS at all"));
    assert_int_equal(tls_session_handshake(other), TLS_IO_FAILED);
    assert_int_equal(ERR_peek_error(), 0);
    tls_session_free(other);
    disconnect();
}

/* No event comes for records that are here already, so reading goes on until more is wanted. */
static void several_records_of_one_read_all_come_out(void **state) {
    (void)state;
    char got[64];
    size_t bytes = 0;
    connect_with(0);
    client_writes("one", 3);
    client_writes("two", 3);
    client_writes("three", 5);
    give_all();
    const char *const words[] = {"one", "two", "three"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        assert_int_equal(read_some(got, sizeof got, &bytes), TLS_IO_DONE);
        assert_true(bytes == strlen(words[i]) && memcmp(got, words[i], bytes) == 0);
        assert_int_equal(tls_session_has_input(session), i < 2);
        if (i == 0) {
            tls_session_keep(session); /* the lent bytes go away between two reads */
            memset(wire.data, 0, wire.bytes);
        }
    }
    assert_int_equal(read_some(got, sizeof got, &bytes), TLS_IO_WANT_INPUT);
    /* A record larger than the room comes out in parts, with no input left at all. */
    client_writes("abcdef", 6);
    give_all();
    assert_int_equal(read_some(got, 4, &bytes), TLS_IO_DONE);
    assert_false(tls_session_has_input(session));
    assert_int_equal(read_some(got, 4, &bytes), TLS_IO_DONE);
    assert_true(bytes == 2 && memcmp(got, "ef", 2) == 0);
    disconnect();
}

/* The output is filled up to its end, and what is in it must be sent before more is taken; the
 * bytes that were refused come again from another place, with more behind them. */
static void a_refused_write_goes_on_with_the_same_bytes(void **state) {
    (void)state;
    enum { ALL = 400000 };
    uint8_t *sent = malloc(ALL), *got = malloc(ALL);
    assert_true(sent != NULL && got != NULL);
    for (size_t i = 0; i < ALL; i++) {
        sent[i] = (uint8_t)(i * 2654435761u >> 13);
    }
    connect_with(0);
    size_t from = 0, count = 0, refused = 0;
    while (from < ALL) {
        /* At first only half is there; then it has grown. */
        size_t end = refused == 0 ? ALL / 2 : ALL;
        uint8_t *moved = malloc(end - from);
        assert_non_null(moved);
        memcpy(moved, sent + from, end - from);
        size_t taken = 0;
        enum tls_io io = tls_session_write(session, (struct slice){moved, end - from}, &taken);
        free(moved);
        from += taken;
        refused += io == TLS_IO_WANT_OUTPUT;
        assert_true(io == TLS_IO_WANT_OUTPUT || (io == TLS_IO_DONE && from == end));
        tls_deliver(session, &client);
        size_t bytes = 0;
        while (SSL_read_ex(client.ssl, got + count, ALL - count, &bytes) == 1) {
            count += bytes;
        }
    }
    assert_true(refused > 3);
    assert_int_equal(count, ALL);
    assert_memory_equal(sent, got, ALL);
    assert_int_equal(tls_session_output(session).bytes, 0);
    free(sent);
    free(got);
    disconnect();
}

/* A handshake that has more to send than the output takes goes on when that has gone. */
static void a_handshake_may_want_output(void **state) {
    (void)state;
    char path[300];
    snprintf(path, sizeof path, "%s/long.crt", tls_fix.directory);
    tls_write_certificate(path, &tls_fix.server);
    for (int i = 0; i < 230; i++) {
        tls_write_certificate(path, &tls_fix.ca);
    }
    struct tls_context *fresh = NULL;
    struct error error = {""};
    const struct tls_files files = {path, tls_fix.key, NULL};
    assert_int_equal(tls_context_new(&fresh, &files, &error), STATUS_OK);
    tls_context_replace(context, fresh);
    session = tls_session_new(context, limits.tls_key_updates);
    tls_client_init(&client, 0, NULL);
    tls_client_start(&client);
    (void)SSL_do_handshake(client.ssl);
    give_all();
    assert_int_equal(tls_session_handshake(session), TLS_IO_WANT_OUTPUT);
    assert_int_equal(tls_session_handshake(session), TLS_IO_WANT_OUTPUT); /* nothing has gone */
    tls_deliver(session, &client);
    assert_int_equal(tls_session_handshake(session), TLS_IO_WANT_INPUT);
    tls_deliver(session, &client);
    assert_int_equal(tls_shake(session, &client), TLS_IO_DONE);
    disconnect();
}

/* A key update that asks for ours is answered by the next write, whatever it is. */
static void keys_change_in_both_directions(void **state) {
    (void)state;
    char got[16];
    size_t bytes = 0;
    connect_with(TLS1_3_VERSION);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        client_writes("x", 1);
        give_all();
        assert_int_equal(read_some(got, sizeof got, &bytes), TLS_IO_DONE);
        assert_int_equal(tls_session_write(session, SLICE_LITERAL("both"), &bytes), TLS_IO_DONE);
        assert_client_reads("both");
    }
    disconnect();
}

/* Reading and shaking hands have output of their own, also when nothing was written by us. */
static void every_call_may_leave_output(void **state) {
    (void)state;
    char got[16];
    size_t bytes = 0;
    connect_with(TLS1_2_VERSION);
    assert_int_equal(tls_session_output(session).bytes, 0);
    assert_int_equal(SSL_renegotiate(client.ssl), 1);
    (void)SSL_do_handshake(client.ssl);
    give_all();
    assert_int_equal(read_some(got, sizeof got, &bytes), TLS_IO_WANT_INPUT);
    struct slice refusal = tls_session_output(session);
    assert_true(refusal.bytes > 0 && refusal.bytes < 64); /* a warning, no handshake of ours */
    tls_deliver(session, &client);
    ERR_clear_error();
    assert_int_equal(SSL_do_handshake(client.ssl), -1);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    disconnect();
    /* A handshake that fails has an alert to send. */
    session = tls_session_new(context, limits.tls_key_updates);
    tls_client_init(&client, TLS1_1_VERSION, NULL);
    tls_client_start(&client);
    (void)SSL_do_handshake(client.ssl);
    give_all();
    assert_int_equal(tls_session_handshake(session), TLS_IO_FAILED);
    assert_int_equal(tls_session_outcome(session), TLS_OUTCOME_VERSION);
    struct slice alert = tls_session_output(session);
    assert_true(alert.bytes == 7 && alert.data[0] == 21 && alert.data[6] == 70);
    disconnect();
}

/* After a failure nothing is said any more but the alert, least of all a farewell that would make
 * what was cut look whole. */
static void a_failed_session_says_no_farewell(void **state) {
    (void)state;
    char got[16];
    size_t bytes = 0;
    connect_with(0);
    client_writes("forged", 6);
    buffer_reset(&wire);
    tls_client_take(&client, &wire);
    wire.data[wire.bytes - 1] ^= 1;
    tls_session_give(session, buffer_slice(&wire));
    assert_int_equal(read_some(got, sizeof got, &bytes), TLS_IO_FAILED);
    size_t alert_bytes = tls_session_output(session).bytes;
    assert_true(alert_bytes > 0);
    tls_session_close(session);
    assert_int_equal(tls_session_output(session).bytes, alert_bytes);
    assert_int_equal(read_some(got, sizeof got, &bytes), TLS_IO_FAILED);
    assert_int_equal(tls_session_write(session, SLICE_LITERAL("x"), &bytes), TLS_IO_FAILED);
    assert_int_equal(tls_session_output(session).bytes, alert_bytes);
    assert_int_equal(ERR_peek_error(), 0);
    tls_deliver(session, &client);
    assert_int_equal(SSL_read_ex(client.ssl, got, sizeof got, &bytes), 0);
    assert_int_equal(SSL_get_error(client.ssl, 0), SSL_ERROR_SSL); /* not ZERO_RETURN */
    disconnect();
    /* Nor one that the peer has ended with an alert: it could not be told from a whole answer. */
    connect_with(0);
    assert_int_equal(tls_session_write(session, SLICE_LITERAL("garbled"), &bytes), TLS_IO_DONE);
    buffer_reset(&wire);
    buffer_append_slice(&wire, tls_session_output(session));
    wire.data[wire.bytes - 1] ^= 1;
    tls_session_sent(session, wire.bytes);
    assert_int_equal(BIO_write_ex(client.to_us, wire.data, wire.bytes, &bytes), 1);
    assert_int_equal(SSL_read_ex(client.ssl, got, sizeof got, &bytes), 0);
    ERR_clear_error();
    give_all();
    assert_int_equal(read_some(got, sizeof got, &bytes), TLS_IO_FAILED);
    tls_session_close(session);
    assert_int_equal(tls_session_output(session).bytes, 0);
    disconnect();
    /* Nor one that never came to be. */
    session = tls_session_new(context, limits.tls_key_updates);
    tls_session_close(session);
    assert_int_equal(tls_session_output(session).bytes, 0);
    tls_session_free(session);
}

static void only_a_farewell_is_an_end(void **state) {
    (void)state;
    char got[16];
    size_t bytes = 0;
    connect_with(0);
    client_writes("cut", 3);
    give_all();
    assert_int_equal(read_some(got, sizeof got, &bytes), TLS_IO_DONE);
    assert_int_equal(read_some(got, sizeof got, &bytes), TLS_IO_WANT_INPUT);
    assert_false(tls_session_is_closed(session)); /* an end of the stream here is a cut */
    assert_int_equal(SSL_shutdown(client.ssl), 0);
    give_all();
    assert_int_equal(read_some(got, sizeof got, &bytes), TLS_IO_CLOSED);
    assert_true(tls_session_is_closed(session));
    assert_int_equal(tls_session_write(session, SLICE_LITERAL("still"), &bytes), TLS_IO_DONE);
    assert_client_reads("still");
    tls_session_close(session);
    tls_deliver(session, &client);
    assert_int_equal(SSL_read_ex(client.ssl, got, sizeof got, &bytes), 0);
    assert_int_equal(SSL_get_error(client.ssl, 0), SSL_ERROR_ZERO_RETURN);
    disconnect();
}

/* One update; the session's word. */
static enum tls_io update_key(uint64_t now_ms) {
    char got[4];
    size_t bytes = 0;
    assert_int_equal(SSL_key_update(client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    client_writes("k", 1);
    give_all();
    return tls_session_read(session, now_ms, got, sizeof got, &bytes);
}

static void key_updates_are_counted_by_the_minute(void **state) {
    (void)state;
    limits.tls_key_updates = 8;
    EACH_AROUND(count, limits, tls_key_updates) {
        connect_with(TLS1_3_VERSION);
        enum tls_io io = TLS_IO_DONE;
        for (uint64_t i = 0; i < count; i++) {
            assert_int_equal(io, TLS_IO_DONE);
            io = update_key(5000);
        }
        assert_int_equal(io, count <= 8 ? TLS_IO_DONE : TLS_IO_FAILED);
        if (count == 8) {
            assert_int_equal(update_key(65000), TLS_IO_DONE); /* the next minute */
        } else if (count > 8) {
            assert_string_equal(tls_session_fault(session), "too many key updates");
            tls_session_close(session); /* OpenSSL would still say farewell here */
            assert_int_equal(tls_session_output(session).bytes, 0);
        }
        disconnect();
    }
}

/* The cap holds within one call too, which would work off a whole read of them. */
static void a_burst_of_key_updates_ends_early(void **state) {
    (void)state;
    char got[64];
    size_t bytes = 0;
    limits.tls_key_updates = 4;
    connect_with(TLS1_3_VERSION);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(client.ssl), 1);
    }
    client_writes("after", 5);
    give_all();
    size_t given = wire.bytes;
    enum tls_io io = read_some(got, sizeof got, &bytes);
    assert_int_equal(io, TLS_IO_FAILED);
    assert_true(tls_session_drop_input(session) > given / 2);
    disconnect();
}

static void a_handshake_is_bounded(void **state) {
    (void)state;
    /* A ClientHello that claims 100,000 bytes, in records of 16,000. */
    session = tls_session_new(context, limits.tls_key_updates);
    static uint8_t record[5 + 16000];
    uint64_t given = 0;
    enum tls_io io = TLS_IO_WANT_INPUT;
    for (int i = 0; i < 8 && io == TLS_IO_WANT_INPUT; i++) {
        memcpy(record, "\x16\x03\x01\x3e\x80", 5);
        if (i == 0) {
            memcpy(record + 5, "\x01\x01\x86\xa0\x03\x03", 6);
        }
        tls_session_give(session, (struct slice){record, sizeof record});
        io = tls_session_handshake(session);
        given += sizeof record - tls_session_drop_input(session);
    }
    assert_int_equal(io, TLS_IO_FAILED);
    assert_true(given >= TLS_HANDSHAKE_BYTES_MAX && given < TLS_HANDSHAKE_BYTES_MAX + 16384);
    tls_session_free(session);
    /* After the handshake there is no such bound. */
    static char block[16384], got[16384];
    size_t bytes = 0;
    connect_with(0);
    for (int i = 0; i < 8; i++) {
        client_writes(block, sizeof block);
        give_all();
        assert_int_equal(read_some(got, sizeof got, &bytes), TLS_IO_DONE);
    }
    disconnect();
}

static enum tls_outcome refused(void (*change)(void), int version, const char *word) {
    session = tls_session_new(context, limits.tls_key_updates);
    tls_client_init(&client, version, NULL);
    if (change != NULL) {
        change();
    }
    tls_client_start(&client);
    enum tls_io io = tls_shake(session, &client);
    enum tls_outcome outcome = io == TLS_IO_DONE ? TLS_OUTCOME_OK : tls_session_outcome(session);
    if (strstr(tls_session_fault(session), word) == NULL) {
        fail_msg("%s is not: %s", tls_session_fault(session), word);
    }
    disconnect();
    return outcome;
}

static void only_rsa_key_exchange(void) {
    assert_int_equal(SSL_CTX_set_cipher_list(client.ctx, "AES128-GCM-SHA256:AES256-SHA"), 1);
}
static void only_cbc(void) {
    assert_int_equal(SSL_CTX_set_cipher_list(client.ctx, "ECDHE-ECDSA-AES128-SHA256"), 1);
}
static void only_dhe(void) {
    assert_int_equal(SSL_CTX_set_cipher_list(client.ctx, "DHE-RSA-AES128-GCM-SHA256"), 1);
}
static void only_p521(void) {
    assert_int_equal(SSL_CTX_set1_groups_list(client.ctx, "P-521"), 1);
}
static void only_h2(void) {
    assert_int_equal(SSL_CTX_set_alpn_protos(client.ctx, (const uint8_t *)"\x02h2", 3), 0);
}
static void h2_or_ours(void) {
    assert_int_equal(SSL_CTX_set_alpn_protos(client.ctx, (const uint8_t *)"\x02h2\x08http/1.1", 12),
                     0);
}
static void trusts_nobody(void) {
    X509_STORE *empty = X509_STORE_new();
    SSL_CTX_set_cert_store(client.ctx, empty);
}

static void weak_offers_are_refused(void **state) {
    (void)state;
    const int v12 = TLS1_2_VERSION, v13 = TLS1_3_VERSION;
    assert_int_equal(refused(NULL, TLS1_1_VERSION, "unsupported protocol"), TLS_OUTCOME_VERSION);
    assert_int_equal(refused(NULL, TLS1_VERSION, "unsupported protocol"), TLS_OUTCOME_VERSION);
    assert_int_equal(refused(only_rsa_key_exchange, v12, "no shared"), TLS_OUTCOME_CIPHER);
    assert_int_equal(refused(only_cbc, v12, "no shared"), TLS_OUTCOME_CIPHER);
    assert_int_equal(refused(only_dhe, v12, "no shared"), TLS_OUTCOME_CIPHER);
    assert_int_equal(refused(only_p521, v13, "key share"), TLS_OUTCOME_CIPHER);
    assert_int_equal(refused(only_h2, v13, "application protocol"), TLS_OUTCOME_PROTOCOL);
    assert_int_equal(refused(trusts_nobody, v13, "alert unknown ca"), TLS_OUTCOME_ALERT);
    assert_int_equal(refused(h2_or_ours, v12, ""), TLS_OUTCOME_OK);
    assert_int_equal(refused(NULL, v12, ""), TLS_OUTCOME_OK);
    assert_int_equal(refused(NULL, v13, ""), TLS_OUTCOME_OK);
    session = tls_session_new(context, limits.tls_key_updates);
    tls_session_give(session, SLICE_LITERAL("GET / HTTP/1.1\r\n\r\n"));
    assert_int_equal(tls_session_handshake(session), TLS_IO_FAILED);
    assert_int_equal(tls_session_outcome(session), TLS_OUTCOME_PLAIN_HTTP);
    assert_string_equal(tls_outcome_name(tls_session_outcome(session)), "plain_http");
    tls_session_free(session);
}

static void nothing_is_resumed_or_early(void **state) {
    (void)state;
    const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < ARRAY_COUNT(versions); i++) {
        char got[4];
        size_t bytes = 0;
        connect_with(versions[i]);
        assert_int_equal(tls_session_write(session, SLICE_LITERAL("x"), &bytes), TLS_IO_DONE);
        tls_deliver(session, &client);
        assert_int_equal(SSL_read_ex(client.ssl, got, 1, &bytes), 1);
        SSL_SESSION *kept = SSL_get1_session(client.ssl);
        assert_int_equal(SSL_SESSION_has_ticket(kept), 0);
        assert_int_equal(SSL_SESSION_get_max_early_data(kept), 0);
        assert_null(SSL_get_current_compression(client.ssl));
        disconnect();
        session = tls_session_new(context, limits.tls_key_updates);
        tls_client_init(&client, versions[i], NULL);
        tls_client_start(&client);
        assert_int_equal(SSL_set_session(client.ssl, kept), 1);
        assert_int_equal(tls_shake(session, &client), TLS_IO_DONE);
        assert_int_equal(SSL_session_reused(client.ssl), 0);
        SSL_SESSION_free(kept);
        disconnect();
    }
}

static void a_new_certificate_is_for_new_connections(void **state) {
    (void)state;
    char got[8] = "";
    size_t bytes = 0;
    connect_with(0);
    struct tls_issued next = tls_issue(&(struct tls_order){.name = "next"}, &tls_fix.ca);
    char certificate[300], key[300];
    snprintf(certificate, sizeof certificate, "%s/next.crt", tls_fix.directory);
    snprintf(key, sizeof key, "%s/next.key", tls_fix.directory);
    tls_write_certificate(certificate, &next);
    tls_write_key(key, &next);
    struct tls_context *fresh = NULL;
    struct error error;
    assert_int_equal(tls_context_new(&fresh, &(struct tls_files){certificate, key, NULL}, &error),
                     STATUS_OK);
    tls_context_replace(context, fresh);
    client_writes("old", 3);
    give_all();
    assert_int_equal(read_some(got, sizeof got, &bytes), TLS_IO_DONE);
    assert_string_equal(got, "old");
    X509 *shown = SSL_get1_peer_certificate(client.ssl);
    assert_int_equal(X509_cmp(shown, tls_fix.server.certificate), 0);
    X509_free(shown);
    disconnect();
    connect_with(0);
    shown = SSL_get1_peer_certificate(client.ssl);
    assert_int_equal(X509_cmp(shown, next.certificate), 0);
    X509_free(shown);
    disconnect();
    tls_issued_free(&next);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, start, stop)
        WITH_FILES(a_byte_at_a_time_is_as_good_as_all),
        WITH_FILES(errors_of_others_do_not_count),
        WITH_FILES(several_records_of_one_read_all_come_out),
        WITH_FILES(a_refused_write_goes_on_with_the_same_bytes),
        WITH_FILES(a_handshake_may_want_output),
        WITH_FILES(keys_change_in_both_directions),
        WITH_FILES(every_call_may_leave_output),
        WITH_FILES(a_failed_session_says_no_farewell),
        WITH_FILES(only_a_farewell_is_an_end),
        WITH_FILES(key_updates_are_counted_by_the_minute),
        WITH_FILES(a_burst_of_key_updates_ends_early),
        WITH_FILES(a_handshake_is_bounded),
        WITH_FILES(weak_offers_are_refused),
        WITH_FILES(nothing_is_resumed_or_early),
        WITH_FILES(a_new_certificate_is_for_new_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
