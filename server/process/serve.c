#include "server/process/serve.h"

#include "core/base/check.h"
#include "server/api/audit.h"
#include "server/api/caller.h"
#include "server/api/routes.h"
#include "server/auth/keys.h"
#include "server/domain/creates.h"
#include "server/domain/driver.h"
#include "server/domain/ticket_load.h"
#include "server/intake.h"
#include "server/limit/admission.h"
#include "server/process/control.h"
#include "server/process/exit_code.h"
#include "server/process/log.h"
#include "server/process/notify.h"
#include "server/process/readiness.h"
#include "server/process/serve_tls.h"
#include "server/process/wall_clock.h"
#include "server/rules/rules.h"
#include "server/services.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TICK_MS = 1000,
    LAG_MS = 100,
    FAILURE_TOLD_MS = 250,
    DISK_WATCH_PARTS = 16,
    DENIALS_TICKS = 10
};

/* The running server: the parts, and what only their life together needs. */
struct serve {
    struct services services;
    struct config config;
    const char *config_path;
    struct passed_sockets passed;
    struct notify notify;
    enum start_stage stage;
    bool slow_told;
    uv_loop_t loop;
    uv_signal_t signals[3];
    uv_timer_t tick, lag, grace;
    uv_async_t sealed;
    uint64_t lag_due_ms, ticks;
    uint32_t backups;         /* made on the pool and not told in the audit yet; atomic */
    uint64_t unwatched_bytes; /* published since the disk was last looked at */
    struct control_server *control;
    struct serve_tls tls;
    unsigned http_undrained; /* listeners whose connections are not gone yet */
    bool drain_begun, committer_idle;
    int exit_code;
    struct service_time time;
    char keys_path[4200];             /* borrowed by services.auth */
    char failure[640];                /* what services.not_ready says once the store has failed */
    uint64_t runs_told, seal_us_told; /* of db_stats, already counted and logged */
    /* From the sealer thread, read when `sealed` fires. */
    enum status seal_status;
    struct error seal_error;
};

static void on_sealed_thread(void *context, enum status failure, const struct error *error) {
    struct serve *serve = context;
    if (failure != STATUS_OK) {
        serve->seal_error = *error;
        __atomic_store_n(&serve->seal_status, failure, __ATOMIC_RELEASE);
    }
    uv_async_send(&serve->sealed);
}

static void on_failure_told(uv_timer_t *timer) {
    const struct serve *serve = timer->loop->data;
    fprintf(stderr, "gridd: %s: ending; start it again to recover\n", serve->failure);
    abort();
}

/* The outcome of the failed write is unknown, so nothing in this process may go on from it: who
 * waits is answered 503, new uploads are refused, and as soon as that has left the process ends.
 * The next start recovers. */
static void end_after_failure(struct serve *serve, enum log_event event, const char *what,
                              const struct error *error) {
    if (serve->services.not_ready == serve->failure) {
        return;
    }
    snprintf(serve->failure, sizeof serve->failure, "%s: %s", what, error->message);
    log_line(LOG_LEVEL_ERROR, event, what, "error", LOG_TEXT, error->message, NULL);
    serve->services.not_ready = serve->failure;
    CHECK(uv_timer_start(&serve->tick, on_failure_told, FAILURE_TOLD_MS, 0) == 0);
}

/* Counts the runs sealed since the last call; there may be none, or several. */
static void tell_sealed(struct serve *serve) {
    struct db_stats stats;
    db_stats(serve->services.db, &stats);
    uint64_t runs = stats.runs_sealed_total - serve->runs_told;
    uint64_t took_us = stats.seal_us_total - serve->seal_us_told;
    for (uint64_t i = 0; i < runs; i++) {
        histogram_add(&serve->services.metrics->seal_seconds, (double)took_us / 1e6 / (double)runs);
    }
    if (runs > 0) {
        log_line(LOG_LEVEL_INFO, LOG_SEALED, "runs were sealed", "runs", LOG_U64, runs,
                 "sealed_through", LOG_U64, stats.sealed_through, "took_ms", LOG_U64,
                 took_us / 1000, NULL);
    }
    serve->runs_told = stats.runs_sealed_total;
    serve->seal_us_told = stats.seal_us_total;
}

static void on_sealed(uv_async_t *async) {
    struct serve *serve = async->loop->data;
    if (serve->services.committer == NULL) {
        return; /* the parts are being taken apart; what was not sealed is in the journal */
    }
    if (__atomic_load_n(&serve->seal_status, __ATOMIC_ACQUIRE) != STATUS_OK) {
        end_after_failure(serve, LOG_SEAL_FAILED, "sealing a run failed", &serve->seal_error);
        return;
    }
    tell_sealed(serve);
    committer_room_changed(serve->services.committer);
}

static void on_closing(void *context, struct row_set *rows) {
    struct serve *serve = context;
    driver_on_closing(serve->services.driver, rows);
    if (serve->services.auth != NULL) {
        auth_on_closing(serve->services.auth, rows);
    }
}

static void on_pressure(void *context) {
    struct serve *serve = context;
    bool pause = committer_pressure(serve->services.committer) != PRESSURE_NONE;
    http_server_pause_bodies(serve->services.http, pause);
    if (serve->services.gateways != NULL) {
        http_server_pause_bodies(serve->services.gateways, pause);
    }
}

static void on_commit_failed(void *context, const struct error *error) {
    end_after_failure(context, LOG_COMMIT_FAILED, "a commit failed", error);
}

static void watch_disk(struct serve *serve) {
    uint64_t free_bytes = db_disk_free_bytes(serve->services.db);
    uint64_t reserve = serve->config.limits.disk_reserve_bytes;
    serve->unwatched_bytes = 0;
    bool low = readiness_disk_is_low(free_bytes, reserve, serve->services.disk_low);
    if (low != serve->services.disk_low) {
        serve->services.disk_low = low;
        log_line(
            low ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, low ? LOG_DISK_LOW : LOG_DISK_OK,
            low ? "the disk is nearly full: reports are refused with 507, reads and feeds go on"
                : "the disk has room again: reports are taken",
            "free_bytes", LOG_U64, free_bytes, "reserve_bytes", LOG_U64, reserve, NULL);
    }
}

/* A burst could use the reserve up between two ticks. What is written later for a byte of the
 * journal (flushes, sealed rows, merging) is a few times as much. */
static void on_published(void *context, const struct block *block) {
    struct serve *serve = context;
    feed_publish(serve->services.feed, block);
    driver_on_published(serve->services.driver, block->first_seq + block->entries_count - 1);
    serve->unwatched_bytes += block->payload_bytes;
    if (serve->unwatched_bytes >= serve->config.limits.disk_reserve_bytes / DISK_WATCH_PARTS) {
        watch_disk(serve);
    }
}

/* A write that waits for a minute waits on a kernel call that does not come back: waiting on is
 * worse than a new process that recovers. */
static void watch_commits(struct serve *serve) {
    uint64_t oldest_ms = committer_oldest_ms(serve->services.committer);
    enum commit_pace pace = readiness_pace(&serve->config.limits, oldest_ms);
    if (pace != COMMIT_PACE_GOOD && !serve->slow_told) {
        log_line(LOG_LEVEL_WARN, LOG_COMMIT_SLOW, "a write waits to be durable: not ready",
                 "oldest_ms", LOG_U64, oldest_ms, NULL);
    }
    serve->slow_told = pace != COMMIT_PACE_GOOD;
    if (pace == COMMIT_PACE_STUCK) {
        log_line(LOG_LEVEL_ERROR, LOG_COMMIT_STUCK,
                 "a write has waited longer than commit_stuck_ms: the process ends", "oldest_ms",
                 LOG_U64, oldest_ms, NULL);
        abort();
    }
}

static void on_tick(uv_timer_t *timer) {
    struct serve *serve = timer->loop->data;
    log_tick();
    db_tick(serve->services.db, services_now_ms(&serve->services));
    driver_tick(serve->services.driver);
    watch_disk(serve);
    watch_commits(serve);
    notify_watchdog(&serve->notify);
    if (__atomic_exchange_n(&serve->backups, 0, __ATOMIC_RELAXED) > 0 && !serve->config.no_auth) {
        (void)audit_append(&serve->services, NULL,
                           &(struct audit_act){.act = "backup.make", .region = REGION_NONE});
    }
    if (++serve->ticks % DENIALS_TICKS == 0 && !serve->services.draining) {
        audit_denials(&serve->services);
        admission_tell(&serve->services);
    }
    enum shed_reason reason;
    (void)admission_stage(&serve->services, &reason);
    struct db_stats stats;
    db_stats(serve->services.db, &stats);
    if (stats.store.background_errors > 0) {
        struct error error;
        error_set(&error, STATUS_IO, "RocksDB reports a background error", NULL, NULL);
        end_after_failure(serve, LOG_COMMIT_FAILED, "the store is broken", &error);
    }
}

static void on_lag(uv_timer_t *timer) {
    struct serve *serve = timer->loop->data;
    uint64_t now = uv_now(timer->loop);
    uint64_t late = now > serve->lag_due_ms ? now - serve->lag_due_ms : 0;
    histogram_add(&serve->services.metrics->loop_lag_seconds, (double)late / 1e3);
    overload_note_lag(&serve->services.overload, late);
    notify_lag(&serve->notify, late);
    serve->lag_due_ms = now + LAG_MS;
}

static void on_revoked(void *context) {
    struct serve *serve = context;
    if (serve->services.feed != NULL) {
        feed_on_revoked(serve->services.feed);
    }
}

/* Without tokens in force the keys are not needed, but where they are, tokens can be made: so a
 * lost admin's token is replaced. */
static enum status open_auth(struct serve *serve, struct error *error) {
    const struct config *config = &serve->config;
    if (!auth_keys_path(serve->keys_path, sizeof serve->keys_path, config->keys_path,
                        config->data)) {
        return error_set(error, STATUS_INVALID, "the path of the keys is too long", NULL, NULL);
    }
    const struct auth_options options = {
        .db = serve->services.db,
        .limits = &config->limits,
        .keys_path = serve->keys_path,
        .create_keys = !config->no_auth,
        .on_revoked = on_revoked,
        .context = serve,
    };
    enum status status = auth_new(&serve->services.auth, &options, error);
    if (status == STATUS_NOT_FOUND && config->no_auth) {
        return STATUS_OK;
    }
    if (status == STATUS_OK && !config->no_auth && auth_tokens_count(serve->services.auth) == 0) {
        log_line(LOG_LEVEL_WARN, LOG_WARNING,
                 "there is no token yet, so nobody comes in: serve once with --no-auth on a "
                 "loopback address and make one with gridd token create",
                 NULL);
    }
    return status;
}

static void adopt_rules(struct serve *serve) {
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

static void reload(struct serve *serve) {
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
    adopt_rules(serve);
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

/* After a failure the process ends otherwise, and not as a success. */
static void stop_if_drained(struct serve *serve) {
    if (serve->failure[0] == '\0' && serve->http_undrained == 0 && serve->committer_idle) {
        uv_stop(&serve->loop);
    }
}

static void on_committer_idle(void *context) {
    struct serve *serve = context;
    serve->committer_idle = true;
    stop_if_drained(serve);
}

static void on_http_drained(void *context) {
    struct serve *serve = context;
    if (--serve->http_undrained > 0) {
        return;
    }
    /* Nobody waits for an import any more, and the committer may be gone when it is built. */
    regions_stop(serve->services.regions);
    committer_drain(serve->services.committer, on_committer_idle, serve);
}

static void begin_drain(struct serve *serve) {
    if (serve->drain_begun) {
        return;
    }
    serve->drain_begun = true;
    log_line(LOG_LEVEL_INFO, LOG_DRAIN, "draining: no new connections, open requests finish", NULL);
    driver_stop(serve->services.driver);
    feed_drain(serve->services.feed);
    serve->http_undrained = serve->services.gateways == NULL ? 1 : 2;
    http_server_drain(serve->services.http, on_http_drained, serve);
    if (serve->services.gateways != NULL) {
        http_server_drain(serve->services.gateways, on_http_drained, serve);
    }
}

static void on_grace_over(uv_timer_t *timer) {
    begin_drain(timer->loop->data);
}

/* First whoever asks /readyz can see it and send elsewhere; a second signal ends the wait. */
static void drain(struct serve *serve) {
    uint64_t grace_ms = serve->config.limits.drain_grace_ms;
    if (serve->services.draining || grace_ms == 0) {
        grace_ms = 0;
    }
    if (!serve->services.draining) {
        notify_send(&serve->notify, "STOPPING=1\nSTATUS=draining");
    }
    serve->services.draining = true;
    if (grace_ms == 0) {
        begin_drain(serve);
        return;
    }
    log_line(LOG_LEVEL_INFO, LOG_DRAIN, "not ready; connections are still accepted for a while",
             "grace_ms", LOG_U64, grace_ms, NULL);
    CHECK(uv_timer_start(&serve->grace, on_grace_over, grace_ms, 0) == 0);
}

static void on_signal(uv_signal_t *handle, int number) {
    struct serve *serve = handle->loop->data;
    if (number == SIGHUP) {
        notify_reloading(&serve->notify);
        reload(serve);
        notify_send(&serve->notify, "READY=1");
    } else {
        drain(serve);
    }
}

/* What connections leave of the files that the process may have open: a store that cannot open its
 * files has failed. */
enum { FILES_KEPT = 256 };

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

static void raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            log_line(LOG_LEVEL_WARN, LOG_WARNING, "the limit on open files could not be raised",
                     NULL);
        }
    }
}

static enum status open_db(struct serve *serve, struct error *error) {
    const struct config *config = &serve->config;
    struct db_options options = {
        .kind = DB_ROCKS,
        .store = {.path = config->data,
                  .create = true,
                  .cache_bytes = config->cache_bytes,
                  .memtable_bytes = config->memtable_bytes,
                  .background_jobs = 2},
        .limits = &config->limits,
        .now_ms = services_now_ms(&serve->services),
        .accept_loss = config->accept_loss,
        .accept_loss_after = config->accept_loss_after,
        .on_sealed = on_sealed_thread,
        .context = serve,
    };
    uint64_t started_ns = uv_hrtime();
    enum status status = db_open(&serve->services.db, &options, error);
    if (status == STATUS_OK) {
        db_identity(serve->services.db, &serve->services.identity);
        log_line(LOG_LEVEL_INFO, LOG_RECOVERED, "the database is open", "data", LOG_TEXT,
                 config->data, "epoch", LOG_TEXT, serve->services.identity.epoch, "next_seq",
                 LOG_U64, serve->services.identity.next_seq, "took_ms", LOG_U64,
                 (uv_hrtime() - started_ns) / 1000000, NULL);
    }
    return status;
}

static enum status open_parts(struct serve *serve, struct error *error) {
    struct services *services = &serve->services;
    const struct limits *limits = &serve->config.limits;
    enum status status = open_db(serve, error);
    if (status != STATUS_OK) {
        return status;
    }
    status = rules_restore(services->rules, services->db, error);
    if (status != STATUS_OK) {
        return status;
    }
    adopt_rules(serve);
    const struct committer_options committer = {
        .loop = &serve->loop,
        .db = services->db,
        .limits = limits,
        .metrics = services->metrics,
        .next_seq = services->identity.next_seq,
        .context = serve,
        .on_closing = on_closing,
        .on_published = on_published,
        .on_pressure = on_pressure,
        .on_failed = on_commit_failed,
    };
    status = committer_new(&services->committer, &committer);
    if (status == STATUS_OK) {
        status = regions_new(&services->regions, &serve->loop, services->db, services->committer,
                             limits, error);
    }
    if (status == STATUS_OK) {
        serve->stage = START_KEYS;
        status = open_auth(serve, error);
    }
    if (status == STATUS_OK) {
        serve->stage = START_DATA;
    }
    if (status == STATUS_OK) {
        status = intake_new(&services->intake, services, error);
    }
    if (status == STATUS_OK) {
        status = creates_new(&services->creates, services->db, limits->create_keys, error);
    }
    if (status == STATUS_OK) {
        status = driver_new(&services->driver, services, error);
        services->ticket_loader = ticket_loader_new(services);
    }
    struct feed_options feed = {
        .loop = &serve->loop,
        .db = services->db,
        .regions = services->regions,
        .policy = &services->policy,
        .limits = limits,
        .metrics = services->metrics,
        .durable_seq = services->identity.next_seq - 1,
        .masks_personal = !serve->config.no_auth,
    };
    memcpy(feed.epoch, services->identity.epoch, sizeof feed.epoch);
    return status == STATUS_OK ? feed_new(&services->feed, &feed) : status;
}

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

static enum status open_outside(struct serve *serve, struct error *error) {
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

static void start_handles(struct serve *serve) {
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        CHECK(uv_signal_init(&serve->loop, &serve->signals[i]) == 0);
        CHECK(uv_signal_start(&serve->signals[i], on_signal, numbers[i]) == 0);
    }
    CHECK(uv_timer_init(&serve->loop, &serve->tick) == 0);
    CHECK(uv_timer_start(&serve->tick, on_tick, TICK_MS, TICK_MS) == 0);
    CHECK(uv_timer_init(&serve->loop, &serve->grace) == 0);
    CHECK(uv_timer_init(&serve->loop, &serve->lag) == 0);
    serve->lag_due_ms = uv_now(&serve->loop) + LAG_MS;
    CHECK(uv_timer_start(&serve->lag, on_lag, LAG_MS, LAG_MS) == 0);
}

static void close_handle(uv_handle_t *handle, void *context) {
    (void)context;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static void close_parts(struct serve *serve) {
    struct services *services = &serve->services;
    if (serve->control != NULL) {
        control_server_free(serve->control);
    }
    if (services->http != NULL) {
        http_server_close(services->http);
        if (services->gateways != NULL) {
            http_server_close(services->gateways);
        }
        if (services->admin != NULL) {
            http_server_close(services->admin);
        }
        uv_run(&serve->loop, UV_RUN_NOWAIT);
    }
    if (services->feed != NULL) {
        feed_free(services->feed);
    }
    committer_free(services->committer);
    services->committer = NULL; /* a run may still be sealed while the loop runs out */
    for (size_t i = 0; i < ARRAY_COUNT(serve->signals); i++) {
        uv_close((uv_handle_t *)&serve->signals[i], NULL);
    }
    uv_close((uv_handle_t *)&serve->tick, NULL);
    uv_close((uv_handle_t *)&serve->lag, NULL);
    uv_close((uv_handle_t *)&serve->grace, NULL);
    /* Pool jobs still under way end first; the db closes with its sealer before its async goes. */
    uv_run(&serve->loop, UV_RUN_DEFAULT);
    if (services->http != NULL) {
        http_server_free(services->http);
        if (services->gateways != NULL) {
            http_server_free(services->gateways);
        }
        if (services->admin != NULL) {
            http_server_free(services->admin);
        }
    }
    limiter_free(services->limiter);
    serve_tls_free(&serve->tls);
    intake_free(services->intake);
    ticket_loader_free(services->ticket_loader);
    driver_free(services->driver);
    creates_free(services->creates);
    if (services->regions != NULL) {
        regions_free(services->regions);
    }
    auth_free(services->auth);
    db_close(services->db);
    uv_walk(&serve->loop, close_handle, NULL);
    uv_run(&serve->loop, UV_RUN_DEFAULT);
    rules_free(services->rules);
    int result = uv_loop_close(&serve->loop);
    CHECK(result == 0 || serve->exit_code != 0);
}

static enum status start(struct serve *serve, struct error *error) {
    struct services *services = &serve->services;
    enum status status =
        rules_new(&services->rules, serve->config.policy_path, serve->config.calendar_path, error);
    if (status != STATUS_OK) {
        return status;
    }
    adopt_rules(serve);
    services->tls = &serve->tls;
    status = serve_tls_load(&serve->tls, &serve->config, error);
    if (status != STATUS_OK) {
        return status;
    }
    notify_send(&serve->notify, "STATUS=recovering");
    serve->stage = START_DATA;
    status = open_parts(serve, error);
    if (status == STATUS_OK) {
        serve->stage = START_LISTEN;
        status = open_outside(serve, error);
    }
    return status;
}

int serve_run(const struct config *config, const char *config_path,
              const struct passed_sockets *passed) {
    struct serve *serve = calloc(1, sizeof *serve);
    struct metrics *metrics = calloc(1, sizeof *metrics);
    CHECK(serve != NULL && metrics != NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* cannot fail for this signal */
    raise_file_limit();
    char threads[24];
    snprintf(threads, sizeof threads, "%llu", (unsigned long long)config->pool_threads);
    setenv("UV_THREADPOOL_SIZE", threads, 1);
    serve->config = *config;
    serve->config_path = config_path;
    serve->passed = *passed;
    notify_init(&serve->notify);
    metrics_init(metrics);
    CHECK(uv_loop_init(&serve->loop) == 0);
    serve->loop.data = serve;
    serve->services.loop = &serve->loop;
    serve->services.config = &serve->config;
    serve->services.metrics = metrics;
    serve->services.not_ready = "starting";
    serve->services.time = &serve->time;
    service_time_init(&serve->time, &serve->loop, metrics);
    serve->services.started_ms = metrics->reloaded_ms = services_now_ms(&serve->services);
    CHECK(uv_async_init(&serve->loop, &serve->sealed, on_sealed) == 0);
    uv_unref((uv_handle_t *)&serve->sealed);
    start_handles(serve);

    struct error error = {""};
    enum status status = start(serve, &error);
    if (status == STATUS_OK) {
        watch_disk(serve);
        uv_run(&serve->loop, UV_RUN_DEFAULT);
    } else {
        serve->exit_code = exit_code_of_start(serve->stage, status, serve->config.data);
        fprintf(stderr, "gridd: %s\n",
                error.message[0] != '\0' ? error.message : status_text(status));
    }
    close_parts(serve);
    notify_deinit(&serve->notify);
    int exit_code = serve->exit_code;
    if (exit_code == 0) {
        log_line(LOG_LEVEL_INFO, LOG_STOPPED, "stopped", NULL);
    }
    free(metrics);
    free(serve);
    return exit_code;
}
