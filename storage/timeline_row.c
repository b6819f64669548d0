#include "storage/timeline_row.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

enum {
    AT_VERSION = 0,
    AT_KIND = 1,
    AT_SEVERITY = 2,
    AT_FLAGS = 3,
    AT_CATEGORY_TAG = 5,
    AT_SEQ = 9,
    AT_RECEIVED_MS = 17,
    AT_IDENTITY_HIGH = 25,
    AT_CONTENT_TAG = 33,
};
_Static_assert(AT_CONTENT_TAG + 8 == TIMELINE_ROW_HEADER_BYTES, "the last field ends the header");

void timeline_row_encode_header(uint8_t to[TIMELINE_ROW_HEADER_BYTES], uint64_t seq,
                                const struct entry *entry) {
    CHECK(seq > 0);
    to[AT_VERSION] = TIMELINE_ROW_VERSION;
    to[AT_KIND] = entry->kind;
    to[AT_SEVERITY] = entry->severity;
    store_u16_le(to + AT_FLAGS, entry->flags);
    store_u32_le(to + AT_CATEGORY_TAG, entry->category_tag);
    store_u64_le(to + AT_SEQ, seq);
    store_u64_le(to + AT_RECEIVED_MS, (uint64_t)entry->received_ms);
    store_u64_le(to + AT_IDENTITY_HIGH, entry->identity.high);
    store_u64_le(to + AT_CONTENT_TAG, entry->content_tag);
}

enum status timeline_row_decode(struct timeline_row *ret, struct slice key, struct slice value,
                                struct error *error) {
    if (key.bytes != TIMELINE_KEY_BYTES) {
        return error_set(error, STATUS_CORRUPT, "a timeline key has the wrong size", NULL, NULL);
    }
    if (value.bytes >= 1 && value.data[AT_VERSION] != TIMELINE_ROW_VERSION) {
        return error_set(error, STATUS_VERSION, "a timeline row has an unknown version", NULL,
                         NULL);
    }
    if (value.bytes < TIMELINE_ROW_HEADER_BYTES ||
        value.bytes - TIMELINE_ROW_HEADER_BYTES > UINT32_MAX) {
        return error_set(error, STATUS_CORRUPT, "a timeline row has the wrong size", NULL, NULL);
    }
    if (value.data[AT_KIND] >= ENTRY_KIND_LIMIT) { /* filters are 64 bits */
        return error_set(error, STATUS_CORRUPT, "a timeline row is of no possible kind", NULL,
                         NULL);
    }
    if (load_u64_le(value.data + AT_SEQ) == 0) {
        return error_set(error, STATUS_CORRUPT, "a timeline row has no number", NULL, NULL);
    }
    struct timeline_position position;
    timeline_key_decode(&position, key.data);
    const uint8_t *from = value.data;
    size_t record_bytes = value.bytes - TIMELINE_ROW_HEADER_BYTES;
    *ret = (struct timeline_row){
        .seq = load_u64_le(from + AT_SEQ),
        .entry =
            {
                .kind = from[AT_KIND],
                .severity = from[AT_SEVERITY],
                .flags = load_u16_le(from + AT_FLAGS),
                .region = position.region,
                .category_tag = load_u32_le(from + AT_CATEGORY_TAG),
                .record_bytes = (uint32_t)record_bytes,
                .occurred_ms = position.occurred_ms,
                .received_ms = (int64_t)load_u64_le(from + AT_RECEIVED_MS),
                .identity = {.low = position.identity_low,
                             .high = load_u64_le(from + AT_IDENTITY_HIGH)},
                .content_tag = load_u64_le(from + AT_CONTENT_TAG),
            },
        .record = {from + TIMELINE_ROW_HEADER_BYTES, record_bytes},
    };
    return STATUS_OK;
}
