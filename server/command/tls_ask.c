#include "server/command/tls_ask.h"

#include "core/base/check.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

struct tls_ask {
    SSL_CTX *ctx;
    SSL *ssl;
};

static bool trust(SSL_CTX *ctx, const char *ca) {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           (ca == NULL ? SSL_CTX_set_default_verify_paths(ctx)
                       : SSL_CTX_load_verify_file(ctx, ca)) == 1;
}

/* An address is looked for among the addresses of the certificate, a name among its names. */
static bool expect_host(SSL *ssl, const char *host) {
    unsigned char address[16];
    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    }
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static const char *fault_text(const struct tls_ask *tls) {
    long verified = tls->ssl == NULL ? X509_V_OK : SSL_get_verify_result(tls->ssl);
    unsigned long code = ERR_peek_last_error();
    const char *text = code == 0 ? NULL : ERR_reason_error_string(code);
    ERR_clear_error();
    if (verified != X509_V_OK) {
        return X509_verify_cert_error_string(verified);
    }
    return text == NULL ? "the TLS handshake failed" : text;
}

enum status tls_ask_open(struct tls_ask **ret, int fd, const char *host, const char *ca,
                         struct error *error) {
    struct tls_ask *tls = calloc(1, sizeof *tls);
    CHECK(tls != NULL);
    ERR_clear_error();
    tls->ctx = SSL_CTX_new(TLS_client_method());
    bool done = tls->ctx != NULL && trust(tls->ctx, ca);
    if (done) {
        tls->ssl = SSL_new(tls->ctx);
        done = tls->ssl != NULL && expect_host(tls->ssl, host) && SSL_set_fd(tls->ssl, fd) == 1 &&
               SSL_connect(tls->ssl) == 1;
    }
    if (!done) {
        error_set_message(error, host, ": ", fault_text(tls));
        tls_ask_close(tls);
        return STATUS_IO;
    }
    *ret = tls;
    return STATUS_OK;
}

void tls_ask_close(struct tls_ask *tls) {
    if (tls != NULL) {
        SSL_free(tls->ssl);
        SSL_CTX_free(tls->ctx);
        free(tls);
    }
}

ssize_t tls_ask_send(struct tls_ask *tls, const void *bytes, size_t count) {
    size_t sent = 0;
    ERR_clear_error();
    return SSL_write_ex(tls->ssl, bytes, count, &sent) == 1 ? (ssize_t)sent : -1;
}

ssize_t tls_ask_receive(struct tls_ask *tls, void *to, size_t room) {
    size_t got = 0;
    ERR_clear_error();
    if (SSL_read_ex(tls->ssl, to, room, &got) == 1) {
        return (ssize_t)got;
    }
    return SSL_get_error(tls->ssl, 0) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}
