#include "core/region/region_fields.h"

#include "core/base/check.h"
#include "core/text/json.h"

static const char *const column_names[] = {
    [REGION_COLUMN_CODE] = "code",   [REGION_COLUMN_PARENT] = "parent",
    [REGION_COLUMN_LEVEL] = "level", [REGION_COLUMN_NAME] = "name",
    [REGION_COLUMN_LAT] = "lat",     [REGION_COLUMN_LON] = "lon",
    [REGION_COLUMN_KIND] = "kind",   [REGION_COLUMN_LEADER] = "leader",
};
_Static_assert(ARRAY_COUNT(column_names) == REGION_COLUMN_COUNT, "a name for each column");

bool region_column_find(enum region_column *ret, struct slice name) {
    for (size_t i = 0; i < REGION_COLUMN_COUNT; i++) {
        if (slice_is(name, column_names[i])) {
            *ret = (enum region_column)i;
            return true;
        }
    }
    return false;
}

/* The character at `at` of valid UTF-8, and how many bytes it has. */
static uint32_t character(struct slice text, size_t at, size_t *ret_bytes) {
    uint8_t lead = text.data[at];
    size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint32_t value = bytes == 1 ? lead : lead & (0xffu >> (bytes + 1));
    CHECK(at + bytes <= text.bytes);
    for (size_t i = 1; i < bytes; i++) {
        value = value << 6 | (text.data[at + i] & 0x3f);
    }
    *ret_bytes = bytes;
    return value;
}

/* Codes stand in URLs, CSV and messages as they are, so nothing invisible (controls, white space,
 * joiners and direction marks) and nothing that separates. */
static bool is_code_character(uint32_t c) {
    if (c < 0x80) {
        return c > ' ' && c < 0x7f && c != '/' && c != ',' && c != '"' && c != '\'';
    }
    return c > 0xa0 && c != 0xad && c != 0x1680 && c != 0x180e && !(c >= 0x2000 && c <= 0x200f) &&
           !(c >= 0x2028 && c <= 0x202f) && !(c >= 0x205f && c <= 0x206f) && c != 0x3000 &&
           c != 0xfeff;
}

static bool code_is_clean(struct slice code) {
    if (!utf8_is_valid(code)) {
        return false;
    }
    for (size_t at = 0, bytes; at < code.bytes; at += bytes) {
        if (!is_code_character(character(code, at, &bytes))) {
            return false;
        }
    }
    return true;
}

static const char *codes_problem(struct slice code, struct slice parent, uint64_t bytes_max) {
    CHECK(bytes_max <= REGION_CODE_BYTES_CAP);
    if (code.bytes == 0) {
        return "code: it is missing or empty";
    }
    if (code.bytes > bytes_max) {
        return "code: it has more bytes than limits.region_code_bytes";
    }
    if (!code_is_clean(code)) {
        return "code: it has white space, a control character, a slash, a comma, a quote or bytes "
               "that are not UTF-8";
    }
    if (parent.bytes > bytes_max) {
        return "parent: it has more bytes than limits.region_code_bytes";
    }
    return code_is_clean(parent) ? NULL : "parent: it is not a possible region code";
}

static const char *texts_problem(const struct slice *text, uint64_t bytes_max) {
    CHECK(bytes_max <= REGION_NAME_BYTES_CAP);
    if (text[REGION_COLUMN_NAME].bytes > bytes_max) {
        return "name: it has more bytes than limits.region_name_bytes";
    }
    if (!utf8_is_valid(text[REGION_COLUMN_NAME])) {
        return "name: it is not UTF-8";
    }
    if (text[REGION_COLUMN_LEADER].bytes > bytes_max) {
        return "leader: it has more bytes than limits.region_name_bytes";
    }
    if (!utf8_is_valid(text[REGION_COLUMN_LEADER])) {
        return "leader: it is not UTF-8";
    }
    if (text[REGION_COLUMN_KIND].bytes > REGION_KIND_BYTES_MAX) {
        return "kind: it has more than 64 bytes";
    }
    return utf8_is_valid(text[REGION_COLUMN_KIND]) ? NULL : "kind: it is not UTF-8";
}

static const char *numbers_problem(const struct region_fields *fields) {
    if (!fields->has_level) {
        return "level: it is missing or empty";
    }
    if (fields->level < 0 || fields->level > REGION_LEVEL_MAX) {
        return "level: an unknown level, it must be a whole number from 0 to 15";
    }
    if (fields->has_lat != fields->has_lon) {
        return fields->has_lat ? "lon: it is missing beside lat" : "lat: it is missing beside lon";
    }
    if (!fields->has_lat) {
        return NULL;
    }
    if (!(fields->position.lat_deg >= -90 && fields->position.lat_deg <= 90)) {
        return "lat: it is not between -90 and 90 degrees";
    }
    bool in_range = fields->position.lon_deg >= -180 && fields->position.lon_deg <= 180;
    return in_range ? NULL : "lon: it is not between -180 and 180 degrees";
}

bool region_fields_check(struct region_row *ret, const struct region_fields *fields,
                         const struct limits *limits, const char **ret_why) {
    const struct slice *text = fields->text;
    const char *why = codes_problem(text[REGION_COLUMN_CODE], text[REGION_COLUMN_PARENT],
                                    limits->region_code_bytes);
    why = why != NULL ? why : numbers_problem(fields);
    why = why != NULL ? why : texts_problem(text, limits->region_name_bytes);
    if (why != NULL) {
        *ret_why = why;
        return false;
    }
    *ret = (struct region_row){
        .code = text[REGION_COLUMN_CODE],
        .parent = text[REGION_COLUMN_PARENT],
        .name = text[REGION_COLUMN_NAME],
        .kind = text[REGION_COLUMN_KIND],
        .leader = text[REGION_COLUMN_LEADER],
        .level = (uint8_t)fields->level,
        .has_position = fields->has_lat,
        .position = fields->position,
    };
    return true;
}
