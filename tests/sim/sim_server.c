#include "tests/sim/sim_server.h"

#include "core/base/check.h"
#include "server/domain/creates.h"
#include "server/process/log.h"
#include "server/rules/rules.h"
#include "tests/sim/sim_loop.h"
#include "tests/sim/sim_trace.h"

#include <stdio.h>
#include <string.h>

enum { TICK_MS = 1000 };

void (*sim_server_on_published)(const struct block *block);

void sim_server_init(struct sim_server *server, struct sim_disk *disk,
                     const struct limits *limits) {
    *server = (struct sim_server){.disk = disk};
    config_init(&server->config);
    server->config.limits = *limits;
    snprintf(server->config.policy_path, sizeof server->config.policy_path, "%s",
             GRIDD_SOURCE_DIR "/tests/sim/policy.yaml");
}

static void on_closing(void *context, struct row_set *rows) {
    struct sim_server *server = context;
    driver_on_closing(server->services.driver, rows);
}

static void on_published(void *context, const struct block *block) {
    struct sim_server *server = context;
    sim_server_on_published(block);
    feed_publish(server->services.feed, block);
    driver_on_published(server->services.driver, block->first_seq + block->entries_count - 1);
}

static void on_pressure(void *context) {
    struct sim_server *server = context;
    server->paused = committer_pressure(server->services.committer) != PRESSURE_NONE;
    if (server->paused) {
        sim_happened(SITE_PAUSED_BODIES);
    }
}

static void end_after_failure(struct sim_server *server, const char *what,
                              const struct error *error) {
    sim_say("server: %s: %s", what, error != NULL ? error->message : "");
    server->failed = true;
    server->services.not_ready = "failed";
}

static void on_commit_failed(void *context, const struct error *error) {
    end_after_failure(context, "a commit failed", error);
}

static void on_sealed_thread(void *context, enum status failure, const struct error *error) {
    (void)error;
    struct sim_server *server = context;
    if (failure != STATUS_OK) {
        server->seal_status = failure;
    }
    uv_async_send(&server->sealed);
}

static void on_sealed(uv_async_t *async) {
    struct sim_server *server = async->data;
    if (server->services.committer == NULL) {
        return;
    }
    if (server->seal_status != STATUS_OK) {
        end_after_failure(server, "sealing a run failed", NULL);
        return;
    }
    committer_room_changed(server->services.committer);
}

static void on_tick(uv_timer_t *timer) {
    struct sim_server *server = timer->data;
    db_tick(server->services.db, services_now_ms(&server->services));
    driver_tick(server->services.driver);
}

static enum status open_db(struct sim_server *server, struct error *error) {
    const struct db_options options = {
        .kind = DB_GIVEN,
        .given = sim_disk_open(server->disk),
        .limits = &server->config.limits,
        .now_ms = services_now_ms(&server->services),
        .on_sealed = on_sealed_thread,
        .context = server,
    };
    enum status status = db_open(&server->services.db, &options, error);
    if (status == STATUS_OK) {
        db_identity(server->services.db, &server->services.identity);
    }
    return status;
}

static void adopt_rules(struct services *services) {
    services->policy = rules_policy(services->rules);
    services->calendars = rules_calendars(services->rules);
}

static enum status open_committer(struct sim_server *server) {
    const struct committer_options options = {
        .loop = sim_loop(),
        .db = server->services.db,
        .limits = &server->config.limits,
        .metrics = &server->metrics,
        .next_seq = server->services.identity.next_seq,
        .context = server,
        .on_closing = on_closing,
        .on_published = on_published,
        .on_pressure = on_pressure,
        .on_failed = on_commit_failed,
    };
    return committer_new(&server->services.committer, &options);
}

static enum status open_feed(struct services *services) {
    struct feed_options options = {
        .loop = sim_loop(),
        .db = services->db,
        .regions = services->regions,
        .policy = &services->policy,
        .limits = &services->config->limits,
        .metrics = services->metrics,
        .durable_seq = services->identity.next_seq - 1,
    };
    memcpy(options.epoch, services->identity.epoch, sizeof options.epoch);
    return feed_new(&services->feed, &options);
}

static enum status open_parts(struct sim_server *server, struct error *error) {
    struct services *services = &server->services;
    enum status status = open_db(server, error);
    if (status == STATUS_OK) {
        status = rules_restore(services->rules, services->db, error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    adopt_rules(services);
    status = open_committer(server);
    if (status == STATUS_OK) {
        status = regions_new(&services->regions, sim_loop(), services->db, services->committer,
                             &server->config.limits, error);
    }
    if (status == STATUS_OK) {
        status = intake_new(&services->intake, services, error);
    }
    if (status == STATUS_OK) {
        status =
            creates_new(&services->creates, services->db, server->config.limits.create_keys, error);
    }
    if (status == STATUS_OK) {
        status = driver_new(&services->driver, services, error);
        services->ticket_loader = ticket_loader_new(services);
    }
    return status == STATUS_OK ? open_feed(services) : status;
}

static void close_parts(struct sim_server *server) {
    struct services *services = &server->services;
    feed_free(services->feed);
    if (services->driver != NULL) {
        driver_stop(services->driver);
    }
    committer_free(services->committer);
    services->committer = NULL;
    uv_close((uv_handle_t *)&server->tick, NULL);
    sim_run_out();
    intake_free(services->intake);
    ticket_loader_free(services->ticket_loader);
    driver_free(services->driver);
    creates_free(services->creates);
    regions_free(services->regions);
    db_close(services->db);
    uv_close((uv_handle_t *)&server->sealed, NULL);
    sim_run_out();
    rules_free(services->rules);
    server->up = false;
    CHECK(sim_handles() == 0);
}

bool sim_server_start(struct sim_server *server) {
    struct services *services = &server->services;
    CHECK(!server->up);
    memset(services, 0, sizeof *services);
    server->failed = server->paused = false;
    server->seal_status = STATUS_OK;
    server->starts++;
    metrics_init(&server->metrics);
    services->loop = sim_loop();
    services->config = &server->config;
    services->metrics = &server->metrics;
    services->not_ready = "starting";
    services->time = &server->time;
    service_time_init(&server->time, sim_loop(), &server->metrics);
    CHECK(uv_async_init(sim_loop(), &server->sealed, on_sealed) == 0);
    CHECK(uv_timer_init(sim_loop(), &server->tick) == 0);
    server->sealed.data = server->tick.data = server;
    CHECK(uv_timer_start(&server->tick, on_tick, TICK_MS, TICK_MS) == 0);
    struct error error = {""};
    enum status status = rules_new(&services->rules, server->config.policy_path, "", &error);
    CHECK(status == STATUS_OK);
    adopt_rules(services);
    status = open_parts(server, &error);
    if (status != STATUS_OK) {
        sim_say("server: not open: %s: %s", status_name(status), error.message);
        INVARIANT("I1", status == STATUS_IO, "the store does not open: %s: %s", status_name(status),
                  error.message);
        sim_happened(SITE_OPEN_FAILED);
        server->open_fails++;
        close_parts(server);
        return false;
    }
    services->not_ready = NULL;
    driver_start(services->driver);
    server->up = true;
    sim_say("server: open, next_seq %llu", (unsigned long long)services->identity.next_seq);
    return true;
}

void sim_server_crash(struct sim_server *server) {
    CHECK(server->up);
    sim_disk_crash(server->disk);
    close_parts(server);
}

static void on_idle(void *context) {
    *(bool *)context = true;
}

bool sim_server_stop(struct sim_server *server) {
    bool idle = false;
    CHECK(server->up);
    server->services.not_ready = "draining";
    driver_stop(server->services.driver);
    regions_stop(server->services.regions);
    committer_drain(server->services.committer, on_idle, &idle);
    while (!idle && !server->failed) {
        CHECK(sim_step());
    }
    if (server->failed) {
        return false;
    }
    close_parts(server);
    return true;
}
