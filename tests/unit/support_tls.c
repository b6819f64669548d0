#include "tests/unit/support_tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

struct tls_fixture tls_fix;

static void add_extension(X509 *certificate, const X509 *issuer, int kind, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, (X509 *)issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void push_name(GENERAL_NAMES *names, int type, const char *text, size_t bytes) {
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *string = ASN1_IA5STRING_new();
    assert_true(name != NULL && string != NULL);
    assert_int_equal(ASN1_STRING_set(string, text, (int)bytes), 1);
    GENERAL_NAME_set0_value(name, type, string);
    assert_true(sk_GENERAL_NAME_push(names, name) > 0);
}

static void add_names(X509 *certificate, const struct tls_order *order) {
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    push_name(names, GEN_DNS, "localhost", strlen("localhost"));
    if (order->uri != NULL) {
        push_name(names, GEN_URI, order->uri,
                  order->uri_bytes > 0 ? order->uri_bytes : strlen(order->uri));
    }
    if (order->second_uri != NULL) {
        push_name(names, GEN_URI, order->second_uri, strlen(order->second_uri));
    }
    assert_int_equal(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0), 1);
    GENERAL_NAMES_free(names);
}

struct tls_issued tls_issue(const struct tls_order *order, const struct tls_issued *by) {
    static long serial = 1;
    struct tls_issued issued = {X509_new(), order->rsa_bits > 0
                                                ? EVP_RSA_gen((unsigned)order->rsa_bits)
                                                : EVP_EC_gen("P-256")};
    assert_true(issued.certificate != NULL && issued.key != NULL);
    const char *name = order->name == NULL ? "localhost" : order->name;
    X509 *one = issued.certificate;
    X509_set_version(one, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(one), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(one), -172800);
    X509_gmtime_adj(X509_getm_notAfter(one), order->is_over ? -86400 : 86400);
    X509_set_pubkey(one, issued.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(one), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(one, X509_get_subject_name(by == NULL ? one : by->certificate));
    const X509 *issuer = by == NULL ? one : by->certificate;
    add_extension(one, issuer, NID_basic_constraints,
                  order->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (order->use != NULL) {
        add_extension(one, issuer, NID_ext_key_usage, order->use);
    }
    if (!order->is_ca) {
        add_names(one, order);
    }
    assert_true(X509_sign(one, by == NULL ? issued.key : by->key, EVP_sha256()) > 0);
    return issued;
}

void tls_issued_free(struct tls_issued *issued) {
    X509_free(issued->certificate);
    EVP_PKEY_free(issued->key);
}

void tls_write_certificate(const char *path, const struct tls_issued *issued) {
    FILE *file = fopen(path, "ae");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, issued->certificate), 1);
    assert_int_equal(fclose(file), 0);
}

void tls_write_key(const char *path, const struct tls_issued *issued) {
    FILE *file = fopen(path, "ae");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, issued->key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

void tls_write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

int tls_files_start(void **state) {
    (void)state;
    struct tls_fixture *fix = &tls_fix;
    memset(fix, 0, sizeof *fix);
    snprintf(fix->directory, sizeof fix->directory, "%s", support_temporary_directory());
    snprintf(fix->certificate, sizeof fix->certificate, "%s/server.crt", fix->directory);
    snprintf(fix->key, sizeof fix->key, "%s/server.key", fix->directory);
    snprintf(fix->client_ca, sizeof fix->client_ca, "%s/ca.crt", fix->directory);
    fix->ca = tls_issue(&(struct tls_order){.name = "test CA", .is_ca = true}, NULL);
    fix->server = tls_issue(&(struct tls_order){.name = NULL}, &fix->ca);
    tls_write_certificate(fix->certificate, &fix->server);
    tls_write_key(fix->key, &fix->server);
    tls_write_certificate(fix->client_ca, &fix->ca);
    return 0;
}

int tls_files_stop(void **state) {
    (void)state;
    tls_issued_free(&tls_fix.ca);
    tls_issued_free(&tls_fix.server);
    support_remove_tree(tls_fix.directory);
    return 0;
}

struct tls_context *tls_fixture_context(bool asks_clients) {
    struct tls_context *context = NULL;
    struct error error = {""};
    const struct tls_files files = {.certificate = tls_fix.certificate,
                                    .key = tls_fix.key,
                                    .client_ca = asks_clients ? tls_fix.client_ca : NULL};
    if (tls_context_new(&context, &files, &error) != STATUS_OK) {
        fail_msg("%s", error.message);
    }
    return context;
}

void tls_client_init(struct tls_client *client, int version, const struct tls_issued *certificate) {
    *client = (struct tls_client){.ctx = SSL_CTX_new(TLS_client_method())};
    assert_non_null(client->ctx);
    if (version != 0) {
        SSL_CTX_set_security_level(client->ctx, 0); /* so that TLS 1.1 is offered at all */
        SSL_CTX_set_min_proto_version(client->ctx, version);
        SSL_CTX_set_max_proto_version(client->ctx, version);
    }
    SSL_CTX_set_verify(client->ctx, SSL_VERIFY_PEER, NULL);
    assert_int_equal(
        X509_STORE_add_cert(SSL_CTX_get_cert_store(client->ctx), tls_fix.ca.certificate), 1);
    if (certificate != NULL) {
        assert_int_equal(SSL_CTX_use_certificate(client->ctx, certificate->certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(client->ctx, certificate->key), 1);
    }
}

void tls_client_start(struct tls_client *client) {
    client->ssl = SSL_new(client->ctx);
    client->to_us = BIO_new(BIO_s_mem());
    client->to_server = BIO_new(BIO_s_mem());
    assert_true(client->ssl != NULL && client->to_us != NULL && client->to_server != NULL);
    SSL_set_bio(client->ssl, client->to_us, client->to_server);
    SSL_set_connect_state(client->ssl);
}

void tls_client_deinit(struct tls_client *client) {
    SSL_free(client->ssl);
    SSL_CTX_free(client->ctx);
    ERR_clear_error();
}

void tls_client_take(struct tls_client *client, struct buffer *to) {
    size_t waiting = BIO_ctrl_pending(client->to_server), got = 0;
    if (waiting > 0) {
        assert_int_equal(BIO_read_ex(client->to_server, buffer_reserve(to, waiting), waiting, &got),
                         1);
        to->bytes += got;
    }
}

void tls_deliver(struct tls_session *session, struct tls_client *client) {
    struct slice output = tls_session_output(session);
    size_t written = 0;
    if (output.bytes > 0) {
        assert_int_equal(BIO_write_ex(client->to_us, output.data, output.bytes, &written), 1);
        assert_int_equal(written, output.bytes);
        tls_session_sent(session, output.bytes);
    }
}

enum tls_io tls_shake(struct tls_session *session, struct tls_client *client) {
    struct buffer wire;
    buffer_init(&wire);
    enum tls_io io = TLS_IO_WANT_INPUT;
    bool client_is_up = false;
    for (int turn = 0; turn < 20 && !(client_is_up && io == TLS_IO_DONE); turn++) {
        ERR_clear_error();
        client_is_up = SSL_do_handshake(client->ssl) == 1;
        buffer_reset(&wire);
        tls_client_take(client, &wire);
        if (io != TLS_IO_DONE) {
            tls_session_give(session, buffer_slice(&wire));
            do {
                io = tls_session_handshake(session);
                tls_deliver(session, client);
            } while (io == TLS_IO_WANT_OUTPUT);
            tls_session_keep(session);
        }
        if (io == TLS_IO_FAILED) {
            break;
        }
    }
    ERR_clear_error();
    buffer_deinit(&wire);
    return io;
}
