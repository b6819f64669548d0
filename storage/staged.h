/* Rows that are written at random keys, on their way into sorted files: rows of incidents and of
 * their members. A commit's are one pack, a value that is logged whole under the commit's number in
 * the order it comes, so that no row is looked for in a memtable of RocksDB. In memory a pack is a
 * segment, rows sorted and never changed; segments of like size are merged, of a key the newest row
 * stays. What has gathered is written as one sorted file a family and leaves memory.
 *
 * Whoever reads takes the segments and then, still under the lock, looks at the store: what is not
 * in the segments any more is in the store by then, and what is in both is the same or newer in the
 * segments.
 *
 * Threads: one adds, one settles, any read. No I/O here. */
#ifndef STORAGE_STAGED_H
#define STORAGE_STAGED_H

#include "storage/store.h"

enum {
    STAGED_FAMILIES = 2,
    STAGED_KEY_BYTES_MAX = 64,
    /* Eight of one tier become one of the next: seven tiers of them while a set is being written
     * and seven behind it. When they are all there is room for, they become one. */
    STAGED_MERGE = 8,
    STAGED_SEGMENTS_MAX = 2 * 7 * (STAGED_MERGE - 1),
};

/* Is this a family whose rows are staged? */
static inline bool staged_family(enum family family) {
    return family == FAMILY_INCIDENTS || family == FAMILY_MEMBERS;
}

/* A pack while it is filled, in the form that is on disk (storage/README.md). Zeroed: empty. */
struct staged_pack {
    uint8_t *data;
    size_t bytes, bytes_max;
    uint32_t rows_count;
    bool failed; /* there was no memory: the pack is not whole */
};
void staged_pack_reset(struct staged_pack *pack);
void staged_pack_deinit(struct staged_pack *pack);
/* A later row of the same key wins. `value` in parts; NULL: the row goes. */
void staged_pack_put(struct staged_pack *pack, enum family family, struct slice key,
                     const struct slice *value, size_t parts_count);

/* Opaque; shared by reference. */
struct staged_segment;
/* The pack's rows sorted, of each key the last. Takes the pack's memory over (the pack is empty
 * afterwards). CORRUPT: this is no pack. NO_MEMORY. Both leave the pack alone. O(n) when the rows
 * were put in order. */
MUST_USE enum status staged_segment_new(struct staged_segment **ret, struct staged_pack *pack,
                                        uint64_t number);
void staged_segment_unref(struct staged_segment *segment);

struct staged; /* opaque */
MUST_USE enum status staged_new(struct staged **ret);
/* NULL is allowed. No view may be out. */
void staged_free(struct staged *staged);
/* Its rows are seen from now on; numbers rise. Takes the segment over, on failure too. NO_MEMORY:
 * what it has is not seen. Amortised O(rows * log of what is staged). */
MUST_USE enum status staged_add(struct staged *staged, struct staged_segment *segment);
/* Of all segments. Any thread. */
uint64_t staged_bytes(const struct staged *staged);

/* The segments as of one moment, oldest first. */
struct staged_view {
    size_t count;
    struct staged_segment *segments[STAGED_SEGMENTS_MAX];
};
/* `at_once` is called under the lock: nothing is added or taken out between the view and it. NULL
 * is allowed. */
void staged_acquire(struct staged *staged, struct staged_view *ret, void (*at_once)(void *context),
                    void *context);
void staged_release(struct staged *staged, struct staged_view *view);

/* Begins to settle: gives all segments there are. They stay as they are until staged_settled, which
 * takes them out. `*ret_number` is the highest pack's. False: there is nothing. */
bool staged_settle(struct staged *staged, struct staged_view *ret, uint64_t *ret_number);
void staged_settled(struct staged *staged, struct staged_view *view);

enum staged_state { STAGED_ABSENT, STAGED_HERE, STAGED_REMOVED };
/* The newest row of a key; `*ret` (when HERE) holds until the view is released. O(segments * log).
 */
enum staged_state staged_find(const struct staged_view *view, enum family family, struct slice key,
                              struct slice *ret);

/* Walks the keys of one family in a view, each with its newest row, removed ones too, in the
 * direction that it was set out in. */
struct staged_cursor {
    const struct staged_view *view;
    enum family family;
    bool backward, valid;
    uint32_t at[STAGED_SEGMENTS_MAX]; /* forward: the next row; backward: one past it */
    size_t current;                   /* segment */
};
void staged_cursor_init(struct staged_cursor *cursor, const struct staged_view *view,
                        enum family family);
/* The first key at or behind `key`; backward: the last at or before it. `beyond`: not at it. */
void staged_cursor_seek(struct staged_cursor *cursor, struct slice key, bool backward, bool beyond);
void staged_cursor_seek_last(struct staged_cursor *cursor);
/* Valid only. */
void staged_cursor_step(struct staged_cursor *cursor);
struct slice staged_cursor_key(const struct staged_cursor *cursor);
/* False: the row was removed. */
bool staged_cursor_value(const struct staged_cursor *cursor, struct slice *ret);

/* Compares as memcmp does; a key that another one begins with is the lesser. */
int staged_compare_keys(struct slice a, struct slice b);

#endif
