/* A hierarchical timing wheel over the caller's memory: which deadlines are due, in order.
 *
 * Six levels of 4096 slots, 1 ms a slot in the lowest: together they cover every 64-bit instant, so
 * there is no overflow list, and no deadline fires early or is rounded. A deadline stands in the
 * level of the highest 12-bit digit in which it differs from the wheel's time; when time enters its
 * slot it moves down. (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987,
 * scheme 7.)
 *
 * Order: by due_ms, equal ones in the order they were armed. What is armed when already due counts
 * as due at the wheel's time. The same calls give the same order.
 *
 * Cost: arm and cancel O(1); a deadline moves down once per level, at most 5 times, once when it is
 * due within 4 hours. Memory: 32 bytes a deadline, touched only where deadlines go, and 200 KiB (so
 * a struct wheel is no local variable). Not thread-safe. */
#ifndef CORE_TIME_WHEEL_H
#define CORE_TIME_WHEEL_H

#include "core/base/status.h"
#include "core/time/deadline.h"

enum {
    WHEEL_LEVEL_BITS = 12,
    WHEEL_LEVEL_SLOTS = 1 << WHEEL_LEVEL_BITS,
    WHEEL_LEVELS = (64 + WHEEL_LEVEL_BITS - 1) / WHEEL_LEVEL_BITS,
    WHEEL_SLOTS = WHEEL_LEVELS * WHEEL_LEVEL_SLOTS,
    WHEEL_WORDS = WHEEL_LEVEL_SLOTS / 64,
    WHEEL_ENTRIES_MAX = 1 << 30,
};

/* Names one arming; 0 names none. It goes stale when its deadline fires, is cancelled or dropped,
 * and is recognised as stale for the next 2^32 uses of its entry. */
typedef uint64_t wheel_handle;

enum { WHEEL_FREE_MAX = 4 };

struct wheel_entry {
    union {
        struct {
            int64_t due_ms;
            uint64_t object;
        };
        uint32_t free[WHEEL_FREE_MAX]; /* while free: other free entries, `prev` of them */
    };
    uint32_t next, prev; /* of its slot, the ends name the slot; while free: `next` such list */
    uint32_t kind;       /* stage, point, part */
    uint32_t generation; /* odd while armed */
};
_Static_assert(sizeof(struct wheel_entry) == 32, "two entries are one cache line");

struct wheel_slot {
    uint32_t head, tail;
};

struct wheel {
    struct wheel_entry *entries;
    uint32_t capacity, count;
    uint32_t used;   /* entries from here on were never touched */
    uint32_t free;   /* first of the free ones before `used` */
    uint32_t moving; /* slot that is being moved down; WHEEL_SLOTS: none */
    uint64_t tick;   /* the wheel's time: due_ms with its sign bit flipped */
    uint64_t filled[WHEEL_LEVELS][WHEEL_WORDS]; /* a bit a slot */
    uint64_t filled_words[WHEEL_LEVELS];        /* a bit a word of it */
    struct wheel_slot slots[WHEEL_SLOTS];
};

size_t wheel_bytes(uint32_t capacity);
/* `memory` (wheel_bytes of it, 32-byte aligned, any content, best in huge pages) stays the
 * caller's. 1 <= capacity <= WHEEL_ENTRIES_MAX. The wheel's time begins at `now_ms`. */
void wheel_init(struct wheel *wheel, void *memory, uint32_t capacity, int64_t now_ms);
static inline uint32_t wheel_count(const struct wheel *wheel) {
    return wheel->count;
}
int64_t wheel_now_ms(const struct wheel *wheel);

/* FULL: every entry is in use. `ret_handle` may be NULL. */
MUST_USE enum status wheel_arm(struct wheel *wheel, const struct deadline *deadline,
                               wheel_handle *ret_handle);
/* NOT_FOUND: the handle is stale. CHECKs that it is one of this wheel's. */
enum status wheel_cancel(struct wheel *wheel, wheel_handle handle);

/* Moves time on to `now_ms` (an earlier one than the wheel's is taken as "not later") and takes out
 * what is due, in order, `due_max` of it at most. Each deadline taken out or moved down and each
 * slot visited is a step; at most `steps_max` are made (both at least 1). `*ret_more`: a bound was
 * reached and time has not arrived at `now_ms` yet; call again. Returns how many are in `ret_due`.
 */
size_t wheel_advance(struct wheel *wheel, int64_t now_ms, uint32_t steps_max,
                     struct deadline *ret_due, size_t due_max, bool *ret_more);
/* No deadline is due earlier; exact when it is within the wheel's current 4 seconds.
 * INT64_MAX: nothing is armed. */
int64_t wheel_next_ms(const struct wheel *wheel);

/* The start of the farthest slot: every deadline in it is due then or later, all others before.
 * False: there is none after the wheel's time. O(levels). */
MUST_USE bool wheel_last_slot_ms(const struct wheel *wheel, int64_t *ret_ms);
/* Drops deadlines of the farthest slots, down to the one that starts at `from_ms` (a value of
 * wheel_last_slot_ms), `steps_max` of them at most. True: none is left there. */
bool wheel_drop_from(struct wheel *wheel, int64_t from_ms, uint32_t steps_max);

#endif
