/* What the workloads share: a server to measure, its region tree, and how results are written. */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include "bench/generator.h"
#include "bench/histogram.h"
#include "bench/options.h"
#include "bench/spawn.h"
#include "server/json_out.h"

struct bench {
    const struct options *options;
    struct target target;
    bool own; /* `spawned` is ours to end */
    struct spawned spawned;
    pid_t server_pid; /* 0: unknown */
    struct bench_tree tree;
};

/* Starts or finds the server and uploads the tree. Dies with a sentence when something is wrong. */
void bench_begin(struct bench *bench, const struct options *options);
void bench_end(struct bench *bench);

/* What acknowledged means, for every figure that counts acknowledged reports. */
extern const char bench_durable[];

/* Sends `load` as fast as answers come or at options->rate; fills the latencies. */
struct ingest_result {
    double seconds, client_cpu_s;
    struct process_use before, after;
    uint64_t requests, failed_requests; /* answers other than 2xx, 409 and 422 */
    uint64_t sent_again;                /* refused with 503 while the disk was behind, not failed */
    uint64_t created, merged, replayed, conflict, invalid;
    struct latency latency;
};
void ingest_run(struct ingest_result *ret, const struct bench *bench, const struct load *load,
                uint64_t bulk, double reports_rate);

/* JSON members and lines of a table. */
void json_latency(struct json_out *out, const char *key, const struct latency *latency);
void json_member_u64(struct json_out *out, const char *key, uint64_t value);
void json_member_double(struct json_out *out, const char *key, double value);
void json_member_text(struct json_out *out, const char *key, const char *value);
void print_latency(const char *what, const struct latency *latency);
void write_json_file(const char *path, const struct buffer *json);

int ingest_main(const struct options *options);
int feed_main(const struct options *options);
int timeline_main(const struct options *options);
int mixed_main(const struct options *options);
int timers_main(const struct options *options);
int incidents_main(const struct options *options);
int limits_main(const struct options *options);
int calendar_main(const struct options *options);

/* A server in a child process that takes any HTTP request in whole and answers 200 with a few
 * bytes: what libuv and llhttp alone can do on this machine. */
pid_t null_server_start(struct target *ret);
/* The same, but it reads every line's JSON, packs it and appends it to a file under `directory`,
 * synced before the answer: what gridd's intake could be at most. */
pid_t null_pipeline_start(struct target *ret, const char *directory);

#endif
