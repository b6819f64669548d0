/* Operations: is it up, does it take writes, what does it hold. */
#include "core/base/check.h"
#include "server/api/routes.h"
#include "server/domain/driver.h"
#include "server/json_out.h"
#include "server/process/process.h"
#include "server/process/readiness.h"
#include "server/services.h"

#include <inttypes.h>

void api_healthz_on_headers(struct http_request *request) {
    http_respond(request, 200, "application/json", SLICE_LITERAL("{\"status\":\"ok\"}\n"));
}

/* A line for each thing that must be so: `ok NAME` or `NOT NAME: reason`. */
static void list_checks(struct http_request *request, unsigned status) {
    struct readiness_check checks[READINESS_CHECKS];
    struct buffer body;
    readiness_checks(services_of(request), checks);
    buffer_init(&body);
    for (size_t i = 0; i < READINESS_CHECKS; i++) {
        bool good = checks[i].reason == NULL;
        buffer_printf(&body, "%s %s%s%s\n", good ? "ok" : "NOT", checks[i].name, good ? "" : ": ",
                      good ? "" : checks[i].reason);
    }
    http_respond(request, status, "text/plain; charset=utf-8", buffer_slice(&body));
    buffer_deinit(&body);
}

void api_readyz_on_headers(struct http_request *request) {
    const char *reason = readiness_reason(services_of(request));
    struct slice verbose;
    if (http_query(request, "verbose", &verbose)) {
        list_checks(request, reason == NULL ? 200 : 503);
        return;
    }
    if (reason != NULL) {
        http_add_retry_after(request, 1);
        http_problem(request, 503, "not ready", reason, NULL);
        return;
    }
    http_respond(request, 200, "application/json", SLICE_LITERAL("{\"status\":\"ready\"}\n"));
}

static const char *const family_names[] = {
#define FAMILY_NAME(name, text) text,
    STORE_FAMILIES(FAMILY_NAME)
#undef FAMILY_NAME
};

static void key_u64(struct json_out *out, const char *key, uint64_t value) {
    json_out_key(out, key);
    json_out_u64(out, value);
}

static void write_store(struct json_out *out, const struct store_stats *store,
                        uint64_t disk_free_bytes) {
    json_out_key(out, "store");
    json_out_object_begin(out);
    json_out_key(out, "families");
    json_out_object_begin(out);
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        json_out_key(out, family_names[i]);
        json_out_object_begin(out);
        key_u64(out, "bytes", store->family_bytes[i]);
        key_u64(out, "files", store->family_files[i]);
        json_out_object_end(out);
    }
    json_out_object_end(out);
    key_u64(out, "memtable_bytes", store->memtable_bytes);
    key_u64(out, "cache_bytes", store->cache_bytes);
    key_u64(out, "pending_compaction_bytes", store->pending_compaction_bytes);
    key_u64(out, "background_errors", store->background_errors);
    json_out_key(out, "write_stopped");
    json_out_bool(out, store->write_stopped);
    key_u64(out, "disk_free_bytes", disk_free_bytes);
    json_out_object_end(out);
}

static void write_runs(struct json_out *out, const struct db_stats *stats) {
    json_out_key(out, "runs");
    json_out_object_begin(out);
    key_u64(out, "active_entries", stats->run_entries);
    key_u64(out, "active_bytes", stats->run_bytes);
    key_u64(out, "sealing_entries", stats->sealing_entries);
    key_u64(out, "sealing_bytes", stats->sealing_bytes);
    key_u64(out, "sealed_total", stats->runs_sealed_total);
    key_u64(out, "memory_bytes", stats->run_memory_bytes);
    json_out_object_end(out);
}

static void write_memory(struct json_out *out) {
    struct process_memory memory;
    process_memory(&memory);
    json_out_key(out, "memory");
    json_out_object_begin(out);
    key_u64(out, "resident_bytes", memory.resident_bytes);
    json_out_key(out, "allocator");
    json_out_object_begin(out);
    json_out_key(out, "name");
    json_out_text(out, memory.allocator);
    json_out_key(out, "version");
    json_out_text(out, memory.allocator_version);
    key_u64(out, "allocated_bytes", memory.allocated_bytes);
    key_u64(out, "active_bytes", memory.active_bytes);
    key_u64(out, "resident_bytes", memory.allocator_resident_bytes);
    json_out_object_end(out);
    json_out_object_end(out);
}

static void write_policy(struct json_out *out, const struct policy *policy) {
    json_out_key(out, "policy");
    json_out_object_begin(out);
    key_u64(out, "version", policy->version);
    key_u64(out, "categories", policy->categories_count);
    key_u64(out, "channels", policy->channels_count);
    json_out_object_end(out);
}

static void write_http(struct json_out *out, const struct http_server *http) {
    struct http_server_stats stats;
    http_server_stats(http, &stats);
    json_out_key(out, "http");
    json_out_object_begin(out);
    key_u64(out, "connections", stats.connections);
    key_u64(out, "requests_total", stats.requests_total);
    key_u64(out, "rejected_total", stats.rejected_total);
    json_out_object_end(out);
}

static void write_identity(struct json_out *out, const struct services *services) {
    const char *reason = readiness_reason(services);
    int64_t up_ms = services_now_ms(services) - services->started_ms;
    json_out_key(out, "version");
    json_out_text(out, GRIDD_VERSION);
    key_u64(out, "uptime_s", up_ms > 0 ? (uint64_t)up_ms / 1000 : 0);
    json_out_key(out, "epoch");
    json_out_text(out, services->identity.epoch);
    json_out_key(out, "ready");
    json_out_bool(out, reason == NULL);
    json_out_key(out, "not_ready");
    json_out_text(out, reason);
}

static void write_numbers(struct json_out *out, const struct services *services,
                          const struct db_stats *stats) {
    const struct census *census = driver_census(services->driver);
    struct deadlines_stats deadlines;
    driver_deadlines(services->driver, &deadlines);
    key_u64(out, "seq", stats->durable_seq);
    key_u64(out, "sealed_through", stats->sealed_through);
    key_u64(out, "oldest_seq", stats->oldest_seq);
    key_u64(out, "watermark_seq", stats->watermark_seq);
    key_u64(out, "open_tickets", census->counts.open);
    key_u64(out, "open_incidents", driver_world(services->driver)->incidents.open_count);
    key_u64(out, "armed_deadlines", census->counts.timers);
    key_u64(out, "deadlines_in_memory", deadlines.in_memory);
    key_u64(out, "feed_readers", feed_readers(services->feed));
    key_u64(out, "regions", region_count(regions_current(services->regions)->table));
    key_u64(out, "commit_queue_bytes", committer_queued_bytes(services->committer));
}

void api_status_on_headers(struct http_request *request) {
    struct services *services = services_of(request);
    struct buffer body;
    struct json_out out;
    struct db_stats stats;
    db_stats(services->db, &stats);
    buffer_init(&body);
    json_out_init(&out, &body);
    json_out_object_begin(&out);
    write_identity(&out, services);
    write_numbers(&out, services, &stats);
    write_policy(&out, services->policy);
    write_runs(&out, &stats);
    write_store(&out, &stats.store, db_disk_free_bytes(services->db));
    write_http(&out, services->http);
    write_memory(&out);
    json_out_object_end(&out);
    buffer_append_text(&body, "\n");
    http_respond(request, 200, "application/json", buffer_slice(&body));
    buffer_deinit(&body);
}
