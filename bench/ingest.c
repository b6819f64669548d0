#include "bench/clock.h"
#include "bench/settle.h"
#include "bench/workload.h"
#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* After a 503 nothing is sent for so long, and then the upload once more. */
enum { REFUSED_PAUSE_NS = 100000000 };

struct ingest {
    const struct load *load;
    uint64_t bulk, next_line;
    uint64_t *again; /* first lines of uploads that were refused */
    uint64_t again_count, again_room;
    struct ingest_result *result;
};

static bool next_upload(void *context, uint32_t connection, struct client_request *ret) {
    struct ingest *ingest = context;
    (void)connection;
    bool again = ingest->again_count > 0;
    uint64_t line = again ? ingest->again[--ingest->again_count] : ingest->next_line;
    uint64_t count = min_u64(ingest->bulk, ingest->load->lines - line);
    if (count == 0) {
        return false;
    }
    *ret = (struct client_request){.method = "POST",
                                   .path = "/v1/reports",
                                   .content_type = ingest->bulk == 1 ? "application/json"
                                                                     : "application/x-ndjson",
                                   .body = load_body(ingest->load, line, count),
                                   .tag = line};
    ingest->next_line += again ? 0 : count;
    return true;
}

/* A single report's verdict is its status and one header-like word in the body. */
static void count_single(struct ingest_result *result, const struct client_answer *answer) {
    switch (answer->status) {
    case 200:
        result->replayed++;
        break;
    case 201:
        if (memmem(answer->body.data, answer->body.bytes, "\"merged\"", 8) != NULL) {
            result->merged++;
        } else {
            result->created++;
        }
        break;
    case 409:
        result->conflict++;
        break;
    case 422:
        result->invalid++;
        break;
    default:
        result->failed_requests++;
    }
}

static void send_again(struct ingest *ingest, uint64_t line) {
    const struct timespec pause = {.tv_nsec = REFUSED_PAUSE_NS};
    if (ingest->again_count == ingest->again_room) {
        ingest->again_room = 2 * ingest->again_room + 64;
        ingest->again = realloc(ingest->again, ingest->again_room * sizeof *ingest->again);
        CHECK(ingest->again != NULL);
    }
    ingest->again[ingest->again_count++] = line;
    ingest->result->sent_again++;
    (void)nanosleep(&pause, NULL);
}

static void on_answer(void *context, const struct client_answer *answer) {
    struct ingest *ingest = context;
    struct ingest_result *result = ingest->result;
    if (answer->status == 503 && answer_number(answer->body, "created") == 0) {
        send_again(ingest, answer->tag);
        return;
    }
    result->requests++;
    latency_add(&result->latency, answer->done_ns - answer->started_ns);
    if (ingest->bulk == 1) {
        count_single(result, answer);
        return;
    }
    if (answer->status != 200) {
        result->failed_requests++;
    }
    result->created += answer_number(answer->body, "created");
    result->merged += answer_number(answer->body, "merged");
    result->replayed += answer_number(answer->body, "replayed");
    result->conflict += answer_number(answer->body, "conflict");
    result->invalid += answer_number(answer->body, "invalid");
}

void ingest_run(struct ingest_result *ret, const struct bench *bench, const struct load *load,
                uint64_t bulk, double reports_rate) {
    memset(ret, 0, sizeof *ret);
    struct ingest ingest = {.load = load, .bulk = bulk, .result = ret};
    const struct client_options options = {.target = &bench->target,
                                           .connections = (uint32_t)bench->options->connections,
                                           .rate = reports_rate / (double)bulk,
                                           .context = &ingest,
                                           .next = next_upload,
                                           .answered = on_answer};
    process_use(bench->server_pid, &ret->before);
    double cpu_s = own_cpu_s();
    ret->seconds = (double)client_run(&options) / 1e9;
    ret->client_cpu_s = own_cpu_s() - cpu_s;
    process_use(bench->server_pid, &ret->after);
    free(ingest.again);
}

static double per_million(double seconds, uint64_t events) {
    return seconds * 1e6 / (double)events;
}

/* All threads and sealing; what merges sealed runs in the background is told apart. */
static double server_cpu(const struct ingest_result *result, uint64_t lines) {
    double all_s = result->after.cpu_s - result->before.cpu_s;
    return per_million(all_s - (result->after.merge_cpu_s - result->before.merge_cpu_s), lines);
}

static double merge_cpu(const struct ingest_result *result, uint64_t lines) {
    return per_million(result->after.merge_cpu_s - result->before.merge_cpu_s, lines);
}

static void print_result(const struct options *options, const struct load *load,
                         const struct ingest_result *result, const struct settled *settled) {
    printf("\ningest: %llu reports (%llu repeated, %g %% for tickets), %.0f bytes each, "
           "%llu an upload, %llu connections, %s\n",
           (unsigned long long)load->lines, (unsigned long long)load->repeated,
           options->tickets_pct, (double)load->bytes_count / (double)load->lines,
           (unsigned long long)options->bulk, (unsigned long long)options->connections,
           options->rate > 0 ? "open loop" : "closed loop");
    printf("%-26s %.3f\n", "seconds", result->seconds);
    printf("%-26s %.0f\n", "reports/s", (double)load->lines / result->seconds);
    printf("%-26s %.3f, merging of sealed runs beside it %.3f\n", "server CPU s/million",
           server_cpu(result, load->lines), merge_cpu(result, load->lines));
    printf("%-26s %.3f\n", "client CPU s/million", per_million(result->client_cpu_s, load->lines));
    print_latency(options->rate > 0 ? "latency from planned send" : "latency of an upload",
                  &result->latency);
    printf("%-26s created %llu merged %llu replayed %llu conflict %llu invalid %llu\n", "counts",
           (unsigned long long)result->created, (unsigned long long)result->merged,
           (unsigned long long)result->replayed, (unsigned long long)result->conflict,
           (unsigned long long)result->invalid);
    printf("%-26s %llu\n", "failed requests", (unsigned long long)result->failed_requests);
    printf("%-26s %llu\n", "refused and sent again", (unsigned long long)result->sent_again);
    printf("%-26s %.0f, peak %.0f\n", "server RSS MiB", result->after.rss_mib,
           result->after.rss_peak_mib);
    if (options->settle_s > 0) {
        printf("%-26s %s after %.1f s, sealed through %llu of %llu, "
               "server CPU s/million %.3f in all, RSS MiB %.0f\n",
               "sealing", settled->quiet ? "quiet" : "still busy", settled->seconds,
               (unsigned long long)settled->sealed_through, (unsigned long long)settled->seq,
               per_million(settled->cpu_s, load->lines), settled->use.rss_mib);
    }
    printf("%-26s %s\n", "durable", bench_durable);
}

static void json_counts(struct json_out *out, const struct ingest_result *result) {
    json_out_key(out, "counts");
    json_out_object_begin(out);
    json_member_u64(out, "created", result->created);
    json_member_u64(out, "merged", result->merged);
    json_member_u64(out, "replayed", result->replayed);
    json_member_u64(out, "conflict", result->conflict);
    json_member_u64(out, "invalid", result->invalid);
    json_out_object_end(out);
}

static void json_settled(struct json_out *out, const struct settled *settled, uint64_t lines) {
    json_out_key(out, "settled");
    json_out_object_begin(out);
    json_out_key(out, "quiet");
    json_out_bool(out, settled->quiet);
    json_member_double(out, "seconds", settled->seconds);
    json_member_u64(out, "seq", settled->seq);
    json_member_u64(out, "sealed_through", settled->sealed_through);
    json_member_double(out, "server_cpu_s_per_million", per_million(settled->cpu_s, lines));
    json_member_double(out, "rss_mib", settled->use.rss_mib);
    json_out_object_end(out);
}

static void write_json(const struct options *options, const struct load *load,
                       const struct ingest_result *result, const struct settled *settled) {
    struct buffer json;
    struct json_out out;
    buffer_init(&json);
    json_out_init(&out, &json);
    json_out_object_begin(&out);
    json_member_text(&out, "workload", "ingest");
    json_member_u64(&out, "events", load->lines);
    json_member_u64(&out, "bulk", options->bulk);
    json_member_u64(&out, "connections", options->connections);
    json_member_double(&out, "duplicates_pct", options->repeated_pct);
    json_member_double(&out, "tickets_pct", options->tickets_pct);
    json_member_double(&out, "rate", options->rate);
    json_member_u64(&out, "seed", options->seed);
    json_member_double(&out, "seconds", result->seconds);
    json_member_double(&out, "reports_per_s", (double)load->lines / result->seconds);
    json_member_double(&out, "server_cpu_s_per_million", server_cpu(result, load->lines));
    json_member_double(&out, "merge_cpu_s_per_million", merge_cpu(result, load->lines));
    json_member_double(&out, "client_cpu_s_per_million",
                       per_million(result->client_cpu_s, load->lines));
    json_latency(&out, "latency_ms", &result->latency);
    json_counts(&out, result);
    json_member_u64(&out, "failed_requests", result->failed_requests);
    json_member_u64(&out, "sent_again", result->sent_again);
    json_member_text(&out, "durable", bench_durable);
    json_member_double(&out, "rss_mib", result->after.rss_mib);
    json_member_double(&out, "rss_peak_mib", result->after.rss_peak_mib);
    if (options->settle_s > 0) {
        json_settled(&out, settled, load->lines);
    }
    json_out_object_end(&out);
    write_json_file(options->json_path, &json);
    buffer_deinit(&json);
}

int ingest_main(const struct options *options) {
    struct bench bench;
    struct load load;
    bench_begin(&bench, options);
    const struct load_options load_options = {.seed = options->seed,
                                              .lines = options->events,
                                              .repeated_pct = options->repeated_pct,
                                              .tickets_pct = options->tickets_pct,
                                              .now_ms = wall_ms(),
                                              .tree = &bench.tree};
    if (!load_make(&load, &load_options)) {
        die("not enough memory for %llu reports", (unsigned long long)options->events);
    }
    struct ingest_result *result = malloc(sizeof *result);
    CHECK(result != NULL);
    struct settled settled = {0};
    ingest_run(result, &bench, &load, options->bulk, options->rate);
    if (options->settle_s > 0) {
        settle(&settled, &bench, &result->before);
    }
    print_result(options, &load, result, &settled);
    write_json(options, &load, result, &settled);
    uint64_t counted =
        result->created + result->merged + result->replayed + result->conflict + result->invalid;
    int code = result->failed_requests == 0 && counted == load.lines ? 0 : 1;
    if (code != 0) {
        fprintf(stderr, "gridd-bench: %llu of %llu reports were answered\n",
                (unsigned long long)counted, (unsigned long long)load.lines);
    }
    free(result);
    load_free(&load);
    bench_end(&bench);
    return code;
}
