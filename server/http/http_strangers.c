/* Whose connections are: strangers', who have shown nothing yet, and those of owners. */
#include "server/http/http_conn.h"

#include "core/base/check.h"

#include <stdlib.h>

/* Of the oldest strangers so many are looked at for one that may go. */
enum { STRANGERS_LOOKED_AT = 16 };

void http_strangers_init(struct http_server *server) {
    uint64_t connections = server->options.limits->connections;
    void *memory = calloc(1, key_count_bytes(connections));
    CHECK(memory != NULL);
    key_count_init(&server->owners, memory, connections);
    http_link_init(&server->strangers);
}

void http_strangers_deinit(struct http_server *server) {
    CHECK(server->owners.things_count == 0 && server->stats.strangers == 0);
    free(server->owners.places);
}

/* Nothing of it is in service: it is silent, or says its header section slowly. */
static bool may_go(const struct http_conn *conn) {
    return conn->phase == HTTP_PHASE_IDLE || conn->phase == HTTP_PHASE_HEAD;
}

static struct http_conn *oldest_in(const struct http_link *list, size_t link_offset) {
    const struct http_link *at = list->next;
    for (size_t i = 0; i < STRANGERS_LOOKED_AT && at != list; i++, at = at->next) {
        struct http_conn *conn = (struct http_conn *)((uintptr_t)at - link_offset);
        if (may_go(conn)) {
            return conn;
        }
    }
    return NULL;
}

static bool make_room(struct http_server *server, struct http_conn *oldest, const char *reason) {
    http_reject(server, reason);
    if (oldest == NULL) {
        return false;
    }
    http_conn_cut(oldest, true);
    return true;
}

bool http_stranger_add(struct http_conn *conn) {
    struct http_server *server = conn->server;
    struct http_peer *peer = conn->peer;
    const struct limits *limits = server->options.limits;
    if (!server->options.knows_owners) {
        return true;
    }
    if (peer->strangers_count >= limits->strangers_per_address &&
        !make_room(server, oldest_in(&peer->strangers, offsetof(struct http_conn, peer_stranger)),
                   "strangers_per_address")) {
        return false;
    }
    if (server->stats.strangers >= limits->strangers &&
        !make_room(server, oldest_in(&server->strangers, offsetof(struct http_conn, stranger)),
                   "strangers")) {
        return false;
    }
    http_link_append(&server->strangers, &conn->stranger);
    http_link_append(&peer->strangers, &conn->peer_stranger);
    peer->strangers_count++;
    server->stats.strangers++;
    conn->is_stranger = true;
    return true;
}

static void no_stranger(struct http_conn *conn) {
    if (conn->is_stranger) {
        CHECK(conn->peer->strangers_count > 0 && conn->server->stats.strangers > 0);
        http_link_remove(&conn->stranger);
        http_link_remove(&conn->peer_stranger);
        conn->peer->strangers_count--;
        conn->server->stats.strangers--;
        conn->is_stranger = false;
    }
}

static void let_owner_go(struct http_conn *conn) {
    if (conn->owned) {
        key_count_remove(&conn->server->owners, conn->owner);
        conn->owned = false;
    }
}

void http_conn_disown(struct http_conn *conn) {
    no_stranger(conn);
    let_owner_go(conn);
}

bool http_claim(struct http_request *request, uint64_t owner) {
    struct http_conn *conn = request->conn;
    struct http_server *server = conn->server;
    CHECK(conn->phase != HTTP_PHASE_CLOSED);
    if (conn->owned && conn->owner == owner) {
        return true;
    }
    let_owner_go(conn); /* others' requests came before: a proxy's connection */
    if (!key_count_add(&server->owners, owner, server->options.limits->connections_per_principal)) {
        conn->last = true;
        return false;
    }
    no_stranger(conn);
    conn->owned = true;
    conn->owner = owner;
    return true;
}

struct slice http_peer_address(const struct http_request *request) {
    const struct http_peer *peer = request->conn->peer;
    return (struct slice){peer->address, sizeof peer->address};
}
