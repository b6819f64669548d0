#include "server/process/serve_tls.h"

#include "core/base/check.h"
#include "server/auth/key_file.h"
#include "server/process/log.h"

#include <stdio.h>
#include <string.h>

enum { SOON_S = 14 * 86400 };

struct paths {
    char certificate[4200], key[4200], client_ca[4200];
};

/* As configured, else the systemd credential where there is one, else "". */
static void find(char to[4200], const char *configured, const char *credential) {
    if (configured[0] != '\0' || !key_file_credential(to, 4200, credential)) {
        (void)snprintf(to, 4200, "%s", configured);
    }
}

static void find_all(struct paths *paths, const struct config *config) {
    find(paths->certificate, config->tls_certificate, "tls.crt");
    find(paths->key, config->tls_key, "tls.key");
    find(paths->client_ca, config->tls_client_ca, "tls.ca");
}

bool serve_tls_is_on(const struct config *config) {
    struct paths paths;
    find_all(&paths, config);
    return paths.certificate[0] != '\0';
}

const char *serve_tls_fault(const struct config *config) {
    struct paths paths;
    find_all(&paths, config);
    if (paths.certificate[0] != '\0' && paths.key[0] == '\0') {
        return "a certificate needs its key: give --tls-key FILE";
    }
    if (paths.certificate[0] == '\0' && config->tls_key[0] != '\0') {
        return "a key needs its certificate: give --tls-certificate FILE";
    }
    if (config->tls_client_listen[0] == '\0') {
        return NULL;
    }
    if (paths.certificate[0] == '\0') {
        return "--tls-client-listen needs TLS: give --tls-certificate and --tls-key";
    }
    return paths.client_ca[0] == '\0'
               ? "--tls-client-listen must know who signs certificates: give --tls-client-ca FILE"
               : NULL;
}

enum status serve_tls_load(struct serve_tls *ret, const struct config *config,
                           struct error *error) {
    struct paths paths;
    struct serve_tls tls = {NULL, NULL};
    find_all(&paths, config);
    if (paths.certificate[0] == '\0') {
        *ret = tls;
        return STATUS_OK;
    }
    const struct tls_files open = {paths.certificate, paths.key, NULL};
    const struct tls_files gateways = {paths.certificate, paths.key, paths.client_ca};
    enum status status = tls_context_new(&tls.open, &open, error);
    if (status == STATUS_OK && config->tls_client_listen[0] != '\0') {
        status = tls_context_new(&tls.gateways, &gateways, error);
    }
    if (status != STATUS_OK) {
        serve_tls_free(&tls);
        return status;
    }
    *ret = tls;
    return STATUS_OK;
}

enum status serve_tls_load_again(struct serve_tls *ret, const struct serve_tls *tls,
                                 const struct config *config, int64_t now_ms, struct error *error) {
    struct serve_tls fresh;
    enum status status = serve_tls_load(&fresh, config, error);
    if (status != STATUS_OK) {
        return status;
    }
    if ((fresh.open == NULL) != (tls->open == NULL)) {
        status = error_set(error, STATUS_INVALID,
                           "tls_certificate: it came or went with the systemd credential tls.crt: "
                           "restart",
                           NULL, NULL);
    } else if (fresh.open != NULL && tls_context_expires_s(fresh.open) * 1000 <= now_ms) {
        status = error_set(error, STATUS_INVALID, "tls_certificate: it has expired", NULL, NULL);
    }
    if (status != STATUS_OK) {
        serve_tls_free(&fresh);
        return status;
    }
    *ret = fresh;
    return STATUS_OK;
}

void serve_tls_replace(struct serve_tls *tls, struct serve_tls *fresh) {
    CHECK((tls->open == NULL) == (fresh->open == NULL) &&
          (tls->gateways == NULL) == (fresh->gateways == NULL));
    if (tls->open != NULL) {
        tls_context_replace(tls->open, fresh->open);
    }
    if (tls->gateways != NULL) {
        tls_context_replace(tls->gateways, fresh->gateways);
    }
    *fresh = (struct serve_tls){NULL, NULL};
}

void serve_tls_free(struct serve_tls *tls) {
    tls_context_free(tls->open);
    tls_context_free(tls->gateways);
    *tls = (struct serve_tls){NULL, NULL};
}

void serve_tls_tell(const struct serve_tls *tls, int64_t now_ms) {
    if (tls->open == NULL) {
        return;
    }
    int64_t left_s = tls_context_expires_s(tls->open) - now_ms / 1000;
    const char *what = left_s <= 0       ? "the TLS certificate has expired: clients will refuse it"
                       : left_s < SOON_S ? "the TLS certificate expires soon"
                                         : "the TLS certificate in force";
    log_line(left_s < SOON_S ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, LOG_TLS_CERTIFICATE, what,
             "expires_s", LOG_I64, tls_context_expires_s(tls->open), "left_s", LOG_I64, left_s,
             NULL);
}
