/* What statistics are grouped by, and the keys of groups: as numbers, and as words of the API. Any
 * thread. */
#ifndef SERVER_API_STATS_KEY_H
#define SERVER_API_STATS_KEY_H

#include "core/policy/policy.h"
#include "core/region/region.h"

enum { STATS_DAY_OFFSET_MS = 8 * 3600 * 1000 }; /* days are those of China's clock, UTC+8 */

enum stats_by {
    STATS_BY_NOTHING,
    STATS_BY_CATEGORY,
    STATS_BY_REGION, /* children of the region asked for; the roots when none is */
    STATS_BY_CHANNEL,
    STATS_BY_UNIT,
    STATS_BY_DAY,
};
/* Empty for NOTHING. */
const char *stats_by_name(enum stats_by by);
MUST_USE bool stats_by_parse(enum stats_by *ret, struct slice text);

/* What names are looked up in. */
struct stats_names {
    const struct policy *policy;
    const struct region_table *regions;
};

enum { STATS_KEY_BYTES = 24 };
/* A group's key in words, and its name (empty: it has none); `to` is used where the key has no text
 * of its own. A tag that the policy no longer has is "tag-" and 8 hexadecimal digits; nothing at
 * all is the empty word. */
struct slice stats_key_text(char to[STATS_KEY_BYTES], const struct stats_names *names,
                            enum stats_by by, uint64_t key, struct slice *ret_name);
/* The reverse; false: no such key. */
MUST_USE bool stats_key_parse(uint64_t *ret, const struct stats_names *names, enum stats_by by,
                              struct slice text);

/* Is the region of the scope, and which key has it? Ids that the table does not have are nowhere.
 */
bool stats_region_is_in(const struct region_table *regions, uint32_t root, uint32_t region);
uint64_t stats_region_key(const struct region_table *regions, uint32_t root, uint32_t region);
uint64_t stats_day_key(int64_t at_ms);

/* `count` lower-case hexadecimal digits, 16 at most. */
MUST_USE bool stats_hex_parse(uint64_t *ret, const uint8_t *digits, size_t count);

#endif
