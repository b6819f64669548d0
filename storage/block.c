#include "storage/block.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/mutant.h"

#include <lz4.h>
#include <openssl/evp.h>
#include <stdlib.h>

/* The header; every number is little-endian. */
enum {
    AT_MAGIC = 0,
    AT_FORMAT = 4,
    AT_ROW_BYTES = 6,
    AT_FIRST_SEQ = 8,
    AT_ENTRIES_COUNT = 16,
    AT_PAYLOAD_BYTES = 20,
    AT_LZ4_BYTES = 24,
    AT_RESERVED = 28,
    AT_RECEIVED_MS_MIN = 32,
    AT_PREVIOUS_HASH = 40,
    HEADER_BYTES = 72,
};

/* One row of the index section. */
enum {
    ROW_KIND = 0,
    ROW_SEVERITY = 1,
    ROW_FLAGS = 2,
    ROW_REGION = 4,
    ROW_CATEGORY_TAG = 8,
    ROW_RECEIVED_DELTA = 12,
    ROW_OCCURRED_MS = 16,
    ROW_IDENTITY_LOW = 24,
    ROW_IDENTITY_HIGH = 32,
    ROW_CONTENT_TAG = 40,
    ROW_RECORD_OFFSET = 48,
    ROW_BYTES = 52,
};

enum { MAGIC = 0x42445247 /* "GRDB" */, LZ4_ACCELERATION = 4 };
#define RECEIVED_SPREAD_MS (INT64_C(1) << 31)

struct block_encoder {
    EVP_MD *sha256;
    EVP_MD_CTX *context;
    uint8_t *bytes;
    size_t bytes_max;
};

enum status block_new(struct block **ret, const struct limits *limits) {
    CHECK(limits->block_entries >= 1 && limits->block_entries <= BLOCK_ENTRIES_CAP);
    CHECK(limits->block_bytes >= 1 && limits->block_bytes <= BLOCK_PAYLOAD_CAP);
    struct block *block = calloc(1, sizeof *block);
    if (block == NULL) {
        return STATUS_NO_MEMORY;
    }
    block->entries_max = (uint32_t)limits->block_entries;
    block->payload_max = limits->block_bytes;
    block->entries = aligned_alloc(64, block->entries_max * sizeof(struct entry));
    block->payload = malloc(block->payload_max);
    if (block->entries == NULL || block->payload == NULL) {
        block_free(block);
        return STATUS_NO_MEMORY;
    }
    *ret = block;
    return STATUS_OK;
}

void block_free(struct block *block) {
    if (block != NULL) {
        free(block->entries);
        free(block->payload);
        free(block);
    }
}

void block_reset(struct block *block, uint64_t first_seq) {
    CHECK(first_seq > 0);
    block->first_seq = first_seq;
    block->entries_count = 0;
    block->flags = 0;
    block->payload_bytes = 0;
}

/* Rows store received_ms as 32 bits above the block's smallest; a clock that jumps by weeks starts
 * a new block instead. */
static bool received_fits(const struct block *block, int64_t received_ms) {
    if (block->entries_count == 0) {
        return true;
    }
    int64_t first = block->entries[0].received_ms;
    return received_ms > first - RECEIVED_SPREAD_MS && received_ms < first + RECEIVED_SPREAD_MS;
}

enum status block_append(struct block *block, const struct entry *entry,
                         const struct record *record) {
    CHECK(block->first_seq > 0);
    size_t bytes = record_encoded_bytes(record);
    if (block->entries_count == block->entries_max ||
        bytes > block->payload_max - block->payload_bytes ||
        !received_fits(block, entry->received_ms)) {
        return STATUS_FULL;
    }
    struct entry *to = &block->entries[block->entries_count];
    *to = *entry;
    to->record_bytes = (uint32_t)bytes;
    to->record_offset = block->payload_bytes;
    CHECK(record_encode(block->payload + block->payload_bytes, record) == bytes);
    block->payload_bytes += bytes;
    block->entries_count++;
    block->flags |= entry->flags;
    return STATUS_OK;
}

enum status block_encoder_new(struct block_encoder **ret) {
    struct block_encoder *encoder = calloc(1, sizeof *encoder);
    if (encoder == NULL) {
        return STATUS_NO_MEMORY;
    }
    encoder->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    encoder->context = EVP_MD_CTX_new();
    if (encoder->sha256 == NULL || encoder->context == NULL) {
        block_encoder_free(encoder);
        return STATUS_NO_MEMORY;
    }
    *ret = encoder;
    return STATUS_OK;
}

void block_encoder_free(struct block_encoder *encoder) {
    if (encoder != NULL) {
        EVP_MD_CTX_free(encoder->context);
        EVP_MD_free(encoder->sha256);
        free(encoder->bytes);
        free(encoder);
    }
}

static bool encoder_reserve(struct block_encoder *encoder, size_t bytes) {
    if (bytes <= encoder->bytes_max) {
        return true;
    }
    uint8_t *larger = realloc(encoder->bytes, bytes);
    if (larger == NULL) {
        return false;
    }
    encoder->bytes = larger;
    encoder->bytes_max = bytes;
    return true;
}

static int64_t received_ms_min(const struct block *block) {
    int64_t min = block->entries[0].received_ms;
    for (uint32_t i = 1; i < block->entries_count; i++) {
        min = block->entries[i].received_ms < min ? block->entries[i].received_ms : min;
    }
    return min;
}

static void encode_header(uint8_t to[HEADER_BYTES], const struct block *block,
                          int64_t received_min_ms, const uint8_t previous_hash[BLOCK_HASH_BYTES]) {
    store_u32_le(to + AT_MAGIC, MAGIC);
    store_u16_le(to + AT_FORMAT, BLOCK_FORMAT);
    store_u16_le(to + AT_ROW_BYTES, ROW_BYTES);
    store_u64_le(to + AT_FIRST_SEQ, block->first_seq);
    store_u32_le(to + AT_ENTRIES_COUNT, block->entries_count);
    store_u32_le(to + AT_PAYLOAD_BYTES, (uint32_t)block->payload_bytes);
    store_u32_le(to + AT_RESERVED, 0);
    store_u64_le(to + AT_RECEIVED_MS_MIN, (uint64_t)received_min_ms);
    memcpy(to + AT_PREVIOUS_HASH, previous_hash, BLOCK_HASH_BYTES);
}

static void encode_rows(uint8_t *to, const struct block *block, int64_t received_min_ms) {
    uint64_t offset = 0;
    for (uint32_t i = 0; i < block->entries_count; i++, to += ROW_BYTES) {
        const struct entry *entry = &block->entries[i];
        CHECK(entry->record_offset == offset);
        offset += entry->record_bytes;
        to[ROW_KIND] = entry->kind;
        to[ROW_SEVERITY] = entry->severity;
        store_u16_le(to + ROW_FLAGS, entry->flags);
        store_u32_le(to + ROW_REGION, entry->region);
        store_u32_le(to + ROW_CATEGORY_TAG, entry->category_tag);
        store_u32_le(to + ROW_RECEIVED_DELTA, (uint32_t)(entry->received_ms - received_min_ms));
        store_u64_le(to + ROW_OCCURRED_MS, (uint64_t)entry->occurred_ms);
        store_u64_le(to + ROW_IDENTITY_LOW, entry->identity.low);
        store_u64_le(to + ROW_IDENTITY_HIGH, entry->identity.high);
        store_u64_le(to + ROW_CONTENT_TAG, entry->content_tag);
        store_u32_le(to + ROW_RECORD_OFFSET, (uint32_t)entry->record_offset);
    }
    CHECK(offset == block->payload_bytes);
}

enum status block_encode(struct block_encoder *encoder, const struct block *block,
                         const uint8_t previous_hash[BLOCK_HASH_BYTES], struct slice *ret_bytes,
                         uint8_t ret_hash[BLOCK_HASH_BYTES]) {
    CHECK(block->first_seq > 0);
    CHECK(block->entries_count > 0 && block->entries_count <= BLOCK_ENTRIES_CAP);
    CHECK(block->payload_bytes <= BLOCK_PAYLOAD_CAP);
    size_t index_bytes = (size_t)block->entries_count * ROW_BYTES;
    int lz4_max = LZ4_compressBound((int)block->payload_bytes);
    size_t bytes_max = HEADER_BYTES + index_bytes + (size_t)lz4_max + BLOCK_HASH_BYTES;
    if (!encoder_reserve(encoder, bytes_max)) {
        return STATUS_NO_MEMORY;
    }
    int64_t received_min_ms = received_ms_min(block);
    uint8_t *to = encoder->bytes, *payload = to + HEADER_BYTES + index_bytes;
    encode_header(to, block, received_min_ms, previous_hash);
    encode_rows(to + HEADER_BYTES, block, received_min_ms);
    int lz4_bytes = LZ4_compress_fast((const char *)block->payload, (char *)payload,
                                      (int)block->payload_bytes, lz4_max, LZ4_ACCELERATION);
    CHECK(lz4_bytes > 0);
    store_u32_le(to + AT_LZ4_BYTES, (uint32_t)lz4_bytes);
    size_t hashed_bytes = HEADER_BYTES + index_bytes + (size_t)lz4_bytes;
    CHECK(EVP_DigestInit_ex2(encoder->context, encoder->sha256, NULL) == 1);
    CHECK(EVP_DigestUpdate(encoder->context, to, hashed_bytes) == 1);
    CHECK(EVP_DigestFinal_ex(encoder->context, to + hashed_bytes, NULL) == 1);
    memcpy(ret_hash, to + hashed_bytes, BLOCK_HASH_BYTES);
    *ret_bytes = (struct slice){to, hashed_bytes + BLOCK_HASH_BYTES};
    return STATUS_OK;
}

static enum status bad(struct error *error, const char *what) {
    return error_set(error, STATUS_CORRUPT, "a journal block's ", what, NULL);
}

static enum status view_header(struct slice encoded, struct error *error) {
    if (encoded.bytes < HEADER_BYTES + ROW_BYTES + BLOCK_HASH_BYTES) {
        return bad(error, "bytes are cut short");
    }
    if (load_u32_le(encoded.data + AT_MAGIC) != MAGIC) {
        return bad(error, "magic number is wrong");
    }
    if (load_u16_le(encoded.data + AT_FORMAT) != BLOCK_FORMAT) {
        return error_set(error, STATUS_VERSION, "a journal block has an unknown format", NULL,
                         NULL);
    }
    if (load_u16_le(encoded.data + AT_ROW_BYTES) != ROW_BYTES ||
        load_u32_le(encoded.data + AT_RESERVED) != 0) {
        return bad(error, "header is not of its format");
    }
    return STATUS_OK;
}

enum status block_view(struct block_view *ret, struct slice encoded, struct error *error) {
    enum status status = view_header(encoded, error);
    if (status != STATUS_OK) {
        return status;
    }
    const uint8_t *from = encoded.data;
    uint32_t entries_count = load_u32_le(from + AT_ENTRIES_COUNT);
    uint32_t payload_bytes = load_u32_le(from + AT_PAYLOAD_BYTES);
    uint32_t lz4_bytes = load_u32_le(from + AT_LZ4_BYTES);
    uint64_t first_seq = load_u64_le(from + AT_FIRST_SEQ);
    int64_t received_min_ms = (int64_t)load_u64_le(from + AT_RECEIVED_MS_MIN);
    if (entries_count == 0 || entries_count > BLOCK_ENTRIES_CAP) {
        return bad(error, "entry count is out of bounds");
    }
    if (first_seq == 0 || first_seq > UINT64_MAX - entries_count) {
        return bad(error, "sequence number is out of bounds");
    }
    if (payload_bytes > BLOCK_PAYLOAD_CAP || lz4_bytes > LZ4_COMPRESSBOUND(BLOCK_PAYLOAD_CAP)) {
        return bad(error, "payload is out of bounds");
    }
    if (received_min_ms > INT64_MAX - UINT32_MAX) {
        return bad(error, "time is out of bounds");
    }
    size_t index_bytes = (size_t)entries_count * ROW_BYTES;
    size_t hashed_bytes = HEADER_BYTES + index_bytes + lz4_bytes;
    if (encoded.bytes != hashed_bytes + BLOCK_HASH_BYTES) {
        return bad(error, "length is not what its header says");
    }
    *ret = (struct block_view){
        .first_seq = first_seq,
        .entries_count = entries_count,
        .received_ms_min = received_min_ms,
        .index = {from + HEADER_BYTES, index_bytes},
        .payload_lz4 = {from + HEADER_BYTES + index_bytes, lz4_bytes},
        .payload_bytes = payload_bytes,
        .hashed = {from, hashed_bytes},
    };
    memcpy(ret->previous_hash, from + AT_PREVIOUS_HASH, BLOCK_HASH_BYTES);
    memcpy(ret->hash, from + hashed_bytes, BLOCK_HASH_BYTES);
    return STATUS_OK;
}

bool block_hash_is_right(const struct block_view *view) {
    uint8_t hash[BLOCK_HASH_BYTES];
    CHECK(EVP_Digest(view->hashed.data, view->hashed.bytes, hash, NULL, EVP_sha256(), NULL) == 1);
    return MUTANT(BLOCK_HASH_NOT_COMPARED) || memcmp(hash, view->hash, sizeof hash) == 0;
}

enum status block_view_entry(const struct block_view *view, uint32_t index, struct entry *ret) {
    CHECK(index < view->entries_count);
    const uint8_t *from = view->index.data + (size_t)index * ROW_BYTES;
    uint64_t offset = load_u32_le(from + ROW_RECORD_OFFSET);
    uint64_t end = index + 1 < view->entries_count
                       ? load_u32_le(from + ROW_BYTES + ROW_RECORD_OFFSET)
                       : view->payload_bytes;
    if (offset > end || end > view->payload_bytes || (index == 0 && offset != 0) ||
        from[ROW_KIND] >= ENTRY_KIND_LIMIT) {
        return STATUS_CORRUPT;
    }
    *ret = (struct entry){
        .kind = from[ROW_KIND],
        .severity = from[ROW_SEVERITY],
        .flags = load_u16_le(from + ROW_FLAGS),
        .region = load_u32_le(from + ROW_REGION),
        .category_tag = load_u32_le(from + ROW_CATEGORY_TAG),
        .record_bytes = (uint32_t)(end - offset),
        .occurred_ms = (int64_t)load_u64_le(from + ROW_OCCURRED_MS),
        .received_ms = view->received_ms_min + (int64_t)load_u32_le(from + ROW_RECEIVED_DELTA),
        .identity = {.low = load_u64_le(from + ROW_IDENTITY_LOW),
                     .high = load_u64_le(from + ROW_IDENTITY_HIGH)},
        .content_tag = load_u64_le(from + ROW_CONTENT_TAG),
        .record_offset = offset,
    };
    return STATUS_OK;
}

enum status block_view_inflate(const struct block_view *view, uint8_t *to, struct error *error) {
    CHECK(view->payload_bytes <= BLOCK_PAYLOAD_CAP);
    int bytes = LZ4_decompress_safe((const char *)view->payload_lz4.data, (char *)to,
                                    (int)view->payload_lz4.bytes, (int)view->payload_bytes);
    if (bytes < 0 || (size_t)bytes != view->payload_bytes) {
        return bad(error, "payload does not inflate to its length");
    }
    return STATUS_OK;
}
