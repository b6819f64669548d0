#include "server/regions.h"

#include "core/base/check.h"
#include "server/process/log.h"
#include "server/region_build.h"

#include <stdlib.h>
#include <string.h>

struct import {
    uint8_t *bytes; /* encoded rows */
    size_t bytes_count;
    struct region_ref *before, *after;
    struct region_changes changes;
    struct region_import_result result;
    void (*call)(void *context, const struct region_import_result *result);
    void *context;
    uint64_t started_ns;
};

struct regions {
    uv_loop_t *loop;
    struct committer *committer;
    const struct limits *limits;
    struct region_ref *current;
    bool busy; /* `import` is under way */
    bool stopped;
    struct import import;
    uv_work_t work;
    struct commit_rows commit;
};

/* Loading. */

struct stored_rows {
    struct buffer bytes;
    size_t count;
};

static bool keep_rows(void *context, struct slice rows, size_t rows_count) {
    struct stored_rows *stored = context;
    buffer_append_slice(&stored->bytes, rows);
    stored->count += rows_count;
    return true;
}

/* Stored rows are in id order, so a table built from them alone gives the same ids again. */
static enum status load(struct regions *regions, struct db *db, struct error *error) {
    struct stored_rows stored = {.count = 0};
    buffer_init(&stored.bytes);
    size_t row = 0;
    enum status status = db_walk_regions(db, keep_rows, &stored, error);
    if (status == STATUS_OK) {
        status = region_ref_build(&regions->current, NULL, buffer_slice(&stored.bytes),
                                  stored.count, regions->limits, &row, error);
        if (status == STATUS_INVALID) {
            struct error why = *error;
            status = error_set(error, STATUS_CORRUPT,
                               "the stored regions do not make a tree: ", why.message, NULL);
        }
    }
    if (status == STATUS_OK && region_count(regions->current->table) != stored.count) {
        status = error_set(error, STATUS_CORRUPT, "a stored region code stands twice", NULL, NULL);
    }
    buffer_deinit(&stored.bytes);
    return status;
}

enum status regions_new(struct regions **ret, uv_loop_t *loop, struct db *db,
                        struct committer *committer, const struct limits *limits,
                        struct error *error) {
    struct regions *regions = calloc(1, sizeof *regions);
    if (regions == NULL) {
        return error_set(error, STATUS_NO_MEMORY, "no memory for the regions", NULL, NULL);
    }
    regions->loop = loop;
    regions->committer = committer;
    regions->limits = limits;
    enum status status = load(regions, db, error);
    if (status != STATUS_OK) {
        regions_free(regions);
        return status;
    }
    *ret = regions;
    return STATUS_OK;
}

static void drop_import(struct import *import) {
    free(import->bytes);
    region_ref_release(import->before);
    region_ref_release(import->after);
    region_changes_deinit(&import->changes);
}

void regions_free(struct regions *regions) {
    if (regions == NULL) {
        return;
    }
    if (regions->busy) {
        drop_import(&regions->import);
    }
    region_ref_release(regions->current);
    free(regions);
}

struct region_ref *regions_current(struct regions *regions) {
    CHECK(regions->current != NULL);
    return regions->current;
}

void regions_stop(struct regions *regions) {
    regions->stopped = true;
}

bool regions_import_busy(const struct regions *regions) {
    return regions->busy;
}

/* Importing: build on the pool, commit, swap. */

static void finish_import(struct regions *regions) {
    struct import import = regions->import;
    CHECK(regions->busy);
    if (import.result.status == STATUS_OK) {
        struct region_ref *old = regions->current;
        regions->current = region_ref_acquire(import.after);
        region_ref_release(old);
        log_line(LOG_LEVEL_INFO, LOG_IMPORT, "regions were imported", "rows", LOG_U64,
                 (uint64_t)import.result.rows_count, "regions", LOG_U64,
                 import.result.regions_count, "created", LOG_U64, import.result.created_count,
                 "updated", LOG_U64, import.result.updated_count, "ms", LOG_U64,
                 (uv_hrtime() - import.started_ns) / 1000000, NULL);
    }
    drop_import(&import);
    memset(&regions->import, 0, sizeof regions->import);
    regions->busy = false;
    import.call(import.context, &import.result);
}

static void on_committed(struct commit_rows *rows, enum status status) {
    struct regions *regions =
        (struct regions *)(void *)((char *)rows - offsetof(struct regions, commit));
    regions->import.result.status = status;
    if (status != STATUS_OK) {
        error_set(&regions->import.result.error, status, "the regions could not be written", NULL,
                  NULL);
    }
    finish_import(regions);
}

static void build(uv_work_t *work) {
    struct regions *regions = work->data;
    struct import *import = &regions->import;
    struct region_import_result *result = &import->result;
    result->status = region_ref_build(
        &import->after, import->before->table, (struct slice){import->bytes, import->bytes_count},
        result->rows_count, regions->limits, &result->row, &result->error);
    free(import->bytes);
    import->bytes = NULL;
    if (result->status != STATUS_OK) {
        return;
    }
    region_changes_find(&import->changes, import->before->table, import->after->table);
    result->regions_count = region_count(import->after->table);
    result->created_count = import->changes.created_count;
    result->updated_count = import->changes.updated_count;
}

static void after_build(uv_work_t *work, int uv_status) {
    (void)uv_status;
    struct regions *regions = work->data;
    struct import *import = &regions->import;
    /* Only imports replace the table, and there is one at a time. */
    CHECK(import->before == regions->current);
    if (regions->stopped && import->result.status == STATUS_OK) {
        import->result.status = error_set(&import->result.error, STATUS_BUSY,
                                          "gridd stops: nothing was imported", NULL, NULL);
    }
    if (import->result.status != STATUS_OK || import->changes.rows_count == 0) {
        finish_import(regions);
        return;
    }
    regions->commit = (struct commit_rows){.rows = import->changes.rows,
                                           .rows_count = import->changes.rows_count,
                                           .call = on_committed};
    committer_write_rows(regions->committer, &regions->commit);
}

void regions_import(struct regions *regions, uint8_t *rows, size_t rows_bytes, size_t rows_count,
                    void (*call)(void *context, const struct region_import_result *result),
                    void *context) {
    if (regions->busy || regions->stopped) {
        free(rows);
        struct region_import_result busy = {.status = STATUS_BUSY, .rows_count = rows_count};
        error_set(&busy.error, STATUS_BUSY,
                  regions->stopped ? "gridd stops" : "another import is under way", NULL, NULL);
        call(context, &busy);
        return;
    }
    regions->busy = true;
    regions->import = (struct import){.bytes = rows,
                                      .bytes_count = rows_bytes,
                                      .before = region_ref_acquire(regions->current),
                                      .result = {.rows_count = rows_count},
                                      .call = call,
                                      .context = context,
                                      .started_ns = uv_hrtime()};
    regions->work.data = regions;
    int failed = uv_queue_work(regions->loop, &regions->work, build, after_build);
    CHECK(failed == 0);
}
