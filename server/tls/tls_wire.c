#include "server/tls/tls_wire.h"

#include "core/base/check.h"

#include <stdlib.h>
#include <string.h>

void tls_wire_init(struct tls_wire *wire) {
    *wire = (struct tls_wire){.taken_bytes_most = UINT64_MAX};
}

static void drop_held(struct tls_wire *wire) {
    free(wire->held);
    wire->held = NULL;
    wire->in = (struct slice){NULL, 0};
}

static void drop_output(struct tls_wire *wire) {
    free(wire->out);
    wire->out = NULL;
    wire->out_from = wire->out_to = 0;
}

void tls_wire_deinit(struct tls_wire *wire) {
    drop_held(wire);
    drop_output(wire);
}

void tls_wire_give(struct tls_wire *wire, struct slice bytes) {
    CHECK(wire->in.bytes == 0);
    drop_held(wire);
    wire->in = bytes;
}

void tls_wire_keep(struct tls_wire *wire) {
    if (wire->in.bytes == 0) {
        drop_held(wire);
        return;
    }
    if (wire->held != NULL) {
        return;
    }
    wire->held = malloc(wire->in.bytes);
    CHECK(wire->held != NULL);
    memcpy(wire->held, wire->in.data, wire->in.bytes);
    wire->in.data = wire->held;
}

size_t tls_wire_drop_input(struct tls_wire *wire) {
    size_t bytes = wire->in.bytes;
    drop_held(wire);
    return bytes;
}

struct slice tls_wire_output(const struct tls_wire *wire) {
    return wire->out == NULL
               ? (struct slice){NULL, 0}
               : (struct slice){wire->out + wire->out_from, wire->out_to - wire->out_from};
}

void tls_wire_sent(struct tls_wire *wire, size_t bytes) {
    CHECK(bytes <= wire->out_to - wire->out_from);
    wire->out_from += bytes;
    if (wire->out_from == wire->out_to) {
        drop_output(wire);
    }
}

static int bio_read(BIO *bio, char *to, size_t room, size_t *ret_bytes) {
    struct tls_wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (wire->stopped || wire->taken_bytes > wire->taken_bytes_most) {
        wire->stopped = true;
        return 0;
    }
    if (wire->in.bytes == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    size_t bytes = (size_t)min_u64(room, wire->in.bytes);
    memcpy(to, wire->in.data, bytes);
    wire->in = (struct slice){wire->in.data + bytes, wire->in.bytes - bytes};
    wire->taken_bytes += bytes;
    *ret_bytes = bytes;
    return 1;
}

static int bio_write(BIO *bio, const char *from, size_t count, size_t *ret_bytes) {
    struct tls_wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (wire->out == NULL) {
        wire->out = malloc(TLS_WIRE_OUT_BYTES);
        CHECK(wire->out != NULL);
    }
    size_t bytes = (size_t)min_u64(count, TLS_WIRE_OUT_BYTES - wire->out_to);
    if (bytes == 0) {
        BIO_set_retry_write(bio);
        return 0;
    }
    memcpy(wire->out + wire->out_to, from, bytes);
    wire->out_to += bytes;
    *ret_bytes = bytes;
    return 1;
}

/* All is written at once, so there is never anything to flush. */
static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int bio_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

/* Made once and kept: BIOs of old contexts go on using it, and OpenSSL counts its kinds. */
static const BIO_METHOD *method(void) {
    static BIO_METHOD *made;
    if (made == NULL) {
        made = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "gridd wire");
        CHECK(made != NULL && BIO_meth_set_read_ex(made, bio_read) == 1 &&
              BIO_meth_set_write_ex(made, bio_write) == 1 &&
              BIO_meth_set_ctrl(made, bio_ctrl) == 1 && BIO_meth_set_create(made, bio_create) == 1);
    }
    return made;
}

BIO *tls_wire_bio(struct tls_wire *wire) {
    BIO *bio = BIO_new(method());
    if (bio != NULL) {
        BIO_set_data(bio, wire);
    }
    return bio;
}
