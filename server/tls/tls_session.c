#include "server/tls/tls_session.h"

#include "core/base/check.h"
#include "core/limits.h"
#include "server/tls/tls_inside.h"
#include "server/tls/tls_wire.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES_WINDOW_MS = 60000 };

/* A client's certificate, once it was found good. */
struct name {
    int64_t expires_s;
    char id[TLS_NAME_BYTES_MAX + 1];
};

struct tls_session {
    SSL *ssl;
    struct tls_wire wire;
    struct name *name; /* NULL: no certificate was asked for */
    const char *fault; /* static */
    /* Handshake messages since the handshake, in the minute that began at window_ms. */
    uint64_t messages_max, messages, window_ms, now_ms;
    size_t retry_bytes; /* of a write that must be repeated */
    enum tls_outcome outcome;
    bool up, failed, closed;
    bool blocked; /* the last read or handshake wanted output */
};

const char *tls_outcome_name(enum tls_outcome outcome) {
    static const char *const names[] = {
#define TLS_OUTCOME_TEXT(name, text) text,
        TLS_OUTCOME_TABLE(TLS_OUTCOME_TEXT)
#undef TLS_OUTCOME_TEXT
    };
    CHECK(outcome < TLS_OUTCOME_COUNT);
    return names[outcome];
}

/* Each makes us compute and answer: a client may ask for that now and then, not all the time. In
 * TLS 1.3 these are key updates, in 1.2 wishes to renegotiate, which are refused. */
static void on_message(int sent, int version, int type, const void *bytes, size_t count, SSL *ssl,
                       void *context) {
    struct tls_session *session = context;
    (void)version;
    (void)bytes;
    (void)count;
    (void)ssl;
    if (sent || type != SSL3_RT_HANDSHAKE || !session->up) {
        return;
    }
    if (session->messages == 0 || session->now_ms - session->window_ms >= MESSAGES_WINDOW_MS) {
        session->window_ms = session->now_ms;
        session->messages = 0;
    }
    if (++session->messages > session->messages_max) {
        session->wire.stopped = true;
        session->fault = "too many key updates";
    }
}

struct tls_session *tls_session_new(const struct tls_context *context, uint64_t key_updates_max) {
    struct tls_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return NULL;
    }
    ERR_clear_error();
    tls_wire_init(&session->wire);
    session->wire.taken_bytes_most = TLS_HANDSHAKE_BYTES_MAX;
    session->messages_max = key_updates_max;
    session->fault = "";
    session->ssl = SSL_new(context->ctx);
    BIO *bio = session->ssl == NULL ? NULL : tls_wire_bio(&session->wire);
    if (bio == NULL) {
        ERR_clear_error();
        tls_session_free(session);
        return NULL;
    }
    SSL_set_bio(session->ssl, bio, bio);
    SSL_set_accept_state(session->ssl);
    SSL_set_msg_callback(session->ssl, on_message);
    SSL_set_msg_callback_arg(session->ssl, session);
    return session;
}

void tls_session_free(struct tls_session *session) {
    if (session != NULL) {
        SSL_free(session->ssl);
        tls_wire_deinit(&session->wire);
        free(session->name);
        free(session);
    }
}

void tls_session_give(struct tls_session *session, struct slice bytes) {
    tls_wire_give(&session->wire, bytes);
}

void tls_session_keep(struct tls_session *session) {
    tls_wire_keep(&session->wire);
}

bool tls_session_has_input(const struct tls_session *session) {
    return session->wire.in.bytes > 0;
}

bool tls_session_can_go_on(const struct tls_session *session) {
    return session->wire.in.bytes > 0 || session->blocked || SSL_pending(session->ssl) > 0;
}

size_t tls_session_drop_input(struct tls_session *session) {
    return tls_wire_drop_input(&session->wire);
}

struct slice tls_session_output(const struct tls_session *session) {
    return tls_wire_output(&session->wire);
}

void tls_session_sent(struct tls_session *session, size_t bytes) {
    tls_wire_sent(&session->wire, bytes);
}

static enum tls_outcome outcome_of(unsigned long code) {
    int reason = ERR_GET_REASON(code);
    if (ERR_GET_LIB(code) != ERR_LIB_SSL) {
        return TLS_OUTCOME_MALFORMED;
    }
    if (reason >= SSL_AD_REASON_OFFSET) {
        return TLS_OUTCOME_ALERT;
    }
    switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
        return TLS_OUTCOME_PLAIN_HTTP;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_INAPPROPRIATE_FALLBACK:
        return TLS_OUTCOME_VERSION;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_CIPHERS_SPECIFIED:
        return TLS_OUTCOME_CIPHER;
    case SSL_R_NO_APPLICATION_PROTOCOL:
        return TLS_OUTCOME_PROTOCOL;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
        return TLS_OUTCOME_CERTIFICATE;
    default:
        return TLS_OUTCOME_MALFORMED;
    }
}

static enum tls_io fail(struct tls_session *session) {
    unsigned long code = ERR_peek_error();
    const char *text = code == 0 ? NULL : ERR_reason_error_string(code);
    session->failed = true;
    session->outcome = code == 0 ? TLS_OUTCOME_MALFORMED : outcome_of(code);
    if (session->fault[0] == '\0') {
        session->fault = text == NULL ? "the bytes are no TLS" : text;
    }
    ERR_clear_error();
    return TLS_IO_FAILED;
}

/* Before every call: what another connection, or a hash elsewhere, left in the thread's queue would
 * be taken for this one's failure. */
static bool begin(struct tls_session *session) {
    ERR_clear_error();
    return !session->failed;
}

/* Both wants may come from any call. */
static enum tls_io judge(struct tls_session *session, int result) {
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_NONE:
        return TLS_IO_DONE;
    case SSL_ERROR_WANT_READ:
        return TLS_IO_WANT_INPUT;
    case SSL_ERROR_WANT_WRITE:
        return TLS_IO_WANT_OUTPUT;
    case SSL_ERROR_ZERO_RETURN:
        session->closed = true;
        return TLS_IO_CLOSED;
    default:
        return fail(session);
    }
}

/* Its chain was verified, and tls_name_verify has seen a name in it. */
static void take_name(struct tls_session *session) {
    const X509 *certificate = SSL_get0_peer_certificate(session->ssl);
    if (certificate != NULL) {
        session->name = calloc(1, sizeof *session->name);
        CHECK(session->name != NULL);
        CHECK(tls_name_of(certificate, session->name->id));
        session->name->expires_s = tls_expires_s(certificate);
    }
}

enum tls_io tls_session_handshake(struct tls_session *session) {
    CHECK(!session->up);
    if (!begin(session)) {
        return TLS_IO_FAILED;
    }
    enum tls_io io = judge(session, SSL_do_handshake(session->ssl));
    session->blocked = io == TLS_IO_WANT_OUTPUT;
    if (io == TLS_IO_CLOSED) {
        return fail(session);
    }
    if (io == TLS_IO_DONE) {
        session->up = true;
        session->wire.taken_bytes_most = UINT64_MAX;
        take_name(session);
    }
    return io;
}

enum tls_io tls_session_read(struct tls_session *session, uint64_t now_ms, void *to, size_t room,
                             size_t *ret_bytes) {
    CHECK(session->up && room > 0);
    *ret_bytes = 0;
    if (!begin(session)) {
        return TLS_IO_FAILED;
    }
    session->now_ms = now_ms;
    enum tls_io io = judge(session, SSL_read_ex(session->ssl, to, room, ret_bytes));
    session->blocked = io == TLS_IO_WANT_OUTPUT;
    return io;
}

enum tls_io tls_session_write(struct tls_session *session, struct slice bytes, size_t *ret_taken) {
    CHECK(session->up && bytes.bytes >= session->retry_bytes);
    *ret_taken = 0;
    while (*ret_taken < bytes.bytes) {
        size_t taken = 0;
        if (!begin(session)) {
            return TLS_IO_FAILED;
        }
        enum tls_io io = judge(session, SSL_write_ex(session->ssl, bytes.data + *ret_taken,
                                                     bytes.bytes - *ret_taken, &taken));
        *ret_taken += taken;
        if (io != TLS_IO_DONE) {
            session->retry_bytes = bytes.bytes - *ret_taken;
            return io;
        }
    }
    session->retry_bytes = 0;
    return TLS_IO_DONE;
}

void tls_session_close(struct tls_session *session) {
    if (session->up && begin(session)) {
        (void)SSL_shutdown(session->ssl); /* says it once; the peer's own is not waited for */
        ERR_clear_error();
    }
}

bool tls_session_is_closed(const struct tls_session *session) {
    return session->closed;
}

enum tls_outcome tls_session_outcome(const struct tls_session *session) {
    return session->outcome;
}

const char *tls_session_fault(const struct tls_session *session) {
    return session->fault;
}

const char *tls_session_name(const struct tls_session *session, int64_t *ret_expires_s) {
    *ret_expires_s = session->name == NULL ? 0 : session->name->expires_s;
    return session->name == NULL ? "" : session->name->id;
}
