/* What new TLS connections of a listener get: certificate, key, the rules of the handshake, and who
 * may be a client.
 *
 * TLS 1.2 and 1.3, ECDHE with AES-GCM or ChaCha20-Poly1305, X25519 or P-256, ALPN http/1.1 or none.
 * No renegotiation, compression, resumption (tickets and cache) or early data. What the machine's
 * openssl.cnf says of these does not count.
 *
 * A context with a client CA asks every client for a certificate and takes none without: signed by
 * the CA over at most two between, for client use, in its time, and with exactly one URI among its
 * alternative names that says who it is (TLS_NAME_PREFIX). Revocation lists are not read: what a
 * certificate may is decided by the token it names, and that is revoked at once.
 *
 * Loop thread. A session keeps what it began with, so replacing a context cuts nobody. */
#ifndef SERVER_TLS_TLS_CONTEXT_H
#define SERVER_TLS_TLS_CONTEXT_H

#include "core/base/status.h"

/* URI in a client's certificate: this, then the id of a stored service token. */
#define TLS_NAME_PREFIX "gridd:token:"
enum { TLS_NAME_BYTES_MAX = 64 }; /* of that id */

struct tls_context; /* opaque */

struct tls_files {
    const char *certificate; /* PEM: ours first, then those that lead to its root */
    const char *key;         /* PEM, without a passphrase, for its owner alone (key_file.h) */
    const char *client_ca;   /* PEM, one or more; NULL: clients show no certificate */
};

/* NOT_FOUND, IO: a file cannot be read, or others may read the key. INVALID: what is in it is no
 * certificate or key, is too weak, or the two do not belong together. TOO_LARGE: more than
 * TLS_FILE_BYTES_MAX. The message names the file. */
MUST_USE enum status tls_context_new(struct tls_context **ret, const struct tls_files *files,
                                     struct error *error);
/* Sessions go on. NULL is allowed. */
void tls_context_free(struct tls_context *context);
/* `context` is from now on what `fresh` was; `fresh` is used up. */
void tls_context_replace(struct tls_context *context, struct tls_context *fresh);
/* End of our certificate, or of the first to end of those behind it; seconds since 1970. */
int64_t tls_context_expires_s(const struct tls_context *context);

#endif
