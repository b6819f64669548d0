#include "server/api/timeline_format.h"

static void nothing(struct buffer *to) {
    (void)to;
}

static void ndjson_row(struct buffer *to, bool first, const struct timeline_row *row,
                       const struct region_table *regions, const struct policy *policy) {
    (void)first;
    struct json_out out;
    json_out_init(&out, to);
    report_json_write(&out, row, regions, policy);
    buffer_append(to, "\n", 1);
}

const struct timeline_format timeline_format_ndjson = {
    .media_type = "application/x-ndjson",
    .content_type = "application/x-ndjson",
    .begin = nothing,
    .row = ndjson_row,
    .end = nothing,
};

static void geojson_begin(struct buffer *to) {
    buffer_append_text(to, "{\"type\":\"FeatureCollection\",\"features\":[");
}

static void geojson_row(struct buffer *to, bool first, const struct timeline_row *row,
                        const struct region_table *regions, const struct policy *policy) {
    struct json_out out;
    buffer_append_text(to, first ? "\n" : ",\n");
    json_out_init(&out, to);
    report_json_write_feature(&out, row, regions, policy);
}

static void geojson_end(struct buffer *to) {
    buffer_append_text(to, "\n]}\n");
}

const struct timeline_format timeline_format_geojson = {
    .media_type = "application/geo+json",
    .content_type = "application/geo+json",
    .begin = geojson_begin,
    .row = geojson_row,
    .end = geojson_end,
};
