#include "server/report_json.h"

#include "server/domain/event_json.h"

#include "core/base/check.h"
#include "core/text/instant.h"

#include <math.h>
#include <string.h>

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

/* Rows are written by the million, so the fixed parts go out as literals, each with the comma
 * before it; json_out only keeps the nesting around them. */
static inline void put(struct buffer *to, const void *data, size_t bytes) {
    if (to->room - to->bytes < bytes) {
        buffer_reserve(to, bytes);
    }
    memcpy(to->data + to->bytes, data, bytes);
    to->bytes += bytes;
}
#define PUT(to, literal) put((to), (literal), sizeof(literal) - 1)

/* An absent member and a null one are the same thing to a reader. */
static void put_raw(struct buffer *to, struct slice value) {
    if (value.bytes > 0) {
        put(to, value.data, value.bytes);
    } else {
        PUT(to, "null");
    }
}

static void put_string(struct buffer *to, struct slice value) {
    struct json_out out;
    json_out_init(&out, to);
    json_out_string(&out, value);
}

static void put_text_or_null(struct buffer *to, const char *text) {
    if (text == NULL) {
        PUT(to, "null");
        return;
    }
    PUT(to, "\"");
    put(to, text, strlen(text));
    PUT(to, "\"");
}

static void put_instant(struct buffer *to, int64_t ms) {
    char text[INSTANT_TEXT_BYTES];
    instant_format(text, ms);
    PUT(to, "\"");
    put(to, text, sizeof text);
    PUT(to, "\"");
}

static void put_instants(struct buffer *to, const struct timeline_row *row) {
    PUT(to, ",\"occurred_at\":");
    put_instant(to, row->entry.occurred_ms);
    PUT(to, ",\"received_at\":");
    put_instant(to, row->entry.received_ms);
}

static void put_grid(struct buffer *to, const struct timeline_row *row,
                     const struct region_table *regions) {
    PUT(to, ",\"grid\":");
    if (row->entry.region < region_count(regions)) {
        put_string(to, region_get(regions, row->entry.region).code);
    } else {
        PUT(to, "null");
    }
}

static void put_category_and_severity(struct buffer *to, const struct timeline_row *row,
                                      const struct report_view *view) {
    uint8_t severity = row->entry.severity;
    bool known = severity >= SEVERITY_EXTREME && severity <= SEVERITY_MINOR;
    PUT(to, ",\"category\":");
    put_raw(to, view->given[REPORT_MEMBER_CATEGORY]);
    PUT(to, ",\"severity\":");
    put_text_or_null(to, known ? severity_name((enum severity)severity) : NULL);
}

static void put_id_and_source(struct buffer *to, const struct timeline_row *row,
                              const struct report_view *view) {
    PUT(to, ",\"id\":");
    if ((row->entry.flags & ENTRY_DERIVED_ID) != 0) {
        char id[REPORT_DERIVED_ID_BYTES];
        report_derived_id(id, row->entry.identity);
        PUT(to, "\"");
        put(to, id, sizeof id);
        PUT(to, "\"");
    } else {
        put_raw(to, view->given[REPORT_MEMBER_ID]);
    }
    PUT(to, ",\"source\":");
    if (view->record.source.bytes > 0) {
        put_string(to, view->record.source);
    } else {
        put_raw(to, view->given[REPORT_MEMBER_SOURCE]);
    }
}

static void put_lat_lon(struct buffer *to, const struct report_view *view) {
    char scratch[REPORT_NUMBER_BYTES_MAX];
    PUT(to, "{\"lat\":");
    put_raw(to, report_lat_text(view, scratch));
    PUT(to, ",\"lon\":");
    put_raw(to, report_lon_text(view, scratch));
}

static void put_location(struct buffer *to, const struct report_view *view) {
    PUT(to, ",\"location\":");
    put_lat_lon(to, view);
    if (view->accuracy_m.bytes > 0) {
        PUT(to, ",\"accuracy_m\":");
        put_raw(to, view->accuracy_m);
    }
    PUT(to, ",\"crs\":\"wgs84\"}");
}

static void put_flags(struct buffer *to, const struct timeline_row *row) {
    bool first = true;
    PUT(to, ",\"flags\":[");
    for (unsigned flag = 1; flag <= ENTRY_LOCATED; flag <<= 1) {
        const char *name = report_flag_name((enum entry_flag)flag);
        if ((row->entry.flags & flag) != 0 && name != NULL) {
            put(to, ",", first ? 0 : 1);
            put_text_or_null(to, name);
            first = false;
        }
    }
    PUT(to, "]");
}

static void put_sent_at(struct buffer *to, struct slice given) {
    uint8_t scratch[128];
    int64_t sent_ms;
    const char *why;
    PUT(to, ",\"sent_at\":");
    if (given.bytes <= sizeof scratch &&
        instant_parse(&sent_ms, report_view_text(given, scratch), &why)) {
        put_instant(to, sent_ms);
    } else {
        put_raw(to, given);
    }
}

/* What the device said, where the answer shows something else in its place. */
static void put_given(struct buffer *to, const struct timeline_row *row,
                      const struct report_view *view) {
    struct slice location = view->given[REPORT_MEMBER_LOCATION];
    if (view->given[REPORT_MEMBER_SENT_AT].bytes > 0) {
        put_sent_at(to, view->given[REPORT_MEMBER_SENT_AT]);
    }
    if ((row->entry.flags & ENTRY_CLOCK_SUSPECT) != 0) {
        PUT(to, ",\"occurred_at_given\":");
        put_raw(to, view->given[REPORT_MEMBER_OCCURRED_AT]);
    }
    if (view->record.has_position && !view->crs_is_wgs84 && location.bytes > 0) {
        PUT(to, ",\"location_given\":");
        put_raw(to, location);
    }
}

static void put_name(struct buffer *to, const char *key, const char *letter, uint64_t number) {
    put(to, key, strlen(key));
    if (number == 0) {
        PUT(to, "null");
        return;
    }
    PUT(to, "\"");
    put(to, letter, 1);
    buffer_append_u64(to, number);
    PUT(to, "\"");
}

/* What it was taken into when it came. */
static void put_taken(struct buffer *to, const struct record *record) {
    if (record->incident == 0) {
        PUT(to, ",\"incident\":null,\"ticket\":null");
        return;
    }
    put_name(to, ",\"incident\":", "i", record->incident);
    put_name(to, ",\"ticket\":", "t", record->ticket);
}

static void put_place(struct buffer *to, const struct report_place *place) {
    put_name(to, ",\"incident\":", "i", place->incident);
    put_name(to, ",\"ticket\":", "t", place->ticket);
    PUT(to, ",\"match\":");
    put_raw(to, place->match);
}

/* All members, from the one that begins the object. */
static void put_members(struct buffer *to, const struct timeline_row *row,
                        const struct report_view *view, const struct region_table *regions,
                        bool location, const struct report_place *place) {
    PUT(to, "\"seq\":");
    buffer_append_u64(to, row->seq);
    PUT(to, ",\"kind\":");
    put_text_or_null(to, entry_kind_name((enum entry_kind)row->entry.kind));
    put_instants(to, row);
    put_grid(to, row, regions);
    put_category_and_severity(to, row, view);
    PUT(to, ",\"channel\":");
    put_raw(to, report_view_channel(view));
    put_id_and_source(to, row, view);
    if (location && view->record.has_position) {
        put_location(to, view);
    }
    put_flags(to, row);
    if (place == NULL) {
        put_taken(to, &view->record);
    } else {
        put_place(to, place);
    }
    put_given(to, row, view);
    for (size_t i = 0; i < view->others_count; i++) {
        PUT(to, ",");
        put(to, view->others[i].data, view->others[i].bytes);
    }
}

/* White space between the tokens of a pretty-printed report becomes blanks; inside strings CR and
 * LF cannot stand (RFC 8259 section 7). */
static void unbreak_lines(struct buffer *to, size_t start, const struct report_view *view) {
    CHECK(start <= to->bytes);
    for (size_t i = start; view->breaks_lines && i < to->bytes; i++) {
        if (to->data[i] == '\n' || to->data[i] == '\r') {
            to->data[i] = ' ';
        }
    }
}

/* `place` NULL: as when it came. */
static void write_report(struct json_out *out, const struct timeline_row *row,
                         const struct region_table *regions, const struct report_place *place) {
    const struct report_view *view = report_view_of(row);
    const size_t start = out->to->bytes;
    json_out_object_begin(out);
    put_members(out->to, row, view, regions, true, place);
    unbreak_lines(out->to, start, view);
    json_out_object_end(out);
}

void report_json_write(struct json_out *out, const struct timeline_row *row,
                       const struct region_table *regions, const struct policy *policy) {
    if (row->entry.kind != ENTRY_REPORT) {
        event_json_write(out, row, regions, policy);
    } else {
        write_report(out, row, regions, NULL);
    }
}

void report_json_write_placed(struct json_out *out, const struct timeline_row *row,
                              const struct region_table *regions,
                              const struct report_place *place) {
    CHECK(row->entry.kind == ENTRY_REPORT);
    write_report(out, row, regions, place);
}

static void put_geometry(struct buffer *to, const struct report_view *view) {
    char scratch[REPORT_NUMBER_BYTES_MAX];
    PUT(to, ",\"geometry\":");
    if (!view->record.has_position) {
        PUT(to, "null");
        return;
    }
    PUT(to, "{\"type\":\"Point\",\"coordinates\":[");
    put_raw(to, report_lon_text(view, scratch));
    PUT(to, ",");
    put_raw(to, report_lat_text(view, scratch));
    PUT(to, "]}");
}

/* An event is no place: its geometry is null. */
static void write_event_feature(struct json_out *out, const struct timeline_row *row,
                                const struct region_table *regions, const struct policy *policy) {
    json_out_object_begin(out);
    json_out_key(out, "type");
    json_out_text(out, "Feature");
    json_out_key(out, "id");
    json_out_u64(out, row->seq);
    json_out_key(out, "geometry");
    json_out_null(out);
    json_out_key(out, "properties");
    event_json_write(out, row, regions, policy);
    json_out_object_end(out);
}

void report_json_write_feature(struct json_out *out, const struct timeline_row *row,
                               const struct region_table *regions, const struct policy *policy) {
    if (row->entry.kind != ENTRY_REPORT) {
        write_event_feature(out, row, regions, policy);
        return;
    }
    const struct report_view *view = report_view_of(row);
    struct buffer *to = out->to;
    const size_t start = to->bytes;
    json_out_object_begin(out);
    PUT(to, "\"type\":\"Feature\",\"id\":");
    buffer_append_u64(to, row->seq);
    put_geometry(to, view);
    PUT(to, ",\"properties\":{");
    put_members(to, row, view, regions, false, NULL);
    PUT(to, "}");
    unbreak_lines(to, start, view);
    json_out_object_end(out);
}

static void put_path(struct buffer *to, const struct timeline_row *row,
                     const struct region_table *regions) {
    PUT(to, ",\"path\":[");
    if (row->entry.region < region_count(regions)) {
        uint32_t ids[REGION_DEPTH_CAP];
        size_t count = region_path(regions, row->entry.region, ids);
        for (size_t i = 0; i < count; i++) {
            put(to, ",", i > 0 ? 1 : 0);
            put_string(to, region_get(regions, ids[i]).code);
        }
    }
    PUT(to, "]");
}

static void put_title(struct buffer *to, const struct timeline_row *row,
                      const struct report_view *view, const struct region_table *regions,
                      const struct policy *policy) {
    const struct category *category = policy_category_by_tag(policy, row->entry.category_tag);
    struct slice given = view->given[REPORT_MEMBER_CATEGORY], what = {NULL, 0};
    uint8_t code[EVENT_WHAT_BYTES_MAX], title[EVENT_TITLE_BYTES_MAX];
    if (category != NULL) {
        what = slice_text(category->name);
    } else if (given.bytes <= sizeof code) {
        what = report_view_text(given, code);
    }
    size_t bytes = event_title(title, what, row->entry.region, regions);
    PUT(to, ",\"title\":");
    put_string(to, (struct slice){title, bytes});
}

void report_json_write_event(struct json_out *out, const struct timeline_row *row,
                             const struct region_table *regions, const struct policy *policy) {
    if (row->entry.kind != ENTRY_REPORT) {
        event_json_write(out, row, regions, policy);
        return;
    }
    const struct report_view *view = report_view_of(row);
    struct buffer *to = out->to;
    const size_t start = to->bytes;
    json_out_object_begin(out);
    PUT(to, "\"kind\":");
    put_text_or_null(to, entry_kind_name((enum entry_kind)row->entry.kind));
    PUT(to, ",\"seq\":");
    buffer_append_u64(to, row->seq);
    put_grid(to, row, regions);
    put_path(to, row, regions);
    put_category_and_severity(to, row, view);
    PUT(to, ",\"light\":null");
    put_name(to, ",\"incident\":", "i", view->record.incident);
    put_name(to, ",\"ticket\":", "t", view->record.ticket);
    put_title(to, row, view, regions, policy);
    put_id_and_source(to, row, view);
    put_instants(to, row);
    if (view->record.has_position) {
        PUT(to, ",\"location\":");
        put_lat_lon(to, view);
        PUT(to, "}");
    }
    unbreak_lines(to, start, view);
    json_out_object_end(out);
}
