#include "core/base/check.h"
#include "server/api/region_json.h"
#include "server/api/request_job.h"
#include "server/services.h"

#include <stdlib.h>
#include <string.h>

enum { LEVELS = REGION_LEVEL_MAX + 1, CANCEL_MASK = 4095 };

struct search {
    struct request_job job;
    struct region_ref *regions;
    uint32_t root;      /* REGION_NONE: the whole tree */
    struct buffer text; /* what is looked for, in lower case */
    uint32_t limit;     /* regions */
    uint32_t *found;    /* by level, `limit` places each */
    uint32_t counts[LEVELS];
    struct buffer body;
};

static uint8_t lower(uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

static bool begins_at(const uint8_t *at, struct slice text) {
    size_t same = 0;
    while (same < text.bytes && lower(at[same]) == text.data[same]) {
        same++;
    }
    return same == text.bytes;
}

static bool matches(const struct region *region, struct slice text) {
    if (region->code.bytes >= text.bytes && begins_at(region->code.data, text)) {
        return true;
    }
    for (size_t at = 0; at + text.bytes <= region->name.bytes; at++) {
        if (begins_at(region->name.data + at, text)) {
            return true;
        }
    }
    return false;
}

static void look_at(struct search *search, uint32_t id) {
    const struct region region = region_get(search->regions->table, id);
    CHECK(region.level < LEVELS);
    uint32_t *count = &search->counts[region.level];
    if (*count < search->limit && matches(&region, buffer_slice(&search->text))) {
        search->found[region.level * search->limit + (*count)++] = id;
    }
}

static void write_found(struct search *search) {
    const struct region_table *table = search->regions->table;
    uint32_t left = search->limit;
    struct json_out out;
    json_out_init(&out, &search->body);
    json_out_object_begin(&out);
    json_out_key(&out, "items");
    json_out_array_begin(&out);
    for (size_t level = 0; level < LEVELS; level++) {
        for (uint32_t i = 0; i < search->counts[level] && left > 0; i++, left--) {
            uint32_t id = search->found[level * search->limit + i];
            json_out_object_begin(&out);
            region_json(&out, table, id);
            region_json_path(&out, table, id);
            json_out_object_end(&out);
        }
    }
    json_out_array_end(&out);
    json_out_key(&out, "next_cursor");
    json_out_null(&out);
    json_out_object_end(&out);
}

static void run(struct request_job *job) {
    struct search *search = (struct search *)job;
    const struct region_table *table = search->regions->table;
    bool is_whole = search->root == REGION_NONE;
    size_t count = is_whole ? region_count(table) : region_subtree_count(table, search->root);
    uint32_t *ids = NULL;
    if (!is_whole) {
        ids = malloc(count * sizeof *ids);
        CHECK(ids != NULL);
        region_subtree(table, search->root, ids);
    }
    for (size_t i = 0; i < count; i++) {
        if ((i & CANCEL_MASK) == 0 && request_job_cancelled(job)) {
            break;
        }
        look_at(search, is_whole ? (uint32_t)i : ids[i]);
    }
    free(ids);
    write_found(search);
}

static void finish(struct request_job *job) {
    struct search *search = (struct search *)job;
    http_respond(job->request, 200, "application/json", buffer_slice(&search->body));
}

static void release(struct request_job *job) {
    struct search *search = (struct search *)job;
    region_ref_release(search->regions);
    buffer_deinit(&search->text);
    buffer_deinit(&search->body);
    free(search->found);
    free(search);
}

void region_search(struct http_request *request, uint32_t root, struct slice name, uint64_t limit) {
    struct search *search = calloc(1, sizeof *search);
    CHECK(search != NULL && limit > 0 && limit <= UINT32_MAX / LEVELS);
    search->job.run = run;
    search->job.finish = finish;
    search->job.release = release;
    search->regions = region_ref_acquire(regions_current(services_of(request)->regions));
    search->root = root;
    search->limit = (uint32_t)limit;
    search->found = malloc(LEVELS * limit * sizeof *search->found);
    CHECK(search->found != NULL);
    buffer_init(&search->text);
    buffer_init(&search->body);
    for (size_t i = 0; i < name.bytes; i++) {
        uint8_t byte = lower(name.data[i]);
        buffer_append(&search->text, &byte, 1);
    }
    request_job_attach(&search->job, request);
    request_job_start(&search->job);
}
