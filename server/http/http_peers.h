/* How many connections each peer address has open. A keyed hash table of chains, so that nobody can
 * aim at one chain; an address without connections takes no memory. O(1). */
#ifndef SERVER_HTTP_PEERS_H
#define SERVER_HTTP_PEERS_H

#include "server/http/http_list.h"

#include <sys/socket.h>

enum { HTTP_PEERS_CHAINS = 4096 };

struct http_peer {
    uint8_t address[16]; /* IPv4 as IPv4-mapped; of IPv6 the first 64 bits, the rest 0 */
    uint64_t count;
    struct http_peer *next;
    struct http_link strangers; /* http_strangers.c: its connections that showed nothing yet */
    uint64_t strangers_count;
};

struct http_peers {
    struct http_peer *chains[HTTP_PEERS_CHAINS];
    uint64_t seed;
};

void http_peers_init(struct http_peers *peers, uint64_t seed);
/* CHECKs that every connection was taken out again. */
void http_peers_deinit(struct http_peers *peers);
/* Counts one more connection of the address, unless it has `most` already: then NULL. */
struct http_peer *http_peers_add(struct http_peers *peers, const struct sockaddr *address,
                                 uint64_t most);
void http_peers_remove(struct http_peers *peers, struct http_peer *peer);

#endif
