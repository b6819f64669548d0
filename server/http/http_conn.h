/* What is behind http.h: the server, its connections, and the request in service on each.
 *
 * A connection is driven by http_conn_pump alone, which flushes output, finishes answers and takes
 * in input until nothing more can be done. Handlers never do I/O: what they call only changes state
 * and schedules a pump, so no handler's memory goes away under its feet. */
#ifndef SERVER_HTTP_CONN_H
#define SERVER_HTTP_CONN_H

#include "server/http/http.h"
#include "server/http/http_body.h"
#include "server/http/http_list.h"
#include "server/http/http_parser.h"
#include "server/http/http_path.h"
#include "server/http/http_peers.h"
#include "server/http/http_route.h"
#include "server/http/http_wheel.h"

enum {
    HTTP_READ_BODY_BYTES = 65536,
    HTTP_READ_HEAD_BYTES = 16384, /* bounds what pipelined requests can make a connection hold */
    HTTP_REQUEST_ID_BYTES_MAX = 64,
    HTTP_MEDIA_TYPE_BYTES_MAX = 128,
};

enum http_answer {
    HTTP_ANSWER_NONE,
    HTTP_ANSWER_STREAM,   /* begun, more pieces may come */
    HTTP_ANSWER_COMPLETE, /* every byte is in the output queue */
};

struct http_request {
    struct http_server *server;
    struct http_conn *conn;
    struct http_request *next; /* spare */
    struct http_parser parser;
    struct http_target target;
    struct buffer decoded; /* of target */
    const struct http_route *route;
    char id[HTTP_REQUEST_ID_BYTES_MAX + 1];
    char media_type[HTTP_MEDIA_TYPE_BYTES_MAX];
    uint64_t started_ms;
    void *state;
    void *guard; /* of on_route */

    struct http_decoder *decoder; /* NULL: no body, or it is thrown away */
    uint64_t decoded_limit_bytes;
    uint64_t decoder_memory, body_memory; /* counted in the server's total */
    bool (*ask_refused)(struct http_request *request, unsigned status, const char *title,
                        const char *detail);

    enum http_answer answer;
    unsigned status;
    struct buffer fields; /* http_add_header */
    bool has_cache_control;
    struct buffer out;    /* not yet handed to the socket */
    struct buffer flight; /* being written by libuv */
    bool no_content;      /* HEAD: header only */
    bool chunked_answer;
    bool event_stream; /* has no end, so the client's FIN ends it */
    uint64_t stall_ms; /* 0: limits->write_stall_ms */
    size_t low_bytes;
    bool above_low;
    void (*on_drain)(struct http_request *request);

    bool body_paused;
    bool must_continue; /* 100 Continue is owed once the body is wanted */
    bool aborted;
    bool finished; /* on_done was called */
};

enum http_phase {
    HTTP_PHASE_IDLE,    /* no request begun */
    HTTP_PHASE_HEAD,    /* its header section comes in */
    HTTP_PHASE_BODY,    /* accepted; its body comes in, or is thrown away once answered */
    HTTP_PHASE_ANSWER,  /* read to its end, waits for its answer to go out */
    HTTP_PHASE_REFUSED, /* its body was refused, the handler's last word is awaited */
    HTTP_PHASE_LINGER,  /* answered and shut down; input is thrown away so that it can be read */
    HTTP_PHASE_CLOSED,
};

struct http_conn {
    uv_tcp_t tcp;
    union {
        uv_write_t write;
        uv_shutdown_t shutdown; /* comes only after the last write */
    } io;
    struct http_server *server;
    struct http_link link;  /* all connections */
    struct http_link ready; /* to be pumped */
    struct http_link body;  /* those in HTTP_PHASE_BODY */
    struct http_deadline deadline;
    struct http_peer *peer;
    struct http_request *request;
    enum http_phase phase;
    bool pumping, reading, writing;
    bool broken;     /* the socket failed or a handler wants the connection cut */
    bool got_eof;    /* the client sends nothing more */
    bool last;       /* close after this answer */
    bool in_is_held; /* `run` and `in` lie in `held` */
    /* Unread input: a run of body already taken off its framing, and right behind it the rest. */
    struct slice run, in;
    uint8_t *held;
    uint64_t requests_count;
    uint64_t since_ms; /* when the phase began that deadlines count from */
    uint64_t paused_since_ms, paused_ms;
    uint64_t write_since_ms;
    size_t write_left_bytes;
    uint64_t linger_bytes;
};

struct http_server {
    struct http_options options;
    struct http_routes routes;
    uv_tcp_t listener;
    uv_timer_t sweep;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle; /* active while something is ready, so that the loop does not wait */
    unsigned handles_open;
    struct http_link conns, ready, bodies;
    struct http_wheel wheel;
    struct http_peers peers;
    struct http_decoders decoders;
    struct http_request *spare;
    size_t spare_count;
    uint8_t *read_buffer; /* HTTP_READ_BODY_BYTES, shared by all connections */
    uint64_t id_state;
    int64_t date_s;
    char date[40];
    struct http_server_stats stats;
    bool listening, accept_waits, closing, draining, bodies_paused;
    uint64_t drain_until_ms;
    void (*on_drained)(void *context);
    void *drained_context;
};

/* http_server.c */
uint64_t http_now_ms(const struct http_server *server);
void http_server_conn_closed(struct http_server *server);
void http_reject(struct http_server *server, const char *reason);

/* http_conn.c */
void http_conn_open(struct http_conn *conn);
void http_conn_pump(struct http_conn *conn);
/* Pumps it soon, from the loop. */
void http_conn_schedule(struct http_conn *conn);
/* Ends everything at once; a request in service is told by on_done. */
void http_conn_cut(struct http_conn *conn, bool reset);
void http_conn_phase(struct http_conn *conn, enum http_phase phase);
/* The clock of the body stands still while it is paused from our side. */
void http_conn_pause_changed(struct http_conn *conn);
bool http_conn_body_paused(const struct http_conn *conn);
/* on_finished and on_done. */
void http_conn_finish_request(struct http_conn *conn, bool aborted);

/* http_output.c */
void http_conn_flush(struct http_conn *conn);
size_t http_conn_queued(const struct http_conn *conn);
void http_conn_linger(struct http_conn *conn);
void http_conn_close(struct http_conn *conn, bool reset);

/* http_deadline.c */
/* Accepted shortly before the drain began, and its request may be on its way. */
bool http_conn_is_fresh(const struct http_conn *conn);
uint64_t http_conn_deadline_ms(const struct http_conn *conn);
void http_conn_arm(struct http_conn *conn);
void http_conn_due(void *server, struct http_deadline *deadline);

/* http_dispatch.c */
/* The header section is there: finds the route, checks what a route decides, calls on_headers. */
void http_conn_dispatch(struct http_conn *conn);
/* Answers a refusal; only for requests that no handler has seen. */
void http_conn_refuse(struct http_conn *conn, enum http_refusal refusal);
/* The same for one whose body is being taken in. */
void http_conn_refuse_body(struct http_conn *conn, enum http_refusal refusal);

/* http_request.c */
struct http_request *http_request_new(struct http_conn *conn);
void http_request_free(struct http_request *request);
void http_request_choose_id(struct http_request *request);
void http_server_free_spare(struct http_server *server);

#endif
