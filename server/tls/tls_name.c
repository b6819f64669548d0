/* Who a client's certificate says it is. */
#include "server/tls/tls_inside.h"

#include "core/base/check.h"

#include <openssl/x509v3.h>
#include <string.h>

/* The id behind our prefix; empty: another kind of URI. */
static struct slice id_of(const GENERAL_NAME *name) {
    static const char prefix[] = TLS_NAME_PREFIX;
    const size_t prefix_bytes = sizeof prefix - 1;
    if (name->type != GEN_URI) {
        return (struct slice){NULL, 0};
    }
    const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
    struct slice text = {ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri)};
    if (text.bytes <= prefix_bytes || memcmp(text.data, prefix, prefix_bytes) != 0) {
        return (struct slice){NULL, 0};
    }
    return (struct slice){text.data + prefix_bytes, text.bytes - prefix_bytes};
}

/* Letters and digits alone: the whole of it must be one, or a NUL inside would end it early. */
static bool is_id(struct slice id) {
    for (size_t i = 0; i < id.bytes; i++) {
        uint8_t byte = id.data[i];
        bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        if (!is_letter && (byte < '0' || byte > '9')) {
            return false;
        }
    }
    return id.bytes <= TLS_NAME_BYTES_MAX;
}

/* Two names would leave it to chance who acts, so they are none. */
bool tls_name_of(const X509 *certificate, char to[TLS_NAME_BYTES_MAX + 1]) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    size_t found = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        struct slice id = id_of(sk_GENERAL_NAME_value(names, i));
        if (id.bytes > 0 && is_id(id)) {
            memcpy(to, id.data, id.bytes);
            to[id.bytes] = '\0';
            found++;
        } else if (id.bytes > 0) {
            found += 2;
        }
    }
    GENERAL_NAMES_free(names);
    return found == 1;
}

int tls_name_verify(int good, X509_STORE_CTX *store) {
    char id[TLS_NAME_BYTES_MAX + 1];
    if (good != 1 || X509_STORE_CTX_get_error_depth(store) > 0) {
        return good;
    }
    if (!tls_name_of(X509_STORE_CTX_get_current_cert(store), id)) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    return 1;
}
