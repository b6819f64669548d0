/* The regions of a query as bits: membership and the next wanted region without sorting. */
#ifndef STORAGE_REGION_BITS_H
#define STORAGE_REGION_BITS_H

#include "core/base/status.h"

struct region_bits {
    uint64_t *words;
    size_t words_count;
    size_t regions_count;
};

MUST_USE enum status region_bits_init(struct region_bits *bits, const uint32_t *regions,
                                      size_t regions_count);
void region_bits_deinit(struct region_bits *bits);
bool region_bits_has(const struct region_bits *bits, uint32_t region);
/* The first wanted region >= `region` (`upward`) or the last <= `region`. O(words stepped over). */
MUST_USE bool region_bits_find(const struct region_bits *bits, uint32_t region, bool upward,
                               uint32_t *ret);

#endif
