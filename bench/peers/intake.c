/* The same load that gridd gets, into a peer: a thread for each connection, a closed loop. */
#include "bench/clock.h"
#include "bench/peers/peer.h"
#include "bench/workload.h"
#include "core/base/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS_MAX = 512 };

struct run {
    const struct peer *peer;
    const struct peer_options *options;
    struct peer_report *reports;
    atomic_uint_fast64_t next;
    pthread_barrier_t begin; /* everybody is connected */
};

struct sender {
    struct run *run;
    unsigned number;
    pthread_t thread;
    struct latency latency;
};

/* The value of a member whose value is a text without escapes, as the generator writes them. */
static struct slice member(struct slice line, const char *name) {
    char key[32];
    int bytes = snprintf(key, sizeof key, "\"%s\":\"", name);
    const uint8_t *at = memmem(line.data, line.bytes, key, (size_t)bytes);
    CHECK(at != NULL);
    at += bytes;
    const uint8_t *end = memchr(at, '"', (size_t)(line.data + line.bytes - at));
    CHECK(end != NULL);
    return (struct slice){at, (size_t)(end - at)};
}

static void cut(struct peer_report *to, const struct load *load) {
    for (uint64_t i = 0; i < load->lines; i++) {
        struct slice line = load_body(load, i, 1);
        line.bytes--;
        to[i] = (struct peer_report){member(line, "id"), member(line, "grid"),
                                     member(line, "occurred_at"), line};
    }
}

static void *send_all(void *context) {
    struct sender *sender = context;
    struct run *run = sender->run;
    const struct peer_options *options = run->options;
    void *connection = run->peer->connect(&options->target, sender->number);
    pthread_barrier_wait(&run->begin);
    pthread_barrier_wait(&run->begin); /* the clock was started between the two */
    for (;;) {
        uint64_t first = atomic_fetch_add(&run->next, options->bulk);
        if (first >= options->events) {
            break;
        }
        uint64_t started_ns = monotonic_ns();
        run->peer->send(connection, run->reports + first,
                        (size_t)min_u64(options->bulk, options->events - first));
        latency_add(&sender->latency, monotonic_ns() - started_ns);
    }
    run->peer->disconnect(connection);
    return NULL;
}

struct figures {
    double seconds, server_cpu_s, client_cpu_s;
    struct latency latency;
    uint64_t stored, distinct;
};

static void run_senders(struct run *run, struct figures *ret) {
    const struct peer_options *options = run->options;
    struct sender *senders = calloc(options->connections, sizeof *senders);
    CHECK(senders != NULL);
    pthread_barrier_init(&run->begin, NULL, (unsigned)options->connections + 1);
    for (unsigned i = 0; i < options->connections; i++) {
        senders[i].run = run;
        senders[i].number = i;
        int failure = pthread_create(&senders[i].thread, NULL, send_all, &senders[i]);
        CHECK(failure == 0);
    }
    pthread_barrier_wait(&run->begin);
    double server_cpu_s = tree_cpu_s(options->server_pid), client_cpu_s = own_cpu_s();
    uint64_t started_ns = monotonic_ns();
    pthread_barrier_wait(&run->begin);
    for (unsigned i = 0; i < options->connections; i++) {
        pthread_join(senders[i].thread, NULL);
        latency_merge(&ret->latency, &senders[i].latency);
    }
    ret->seconds = (double)(monotonic_ns() - started_ns) / 1e9;
    ret->server_cpu_s = tree_cpu_s(options->server_pid) - server_cpu_s;
    ret->client_cpu_s = own_cpu_s() - client_cpu_s;
    pthread_barrier_destroy(&run->begin);
    free(senders);
}

static void print(const struct run *run, const struct figures *figures) {
    const struct peer_options *options = run->options;
    double events = (double)options->events;
    printf("\n%s: %s\n", run->peer->name, run->peer->help);
    printf("%-26s %.0f in bulks of %llu over %llu connections\n", "reports/s",
           events / figures->seconds, (unsigned long long)options->bulk,
           (unsigned long long)options->connections);
    printf("%-26s server %.3f client %.3f\n", "CPU s/million", figures->server_cpu_s * 1e6 / events,
           figures->client_cpu_s * 1e6 / events);
    print_latency("latency of a bulk", &figures->latency);
    printf("%-26s %llu, distinct in the load %llu\n", "stored", (unsigned long long)figures->stored,
           (unsigned long long)figures->distinct);
}

static void write_json(const struct run *run, const struct figures *figures) {
    const struct peer_options *options = run->options;
    double events = (double)options->events;
    struct buffer json;
    struct json_out out;
    buffer_init(&json);
    json_out_init(&out, &json);
    json_out_object_begin(&out);
    json_member_text(&out, "workload", "intake");
    json_member_text(&out, "peer", run->peer->name);
    json_member_u64(&out, "events", options->events);
    json_member_u64(&out, "bulk", options->bulk);
    json_member_u64(&out, "connections", options->connections);
    json_member_double(&out, "seconds", figures->seconds);
    json_member_double(&out, "reports_per_s", events / figures->seconds);
    json_member_double(&out, "server_cpu_s_per_million", figures->server_cpu_s * 1e6 / events);
    json_member_double(&out, "client_cpu_s_per_million", figures->client_cpu_s * 1e6 / events);
    json_latency(&out, "latency_ms", &figures->latency);
    json_member_u64(&out, "stored", figures->stored);
    json_member_u64(&out, "distinct", figures->distinct);
    json_out_object_end(&out);
    write_json_file(options->json_path, &json);
    buffer_deinit(&json);
}

int peer_intake_main(const struct peer *peer, const struct peer_options *options) {
    if (options->connections > CONNECTIONS_MAX) {
        die("at most %d connections: each has a thread", CONNECTIONS_MAX);
    }
    struct run run = {.peer = peer, .options = options};
    struct bench_tree tree;
    struct load load;
    bench_tree_make(&tree, (size_t)options->grids);
    const struct load_options load_options = {.seed = options->seed,
                                              .lines = options->events,
                                              .repeated_pct = options->repeated_pct,
                                              .now_ms = wall_ms(),
                                              .tree = &tree};
    run.reports = calloc(options->events, sizeof *run.reports);
    struct figures *figures = calloc(1, sizeof *figures);
    if (!load_make(&load, &load_options) || run.reports == NULL || figures == NULL) {
        die("not enough memory for %llu reports", (unsigned long long)options->events);
    }
    cut(run.reports, &load);
    peer->prepare(&options->target);
    run_senders(&run, figures);
    figures->stored = peer->stored(&options->target);
    figures->distinct = load.lines - load.repeated;
    print(&run, figures);
    write_json(&run, figures);
    int code = figures->stored == figures->distinct ? 0 : 1;
    if (code != 0) {
        fprintf(stderr, "gridd-peers: %s holds %llu reports of %llu\n", peer->name,
                (unsigned long long)figures->stored, (unsigned long long)figures->distinct);
    }
    free(figures);
    free(run.reports);
    load_free(&load);
    bench_tree_free(&tree);
    return code;
}
