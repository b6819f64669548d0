#include "server/committer.h"

#include "core/base/check.h"
#include "core/base/mutant.h"
#include "server/process/wall_clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROUP_BLOCKS_MAX = 4, /* blocks of one commit: bounds what one sync must carry */
    /* Not durable yet; small blocks fill these before limits.commit_pause_bytes and
     * commit_queue_bytes are reached. */
    BLOCKS_PAUSE = 256,
    BLOCKS_REFUSE = 1024,
};

/* A block and its place in the queue. Nodes are reused; a block's memory is touched only as far as
 * it is filled. */
struct block_node {
    struct block *block;
    struct row_set rows; /* that its entries changed */
    uint64_t opened_ns;  /* uv_hrtime */
    struct block_node *next;
};

struct committer {
    struct committer_options options;
    uint64_t next_seq, durable_seq;
    uint64_t queued_bytes;
    uint32_t queued_blocks;

    struct block_node *open;         /* being filled; NULL until something is appended */
    struct block_node *first, *last; /* full, waiting */
    struct block_node *spare;

    struct block_node *group[GROUP_BLOCKS_MAX]; /* under way */
    size_t group_count;
    struct commit_rows *rows;       /* waiting */
    struct commit_rows *rows_group; /* under way */
    bool busy, failed;
    uint64_t started_ns;

    struct commit_waiter *waiters_first, *waiters_last; /* by rising seq */
    enum pressure pressure;
    void (*on_idle)(void *context);
    void *on_idle_context;

    uv_prepare_t prepare;
    uv_async_t done;

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    /* Under the mutex: */
    struct db_commit work;
    const struct block *work_blocks[GROUP_BLOCKS_MAX];
    struct buffer work_rows; /* struct db_row, of the blocks and of rows_group */
    bool has_work, stop;
    enum status result;
    struct error error;
};

static void *commit_thread(void *argument) {
    struct committer *c = argument;
    pthread_mutex_lock(&c->mutex);
    for (;;) {
        while (!c->has_work && !c->stop) {
            pthread_cond_wait(&c->wake, &c->mutex);
        }
        if (!c->has_work) {
            break;
        }
        pthread_mutex_unlock(&c->mutex);
        struct error error = {""};
        enum status result = db_commit(c->options.db, &c->work, &error);
        pthread_mutex_lock(&c->mutex);
        c->result = result;
        c->error = error;
        c->has_work = false;
        uv_async_send(&c->done);
    }
    pthread_mutex_unlock(&c->mutex);
    return NULL;
}

/* All rows of the commit under way, in the order they were put. */
static size_t list_rows(struct committer *c) {
    size_t count = c->rows_group != NULL ? c->rows_group->rows_count : 0;
    for (size_t i = 0; i < c->group_count; i++) {
        count += c->group[i]->rows.count;
    }
    buffer_reset(&c->work_rows);
    struct db_row *to = (void *)buffer_reserve(&c->work_rows, count * sizeof *to + 1);
    for (size_t i = 0; i < c->group_count; i++) {
        row_set_list(&c->group[i]->rows, to);
        to += c->group[i]->rows.count;
    }
    if (c->rows_group != NULL) {
        memcpy(to, c->rows_group->rows, c->rows_group->rows_count * sizeof *to);
    }
    return count;
}

static void hand_over(struct committer *c) {
    CHECK(!c->busy && (c->group_count > 0 || c->rows_group != NULL));
    for (size_t i = 0; i < c->group_count; i++) {
        c->work_blocks[i] = c->group[i]->block;
        if (MUTANT(FEED_BEFORE_COMMIT)) {
            c->options.on_published(c->options.context, c->group[i]->block);
        }
    }
    size_t rows_count = list_rows(c);
    c->busy = true;
    c->started_ns = uv_hrtime();
    pthread_mutex_lock(&c->mutex);
    c->work = (struct db_commit){
        .blocks = c->work_blocks,
        .blocks_count = c->group_count,
        .rows = (const struct db_row *)(const void *)c->work_rows.data,
        .rows_count = rows_count,
    };
    c->has_work = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->mutex);
}

/* Moves the open block behind the full ones. */
static void close_open_block(struct committer *c) {
    struct block_node *node = c->open;
    c->open = NULL;
    if (node == NULL) {
        return;
    }
    CHECK(node->block->entries_count > 0);
    if (c->options.on_closing != NULL) {
        c->options.on_closing(c->options.context, &node->rows);
        c->queued_bytes += node->rows.bytes.bytes;
    }
    node->next = NULL;
    if (c->last != NULL) {
        c->last->next = node;
    } else {
        c->first = node;
    }
    c->last = node;
}

/* Takes as many waiting blocks as one commit may carry and the recent run has room for. The room is
 * asked for the sum: after a rotation in the middle the rest still fits the fresh run. */
static void gather_group(struct committer *c) {
    uint64_t entries = 0, bytes = 0;
    while (c->first != NULL && c->group_count < GROUP_BLOCKS_MAX) {
        const struct block *block = c->first->block;
        entries += block->entries_count;
        bytes += block->payload_bytes;
        if (entries > c->options.limits->run_entries || bytes > c->options.limits->run_bytes ||
            !db_room(c->options.db, (uint32_t)entries, (size_t)bytes)) {
            break;
        }
        struct block_node *node = c->first;
        c->first = node->next;
        c->last = c->first == NULL ? NULL : c->last;
        c->group[c->group_count++] = node;
    }
}

static void start_commit(struct committer *c) {
    if (c->busy || c->failed) {
        return;
    }
    if (c->first == NULL) {
        close_open_block(c);
    }
    gather_group(c);
    if (c->rows != NULL) {
        c->rows_group = c->rows;
        c->rows = NULL;
    }
    if (c->group_count > 0 || c->rows_group != NULL) {
        hand_over(c);
    }
}

static void update_pressure(struct committer *c) {
    const struct limits *limits = c->options.limits;
    enum pressure pressure = PRESSURE_NONE;
    if (c->failed || c->queued_bytes > limits->commit_queue_bytes ||
        c->queued_blocks > BLOCKS_REFUSE) {
        pressure = PRESSURE_REFUSE;
    } else if (c->queued_bytes > limits->commit_pause_bytes || c->queued_blocks > BLOCKS_PAUSE) {
        pressure = PRESSURE_PAUSE;
    }
    if (pressure != c->pressure) {
        c->pressure = pressure;
        c->options.on_pressure(c->options.context);
    }
}

static void unlink_waiter(struct committer *c, struct commit_waiter *waiter) {
    if (waiter->previous != NULL) {
        waiter->previous->next = waiter->next;
    } else {
        CHECK(c->waiters_first == waiter);
        c->waiters_first = waiter->next;
    }
    if (waiter->next != NULL) {
        waiter->next->previous = waiter->previous;
    } else {
        CHECK(c->waiters_last == waiter);
        c->waiters_last = waiter->previous;
    }
    waiter->next = waiter->previous = NULL;
}

static void call_waiters(struct committer *c) {
    enum status status = c->failed ? c->result : STATUS_OK;
    uint64_t told_seq = MUTANT(ACK_BEFORE_SYNC)  ? c->next_seq - 1
                        : MUTANT(ACK_OFF_BY_ONE) ? c->durable_seq + 1
                                                 : c->durable_seq;
    while (c->waiters_first != NULL && (c->failed || c->waiters_first->seq <= told_seq)) {
        struct commit_waiter *waiter = c->waiters_first;
        bool durable = waiter->seq <= told_seq;
        unlink_waiter(c, waiter);
        waiter->call(waiter, durable ? STATUS_OK : status);
    }
}

/* Rows that came too late for the commit that failed. */
static void fail_rows(struct committer *c) {
    struct commit_rows *rows = c->rows;
    if (c->failed && rows != NULL) {
        c->rows = NULL;
        rows->call(rows, c->result);
    }
}

static void check_idle(struct committer *c) {
    bool idle = !c->busy && c->open == NULL && c->first == NULL && c->rows == NULL;
    if (c->on_idle != NULL && (idle || c->failed)) {
        void (*on_idle)(void *) = c->on_idle;
        c->on_idle = NULL;
        on_idle(c->on_idle_context);
    }
}

static void publish_group(struct committer *c, int64_t now_ms) {
    for (size_t i = 0; i < c->group_count; i++) {
        struct block_node *node = c->group[i];
        struct block *block = node->block;
        CHECK(block->first_seq == c->durable_seq + 1);
        db_publish(c->options.db, block, now_ms);
        c->durable_seq += block->entries_count;
        if (!MUTANT(FEED_BEFORE_COMMIT)) {
            c->options.on_published(c->options.context, block);
        }
        CHECK(c->queued_bytes >= block->payload_bytes + node->rows.bytes.bytes);
        c->queued_bytes -=
            MUTANT(QUEUE_NEVER_SHRINKS) ? 0 : block->payload_bytes + node->rows.bytes.bytes;
        c->queued_blocks--;
        c->options.metrics->commit_bytes_total += block->payload_bytes;
        node->next = c->spare;
        c->spare = node;
    }
    c->group_count = 0;
}

static void on_done(uv_async_t *async) {
    struct committer *c = async->data;
    pthread_mutex_lock(&c->mutex);
    bool finished = c->busy && !c->has_work;
    enum status result = c->result;
    pthread_mutex_unlock(&c->mutex);
    if (!finished) {
        return;
    }
    c->busy = false;
    struct commit_rows *rows = c->rows_group;
    c->rows_group = NULL;
    if (result != STATUS_OK) {
        c->failed = true;
        update_pressure(c);
    } else {
        c->options.metrics->commits_total++;
        histogram_add(&c->options.metrics->commit_seconds,
                      (double)(uv_hrtime() - c->started_ns) / 1e9);
        publish_group(c, wall_clock_ms());
        start_commit(c); /* the next sync runs while the answers of this one go out */
        update_pressure(c);
    }
    if (rows != NULL) {
        rows->call(rows, result);
    }
    fail_rows(c);
    call_waiters(c);
    if (c->failed) {
        c->options.on_failed(c->options.context, &c->error);
    } else {
        db_acknowledge(c->options.db, c->durable_seq);
    }
    check_idle(c);
}

/* Runs before the loop polls: what the last turn appended starts its commit here. */
static void on_prepare(uv_prepare_t *prepare) {
    struct committer *c = prepare->data;
    fail_rows(c);
    call_waiters(c);
    start_commit(c);
    check_idle(c);
}

enum status committer_new(struct committer **ret, const struct committer_options *options) {
    CHECK(options->next_seq >= 1);
    struct committer *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return STATUS_NO_MEMORY;
    }
    c->options = *options;
    c->next_seq = options->next_seq;
    c->durable_seq = options->next_seq - 1;
    CHECK(uv_prepare_init(options->loop, &c->prepare) == 0);
    CHECK(uv_async_init(options->loop, &c->done, on_done) == 0);
    c->prepare.data = c->done.data = c;
    CHECK(uv_prepare_start(&c->prepare, on_prepare) == 0);
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->wake, NULL);
    CHECK(pthread_create(&c->thread, NULL, commit_thread, c) == 0);
    *ret = c;
    return STATUS_OK;
}

void committer_drain(struct committer *c, void (*on_idle)(void *context), void *context) {
    CHECK(c->on_idle == NULL);
    c->on_idle = on_idle;
    c->on_idle_context = context;
}

static void free_nodes(struct block_node *node) {
    while (node != NULL) {
        struct block_node *next = node->next;
        block_free(node->block);
        row_set_deinit(&node->rows);
        free(node);
        node = next;
    }
}

static void on_closed(uv_handle_t *handle) {
    struct committer *c = handle->data;
    if (!uv_is_closing((uv_handle_t *)&c->done)) {
        uv_close((uv_handle_t *)&c->done, on_closed);
        return;
    }
    free(c);
}

void committer_free(struct committer *c) {
    if (c == NULL) {
        return;
    }
    pthread_mutex_lock(&c->mutex);
    c->stop = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->mutex);
    pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->mutex);
    free_nodes(c->open);
    free_nodes(c->first);
    free_nodes(c->spare);
    for (size_t i = 0; i < c->group_count; i++) {
        c->group[i]->next = NULL;
        free_nodes(c->group[i]);
    }
    buffer_deinit(&c->work_rows);
    uv_close((uv_handle_t *)&c->prepare, on_closed);
}

static struct block_node *take_node(struct committer *c) {
    struct block_node *node = c->spare;
    if (node != NULL) {
        c->spare = node->next;
    } else {
        node = calloc(1, sizeof *node);
        CHECK(node != NULL && block_new(&node->block, c->options.limits) == STATUS_OK);
        row_set_init(&node->rows);
    }
    row_set_reset(&node->rows);
    c->queued_blocks++;
    node->opened_ns = uv_hrtime();
    node->next = NULL;
    block_reset(node->block, c->next_seq);
    return node;
}

void committer_append(struct committer *c, const struct entry *entry, const struct record *record) {
    if (c->open == NULL) {
        c->open = take_node(c);
    }
    size_t before = c->open->block->payload_bytes;
    if (block_append(c->open->block, entry, record) != STATUS_OK) {
        close_open_block(c);
        c->open = take_node(c);
        before = 0;
        /* limits_are_consistent: an empty block takes any record. */
        CHECK(block_append(c->open->block, entry, record) == STATUS_OK);
    }
    c->queued_bytes += c->open->block->payload_bytes - before;
    c->next_seq++;
    update_pressure(c);
}

void committer_reserve(struct committer *c, uint32_t entries_count, size_t payload_bytes) {
    const struct block *open = c->open != NULL ? c->open->block : NULL;
    if (open != NULL && (entries_count > open->entries_max - open->entries_count ||
                         payload_bytes > open->payload_max - open->payload_bytes)) {
        close_open_block(c);
    }
}

uint64_t committer_next_seq(const struct committer *c) {
    return c->next_seq;
}

uint64_t committer_durable_seq(const struct committer *c) {
    return c->durable_seq;
}

enum pressure committer_pressure(const struct committer *c) {
    return c->pressure;
}

uint64_t committer_queued_bytes(const struct committer *c) {
    return c->queued_bytes;
}

uint64_t committer_oldest_ms(const struct committer *c) {
    uint64_t since_ns = UINT64_MAX;
    if (c->group_count > 0) {
        since_ns = c->group[0]->opened_ns;
    } else if (c->busy) {
        since_ns = c->started_ns;
    } else if (c->first != NULL || c->open != NULL) {
        since_ns = c->first != NULL ? c->first->opened_ns : c->open->opened_ns;
    }
    uint64_t now_ns = uv_hrtime();
    return since_ns < now_ns ? (now_ns - since_ns) / 1000000 : 0;
}

void committer_wait(struct committer *c, struct commit_waiter *waiter) {
    CHECK(waiter->seq < c->next_seq && waiter->call != NULL);
    struct commit_waiter *after = c->waiters_last;
    while (after != NULL && after->seq > waiter->seq) {
        after = after->previous;
    }
    waiter->previous = after;
    waiter->next = after != NULL ? after->next : c->waiters_first;
    if (waiter->next != NULL) {
        waiter->next->previous = waiter;
    } else {
        c->waiters_last = waiter;
    }
    if (after != NULL) {
        after->next = waiter;
    } else {
        c->waiters_first = waiter;
    }
}

void committer_unwait(struct committer *c, struct commit_waiter *waiter) {
    unlink_waiter(c, waiter);
}

void committer_write_rows(struct committer *c, struct commit_rows *rows) {
    CHECK(c->rows == NULL && rows->rows_count > 0);
    c->rows = rows;
}

void committer_room_changed(struct committer *c) {
    start_commit(c);
    check_idle(c);
}
