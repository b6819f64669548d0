/* GET /metrics: the counters of struct metrics, and the gauges the running parts answer for. */
#include "core/base/check.h"
#include "server/api/metrics_limit.h"
#include "server/api/metrics_world.h"
#include "server/api/routes.h"
#include "server/process/metrics_text.h"
#include "server/process/process.h"
#include "server/process/readiness.h"
#include "server/process/serve_tls.h"
#include "server/services.h"

static void write_build(struct buffer *to, const struct services *services) {
    struct process_versions versions;
    process_versions(&versions);
    const struct {
        const char *label, *value;
    } labels[] = {{"version", versions.gridd},
                  {"rocksdb", versions.rocksdb},
                  {"jemalloc", versions.jemalloc},
                  {"libuv", versions.libuv},
                  {"openssl", versions.openssl}};
    metrics_text_family(to, "gridd_build_info", "gauge", "What this gridd is built from.");
    buffer_append_text(to, "gridd_build_info");
    for (size_t i = 0; i < ARRAY_COUNT(labels); i++) {
        buffer_printf(to, "%s%s=", i == 0 ? "{" : ",", labels[i].label);
        metrics_text_quoted(to, labels[i].value);
    }
    buffer_append_text(to, "} 1\n");
    metrics_text_family(to, "gridd_epoch_info", "gauge", "The store's epoch, new after a restore.");
    metrics_text_sample(to, "gridd_epoch_info", "epoch", services->identity.epoch, 1);
    metrics_text_family(to, "gridd_start_time_seconds", "gauge", "Start, seconds since 1970.");
    metrics_text_double(to, "gridd_start_time_seconds", (double)services->started_ms / 1000);
    metrics_text_gauge(to, "gridd_ready", "1 when writes are taken.",
                       readiness_reason(services) == NULL);
    metrics_text_gauge(to, "gridd_policy_version", "Version of the policy in force.",
                       services->policy->version);
}

static void write_sequence(struct buffer *to, const struct services *services,
                           const struct db_stats *stats) {
    metrics_text_gauge(to, "gridd_commit_seq", "Highest durable sequence number.",
                       stats->durable_seq);
    metrics_text_gauge(to, "gridd_ack_watermark_seq",
                       "Highest acknowledged sequence number in the watermark file.",
                       stats->watermark_seq);
    metrics_text_gauge(to, "gridd_sealed_through_seq",
                       "Highest sequence number in the sealed runs.", stats->sealed_through);
    metrics_text_gauge(to, "gridd_journal_oldest_seq", "Oldest sequence number of the journal.",
                       stats->oldest_seq);
    metrics_text_gauge(to, "gridd_commit_queue_bytes", "Bytes waiting for a commit.",
                       committer_queued_bytes(services->committer));
    metrics_text_family(to, "gridd_commit_queue_oldest_age_seconds", "gauge",
                        "Age of the oldest write that is not durable.");
    metrics_text_double(to, "gridd_commit_queue_oldest_age_seconds",
                        (double)committer_oldest_ms(services->committer) / 1000);
    metrics_text_gauge(to, "gridd_commit_pressure",
                       "0 none, 1 bodies are paused, 2 uploads refused.",
                       (uint64_t)committer_pressure(services->committer));
    metrics_text_gauge(to, "gridd_regions", "Regions of the tree.",
                       region_count(regions_current(services->regions)->table));
    metrics_text_gauge(to, "gridd_feed_subscribers", "Open feeds.", feed_readers(services->feed));
    metrics_text_gauge(to, "gridd_feed_lag_events_max",
                       "Events that the slowest open feed is behind what is durable.",
                       feed_lag_entries_max(services->feed));
}

static void write_runs(struct buffer *to, const struct db_stats *stats) {
    metrics_text_family(to, "gridd_run_entries", "gauge", "Entries of the recent runs.");
    metrics_text_sample(to, "gridd_run_entries", "run", "active", stats->run_entries);
    metrics_text_sample(to, "gridd_run_entries", "run", "sealing", stats->sealing_entries);
    metrics_text_family(to, "gridd_run_bytes", "gauge", "Payload of the recent runs.");
    metrics_text_sample(to, "gridd_run_bytes", "run", "active", stats->run_bytes);
    metrics_text_sample(to, "gridd_run_bytes", "run", "sealing", stats->sealing_bytes);
    metrics_text_gauge(to, "gridd_run_memory_bytes", "Memory of the recent runs.",
                       stats->run_memory_bytes);
    metrics_text_counter(to, "gridd_runs_sealed_total", "Runs sealed since the start.",
                         stats->runs_sealed_total);
}

static void write_families(struct buffer *to, const struct store_stats *store) {
    static const char *const names[] = {
#define FAMILY_NAME(name, text) text,
        STORE_FAMILIES(FAMILY_NAME)
#undef FAMILY_NAME
    };
    metrics_text_family(to, "gridd_rocksdb_live_sst_bytes", "gauge", "Live files by family.");
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        metrics_text_sample(to, "gridd_rocksdb_live_sst_bytes", "family", names[i],
                            store->family_bytes[i]);
    }
    metrics_text_family(to, "gridd_rocksdb_live_sst_files", "gauge", "Live files by family.");
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        metrics_text_sample(to, "gridd_rocksdb_live_sst_files", "family", names[i],
                            store->family_files[i]);
    }
}

static void write_store(struct buffer *to, const struct services *services,
                        const struct store_stats *store) {
    write_families(to, store);
    metrics_text_gauge(to, "gridd_rocksdb_memtable_bytes", "Write buffers.", store->memtable_bytes);
    metrics_text_gauge(to, "gridd_rocksdb_block_cache_bytes", "Block cache in use.",
                       store->cache_bytes);
    metrics_text_gauge(to, "gridd_rocksdb_background_errors", "Background errors; alert above 0.",
                       store->background_errors);
    metrics_text_gauge(to, "gridd_rocksdb_write_stopped", "1 when RocksDB takes no writes.",
                       store->write_stopped);
    metrics_text_gauge(to, "gridd_rocksdb_pending_compaction_bytes", "Bytes left to compact.",
                       store->pending_compaction_bytes);
    metrics_text_gauge(to, "gridd_disk_free_bytes", "Free bytes where the data is.",
                       db_disk_free_bytes(services->db));
    metrics_text_gauge(to, "gridd_disk_reserved_bytes", "Free bytes below which intake is refused.",
                       services->config->limits.disk_reserve_bytes);
}

/* Of both listeners, where there are two. */
static void http_stats(const struct services *services, struct http_server_stats *ret,
                       struct http_census *ret_census) {
    http_server_stats(services->http, ret);
    http_server_census(services->http, ret_census);
    if (services->gateways != NULL) {
        struct http_server_stats more;
        struct http_census census;
        http_server_stats(services->gateways, &more);
        http_server_census(services->gateways, &census);
        ret_census->idle += census.idle;
        ret_census->active += census.active;
        ret_census->streams += census.streams;
        ret->connections += more.connections;
        ret->connections_total += more.connections_total;
        ret->strangers += more.strangers;
        ret->bytes_in_total += more.bytes_in_total;
        ret->bytes_out_total += more.bytes_out_total;
        ret->body_memory_bytes += more.body_memory_bytes;
    }
}

static void write_http(struct buffer *to, const struct services *services) {
    struct http_server_stats stats;
    struct http_census census;
    http_stats(services, &stats, &census);
    metrics_text_family(to, "gridd_connections", "gauge", "Open connections by what they do.");
    metrics_text_sample(to, "gridd_connections", "state", "idle", census.idle);
    metrics_text_sample(to, "gridd_connections", "state", "active", census.active);
    metrics_text_sample(to, "gridd_connections", "state", "sse", census.streams);
    metrics_text_gauge(to, "gridd_http_requests_in_flight", "Requests being read or answered.",
                       census.active + census.streams);
    metrics_text_gauge(to, "gridd_connections_strangers", "Those that showed no good token yet.",
                       stats.strangers);
    metrics_text_counter(to, "gridd_connections_accepted_total", "Connections accepted.",
                         stats.connections_total);
    metrics_text_counter(to, "gridd_http_request_bytes_total", "Bytes read from sockets.",
                         stats.bytes_in_total);
    metrics_text_counter(to, "gridd_http_response_bytes_total", "Bytes written to sockets.",
                         stats.bytes_out_total);
    metrics_text_gauge(to, "gridd_body_memory_bytes", "Bytes held for request bodies.",
                       stats.body_memory_bytes);
}

static void write_process(struct buffer *to) {
    struct process_memory memory;
    process_memory(&memory);
    metrics_text_gauge(to, "process_resident_memory_bytes", "Resident memory.",
                       memory.resident_bytes);
    metrics_text_family(to, "process_cpu_seconds_total", "counter", "CPU time, user and system.");
    metrics_text_double(to, "process_cpu_seconds_total", process_cpu_seconds());
    if (memory.allocator_version[0] != '\0') {
        metrics_text_gauge(to, "gridd_jemalloc_allocated_bytes", "Bytes the program asked for.",
                           memory.allocated_bytes);
        metrics_text_gauge(to, "gridd_jemalloc_active_bytes", "Bytes in pages in use.",
                           memory.active_bytes);
        metrics_text_gauge(to, "gridd_jemalloc_resident_bytes",
                           "Bytes resident by jemalloc's count.", memory.allocator_resident_bytes);
        metrics_text_gauge(to, "gridd_jemalloc_mapped_bytes", "Bytes in mapped extents.",
                           memory.mapped_bytes);
        metrics_text_gauge(to, "gridd_jemalloc_retained_bytes", "Bytes kept but given back.",
                           memory.retained_bytes);
    }
    metrics_text_family(to, "gridd_log_lines_total", "counter", "Log lines, suppressed ones too.");
    for (int level = 0; level < LOG_LEVEL_COUNT; level++) {
        metrics_text_sample(to, "gridd_log_lines_total", "level",
                            log_level_name((enum log_level)level),
                            log_lines_total((enum log_level)level));
    }
}

static void write_reload(struct buffer *to, const struct metrics *metrics) {
    metrics_text_gauge(to, "gridd_config_last_reload_successful",
                       "0 when the files were refused, and those before them are in force.",
                       !metrics->reload_failed);
    metrics_text_family(to, "gridd_config_last_reload_success_timestamp_seconds", "gauge",
                        "When the files in force were read, seconds since 1970.");
    metrics_text_double(to, "gridd_config_last_reload_success_timestamp_seconds",
                        (double)metrics->reloaded_ms / 1000);
}

/* OpenMetrics to who asks for it, else the older text. */
static void respond(struct http_request *request, struct slice text) {
    static const char *const offers[] = {"text/plain", "application/openmetrics-text", NULL};
    const char *offer = http_accept(request, offers);
    if (offer != offers[1]) {
        http_respond(request, 200, METRICS_CONTENT_TYPE, text);
        return;
    }
    struct buffer open;
    buffer_init(&open);
    metrics_text_open(&open, text);
    http_respond(request, 200, METRICS_OPEN_CONTENT_TYPE, buffer_slice(&open));
    buffer_deinit(&open);
}

void api_metrics_on_headers(struct http_request *request) {
    struct services *services = services_of(request);
    const char *names[METRICS_ROUTES_MAX];
    struct buffer body;
    struct db_stats stats;
    CHECK(api_routes_count <= METRICS_ROUTES_MAX);
    for (size_t i = 0; i < api_routes_count; i++) {
        names[i] = api_routes[i].name;
    }
    db_stats(services->db, &stats);
    buffer_init(&body);
    write_build(&body, services);
    metrics_text_write(&body, services->metrics, names, api_routes_count);
    write_sequence(&body, services, &stats);
    metrics_world_write(&body, services);
    write_runs(&body, &stats);
    write_store(&body, services, &stats.store);
    metrics_limit_write(&body, services);
    write_http(&body, services);
    if (services->tls != NULL && services->tls->open != NULL) {
        metrics_text_write_tls(&body, services->metrics,
                               tls_context_expires_s(services->tls->open));
    }
    write_process(&body);
    write_reload(&body, services->metrics);
    respond(request, buffer_slice(&body));
    buffer_deinit(&body);
}
