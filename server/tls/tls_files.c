/* Certificates and keys out of PEM files. */
#include "server/tls/tls_inside.h"

#include "core/base/check.h"
#include "core/limits.h"
#include "server/auth/key_file.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t tls_expires_s(const X509 *certificate) {
    struct tm tm;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1) {
        return 0;
    }
    return (int64_t)timegm(&tm);
}

static enum status refuse(struct error *error, const char *path, const char *why) {
    return error_set(error, STATUS_INVALID, path, ": ", why);
}

/* A key behind a passphrase would ask at a terminal that is not there. */
static int no_passphrase(char *to, int room, int writing, void *context) {
    (void)to;
    (void)room;
    (void)writing;
    (void)context;
    return -1;
}

/* The file's bytes, as PEM is read from. Freed by `close_pem`. */
struct pem {
    uint8_t *text;
    BIO *bio;
};

static void close_pem(struct pem *pem) {
    BIO_free(pem->bio);
    OPENSSL_cleanse(pem->text, TLS_FILE_BYTES_MAX + 1);
    free(pem->text);
}

static enum status open_pem(struct pem *ret, const char *path, enum key_file_kind kind,
                            struct error *error) {
    size_t bytes = 0;
    ret->bio = NULL;
    ret->text = malloc(TLS_FILE_BYTES_MAX + 1);
    CHECK(ret->text != NULL);
    enum status status =
        key_file_read(ret->text, TLS_FILE_BYTES_MAX + 1, &bytes, path, kind, error);
    if (status == STATUS_OK) {
        ret->bio = BIO_new_mem_buf(ret->text, (int)bytes);
        CHECK(ret->bio != NULL);
        return STATUS_OK;
    }
    close_pem(ret);
    return status;
}

/* Every certificate of the file in turn; INVALID: there is none, or one of them is damaged. */
static enum status each_certificate(const char *path, bool (*take)(void *context, X509 *one),
                                    void *context, struct error *error) {
    struct pem pem;
    enum status status = open_pem(&pem, path, KEY_FILE_PUBLIC, error);
    if (status != STATUS_OK) {
        return status;
    }
    size_t count = 0;
    X509 *one;
    while (status == STATUS_OK &&
           (one = PEM_read_bio_X509(pem.bio, NULL, no_passphrase, NULL)) != NULL) {
        count++;
        if (!take(context, one)) {
            status = refuse(error, path,
                            ERR_peek_error() == 0 ? "one certificate in it is no CA's"
                                                  : tls_fault_text());
        }
        X509_free(one);
    }
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (status == STATUS_OK && count == 0 && at_end) {
        status = refuse(error, path, "there is no certificate in it");
    } else if (status == STATUS_OK && !at_end) {
        status = refuse(error, path, tls_fault_text());
    }
    ERR_clear_error();
    close_pem(&pem);
    return status;
}

struct chain {
    SSL_CTX *ctx;
    size_t count;
    int64_t expires_s;
};

/* The first is ours, the others lead from it to its root. */
static bool take_own(void *context, X509 *one) {
    struct chain *chain = context;
    int64_t expires_s = tls_expires_s(one);
    chain->expires_s =
        chain->count == 0 || expires_s < chain->expires_s ? expires_s : chain->expires_s;
    return chain->count++ == 0 ? SSL_CTX_use_certificate(chain->ctx, one) == 1
                               : SSL_CTX_add1_chain_cert(chain->ctx, one) == 1;
}

static bool take_client_ca(void *context, X509 *one) {
    struct chain *chain = context;
    return X509_check_ca(one) != 0 &&
           X509_STORE_add_cert(SSL_CTX_get_cert_store(chain->ctx), one) == 1 &&
           SSL_CTX_add_client_CA(chain->ctx, one) == 1;
}

static enum status load_key(SSL_CTX *ctx, const char *path, struct error *error) {
    struct pem pem;
    enum status status = open_pem(&pem, path, KEY_FILE_SECRET, error);
    if (status != STATUS_OK) {
        return status;
    }
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem.bio, NULL, no_passphrase, NULL);
    if (key == NULL) {
        ERR_clear_error();
        status = refuse(error, path, "there is no private key without a passphrase in it");
    } else if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
        bool differ = ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH;
        const char *why = tls_fault_text();
        status = refuse(error, path, differ ? "it is not the certificate's key" : why);
    }
    EVP_PKEY_free(key);
    close_pem(&pem);
    return status;
}

enum status tls_files_load(SSL_CTX *ctx, const struct tls_files *files, int64_t *ret_expires_s,
                           struct error *error) {
    struct chain chain = {.ctx = ctx};
    enum status status = each_certificate(files->certificate, take_own, &chain, error);
    if (status == STATUS_OK) {
        status = load_key(ctx, files->key, error);
    }
    if (status == STATUS_OK && files->client_ca != NULL) {
        status = each_certificate(files->client_ca, take_client_ca, &chain, error);
    }
    if (status == STATUS_OK) {
        *ret_expires_s = chain.expires_s;
    }
    return status;
}
