/* Instants: milliseconds since 1970-01-01T00:00:00Z, and their text form (RFC 3339).
 * The proleptic Gregorian day arithmetic needs no tables and no time zone data. O(1) each. */
#ifndef CORE_TEXT_INSTANT_H
#define CORE_TEXT_INSTANT_H

#include "core/base/status.h"

enum {
    INSTANT_TEXT_BYTES = 24, /* 2026-11-22T08:30:00.000Z */
    DAY_MS = 86400000,
};

/* Reads an RFC 3339 date-time with a zone; digits past milliseconds are dropped. A leap second
 * (23:59:60 UTC) counts as the following midnight. Years 0000-9999. On failure `*ret_why` is a
 * static sentence saying what is wrong with the text. */
MUST_USE bool instant_parse(int64_t *ret_ms, struct slice text, const char **ret_why);

/* Writes exactly INSTANT_TEXT_BYTES bytes, no NUL. CHECKs that the year is 0000-9999. */
void instant_format(char *to, int64_t ms);

/* UTC day number, rounding towards the past. */
static inline int64_t instant_day(int64_t ms) {
    return (ms - (((ms % DAY_MS) + DAY_MS) % DAY_MS)) / DAY_MS;
}

#endif
