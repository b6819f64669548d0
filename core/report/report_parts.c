/* The members of a report that have members themselves. */
#include "core/base/check.h"
#include "core/report/report_parse.h"

#include <string.h>

bool report_next_member(struct report_parse *parse, uint32_t depth,
                        uint8_t buffer[NAME_BUFFER_BYTES], struct slice *ret_name,
                        struct json_token *ret_value) {
    for (;;) {
        report_pull_to_depth(parse, depth);
        struct json_token key UNINITIALIZED;
        if (report_pull(parse, &key) != JSON_KEY) {
            return false;
        }
        *ret_name = report_name(buffer, &key);
        enum json_kind kind = report_pull(parse, ret_value);
        if (kind != JSON_NULL) {
            return kind != JSON_ERROR;
        }
    }
}

static void refuse_missing(struct report_parse *parse, const char *pointer, const char *why) {
    report_refuse(parse, TITLE_MISSING, pointer, why, (struct slice){NULL, 0}, "");
}

struct location {
    bool has_lat, has_lon;
    struct position position;
    enum crs crs;
};

static void read_crs(struct report_parse *parse, const struct json_token *value, enum crs *crs) {
    struct slice text;
    if (report_string(parse, "/location/crs", value, SIZE_MAX, &text) && !crs_parse(crs, text)) {
        report_refuse(parse, TITLE_UNKNOWN, "/location/crs", "the coordinate system \"", text,
                      "\" is not one of wgs84, gcj02, bd09, cgcs2000");
    }
}

static void read_location_member(struct report_parse *parse, struct location *location,
                                 struct slice name, const struct json_token *value) {
    static const struct number_range lat = {-90.0, 90.0, "a number from -90 to 90"};
    static const struct number_range lon = {-180.0, 180.0, "a number from -180 to 180"};
    static const struct number_range accuracy = {0.0, 1e9, "a number of metres, 0 or more"};
    if (slice_is(name, "lat")) {
        location->has_lat =
            report_number(parse, "/location/lat", value, &lat, &location->position.lat_deg);
    } else if (slice_is(name, "lon")) {
        location->has_lon =
            report_number(parse, "/location/lon", value, &lon, &location->position.lon_deg);
    } else if (slice_is(name, "accuracy_m")) {
        double accuracy_m;
        if (report_number(parse, "/location/accuracy_m", value, &accuracy, &accuracy_m)) {
            report_observe_accuracy(parse, accuracy_m);
        }
    } else if (slice_is(name, "crs")) {
        read_crs(parse, value, &location->crs);
    }
}

void report_read_location(struct report_parse *parse, const struct json_token *value) {
    if (value->kind != JSON_OBJECT_BEGIN) {
        report_refuse_type(parse, "/location", "an object with lat and lon");
        return;
    }
    struct location location = {.crs = CRS_WGS84};
    uint8_t buffer[NAME_BUFFER_BYTES] UNINITIALIZED;
    struct slice name;
    struct json_token member UNINITIALIZED;
    while (report_next_member(parse, 2, buffer, &name, &member)) {
        read_location_member(parse, &location, name, &member);
    }
    if (!location.has_lat) {
        refuse_missing(parse, "/location/lat", "a location needs lat, a number from -90 to 90");
    }
    if (!location.has_lon) {
        refuse_missing(parse, "/location/lon", "a location needs lon, a number from -180 to 180");
    }
    if (!parse->refused) {
        parse->has_position = true;
        parse->position = geo_to_wgs84(location.position, location.crs);
    }
}

void report_read_bearing(struct report_parse *parse, const struct json_token *value) {
    static const struct number_range circle = {0.0, 360.0, "a number of degrees from 0 to 360"};
    static const struct number_range range = {1e-9, 1e9, "a number of kilometres above 0"};
    if (value->kind != JSON_OBJECT_BEGIN) {
        report_refuse_type(parse, "/bearing", "an object with azimuth_deg");
        return;
    }
    bool has_azimuth = false;
    double azimuth_deg = 0.0, cone_deg = 0.0, range_km = 0.0;
    uint8_t buffer[NAME_BUFFER_BYTES] UNINITIALIZED;
    struct slice name;
    struct json_token member UNINITIALIZED;
    while (report_next_member(parse, 2, buffer, &name, &member)) {
        if (slice_is(name, "azimuth_deg")) {
            has_azimuth =
                report_number(parse, "/bearing/azimuth_deg", &member, &circle, &azimuth_deg);
        } else if (slice_is(name, "cone_deg")) {
            (void)report_number(parse, "/bearing/cone_deg", &member, &circle, &cone_deg);
        } else if (slice_is(name, "range_km")) {
            (void)report_number(parse, "/bearing/range_km", &member, &range, &range_km);
        }
    }
    if (!has_azimuth) {
        refuse_missing(parse, "/bearing/azimuth_deg",
                       "a bearing needs azimuth_deg, a number of degrees from 0 to 360");
    }
    report_observe_bearing(parse, azimuth_deg, cone_deg, range_km);
}

/* "/media/3/url", where the member may be left out. */
static const char *media_pointer(char to[POINTER_BYTES], size_t index, const char *member) {
    CHECK(index < 100 && strlen(member) < 32);
    size_t used = sizeof "/media/" - 1;
    memcpy(to, "/media/", used);
    if (index >= 10) {
        to[used++] = (char)('0' + index / 10);
    }
    to[used++] = (char)('0' + index % 10);
    memcpy(to + used, member, strlen(member) + 1);
    return to;
}

/* The hash of a SHA-256 in hexadecimal, upper and lower case alike; false when it is none. */
static bool hash_sha256_text(uint64_t *ret_hash, struct slice text) {
    uint8_t lower[64];
    if (text.bytes != sizeof lower) {
        return false;
    }
    for (size_t i = 0; i < sizeof lower; i++) {
        uint8_t digit = text.data[i];
        if (digit >= 'A' && digit <= 'F') {
            digit = (uint8_t)(digit + 'a' - 'A');
        }
        if (!((digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f'))) {
            return false;
        }
        lower[i] = digit;
    }
    *ret_hash = json_hash((struct slice){lower, sizeof lower}, false);
    return true;
}

static void read_medium(struct report_parse *parse, size_t index) {
    char pointer[POINTER_BYTES] UNINITIALIZED;
    uint8_t buffer[NAME_BUFFER_BYTES] UNINITIALIZED;
    struct slice name, text;
    struct json_token value UNINITIALIZED;
    uint64_t content_hash = 0;
    uint64_t url_hash = 0;
    while (report_next_member(parse, 3, buffer, &name, &value)) {
        if (slice_is(name, "sha256")) {
            media_pointer(pointer, index, "/sha256");
            if (report_string(parse, pointer, &value, SIZE_MAX, &text) &&
                !hash_sha256_text(&content_hash, text)) {
                report_refuse(parse, TITLE_VALUE, pointer, "\"", text,
                              "\" is not 64 hexadecimal digits");
            }
        } else if (slice_is(name, "url")) {
            media_pointer(pointer, index, "/url");
            if (report_string(parse, pointer, &value, SIZE_MAX, &text)) {
                url_hash = json_hash(text, false);
            }
        } else if (slice_is(name, "mime")) {
            media_pointer(pointer, index, "/mime");
            (void)report_string(parse, pointer, &value, SIZE_MAX, &text);
        }
    }
    parse->media_hash += content_hash != 0 ? content_hash : url_hash;
}

void report_read_media(struct report_parse *parse, const struct json_token *value) {
    if (value->kind != JSON_ARRAY_BEGIN) {
        report_refuse_type(parse, "/media", "an array of objects with sha256, url and mime");
        return;
    }
    for (size_t index = 0; index <= REPORT_MEDIA_MAX; index++) {
        struct json_token medium UNINITIALIZED;
        enum json_kind kind = report_pull(parse, &medium);
        if (kind == JSON_ARRAY_END || kind == JSON_ERROR) {
            return;
        }
        if (index == REPORT_MEDIA_MAX) {
            report_refuse(parse, TITLE_VALUE, "/media", "a report has at most 16 attachments",
                          (struct slice){NULL, 0}, "");
            return;
        }
        if (kind != JSON_OBJECT_BEGIN) {
            char pointer[POINTER_BYTES] UNINITIALIZED;
            report_refuse_type(parse, media_pointer(pointer, index, ""), "an object");
            return;
        }
        read_medium(parse, index);
    }
}

void report_read_attributes(struct report_parse *parse, const struct json_token *value) {
    if (value->kind != JSON_OBJECT_BEGIN) {
        report_refuse_type(parse, "/attributes", "an object");
        return;
    }
    size_t from = json_offset(parse->reader) - value->text.bytes;
    uint8_t buffer[NAME_BUFFER_BYTES] UNINITIALIZED;
    struct slice name;
    struct json_token member UNINITIALIZED;
    while (report_next_member(parse, 2, buffer, &name, &member)) {
        report_observe_attribute(parse, name, &member);
    }
    if (json_offset(parse->reader) - from > REPORT_ATTRIBUTES_BYTES_MAX) {
        report_refuse(parse, TITLE_VALUE, "/attributes",
                      "attributes are longer than 4096 bytes as sent", (struct slice){NULL, 0}, "");
    }
}
