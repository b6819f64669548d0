#include "tests/unit/stage_request.h"

void stage_request_init(struct http_request *request, struct services *services) {
    *request = (struct http_request){.services = services, .content_type = "application/json"};
    buffer_init(&request->body);
}

void stage_request_deinit(struct http_request *request) {
    assert_null(request->state);
    assert_int_equal(request->body_memory, 0);
    buffer_deinit(&request->body);
}

void *http_context(const struct http_request *request) {
    return request->services;
}

void http_set_state(struct http_request *request, void *state) {
    request->state = state;
}

void *http_state(const struct http_request *request) {
    return request->state;
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

struct slice http_content_type(const struct http_request *request) {
    return slice_text(request->content_type);
}

void http_body_limit(struct http_request *request, uint64_t decoded_bytes) {
    request->body_bytes_max = decoded_bytes;
}

bool http_body_memory(struct http_request *request, int64_t bytes) {
    request->body_memory += bytes;
    return !request->memory_is_full;
}

void http_add_header(struct http_request *request, const char *name, const char *value) {
    assert_string_equal(name, "Retry-After");
    snprintf(request->retry_after, sizeof request->retry_after, "%s", value);
}

void http_add_retry_after(struct http_request *request, uint64_t seconds) {
    snprintf(request->retry_after, sizeof request->retry_after, "%llu",
             (unsigned long long)seconds);
}

static void answer(struct http_request *request, unsigned status) {
    assert_int_equal(request->status, 0); /* once */
    request->status = status;
    if (request->on_answer != NULL) {
        request->on_answer(request);
    }
}

void http_respond(struct http_request *request, unsigned status, const char *content_type,
                  struct slice body) {
    assert_string_equal(content_type, "application/json");
    buffer_append_slice(&request->body, body);
    buffer_append(&request->body, "", 1);
    answer(request, status);
}

void http_problem(struct http_request *request, unsigned status, const char *title,
                  const char *detail, const char *more) {
    assert_non_null(title);
    snprintf(request->detail, sizeof request->detail, "%s", detail);
    snprintf(request->more, sizeof request->more, "%s", more == NULL ? "" : more);
    answer(request, status);
}
