/* SIGHUP: every file is read again, and all are taken or none. */
#include "server/process/serve_inside.h"

#include "server/api/audit.h"
#include "server/auth/keys.h"
#include "server/domain/driver.h"
#include "server/process/log.h"
#include "server/rules/rules.h"

void serve_adopt_rules(struct serve *serve) {
    struct services *services = &serve->services;
    services->policy = rules_policy(services->rules);
    services->calendars = rules_calendars(services->rules);
    if (rules_version_reused(services->rules)) {
        log_line(LOG_LEVEL_WARN, LOG_WARNING,
                 "this version number was another policy's before: raise it with every change, or "
                 "tickets opened under the old content go by the new one",
                 "policy_version", LOG_U64, (uint64_t)services->policy->version, NULL);
    }
}

/* Looked at before anything is swapped, so that all files are taken or none. */
static enum status check_keys(const struct serve *serve, struct error *error) {
    struct auth_keys keys;
    enum status status = auth_keys_load(&keys, serve->keys_path, error);
    if (status == STATUS_OK) {
        auth_keys_wipe(&keys);
    }
    return status;
}

void serve_reload(struct serve *serve) {
    struct error error = {""};
    struct config fresh = serve->config;
    struct serve_tls tls = {NULL, NULL};
    int64_t now_ms = services_now_ms(&serve->services);
    enum status status = STATUS_OK;
    if (serve->config_path != NULL) {
        config_init(&fresh);
        status = config_load(&fresh, serve->config_path, &error);
    }
    if (status == STATUS_OK) {
        status = serve_tls_load_again(&tls, &serve->tls, &serve->config, now_ms, &error);
    }
    if (status == STATUS_OK && serve->services.auth != NULL) {
        status = check_keys(serve, &error);
    }
    if (status == STATUS_OK) {
        status = rules_reload(serve->services.rules, serve->config.policy_path,
                              serve->config.calendar_path, &error);
    }
    if (status == STATUS_OK && serve->services.auth != NULL) {
        status = auth_reload(serve->services.auth, &error);
    }
    serve->services.metrics->tls_reloads[status == STATUS_OK]++;
    serve->services.metrics->reload_failed = status != STATUS_OK;
    if (status != STATUS_OK) {
        serve_tls_free(&tls);
        log_line(LOG_LEVEL_ERROR, LOG_RELOAD_FAILED, "the new files are refused, the old ones stay",
                 "error", LOG_TEXT, error.message, NULL);
        return;
    }
    serve_tls_replace(&serve->tls, &tls);
    serve_tls_tell(&serve->tls, now_ms);
    serve->services.metrics->reloaded_ms = services_now_ms(&serve->services);
    serve->config.access_log = fresh.access_log;
    serve_adopt_rules(serve);
    driver_adopt(serve->services.driver);
    if (!serve->config.log_level_given) {
        log_set_level(fresh.log_level);
    }
    if (!serve->config.no_auth) {
        (void)audit_append(&serve->services, NULL,
                           &(struct audit_act){.act = "config.reload", .region = REGION_NONE});
    }
    log_line(LOG_LEVEL_INFO, LOG_RELOAD,
             "policy, calendar, keys, certificates and log level were read again", "policy_version",
             LOG_U64, (uint64_t)serve->services.policy->version, "calendar_version", LOG_U64,
             (uint64_t)serve->services.calendars->version, NULL);
}
