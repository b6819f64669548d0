#include "tests/unit/stage_feed.h"

#include "server/report_json.h"

struct stage_journal stage_journal;
uint64_t stage_encoded;
static uv_thread_t loop_thread;
static struct region_ref stage_regions;

void *http_context(const struct http_request *request) {
    return request->services;
}

enum http_method http_method_of(const struct http_request *request) {
    return request->method;
}

bool http_query(const struct http_request *request, const char *name, struct slice *ret) {
    for (size_t i = 0; i < ARRAY_COUNT(request->query); i++) {
        if (request->query[i][0] != NULL && strcmp(request->query[i][0], name) == 0) {
            *ret = slice_text(request->query[i][1]);
            return true;
        }
    }
    return false;
}

bool http_header(const struct http_request *request, const char *name, struct slice *ret) {
    if (strcmp(name, "Last-Event-ID") != 0 || request->last_event_id == NULL) {
        return false;
    }
    *ret = slice_text(request->last_event_id);
    return true;
}

const char *http_accept(const struct http_request *request, const char *const *offers) {
    (void)request;
    return offers[0];
}

bool http_aborted(const struct http_request *request) {
    return request->aborted;
}

void http_set_state(struct http_request *request, void *state) {
    request->state = state;
}

void *http_state(const struct http_request *request) {
    return request->state;
}

void *http_guard(const struct http_request *request) {
    (void)request;
    return NULL;
}

void http_add_header(struct http_request *request, const char *name, const char *value) {
    (void)request;
    assert_non_null(name);
    assert_non_null(value);
}

void http_add_retry_after(struct http_request *request, uint64_t seconds) {
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)seconds);
    http_add_header(request, "Retry-After", text);
}

void http_respond(struct http_request *request, unsigned status, const char *content_type,
                  struct slice body) {
    assert_int_equal(request->status, 0);
    assert_non_null(content_type);
    request->status = status;
    buffer_append_slice(&request->out, body);
}

void http_problem(struct http_request *request, unsigned status, const char *title,
                  const char *detail, const char *more) {
    (void)more;
    assert_non_null(detail);
    http_respond(request, status, "application/problem+json", slice_text(title));
}

void http_stream_begin(struct http_request *request, unsigned status, const char *content_type) {
    assert_int_equal(request->status, 0);
    assert_string_equal(content_type, "text/event-stream");
    request->status = status;
    request->stream = true;
}

size_t http_stream_queued(const struct http_request *request) {
    return request->out.bytes - request->taken;
}

size_t http_stream_write(struct http_request *request, struct slice bytes) {
    assert_true(request->stream && !request->ended && !request->aborted);
    buffer_append_slice(&request->out, bytes);
    size_t queued = http_stream_queued(request);
    request->queued_most = max_u64(request->queued_most, queued);
    request->written_most = max_u64(request->written_most, bytes.bytes);
    return queued;
}

void http_stream_on_drain(struct http_request *request, size_t low_bytes,
                          void (*on_drain)(struct http_request *request)) {
    request->low = low_bytes;
    request->on_drain = on_drain;
}

void http_stream_end(struct http_request *request) {
    assert_true(request->stream && !request->ended);
    request->ended = true;
}

void http_abort(struct http_request *request) {
    request->aborted = true;
}

void http_stream_stall_limit(struct http_request *request, uint64_t ms) {
    assert_true(request->stream && ms > 0);
}

struct region_ref *regions_current(struct regions *regions) {
    (void)regions;
    return &stage_regions;
}

struct region_ref *region_ref_acquire(struct region_ref *ref) {
    __atomic_add_fetch(&ref->references, 1, __ATOMIC_RELAXED);
    return ref;
}

void region_ref_release(struct region_ref *ref) {
    __atomic_sub_fetch(&ref->references, 1, __ATOMIC_RELAXED);
}

void report_json_write_event(struct json_out *out, const struct timeline_row *row,
                             const struct region_table *regions, const struct policy *policy) {
    (void)regions;
    assert_non_null(policy);
    uv_thread_t here = uv_thread_self();
    if (uv_thread_equal(&here, &loop_thread)) {
        stage_encoded++;
    }
    buffer_printf(out->to, "{\"seq\":%llu}", (unsigned long long)row->seq);
}

static struct entry entry_of(uint64_t seq) {
    return (struct entry){
        .kind = ENTRY_REPORT, .severity = (uint8_t)(1 + seq % 4), .region = (uint32_t)(seq % 3)};
}

enum status db_read_journal(struct db *db, uint64_t seq, timeline_row_cb callback, void *context,
                            uint64_t *ret_oldest, struct error *error) {
    (void)db;
    uint32_t now = __atomic_add_fetch(&stage_journal.readers_now, 1, __ATOMIC_SEQ_CST);
    uint32_t most = __atomic_load_n(&stage_journal.readers_most, __ATOMIC_SEQ_CST);
    while (now > most && !__atomic_compare_exchange_n(&stage_journal.readers_most, &most, now,
                                                      false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
    __atomic_add_fetch(&stage_journal.calls, 1, __ATOMIC_SEQ_CST);
    uint64_t last_seq = __atomic_load_n(&stage_journal.last_seq, __ATOMIC_SEQ_CST);
    enum status status = STATUS_OK;
    *ret_oldest = stage_journal.oldest_seq;
    if (stage_journal.broken) {
        status = error_set(error, STATUS_CORRUPT, "damaged", NULL, NULL);
    } else if (seq < stage_journal.oldest_seq) {
        status = STATUS_NOT_FOUND;
    }
    bool more = status == STATUS_OK;
    for (; more && seq <= last_seq; seq++) {
        const struct timeline_row row = {.seq = seq, .entry = entry_of(seq)};
        more = callback(context, &row);
    }
    __atomic_sub_fetch(&stage_journal.readers_now, 1, __ATOMIC_SEQ_CST);
    return status;
}

void stage_init(struct feed_stage *stage) {
    memset(stage, 0, sizeof *stage);
    stage_journal = (struct stage_journal){0};
    stage_regions = (struct region_ref){0};
    stage_encoded = 0;
    loop_thread = uv_thread_self();
    limits_init(&stage->limits);
    stage->policy_now = &stage->policy;
    assert_int_equal(uv_loop_init(&stage->loop), 0);
}

void stage_open(struct feed_stage *stage, uint64_t oldest_seq, uint64_t durable_seq) {
    stage_journal.oldest_seq = oldest_seq;
    stage_journal.last_seq = durable_seq;
    stage->last_seq = durable_seq;
    const struct feed_options options = {.loop = &stage->loop,
                                         .policy = &stage->policy_now,
                                         .limits = &stage->limits,
                                         .metrics = &stage->metrics,
                                         .epoch = "e0",
                                         .durable_seq = durable_seq};
    assert_int_equal(feed_new(&stage->feed, &options), STATUS_OK);
    stage->services.feed = stage->feed;
    /* The feed's own handles do not keep a loop alive; a server has its listener for that. */
    assert_int_equal(uv_async_init(&stage->loop, &stage->alive, NULL), 0);
}

void stage_close(struct feed_stage *stage) {
    feed_free(stage->feed);
    uv_close((uv_handle_t *)&stage->alive, NULL);
    uv_run(&stage->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&stage->loop), 0);
    assert_int_equal(stage_regions.references, 0);
}

void stage_publish(struct feed_stage *stage, uint32_t count) {
    struct entry *entries = calloc(count, sizeof *entries);
    assert_non_null(entries);
    uint8_t payload[1] = {0};
    for (uint32_t i = 0; i < count; i++) {
        entries[i] = entry_of(stage->last_seq + 1 + i);
    }
    const struct block block = {.first_seq = stage->last_seq + 1,
                                .entries_count = count,
                                .entries = entries,
                                .payload = payload};
    stage->last_seq += count;
    __atomic_store_n(&stage_journal.last_seq, stage->last_seq, __ATOMIC_SEQ_CST);
    feed_publish(stage->feed, &block);
    free(entries);
}

void stage_run(struct feed_stage *stage) {
    do {
        uv_run(&stage->loop, UV_RUN_NOWAIT);
        if (stage->loop.active_reqs.count > 0) {
            uv_run(&stage->loop, UV_RUN_ONCE);
        }
        uv_run(&stage->loop, UV_RUN_NOWAIT);
    } while (stage->loop.active_reqs.count > 0);
}

void stage_get(struct feed_stage *stage, struct http_request *request, const char *since) {
    request->services = &stage->services;
    if (since != NULL) {
        request->query[0][0] = "since";
        request->query[0][1] = since;
    }
    feed_get_on_headers(request);
}

void stage_leave(struct http_request *request) {
    request->aborted = request->aborted || !request->ended;
    feed_get_on_done(request);
    buffer_deinit(&request->out);
}

void stage_take(struct http_request *request, size_t bytes) {
    size_t before = http_stream_queued(request);
    request->taken += min_u64(bytes, before);
    if (before > request->low && http_stream_queued(request) <= request->low) {
        request->on_drain(request);
    }
}

void stage_take_all(struct feed_stage *stage, struct http_request *request) {
    stage_run(stage);
    while (http_stream_queued(request) > 0) {
        stage_take(request, http_stream_queued(request));
        stage_run(stage);
    }
}

const char *stage_text(struct http_request *request) {
    *buffer_reserve(&request->out, 1) = '\0';
    return (const char *)request->out.data;
}

static uint64_t next_expected(uint64_t seq, uint64_t to, unsigned severity) {
    while (severity != 0 && seq <= to && 1 + seq % 4 != severity) {
        seq++;
    }
    return seq;
}

void stage_expect(struct http_request *request, uint64_t from, uint64_t to, unsigned severity) {
    static const char data[] = "data: {\"seq\":";
    const char *at = stage_text(request), *end = at + request->out.bytes;
    uint64_t expected = next_expected(from, to, severity);
    /* Line by line: searching in the whole rest costs its length each time under a sanitizer. */
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        assert_non_null(line_end);
        if (line_end - at > (ptrdiff_t)sizeof data && memcmp(at, data, sizeof data - 1) == 0) {
            assert_int_equal(strtoull(at + sizeof data - 1, NULL, 10), expected);
            expected = next_expected(expected + 1, to, severity);
        }
        at = line_end + 1;
    }
    assert_int_equal(expected, to + 1);
}
