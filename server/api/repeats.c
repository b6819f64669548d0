#include "server/api/repeats.h"

#include "core/base/check.h"
#include "core/report/record.h"

#include <stdlib.h>

enum {
    BATCH = 4096,     /* of one job: the pool has other work too */
    REPEATS_MIN = 64, /* room to begin with */
    GAP_MAX = 1024,   /* entries passed over rather than looked up anew */
};

struct repeats_read {
    uv_work_t work;
    uv_loop_t *loop;
    struct db *db;
    struct repeats repeats; /* by seq while they are read */
    size_t next, end;       /* not read yet; end of this job */
    repeats_done done;      /* NULL: abandoned */
    void *context;
    enum status status;
};

void repeats_add(struct repeats *repeats, uint64_t seq, size_t at) {
    CHECK(seq != 0);
    CHECK(repeats->count == 0 || repeats->of[repeats->count - 1].at < at);
    if (repeats->count == repeats->max) {
        repeats->max = repeats->max == 0 ? REPEATS_MIN : 2 * repeats->max;
        repeats->of = realloc(repeats->of, repeats->max * sizeof *repeats->of);
        CHECK(repeats->of != NULL);
    }
    repeats->of[repeats->count++] = (struct repeat){.seq = seq, .at = at};
}

void repeats_deinit(struct repeats *repeats) {
    free(repeats->of);
    *repeats = (struct repeats){.of = NULL};
}

static int by_seq(const void *a, const void *b) {
    const struct repeat *left = a, *right = b;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

static int by_at(const void *a, const void *b) {
    const struct repeat *left = a, *right = b;
    return (left->at > right->at) - (left->at < right->at);
}

/* One report may be repeated many times. False: the next one is not close behind. */
static bool take_row(void *context, const struct timeline_row *row) {
    struct repeats_read *read = context;
    struct record record;
    bool readable = record_decode(&record, row->record);
    while (read->next < read->end && read->repeats.of[read->next].seq == row->seq) {
        struct repeat *repeat = &read->repeats.of[read->next++];
        repeat->received_ms = row->entry.received_ms;
        repeat->incident = readable ? record.incident : 0;
        repeat->ticket = readable ? record.ticket : 0;
    }
    return read->next < read->end && read->repeats.of[read->next].seq - row->seq <= GAP_MAX;
}

static void work(uv_work_t *job) {
    struct repeats_read *read = job->data;
    if (read->next == 0) {
        qsort(read->repeats.of, read->repeats.count, sizeof *read->repeats.of, by_seq);
    }
    read->end = min_u64(read->repeats.count, read->next + BATCH);
    while (read->status == STATUS_OK && read->next < read->end) {
        size_t before = read->next;
        uint64_t oldest_seq;
        read->status = db_read_journal(read->db, read->repeats.of[before].seq, take_row, read,
                                       &oldest_seq, NULL);
        if (read->status == STATUS_OK && read->next == before) {
            read->status = STATUS_NOT_FOUND;
        }
    }
    if (read->next == read->repeats.count) {
        qsort(read->repeats.of, read->repeats.count, sizeof *read->repeats.of, by_at);
    }
}

static void start(struct repeats_read *read);

static void on_work(uv_work_t *job, int uv_status) {
    (void)uv_status;
    struct repeats_read *read = job->data;
    if (read->done != NULL && read->status == STATUS_OK && read->next < read->repeats.count) {
        start(read);
        return;
    }
    if (read->done != NULL) {
        read->done(read->context, read->status, &read->repeats);
    } else {
        repeats_deinit(&read->repeats);
    }
    free(read);
}

static void start(struct repeats_read *read) {
    CHECK(uv_queue_work(read->loop, &read->work, work, on_work) == 0);
}

struct repeats_read *repeats_read_start(uv_loop_t *loop, struct db *db, struct repeats *repeats,
                                        repeats_done done, void *context) {
    struct repeats_read *read = calloc(1, sizeof *read);
    CHECK(read != NULL && repeats->count > 0);
    *read = (struct repeats_read){.loop = loop,
                                  .db = db,
                                  .repeats = *repeats,
                                  .done = done,
                                  .context = context,
                                  .status = STATUS_OK};
    read->work.data = read;
    *repeats = (struct repeats){.of = NULL};
    start(read);
    return read;
}

void repeats_read_abandon(struct repeats_read *read) {
    read->done = NULL;
}
