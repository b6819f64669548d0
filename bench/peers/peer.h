/* What a user might keep reports in instead of gridd, each driven in the way that suits it best.
 *
 * A peer keeps each report once by its id and finds it again by its grid, as gridd does; what else
 * gridd does for it (incidents, tickets, deadlines, the feed) is in no peer's figures. Everything a
 * peer wants to know of a report is cut out before the clock starts. */
#ifndef BENCH_PEERS_PEER_H
#define BENCH_PEERS_PEER_H

#include "bench/client.h"

struct peer_report {
    struct slice id, grid, occurred_at;
    struct slice line; /* the JSON, without its line feed */
};

struct peer {
    const char *name, *help;
    /* Makes what the reports go into: tables, streams, scripts. Once, before the clock starts. */
    void (*prepare)(const struct target *target);
    /* One connection, used by one thread. */
    void *(*connect)(const struct target *target, unsigned number);
    /* Sends `count` reports and waits until the peer has answered all of them as kept. They lie one
     * after the other, so that `reports[0].line` begins a body of NDJSON. Ends the program with a
     * sentence when the peer refuses. */
    void (*send)(void *connection, const struct peer_report *reports, size_t count);
    void (*disconnect)(void *connection);
    /* How many reports it holds now, asked of the peer. */
    uint64_t (*stored)(const struct target *target);
};

extern const struct peer peer_redis_pipeline, peer_redis_script, peer_postgres, peer_postgres_bare,
    peer_nats, peer_clickhouse;

/* Workloads of this program: see main.c. */
struct peer_options {
    struct target target;
    uint64_t server_pid; /* its children count too; 0: unknown */
    uint64_t events, bulk, connections, seed, grids, readers, messages, window;
    double repeated_pct, rate;
    const char *json_path;
};
int peer_intake_main(const struct peer *peer, const struct peer_options *options);
int peer_fan_main(const char *peer, const struct peer_options *options);
int peer_timers_main(const struct peer_options *options);

/* CPU seconds of a process, its threads and its descendants, those that ended and were waited for
 * included. O(processes). */
double tree_cpu_s(uint64_t pid);

#endif
