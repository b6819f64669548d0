#include "server/api/change.h"

#include "core/base/check.h"

static void refuse(struct http_request *request, unsigned status, const char *title,
                   const char *detail) {
    if (status == 503) {
        http_add_retry_after(request, 1);
    }
    http_problem(request, status, title, detail, NULL);
}

bool change_is_refused(struct http_request *request) {
    const struct services *services = services_of(request);
    if (services->disk_low) {
        refuse(request, 507, "disk full", "the disk is nearly full: send it again later");
    } else if (services->not_ready != NULL) {
        refuse(request, 503, "not ready", services->not_ready);
    } else if (committer_pressure(services->committer) == PRESSURE_REFUSE) {
        refuse(request, 503, "overloaded", "too much is waiting for the disk: send it again");
    } else {
        return false;
    }
    return true;
}

static void release_if_over(struct change *change) {
    if (change->request != NULL || change->running || change->calling > 0) {
        return;
    }
    buffer_deinit(&change->body);
    buffer_deinit(&change->answer);
    change->release(change);
}

/* Calls back, unless nobody is there any more. */
static void call(struct change *change, void (*callback)(struct change *change)) {
    if (change->request != NULL) {
        change->calling++;
        callback(change);
        change->calling--;
    }
    release_if_over(change);
}

void change_begin(struct change *change, struct http_request *request, size_t body_bytes_max,
                  void (*take)(struct change *change), void (*release)(struct change *change)) {
    change->services = services_of(request);
    change->request = request;
    change->take = take;
    change->release = release;
    buffer_init(&change->body);
    buffer_init(&change->answer);
    http_set_state(request, change);
    http_body_limit(request, body_bytes_max);
}

void change_on_body(struct http_request *request, struct slice bytes) {
    struct change *change = http_state(request);
    if (change == NULL || change->refused) {
        return;
    }
    buffer_append_slice(&change->body, bytes);
    if (!http_body_memory(request, (int64_t)bytes.bytes)) {
        change->refused = true;
        refuse(request, 503, "overloaded", "too many bodies are held in memory: send it again");
    }
}

static void take_body(struct change *change) {
    struct slice type = http_content_type(change->request);
    if (change->body.bytes > 0 && !slice_is(type, "application/json")) {
        change_problem(change, 415, "unsupported media type", "send application/json");
    } else {
        change->take(change);
    }
}

void change_on_body_end(struct http_request *request) {
    struct change *change = http_state(request);
    if (change != NULL && !change->refused) {
        call(change, take_body);
    }
}

void change_on_done(struct http_request *request) {
    struct change *change = http_state(request);
    if (change == NULL) {
        return;
    }
    http_set_state(request, NULL);
    (void)http_body_memory(request, -(int64_t)change->body.bytes);
    change->request = NULL;
    if (change->waiting) {
        change->waiting = false;
        committer_unwait(change->services->committer, &change->waiter);
    }
    release_if_over(change);
}

static void on_pool(uv_work_t *work) {
    struct change *change = work->data;
    change->run(change);
}

static void after_pool(uv_work_t *work, int status) {
    (void)status; /* nothing here uses uv_cancel */
    struct change *change = work->data;
    change->running = false;
    call(change, change->then);
}

void change_run(struct change *change, void (*run)(struct change *change),
                void (*then)(struct change *change)) {
    CHECK(!change->running && !change->waiting && change->request != NULL);
    change->run = run;
    change->then = then;
    change->work.data = change;
    change->running = true;
    int failed = uv_queue_work(change->services->loop, &change->work, on_pool, after_pool);
    CHECK(failed == 0);
}

static void answer_not_stored(struct change *change) {
    http_problem(change->request, 503, "not stored",
                 "writing to disk failed and the outcome is unknown: send it again", NULL);
}

static void on_durable(struct commit_waiter *waiter, enum status status) {
    struct change *change =
        (struct change *)(void *)((char *)waiter - offsetof(struct change, waiter));
    change->waiting = false;
    call(change, status == STATUS_OK ? change->then : answer_not_stored);
}

void change_wait(struct change *change, uint64_t seq, void (*then)(struct change *change)) {
    struct committer *committer = change->services->committer;
    CHECK(!change->running && !change->waiting && change->request != NULL);
    if (seq <= committer_durable_seq(committer)) {
        then(change);
        return;
    }
    change->then = then;
    change->waiter = (struct commit_waiter){.seq = seq, .call = on_durable};
    change->waiting = true;
    committer_wait(committer, &change->waiter);
}

void change_answer(struct change *change, unsigned status) {
    http_respond(change->request, status, "application/json", buffer_slice(&change->answer));
}

void change_problem(struct change *change, unsigned status, const char *title, const char *detail) {
    struct buffer *object = &change->answer;
    const char *more = NULL;
    if (object->bytes > 0) {
        CHECK(object->bytes >= 2 && object->data[0] == '{');
        object->data[object->bytes - 1] = '\0';
        more = (const char *)object->data + 1;
    }
    if (status == 503) {
        http_add_retry_after(change->request, 1);
    }
    http_problem(change->request, status, title, detail, more);
}

void change_invalid(struct change *change, const char *pointer, const char *detail) {
    struct json_out out;
    buffer_reset(&change->answer);
    json_out_init(&out, &change->answer);
    json_out_object_begin(&out);
    json_out_key(&out, "errors");
    json_out_array_begin(&out);
    json_out_object_begin(&out);
    json_out_key(&out, "pointer");
    json_out_text(&out, pointer);
    json_out_key(&out, "detail");
    json_out_text(&out, detail);
    json_out_object_end(&out);
    json_out_array_end(&out);
    json_out_object_end(&out);
    change_problem(change, 422, "invalid", detail);
}
