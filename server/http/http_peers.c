#include "server/http/http_peers.h"

#include "core/base/check.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

void http_peers_init(struct http_peers *peers, uint64_t seed) {
    memset(peers, 0, sizeof *peers);
    peers->seed = seed;
}

void http_peers_deinit(struct http_peers *peers) {
    for (size_t i = 0; i < HTTP_PEERS_CHAINS; i++) {
        CHECK(peers->chains[i] == NULL);
    }
}

/* IPv4 as IPv4-mapped, any other family as one address. Of IPv6 the network: whoever has one
 * address has all 2^64 of it. */
static void read_address(uint8_t *to, const struct sockaddr *address) {
    memset(to, 0, 16);
    if (address->sa_family == AF_INET6) {
        const struct in6_addr *v6 =
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        memcpy(to, v6, IN6_IS_ADDR_V4MAPPED(v6) ? 16 : 8);
    } else if (address->sa_family == AF_INET) {
        to[10] = to[11] = 0xff;
        memcpy(to + 12, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    }
}

/* Two rounds of a 64-bit finaliser over the seeded halves. */
static size_t chain_of(const struct http_peers *peers, const uint8_t *address) {
    uint64_t halves[2];
    memcpy(halves, address, sizeof halves);
    uint64_t hash = peers->seed;
    for (size_t i = 0; i < 2; i++) {
        hash = (hash ^ halves[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
        hash ^= hash >> 32;
    }
    return hash % HTTP_PEERS_CHAINS;
}

struct http_peer *http_peers_add(struct http_peers *peers, const struct sockaddr *address,
                                 uint64_t most) {
    uint8_t bytes[16];
    read_address(bytes, address);
    struct http_peer **chain = &peers->chains[chain_of(peers, bytes)];
    struct http_peer *peer = *chain;
    while (peer != NULL && memcmp(peer->address, bytes, sizeof bytes) != 0) {
        peer = peer->next;
    }
    if (peer == NULL) {
        peer = calloc(1, sizeof *peer);
        CHECK(peer != NULL);
        memcpy(peer->address, bytes, sizeof bytes);
        http_link_init(&peer->strangers);
        peer->next = *chain;
        *chain = peer;
    }
    if (peer->count >= most) {
        return NULL;
    }
    peer->count++;
    return peer;
}

void http_peers_remove(struct http_peers *peers, struct http_peer *peer) {
    CHECK(peer->count > 0);
    if (--peer->count > 0) {
        return;
    }
    CHECK(peer->strangers_count == 0);
    struct http_peer **at = &peers->chains[chain_of(peers, peer->address)];
    while (*at != peer) {
        CHECK(*at != NULL);
        at = &(*at)->next;
    }
    *at = peer->next;
    free(peer);
}
