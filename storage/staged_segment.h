/* A segment of staged rows (staged.h) inside: what building, merging and walking share. */
#ifndef STORAGE_STAGED_SEGMENT_H
#define STORAGE_STAGED_SEGMENT_H

#include "storage/staged.h"

struct staged_row {
    uint64_t head;       /* first eight bytes of the key, big-endian; zeros behind a shorter one */
    const uint8_t *data; /* key, then value */
    uint32_t value_bytes;
    uint16_t key_bytes;
    uint8_t slot; /* staged_slot of the family */
    bool remove;
};

struct staged_segment {
    atomic_uint refs;
    unsigned tier;
    bool settling;   /* it is not merged any more */
    uint64_t number; /* the highest of its packs */
    size_t bytes;
    uint8_t *data;
    struct staged_row *rows;
    uint32_t starts[STAGED_FAMILIES + 1]; /* where each family's rows begin, and the end */
};

static inline unsigned staged_slot(enum family family) {
    return family == FAMILY_MEMBERS ? 1 : 0;
}
static inline struct slice staged_row_key(const struct staged_row *row) {
    return (struct slice){row->data, row->key_bytes};
}
static inline struct slice staged_row_value(const struct staged_row *row) {
    return (struct slice){row->data + row->key_bytes, row->value_bytes};
}
uint64_t staged_head(struct slice key);
/* Of two rows of one family. */
static inline int staged_compare(const struct staged_row *a, uint64_t head, struct slice key) {
    return a->head != head ? (a->head < head ? -1 : 1)
                           : staged_compare_keys(staged_row_key(a), key);
}
/* Empty, with room for so many rows and, unless it is 0, for so many bytes of them. */
MUST_USE enum status staged_segment_reserve(struct staged_segment **ret, size_t rows_max,
                                            size_t bytes_max);
/* One of several, oldest first, with the newest row of each key; the removed ones stay. */
MUST_USE enum status staged_segment_merge(struct staged_segment **ret,
                                          struct staged_segment *const *from, size_t count);

#endif
