#include "server/report_view.h"

#include "core/base/check.h"
#include "core/text/json.h"

#include <string.h>

enum { MEMBER_NAME_BYTES_MAX = 17 }; /* occurred_at_given */

static const struct slice member_names[REPORT_MEMBER_COUNT] = {
#define REPORT_MEMBER_NAME(name, text)                                                             \
    [REPORT_MEMBER_##name] = {(const uint8_t *)(text), sizeof(text) - 1},
    REPORT_OWN_MEMBERS(REPORT_MEMBER_NAME) REPORT_COLUMN_MEMBERS(REPORT_MEMBER_NAME)
#undef REPORT_MEMBER_NAME
};

/* Kept out of the callers' frames: a release build clears locals, and this is 25 KiB. */
static _Thread_local struct json_reader reader;
static _Thread_local struct report_view found;

/* The key as a name to compare with; too long a name is none of ours, so cutting it is right. */
static struct slice key_name(const struct json_token *key, uint8_t *scratch) {
    if (!key->escaped) {
        return key->text;
    }
    if (key->text.bytes > (size_t)MEMBER_NAME_BYTES_MAX * 6) {
        return (struct slice){NULL, 0};
    }
    return (struct slice){scratch, json_unescape(scratch, key->text)};
}

static enum report_member member_of(struct slice name) {
    if (name.bytes == 0 || name.bytes > MEMBER_NAME_BYTES_MAX) {
        return REPORT_MEMBER_COUNT;
    }
    for (unsigned i = 0; i < REPORT_MEMBER_COUNT; i++) {
        if (member_names[i].bytes == name.bytes &&
            memcmp(member_names[i].data, name.data, name.bytes) == 0) {
            return (enum report_member)i;
        }
    }
    return REPORT_MEMBER_COUNT;
}

static void read_begin(struct slice text) {
    /* What is stored was checked on its way in; looking for repeated keys again is dear. */
    const struct json_bounds bounds = {.depth = JSON_DEPTH_CAP,
                                       .keys = JSON_KEYS_CAP,
                                       .string_bytes = UINT32_MAX,
                                       .allow_duplicates = true};
    json_init(&reader, &bounds, text);
}

/* The next member of the object being read: its name and its value's span. False at the end. */
static bool next_member(struct json_token *ret_key, struct slice *ret_value) {
    struct json_token key = json_next(&reader);
    if (key.kind != JSON_KEY || !json_skip_value(&reader, ret_value)) {
        return false;
    }
    *ret_key = key;
    return true;
}

static void read_location(struct slice location) {
    uint8_t scratch[MEMBER_NAME_BYTES_MAX * 6];
    struct json_token key;
    struct slice value;
    found.crs_is_wgs84 = true;
    read_begin(location);
    if (json_next(&reader).kind != JSON_OBJECT_BEGIN) {
        return;
    }
    while (next_member(&key, &value)) {
        struct slice name = key_name(&key, scratch);
        if (slice_is(name, "lat")) {
            found.lat = value;
        } else if (slice_is(name, "lon")) {
            found.lon = value;
        } else if (slice_is(name, "accuracy_m")) {
            found.accuracy_m = slice_is(value, "null") ? found.accuracy_m : value;
        } else if (slice_is(name, "crs")) {
            found.crs_is_wgs84 = slice_is(value, "null") || slice_is(value, "\"wgs84\"");
        }
    }
}

static void read_members(void) {
    uint8_t scratch[MEMBER_NAME_BYTES_MAX * 6];
    struct json_token key;
    struct slice value;
    read_begin(found.record.json);
    if (json_next(&reader).kind != JSON_OBJECT_BEGIN) {
        return;
    }
    while (next_member(&key, &value)) {
        enum report_member member = member_of(key_name(&key, scratch));
        if (member < REPORT_MEMBER_COUNT) {
            found.given[member] = value;
        }
        if (member >= REPORT_MEMBER_REPORTER && found.others_count < ARRAY_COUNT(found.others)) {
            const uint8_t *start = key.text.data - 1; /* its opening quote */
            found.others[found.others_count++] =
                (struct slice){start, (size_t)(value.data + value.bytes - start)};
        }
    }
    CHECK(found.others_count <= ARRAY_COUNT(found.others));
}

const struct report_view *report_view_of(const struct timeline_row *row) {
    memset(found.given, 0, sizeof found.given);
    found.others_count = 0;
    found.breaks_lines = false;
    found.lat = found.lon = found.accuracy_m = (struct slice){NULL, 0};
    found.crs_is_wgs84 = false;
    if (!record_decode(&found.record, row->record)) {
        found.record = (struct record){.has_position = false};
        return &found;
    }
    const struct slice json = found.record.json;
    found.breaks_lines = json.bytes > 0 && (memchr(json.data, '\n', json.bytes) != NULL ||
                                            memchr(json.data, '\r', json.bytes) != NULL);
    read_members();
    if (found.record.has_position && found.given[REPORT_MEMBER_LOCATION].bytes > 0) {
        read_location(found.given[REPORT_MEMBER_LOCATION]);
    }
    return &found;
}

struct slice report_view_channel(const struct report_view *view) {
    struct slice given = view->given[REPORT_MEMBER_CHANNEL];
    bool is_string = given.bytes > 0 && given.data[0] == '"';
    return is_string ? given : SLICE_LITERAL("\"handheld\"");
}

struct slice report_view_text(struct slice value, uint8_t *to) {
    if (value.bytes < 2 || value.data[0] != '"') {
        return (struct slice){NULL, 0};
    }
    struct slice inner = {value.data + 1, value.bytes - 2};
    if (inner.bytes == 0 || memchr(inner.data, '\\', inner.bytes) == NULL) {
        return inner;
    }
    return (struct slice){to, json_unescape(to, inner)};
}
