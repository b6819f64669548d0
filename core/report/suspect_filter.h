/* Which identities may be those of clock-suspect reports: a Bloom filter, blocked so that a
 * question is one cache miss.
 *
 * A clock-suspect report is stored under its first received_at, so its timeline key cannot be told
 * from a repeat of it. The store keeps such identities in rows of their own
 * (storage/suspects.h); the filter says, without asking the store, for nearly every other report
 * that it has no such row. It forgets nothing and never says no where the answer is yes. Past some
 * hundred thousand identities it says "maybe" more often (1 million: 2 in 100), which costs
 * look-ups and nothing else. */
#ifndef CORE_REPORT_SUSPECT_FILTER_H
#define CORE_REPORT_SUSPECT_FILTER_H

#include "core/report/entry.h"

enum { SUSPECT_FILTER_BYTES = 1 << 20 };

struct suspect_filter {
    uint64_t *words;
    uint64_t count; /* identities added */
};

/* `memory` (SUSPECT_FILTER_BYTES of it, 64-byte aligned, zeroed) stays the caller's. It is touched
 * only where identities go. */
void suspect_filter_init(struct suspect_filter *filter, void *memory);
/* O(1). Adding one twice is allowed. */
void suspect_filter_add(struct suspect_filter *filter, struct identity identity);
/* False: it was never added. O(1); without identities memory is not looked at. */
bool suspect_filter_may_have(const struct suspect_filter *filter, struct identity identity);

#endif
