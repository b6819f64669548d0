/* What the loop looks at by itself: sealing, commits, the disk, its own lateness. */
#include "server/process/serve_inside.h"

#include "core/base/check.h"
#include "server/api/audit.h"
#include "server/domain/driver.h"
#include "server/limit/admission.h"
#include "server/process/log.h"
#include "server/process/readiness.h"

#include <stdio.h>
#include <stdlib.h>

enum { FAILURE_TOLD_MS = 250, DISK_WATCH_PARTS = 16, DENIALS_TICKS = 10 };

void serve_on_sealed_thread(void *context, enum status failure, const struct error *error) {
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

void serve_on_sealed(uv_async_t *async) {
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

void serve_on_commit_failed(void *context, const struct error *error) {
    end_after_failure(context, LOG_COMMIT_FAILED, "a commit failed", error);
}

void serve_watch_disk(struct serve *serve) {
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
void serve_on_published(void *context, const struct block *block) {
    struct serve *serve = context;
    feed_publish(serve->services.feed, block);
    driver_on_published(serve->services.driver, block->first_seq + block->entries_count - 1);
    serve->unwatched_bytes += block->payload_bytes;
    if (serve->unwatched_bytes >= serve->config.limits.disk_reserve_bytes / DISK_WATCH_PARTS) {
        serve_watch_disk(serve);
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

void serve_on_tick(uv_timer_t *timer) {
    struct serve *serve = timer->loop->data;
    log_tick();
    db_tick(serve->services.db, services_now_ms(&serve->services));
    driver_tick(serve->services.driver);
    serve_watch_disk(serve);
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

void serve_on_lag(uv_timer_t *timer) {
    struct serve *serve = timer->loop->data;
    uint64_t now = uv_now(timer->loop);
    uint64_t late = now > serve->lag_due_ms ? now - serve->lag_due_ms : 0;
    histogram_add(&serve->services.metrics->loop_lag_seconds, (double)late / 1e3);
    overload_note_lag(&serve->services.overload, late);
    notify_lag(&serve->notify, late);
    serve->lag_due_ms = now + SERVE_LAG_MS;
}
