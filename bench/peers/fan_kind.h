/* How each server that fans out messages is spoken to: what a reader asks for, how a message is
 * published, and how one is told apart in what a reader receives. */
#ifndef BENCH_PEERS_FAN_KIND_H
#define BENCH_PEERS_FAN_KIND_H

#include "bench/client.h"
#include "server/buffer.h"

enum { FAN_PAYLOAD_BYTES = 300 };

struct fan_kind {
    const char *name;
    struct slice subscribe; /* what a reader sends */
    const char *hello;      /* what it is answered when it is subscribed */
    struct slice mark;      /* stands once in each message that a reader receives */
    void (*prepare)(const struct target *target);
    /* Appends the bytes that publish messages [first, first + count). */
    void (*publish)(struct buffer *to, uint64_t first, uint64_t count);
    const char *durable;
};

/* NULL: there is none of that name. */
const struct fan_kind *fan_kind_find(const char *name);

#endif
