#include "server/domain/deadlines.h"

#include "core/base/check.h"
#include "storage/pages.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRE_MAX = 1024, /* of one turn of the loop: some 3 ms */
    SOON_MS = 1,     /* there is more to do, or the disk is behind */
    LOOK_MS = 60000, /* longest sleep: a clock that was set is noticed */
    QUEUE_MIN = 1024,
};

/* A row on its way to the disk. */
struct queued {
    uint64_t seq;
    struct deadline deadline;
};

/* One read of rows, on the pool. */
struct load {
    uv_work_t work;
    struct deadlines *owner;
    struct horizon_load ask;
    struct deadline *rows;
    size_t rows_count;
    bool complete;
    enum status status;
    struct error error;
};

struct deadlines {
    struct deadlines_options options;
    struct horizon horizon;
    void *memory;
    size_t memory_bytes;
    uv_timer_t timer;
    bool started, stopped, closing, closed, loading;
    struct queued *queue; /* a ring, by rising seq */
    size_t queue_first, queue_count, queue_max;
    struct load load;
    struct deadline due[FIRE_MAX];
};

static void plan(struct deadlines *d);

static bool keep_row(void *context, const struct deadline *deadline, uint64_t armed_seq) {
    (void)armed_seq;
    struct load *load = context;
    load->rows[load->rows_count++] = *deadline;
    return true;
}

static void read_rows(uv_work_t *work) {
    struct load *load = work->data;
    load->rows_count = 0;
    load->complete = false;
    load->status =
        db_walk_deadlines(load->owner->options.db, &load->ask.after, load->ask.until_ms,
                          load->ask.rows_max, keep_row, load, &load->complete, &load->error);
}

static void free_all(struct deadlines *d) {
    pages_free(d->memory, d->memory_bytes);
    free(d->load.rows);
    free(d->queue);
    free(d);
}

static void on_read(uv_work_t *work, int uv_status) {
    (void)uv_status;
    struct load *load = work->data;
    struct deadlines *d = load->owner;
    d->loading = false;
    if (d->closing) {
        if (d->closed) {
            free_all(d);
        }
        return;
    }
    if (d->stopped) { /* nobody is told any more, and the committer may be gone */
        return;
    }
    if (load->status != STATUS_OK) {
        horizon_load_failed(&d->horizon);
        d->options.on_failed(d->options.context, &load->error);
        return;
    }
    d->options.on_read(d->options.context, load->rows, load->rows_count);
    horizon_loaded(&d->horizon, load->rows, load->rows_count, load->complete);
    plan(d);
}

static void start_load(struct deadlines *d, int64_t now_ms) {
    if (!d->loading && horizon_next_load(&d->horizon, now_ms, &d->load.ask)) {
        d->loading = true;
        d->load.work.data = &d->load;
        CHECK(uv_queue_work(d->options.loop, &d->load.work, read_rows, on_read) == 0);
    }
}

static void fire_one(struct deadlines *d, const struct deadline *deadline, int64_t now_ms) {
    bool late = horizon_is_late(&d->horizon, deadline);
    d->options.metrics->deadlines_fired_total++;
    d->options.metrics->deadlines_late_total += late ? 1 : 0;
    histogram_add(&d->options.metrics->deadline_lateness_seconds,
                  (double)(now_ms - deadline->due_ms) / 1e3);
    d->options.fire(d->options.context, deadline, late);
}

/* Fires what is due; true when there is more to do at once. */
static bool fire_due(struct deadlines *d) {
    int64_t fire_ms = service_time_fire_ms(d->options.time);
    if (fire_ms == INT64_MIN) {
        return false;
    }
    if (!d->options.may_fire(d->options.context)) {
        return true;
    }
    bool more = false;
    size_t count = horizon_fire(&d->horizon, fire_ms, d->due, FIRE_MAX, &more);
    for (size_t i = 0; i < count; i++) {
        fire_one(d, &d->due[i], fire_ms);
    }
    return more;
}

static void on_timer(uv_timer_t *timer) {
    struct deadlines *d = timer->data;
    start_load(d, service_time_ms(d->options.time));
    if (fire_due(d)) {
        CHECK(uv_timer_start(&d->timer, on_timer, SOON_MS, 0) == 0);
    } else {
        plan(d);
    }
}

/* Sleeps until there is something to do. */
static void plan(struct deadlines *d) {
    if (!d->started || d->stopped) {
        return;
    }
    int64_t now_ms = service_time_ms(d->options.time);
    int64_t wake_ms = horizon_wake_ms(&d->horizon);
    bool held = service_time_fire_ms(d->options.time) == INT64_MIN;
    int64_t sleep_ms = wake_ms <= now_ms ? 0 : wake_ms - now_ms;
    if (held && sleep_ms < TIME_CONFIRM_MS / 60) {
        sleep_ms = TIME_CONFIRM_MS / 60;
    }
    sleep_ms = sleep_ms > LOOK_MS ? LOOK_MS : sleep_ms;
    CHECK(uv_timer_start(&d->timer, on_timer, (uint64_t)sleep_ms, 0) == 0);
}

enum status deadlines_new(struct deadlines **ret, const struct deadlines_options *options) {
    struct deadlines *d = calloc(1, sizeof *d);
    CHECK(d != NULL);
    d->options = *options;
    d->memory_bytes = horizon_bytes(options->limits);
    d->memory = pages_new(d->memory_bytes);
    d->load.rows = malloc(DEADLINE_LOAD_ROWS * sizeof *d->load.rows);
    d->load.owner = d;
    if (d->memory == NULL) {
        free(d->load.rows);
        free(d);
        return STATUS_NO_MEMORY;
    }
    CHECK(d->load.rows != NULL);
    CHECK(uv_timer_init(options->loop, &d->timer) == 0);
    d->timer.data = d;
    *ret = d;
    return STATUS_OK;
}

void deadlines_start(struct deadlines *d) {
    CHECK(!d->started);
    horizon_init(&d->horizon, d->memory, d->options.limits, service_time_ms(d->options.time));
    d->started = true;
    plan(d);
}

void deadlines_stop(struct deadlines *d) {
    d->stopped = true;
    CHECK(uv_timer_stop(&d->timer) == 0);
}

static void on_closed(uv_handle_t *handle) {
    struct deadlines *d = handle->data;
    d->closed = true;
    if (!d->loading) {
        free_all(d);
    }
}

void deadlines_free(struct deadlines *d) {
    if (d == NULL) {
        return;
    }
    deadlines_stop(d);
    d->closing = true;
    uv_close((uv_handle_t *)&d->timer, on_closed);
}

static void grow_queue(struct deadlines *d) {
    size_t fresh_max = d->queue_max == 0 ? QUEUE_MIN : 2 * d->queue_max;
    struct queued *fresh = malloc(fresh_max * sizeof *fresh);
    CHECK(fresh != NULL);
    for (size_t i = 0; i < d->queue_count; i++) {
        fresh[i] = d->queue[(d->queue_first + i) % d->queue_max];
    }
    free(d->queue);
    d->queue = fresh;
    d->queue_first = 0;
    d->queue_max = fresh_max;
}

void deadlines_put(struct deadlines *d, uint64_t seq, const struct deadline *deadline) {
    if (d->queue_count == d->queue_max) {
        grow_queue(d);
    }
    d->queue[(d->queue_first + d->queue_count++) % d->queue_max] = (struct queued){seq, *deadline};
}

void deadlines_durable(struct deadlines *d, uint64_t seq) {
    bool armed = false;
    while (d->queue_count > 0 && d->queue[d->queue_first].seq <= seq) {
        armed =
            horizon_arm(&d->horizon, &d->queue[d->queue_first].deadline) == HORIZON_ARMED || armed;
        d->queue_first = (d->queue_first + 1) % d->queue_max;
        d->queue_count--;
    }
    if (armed) {
        plan(d);
    }
}

void deadlines_stats(const struct deadlines *d, struct deadlines_stats *ret) {
    *ret = (struct deadlines_stats){
        .in_memory = d->started ? wheel_count(&d->horizon.wheel) : 0,
        .dropped_total = d->started ? d->horizon.dropped_total : 0,
    };
}
