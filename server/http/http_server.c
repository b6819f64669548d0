/* The listener, the turn of the loop, drain and close. */
#include "server/http/http_conn.h"

#include "core/base/check.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BACKLOG = 4096,
    /* Of an answer: what the system holds for a peer beyond what is on its way to it. Without a
     * bound a peer that takes nothing is worth megabytes of copies. */
    UNSENT_BYTES = 128 * 1024,
};

uint64_t http_now_ms(const struct http_server *server) {
    return uv_now(server->options.loop);
}

void http_reject(struct http_server *server, const char *reason) {
    if (server->options.on_rejected != NULL) {
        server->options.on_rejected(server->options.context, reason);
    }
}

static void report_drained(struct http_server *server) {
    if (server->draining && server->on_drained != NULL && server->stats.connections == 0) {
        void (*on_drained)(void *context) = server->on_drained;
        server->on_drained = NULL;
        on_drained(server->drained_context);
    }
}

static void on_idle(uv_idle_t *idle) {
    (void)idle;
}

/* Pumps what was scheduled. What is scheduled meanwhile waits for the next turn, which then does
 * not wait for the network. */
static void pump_ready(struct http_server *server) {
    struct http_link list;
    http_link_init(&list);
    http_link_move(&server->ready, &list);
    while (!http_link_alone(&list)) {
        struct http_conn *conn = HTTP_LINK_OWNER(list.next, struct http_conn, ready);
        http_link_remove(&conn->ready);
        http_conn_pump(conn);
    }
    report_drained(server);
    if (server->closing) {
        return;
    }
    if (http_link_alone(&server->ready)) {
        uv_idle_stop(&server->idle);
    } else {
        uv_idle_start(&server->idle, on_idle);
    }
}

static void on_prepare(uv_prepare_t *prepare) {
    struct http_server *server = prepare->data;
    pump_ready(server);
    server->round += server->passed_over ? 0 : 1;
    server->passed_over = false;
    server->turn_began_ns = 0;
}

static void on_check(uv_check_t *check) {
    pump_ready(check->data);
}

static void on_sweep(uv_timer_t *timer) {
    struct http_server *server = timer->data;
    http_wheel_sweep(&server->wheel, http_now_ms(server), http_conn_due, server);
    if (server->draining && http_now_ms(server) >= server->drain_until_ms) {
        while (!http_link_alone(&server->conns)) {
            http_conn_cut(HTTP_LINK_OWNER(server->conns.next, struct http_conn, link), true);
        }
    }
}

static void init_handle(struct http_server *server, uv_handle_t *handle, bool keeps_loop) {
    handle->data = server;
    server->handles_open++;
    if (!keeps_loop) {
        uv_unref(handle);
    }
}

enum status http_server_new(struct http_server **ret, const struct http_options *options) {
    struct http_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return STATUS_NO_MEMORY;
    }
    server->options = *options;
    /* libuv writes to sockets whose peer has gone without asking for no signal. */
    (void)signal(SIGPIPE, SIG_IGN); /* cannot fail for this signal */
    uint64_t seeds[2];
    if (uv_random(NULL, NULL, seeds, sizeof seeds, 0, NULL) != 0) {
        free(server);
        return STATUS_IO;
    }
    server->id_state = seeds[0];
    http_peers_init(&server->peers, seeds[1]);
    http_strangers_init(server);
    server->round = 1;
    server->read_buffer = malloc(HTTP_READ_BODY_BYTES);
    server->wire_buffer = options->tls == NULL ? NULL : malloc(HTTP_READ_BODY_BYTES);
    CHECK(server->read_buffer != NULL && (options->tls == NULL || server->wire_buffer != NULL));
    http_routes_init(&server->routes, options->routes, options->routes_count);
    http_decoders_init(&server->decoders);
    http_link_init(&server->conns);
    http_link_init(&server->ready);
    http_link_init(&server->bodies);
    http_wheel_init(&server->wheel, uv_now(options->loop));
    /* These cannot fail: they only enter the loop's queues. */
    CHECK(uv_timer_init(options->loop, &server->sweep) == 0);
    CHECK(uv_prepare_init(options->loop, &server->prepare) == 0);
    CHECK(uv_check_init(options->loop, &server->check) == 0);
    CHECK(uv_idle_init(options->loop, &server->idle) == 0);
    init_handle(server, (uv_handle_t *)&server->sweep, false);
    init_handle(server, (uv_handle_t *)&server->prepare, false);
    init_handle(server, (uv_handle_t *)&server->check, false);
    init_handle(server, (uv_handle_t *)&server->idle, true);
    CHECK(uv_timer_start(&server->sweep, on_sweep, HTTP_WHEEL_TICK_MS, HTTP_WHEEL_TICK_MS) == 0);
    CHECK(uv_prepare_start(&server->prepare, on_prepare) == 0);
    CHECK(uv_check_start(&server->check, on_check) == 0);
    *ret = server;
    return STATUS_OK;
}

static void on_refused_closed(uv_handle_t *handle) {
    struct http_conn *conn = handle->data;
    struct http_server *server = conn->server;
    if (conn->peer != NULL) {
        http_peers_remove(&server->peers, conn->peer);
    }
    free(conn);
    http_server_conn_closed(server);
}

static bool add_peer(struct http_conn *conn) {
    struct http_server *server = conn->server;
    struct sockaddr_storage address = {0};
    int bytes = sizeof address;
    if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&address, &bytes) != 0) {
        return false;
    }
    conn->peer = http_peers_add(&server->peers, (const struct sockaddr *)&address,
                                server->options.limits->connections_per_address);
    if (conn->peer == NULL) {
        http_reject(server, "connections_per_address");
    }
    return conn->peer != NULL;
}

static void accept_one(struct http_server *server) {
    struct http_conn *conn = calloc(1, sizeof *conn);
    CHECK(conn != NULL);
    conn->server = server;
    CHECK(uv_tcp_init(server->options.loop, &conn->tcp) == 0);
    conn->tcp.data = conn;
    http_link_init(&conn->link);
    http_link_init(&conn->ready);
    http_link_init(&conn->body);
    http_link_init(&conn->stranger);
    http_link_init(&conn->peer_stranger);
    http_deadline_init(&conn->deadline);
    server->stats.connections++;
    server->stats.connections_total++;
    bool taken = uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&conn->tcp) == 0;
    if (!taken || !add_peer(conn) || !http_stranger_add(conn)) {
        conn->phase = HTTP_PHASE_CLOSED;
        if (!taken || uv_tcp_close_reset(&conn->tcp, on_refused_closed) != 0) {
            uv_close((uv_handle_t *)&conn->tcp, on_refused_closed);
        }
        return;
    }
    uv_tcp_nodelay(&conn->tcp, 1);
    if (server->options.tls != NULL) {
        conn->tls = tls_session_new(server->options.tls, server->options.limits->tls_key_updates);
        CHECK(conn->tls != NULL);
        server->handshakes++;
    }
    http_link_append(&server->conns, &conn->link);
    http_conn_open(conn);
}

static bool has_place(const struct http_server *server) {
    uint64_t most = server->options.connections_most, limit = server->options.limits->connections;
    return server->stats.connections < (most == 0 ? limit : min_u64(limit, most));
}

static bool is_full(const struct http_server *server) {
    return !has_place(server) || server->handshakes >= server->options.limits->tls_handshakes;
}

static void on_connection(uv_stream_t *listener, int status) {
    struct http_server *server = listener->data;
    if (status < 0) {
        /* Out of descriptors: libuv has closed the waiting connections and goes on. */
        http_reject(server, "accept_failed");
        return;
    }
    if (is_full(server)) {
        /* Not accepting stops the listener; the backlog waits until a connection closes or a
         * handshake ends. */
        server->accept_waits = true;
        http_reject(server, has_place(server) ? "tls_handshakes" : "connections");
        return;
    }
    accept_one(server);
}

void http_server_conn_closed(struct http_server *server) {
    CHECK(server->stats.connections > 0);
    server->stats.connections--;
    if (server->draining && !server->closing) {
        uv_idle_start(&server->idle, on_idle); /* one more turn, for report_drained */
    }
    http_server_accept_more(server);
}

void http_server_accept_more(struct http_server *server) {
    if (server->accept_waits && server->listening && !is_full(server)) {
        server->accept_waits = false;
        accept_one(server);
    }
}

/* Splits HOST:PORT or [V6]:PORT; false when it is neither. */
static bool split_host_port(const char *text, char host[256], char port[8]) {
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text || strlen(colon + 1) == 0 || strlen(colon + 1) > 5 ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1)) {
        return false;
    }
    size_t bytes = (size_t)(colon - text);
    bool bracketed = text[0] == '[' && text[bytes - 1] == ']';
    const char *from = text + bracketed;
    bytes -= bracketed ? 2 : 0;
    if (bytes == 0 || bytes >= 256 || (!bracketed && memchr(from, ':', bytes) != NULL)) {
        return false;
    }
    memcpy(host, from, bytes);
    host[bytes] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return true;
}

static void format_address(const struct sockaddr_storage *address, char *to, size_t room) {
    char host[64] = "";
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
        uv_ip6_name(v6, host, sizeof host);
        snprintf(to, room, "[%s]:%u", host, (unsigned)ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        uv_ip4_name(v4, host, sizeof host);
        snprintf(to, room, "%s:%u", host, (unsigned)ntohs(v4->sin_port));
    }
}

/* Linux: accepted sockets inherit it. */
static int bound_unsent(const uv_tcp_t *listener) {
    int fd, bytes = UNSENT_BYTES;
    int result = uv_fileno((const uv_handle_t *)listener, &fd);
    if (result == 0 && setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes) != 0) {
        result = uv_translate_sys_error(errno);
    }
    return result;
}

static int bind_and_listen(struct http_server *server, const char *host, const char *port,
                           struct sockaddr_storage *ret_address) {
    uv_getaddrinfo_t lookup;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    int result = uv_getaddrinfo(server->options.loop, &lookup, NULL, host, port, &hints);
    if (result != 0) {
        return result;
    }
    result = uv_tcp_bind(&server->listener, lookup.addrinfo->ai_addr, 0);
    uv_freeaddrinfo(lookup.addrinfo);
    if (result == 0) {
        result = bound_unsent(&server->listener);
    }
    if (result == 0) {
        result = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
    }
    int bytes = sizeof *ret_address;
    if (result == 0) {
        result = uv_tcp_getsockname(&server->listener, (struct sockaddr *)ret_address, &bytes);
    }
    return result;
}

enum status http_server_listen(struct http_server *server, const char *host_port,
                               char *ret_host_port, size_t ret_bytes, struct error *error) {
    CHECK(!server->listening && !server->closing);
    char host[256];
    char port[8];
    if (!split_host_port(host_port, host, port)) {
        return error_set(error, STATUS_INVALID, "not HOST:PORT: ", host_port, NULL);
    }
    CHECK(uv_tcp_init(server->options.loop, &server->listener) == 0);
    init_handle(server, (uv_handle_t *)&server->listener, true);
    server->listening = true;
    struct sockaddr_storage address = {0};
    int result = bind_and_listen(server, host, port, &address);
    if (result != 0) {
        error_set(error, STATUS_IO, host_port, ": ", uv_strerror(result));
        return STATUS_IO;
    }
    format_address(&address, ret_host_port, ret_bytes);
    return STATUS_OK;
}

enum status http_server_listen_fd(struct http_server *server, int fd, struct error *error) {
    CHECK(!server->listening && !server->closing);
    CHECK(uv_tcp_init(server->options.loop, &server->listener) == 0);
    init_handle(server, (uv_handle_t *)&server->listener, true);
    server->listening = true;
    int result = uv_tcp_open(&server->listener, fd); /* takes any stream socket */
    if (result == 0) {
        result = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
    }
    return result == 0
               ? STATUS_OK
               : error_set(error, STATUS_IO, "the passed socket: ", uv_strerror(result), NULL);
}

static void on_handle_closed(uv_handle_t *handle) {
    struct http_server *server = handle->data;
    CHECK(server->handles_open > 0);
    server->handles_open--;
}

static void stop_listening(struct http_server *server) {
    if (server->listening) {
        server->listening = false;
        server->accept_waits = false;
        uv_close((uv_handle_t *)&server->listener, on_handle_closed);
    }
}

void http_server_drain(struct http_server *server, void (*on_drained)(void *context),
                       void *context) {
    CHECK(!server->draining && !server->closing);
    server->draining = true;
    server->drain_until_ms = http_now_ms(server) + server->options.limits->drain_ms;
    server->on_drained = on_drained;
    server->drained_context = context;
    stop_listening(server);
    for (struct http_link *at = server->conns.next; at != &server->conns; at = at->next) {
        struct http_conn *conn = HTTP_LINK_OWNER(at, struct http_conn, link);
        if (conn->request != NULL && conn->request->answer == HTTP_ANSWER_NONE) {
            conn->last = true;
        }
        http_conn_schedule(conn);
    }
    uv_idle_start(&server->idle, on_idle);
}

void http_server_close(struct http_server *server) {
    CHECK(!server->closing);
    server->closing = true;
    stop_listening(server);
    while (!http_link_alone(&server->conns)) {
        struct http_conn *conn = HTTP_LINK_OWNER(server->conns.next, struct http_conn, link);
        CHECK(!conn->pumping);
        http_conn_cut(conn, false);
    }
    uv_close((uv_handle_t *)&server->sweep, on_handle_closed);
    uv_close((uv_handle_t *)&server->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&server->check, on_handle_closed);
    uv_close((uv_handle_t *)&server->idle, on_handle_closed);
}

void http_server_free(struct http_server *server) {
    CHECK(server->closing && server->handles_open == 0 && server->stats.connections == 0);
    http_server_free_spare(server);
    http_decoders_deinit(&server->decoders);
    http_routes_deinit(&server->routes);
    http_strangers_deinit(server);
    http_peers_deinit(&server->peers);
    free(server->read_buffer);
    free(server->wire_buffer);
    free(server);
}

void http_server_pause_bodies(struct http_server *server, bool pause) {
    if (server->bodies_paused == pause) {
        return;
    }
    server->bodies_paused = pause;
    for (struct http_link *at = server->bodies.next; at != &server->bodies; at = at->next) {
        struct http_conn *conn = HTTP_LINK_OWNER(at, struct http_conn, body);
        http_conn_pause_changed(conn);
        http_conn_schedule(conn);
    }
}

void http_server_stats(const struct http_server *server, struct http_server_stats *ret) {
    *ret = server->stats;
}
