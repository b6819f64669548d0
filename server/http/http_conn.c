/* A connection's input: from bytes to a request in service, one at a time. */
#include "server/http/http_conn.h"

#include "core/base/check.h"

#include <stdlib.h>
#include <string.h>

bool http_conn_body_paused(const struct http_conn *conn) {
    const struct http_request *request = conn->request;
    if (conn->phase != HTTP_PHASE_BODY || request->answer != HTTP_ANSWER_NONE) {
        return false;
    }
    bool has_more = conn->run.bytes > 0 || request->parser.stage == HTTP_STAGE_BODY;
    return request->body_paused || (conn->server->bodies_paused && has_more);
}

void http_conn_pause_changed(struct http_conn *conn) {
    bool paused = http_conn_body_paused(conn);
    uint64_t now_ms = http_now_ms(conn->server);
    if (paused && conn->paused_since_ms == 0) {
        conn->paused_since_ms = now_ms + 1; /* never 0 */
    } else if (!paused && conn->paused_since_ms != 0) {
        conn->paused_ms += now_ms + 1 - conn->paused_since_ms;
        conn->paused_since_ms = 0;
    }
}

void http_conn_phase(struct http_conn *conn, enum http_phase phase) {
    http_link_remove(&conn->body);
    conn->phase = phase;
    conn->since_ms = http_now_ms(conn->server);
    if (phase == HTTP_PHASE_BODY) {
        http_link_append(&conn->server->bodies, &conn->body);
        conn->paused_since_ms = conn->paused_ms = 0;
        http_conn_pause_changed(conn);
    }
}

/* libuv would go on reading from a fast sender for up to 32 buffers before it looks at the others:
 * each reads once in a round, and bodies only until the turn has gone on for long enough, so that
 * what needs an answer at once (a refusal, too) waits for no one's upload. */
static bool may_read(struct http_conn *conn) {
    struct http_server *server = conn->server;
    if (conn->read_round == server->round) {
        return false;
    }
    uint64_t now_ns = uv_hrtime();
    if (server->turn_began_ns == 0) {
        server->turn_began_ns = now_ns;
    }
    if (conn->phase == HTTP_PHASE_BODY &&
        now_ns - server->turn_began_ns > HTTP_TURN_BODIES_MS * UINT64_C(1000000)) {
        server->passed_over = true;
        return false;
    }
    conn->read_round = server->round;
    return true;
}

/* Without room libuv comes back in the next turn (on_read, UV_ENOBUFS). */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret) {
    (void)suggested;
    struct http_conn *conn = handle->data;
    if (!may_read(conn)) {
        *ret = uv_buf_init(NULL, 0);
        return;
    }
    size_t bytes = conn->phase == HTTP_PHASE_BODY ? HTTP_READ_BODY_BYTES : HTTP_READ_HEAD_BYTES;
    uint8_t *to = conn->tls == NULL ? conn->server->read_buffer : conn->server->wire_buffer;
    *ret = uv_buf_init((char *)to, (unsigned)bytes);
}

static void drop_held(struct http_conn *conn) {
    if (conn->in_is_held) {
        free(conn->held);
        conn->held = NULL;
        conn->in_is_held = false;
    }
    conn->run = conn->in = (struct slice){NULL, 0};
}

/* What was not taken of the shared read buffer is kept until it can be. */
static void hold_input(struct http_conn *conn) {
    size_t bytes = conn->run.bytes + conn->in.bytes;
    if (conn->in_is_held || bytes == 0) {
        return;
    }
    const uint8_t *from = conn->run.bytes > 0 ? conn->run.data : conn->in.data;
    conn->held = malloc(bytes);
    CHECK(conn->held != NULL);
    memcpy(conn->held, from, bytes);
    conn->in_is_held = true;
    conn->run.data = conn->held;
    conn->in.data = conn->held + conn->run.bytes;
}

static void on_eof(struct http_conn *conn) {
    conn->got_eof = true;
    switch (conn->phase) {
    case HTTP_PHASE_HANDSHAKE:
    case HTTP_PHASE_IDLE:
    case HTTP_PHASE_HEAD:
    case HTTP_PHASE_LINGER:
        http_conn_cut(conn, false);
        return;
    case HTTP_PHASE_BODY:
        /* What was asked for never came whole. An answer under way still goes out. */
        if (conn->request->answer == HTTP_ANSWER_NONE) {
            http_conn_cut(conn, false);
            return;
        }
        conn->last = true;
        break;
    case HTTP_PHASE_ANSWER:
    case HTTP_PHASE_REFUSED:
        if (conn->request->event_stream) {
            http_conn_cut(conn, false);
            return;
        }
        conn->last = conn->last || conn->in.bytes == 0;
        break;
    case HTTP_PHASE_CLOSED:
        break;
    }
    http_conn_pump(conn);
}

/* Whoever cuts a TLS stream must not be able to pass the cut off as its end. What was not whole by
 * its own framing is thrown away by on_eof; here it is told. */
static void note_truncation(const struct http_conn *conn) {
    bool in_part = conn->phase == HTTP_PHASE_HEAD || conn->phase == HTTP_PHASE_BODY;
    if (conn->tls != NULL && in_part && !tls_session_is_closed(conn->tls)) {
        http_reject(conn->server, "tls_truncated");
    }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
    struct http_conn *conn = stream->data;
    if (count == 0 || count == UV_ENOBUFS) {
        return;
    }
    if (count < 0) {
        conn->reading = false;
        uv_read_stop(stream);
        if (count == UV_EOF) {
            note_truncation(conn);
            on_eof(conn);
        } else {
            http_conn_cut(conn, false);
        }
        return;
    }
    CHECK(conn->in.bytes == 0 && conn->run.bytes == 0);
    conn->server->stats.bytes_in_total += (uint64_t)count;
    const struct slice bytes = {(const uint8_t *)buf->base, (size_t)count};
    if (conn->tls == NULL) {
        conn->in = bytes;
    } else {
        tls_session_give(conn->tls, bytes);
    }
    http_conn_pump(conn);
}

static bool wants_input(const struct http_conn *conn) {
    if (conn->run.bytes + conn->in.bytes > 0 || conn->got_eof) {
        return false;
    }
    switch (conn->phase) {
    case HTTP_PHASE_HANDSHAKE:
    case HTTP_PHASE_IDLE:
    case HTTP_PHASE_HEAD:
    case HTTP_PHASE_LINGER:
        return true;
    case HTTP_PHASE_BODY:
        return !http_conn_body_paused(conn) &&
               !(conn->last && conn->request->answer != HTTP_ANSWER_NONE);
    case HTTP_PHASE_ANSWER:
        /* Reads on so as to notice a client that left; the first pipelined bytes end that. */
        return true;
    case HTTP_PHASE_REFUSED:
    case HTTP_PHASE_CLOSED:
        return false;
    }
    return false;
}

static void update_reading(struct http_conn *conn) {
    bool wanted = wants_input(conn) && (conn->tls == NULL || !tls_session_has_input(conn->tls));
    if (wanted && !conn->reading) {
        if (uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read) != 0) {
            conn->broken = true;
        }
    } else if (!wanted && conn->reading) {
        uv_read_stop((uv_stream_t *)&conn->tcp);
    }
    conn->reading = wanted;
}

static void send_continue(struct http_conn *conn) {
    conn->request->must_continue = false;
    buffer_append_text(&conn->request->out, "HTTP/1.1 100 Continue\r\n\r\n");
    http_conn_flush(conn);
}

/* Undoes the encoding of what is left of the run and hands one piece to the handler. */
static void take_piece(struct http_conn *conn) {
    struct http_request *request = conn->request;
    struct http_server *server = conn->server;
    struct slice piece = {NULL, 0};
    enum http_refusal refusal =
        http_decoder_next(request->decoder, &conn->run, request->decoded_limit_bytes, &piece);
    uint64_t memory = http_decoder_memory(request->decoder);
    server->stats.body_memory_bytes += memory - request->decoder_memory;
    request->decoder_memory = memory;
    if (refusal == HTTP_REFUSAL_NONE && memory > 0 &&
        server->stats.body_memory_bytes > server->options.limits->body_memory_bytes) {
        refusal = HTTP_REFUSAL_BODY_MEMORY;
    }
    if (refusal != HTTP_REFUSAL_NONE) {
        http_conn_refuse_body(conn, refusal);
    } else if (piece.bytes > 0 && request->route->on_body != NULL) {
        request->route->on_body(request, piece);
    }
}

static void end_body(struct http_conn *conn) {
    struct http_request *request = conn->request;
    CHECK(request != NULL);
    if (request->answer == HTTP_ANSWER_NONE && request->decoder != NULL) {
        enum http_refusal refusal = http_decoder_end(request->decoder);
        if (refusal != HTTP_REFUSAL_NONE) {
            http_conn_refuse_body(conn, refusal);
            return;
        }
    }
    http_conn_phase(conn, HTTP_PHASE_ANSWER);
    if (request->answer == HTTP_ANSWER_NONE && request->route->on_body_end != NULL) {
        request->route->on_body_end(request);
    }
}

/* One step of a body; true when another may follow. */
static bool take_body(struct http_conn *conn) {
    struct http_request *request = conn->request;
    CHECK(request != NULL);
    bool thrown_away = request->answer != HTTP_ANSWER_NONE;
    if (http_conn_body_paused(conn) || (thrown_away && conn->last)) {
        return false;
    }
    if (thrown_away) {
        conn->run.bytes = 0;
    } else if (conn->run.bytes > 0 || http_decoder_has_more(request->decoder)) {
        take_piece(conn);
        return true;
    }
    if (request->must_continue && conn->in.bytes == 0 && !thrown_away) {
        send_continue(conn);
    }
    switch (http_parser_next(&request->parser, &conn->in, &conn->run)) {
    case HTTP_EVENT_MORE:
        return conn->in.bytes > 0;
    case HTTP_EVENT_DATA:
        request->must_continue = false;
        return true;
    case HTTP_EVENT_END:
        end_body(conn);
        return true;
    case HTTP_EVENT_REFUSED:
        http_conn_refuse_body(conn, request->parser.refusal);
        return true;
    case HTTP_EVENT_HEAD:
        break;
    }
    CHECK(false);
    return false;
}

static bool take_head(struct http_conn *conn) {
    CHECK(conn->request != NULL);
    struct http_parser *parser = &conn->request->parser;
    switch (http_parser_next(parser, &conn->in, &conn->run)) {
    case HTTP_EVENT_MORE:
        return false;
    case HTTP_EVENT_HEAD:
        http_conn_dispatch(conn);
        return true;
    case HTTP_EVENT_REFUSED:
        http_conn_refuse(conn, parser->refusal);
        return true;
    case HTTP_EVENT_DATA:
    case HTTP_EVENT_END:
        break;
    }
    CHECK(false);
    return false;
}

/* One step of input; true when another may follow. */
static bool take_input(struct http_conn *conn) {
    switch (conn->phase) {
    case HTTP_PHASE_IDLE:
        if (conn->in.bytes == 0) {
            if (conn->got_eof || (conn->server->draining && !http_conn_is_fresh(conn))) {
                http_conn_close(conn, false);
            }
            return false;
        }
        conn->request = http_request_new(conn);
        http_conn_phase(conn, HTTP_PHASE_HEAD);
        return true;
    case HTTP_PHASE_HEAD:
        return take_head(conn);
    case HTTP_PHASE_BODY:
        return take_body(conn);
    case HTTP_PHASE_LINGER:
        conn->linger_bytes += conn->run.bytes + conn->in.bytes;
        drop_held(conn);
        if (conn->linger_bytes > conn->server->options.limits->linger_bytes) {
            http_conn_close(conn, false);
        }
        return false;
    case HTTP_PHASE_HANDSHAKE:
    case HTTP_PHASE_ANSWER:
    case HTTP_PHASE_REFUSED:
    case HTTP_PHASE_CLOSED:
        return false;
    }
    return false;
}

/* More plaintext out of what came off the wire; true when something changed. */
static bool take_wire(struct http_conn *conn) {
    struct slice plain;
    if (conn->tls == NULL || conn->broken || !wants_input(conn)) {
        return false;
    }
    if (conn->phase == HTTP_PHASE_LINGER) {
        size_t bytes = tls_session_drop_input(conn->tls);
        conn->in = (struct slice){(const uint8_t *)"", bytes}; /* only counted */
        return bytes > 0;
    }
    if (!tls_session_can_go_on(conn->tls)) {
        return false;
    }
    switch (http_wire_read(conn, &plain)) {
    case HTTP_WIRE_NONE:
        return false;
    case HTTP_WIRE_AGAIN:
        return true;
    case HTTP_WIRE_BYTES:
        drop_held(conn);
        conn->in = plain;
        return true;
    case HTTP_WIRE_END:
        on_eof(conn);
        return true;
    }
    return false;
}

void http_conn_finish_request(struct http_conn *conn, bool aborted) {
    struct http_request *request = conn->request;
    CHECK(!request->finished);
    request->finished = true;
    request->aborted = request->aborted || aborted;
    if (request->route == NULL) {
        return;
    }
    const struct http_options *options = &conn->server->options;
    if (options->on_finished != NULL) {
        options->on_finished(options->context, request);
    }
    if (request->route->on_done != NULL) {
        request->route->on_done(request);
    }
}

static void release_request(struct http_conn *conn) {
    http_request_free(conn->request);
    conn->request = NULL;
}

/* Moves an answer on; true when something changed. */
static bool advance_answer(struct http_conn *conn) {
    struct http_request *request = conn->request;
    if (request->above_low && http_conn_queued(conn) <= request->low_bytes) {
        request->above_low = false;
        if (request->answer == HTTP_ANSWER_STREAM && request->on_drain != NULL) {
            request->on_drain(request);
            /* What it wrote goes out in the next turn: a fast reader must not hold up the rest. */
            if (http_link_alone(&conn->ready)) {
                http_link_append(&conn->server->ready, &conn->ready);
            }
            return false;
        }
    }
    if (request->answer != HTTP_ANSWER_COMPLETE || http_conn_queued(conn) > 0) {
        return false;
    }
    if (!request->finished) {
        http_conn_finish_request(conn, false);
        return true;
    }
    if (conn->last) {
        release_request(conn);
        http_conn_linger(conn);
        return true;
    }
    if (conn->phase == HTTP_PHASE_ANSWER) {
        release_request(conn);
        http_conn_phase(conn, HTTP_PHASE_IDLE);
        return true;
    }
    return false;
}

static bool step(struct http_conn *conn) {
    if (conn->phase == HTTP_PHASE_CLOSED) {
        return false;
    }
    if (conn->broken) {
        http_conn_cut(conn, true);
        return false;
    }
    if (conn->request != NULL) {
        http_conn_flush(conn);
        if (conn->broken || advance_answer(conn)) {
            return true;
        }
    }
    return take_input(conn);
}

void http_conn_pump(struct http_conn *conn) {
    if (conn->pumping || conn->phase == HTTP_PHASE_CLOSED) {
        return;
    }
    conn->pumping = true;
    do {
        while (step(conn)) {
        }
    } while (take_wire(conn));
    if (conn->tls != NULL && conn->phase != HTTP_PHASE_CLOSED) {
        http_wire_flush(conn);
    }
    if (conn->phase == HTTP_PHASE_CLOSED) {
        conn->pumping = false;
        return;
    }
    if (conn->run.bytes + conn->in.bytes == 0) {
        drop_held(conn);
    } else {
        hold_input(conn);
    }
    if (conn->tls != NULL) {
        tls_session_keep(conn->tls);
    }
    update_reading(conn);
    conn->pumping = false;
    if (conn->broken) {
        http_conn_cut(conn, true);
        return;
    }
    http_conn_arm(conn);
}

void http_conn_schedule(struct http_conn *conn) {
    if (!conn->pumping && conn->phase != HTTP_PHASE_CLOSED && http_link_alone(&conn->ready)) {
        http_link_append(&conn->server->ready, &conn->ready);
    }
}

void http_conn_cut(struct http_conn *conn, bool reset) {
    if (conn->phase == HTTP_PHASE_CLOSED) {
        return;
    }
    struct http_request *request = conn->request;
    if (request != NULL) {
        request->aborted = request->aborted || !request->finished;
        conn->broken = conn->broken || request->aborted; /* no farewell: it was no end */
        if (!request->finished) {
            http_conn_finish_request(conn, true);
        }
        release_request(conn);
    }
    drop_held(conn);
    http_conn_close(conn, reset);
}

void http_conn_end(struct http_conn *conn) {
    struct http_request *request = conn->request;
    if (request != NULL) {
        if (!request->finished) {
            http_conn_finish_request(conn, true);
        }
        release_request(conn);
    }
    drop_held(conn);
    http_conn_linger(conn);
}

void http_conn_open(struct http_conn *conn) {
    http_conn_phase(conn, conn->tls == NULL ? HTTP_PHASE_IDLE : HTTP_PHASE_HANDSHAKE);
    http_conn_pump(conn);
}
