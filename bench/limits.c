#include "bench/clock.h"
#include "bench/workload.h"
#include "core/base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const size_t append_bytes[] = {4096, 262144};

/* Appends and fdatasyncs until the time is over: what a commit costs on this disk at this hour. */
static void measure_sync(struct latency *ret, const char *directory, size_t bytes,
                         uint64_t seconds) {
    char path[4096];
    snprintf(path, sizeof path, "%s/gridd-bench-sync-XXXXXX", directory);
    int fd = mkstemp(path);
    uint8_t *data = malloc(bytes);
    if (fd < 0 || data == NULL) {
        die("cannot make a file under %s: %s", directory, strerror(errno));
    }
    memset(data, 'x', bytes);
    latency_init(ret);
    uint64_t end_ns = monotonic_ns() + seconds * UINT64_C(1000000000);
    for (uint64_t now_ns = monotonic_ns(); now_ns < end_ns;) {
        if (write(fd, data, bytes) != (ssize_t)bytes || fdatasync(fd) != 0) {
            die("writing %s failed: %s", path, strerror(errno));
        }
        uint64_t done_ns = monotonic_ns();
        latency_add(ret, done_ns - now_ns);
        now_ns = done_ns;
    }
    unlink(path);
    close(fd);
    free(data);
}

static void report_sync(struct json_out *out, const struct options *options,
                        struct latency *latency) {
    for (size_t i = 0; i < ARRAY_COUNT(append_bytes); i++) {
        char label[64];
        measure_sync(latency, options->directory, append_bytes[i], options->seconds);
        snprintf(label, sizeof label, "append+fdatasync %zu KiB", append_bytes[i] / 1024);
        print_latency(label, latency);
        snprintf(label, sizeof label, "fdatasync_%zu_kib_ms", append_bytes[i] / 1024);
        json_latency(out, label, latency);
    }
}

/* The ingest load against a server that does less than gridd. */
static void report_null(struct json_out *out, const struct options *options,
                        const struct load *load, struct bench *bench, const char *name,
                        const char *key) {
    struct ingest_result *result = malloc(sizeof *result);
    CHECK(result != NULL);
    ingest_run(result, bench, load, options->bulk, 0);
    double lines = (double)load->lines, per_s = lines / result->seconds;
    double server_cpu_s = result->after.cpu_s - result->before.cpu_s;
    printf("%-26s %.0f reports/s in uploads of %llu, server CPU s/million %.3f, client %.3f\n",
           name, per_s, (unsigned long long)options->bulk, server_cpu_s * 1e6 / lines,
           result->client_cpu_s * 1e6 / lines);
    json_out_key(out, key);
    json_out_object_begin(out);
    json_member_u64(out, "bulk", options->bulk);
    json_member_double(out, "reports_per_s", per_s);
    json_member_double(out, "server_cpu_s_per_million", server_cpu_s * 1e6 / lines);
    json_member_double(out, "client_cpu_s_per_million", result->client_cpu_s * 1e6 / lines);
    json_latency(out, "latency_ms", &result->latency);
    json_out_object_end(out);
    kill(bench->server_pid, SIGTERM);
    waitpid(bench->server_pid, NULL, 0);
    free(result);
}

static void report_nulls(struct json_out *out, const struct options *options) {
    struct bench bench = {.options = options};
    struct load load;
    bench_tree_make(&bench.tree, (size_t)options->grids);
    const struct load_options load_options = {
        .seed = options->seed, .lines = options->events, .now_ms = wall_ms(), .tree = &bench.tree};
    if (!load_make(&load, &load_options)) {
        die("not enough memory for %llu reports", (unsigned long long)options->events);
    }
    bench.server_pid = null_server_start(&bench.target);
    report_null(out, options, &load, &bench, "null HTTP server", "null_server");
    bench.server_pid = null_pipeline_start(&bench.target, options->directory);
    report_null(out, options, &load, &bench, "null pipeline, synced", "null_pipeline");
    load_free(&load);
    bench_tree_free(&bench.tree);
}

int limits_main(const struct options *options) {
    struct buffer json;
    struct json_out out;
    struct latency *latency = malloc(sizeof *latency);
    CHECK(latency != NULL);
    buffer_init(&json);
    json_out_init(&out, &json);
    json_out_object_begin(&out);
    json_member_text(&out, "workload", "limits");
    printf("\nlimits of this machine, files in %s\n", options->directory);
    report_sync(&out, options, latency);
    report_nulls(&out, options);
    json_member_text(
        &out, "durable",
        "fdatasync figures and the null pipeline: on disk; null server: nothing is kept");
    json_out_object_end(&out);
    write_json_file(options->json_path, &json);
    buffer_deinit(&json);
    free(latency);
    return 0;
}
