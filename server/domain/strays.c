#include "server/domain/strays.h"

#include "core/base/check.h"
#include "server/process/log.h"

#include <stdlib.h>

enum phase {
    PHASE_SUSPECTED, /* waits until `seq` is durable */
    PHASE_SOUGHT,    /* the pool looks whether it is there */
    PHASE_PROVED,    /* waits for a block that closes */
};

struct strays {
    struct strays_options options;
    uv_work_t work;
    enum phase phase;
    bool closing;
    uint64_t seq, durable_seq;
    size_t count;
    struct deadline suspects[STRAYS_MAX];
    bool is_there[STRAYS_MAX]; /* the pool's while it looks */
};

struct strays *strays_new(const struct strays_options *options) {
    struct strays *strays = calloc(1, sizeof *strays);
    CHECK(strays != NULL);
    strays->options = *options;
    strays->work.data = strays;
    return strays;
}

void strays_free(struct strays *strays) {
    if (strays != NULL && strays->phase == PHASE_SOUGHT) {
        strays->closing = true;
    } else {
        free(strays);
    }
}

static void seek(uv_work_t *work) {
    struct strays *strays = work->data;
    for (size_t i = 0; i < strays->count; i++) {
        uint8_t key[DEADLINE_KEY_BYTES];
        struct store_value value;
        struct error error;
        deadline_key_encode(key, &strays->suspects[i]);
        enum status status = db_get_row(strays->options.db, FAMILY_DEADLINES,
                                        (struct slice){key, sizeof key}, &value, &error);
        strays->is_there[i] = status == STATUS_OK;
        if (status == STATUS_OK) {
            store_value_free(&value);
        }
    }
}

static bool is_stray(const struct strays *strays, const struct deadline *deadline) {
    return !strays->options.is_awaited(strays->options.context, deadline);
}

static void on_sought(uv_work_t *work, int uv_status) {
    (void)uv_status;
    struct strays *strays = work->data;
    if (strays->closing) {
        free(strays);
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < strays->count; i++) {
        if (strays->is_there[i] && is_stray(strays, &strays->suspects[i])) {
            strays->suspects[kept++] = strays->suspects[i];
        }
    }
    strays->count = kept;
    strays->phase = kept > 0 ? PHASE_PROVED : PHASE_SUSPECTED;
}

static void seek_if_durable(struct strays *strays) {
    if (strays->phase == PHASE_SUSPECTED && strays->count > 0 &&
        strays->seq <= strays->durable_seq) {
        strays->phase = PHASE_SOUGHT;
        CHECK(uv_queue_work(strays->options.loop, &strays->work, seek, on_sought) == 0);
    }
}

void strays_look(struct strays *strays, const struct deadline *deadline, uint64_t next_seq) {
    if (strays->phase == PHASE_SUSPECTED && strays->count < STRAYS_MAX &&
        is_stray(strays, deadline)) {
        strays->suspects[strays->count++] = *deadline;
        strays->seq = next_seq - 1;
    }
}

void strays_durable(struct strays *strays, uint64_t seq) {
    strays->durable_seq = seq;
    seek_if_durable(strays);
}

void strays_flush(struct strays *strays, struct row_set *rows) {
    if (strays->phase != PHASE_PROVED) {
        return;
    }
    uint64_t removed = 0, object = 0;
    for (size_t i = 0; i < strays->count; i++) {
        uint8_t key[DEADLINE_KEY_BYTES];
        if (is_stray(strays, &strays->suspects[i])) {
            deadline_key_encode(key, &strays->suspects[i]);
            row_set_put(rows, FAMILY_DEADLINES, (struct slice){key, sizeof key},
                        (struct slice){NULL, 0}, true);
            object = strays->suspects[i].object;
            removed++;
        }
    }
    strays->count = 0;
    strays->phase = PHASE_SUSPECTED;
    strays->options.metrics->deadlines_stray_total += removed;
    if (removed > 0) {
        log_line(LOG_LEVEL_WARN, LOG_WARNING, "deadlines that nobody waits for were removed",
                 "deadlines", LOG_U64, removed, "object", LOG_U64, object, NULL);
    }
}
