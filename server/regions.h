/* The current region table and its replacement by imports. Tables are shared by reference: whoever
 * works on another thread holds a reference for as long as it reads. */
#ifndef SERVER_REGIONS_H
#define SERVER_REGIONS_H

#include "core/region/region.h"
#include "server/committer.h"

struct region_ref {
    const struct region_table *table;
    /* the rest is region_build.c's own */
    uint32_t references; /* atomic */
    void *memory;
};
struct region_ref *region_ref_acquire(struct region_ref *ref);
void region_ref_release(struct region_ref *ref); /* any thread; NULL is allowed */

struct regions; /* opaque: loop thread only */
MUST_USE enum status regions_new(struct regions **ret, uv_loop_t *loop, struct db *db,
                                 struct committer *committer, const struct limits *limits,
                                 struct error *error); /* loads the stored rows */
/* No import may be under way, unless the loop never runs again. */
void regions_free(struct regions *regions);
/* Borrowed for this turn of the loop; acquire it to keep it. */
struct region_ref *regions_current(struct regions *regions);

/* One import at a time: encoded rows (taken over: freed by regions), built on the pool, committed,
 * then current. `call` on the loop: OK, INVALID (row index and message), BUSY, or a failure of the
 * store. BUSY is said at once, before regions_import returns. Nothing changes unless it is OK. */
struct region_import_result {
    enum status status;
    size_t row; /* of INVALID: 0-based index of the row */
    size_t rows_count;
    uint64_t regions_count;                /* in the tree now */
    uint64_t created_count, updated_count; /* updated: was there, and was not the same */
    struct error error;
};
void regions_import(struct regions *regions, uint8_t *rows, size_t rows_bytes, size_t rows_count,
                    void (*call)(void *context, const struct region_import_result *result),
                    void *context);
bool regions_import_busy(const struct regions *regions);
/* From now on nothing is handed to the committer: an import that is still being built ends BUSY
 * when it comes back from the pool. Rows that the committer has already are written. */
void regions_stop(struct regions *regions);

#endif
