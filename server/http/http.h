/* HTTP/1.1 for the API: what a handler sees. Connections, parsing, limits and time-outs are behind
 * it (http_conn.c); only http_* files know llhttp.
 *
 * One request of a connection is in service at a time; pipelined ones wait unread and are answered
 * in order. A handler gets, in this order and all on the loop thread:
 *
 *     on_headers once -> on_body any number of times -> on_body_end once -> (it answers) -> on_done
 * once
 *
 * It may answer at any point from on_headers on (an early answer stops the body: the rest is
 * drained or the connection closed). on_done always comes exactly once, also when the client went
 * away (http_aborted says so); afterwards the request's memory is gone. Handlers that work
 * elsewhere (thread pool, commit) keep the pointer until on_done and must cope with http_aborted:
 * they may still call http_respond, which then does nothing. Nothing below blocks. */
#ifndef SERVER_HTTP_HTTP_H
#define SERVER_HTTP_HTTP_H

#include "core/base/status.h"
#include "core/limits.h"
#include "server/buffer.h"
#include "server/tls/tls_session.h"

#include <uv.h>

enum http_method {
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_OPTIONS
};

struct http_request; /* opaque */

enum http_body {
    HTTP_BODY_NONE,   /* a body is refused with 400 */
    HTTP_BODY_STREAM, /* decoded bytes (gzip, zstd undone) go to on_body as they come */
};

/* A row of the route table. Literal segments or {name}; the path is percent-decoded once, per
 * segment. */
struct http_route {
    enum http_method method; /* GET serves HEAD too */
    const char *pattern;     /* "/v1/reports/{seq}" */
    const char *name;        /* label of metrics and logs: "report_get" */
    const char *query; /* allowed parameters, space separated; others (and repeated ones): 400 */
    enum http_body body;
    void (*on_headers)(struct http_request *request);
    void (*on_body)(struct http_request *request, struct slice bytes); /* NULL: body ignored */
    void (*on_body_end)(struct http_request *request);                 /* NULL: none */
    void (*on_done)(struct http_request *request);                     /* NULL: none */
};

struct http_server; /* opaque: listener, connections, time-outs */

struct http_options {
    uv_loop_t *loop;
    const struct limits *limits; /* may change on reload; read at use */
    uint64_t connections_most;   /* bounds limits->connections; 0: nothing else bounds it */
    const struct http_route *routes;
    size_t routes_count;
    void *context; /* http_context of every request */
    /* Asked once a request's route is known and before its handler sees it: who is it, and may it?
     * False: it answered by itself. May be NULL. What it leaves by http_set_guard is given to
     * on_guard_done, when that is set, as soon as the request is over. */
    bool (*on_route)(void *context, struct http_request *request);
    void (*on_guard_done)(void *guard);
    /* on_route says by http_claim whose a connection is: until then it is a stranger's, of which
     * there may be limits->strangers and limits->strangers_per_address. False: nobody is one. */
    bool knows_owners;
    /* Called when a response went out or a request was cut; for metrics and the access log. May be
     * NULL. Only for requests that a handler saw: http_route_of is never NULL. */
    void (*on_finished)(void *context, const struct http_request *request);
    /* Called for requests and connections refused before a handler saw them; `reason` is a static
     * snake_case word. May be NULL. */
    void (*on_rejected)(void *context, const char *reason);
    /* Every connection is TLS with this, which may be replaced (tls_context_replace) while the
     * server runs. NULL: plain HTTP. */
    const struct tls_context *tls;
    /* Once for each TLS connection. `fault` is OpenSSL's word for what went wrong, static, or "".
     * May be NULL. */
    void (*on_handshake)(void *context, enum tls_outcome outcome, uint64_t took_ms,
                         const char *fault);
};

/* Makes the process ignore SIGPIPE. */
MUST_USE enum status http_server_new(struct http_server **ret, const struct http_options *options);
/* HOST:PORT, [V6]:PORT; port 0 picks one. `ret_host_port` gets what is really listened on. */
MUST_USE enum status http_server_listen(struct http_server *server, const char *host_port,
                                        char *ret_host_port, size_t ret_bytes, struct error *error);
/* Listens on what already does: a socket of a service manager, or a unix one. It is the server's
 * from here on, also when this fails. */
MUST_USE enum status http_server_listen_fd(struct http_server *server, int fd, struct error *error);
/* Stops accepting; idle connections close, busy ones finish with Connection: close, and one that
 * was just accepted may still send its request for linger_ms. `on_drained` once none is left, or
 * after limits->drain_ms (the rest is cut). */
void http_server_drain(struct http_server *server, void (*on_drained)(void *context),
                       void *context);
/* Closes every handle at once; free after the loop has run its close callbacks. */
void http_server_close(struct http_server *server);
void http_server_free(struct http_server *server);
/* While paused no connection's body is read (back-pressure); requests in service stay. */
void http_server_pause_bodies(struct http_server *server, bool pause);

struct http_server_stats {
    uint64_t strangers; /* of the connections */
    uint64_t connections, connections_total, requests_total, rejected_total;
    uint64_t bytes_in_total, bytes_out_total;
    uint64_t body_memory_bytes; /* counted by http_body_memory */
};
void http_server_stats(const struct http_server *server, struct http_server_stats *ret);

struct http_census {
    uint64_t idle, active, streams; /* event streams are not active */
};
/* Walks the open connections. */
void http_server_census(const struct http_server *server, struct http_census *ret);

/* What was asked. Slices are good until on_done. */
void *http_context(const struct http_request *request);
const struct http_route *http_route_of(const struct http_request *request);
enum http_method http_method_of(const struct http_request *request);
/* The path as sent, neither decoded nor with its query. */
struct slice http_path(const struct http_request *request);
/* Value of a {name} of the pattern, decoded. */
struct slice http_param(const struct http_request *request, const char *name);
/* False when absent; `ret` is decoded ("+" stays a plus sign in values only when sent as %2B; it
 * means a space). */
bool http_query(const struct http_request *request, const char *name, struct slice *ret);
/* First header of that name (case-insensitive), white space around the value removed. */
bool http_header(const struct http_request *request, const char *name, struct slice *ret);
/* Media type of Content-Type, lower-cased, without parameters; empty when absent. */
struct slice http_content_type(const struct http_request *request);
/* Best of `offers` (NULL-terminated list of media types, first is default) by the Accept header;
 * NULL: none acceptable. */
const char *http_accept(const struct http_request *request, const char *const *offers);
/* Loop time of the first byte of the request, uv_now. */
uint64_t http_started_ms(const struct http_request *request);
/* 16 hex digits, sent as X-Request-Id (a caller's own X-Request-Id of [A-Za-z0-9._-]{1,64} is
 * kept). */
const char *http_request_id(const struct http_request *request);
unsigned http_status_sent(const struct http_request *request);
/* The client went away before the answer was complete. */
bool http_aborted(const struct http_request *request);

/* The connection is `owner`'s from now on (a keyed hash of who that is), no stranger's. False: the
 * owner has limits->connections_per_principal already; this one closes with its answer. */
MUST_USE bool http_claim(struct http_request *request, uint64_t owner);
/* 16 bytes: IPv4 as IPv4-mapped IPv6; of IPv6 the network (64 bits), then zeros. */
struct slice http_peer_address(const struct http_request *request);
/* The token id that the client's certificate names and when the certificate ends, seconds since
 * 1970; "" when the listener asks for none. */
const char *http_certificate_name(const struct http_request *request, int64_t *ret_expires_s);

/* Handler's own state, one pointer; free it in on_done. */
void http_set_state(struct http_request *request, void *state);
void *http_state(const struct http_request *request);
/* What on_route found out about who asks; NULL until then. */
void http_set_guard(struct http_request *request, void *guard);
void *http_guard(const struct http_request *request);

/* Stops and resumes the body of this request (a look-up is under way). Bytes already handed over
 * stay handed over. */
void http_body_pause(struct http_request *request);
void http_body_resume(struct http_request *request);
/* Raises or lowers the server-wide count of bytes held for bodies. False: past body_memory_bytes,
 * answer 503. */
bool http_body_memory(struct http_request *request, int64_t bytes);
/* Lowers this request's limit on decoded bytes (413 beyond), e.g. for a single report. Call in
 * on_headers. */
void http_body_limit(struct http_request *request, uint64_t decoded_bytes);
/* When the framework itself must refuse a body that is being taken in (413, 400 bad gzip, 408),
 * this is asked first, so that the handler can add members to the problem document (e.g. counts of
 * what is on disk) and delay it: returning true means the handler will answer by http_problem
 * itself with exactly this status, title and detail (static strings). */
void http_on_body_refused(struct http_request *request,
                          bool (*ask)(struct http_request *request, unsigned status,
                                      const char *title, const char *detail));

/* Answers. Header fields go before the body; names and values are copied. */
void http_add_header(struct http_request *request, const char *name, const char *value);
/* Retry-After, for 429 and 503: a number of seconds drawn from `seconds` to twice as many, so that
 * who was refused together does not come back together. */
void http_add_retry_after(struct http_request *request, uint64_t seconds);
/* Whole answer at once; the body is copied. Content-Length, Content-Type, Cache-Control: no-store,
 * X-Content-Type-Options and X-Request-Id are added. HEAD sends no body. */
void http_respond(struct http_request *request, unsigned status, const char *content_type,
                  struct slice body);
/* RFC 9457 problem document. `more` is NULL or JSON members to add, without braces (e.g.
 * "\"counts\":{...}"). 401/429/503 callers add Retry-After and the like themselves before. */
void http_problem(struct http_request *request, unsigned status, const char *title,
                  const char *detail, const char *more);

/* Answer in pieces (feeds, exports): chunked for 1.1, close-delimited for 1.0. */
void http_stream_begin(struct http_request *request, unsigned status, const char *content_type);
/* Copies into the output queue; returns the bytes queued and not yet taken by the socket. */
size_t http_stream_write(struct http_request *request, struct slice bytes);
size_t http_stream_queued(const struct http_request *request);
/* Called whenever the queue has fallen to `low_bytes` or less after being above it. */
void http_stream_on_drain(struct http_request *request, size_t low_bytes,
                          void (*on_drain)(struct http_request *request));
/* Last piece was written: finish the answer. */
void http_stream_end(struct http_request *request);
/* Cuts the connection now (a stream that went wrong must not look complete). */
void http_abort(struct http_request *request);
/* A stream is not bound by write_stall_ms but by `ms` (feeds: feed_stall_ms). */
void http_stream_stall_limit(struct http_request *request, uint64_t ms);

#endif
