/* The seam between a connection and TLS. Without TLS (conn->tls == NULL) nothing here is called:
 * then what a socket gives and takes is the plaintext itself. */
#include "server/http/http_conn.h"

#include "core/base/check.h"

static uint64_t pending(const struct http_conn *conn) {
    const struct http_request *request = conn->request;
    return request == NULL ? 0 : request->out.bytes - request->out_taken;
}

size_t http_wire_queued(const struct http_conn *conn) {
    return pending(conn) + tls_session_output(conn->tls).bytes;
}

static void on_written(uv_write_t *write, int status) {
    struct http_conn *conn = write->data;
    conn->writing = false;
    if (conn->phase == HTTP_PHASE_CLOSED) {
        return;
    }
    if (status < 0) {
        conn->broken = true;
    } else {
        conn->server->stats.bytes_out_total += conn->wire_bytes;
        tls_session_sent(conn->tls, conn->wire_bytes);
    }
    if (conn->phase == HTTP_PHASE_LINGER && !conn->broken) {
        http_conn_shut_down(conn);
    }
    http_conn_pump(conn);
}

/* True when all that is encrypted has gone. */
static bool send_output(struct http_conn *conn) {
    uv_stream_t *stream = (uv_stream_t *)&conn->tcp;
    struct slice output = tls_session_output(conn->tls);
    if (output.bytes == 0) {
        return true;
    }
    uv_buf_t buf = uv_buf_init((char *)output.data, (unsigned)output.bytes);
    int written = uv_try_write(stream, &buf, 1);
    if (written < 0 && written != UV_EAGAIN) {
        conn->broken = true;
        return false;
    }
    size_t taken = written < 0 ? 0 : (size_t)written;
    conn->server->stats.bytes_out_total += taken;
    tls_session_sent(conn->tls, taken);
    if (taken == output.bytes) {
        return true;
    }
    output = tls_session_output(conn->tls);
    buf = uv_buf_init((char *)output.data, (unsigned)output.bytes);
    conn->io.write.data = conn;
    if (uv_write(&conn->io.write, stream, &buf, 1, on_written) != 0) {
        conn->broken = true;
        return false;
    }
    conn->writing = true;
    conn->wire_bytes = output.bytes;
    conn->write_since_ms = http_now_ms(conn->server);
    conn->write_left_bytes = uv_stream_get_write_queue_size(stream);
    return false;
}

/* As much of the answer as the session's output takes; true when there is something to send. */
static bool encrypt(struct http_conn *conn) {
    struct http_request *request = conn->request;
    size_t taken = 0;
    if (pending(conn) == 0) {
        return false;
    }
    const struct slice left = {request->out.data + request->out_taken,
                               request->out.bytes - request->out_taken};
    if (tls_session_write(conn->tls, left, &taken) == TLS_IO_FAILED) {
        conn->broken = true;
        return false;
    }
    request->out_taken += taken;
    if (request->out_taken == request->out.bytes) {
        buffer_reset(&request->out);
        request->out_taken = 0;
    }
    return tls_session_output(conn->tls).bytes > 0;
}

void http_wire_flush(struct http_conn *conn) {
    while (!conn->writing && !conn->broken && send_output(conn) && encrypt(conn)) {
    }
}

void http_wire_shaken(struct http_conn *conn, enum tls_outcome outcome) {
    struct http_server *server = conn->server;
    if (conn->shaken) {
        return;
    }
    conn->shaken = true;
    CHECK(server->handshakes > 0);
    server->handshakes--;
    if (server->options.on_handshake != NULL) {
        server->options.on_handshake(server->options.context, outcome,
                                     http_now_ms(server) - conn->since_ms,
                                     tls_session_fault(conn->tls));
    }
    http_server_accept_more(server);
}

/* The last words, an alert or this, are to be read by the peer: it is not cut at once. */
static void end_failed(struct http_conn *conn) {
    static const char answer[] =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\n"
        "Connection: close\r\nContent-Length: 120\r\n\r\n"
        "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
        "\"detail\":\"this port speaks TLS: ask for https://, not http://\"}";
    if (conn->phase == HTTP_PHASE_HANDSHAKE) {
        enum tls_outcome outcome = tls_session_outcome(conn->tls);
        uv_buf_t buf = uv_buf_init((char *)answer, sizeof answer - 1);
        http_wire_shaken(conn, outcome);
        if (outcome == TLS_OUTCOME_PLAIN_HTTP && !conn->writing) {
            (void)uv_try_write((uv_stream_t *)&conn->tcp, &buf, 1);
        }
    } else {
        http_reject(conn->server, "tls_failed");
    }
    http_conn_end(conn);
}

enum http_wire http_wire_read(struct http_conn *conn, struct slice *ret) {
    enum tls_io io;
    size_t bytes = 0;
    if (conn->phase == HTTP_PHASE_HANDSHAKE) {
        io = tls_session_handshake(conn->tls);
    } else {
        io = tls_session_read(conn->tls, http_now_ms(conn->server), conn->server->read_buffer,
                              HTTP_READ_BODY_BYTES, &bytes);
    }
    http_wire_flush(conn);
    switch (io) {
    case TLS_IO_DONE:
        if (conn->phase == HTTP_PHASE_HANDSHAKE) {
            http_wire_shaken(conn, TLS_OUTCOME_OK);
            http_conn_phase(conn, HTTP_PHASE_IDLE);
            return HTTP_WIRE_AGAIN;
        }
        *ret = (struct slice){conn->server->read_buffer, bytes};
        return HTTP_WIRE_BYTES;
    case TLS_IO_WANT_OUTPUT:
        /* With room again it goes on; else when the write under way is over. */
        return conn->writing || conn->broken ? HTTP_WIRE_NONE : HTTP_WIRE_AGAIN;
    case TLS_IO_WANT_INPUT:
        return HTTP_WIRE_NONE;
    case TLS_IO_CLOSED:
        return HTTP_WIRE_END;
    case TLS_IO_FAILED:
        end_failed(conn);
        return HTTP_WIRE_NONE;
    }
    return HTTP_WIRE_NONE;
}

void http_wire_farewell(struct http_conn *conn) {
    tls_session_close(conn->tls);
    http_wire_flush(conn);
}
