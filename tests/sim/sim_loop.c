#include "tests/sim/sim_loop.h"

#include "core/base/check.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/sim_trace.h"

#include <stdlib.h>
#include <string.h>

enum {
    TIMERS_MAX = 64,
    PREPARES_MAX = 16,
    NS_PER_MS = 1000000,
    TURN_NS = 3000, /* what a call on the loop takes: whoever asks again at once moves the time */
    CLOSING = 1,    /* of uv_handle_t.flags */
};

enum event_kind { EVENT_OUTSIDE, EVENT_LOOP, EVENT_POOL, EVENT_WAKE };

struct event {
    uint64_t at_ns, tie;
    enum event_kind kind;
    void (*call)(void *context);
    void *context;
};

static struct {
    uv_loop_t loop;
    uint64_t now_ns, ties;
    int64_t wall_offset_ms; /* wall = offset + now */
    struct event *heap;
    size_t heap_count, heap_max;
    uv_timer_t *timers[TIMERS_MAX];
    size_t timers_count;
    uint64_t timer_ids;
    uv_prepare_t *prepares[PREPARES_MAX]; /* the newest last */
    size_t prepares_count;
    uv_handle_t *closing; /* through next_closing */
    uint64_t loop_ms;     /* what uv_now says */
    bool turn_open;       /* something ran on the loop since it last polled */
    uint64_t turn_end_ns;
    size_t handles, jobs;
} l;

static bool is_before(const struct event *a, const struct event *b) {
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->tie < b->tie;
}

static void swap(size_t a, size_t b) {
    struct event kept = l.heap[a];
    l.heap[a] = l.heap[b];
    l.heap[b] = kept;
}

static void push(uint64_t delay_ns, enum event_kind kind, void (*call)(void *), void *context) {
    if (l.heap_count == l.heap_max) {
        l.heap_max = l.heap_max == 0 ? 256 : 2 * l.heap_max;
        l.heap = realloc(l.heap, l.heap_max * sizeof *l.heap);
        CHECK(l.heap != NULL);
    }
    l.heap[l.heap_count] = (struct event){l.now_ns + delay_ns, l.ties++, kind, call, context};
    for (size_t at = l.heap_count++; at > 0; at = (at - 1) / 2) {
        if (!is_before(&l.heap[at], &l.heap[(at - 1) / 2])) {
            break;
        }
        swap(at, (at - 1) / 2);
    }
}

static struct event pop(void) {
    CHECK(l.heap_count > 0);
    struct event first = l.heap[0];
    l.heap[0] = l.heap[--l.heap_count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
            if (child < l.heap_count && is_before(&l.heap[child], &l.heap[least])) {
                least = child;
            }
        }
        if (least == at) {
            return first;
        }
        swap(at, least);
        at = least;
    }
}

void sim_loop_begin(int64_t wall_ms) {
    CHECK(l.handles == 0 && l.jobs == 0);
    struct event *heap = l.heap;
    size_t heap_max = l.heap_max;
    memset(&l, 0, sizeof l);
    l.heap = heap;
    l.heap_max = heap_max;
    l.wall_offset_ms = wall_ms;
}

void sim_loop_end(void) {
    while (l.heap_count > 0) {
        struct event event = pop();
        CHECK(event.kind == EVENT_OUTSIDE || event.kind == EVENT_WAKE);
        if (event.kind == EVENT_WAKE) {
            event.call(event.context); /* of a thread that has ended */
        }
    }
}

uv_loop_t *sim_loop(void) {
    return &l.loop;
}

uint64_t sim_now_ns(void) {
    return l.now_ns;
}

int64_t sim_wall_ms(void) {
    return l.wall_offset_ms + (int64_t)(l.now_ns / NS_PER_MS);
}

void sim_wall_step(int64_t ms) {
    l.wall_offset_ms += ms;
}

void sim_pause(uint64_t ns) {
    l.now_ns += ns;
}

void sim_later(uint64_t delay_ns, void (*call)(void *context), void *context) {
    push(delay_ns, EVENT_OUTSIDE, call, context);
}

/* Turns of the loop. */

static void run_closings(void) {
    while (l.closing != NULL) {
        uv_handle_t *handle = l.closing;
        l.closing = handle->next_closing;
        CHECK(l.handles > 0);
        l.handles--;
        if (handle->close_cb != NULL) {
            handle->close_cb(handle);
        }
    }
}

/* libuv runs the newest first; one may stop or close others while they run. */
static void run_prepares(void) {
    uv_prepare_t *all[PREPARES_MAX];
    size_t count = l.prepares_count;
    memcpy(all, l.prepares, count * sizeof *all);
    for (size_t i = count; i > 0; i--) {
        for (size_t j = 0; j < l.prepares_count; j++) {
            if (l.prepares[j] == all[i - 1]) {
                all[i - 1]->prepare_cb(all[i - 1]);
                break;
            }
        }
    }
}

static void end_turn(void) {
    l.turn_open = false;
    run_prepares();
    run_closings();
}

/* A turn takes what comes within a moment; then the loop is about to sleep. */
static void begin_turn(void) {
    l.now_ns += TURN_NS;
    l.loop_ms = l.now_ns / NS_PER_MS;
    if (!l.turn_open) {
        l.turn_open = true;
        l.turn_end_ns =
            l.now_ns + (sim_chance(STREAM_LOOP, 250) ? sim_below(STREAM_LOOP, 500000) : 0);
    }
}

static uv_timer_t *next_timer(void) {
    uv_timer_t *next = NULL;
    for (size_t i = 0; i < l.timers_count; i++) {
        uv_timer_t *timer = l.timers[i];
        if (next == NULL || timer->timeout < next->timeout ||
            (timer->timeout == next->timeout && timer->start_id < next->start_id)) {
            next = timer;
        }
    }
    return next;
}

static void move_to(uint64_t at_ns) {
    if (at_ns > l.now_ns) {
        l.now_ns = at_ns;
    }
}

static void run_timer(uv_timer_t *timer) {
    move_to(timer->timeout * NS_PER_MS);
    begin_turn();
    uv_timer_cb call = timer->timer_cb;
    uint64_t repeat = timer->repeat;
    CHECK(uv_timer_stop(timer) == 0);
    if (repeat > 0) {
        CHECK(uv_timer_start(timer, call, repeat, repeat) == 0);
    }
    sim_trace_u64(1);
    call(timer);
}

static void run_event(void) {
    struct event event = pop();
    move_to(event.at_ns);
    sim_trace_u64(2 + (uint64_t)event.kind);
    if (event.kind == EVENT_OUTSIDE || event.kind == EVENT_LOOP) {
        begin_turn();
    }
    event.call(event.context);
}

bool sim_step(void) {
    uv_timer_t *timer = next_timer();
    bool has_event = l.heap_count > 0;
    uint64_t timer_ns = timer != NULL ? timer->timeout * NS_PER_MS : UINT64_MAX;
    uint64_t event_ns = has_event ? l.heap[0].at_ns : UINT64_MAX;
    uint64_t next_ns = min_u64(timer_ns, event_ns);
    if (l.turn_open && next_ns > l.turn_end_ns) {
        move_to(l.turn_end_ns);
        end_turn();
        return true;
    }
    if (next_ns == UINT64_MAX) {
        return false;
    }
    sim_event();
    if (timer_ns <= event_ns) {
        run_timer(timer);
    } else {
        run_event();
    }
    sim_trace_u64(l.now_ns);
    return true;
}

/* The first event of the server's loop or pool; false: there is none. */
static bool take_server_event(struct event *ret) {
    size_t first = l.heap_count;
    for (size_t i = 0; i < l.heap_count; i++) {
        bool is_server = l.heap[i].kind == EVENT_LOOP || l.heap[i].kind == EVENT_POOL;
        if (is_server && (first == l.heap_count || is_before(&l.heap[i], &l.heap[first]))) {
            first = i;
        }
    }
    if (first == l.heap_count) {
        return false;
    }
    *ret = l.heap[first];
    l.heap[first].at_ns = 0; /* to the top, and off it */
    l.heap[first].tie = 0;
    for (size_t at = first; at > 0; at = (at - 1) / 2) {
        swap(at, (at - 1) / 2);
    }
    (void)pop();
    return true;
}

void sim_run_out(void) {
    struct event event;
    run_closings();
    while (take_server_event(&event)) {
        event.call(event.context);
        run_closings();
    }
    l.turn_open = false;
}

size_t sim_handles(void) {
    return l.handles + l.jobs;
}

void sim_wake_later(uint64_t delay_ns, void (*call)(void *context), void *context) {
    push(delay_ns, EVENT_WAKE, call, context);
}

/* libuv. */

static int init_handle(uv_handle_t *handle, uv_loop_t *loop, uv_handle_type type) {
    CHECK(loop == &l.loop);
    handle->loop = loop;
    handle->type = type;
    handle->flags = 0;
    l.handles++;
    return 0;
}

int uv_timer_init(uv_loop_t *loop, uv_timer_t *timer) {
    return init_handle((uv_handle_t *)timer, loop, UV_TIMER);
}

int uv_timer_stop(uv_timer_t *timer) {
    for (size_t i = 0; i < l.timers_count; i++) {
        if (l.timers[i] == timer) {
            l.timers[i] = l.timers[--l.timers_count];
            break;
        }
    }
    return 0;
}

int uv_timer_start(uv_timer_t *timer, uv_timer_cb call, uint64_t timeout_ms, uint64_t repeat_ms) {
    CHECK(uv_timer_stop(timer) == 0 && (timer->flags & CLOSING) == 0);
    CHECK(l.timers_count < TIMERS_MAX);
    timer->timer_cb = call;
    timer->timeout = l.loop_ms + timeout_ms;
    timer->repeat = repeat_ms;
    timer->start_id = l.timer_ids++;
    l.timers[l.timers_count++] = timer;
    return 0;
}

int uv_prepare_init(uv_loop_t *loop, uv_prepare_t *prepare) {
    return init_handle((uv_handle_t *)prepare, loop, UV_PREPARE);
}

int uv_prepare_stop(uv_prepare_t *prepare) {
    for (size_t i = 0; i < l.prepares_count; i++) {
        if (l.prepares[i] == prepare) {
            l.prepares_count--;
            memmove(&l.prepares[i], &l.prepares[i + 1],
                    (l.prepares_count - i) * sizeof *l.prepares);
            break;
        }
    }
    return 0;
}

int uv_prepare_start(uv_prepare_t *prepare, uv_prepare_cb call) {
    for (size_t i = 0; i < l.prepares_count; i++) {
        if (l.prepares[i] == prepare) {
            return 0;
        }
    }
    CHECK(l.prepares_count < PREPARES_MAX);
    prepare->prepare_cb = call;
    l.prepares[l.prepares_count++] = prepare;
    return 0;
}

int uv_async_init(uv_loop_t *loop, uv_async_t *async, uv_async_cb call) {
    async->async_cb = call;
    async->pending = 0;
    return init_handle((uv_handle_t *)async, loop, UV_ASYNC);
}

static void run_nothing(void *context) {
    (void)context;
    l.jobs--;
}

static void run_async(void *context) {
    uv_async_t *async = context;
    async->pending = 0;
    l.jobs--;
    async->async_cb(async);
}

/* A closed one is never called, and its memory may go. */
static void forget_async(const uv_async_t *async) {
    for (size_t i = 0; i < l.heap_count; i++) {
        if (l.heap[i].call == run_async && l.heap[i].context == async) {
            l.heap[i].call = run_nothing;
        }
    }
}

int uv_async_send(uv_async_t *async) {
    if (async->pending == 0) {
        async->pending = 1;
        l.jobs++;
        push(sim_between(STREAM_LOOP, 1000, 100000), EVENT_LOOP, run_async, async);
    }
    return 0;
}

static void run_after(void *context) {
    uv_work_t *work = context;
    l.jobs--;
    if (work->after_work_cb != NULL) {
        work->after_work_cb(work, 0);
    }
}

static void run_work(void *context) {
    uv_work_t *work = context;
    work->work_cb(work);
    push(sim_between(STREAM_LOOP, 1000, 100000), EVENT_LOOP, run_after, work);
}

int uv_queue_work(uv_loop_t *loop, uv_work_t *work, uv_work_cb call, uv_after_work_cb after) {
    work->loop = loop;
    work->work_cb = call;
    work->after_work_cb = after;
    l.jobs++;
    uint64_t most_ns = sim_chance(STREAM_LOOP, 100) ? 50 * NS_PER_MS : NS_PER_MS / 2;
    push(sim_between(STREAM_LOOP, 1000, most_ns), EVENT_POOL, run_work, work);
    return 0;
}

void uv_close(uv_handle_t *handle, uv_close_cb call) {
    CHECK((handle->flags & CLOSING) == 0);
    if (handle->type == UV_TIMER) {
        CHECK(uv_timer_stop((uv_timer_t *)handle) == 0);
    } else if (handle->type == UV_PREPARE) {
        CHECK(uv_prepare_stop((uv_prepare_t *)handle) == 0);
    } else if (handle->type == UV_ASYNC) {
        forget_async((uv_async_t *)handle);
    }
    handle->flags |= CLOSING;
    handle->close_cb = call;
    handle->next_closing = l.closing;
    l.closing = handle;
}

int uv_is_closing(const uv_handle_t *handle) {
    return (handle->flags & CLOSING) != 0;
}

void uv_unref(uv_handle_t *handle) {
    (void)handle;
}

uint64_t uv_now(const uv_loop_t *loop) {
    (void)loop;
    return l.loop_ms;
}

uint64_t uv_hrtime(void) {
    return l.now_ns;
}

int uv_gettimeofday(uv_timeval64_t *ret) {
    int64_t ms = sim_wall_ms();
    ret->tv_sec = ms / 1000;
    ret->tv_usec = (int32_t)(ms % 1000 * 1000);
    return 0;
}
