/* Answers: whole ones, problem documents, streams. Everything here only fills the output queue. */
#include "server/http/http_conn.h"

#include "core/base/check.h"
#include "server/json_out.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* RFC 9110 section 5.6.7, made once a second. */
static const char *date_text(struct http_server *server) {
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != server->date_s) {
        struct tm tm;
        gmtime_r(&now.tv_sec, &tm);
        struct buffer text;
        buffer_init(&text);
        buffer_printf(&text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
                      months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
        CHECK(text.bytes < sizeof server->date);
        memcpy(server->date, text.data, text.bytes);
        server->date[text.bytes] = '\0';
        buffer_deinit(&text);
        server->date_s = now.tv_sec;
    }
    return server->date;
}

static void append_field(struct buffer *to, const char *name, const char *value) {
    buffer_append_text(to, name);
    buffer_append(to, ": ", 2);
    size_t bytes = strlen(value);
    uint8_t *at = buffer_reserve(to, bytes + 2);
    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)value[i];
        at[i] = byte < ' ' || byte == 0x7f ? ' ' : byte; /* no second line can be made */
    }
    at[bytes] = '\r';
    at[bytes + 1] = '\n';
    to->bytes += bytes + 2;
}

void http_add_header(struct http_request *request, const char *name, const char *value) {
    if (request->answer != HTTP_ANSWER_NONE || request->finished) {
        return;
    }
    request->has_cache_control =
        request->has_cache_control || strcasecmp(name, "cache-control") == 0;
    append_field(&request->fields, name, value);
}

void http_add_retry_after(struct http_request *request, uint64_t seconds) {
    char text[24];
    uint64_t from = max_u64(1, min_u64(seconds, UINT32_MAX));
    uint64_t drawn = from + http_server_random(request->server) % (from + 1);
    snprintf(text, sizeof text, "%llu", (unsigned long long)drawn);
    http_add_header(request, "Retry-After", text);
}

/* An answer before the body's end: the rest is thrown away when it is little and known to come,
 * else the connection ends with this answer. */
static void decide_about_rest(struct http_conn *conn) {
    struct http_request *request = conn->request;
    if (conn->phase != HTTP_PHASE_BODY) {
        return;
    }
    uint64_t left = http_parser_body_left(&request->parser);
    if (left > 0 && (request->must_continue || left > conn->server->options.limits->linger_bytes)) {
        conn->last = true;
    }
    http_conn_pause_changed(conn);
}

static void append_start(struct http_request *request, unsigned status) {
    struct buffer *out = &request->out;
    buffer_append_text(out, "HTTP/1.1 ");
    buffer_append_u64(out, status);
    buffer_append_text(out, " ");
    buffer_append_text(out, http_status_title(status));
    buffer_append_text(out, "\r\nDate: ");
    buffer_append_text(out, date_text(request->server));
    buffer_append_text(out, "\r\nX-Request-Id: ");
    buffer_append_text(out, request->id);
    buffer_append_text(out, "\r\nX-Content-Type-Options: nosniff\r\n");
    if (!request->has_cache_control) {
        buffer_append_text(out, "Cache-Control: no-store\r\n");
    }
    buffer_append_slice(out, buffer_slice(&request->fields));
}

static void append_connection(struct http_request *request) {
    if (request->conn->last) {
        buffer_append_text(&request->out, "Connection: close\r\n");
    } else if (request->parser.head.minor == 0) {
        buffer_append_text(&request->out, "Connection: keep-alive\r\n");
    }
}

/* False when there is nobody to answer any more. */
static bool begin_answer(struct http_request *request, unsigned status, enum http_answer answer) {
    if (request->aborted || request->finished) {
        return false;
    }
    CHECK(request->answer == HTTP_ANSWER_NONE && status >= 200 && status <= 599);
    request->answer = answer;
    request->status = status;
    request->no_content =
        request->parser.head.method_served && request->parser.head.method == HTTP_METHOD_HEAD;
    decide_about_rest(request->conn);
    return true;
}

void http_respond(struct http_request *request, unsigned status, const char *content_type,
                  struct slice body) {
    if (!begin_answer(request, status, HTTP_ANSWER_COMPLETE)) {
        return;
    }
    struct buffer *out = &request->out;
    append_start(request, status);
    if (content_type != NULL) {
        append_field(out, "Content-Type", content_type);
    }
    if (status != 204 && status != 304) {
        buffer_append_text(out, "Content-Length: ");
        buffer_append_u64(out, body.bytes);
        buffer_append_text(out, "\r\n");
    }
    append_connection(request);
    buffer_append_text(out, "\r\n");
    if (!request->no_content && status != 204 && status != 304) {
        buffer_append_slice(out, body);
    }
    http_conn_schedule(request->conn);
}

void http_problem(struct http_request *request, unsigned status, const char *title,
                  const char *detail, const char *more) {
    struct buffer body;
    struct json_out json;
    buffer_init(&body);
    json_out_init(&json, &body);
    json_out_object_begin(&json);
    json_out_key(&json, "type");
    json_out_text(&json, "about:blank");
    json_out_key(&json, "title");
    json_out_text(&json, title);
    json_out_key(&json, "status");
    json_out_u64(&json, status);
    json_out_key(&json, "detail");
    json_out_text(&json, detail);
    if (more != NULL && *more != '\0') {
        buffer_append_text(&body, ",");
        buffer_append_text(&body, more);
    }
    json_out_object_end(&json);
    http_respond(request, status, "application/problem+json", buffer_slice(&body));
    buffer_deinit(&body);
}

void http_stream_begin(struct http_request *request, unsigned status, const char *content_type) {
    if (!begin_answer(request, status, HTTP_ANSWER_STREAM)) {
        return;
    }
    const char *events = "text/event-stream";
    request->event_stream = strncmp(content_type, events, strlen(events)) == 0;
    request->chunked_answer = request->parser.head.minor == 1;
    if (!request->chunked_answer) {
        request->conn->last = true;
    }
    append_start(request, status);
    append_field(&request->out, "Content-Type", content_type);
    if (request->chunked_answer) {
        buffer_append_text(&request->out, "Transfer-Encoding: chunked\r\n");
    }
    append_connection(request);
    buffer_append_text(&request->out, "\r\n");
    http_conn_schedule(request->conn);
}

static bool stream_is_open(const struct http_request *request) {
    return !request->aborted && !request->finished && request->answer == HTTP_ANSWER_STREAM;
}

size_t http_stream_write(struct http_request *request, struct slice bytes) {
    if (!stream_is_open(request) || request->no_content || bytes.bytes == 0) {
        return http_stream_queued(request);
    }
    if (request->chunked_answer) {
        buffer_printf(&request->out, "%zx\r\n", bytes.bytes);
    }
    buffer_append_slice(&request->out, bytes);
    if (request->chunked_answer) {
        buffer_append_text(&request->out, "\r\n");
    }
    size_t queued = http_conn_queued(request->conn);
    request->above_low = request->above_low || queued > request->low_bytes;
    http_conn_schedule(request->conn);
    return queued;
}

size_t http_stream_queued(const struct http_request *request) {
    return request->aborted || request->finished ? 0 : http_conn_queued(request->conn);
}

void http_stream_on_drain(struct http_request *request, size_t low_bytes,
                          void (*on_drain)(struct http_request *request)) {
    request->low_bytes = low_bytes;
    request->on_drain = on_drain;
    request->above_low = http_stream_queued(request) > low_bytes;
}

void http_stream_end(struct http_request *request) {
    if (!stream_is_open(request)) {
        return;
    }
    if (request->chunked_answer && !request->no_content) {
        buffer_append_text(&request->out, "0\r\n\r\n");
    }
    request->answer = HTTP_ANSWER_COMPLETE;
    http_conn_schedule(request->conn);
}

void http_abort(struct http_request *request) {
    if (!request->aborted && !request->finished) {
        request->aborted = true;
        request->conn->broken = true;
        http_conn_schedule(request->conn);
    }
}

void http_stream_stall_limit(struct http_request *request, uint64_t ms) {
    request->stall_ms = ms;
}
