#include "bench/workload.h"

#include "bench/clock.h"
#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

const char bench_durable[] = "a report counts when its answer was read, and it is answered when "
                             "the journal block that holds "
                             "it is written and synced";

static void put_tree(const struct bench *bench) {
    const struct client_request request = {
        .method = "PUT",
        .path = "/v1/regions",
        .content_type = "text/csv",
        .body = {(const uint8_t *)bench->tree.csv, bench->tree.csv_bytes}};
    char *body = NULL;
    unsigned status = client_call(&bench->target, &request, &body);
    if (status / 100 != 2) {
        die("the region tree was refused with %u: %.300s", status, body);
    }
    free(body);
}

/* A thousand readers need more descriptors than the usual soft limit. */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void bench_begin(struct bench *bench, const struct options *options) {
    const char *why = NULL;
    *bench = (struct bench){.options = options, .server_pid = (pid_t)options->server_pid};
    raise_descriptor_limit();
    if (options->regions_path == NULL) {
        bench_tree_make(&bench->tree, (size_t)options->grids);
    } else if (!bench_tree_read(&bench->tree, options->regions_path, &why)) {
        die("%s: %s", options->regions_path, why);
    }
    if (options->url != NULL) {
        if (!target_parse(&bench->target, options->url)) {
            die("--url must be http://HOST:PORT, not %s", options->url);
        }
    } else {
        spawn_gridd(&bench->spawned, options->directory, options->server_arguments);
        bench->own = true;
        bench->target = bench->spawned.target;
        bench->server_pid = bench->spawned.pid;
    }
    put_tree(bench);
}

void bench_end(struct bench *bench) {
    if (bench->own) {
        spawn_end(&bench->spawned, bench->options->keep);
    }
    bench_tree_free(&bench->tree);
}

/* Three decimals, so that a file can be read by people too. */
void json_member_double(struct json_out *out, const char *key, double value) {
    char text[64];
    int bytes = snprintf(text, sizeof text, "%.3f", value);
    json_out_key(out, key);
    json_out_raw(out, (struct slice){(const uint8_t *)text, (size_t)bytes});
}

void json_member_u64(struct json_out *out, const char *key, uint64_t value) {
    json_out_key(out, key);
    json_out_u64(out, value);
}

void json_member_text(struct json_out *out, const char *key, const char *value) {
    json_out_key(out, key);
    json_out_text(out, value);
}

static const struct {
    const char *name;
    double share;
} percentiles[] = {{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};

void json_latency(struct json_out *out, const char *key, const struct latency *latency) {
    json_out_key(out, key);
    json_out_object_begin(out);
    for (size_t i = 0; i < ARRAY_COUNT(percentiles); i++) {
        json_member_double(out, percentiles[i].name,
                           (double)latency_percentile_ns(latency, percentiles[i].share) / 1e6);
    }
    json_out_object_end(out);
}

void print_latency(const char *what, const struct latency *latency) {
    printf("%-26s", what);
    for (size_t i = 0; i < ARRAY_COUNT(percentiles); i++) {
        printf(" %s %.3f", percentiles[i].name,
               (double)latency_percentile_ns(latency, percentiles[i].share) / 1e6);
    }
    printf(" ms (%llu values)\n", (unsigned long long)latency->count);
}

void write_json_file(const char *path, const struct buffer *json) {
    if (path == NULL) {
        return;
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(json->data, 1, json->bytes, file) != json->bytes ||
        fputc('\n', file) == EOF || fclose(file) != 0) {
        die("cannot write %s", path);
    }
}
