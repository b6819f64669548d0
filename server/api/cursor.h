/* Opaque list cursors: where the next page begins, as text that a client only hands back.
 *
 * base64url without padding of
 *
 *     u8 version (1) | u8 kind | u32 check LE | position bytes
 *
 * `check` is the low half of XXH3-64 over version, kind and position, seeded with the binding: a
 * hash of everything the page belongs to (the region, the order, the filters). So a damaged cursor
 * and one of another list are both found out. It is no secret: a cursor grants nothing. */
#ifndef SERVER_API_CURSOR_H
#define SERVER_API_CURSOR_H

#include "core/base/base.h"
#include "storage/keys.h"

enum cursor_kind {
    CURSOR_TIMELINE = 1,
    CURSOR_CHILDREN = 2,
    /* Of a number or two: the last one that a page has. */
    CURSOR_TICKETS = 3,
    CURSOR_INCIDENTS = 4,
    CURSOR_MEMBERS = 5,
    CURSOR_ADDRESSEES = 6,
    CURSOR_AUDIT = 7,
};

/* Where lists of numbered things go on. */
struct cursor_numbers {
    uint64_t first, second; /* second 0: there is none */
};

enum {
    CURSOR_VERSION = 1,
    CURSOR_HEADER_BYTES = 6,
    CURSOR_POSITION_BYTES_MAX = TIMELINE_KEY_BYTES,
    CURSOR_TEXT_BYTES_MAX = (CURSOR_HEADER_BYTES + CURSOR_POSITION_BYTES_MAX) * 4 / 3 + 2,
};

/* What a cursor belongs to, in one number. */
uint64_t cursor_binding(const uint64_t *values, size_t count);

/* Each writes the cursor and a NUL into `to` and returns the length without it. */
size_t cursor_from_timeline(char to[CURSOR_TEXT_BYTES_MAX], uint64_t binding,
                            const struct timeline_position *position);
size_t cursor_from_region(char to[CURSOR_TEXT_BYTES_MAX], uint64_t binding, uint32_t region);
size_t cursor_from_numbers(char to[CURSOR_TEXT_BYTES_MAX], enum cursor_kind kind, uint64_t binding,
                           struct cursor_numbers numbers);

/* False: not a cursor, damaged, of another version, or of another list. */
MUST_USE bool cursor_to_timeline(struct timeline_position *ret, uint64_t binding,
                                 struct slice text);
MUST_USE bool cursor_to_region(uint32_t *ret_region, uint64_t binding, struct slice text);
MUST_USE bool cursor_to_numbers(struct cursor_numbers *ret, enum cursor_kind kind, uint64_t binding,
                                struct slice text);

#endif
