/* A connection's output: handing the queue to the socket, and the end of a connection. */
#include "server/http/http_conn.h"

#include "core/base/check.h"

#include <stdlib.h>

size_t http_conn_queued(const struct http_conn *conn) {
    const struct http_request *request = conn->request;
    if (conn->tls != NULL) {
        return http_wire_queued(conn);
    }
    /* Until its callback came, a write counts as at least a byte: its memory is still in use. */
    size_t in_flight =
        conn->writing ? max_u64(uv_stream_get_write_queue_size((const uv_stream_t *)&conn->tcp), 1)
                      : 0;
    return request->out.bytes + in_flight;
}

static void on_written(uv_write_t *write, int status) {
    struct http_conn *conn = write->data;
    conn->writing = false;
    if (conn->phase == HTTP_PHASE_CLOSED) {
        return;
    }
    if (conn->request != NULL) {
        conn->server->stats.bytes_out_total += conn->request->flight.bytes;
        buffer_reset(&conn->request->flight);
    }
    if (status < 0) {
        conn->broken = true;
    }
    http_conn_pump(conn);
}

void http_conn_flush(struct http_conn *conn) {
    struct http_request *request = conn->request;
    if (conn->tls != NULL) {
        http_wire_flush(conn);
        return;
    }
    if (conn->writing || request->out.bytes == 0) {
        return;
    }
    uv_stream_t *stream = (uv_stream_t *)&conn->tcp;
    uv_buf_t buf = uv_buf_init((char *)request->out.data, (unsigned)request->out.bytes);
    int written = uv_try_write(stream, &buf, 1);
    if (written < 0 && written != UV_EAGAIN) {
        conn->broken = true;
        return;
    }
    size_t taken = written < 0 ? 0 : (size_t)written;
    conn->server->stats.bytes_out_total += taken;
    if (taken == request->out.bytes) {
        buffer_reset(&request->out);
        return;
    }
    CHECK(request->flight.bytes == 0);
    struct buffer empty = request->flight;
    request->flight = request->out;
    request->out = empty;
    buf = uv_buf_init((char *)request->flight.data + taken,
                      (unsigned)(request->flight.bytes - taken));
    conn->io.write.data = conn;
    if (uv_write(&conn->io.write, stream, &buf, 1, on_written) != 0) {
        conn->broken = true;
        return;
    }
    conn->server->stats.bytes_out_total -= taken; /* counted whole once it is written */
    conn->writing = true;
    conn->write_since_ms = http_now_ms(conn->server);
    conn->write_left_bytes = uv_stream_get_write_queue_size(stream);
}

static void on_shut_down(uv_shutdown_t *shutdown, int status) {
    (void)shutdown;
    (void)status;
}

void http_conn_linger(struct http_conn *conn) {
    const struct limits *limits = conn->server->options.limits;
    if (conn->got_eof || limits->linger_ms == 0) {
        http_conn_close(conn, false);
        return;
    }
    http_conn_phase(conn, HTTP_PHASE_LINGER);
    if (conn->tls != NULL) {
        http_wire_farewell(conn);
    }
    if (!conn->writing) { /* else it is shut down when that is over */
        http_conn_shut_down(conn);
    }
}

void http_conn_shut_down(struct http_conn *conn) {
    if (uv_shutdown(&conn->io.shutdown, (uv_stream_t *)&conn->tcp, on_shut_down) != 0) {
        http_conn_close(conn, false);
    }
}

static void on_closed(uv_handle_t *handle) {
    struct http_conn *conn = handle->data;
    struct http_server *server = conn->server;
    http_peers_remove(&server->peers, conn->peer);
    tls_session_free(conn->tls);
    free(conn->held);
    free(conn);
    http_server_conn_closed(server);
}

void http_conn_close(struct http_conn *conn, bool reset) {
    CHECK(conn->phase != HTTP_PHASE_CLOSED && conn->request == NULL);
    if (conn->tls != NULL) {
        http_wire_shaken(conn, TLS_OUTCOME_CLOSED);
        if (!reset && !conn->broken) {
            http_wire_farewell(conn);
        }
    }
    http_conn_phase(conn, HTTP_PHASE_CLOSED);
    http_link_remove(&conn->link);
    http_link_remove(&conn->ready);
    http_conn_disown(conn);
    http_wheel_disarm(&conn->deadline);
    if (!reset || uv_tcp_close_reset(&conn->tcp, on_closed) != 0) {
        uv_close((uv_handle_t *)&conn->tcp, on_closed);
    }
}
