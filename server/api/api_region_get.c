/* GET /v1/regions (the roots), /v1/regions/{code} and its children; with `name` both lists look for
 * it in all that is below. */
#include "core/base/check.h"
#include "server/api/cursor.h"
#include "server/api/region_json.h"
#include "server/api/routes.h"
#include "server/api/timeline_query.h"
#include "server/json_out.h"
#include "server/services.h"

#include <string.h>

/* REGION_NONE: 404 went out. */
static uint32_t find(struct http_request *request, const struct region_table *table) {
    uint32_t id = region_find(table, http_param(request, "code"));
    if (id == REGION_NONE) {
        http_problem(request, 404, "not found", "no region has this code", NULL);
    }
    return id;
}

static const struct region_table *table_of(const struct http_request *request) {
    return regions_current(services_of(request)->regions)->table;
}

void api_region_get_on_headers(struct http_request *request) {
    const struct region_table *table = table_of(request);
    uint32_t id = find(request, table);
    if (id == REGION_NONE) {
        return;
    }
    struct buffer body;
    buffer_init(&body);
    struct json_out out;
    json_out_init(&out, &body);
    json_out_object_begin(&out);
    region_json(&out, table, id);
    region_json_path(&out, table, id);
    json_out_object_end(&out);
    http_respond(request, 200, "application/json", buffer_slice(&body));
    buffer_deinit(&body);
}

static int compare_codes(struct slice a, struct slice b) {
    size_t common = a.bytes < b.bytes ? a.bytes : b.bytes;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    return order != 0 ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

/* The first root when `parent` is none. */
static uint32_t first_child(const struct region_table *table, uint32_t parent) {
    return parent == REGION_NONE ? region_first_root(table) : region_get(table, parent).first_child;
}

/* The first child after `last`, the last one of the page before. An import may have moved that one
 * elsewhere since; its code still says where the list goes on. */
static uint32_t child_after(const struct region_table *table, uint32_t parent, uint32_t last) {
    const struct region region = region_get(table, last);
    if (region.parent == parent) {
        return region.next_sibling;
    }
    uint32_t child = first_child(table, parent);
    while (child != REGION_NONE && compare_codes(region_get(table, child).code, region.code) <= 0) {
        child = region_get(table, child).next_sibling;
    }
    return child;
}

static uint64_t children_binding(uint32_t parent) {
    const uint64_t bound[] = {parent};
    return cursor_binding(bound, ARRAY_COUNT(bound));
}

static void answer_children(struct http_request *request, const struct region_table *table,
                            uint32_t parent, uint32_t child, uint64_t limit) {
    struct buffer body;
    buffer_init(&body);
    struct json_out out;
    json_out_init(&out, &body);
    uint32_t last = REGION_NONE;
    json_out_object_begin(&out);
    json_out_key(&out, "items");
    json_out_array_begin(&out);
    for (uint64_t i = 0; i < limit && child != REGION_NONE; i++) {
        json_out_object_begin(&out);
        region_json(&out, table, child);
        json_out_object_end(&out);
        last = child;
        child = region_get(table, child).next_sibling;
    }
    json_out_array_end(&out);
    char cursor[CURSOR_TEXT_BYTES_MAX];
    bool more = child != REGION_NONE;
    CHECK(!more || last != REGION_NONE);
    if (more) {
        cursor_from_region(cursor, children_binding(parent), last);
    }
    json_out_key(&out, "next_cursor");
    json_out_text(&out, more ? cursor : NULL);
    json_out_object_end(&out);
    http_respond(request, 200, "application/json", buffer_slice(&body));
    buffer_deinit(&body);
}

/* A search has no second page: who finds too much says more of the name. */
static void search(struct http_request *request, uint32_t root, struct slice name, uint64_t limit) {
    struct slice cursor;
    if (name.bytes == 0 || http_query(request, "cursor", &cursor)) {
        http_problem(request, 400, "bad query parameter",
                     "name: it must not be empty, and goes without a cursor", NULL);
        return;
    }
    region_search(request, root, name, limit);
}

static void list_children(struct http_request *request, const struct region_table *table,
                          uint32_t parent) {
    uint64_t limit;
    struct error error;
    if (parameter_limit(&limit, request, &services_of(request)->config->limits, &error) !=
        STATUS_OK) {
        http_problem(request, 400, "bad query parameter", error.message, NULL);
        return;
    }
    uint32_t child = first_child(table, parent);
    struct slice text;
    if (http_query(request, "name", &text)) {
        search(request, parent, text, limit);
        return;
    }
    if (http_query(request, "cursor", &text)) {
        uint32_t last;
        if (!cursor_to_region(&last, children_binding(parent), text) ||
            last >= region_count(table)) {
            http_problem(request, 400, "bad query parameter",
                         "cursor: it is damaged or belongs to another list", NULL);
            return;
        }
        child = child_after(table, parent, last);
    }
    answer_children(request, table, parent, child, limit);
}

void api_region_children_on_headers(struct http_request *request) {
    const struct region_table *table = table_of(request);
    uint32_t parent = find(request, table);
    if (parent != REGION_NONE) {
        list_children(request, table, parent);
    }
}

void api_region_roots_on_headers(struct http_request *request) {
    list_children(request, table_of(request), REGION_NONE);
}
