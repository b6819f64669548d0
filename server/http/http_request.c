/* Requests: their memory, and what handlers ask about them. */
#include "server/http/http_conn.h"

#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPARE_REQUESTS_MAX = 256, BUFFER_KEPT_BYTES = 16384 };

static void request_reset(struct http_request *request) {
    struct http_request kept = *request;
    memset(&request->target, 0, sizeof *request - offsetof(struct http_request, target));
    request->decoded = kept.decoded;
    request->fields = kept.fields;
    request->out = kept.out;
    request->flight = kept.flight;
    struct buffer *buffers[] = {&request->decoded, &request->fields, &request->out,
                                &request->flight};
    for (size_t i = 0; i < ARRAY_COUNT(buffers); i++) {
        buffer_reset(buffers[i]);
        if (buffers[i]->room > BUFFER_KEPT_BYTES) {
            buffer_deinit(buffers[i]);
        }
    }
    http_parser_reset(&request->parser);
}

struct http_request *http_request_new(struct http_conn *conn) {
    struct http_server *server = conn->server;
    struct http_request *request = server->spare;
    if (request != NULL) {
        server->spare = request->next;
        server->spare_count--;
    } else {
        request = calloc(1, sizeof *request);
        CHECK(request != NULL);
        http_parser_init(&request->parser, server->options.limits);
    }
    request->server = server;
    request->conn = conn;
    request->next = NULL;
    request->started_ms = http_now_ms(server);
    return request;
}

static void destroy(struct http_request *request) {
    http_parser_deinit(&request->parser);
    buffer_deinit(&request->decoded);
    buffer_deinit(&request->fields);
    buffer_deinit(&request->out);
    buffer_deinit(&request->flight);
    free(request);
}

void http_request_free(struct http_request *request) {
    struct http_server *server = request->server;
    CHECK(request->finished || request->route == NULL);
    if (request->guard != NULL && server->options.on_guard_done != NULL) {
        server->options.on_guard_done(request->guard);
    }
    server->stats.body_memory_bytes -= request->body_memory + request->decoder_memory;
    if (request->decoder != NULL) {
        http_decoder_free(&server->decoders, request->decoder);
    }
    request_reset(request);
    request->conn = NULL;
    if (server->spare_count >= SPARE_REQUESTS_MAX) {
        destroy(request);
        return;
    }
    request->next = server->spare;
    server->spare = request;
    server->spare_count++;
}

void http_server_free_spare(struct http_server *server) {
    while (server->spare != NULL) {
        struct http_request *request = server->spare;
        server->spare = request->next;
        destroy(request);
    }
    server->spare_count = 0;
}

static bool id_is_usable(struct slice id) {
    if (id.bytes == 0 || id.bytes > HTTP_REQUEST_ID_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < id.bytes; i++) {
        uint8_t byte = id.data[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        bool digit = byte >= '0' && byte <= '9';
        if (!letter && !digit && byte != '.' && byte != '_' && byte != '-') {
            return false;
        }
    }
    return true;
}

uint64_t http_server_random(struct http_server *server) {
    uint64_t mixed = server->id_state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

void http_request_choose_id(struct http_request *request) {
    const struct http_field *field = http_head_find(&request->parser.head, "x-request-id");
    if (field != NULL && id_is_usable(field->value)) {
        memcpy(request->id, field->value.data, field->value.bytes);
        request->id[field->value.bytes] = '\0';
        return;
    }
    uint64_t mixed = http_server_random(request->server); /* unique in the process */
    for (size_t i = 0; i < 16; i++) {
        request->id[i] = "0123456789abcdef"[mixed >> (60 - 4 * i) & 15];
    }
    request->id[16] = '\0';
}

const char *http_certificate_name(const struct http_request *request, int64_t *ret_expires_s) {
    *ret_expires_s = 0;
    return request->conn->tls == NULL ? "" : tls_session_name(request->conn->tls, ret_expires_s);
}

void *http_context(const struct http_request *request) {
    return request->server->options.context;
}

const struct http_route *http_route_of(const struct http_request *request) {
    return request->route;
}

enum http_method http_method_of(const struct http_request *request) {
    return request->parser.head.method;
}

struct slice http_path(const struct http_request *request) {
    return request->target.path;
}

struct slice http_param(const struct http_request *request, const char *name) {
    struct slice value = {NULL, 0};
    bool found =
        http_routes_param(&request->server->routes, request->route, &request->target, name, &value);
    CHECK(found);
    return value;
}

bool http_query(const struct http_request *request, const char *name, struct slice *ret) {
    for (size_t i = 0; i < request->target.parameters_count; i++) {
        if (slice_is(request->target.parameters[i].name, name)) {
            *ret = request->target.parameters[i].value;
            return true;
        }
    }
    return false;
}

bool http_header(const struct http_request *request, const char *name, struct slice *ret) {
    const struct http_field *field = http_head_find(&request->parser.head, name);
    if (field == NULL) {
        return false;
    }
    *ret = field->value;
    return true;
}

struct slice http_content_type(const struct http_request *request) {
    struct slice value;
    if (!http_header(request, "content-type", &value)) {
        return (struct slice){NULL, 0};
    }
    const uint8_t *end = value.bytes == 0 ? NULL : memchr(value.data, ';', value.bytes);
    size_t bytes = end == NULL ? value.bytes : (size_t)(end - value.data);
    while (bytes > 0 && (value.data[bytes - 1] == ' ' || value.data[bytes - 1] == '\t')) {
        bytes--;
    }
    /* No type that anyone knows is longer; given as it came it will fit none. */
    if (bytes > sizeof request->media_type) {
        return (struct slice){value.data, bytes};
    }
    char *to = ((struct http_request *)(uintptr_t)request)->media_type;
    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = value.data[i];
        to[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
    }
    return (struct slice){(const uint8_t *)to, bytes};
}

const char *http_accept(const struct http_request *request, const char *const *offers) {
    const char *best = NULL;
    unsigned best_quality = 0;
    for (size_t i = 0; offers[i] != NULL; i++) {
        unsigned quality = http_head_accept(&request->parser.head, slice_text(offers[i]));
        if (quality > best_quality) {
            best = offers[i];
            best_quality = quality;
        }
    }
    return best;
}

uint64_t http_started_ms(const struct http_request *request) {
    return request->started_ms;
}

const char *http_request_id(const struct http_request *request) {
    return request->id;
}

unsigned http_status_sent(const struct http_request *request) {
    return request->status;
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

void http_set_guard(struct http_request *request, void *guard) {
    CHECK(request->guard == NULL);
    request->guard = guard;
}

void *http_guard(const struct http_request *request) {
    return request->guard;
}

void http_body_pause(struct http_request *request) {
    request->body_paused = true;
    http_conn_pause_changed(request->conn);
}

void http_body_resume(struct http_request *request) {
    request->body_paused = false;
    http_conn_pause_changed(request->conn);
    http_conn_schedule(request->conn);
}

bool http_body_memory(struct http_request *request, int64_t bytes) {
    struct http_server *server = request->server;
    uint64_t magnitude = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
    if (bytes < 0) {
        CHECK(request->body_memory >= magnitude);
        request->body_memory -= magnitude;
        server->stats.body_memory_bytes -= magnitude;
    } else {
        request->body_memory += magnitude;
        server->stats.body_memory_bytes += magnitude;
    }
    return server->stats.body_memory_bytes <= server->options.limits->body_memory_bytes;
}

void http_body_limit(struct http_request *request, uint64_t decoded_bytes) {
    request->decoded_limit_bytes = min_u64(request->decoded_limit_bytes, decoded_bytes);
}

void http_on_body_refused(struct http_request *request,
                          bool (*ask)(struct http_request *request, unsigned status,
                                      const char *title, const char *detail)) {
    request->ask_refused = ask;
}
