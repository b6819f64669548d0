/* The bytes of one TLS connection on their way between a socket's buffers and OpenSSL, and the BIO
 * through which OpenSSL sees them.
 *
 * Input is lent: OpenSSL reads straight out of the buffer that a socket was read into, and only
 * what it has not taken by the end of the turn is copied. Output is one piece of TLS_WIRE_OUT_BYTES
 * that exists while something is in it, so an idle connection holds neither. It never moves while
 * something is in it: a write under way may point into it. Both ends are bounded: with the input
 * used up the BIO asks to be called again, and so it does with the output full. Nothing here knows
 * sockets. O(bytes). */
#ifndef SERVER_TLS_TLS_WIRE_H
#define SERVER_TLS_TLS_WIRE_H

#include "core/base/status.h"

#include <openssl/bio.h>

/* Four full records and a handful of small ones. */
enum { TLS_WIRE_OUT_BYTES = 68 << 10 };

struct tls_wire {
    struct slice in;
    uint8_t *held; /* `in` lies in it; NULL: `in` is lent */
    uint8_t *out;  /* NULL: there is none */
    size_t out_from, out_to;
    uint64_t taken_bytes;      /* of input, by OpenSSL */
    uint64_t taken_bytes_most; /* past it the BIO fails; UINT64_MAX: no bound */
    bool stopped;              /* reading fails: nothing more is taken */
};

void tls_wire_init(struct tls_wire *wire);
void tls_wire_deinit(struct tls_wire *wire);
/* Lends input, which must be used up by now. */
void tls_wire_give(struct tls_wire *wire, struct slice bytes);
/* What was lent goes away: what is left of it is copied. */
void tls_wire_keep(struct tls_wire *wire);
/* Forgets the input that is left; how much it was. */
size_t tls_wire_drop_input(struct tls_wire *wire);
/* What is to be sent, in order; good until all of it is told to be sent. */
struct slice tls_wire_output(const struct tls_wire *wire);
void tls_wire_sent(struct tls_wire *wire, size_t bytes);

/* A BIO over `wire`, which must outlive it. NULL: out of memory. */
BIO *tls_wire_bio(struct tls_wire *wire);

#endif
