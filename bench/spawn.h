/* A gridd of our own on a fresh data directory, and what the kernel says about a process. */
#ifndef BENCH_SPAWN_H
#define BENCH_SPAWN_H

#include "bench/client.h"

#include <sys/types.h>

struct spawned {
    pid_t pid;
    char directory[4096]; /* holds data/ and server.log */
    struct target target;
};

/* Starts the `gridd` that lies beside this program with --no-auth on a port of its own, its data in
 * a new directory under `root`; dies when it does not come up. It cannot outlive this program.
 * `arguments` (NULL-terminated) are added to its command line. */
void spawn_gridd(struct spawned *ret, const char *root, const char *const *arguments);
/* SIGTERM, waits, removes the directory unless `keep`. Dies when the server did not end with 0. */
void spawn_end(struct spawned *spawned, bool keep);

struct process_use {
    double cpu_s;       /* user and system, all threads */
    double merge_cpu_s; /* of it RocksDB's threads that merge sealed runs (rocksdb:low) */
    double rss_mib, rss_peak_mib;
};
/* Zeros when there is no such process. */
void process_use(pid_t pid, struct process_use *ret);

#endif
