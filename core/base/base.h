/* The few things every file needs: attributes, borrowed bytes, small arithmetic.
 *
 * May include: C headers without I/O. Everything here is O(1). */
#ifndef CORE_BASE_BASE_H
#define CORE_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
/* For scratch on the hot path that is written before it is read: where hardening clears locals,
 * clearing a token costs as much as reading one. */
#define UNINITIALIZED __attribute__((uninitialized))
#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Bytes somebody else owns. `data` may be NULL only when `bytes` is 0. */
struct slice {
    const uint8_t *data;
    size_t bytes;
};

/* A string literal or NUL-terminated text as a slice, without its NUL. Borrowed. */
#define SLICE_LITERAL(text) ((struct slice){(const uint8_t *)(text), sizeof(text) - 1})
struct slice slice_text(const char *text);
bool slice_equal(struct slice a, struct slice b);
bool slice_is(struct slice a, const char *text);

static inline uint64_t min_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

#endif
