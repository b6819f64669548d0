/* A journal block: the entries of one commit, first in memory while it is open, then encoded.
 *
 * Open block: filled by the loop thread, then handed to the committer, later published to the
 * recent run; one owner at a time. Encoded form: byte by byte in storage/README.md: header, index
 * section (readable without inflating), LZ4 payload, SHA-256 over all before it. Every block
 * carries the hash of the block before it. */
#ifndef STORAGE_BLOCK_H
#define STORAGE_BLOCK_H

#include "core/base/status.h"
#include "core/limits.h"
#include "core/report/entry.h"
#include "core/report/record.h"

enum {
    BLOCK_HASH_BYTES = 32,
    BLOCK_FORMAT = 1,
    BLOCK_ENTRIES_CAP = 65536,    /* >= max of limit block_entries */
    BLOCK_PAYLOAD_CAP = 64 << 20, /* >= max of limit block_bytes */
};

struct block {
    uint64_t first_seq; /* of entries[0]; the rest are dense */
    uint32_t entries_count, entries_max;
    uint16_t flags; /* of all entries together */
    size_t payload_bytes, payload_max;
    struct entry *entries; /* record_offset counts from payload */
    uint8_t *payload;      /* records, one after the other */
};

MUST_USE enum status block_new(struct block **ret, const struct limits *limits);
void block_free(struct block *block);
void block_reset(struct block *block, uint64_t first_seq);
/* Sets the entry's record_bytes and record_offset in the block. FULL when the entry or its record
 * does not fit any more, or was received too long (24 days) before or after the block's first; the
 * block is unchanged then. */
MUST_USE enum status block_append(struct block *block, const struct entry *entry,
                                  const struct record *record);

/* Encoding, on the committer thread. The encoder keeps its buffers between blocks. */
struct block_encoder; /* opaque */
MUST_USE enum status block_encoder_new(struct block_encoder **ret);
void block_encoder_free(struct block_encoder *encoder);
/* The encoded bytes belong to the encoder until its next call. `ret_hash` is this block's own. */
MUST_USE enum status block_encode(struct block_encoder *encoder, const struct block *block,
                                  const uint8_t previous_hash[BLOCK_HASH_BYTES],
                                  struct slice *ret_bytes, uint8_t ret_hash[BLOCK_HASH_BYTES]);

/* Reading. A view borrows the encoded bytes. */
struct block_view {
    uint64_t first_seq;
    uint32_t entries_count;
    int64_t received_ms_min;
    uint8_t previous_hash[BLOCK_HASH_BYTES];
    uint8_t hash[BLOCK_HASH_BYTES]; /* as stored */
    struct slice index, payload_lz4;
    size_t payload_bytes; /* inflated */
    struct slice hashed;  /* the bytes `hash` is over */
};
/* CORRUPT (what and where in `error`) or VERSION; every length is checked against the bytes. */
MUST_USE enum status block_view(struct block_view *ret, struct slice encoded, struct error *error);
/* Does the stored hash fit the bytes? */
bool block_hash_is_right(const struct block_view *view);
/* Entry `index` from the index section; record_offset counts from the inflated payload. CORRUPT
 * when its record lies outside the payload. */
MUST_USE enum status block_view_entry(const struct block_view *view, uint32_t index,
                                      struct entry *ret);
/* Inflates into `to`, view->payload_bytes of room. */
MUST_USE enum status block_view_inflate(const struct block_view *view, uint8_t *to,
                                        struct error *error);

#endif
