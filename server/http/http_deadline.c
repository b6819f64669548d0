/* When a connection has taken too long, and what happens then. */
#include "server/http/http_conn.h"

#include "core/base/check.h"

/* The body's clock stands still while it is paused from our side. */
static uint64_t body_deadline_ms(const struct http_conn *conn) {
    const struct limits *limits = conn->server->options.limits;
    bool ends = conn->last && conn->request->answer != HTTP_ANSWER_NONE;
    if (conn->paused_since_ms != 0 || ends) {
        return UINT64_MAX;
    }
    uint64_t begun_ms = conn->since_ms + conn->paused_ms;
    uint64_t earned_ms = conn->request->parser.wire_bytes * 1000 / limits->body_rate_bytes;
    return begun_ms + min_u64(limits->body_ms, limits->body_grace_ms + earned_ms);
}

static uint64_t stall_deadline_ms(const struct http_conn *conn) {
    if (!conn->writing) {
        return UINT64_MAX;
    }
    uint64_t stall_ms = conn->request == NULL ? 0 : conn->request->stall_ms;
    return conn->write_since_ms +
           (stall_ms > 0 ? stall_ms : conn->server->options.limits->write_stall_ms);
}

static uint64_t idle_ms(const struct http_conn *conn) {
    const struct limits *limits = conn->server->options.limits;
    if (conn->requests_count > 0) {
        return limits->keepalive_ms;
    }
    return conn->server->draining ? min_u64(limits->linger_ms, limits->first_byte_ms)
                                  : limits->first_byte_ms;
}

bool http_conn_is_fresh(const struct http_conn *conn) {
    return conn->requests_count == 0 && http_now_ms(conn->server) < conn->since_ms + idle_ms(conn);
}

static uint64_t phase_deadline_ms(const struct http_conn *conn) {
    const struct limits *limits = conn->server->options.limits;
    switch (conn->phase) {
    case HTTP_PHASE_HANDSHAKE:
        return conn->since_ms + limits->tls_handshake_ms;
    case HTTP_PHASE_IDLE:
        return conn->since_ms + idle_ms(conn);
    case HTTP_PHASE_HEAD:
        return conn->since_ms + limits->header_ms;
    case HTTP_PHASE_BODY:
        return body_deadline_ms(conn);
    case HTTP_PHASE_LINGER:
        return conn->since_ms + limits->linger_ms;
    case HTTP_PHASE_ANSWER:
    case HTTP_PHASE_REFUSED:
    case HTTP_PHASE_CLOSED:
        return UINT64_MAX;
    }
    return UINT64_MAX;
}

uint64_t http_conn_deadline_ms(const struct http_conn *conn) {
    return min_u64(phase_deadline_ms(conn), stall_deadline_ms(conn));
}

/* Deadlines that moved back are left where they are: when they are looked at, they are armed anew.
 */
void http_conn_arm(struct http_conn *conn) {
    uint64_t at_ms = http_conn_deadline_ms(conn);
    if (at_ms < conn->deadline.at_ms) {
        http_wheel_arm(&conn->server->wheel, &conn->deadline, at_ms);
    }
}

/* True when the peer took something since it was last looked at. */
static bool write_went_on(struct http_conn *conn) {
    size_t left = uv_stream_get_write_queue_size((const uv_stream_t *)&conn->tcp);
    if (left >= conn->write_left_bytes) {
        return false;
    }
    conn->write_left_bytes = left;
    conn->write_since_ms = http_now_ms(conn->server);
    return true;
}

static void expire_phase(struct http_conn *conn) {
    switch (conn->phase) {
    case HTTP_PHASE_HANDSHAKE:
        http_wire_shaken(conn, TLS_OUTCOME_TIMEOUT);
        http_conn_close(conn, true);
        return;
    case HTTP_PHASE_IDLE:
        if (conn->requests_count == 0) {
            http_reject(conn->server, "first_byte_timeout");
        }
        http_conn_close(conn, false);
        return;
    case HTTP_PHASE_HEAD:
        if (http_parser_is_blank(&conn->request->parser)) {
            http_conn_cut(conn, false);
            return;
        }
        http_conn_refuse(conn, HTTP_REFUSAL_HEADER_TIMEOUT);
        break;
    case HTTP_PHASE_BODY:
        if (conn->request->answer != HTTP_ANSWER_NONE) {
            http_conn_cut(conn, true);
            return;
        }
        http_conn_refuse_body(conn, HTTP_REFUSAL_BODY_TIMEOUT);
        break;
    case HTTP_PHASE_LINGER:
        http_conn_close(conn, false);
        return;
    case HTTP_PHASE_ANSWER:
    case HTTP_PHASE_REFUSED:
    case HTTP_PHASE_CLOSED:
        CHECK(false);
    }
    http_conn_pump(conn);
}

void http_conn_due(void *server, struct http_deadline *deadline) {
    (void)server;
    struct http_conn *conn = HTTP_LINK_OWNER(deadline, struct http_conn, deadline);
    uint64_t now_ms = http_now_ms(conn->server);
    if (stall_deadline_ms(conn) <= now_ms && !write_went_on(conn)) {
        http_reject(conn->server, "write_stall");
        http_conn_cut(conn, true);
        return;
    }
    if (phase_deadline_ms(conn) <= now_ms) {
        expire_phase(conn);
        return;
    }
    uint64_t at_ms = http_conn_deadline_ms(conn);
    if (at_ms != UINT64_MAX) {
        http_wheel_arm(&conn->server->wheel, &conn->deadline, at_ms);
    }
}
