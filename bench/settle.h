/* After the load the sealer and RocksDB go on for a while; that work belongs to the load too. */
#ifndef BENCH_SETTLE_H
#define BENCH_SETTLE_H

#include "bench/workload.h"

struct settled {
    double seconds, cpu_s; /* waited; CPU of the server since `since` */
    uint64_t seq, sealed_through;
    struct process_use use;
    bool quiet; /* it became quiet before we stopped waiting */
};

/* Waits until two seconds passed without a sealed run and with less than 5 % of a CPU used, or for
 * --settle seconds. */
void settle(struct settled *ret, const struct bench *bench, const struct process_use *since);

#endif
