/* From a parsed header section to a handler, or to the framework's own answer. */
#include "server/http/http_conn.h"

#include "core/base/check.h"
#include "server/json_out.h"

#include <string.h>

/* Adds what a refusal must say in its header. */
static void add_refusal_fields(struct http_request *request, enum http_refusal refusal) {
    if (refusal == HTTP_REFUSAL_CONTENT_ENCODING) {
        http_add_header(request, "Accept-Encoding", "gzip, zstd");
    } else if (refusal == HTTP_REFUSAL_CONNECT) {
        http_add_header(request, "Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS");
    } else if (refusal == HTTP_REFUSAL_BODY_MEMORY) {
        http_add_retry_after(request, 1);
    }
}

static void answer_refusal(struct http_conn *conn, enum http_refusal refusal, const char *detail) {
    struct http_request *request = conn->request;
    const struct http_refusal_row *row = http_refusal_row(refusal);
    if (request->id[0] == '\0') {
        http_request_choose_id(request);
    }
    request->route = NULL; /* no handler has seen it */
    conn->last = conn->last || row->close;
    conn->server->stats.rejected_total++;
    http_reject(conn->server, row->reason);
    add_refusal_fields(request, refusal);
    http_problem(request, row->status, http_status_title(row->status), detail, NULL);
}

void http_conn_refuse(struct http_conn *conn, enum http_refusal refusal) {
    answer_refusal(conn, refusal, http_refusal_row(refusal)->detail);
    if (conn->phase == HTTP_PHASE_HEAD) {
        http_conn_phase(conn, HTTP_PHASE_ANSWER);
    }
}

void http_conn_refuse_body(struct http_conn *conn, enum http_refusal refusal) {
    struct http_request *request = conn->request;
    if (request->answer != HTTP_ANSWER_NONE) {
        conn->last = true;
        return;
    }
    const struct http_refusal_row *row = http_refusal_row(refusal);
    conn->last = true;
    http_conn_phase(conn, HTTP_PHASE_REFUSED);
    add_refusal_fields(request, refusal);
    const char *title = http_status_title(row->status);
    bool handler_answers = request->ask_refused != NULL &&
                           request->ask_refused(request, row->status, title, row->detail);
    if (!handler_answers && request->answer == HTTP_ANSWER_NONE) {
        http_problem(request, row->status, title, row->detail, NULL);
    }
}

static void refuse_parameter(struct http_conn *conn, struct slice culprit) {
    char detail[160];
    const char *prefix = "unknown or repeated query parameter: ";
    size_t at = strlen(prefix);
    memcpy(detail, prefix, at);
    /* The name is UTF-8 without NUL; a cut inside a character is mended by the JSON writer. */
    size_t bytes = (size_t)min_u64(culprit.bytes, sizeof detail - at - 1);
    memcpy(detail + at, culprit.data, bytes);
    detail[at + bytes] = '\0';
    answer_refusal(conn, HTTP_REFUSAL_QUERY_NAME, detail);
}

static void answer_options(struct http_conn *conn, const char *allow) {
    http_add_header(conn->request, "Allow", allow);
    http_respond(conn->request, 204, NULL, (struct slice){NULL, 0});
}

/* The route for the request, or NULL when it was answered. */
static const struct http_route *find_route(struct http_conn *conn) {
    struct http_request *request = conn->request;
    const struct http_head *head = &request->parser.head;
    uint32_t allowed = 0;
    const struct http_route *route = http_routes_find(&conn->server->routes, &request->target,
                                                      head->method, head->method_served, &allowed);
    if (route != NULL) {
        return route;
    }
    char allow[HTTP_ALLOW_BYTES];
    bool options = head->method_served && head->method == HTTP_METHOD_OPTIONS;
    if (slice_is(head->target, "*")) {
        answer_options(conn, "GET, HEAD, POST, PUT, DELETE, OPTIONS");
    } else if (allowed == 0) {
        http_conn_refuse(conn, HTTP_REFUSAL_NOT_FOUND);
    } else if (options) {
        http_allow_text(allowed, allow);
        answer_options(conn, allow);
    } else {
        http_allow_text(allowed, allow);
        http_add_header(request, "Allow", allow);
        http_conn_refuse(conn, HTTP_REFUSAL_METHOD_NOT_ALLOWED);
    }
    return NULL;
}

/* Everything that is decided before a handler sees the request; NULL when it was answered. */
static const struct http_route *choose_route(struct http_conn *conn) {
    struct http_request *request = conn->request;
    const struct http_head *head = &request->parser.head;
    enum http_refusal refusal =
        http_target_parse(&request->target, head->target, &request->decoded);
    if (refusal != HTTP_REFUSAL_NONE) {
        http_conn_refuse(conn, refusal);
        return NULL;
    }
    const struct http_route *route = find_route(conn);
    if (route == NULL) {
        return NULL;
    }
    struct slice culprit;
    refusal = http_target_parse_query(&request->target, route->query, &request->decoded, &culprit);
    if (refusal == HTTP_REFUSAL_QUERY_NAME) {
        refuse_parameter(conn, culprit);
        return NULL;
    }
    if (refusal == HTTP_REFUSAL_NONE && route->body == HTTP_BODY_NONE && http_head_has_body(head)) {
        refusal = HTTP_REFUSAL_BODY_UNEXPECTED;
    }
    if (refusal == HTTP_REFUSAL_NONE && !head->coding_known && http_head_has_body(head)) {
        refusal = HTTP_REFUSAL_CONTENT_ENCODING;
    }
    if (refusal != HTTP_REFUSAL_NONE) {
        http_conn_refuse(conn, refusal);
        return NULL;
    }
    return route;
}

/* A body whose announced length is already too much is refused before any of it is taken. */
static enum http_refusal check_length(const struct http_request *request) {
    const struct http_head *head = &request->parser.head;
    uint64_t most = request->server->options.limits->body_wire_bytes;
    if (head->coding == HTTP_CODING_IDENTITY) {
        most = min_u64(most, request->decoded_limit_bytes);
    }
    return head->length_bytes > most ? HTTP_REFUSAL_BODY_TOO_LARGE : HTTP_REFUSAL_NONE;
}

void http_conn_dispatch(struct http_conn *conn) {
    struct http_request *request = conn->request;
    struct http_server *server = conn->server;
    const struct http_head *head = &request->parser.head;
    const struct limits *limits = server->options.limits;
    server->stats.requests_total++;
    conn->requests_count++;
    conn->last = !head->keep_alive || server->draining ||
                 conn->requests_count >= limits->requests_per_connection;
    http_request_choose_id(request);
    request->decoded_limit_bytes = limits->body_inflated_bytes;
    request->must_continue = head->expect_continue;
    http_conn_phase(conn, HTTP_PHASE_BODY);
    const struct http_route *route = choose_route(conn);
    if (route == NULL) {
        return;
    }
    request->route = route;
    enum http_coding coding = http_head_has_body(head) ? head->coding : HTTP_CODING_IDENTITY;
    request->decoder = http_decoder_new(&server->decoders, coding, limits);
    if (server->options.on_route == NULL ||
        server->options.on_route(server->options.context, request)) {
        route->on_headers(request);
    }
    if (request->answer == HTTP_ANSWER_NONE && !conn->broken) {
        enum http_refusal refusal = check_length(request);
        if (refusal != HTTP_REFUSAL_NONE) {
            http_conn_refuse_body(conn, refusal);
        }
    }
}
