/* Connections by whom they are: strangers', who have shown nothing, and their owners'. And that
 * nobody's upload keeps the others waiting. */
#include "server/http/http_peers.h"
#include "tests/unit/support_http.h"
#include "tests/unit/support_limits.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS_MAX = 64 };
static int fds[FDS_MAX];
static size_t fds_count;

static uint64_t strangers(void) {
    struct http_server_stats stats;
    http_server_stats(fix.server, &stats);
    return stats.strangers;
}

static uint64_t connections(void) {
    struct http_server_stats stats;
    http_server_stats(fix.server, &stats);
    return stats.connections;
}

/* One more connection, accepted. */
static int dial(void) {
    uint64_t before = fix.rejected + connections();
    assert_true(fds_count < FDS_MAX);
    int fd = fds[fds_count++] = http_dial();
    for (size_t i = 0; i < 3 || fix.rejected + connections() == before; i++) {
        http_turn();
    }
    return fd;
}

static void hang_up(void) {
    const struct linger reset = {.l_onoff = 1}; /* a request that is parked notices no less */
    while (fds_count > 0) {
        int fd = fds[--fds_count];
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
    }
    while (connections() > 0) {
        http_turn();
    }
    assert_int_equal(strangers(), 0);
}

static bool is_open(int fd) {
    uint8_t byte;
    for (size_t i = 0; i < 5; i++) {
        http_turn();
    }
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void ask(int fd, const char *fields, unsigned status) {
    struct buffer answer;
    char text[256];
    buffer_init(&answer);
    snprintf(text, sizeof text, "GET /hello HTTP/1.1\r\nHost: x\r\n%s\r\n", fields);
    send_text(fd, text);
    read_until(fd, &answer, status == 200 ? "hello" : "too many connections", 1);
    assert_status(&answer, status);
    buffer_deinit(&answer);
}

/* One more than may be: it comes in, and the oldest goes for it. */
static void try_strangers(uint64_t count, uint64_t most, const char *reason) {
    fix.reason[0] = '\0';
    for (uint64_t i = 0; i < count; i++) {
        dial();
    }
    assert_int_equal(strangers(), min_u64(count, most));
    assert_int_equal(is_open(fds[0]), count <= most);
    assert_string_equal(fix.reason, count <= most ? "" : reason);
    for (uint64_t i = 1; i < count; i++) {
        ask(fds[i], "", 200);
    }
    hang_up();
}

static void the_oldest_stranger_gives_way(void **state) {
    (void)state;
    fix.limits.strangers = 4;
    EACH_AROUND(count, fix.limits, strangers) {
        try_strangers(count, 4, "strangers");
    }
    fix.limits.strangers = 100;
    fix.limits.strangers_per_address = 4;
    EACH_AROUND(count, fix.limits, strangers_per_address) {
        try_strangers(count, 4, "strangers_per_address");
    }
}

static void who_is_served_stays_and_the_newcomer_goes(void **state) {
    (void)state;
    fix.limits.strangers = 2;
    for (size_t i = 0; i < 2; i++) {
        send_text(dial(), "GET /parked HTTP/1.1\r\nHost: x\r\n\r\n");
        for (size_t turn = 0; turn < 5; turn++) {
            http_turn();
        }
    }
    int late = dial();
    assert_false(is_open(late));
    assert_true(is_open(fds[0]));
    assert_true(is_open(fds[1]));
    hang_up();
}

static void who_sends_a_header_slowly_gives_way(void **state) {
    (void)state;
    fix.limits.strangers = 2;
    send_text(dial(), "GET /parked HTTP/1.1\r\nHost: x\r\n\r\n");
    send_text(dial(), "GET /hello HTTP/1.1\r\nX: ");
    assert_true(is_open(fds[1]));
    dial();
    assert_true(is_open(fds[0]));
    assert_false(is_open(fds[1]));
    ask(fds[2], "", 200);
    hang_up();
}

static void owners_are_no_strangers(void **state) {
    (void)state;
    fix.limits.strangers = 1;
    for (size_t i = 0; i < 8; i++) {
        ask(dial(), "owner: a\r\n", 200);
        assert_int_equal(strangers(), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        ask(fds[i], "owner: a\r\n", 200);
    }
    hang_up();
}

static void an_owner_has_so_many_connections(void **state) {
    (void)state;
    fix.limits.connections_per_principal = 3;
    EACH_AROUND(count, fix.limits, connections_per_principal) {
        for (uint64_t i = 0; i < count; i++) {
            ask(dial(), "owner: a\r\n", i < 3 ? 200 : 429);
            ask(dial(), "owner: b\r\n", i < 3 ? 200 : 429);
        }
        if (count > 3) { /* the one too many closes, and the others go on */
            struct buffer rest;
            buffer_init(&rest);
            read_to_end(fds[fds_count - 1], &rest);
            buffer_deinit(&rest);
            ask(fds[0], "owner: a\r\n", 200);
        }
        hang_up();
    }
}

/* A proxy's connection counts for whose request it carried last. */
static void a_connection_changes_hands(void **state) {
    (void)state;
    fix.limits.connections_per_principal = 1;
    ask(dial(), "owner: a\r\n", 200);
    ask(dial(), "owner: b\r\n", 200);
    ask(fds[0], "owner: c\r\n", 200);
    ask(dial(), "owner: a\r\n", 200);
    ask(dial(), "owner: c\r\n", 429);
    hang_up();
}

static void address_of(uint8_t to[16], const uint8_t from[16]) {
    static struct http_peers peers;
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    memcpy(&address.sin6_addr, from, 16);
    http_peers_init(&peers, 1);
    struct http_peer *peer = http_peers_add(&peers, (const struct sockaddr *)&address, 1);
    memcpy(to, peer->address, 16);
    http_peers_remove(&peers, peer);
    http_peers_deinit(&peers);
}

static void of_ipv6_the_network_counts(void **state) {
    (void)state;
    const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const uint8_t network[16] = {0x20, 1, 0xd, 0xb8, 1, 2, 3, 4};
    const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
    uint8_t got[16];
    address_of(got, v6);
    assert_memory_equal(got, network, 16);
    address_of(got, mapped);
    assert_memory_equal(got, mapped, 16);
}

/* What a fast sender's socket holds is read a piece a turn: the others come in between. */
static void an_upload_takes_its_turn(void **state) {
    (void)state;
    enum { BODY_BYTES = 1 << 20 };
    int large = 1 << 22;
    fix.limits.linger_ms = 0;
    int upload = dial(), other = dial();
    (void)setsockopt(upload, SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
    char head[128];
    snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
             BODY_BYTES);
    send_text(upload, head);
    while (fix.body.data == NULL) { /* its handler has it */
        buffer_append_text(&fix.body, "x");
        http_turn();
    }
    http_turn();
    uint8_t *body = calloc(1, BODY_BYTES);
    assert_non_null(body);
    size_t sent = 0;
    ssize_t more;
    while (sent < BODY_BYTES &&
           (more = send(upload, body + sent, BODY_BYTES - sent, MSG_DONTWAIT)) > 0) {
        sent += (size_t)more;
    }
    assert_true(sent > 4 * 65536);
    send_text(other, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    size_t before = fix.body.bytes;
    uint8_t answer[16];
    while (recv(other, answer, sizeof answer, MSG_DONTWAIT) <= 0) {
        http_turn();
        assert_true(fix.body.bytes - before <= 2 * 65536);
    }
    send_all(upload, body + sent, BODY_BYTES - sent);
    while (fix.body.bytes < BODY_BYTES) {
        http_turn();
    }
    free(body);
    hang_up();
}

#define WITH_OWNERS(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, http_owners_fixture_start, http_fixture_stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_OWNERS(the_oldest_stranger_gives_way),
        WITH_OWNERS(who_is_served_stays_and_the_newcomer_goes),
        WITH_OWNERS(who_sends_a_header_slowly_gives_way),
        WITH_OWNERS(owners_are_no_strangers),
        WITH_OWNERS(an_owner_has_so_many_connections),
        WITH_OWNERS(a_connection_changes_hands),
        cmocka_unit_test(of_ipv6_the_network_counts),
        cmocka_unit_test_setup_teardown(an_upload_takes_its_turn, http_fixture_start,
                                        http_fixture_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
