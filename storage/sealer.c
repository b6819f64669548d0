#include "core/base/check.h"
#include "core/base/mutant.h"
#include "storage/db_internal.h"
#include "storage/sealed_run.h"

#include <time.h>

enum { WATERMARK_INTERVAL_MS = 1000 };

static uint64_t monotonic_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The run leaves memory as soon as the store has it. Should the process die before a commit has
 * carried sealed_through to the disk, recovery rebuilds the run and seals the same keys again. */
enum status sealer_seal(struct db *db, const struct recent_run *run, struct error *error) {
    uint64_t begin_us = monotonic_us();
    uint64_t last_seq = recent_run_first_seq(run) + recent_run_count(run) - 1;
    CHECK(last_seq > atomic_load(&db->sealed_through));
    if (MUTANT(SEALED_BEFORE_WRITTEN)) {
        db->pending = true;
        db->pending_sealed_through = last_seq;
        db->pending_run_next = db->run_next;
    }
    enum status status = sealed_run_write(db->store, db->run_next, run, error);
    if (status != STATUS_OK) {
        return status;
    }
    db->run_next++;
    pthread_mutex_lock(&db->pending_lock);
    db->pending = true;
    db->pending_sealed_through = last_seq;
    db->pending_run_next = db->run_next;
    pthread_mutex_unlock(&db->pending_lock);
    atomic_store(&db->sealed_through, last_seq);
    atomic_fetch_add(&db->runs_sealed_total, 1);
    atomic_fetch_add(&db->seal_us_total, monotonic_us() - begin_us);
    run_set_drop(db->runs);
    return STATUS_OK;
}

enum status sealer_write_watermark(struct db *db, struct error *error) {
    uint64_t seq = atomic_load(&db->acknowledged_seq);
    if (db->watermark == NULL || seq <= atomic_load(&db->watermark_seq)) {
        return STATUS_OK;
    }
    CHECK(seq <= atomic_load(&db->committed_seq));
    const struct watermark_value value = {db->meta.epoch, seq, atomic_load(&db->now_ms)};
    enum status status = watermark_write(db->watermark, &value, error);
    if (status == STATUS_OK) {
        atomic_store(&db->watermark_seq, seq);
    }
    return status;
}

static void announce(struct db *db, enum status failure, const struct error *error) {
    if (db->on_sealed != NULL) {
        db->on_sealed(db->context, failure, failure == STATUS_OK ? NULL : error);
    }
}

/* One event. The watermark has its turn after every kind of them, or a sealer that is always busy
 * would never write it. */
static enum status serve(struct db *db, enum run_event event, const struct recent_run *run,
                         uint64_t *watermark_us, struct error *error) {
    enum status status = STATUS_OK;
    if (event == RUN_EVENT_SEAL) {
        status = sealer_seal(db, run, error);
    } else if (event == RUN_EVENT_SETTLE && store_settle_is_due(db->store)) {
        status = store_settle(db->store, error);
    } else if (event == RUN_EVENT_ROOM) {
        announce(db, STATUS_OK, NULL);
    }
    uint64_t now_us = monotonic_us();
    if (status == STATUS_OK && now_us - *watermark_us >= UINT64_C(1000) * WATERMARK_INTERVAL_MS) {
        *watermark_us = now_us;
        status = sealer_write_watermark(db, error);
    }
    return status;
}

static void *sealer_main(void *argument) {
    struct db *db = argument;
    enum status status = STATUS_OK;
    struct error error = {0};
    uint64_t watermark_us = monotonic_us();
    while (status == STATUS_OK) {
        const struct recent_run *run = NULL;
        enum run_event event = run_set_wait(db->runs, WATERMARK_INTERVAL_MS, &run);
        if (event == RUN_EVENT_STOP) {
            return NULL;
        }
        status = serve(db, event, run, &watermark_us, &error);
    }
    announce(db, status, &error);
    return NULL;
}

enum status sealer_start(struct db *db, struct error *error) {
    CHECK(!db->sealer_runs);
    if (pthread_create(&db->sealer, NULL, sealer_main, db) != 0) {
        return error_set(error, STATUS_NO_MEMORY, "the sealer thread cannot be started", NULL,
                         NULL);
    }
    db->sealer_runs = true;
    return STATUS_OK;
}

void sealer_stop(struct db *db) {
    if (db->sealer_runs) {
        run_set_stop(db->runs);
        int result = pthread_join(db->sealer, NULL);
        CHECK(result == 0);
        db->sealer_runs = false;
    }
}
