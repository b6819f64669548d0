/* What the files of server/tls share and nobody else sees. */
#ifndef SERVER_TLS_TLS_INSIDE_H
#define SERVER_TLS_TLS_INSIDE_H

#include "server/tls/tls_context.h"

#include <openssl/ssl.h>

struct tls_context {
    SSL_CTX *ctx; /* counted; each session's SSL has it too */
    int64_t expires_s;
};

/* tls_files.c: certificate, chain, key and client CAs into `ctx`. */
MUST_USE enum status tls_files_load(SSL_CTX *ctx, const struct tls_files *files,
                                    int64_t *ret_expires_s, struct error *error);
int64_t tls_expires_s(const X509 *certificate);

/* tls_name.c: the token id in a client's certificate; false: it names none, or more than one. */
bool tls_name_of(const X509 *certificate, char to[TLS_NAME_BYTES_MAX + 1]);
/* For SSL_CTX_set_verify. */
int tls_name_verify(int good, X509_STORE_CTX *store);

/* Why OpenSSL failed, in its words; static. Empties its queue. */
const char *tls_fault_text(void);

#endif
