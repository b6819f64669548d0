/* Reports of an upload that were stored before: their answers name what the first one was taken
 * into, so the first ones are read, on the pool, in the order of the journal.
 *
 * Each block of the journal is inflated once at most, whatever the order they came in. */
#ifndef SERVER_API_REPEATS_H
#define SERVER_API_REPEATS_H

#include "storage/db.h"

#include <uv.h>

struct repeat {
    uint64_t seq; /* of the first one */
    size_t at;    /* the caller's own: where in its answer */
    int64_t received_ms;
    uint64_t incident, ticket; /* 0: none */
};

/* Grows by doubling. {0} is empty. */
struct repeats {
    struct repeat *of;
    size_t count, max;
};
/* `at` must rise. */
void repeats_add(struct repeats *repeats, uint64_t seq, size_t at);
void repeats_deinit(struct repeats *repeats);

struct repeats_read; /* one read under way; opaque */
/* Takes the repeats over (the caller's become empty). `done` is called on the loop, never from
 * here; `ret` is then the caller's again, filled in and in the order of `at`. Not OK: they cannot
 * be read. */
typedef void (*repeats_done)(void *context, enum status status, struct repeats *ret);
struct repeats_read *repeats_read_start(uv_loop_t *loop, struct db *db, struct repeats *repeats,
                                        repeats_done done, void *context);
/* `done` will not be called. */
void repeats_read_abandon(struct repeats_read *read);

#endif
