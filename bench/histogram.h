/* Latencies in nanoseconds in logarithmic buckets, 128 to each doubling: a percentile is never more
 * than 0.8 % above the true value, whatever the range. Adding is O(1). */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include "core/base/base.h"

enum { LATENCY_SUB_BITS = 7, LATENCY_BUCKETS = (64 - LATENCY_SUB_BITS + 1) << LATENCY_SUB_BITS };

struct latency {
    uint64_t counts[LATENCY_BUCKETS];
    uint64_t count, max_ns;
    double sum_ns;
};

void latency_init(struct latency *latency);
void latency_add(struct latency *latency, uint64_t ns);
void latency_merge(struct latency *to, const struct latency *from);
/* The value that `share` (0..1) of all values do not exceed: upper end of its bucket, at most the
 * largest value seen. 0 when empty. O(buckets). */
uint64_t latency_percentile_ns(const struct latency *latency, double share);

#endif
