/* Certificates made for a test, and a TLS client in memory that talks to a session. */
#ifndef TESTS_UNIT_SUPPORT_TLS_H
#define TESTS_UNIT_SUPPORT_TLS_H

#include "server/buffer.h"
#include "server/tls/tls_session.h"
#include "tests/unit/support.h"

#include <openssl/ssl.h>

struct tls_issued {
    X509 *certificate;
    EVP_PKEY *key;
};

/* What a certificate is to be; zero: a P-256 leaf of "localhost", good for a day. */
struct tls_order {
    const char *name;             /* common name */
    const char *uri, *second_uri; /* alternative names */
    size_t uri_bytes;             /* of `uri`, where it holds a NUL */
    const char *use;              /* extended key usage: "clientAuth" */
    bool is_ca;
    bool is_over; /* ended yesterday */
    int rsa_bits; /* 0: P-256 */
};
/* Signed by `by`, or by itself (NULL). */
struct tls_issued tls_issue(const struct tls_order *order, const struct tls_issued *by);
void tls_issued_free(struct tls_issued *issued);
/* PEM, appended when the file is there; a key's file gets mode 0600. */
void tls_write_certificate(const char *path, const struct tls_issued *issued);
void tls_write_key(const char *path, const struct tls_issued *issued);
void tls_write_text(const char *path, const char *text);

/* A directory with server.crt, server.key, ca.crt and ca.key in it, removed by tls_files_stop. */
struct tls_fixture {
    char directory[200];
    char certificate[256], key[256], client_ca[256];
    struct tls_issued ca, server;
};
extern struct tls_fixture tls_fix;
int tls_files_start(void **state);
int tls_files_stop(void **state);
/* Of the fixture's files. */
struct tls_context *tls_fixture_context(bool asks_clients);

/* A client's side: an SSL over memory. */
struct tls_client {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *to_us, *to_server;
};
/* `certificate` NULL: none. Trusts the fixture's CA. `version` 0: the newest. */
void tls_client_init(struct tls_client *client, int version, const struct tls_issued *certificate);
void tls_client_start(struct tls_client *client);
void tls_client_deinit(struct tls_client *client);
/* What the client has for the server, taken out. */
void tls_client_take(struct tls_client *client, struct buffer *to);
/* All that the session has for the client goes over. */
void tls_deliver(struct tls_session *session, struct tls_client *client);
/* Turns both sides until the handshake is over for both or has failed for one; the session's last
 * word. */
enum tls_io tls_shake(struct tls_session *session, struct tls_client *client);

#endif
