#include "server/tls/tls_inside.h"

#include "core/base/check.h"
#include "core/limits.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

/* What may lie between a client's certificate and the CA. */
enum { INTERMEDIATES_MAX = 2 };

const char *tls_fault_text(void) {
    unsigned long code = ERR_peek_last_error();
    const char *text = code == 0 ? NULL : ERR_reason_error_string(code);
    ERR_clear_error();
    return text == NULL ? "no reason is given" : text;
}

/* A client that asks for protocols and not for ours is in the wrong place. */
static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_bytes,
                           const unsigned char *offered, unsigned offered_bytes, void *context) {
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;
    (void)ssl;
    (void)context;
    if (SSL_select_next_proto(&chosen, ret_bytes, ours, sizeof ours - 1, offered, offered_bytes) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool set_rules(SSL_CTX *ctx) {
    SSL_CTX_set_security_level(ctx, 2);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* Partial and moving: what is left of an answer may be asked for again from elsewhere. No
     * chain is made of the client CAs, which say nothing about us. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    SSL_CTX_set_max_cert_list(ctx, TLS_CLIENT_CHAIN_BYTES_MAX);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_num_tickets(ctx, 0) == 1 && SSL_CTX_set_max_early_data(ctx, 0) == 1 &&
           SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:!PSK") == 1 &&
           SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                         "TLS_CHACHA20_POLY1305_SHA256") == 1 &&
           SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1;
}

static void ask_clients(SSL_CTX *ctx) {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, tls_name_verify);
    SSL_CTX_set_verify_depth(ctx, INTERMEDIATES_MAX);
}

enum status tls_context_new(struct tls_context **ret, const struct tls_files *files,
                            struct error *error) {
    struct tls_context *context = calloc(1, sizeof *context);
    if (context == NULL) {
        return error_set(error, STATUS_NO_MEMORY, status_text(STATUS_NO_MEMORY), NULL, NULL);
    }
    ERR_clear_error();
    context->ctx = SSL_CTX_new(TLS_server_method());
    enum status status = STATUS_OK;
    if (context->ctx == NULL || !set_rules(context->ctx)) {
        status = error_set(error, STATUS_IO, "TLS: ", tls_fault_text(), NULL);
    }
    if (status == STATUS_OK) {
        status = tls_files_load(context->ctx, files, &context->expires_s, error);
    }
    if (status != STATUS_OK) {
        tls_context_free(context);
        return status;
    }
    if (files->client_ca != NULL) {
        ask_clients(context->ctx);
    }
    *ret = context;
    return STATUS_OK;
}

void tls_context_free(struct tls_context *context) {
    if (context != NULL) {
        SSL_CTX_free(context->ctx);
        free(context);
    }
}

void tls_context_replace(struct tls_context *context, struct tls_context *fresh) {
    struct tls_context old = *context;
    *context = *fresh;
    *fresh = old;
    tls_context_free(fresh);
}

int64_t tls_context_expires_s(const struct tls_context *context) {
    return context->expires_s;
}
