#include "bench/histogram.h"

#include <math.h>
#include <string.h>

enum { SUB_BUCKETS = 1 << LATENCY_SUB_BITS };

void latency_init(struct latency *latency) {
    memset(latency, 0, sizeof *latency);
}

/* Values below SUB_BUCKETS have a bucket each; above, the top LATENCY_SUB_BITS bits behind the
 * leading one choose among the buckets of that doubling. */
static size_t bucket_of(uint64_t ns) {
    if (ns < SUB_BUCKETS) {
        return (size_t)ns;
    }
    unsigned doubling = 63U - (unsigned)__builtin_clzll(ns) - LATENCY_SUB_BITS;
    return ((size_t)(doubling + 1) << LATENCY_SUB_BITS) + (size_t)(ns >> doubling) - SUB_BUCKETS;
}

/* Largest value of a bucket. */
static uint64_t bucket_top_ns(size_t bucket) {
    if (bucket < SUB_BUCKETS) {
        return bucket;
    }
    unsigned doubling = (unsigned)(bucket >> LATENCY_SUB_BITS) - 1;
    uint64_t sub = (bucket & (SUB_BUCKETS - 1)) + SUB_BUCKETS;
    return ((sub + 1) << doubling) - 1;
}

void latency_add(struct latency *latency, uint64_t ns) {
    latency->counts[bucket_of(ns)]++;
    latency->count++;
    latency->sum_ns += (double)ns;
    latency->max_ns = max_u64(latency->max_ns, ns);
}

void latency_merge(struct latency *to, const struct latency *from) {
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        to->counts[i] += from->counts[i];
    }
    to->count += from->count;
    to->sum_ns += from->sum_ns;
    to->max_ns = max_u64(to->max_ns, from->max_ns);
}

uint64_t latency_percentile_ns(const struct latency *latency, double share) {
    uint64_t rank = (uint64_t)ceil(share * (double)latency->count);
    uint64_t seen = 0;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        seen += latency->counts[i];
        if (seen > 0 && seen >= rank) {
            return min_u64(bucket_top_ns(i), latency->max_ns);
        }
    }
    return 0;
}
