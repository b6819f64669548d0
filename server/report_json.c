#include "server/report_json.h"

#include "core/check.h"
#include "core/instant.h"
#include "server/region_at.h"

#include <math.h>
#include <string.h>

enum { TITLE_REGION_BYTES_MAX = 1024 }; /* >= max of region_name_bytes */

void report_derived_id(char to[REPORT_DERIVED_ID_BYTES], struct identity identity) {
    static const char hex[] = "0123456789abcdef";
    to[0] = 'd';
    to[1] = '-';
    for (unsigned i = 0; i < 16; i++) {
        to[2 + i] = hex[identity.high >> (60 - 4 * i) & 15];
        to[18 + i] = hex[identity.low >> (60 - 4 * i) & 15];
    }
}

static struct slice degrees_text(char to[REPORT_NUMBER_BYTES_MAX], double degrees) {
    CHECK(fabs(degrees) <= 360);
    char digits[REPORT_NUMBER_BYTES_MAX]; /* last digit first, eight of them decimals */
    size_t count = 0, length = 0, zeros = 0;
    int64_t scaled = llround(fabs(degrees) * 1e8);
    if (degrees < 0 && scaled > 0) {
        to[length++] = '-';
    }
    do {
        digits[count++] = (char)('0' + scaled % 10);
        scaled /= 10;
    } while (scaled > 0 || count < 9);
    while (zeros < 8 && digits[zeros] == '0') {
        zeros++;
    }
    while (count > zeros) {
        if (count == 8) {
            to[length++] = '.';
        }
        to[length++] = digits[--count];
    }
    return (struct slice){(const uint8_t *)to, length};
}

static bool keeps_its_digits(const struct report_view *view) {
    CHECK(view->record.has_position);
    return view->crs_is_wgs84 && view->lat.bytes > 0 && view->lon.bytes > 0;
}

struct slice report_lat_text(const struct report_view *view,
                             char scratch[REPORT_NUMBER_BYTES_MAX]) {
    return keeps_its_digits(view) ? view->lat
                                  : degrees_text(scratch, view->record.position.lat_deg);
}

struct slice report_lon_text(const struct report_view *view,
                             char scratch[REPORT_NUMBER_BYTES_MAX]) {
    return keeps_its_digits(view) ? view->lon
                                  : degrees_text(scratch, view->record.position.lon_deg);
}

const char *report_flag_name(enum entry_flag flag) {
    switch (flag) {
    case ENTRY_CLOCK_SUSPECT:
        return "clock_suspect";
    case ENTRY_DERIVED_ID:
        return "derived_id";
    case ENTRY_LOCATED:
        return "located";
    case ENTRY_HAS_POSITION:
        return NULL; /* the location says so */
    }
    return NULL;
}

struct slice report_json_member(const struct timeline_row *row, const char *name, uint8_t *to) {
    static const char *const names[] = {
#define REPORT_MEMBER_TEXT(member, text) text,
        REPORT_OWN_MEMBERS(REPORT_MEMBER_TEXT) REPORT_COLUMN_MEMBERS(REPORT_MEMBER_TEXT)
#undef REPORT_MEMBER_TEXT
    };
    const struct report_view *view = report_view_of(row);
    for (unsigned i = 0; i < REPORT_MEMBER_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            return report_view_text(view->given[i], to);
        }
    }
    return (struct slice){NULL, 0};
}

/* An absent member and a null one are the same thing to a reader. */
static void write_raw_or_null(struct json_out *out, const char *key, struct slice value) {
    json_out_key(out, key);
    json_out_raw(out, value.bytes > 0 ? value : SLICE_LITERAL("null"));
}

static void write_grid(struct json_out *out, const struct timeline_row *row,
                       const struct region_table *regions) {
    json_out_key(out, "grid");
    if (row->entry.region < region_count(regions)) {
        json_out_string(out, region_at(regions, row->entry.region).code);
    } else {
        json_out_null(out);
    }
}

static void write_id(struct json_out *out, const struct timeline_row *row,
                     const struct report_view *view) {
    if ((row->entry.flags & ENTRY_DERIVED_ID) != 0) {
        char id[REPORT_DERIVED_ID_BYTES];
        report_derived_id(id, row->entry.identity);
        json_out_key(out, "id");
        json_out_string(out, (struct slice){(const uint8_t *)id, sizeof id});
    } else {
        write_raw_or_null(out, "id", view->given[REPORT_MEMBER_ID]);
    }
}

static void write_source(struct json_out *out, const struct report_view *view) {
    if (view->record.source.bytes > 0) {
        json_out_key(out, "source");
        json_out_string(out, view->record.source);
    } else {
        write_raw_or_null(out, "source", view->given[REPORT_MEMBER_SOURCE]);
    }
}

static void write_severity(struct json_out *out, const struct timeline_row *row) {
    json_out_key(out, "severity");
    uint8_t severity = row->entry.severity;
    bool known = severity >= SEVERITY_EXTREME && severity <= SEVERITY_MINOR;
    json_out_text(out, known ? severity_name((enum severity)severity) : NULL);
}

static void write_lat_lon(struct json_out *out, const struct report_view *view) {
    char scratch[REPORT_NUMBER_BYTES_MAX];
    json_out_key(out, "lat");
    json_out_raw(out, report_lat_text(view, scratch));
    json_out_key(out, "lon");
    json_out_raw(out, report_lon_text(view, scratch));
}

static void write_location(struct json_out *out, const struct report_view *view) {
    json_out_key(out, "location");
    json_out_object_begin(out);
    write_lat_lon(out, view);
    if (view->accuracy_m.bytes > 0) {
        write_raw_or_null(out, "accuracy_m", view->accuracy_m);
    }
    json_out_key(out, "crs");
    json_out_string(out, SLICE_LITERAL("wgs84"));
    json_out_object_end(out);
}

static void write_flags(struct json_out *out, const struct timeline_row *row) {
    json_out_key(out, "flags");
    json_out_array_begin(out);
    for (unsigned flag = 1; flag <= ENTRY_LOCATED; flag <<= 1) {
        const char *name = report_flag_name((enum entry_flag)flag);
        if ((row->entry.flags & flag) != 0 && name != NULL) {
            json_out_text(out, name);
        }
    }
    json_out_array_end(out);
}

static void write_nulls(struct json_out *out, const char *const *keys, size_t count) {
    for (size_t i = 0; i < count; i++) {
        json_out_key(out, keys[i]);
        json_out_null(out);
    }
}

/* What the device said, where the answer shows something else in its place. */
static void write_given(struct json_out *out, const struct timeline_row *row,
                        const struct report_view *view) {
    if ((row->entry.flags & ENTRY_CLOCK_SUSPECT) != 0) {
        write_raw_or_null(out, "occurred_at_given", view->given[REPORT_MEMBER_OCCURRED_AT]);
    }
    if (view->record.has_position && !view->crs_is_wgs84 &&
        view->given[REPORT_MEMBER_LOCATION].bytes > 0) {
        write_raw_or_null(out, "location_given", view->given[REPORT_MEMBER_LOCATION]);
    }
}

static void write_sent_at(struct json_out *out, const struct report_view *view) {
    struct slice given = view->given[REPORT_MEMBER_SENT_AT];
    if (given.bytes == 0) {
        return;
    }
    uint8_t scratch[128];
    int64_t sent_ms;
    const char *why;
    if (given.bytes <= sizeof scratch &&
        instant_parse(&sent_ms, report_view_text(given, scratch), &why)) {
        json_out_key(out, "sent_at");
        json_out_instant(out, sent_ms);
    } else {
        write_raw_or_null(out, "sent_at", given);
    }
}

/* Members that stand in the object already have put a comma to be continued. */
static void write_others(struct json_out *out, const struct report_view *view) {
    for (size_t i = 0; i < view->others_count; i++) {
        buffer_append(out->to, ",", 1);
        buffer_append_slice(out->to, view->others[i]);
    }
}

static void write_instants(struct json_out *out, const struct timeline_row *row) {
    json_out_key(out, "occurred_at");
    json_out_instant(out, row->entry.occurred_ms);
    json_out_key(out, "received_at");
    json_out_instant(out, row->entry.received_ms);
}

static void write_members(struct json_out *out, const struct timeline_row *row,
                          const struct report_view *view, const struct region_table *regions,
                          bool location) {
    static const char *const nulls[] = {"incident", "match", "ticket"};
    json_out_object_begin(out);
    json_out_key(out, "seq");
    json_out_u64(out, row->seq);
    json_out_key(out, "kind");
    json_out_text(out, entry_kind_name((enum entry_kind)row->entry.kind));
    write_instants(out, row);
    write_grid(out, row, regions);
    write_raw_or_null(out, "category", view->given[REPORT_MEMBER_CATEGORY]);
    write_severity(out, row);
    write_raw_or_null(out, "channel", report_view_channel(view));
    write_id(out, row, view);
    write_source(out, view);
    if (location && view->record.has_position) {
        write_location(out, view);
    }
    write_flags(out, row);
    write_nulls(out, nulls, ARRAY_COUNT(nulls));
    write_sent_at(out, view);
    write_given(out, row, view);
    write_others(out, view);
    json_out_object_end(out);
}

/* White space between the tokens of a pretty-printed report becomes blanks; inside strings CR and
 * LF cannot stand (RFC 8259 section 7). */
static void unbreak_lines(struct buffer *to, size_t start) {
    CHECK(start <= to->bytes);
    for (size_t i = start; i < to->bytes; i++) {
        if (to->data[i] == '\n' || to->data[i] == '\r') {
            to->data[i] = ' ';
        }
    }
}

void report_json_write(struct json_out *out, const struct timeline_row *row,
                       const struct region_table *regions, const struct policy *policy) {
    (void)policy;
    const struct report_view *view = report_view_of(row);
    size_t start = out->to->bytes;
    write_members(out, row, view, regions, true);
    if (view->breaks_lines) {
        unbreak_lines(out->to, start);
    }
}

static void write_geometry(struct json_out *out, const struct report_view *view) {
    json_out_key(out, "geometry");
    if (!view->record.has_position) {
        json_out_null(out);
        return;
    }
    char scratch[REPORT_NUMBER_BYTES_MAX];
    json_out_object_begin(out);
    json_out_key(out, "type");
    json_out_string(out, SLICE_LITERAL("Point"));
    json_out_key(out, "coordinates");
    json_out_array_begin(out);
    json_out_raw(out, report_lon_text(view, scratch));
    json_out_raw(out, report_lat_text(view, scratch));
    json_out_array_end(out);
    json_out_object_end(out);
}

void report_json_write_feature(struct json_out *out, const struct timeline_row *row,
                               const struct region_table *regions, const struct policy *policy) {
    (void)policy;
    const struct report_view *view = report_view_of(row);
    size_t start = out->to->bytes;
    json_out_object_begin(out);
    json_out_key(out, "type");
    json_out_string(out, SLICE_LITERAL("Feature"));
    json_out_key(out, "id");
    json_out_u64(out, row->seq);
    write_geometry(out, view);
    json_out_key(out, "properties");
    write_members(out, row, view, regions, false);
    json_out_object_end(out);
    if (view->breaks_lines) {
        unbreak_lines(out->to, start);
    }
}

static void write_path(struct json_out *out, const struct timeline_row *row,
                       const struct region_table *regions) {
    json_out_key(out, "path");
    json_out_array_begin(out);
    if (row->entry.region < region_count(regions)) {
        uint32_t ids[REGION_DEPTH_CAP];
        size_t count = region_path(regions, row->entry.region, ids);
        for (size_t i = 0; i < count; i++) {
            json_out_string(out, region_at(regions, ids[i]).code);
        }
    }
    json_out_array_end(out);
}

/* What happened and where, as people call it: "category name · region name". */
static void write_title(struct json_out *out, const struct timeline_row *row,
                        const struct report_view *view, const struct region_table *regions,
                        const struct policy *policy) {
    struct slice given = view->given[REPORT_MEMBER_CATEGORY];
    const struct category *category = policy_category_by_tag(policy, row->entry.category_tag);
    struct slice what = {NULL, 0}, where = {NULL, 0};
    uint8_t code[POLICY_CODE_BYTES_MAX * 6];
    if (category != NULL) {
        what = slice_text(category->name);
    } else if (given.bytes <= sizeof code) {
        what = report_view_text(given, code);
    }
    if (row->entry.region < region_count(regions)) {
        where = region_at(regions, row->entry.region).name;
    }
    struct slice parts[] = {what, SLICE_LITERAL(" \xc2\xb7 "), where};
    uint8_t title[sizeof code + 8 + TITLE_REGION_BYTES_MAX];
    size_t length = 0;
    for (size_t i = 0; i < ARRAY_COUNT(parts) && where.bytes <= TITLE_REGION_BYTES_MAX; i++) {
        if (parts[i].bytes > 0) {
            memcpy(title + length, parts[i].data, parts[i].bytes);
            length += parts[i].bytes;
        }
    }
    CHECK(length <= sizeof title);
    json_out_key(out, "title");
    json_out_string(out, (struct slice){title, length});
}

void report_json_write_event(struct json_out *out, const struct timeline_row *row,
                             const struct region_table *regions, const struct policy *policy) {
    static const char *const nulls[] = {"light", "ticket"};
    const struct report_view *view = report_view_of(row);
    size_t start = out->to->bytes;
    json_out_object_begin(out);
    json_out_key(out, "kind");
    json_out_text(out, entry_kind_name((enum entry_kind)row->entry.kind));
    json_out_key(out, "seq");
    json_out_u64(out, row->seq);
    write_grid(out, row, regions);
    write_path(out, row, regions);
    write_raw_or_null(out, "category", view->given[REPORT_MEMBER_CATEGORY]);
    write_severity(out, row);
    write_nulls(out, nulls, ARRAY_COUNT(nulls));
    write_title(out, row, view, regions, policy);
    write_id(out, row, view);
    write_source(out, view);
    write_instants(out, row);
    if (view->record.has_position) {
        json_out_key(out, "location");
        json_out_object_begin(out);
        write_lat_lon(out, view);
        json_out_object_end(out);
    }
    json_out_object_end(out);
    if (view->breaks_lines) {
        unbreak_lines(out->to, start);
    }
}
