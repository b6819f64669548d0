#include "server/process/serve_inside.h"

#include "core/base/check.h"
#include "server/auth/keys.h"
#include "server/domain/creates.h"
#include "server/domain/driver.h"
#include "server/domain/ticket_load.h"
#include "server/limit/admission.h"
#include "server/process/log.h"
#include "server/rules/rules.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { TICK_MS = 1000 };

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

static void on_signal(uv_signal_t *handle, int number) {
    struct serve *serve = handle->loop->data;
    if (number == SIGHUP) {
        notify_reloading(&serve->notify);
        serve_reload(serve);
        notify_send(&serve->notify, "READY=1");
    } else {
        serve_drain(serve);
    }
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
        .on_sealed = serve_on_sealed_thread,
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
    serve_adopt_rules(serve);
    const struct committer_options committer = {
        .loop = &serve->loop,
        .db = services->db,
        .limits = limits,
        .metrics = services->metrics,
        .next_seq = services->identity.next_seq,
        .context = serve,
        .on_closing = on_closing,
        .on_published = serve_on_published,
        .on_pressure = on_pressure,
        .on_failed = serve_on_commit_failed,
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

static void start_handles(struct serve *serve) {
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        CHECK(uv_signal_init(&serve->loop, &serve->signals[i]) == 0);
        CHECK(uv_signal_start(&serve->signals[i], on_signal, numbers[i]) == 0);
    }
    CHECK(uv_timer_init(&serve->loop, &serve->tick) == 0);
    CHECK(uv_timer_start(&serve->tick, serve_on_tick, TICK_MS, TICK_MS) == 0);
    CHECK(uv_timer_init(&serve->loop, &serve->grace) == 0);
    CHECK(uv_timer_init(&serve->loop, &serve->lag) == 0);
    serve->lag_due_ms = uv_now(&serve->loop) + SERVE_LAG_MS;
    CHECK(uv_timer_start(&serve->lag, serve_on_lag, SERVE_LAG_MS, SERVE_LAG_MS) == 0);
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
    serve_adopt_rules(serve);
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
        status = serve_open_outside(serve, error);
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
    CHECK(uv_async_init(&serve->loop, &serve->sealed, serve_on_sealed) == 0);
    uv_unref((uv_handle_t *)&serve->sealed);
    start_handles(serve);

    struct error error = {""};
    enum status status = start(serve, &error);
    if (status == STATUS_OK) {
        serve_watch_disk(serve);
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
