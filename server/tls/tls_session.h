/* One TLS connection, server's side, without a socket: bytes off the wire in, plaintext out, and
 * back.
 *
 * Whoever owns the socket gives what was read (tls_session_give), calls the session until it wants
 * more, and after EVERY call sends what tls_session_output has: reading may write (key updates,
 * alerts) and writing may read. A read may hold several records, so reading goes on until
 * TLS_IO_WANT_INPUT; no event comes for what is already here. Nothing else is read from the socket
 * while input is left, so a connection holds at most one read of undecrypted input and one record
 * of plaintext.
 *
 * A session that failed stays failed; its last output is the alert, after which the connection is
 * closed. The end of the socket's stream before TLS_IO_CLOSED is a cut, not an end.
 *
 * Loop thread. Idle, a session holds neither input nor output nor OpenSSL's record buffers. */
#ifndef SERVER_TLS_TLS_SESSION_H
#define SERVER_TLS_TLS_SESSION_H

#include "server/tls/tls_context.h"

struct tls_session; /* opaque */

enum tls_io {
    TLS_IO_DONE,
    TLS_IO_WANT_INPUT,  /* give more */
    TLS_IO_WANT_OUTPUT, /* send first, then call again with the same */
    TLS_IO_CLOSED,      /* the peer said that nothing more comes; writing goes on */
    TLS_IO_FAILED,
};

/* How a handshake ended: label of gridd_tls_handshakes_total. */
#define TLS_OUTCOME_TABLE(X)                                                                       \
    X(OK, "ok")                                                                                    \
    X(PLAIN_HTTP, "plain_http")   /* HTTP came where TLS was to be */                              \
    X(VERSION, "version")         /* too old, or no TLS at all */                                  \
    X(CIPHER, "cipher")           /* no cipher, group or signature in common */                    \
    X(PROTOCOL, "protocol")       /* ALPN without http/1.1 */                                      \
    X(CERTIFICATE, "certificate") /* the client's is missing or not good */                        \
    X(ALERT, "alert")             /* the client ended it: it does not trust ours, say */           \
    X(TIMEOUT, "timeout")                                                                          \
    X(CLOSED, "closed") /* the client went away */                                                 \
    X(MALFORMED, "malformed")
enum tls_outcome {
#define TLS_OUTCOME_ENUM(name, text) TLS_OUTCOME_##name,
    TLS_OUTCOME_TABLE(TLS_OUTCOME_ENUM)
#undef TLS_OUTCOME_ENUM
        TLS_OUTCOME_COUNT
};
/* Static. */
const char *tls_outcome_name(enum tls_outcome outcome);

/* `key_updates_max` is limits.tls_key_updates. NULL: out of memory. */
struct tls_session *tls_session_new(const struct tls_context *context, uint64_t key_updates_max);
/* NULL is allowed. */
void tls_session_free(struct tls_session *session);

/* Lends bytes off the wire, until tls_session_keep; what was given before must be used up. */
void tls_session_give(struct tls_session *session, struct slice bytes);
/* Before the lent bytes go away: copies what is left of them. */
void tls_session_keep(struct tls_session *session);
bool tls_session_has_input(const struct tls_session *session);
/* Would reading (or shaking hands) now come to more than TLS_IO_WANT_INPUT? Not asked when input
 * has just been given, an idle connection needs no record buffer for it. */
bool tls_session_can_go_on(const struct tls_session *session);
/* Throws the input away that is left; how many bytes. */
size_t tls_session_drop_input(struct tls_session *session);

/* To be called until TLS_IO_DONE, then never again. Never CLOSED. */
MUST_USE enum tls_io tls_session_handshake(struct tls_session *session);
/* At most one record, 16 KiB, decrypted straight into `to`. `now_ms` is any clock that only goes
 * forward: key updates are counted by its minutes. */
MUST_USE enum tls_io tls_session_read(struct tls_session *session, uint64_t now_ms, void *to,
                                      size_t room, size_t *ret_bytes);
/* Takes as much as the output has room for: DONE when that is all. After WANT_OUTPUT or WANT_INPUT
 * the next call must begin with the same bytes, be they elsewhere, and may go on with more. */
MUST_USE enum tls_io tls_session_write(struct tls_session *session, struct slice bytes,
                                       size_t *ret_taken);
/* Says that nothing more comes from here, unless the session failed or never came to be. */
void tls_session_close(struct tls_session *session);

/* Bytes for the wire; in place until all are sent. */
struct slice tls_session_output(const struct tls_session *session);
void tls_session_sent(struct tls_session *session, size_t bytes);

/* The client said that nothing more comes. */
bool tls_session_is_closed(const struct tls_session *session);
/* Of a handshake that failed: why, as a label and in OpenSSL's words. */
enum tls_outcome tls_session_outcome(const struct tls_session *session);
const char *tls_session_fault(const struct tls_session *session);
/* The token id of the client's certificate, "" without one; and when the certificate ends, seconds
 * since 1970. Good as long as the session. */
const char *tls_session_name(const struct tls_session *session, int64_t *ret_expires_s);

#endif
