/* What is behind http.h: the server, its connections, and the request in service on each.
 *
 * A connection is driven by http_conn_pump alone, which flushes output, finishes answers and takes
 * in input until nothing more can be done. Handlers never do I/O: what they call only changes state
 * and schedules a pump, so no handler's memory goes away under its feet. */
#ifndef SERVER_HTTP_CONN_H
#define SERVER_HTTP_CONN_H

#include "core/base/key_count.h"
#include "server/http/http.h"
#include "server/http/http_body.h"
#include "server/http/http_list.h"
#include "server/http/http_parser.h"
#include "server/http/http_path.h"
#include "server/http/http_peers.h"
#include "server/http/http_route.h"
#include "server/http/http_wheel.h"
#include "server/tls/tls_session.h"

enum {
    HTTP_READ_BODY_BYTES = 65536,
    HTTP_READ_HEAD_BYTES = 16384, /* bounds what pipelined requests can make a connection hold */
    HTTP_REQUEST_ID_BYTES_MAX = 64,
    HTTP_MEDIA_TYPE_BYTES_MAX = 128,
    HTTP_TURN_BODIES_MS = 10, /* of a turn of the loop, for reading bodies */
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
    size_t out_taken;     /* of it, encrypted already (TLS) */
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
    HTTP_PHASE_HANDSHAKE, /* of TLS */
    HTTP_PHASE_IDLE,      /* no request begun */
    HTTP_PHASE_HEAD,      /* its header section comes in */
    HTTP_PHASE_BODY,      /* accepted; its body comes in, or is thrown away once answered */
    HTTP_PHASE_ANSWER,    /* read to its end, waits for its answer to go out */
    HTTP_PHASE_REFUSED,   /* its body was refused, the handler's last word is awaited */
    HTTP_PHASE_LINGER,    /* answered and shut down; input is thrown away so that it can be read */
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
    struct tls_session *tls; /* NULL: the bytes of the socket are plaintext */
    size_t wire_bytes;       /* of its output, being written by libuv */
    enum http_phase phase;
    bool pumping, reading, writing;
    bool broken;     /* the socket failed or a handler wants the connection cut */
    bool got_eof;    /* the client sends nothing more */
    bool last;       /* close after this answer */
    bool in_is_held; /* `run` and `in` lie in `held` */
    bool shaken;     /* its TLS handshake is over and counted */
    /* Unread input: a run of body already taken off its framing, and right behind it the rest. */
    struct slice run, in;
    uint8_t *held;
    uint64_t requests_count;
    uint64_t since_ms; /* when the phase began that deadlines count from */
    uint64_t paused_since_ms, paused_ms;
    uint64_t write_since_ms;
    size_t write_left_bytes;
    uint64_t linger_bytes;
    uint64_t read_round; /* of the server's rounds, the last it read in */
    struct http_link stranger, peer_stranger;
    bool is_stranger, owned;
    uint64_t owner; /* while owned */
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
    uint8_t *wire_buffer; /* the same for what is to be decrypted; NULL without TLS */
    uint64_t handshakes;  /* under way */
    uint64_t id_state;
    int64_t date_s;
    char date[40];
    struct http_server_stats stats;
    bool listening, accept_waits, closing, draining, bodies_paused;
    /* In a round each connection reads once. It lasts several turns of the loop when some were
     * passed over because a turn had read bodies for long enough. */
    uint64_t round;
    uint64_t turn_began_ns; /* 0: nothing was read in it */
    bool passed_over;
    struct http_link strangers;
    struct key_count owners;
    uint64_t drain_until_ms;
    void (*on_drained)(void *context);
    void *drained_context;
};

/* http_server.c */
uint64_t http_now_ms(const struct http_server *server);
void http_server_conn_closed(struct http_server *server);
void http_reject(struct http_server *server, const char *reason);
/* Something ended that kept connections waiting in the backlog. */
void http_server_accept_more(struct http_server *server);

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

/* http_strangers.c */
void http_strangers_init(struct http_server *server);
void http_strangers_deinit(struct http_server *server);
/* Counts a new connection among the strangers; where there are as many as may be, the oldest that
 * says nothing is cut for it. False: there is none. */
bool http_stranger_add(struct http_conn *conn);
/* It closes: nobody's any more. */
void http_conn_disown(struct http_conn *conn);
/* Lets the peer read what was sent, then closes; a request in service is told by on_done. */
void http_conn_end(struct http_conn *conn);

/* http_wire.c: a connection with TLS */
enum http_wire {
    HTTP_WIRE_NONE,  /* nothing until an event comes, or the connection ended */
    HTTP_WIRE_AGAIN, /* something changed */
    HTTP_WIRE_BYTES, /* plaintext, in the server's read buffer */
    HTTP_WIRE_END,   /* the client said that nothing more comes */
};
/* Moves the handshake on, or takes one record. */
enum http_wire http_wire_read(struct http_conn *conn, struct slice *ret);
void http_wire_flush(struct http_conn *conn);
size_t http_wire_queued(const struct http_conn *conn);
/* The handshake is over; told once. */
void http_wire_shaken(struct http_conn *conn, enum tls_outcome outcome);
void http_wire_farewell(struct http_conn *conn);

/* http_output.c */
void http_conn_shut_down(struct http_conn *conn);
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
/* splitmix64 over a seed drawn at start: spread, and not to be guessed from outside. */
uint64_t http_server_random(struct http_server *server);
void http_server_free_spare(struct http_server *server);

#endif
