/* A journal entry as it stands in memory: what a block's index section and the recent runs hold for
 * each event, beside its record (core/record.h). 64 bytes, one cache line. */
#ifndef CORE_ENTRY_H
#define CORE_ENTRY_H

#include "core/base.h"

/* Stored in entries on disk: numbers are never reused. */
enum entry_kind { ENTRY_REPORT = 1 };

enum entry_flag {
    ENTRY_CLOCK_SUSPECT =
        1 << 0,                  /* occurred_at was ahead of our clock, received_at stands for it */
    ENTRY_DERIVED_ID = 1 << 1,   /* the client gave no id */
    ENTRY_HAS_POSITION = 1 << 2, /* the record carries a WGS 84 position */
    ENTRY_LOCATED = 1 << 3,      /* the grid was found from the position */
};

/* XXH3-128 of (source, id), keyed with the store's seed. */
struct identity {
    uint64_t low, high;
};

struct entry {
    uint8_t kind; /* enum entry_kind */
    uint8_t severity;
    uint16_t flags;
    uint32_t region;
    uint32_t category_tag;
    uint32_t record_bytes;
    int64_t occurred_ms;
    int64_t received_ms;
    struct identity identity;
    uint64_t content_tag;
    uint64_t record_offset; /* within the block's or the run's payload */
};
_Static_assert(sizeof(struct entry) == 64, "an entry is one cache line");

const char *entry_kind_name(enum entry_kind kind);

#endif
