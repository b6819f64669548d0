/* The addresses that gridd listens at, and what is told of their requests. */
#include "server/process/serve_inside.h"

#include "server/api/caller.h"
#include "server/api/routes.h"
#include "server/domain/driver.h"
#include "server/limit/admission.h"
#include "server/process/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* What connections leave of the files that the process may have open: a store that cannot open its
 * files has failed. */
enum { FILES_KEPT = 256 };

static void on_http_finished(void *context, const struct http_request *request) {
    struct services *services = context;
    uint64_t took_ms = uv_now(services->loop) - http_started_ms(request);
    metrics_add_request(services->metrics, (size_t)(http_route_of(request) - api_routes),
                        http_status_sent(request), (double)took_ms / 1e3);
    if (services->config->access_log) {
        log_line(LOG_LEVEL_INFO, LOG_HTTP, "request", "route", LOG_TEXT,
                 http_route_of(request)->name, "code", LOG_U64, (uint64_t)http_status_sent(request),
                 "took_ms", LOG_U64, took_ms, "request", LOG_TEXT, http_request_id(request), NULL);
    }
}

static void on_http_rejected(void *context, const char *reason) {
    metrics_add_rejected(((struct services *)context)->metrics, reason);
}

static void run_backup(void *context, const char *to, enum status *ret_status,
                       struct error *ret_error) {
    struct serve *serve = context;
    *ret_status = db_backup(serve->services.db, to, ret_error);
    __atomic_add_fetch(&serve->backups, *ret_status == STATUS_OK ? 1 : 0, __ATOMIC_RELAXED);
    log_line(*ret_status == STATUS_OK ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, LOG_BACKUP,
             *ret_status == STATUS_OK ? "a backup was made" : "a backup failed", "to", LOG_TEXT, to,
             NULL);
}

/* Strangers knock all the time, so what failed is for who looks for it. */
static void on_handshake(void *context, enum tls_outcome outcome, uint64_t took_ms,
                         const char *fault) {
    struct metrics *metrics = ((struct services *)context)->metrics;
    metrics->tls_handshakes[outcome]++;
    if (outcome == TLS_OUTCOME_OK) {
        histogram_add(&metrics->tls_handshake_seconds, (double)took_ms / 1e3);
        return;
    }
    log_line(LOG_LEVEL_INFO, LOG_TLS_HANDSHAKE, "a TLS handshake failed", "result", LOG_TEXT,
             tls_outcome_name(outcome), "error", LOG_TEXT, fault, "took_ms", LOG_U64, took_ms,
             NULL);
}

/* Most connections that the limit on open files allows; says so when that is fewer than
 * configured. */
static uint64_t connections_most(const struct limits *limits) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) {
        return 0;
    }
    uint64_t kept = min_u64(FILES_KEPT, files.rlim_cur / 2);
    uint64_t most = max_u64(1, files.rlim_cur - kept);
    if (most < limits->connections) {
        log_line(LOG_LEVEL_WARN, LOG_WARNING,
                 "fewer connections than limits.connections: the limit on open files is low",
                 "connections", LOG_U64, most, "open_files", LOG_U64, (uint64_t)files.rlim_cur,
                 NULL);
    }
    return most;
}

static enum status open_gateways(struct serve *serve, struct http_options http,
                                 struct error *error) {
    struct services *services = &serve->services;
    char listening[300];
    if (serve->config.tls_client_listen[0] == '\0') {
        return STATUS_OK;
    }
    http.tls = serve->tls.gateways;
    enum status status = http_server_new(&services->gateways, &http);
    if (status == STATUS_OK) {
        status = http_server_listen(services->gateways, serve->config.tls_client_listen, listening,
                                    sizeof listening, error);
    }
    if (status == STATUS_OK) {
        log_line(LOG_LEVEL_INFO, LOG_LISTENING, "listening for gateways with certificates",
                 "address", LOG_TEXT, listening, NULL);
    }
    return status;
}

static enum status listen_on(struct http_server *server, int passed_fd, const char *address,
                             char *ret_text, size_t ret_bytes, struct error *error) {
    int fd = passed_fd;
    if (fd < 0 && strncmp(address, "unix:", 5) != 0) {
        return http_server_listen(server, address, ret_text, ret_bytes, error);
    }
    enum status status = STATUS_OK;
    if (fd < 0) {
        status = socket_listen_unix(&fd, address + 5, error);
    }
    snprintf(ret_text, ret_bytes, "%s", address);
    return status == STATUS_OK ? http_server_listen_fd(server, fd, error) : status;
}

/* The same routes and metrics; the guard lets only those of operators through. */
static enum status open_admin(struct serve *serve, struct http_options options,
                              struct error *error) {
    char text[300];
    if (serve->config.admin[0] == '\0') {
        return STATUS_OK;
    }
    options.on_route = caller_admin_guard;
    options.on_guard_done = NULL;
    options.tls = NULL; /* it is on this machine only */
    options.knows_owners = false;
    enum status status = http_server_new(&serve->services.admin, &options);
    if (status == STATUS_OK) {
        status = listen_on(serve->services.admin, serve->passed.admin, serve->config.admin, text,
                           sizeof text, error);
    }
    if (status == STATUS_OK) {
        log_line(LOG_LEVEL_INFO, LOG_LISTENING, "listening for operators", "address", LOG_TEXT,
                 text, NULL);
    }
    return status;
}

enum status serve_open_outside(struct serve *serve, struct error *error) {
    struct services *services = &serve->services;
    const struct http_options http = {
        .loop = &serve->loop,
        .limits = &serve->config.limits,
        .connections_most = connections_most(&serve->config.limits),
        .routes = api_routes,
        .routes_count = api_routes_count,
        .context = services,
        .on_route = caller_guard,
        .knows_owners = caller_tokens_in_force(services),
        .on_guard_done = caller_guard_done,
        .on_finished = on_http_finished,
        .on_rejected = on_http_rejected,
        .tls = serve->tls.open,
        .on_handshake = on_handshake,
    };
    enum status status = limiter_new(&services->limiter, http.limits);
    if (status == STATUS_OK) {
        status = http_server_new(&services->http, &http);
    }
    char listening[300];
    if (status == STATUS_OK) {
        status = listen_on(services->http, serve->passed.api, serve->config.listen, listening,
                           sizeof listening, error);
    }
    if (status == STATUS_OK) {
        status = open_admin(serve, http, error);
    }
    if (status == STATUS_OK) {
        status = open_gateways(serve, http, error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    serve_tls_tell(&serve->tls, services_now_ms(services));
    char socket_path[sizeof serve->config.data + 32];
    snprintf(socket_path, sizeof socket_path, "%s/control.sock", serve->config.data);
    status =
        control_server_new(&serve->control, &serve->loop, socket_path, run_backup, serve, error);
    if (status != STATUS_OK) {
        /* A path too long for a socket must not keep reports from being taken. */
        log_line(LOG_LEVEL_WARN, LOG_WARNING, "no control socket: backup works only while stopped",
                 "error", LOG_TEXT, error->message, NULL);
    }
    log_line(LOG_LEVEL_INFO, LOG_LISTENING, "listening", "address", LOG_TEXT, listening, NULL);
    if (serve->config.no_auth) {
        log_line(
            LOG_LEVEL_WARN, LOG_SECURITY,
            "serving without authentication: everybody who reaches this address may do everything",
            NULL);
    }
    services->not_ready = NULL;
    driver_start(services->driver);
    printf("gridd: listening on %s://%s\n", http.tls == NULL ? "http" : "https", listening);
    fflush(stdout);
    notify_send(&serve->notify, "READY=1\nSTATUS=serving");
    return STATUS_OK;
}
