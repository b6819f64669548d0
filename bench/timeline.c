#include "bench/clock.h"
#include "bench/settle.h"
#include "bench/workload.h"
#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>

/* Newest 50 rows of a random grid: what opening a grid on a map costs. */
enum { TIMELINE_ROWS = 50, PATH_BYTES_MAX = 160 };

struct queries {
    const struct bench *bench;
    struct prng prng;
    uint64_t end_ns, failed, bytes;
    char (*paths)[PATH_BYTES_MAX]; /* one a connection */
    struct latency latency;
};

static bool next_query(void *context, uint32_t connection, struct client_request *ret) {
    struct queries *queries = context;
    if (monotonic_ns() >= queries->end_ns) {
        return false;
    }
    const struct bench_tree *tree = &queries->bench->tree;
    const char *grid = tree->grids[prng_below(&queries->prng, tree->grids_count)];
    snprintf(queries->paths[connection], PATH_BYTES_MAX, "/v1/grids/%s/timeline?limit=%d", grid,
             TIMELINE_ROWS);
    *ret = (struct client_request){.method = "GET", .path = queries->paths[connection]};
    return true;
}

static void on_answer(void *context, const struct client_answer *answer) {
    struct queries *queries = context;
    latency_add(&queries->latency, answer->done_ns - answer->started_ns);
    queries->bytes += answer->body.bytes;
    queries->failed += answer->status != 200;
}

static void load_reports(const struct bench *bench, struct ingest_result *result) {
    struct load load;
    const struct load_options load_options = {.seed = bench->options->seed,
                                              .lines = bench->options->events,
                                              .now_ms = wall_ms(),
                                              .tree = &bench->tree};
    if (!load_make(&load, &load_options)) {
        die("not enough memory for %llu reports", (unsigned long long)bench->options->events);
    }
    ingest_run(result, bench, &load, bench->options->bulk, 0);
    load_free(&load);
}

static void report(const struct options *options, const struct queries *queries, double seconds,
                   double server_cpu_s) {
    double count = (double)queries->latency.count;
    printf("\ntimeline: newest %d rows of random grids among %zu, %llu reports stored, "
           "%llu connections\n",
           TIMELINE_ROWS, queries->bench->tree.grids_count, (unsigned long long)options->events,
           (unsigned long long)options->connections);
    printf("%-26s %.0f\n", "queries/s", count / seconds);
    print_latency("latency", &queries->latency);
    printf("%-26s %.1f\n", "server CPU us/query", server_cpu_s * 1e6 / count);
    printf("%-26s %.0f\n", "bytes/answer", (double)queries->bytes / count);
    printf("%-26s %llu\n", "failed", (unsigned long long)queries->failed);
    printf("%-26s %s\n", "durable", bench_durable);
    struct buffer json;
    struct json_out out;
    buffer_init(&json);
    json_out_init(&out, &json);
    json_out_object_begin(&out);
    json_member_text(&out, "workload", "timeline");
    json_member_u64(&out, "events", options->events);
    json_member_u64(&out, "grids", queries->bench->tree.grids_count);
    json_member_u64(&out, "connections", options->connections);
    json_member_double(&out, "seconds", seconds);
    json_member_double(&out, "queries_per_s", count / seconds);
    json_latency(&out, "latency_ms", &queries->latency);
    json_member_double(&out, "server_cpu_us_per_query", server_cpu_s * 1e6 / count);
    json_member_u64(&out, "failed", queries->failed);
    json_member_text(&out, "durable", bench_durable);
    json_out_object_end(&out);
    write_json_file(options->json_path, &json);
    buffer_deinit(&json);
}

int timeline_main(const struct options *options) {
    struct bench bench;
    bench_begin(&bench, options);
    struct ingest_result *loaded = malloc(sizeof *loaded);
    struct queries *queries = calloc(1, sizeof *queries);
    CHECK(loaded != NULL && queries != NULL);
    load_reports(&bench, loaded);
    if (options->settle_s > 0) {
        struct settled settled;
        settle(&settled, &bench, &loaded->before);
    }
    queries->bench = &bench;
    queries->paths = calloc(options->connections, sizeof *queries->paths);
    CHECK(queries->paths != NULL);
    prng_init(&queries->prng, options->seed);
    const struct client_options client = {.target = &bench.target,
                                          .connections = (uint32_t)options->connections,
                                          .rate = options->rate,
                                          .context = queries,
                                          .next = next_query,
                                          .answered = on_answer};
    struct process_use before, after;
    process_use(bench.server_pid, &before);
    queries->end_ns = monotonic_ns() + options->seconds * UINT64_C(1000000000);
    double seconds = (double)client_run(&client) / 1e9;
    process_use(bench.server_pid, &after);
    report(options, queries, seconds, after.cpu_s - before.cpu_s);
    int code = queries->failed == 0 && loaded->failed_requests == 0 ? 0 : 1;
    free(queries->paths);
    free(queries);
    free(loaded);
    bench_end(&bench);
    return code;
}
