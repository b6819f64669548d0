#include "server/api/region_json.h"

#include "core/base/base.h"

static void write_text_or_null(struct json_out *out, const char *key, struct slice text) {
    json_out_key(out, key);
    if (text.bytes > 0) {
        json_out_string(out, text);
    } else {
        json_out_null(out);
    }
}

static void write_degrees(struct json_out *out, const char *key, bool has, double degrees) {
    json_out_key(out, key);
    if (has) {
        json_out_double(out, degrees);
    } else {
        json_out_null(out);
    }
}

void region_json(struct json_out *out, const struct region_table *table, uint32_t id) {
    const struct region region = region_get(table, id);
    json_out_key(out, "code");
    json_out_string(out, region.code);
    json_out_key(out, "parent");
    if (region.parent == REGION_NONE) {
        json_out_null(out);
    } else {
        json_out_string(out, region_get(table, region.parent).code);
    }
    json_out_key(out, "level");
    json_out_u64(out, region.level);
    json_out_key(out, "name");
    json_out_string(out, region.name);
    write_text_or_null(out, "kind", region.kind);
    write_text_or_null(out, "leader", region.leader);
    write_degrees(out, "lat", region.has_position, region.position.lat_deg);
    write_degrees(out, "lon", region.has_position, region.position.lon_deg);
    json_out_key(out, "children_count");
    json_out_u64(out, region.children_count);
    json_out_key(out, "subtree_count");
    json_out_u64(out, region_subtree_count(table, id));
}

void region_json_path(struct json_out *out, const struct region_table *table, uint32_t id) {
    uint32_t ids[REGION_DEPTH_CAP];
    size_t count = region_path(table, id, ids);
    json_out_key(out, "path");
    json_out_array_begin(out);
    for (size_t i = 0; i < count; i++) {
        json_out_string(out, region_get(table, ids[i]).code);
    }
    json_out_array_end(out);
}
