#include "core/region/region_fields.h"
#include "core/text/json.h"

#include "core/base/check.h"

struct read {
    struct json_reader reader;
    uint8_t *scratch;
    size_t scratch_bytes, scratch_used;
};

/* The text of a KEY or STRING; false when the scratch is used up. */
static bool take_text(struct read *read, struct json_token token, struct slice *ret) {
    if (!token.escaped) {
        *ret = token.text;
        return true;
    }
    if (token.text.bytes > read->scratch_bytes - read->scratch_used) {
        return false;
    }
    uint8_t *to = read->scratch + read->scratch_used;
    *ret = (struct slice){to, json_unescape(to, token.text)};
    read->scratch_used += ret->bytes;
    CHECK(read->scratch_used <= read->scratch_bytes);
    return true;
}

/* What a value of another kind than the column's is told. */
static const char *const wrong_kind[] = {
    [REGION_COLUMN_CODE] = "code: it is not a string",
    [REGION_COLUMN_PARENT] = "parent: it is not a string",
    [REGION_COLUMN_LEVEL] = "level: an unknown level, it must be a whole number from 0 to 15",
    [REGION_COLUMN_NAME] = "name: it is not a string",
    [REGION_COLUMN_LAT] = "lat: it is not a number",
    [REGION_COLUMN_LON] = "lon: it is not a number",
    [REGION_COLUMN_KIND] = "kind: it is not a string",
    [REGION_COLUMN_LEADER] = "leader: it is not a string",
};
_Static_assert(ARRAY_COUNT(wrong_kind) == REGION_COLUMN_COUNT, "a sentence for each column");

static bool take_number(struct region_fields *fields, enum region_column column,
                        struct slice text) {
    switch (column) {
    case REGION_COLUMN_LEVEL:
        fields->has_level = json_integer(&fields->level, text);
        return fields->has_level;
    case REGION_COLUMN_LAT:
        fields->has_lat = true;
        fields->position.lat_deg = json_number(text);
        return true;
    case REGION_COLUMN_LON:
        fields->has_lon = true;
        fields->position.lon_deg = json_number(text);
        return true;
    case REGION_COLUMN_CODE:
    case REGION_COLUMN_PARENT:
    case REGION_COLUMN_NAME:
    case REGION_COLUMN_KIND:
    case REGION_COLUMN_LEADER:
        return false;
    case REGION_COLUMN_COUNT:
        break;
    }
    CHECK(false);
}

static bool is_number_column(enum region_column column) {
    return column == REGION_COLUMN_LEVEL || column == REGION_COLUMN_LAT ||
           column == REGION_COLUMN_LON;
}

/* One member whose key was read. */
static bool take_member(struct read *read, struct region_fields *fields, struct slice key,
                        const char **ret_why) {
    enum region_column column;
    if (!region_column_find(&column, key)) {
        *ret_why = "the object has an unknown member; the members are code, parent, level, name "
                   "and if wanted lat, lon, kind, leader";
        return false;
    }
    struct json_token value = json_next(&read->reader);
    bool right = value.kind == JSON_NULL;
    struct slice text = {NULL, 0};
    if (value.kind == JSON_NUMBER) {
        right = take_number(fields, column, value.text);
    } else if (value.kind == JSON_STRING) {
        if (!take_text(read, value, &text)) {
            *ret_why = "the line's escaped strings are longer than their limit";
            return false;
        }
        right = text.bytes == 0 || !is_number_column(column);
        fields->text[column] = text;
    } else if (value.kind == JSON_ERROR) {
        *ret_why = json_problem_text(read->reader.problem);
        return false;
    }
    if (!right) {
        *ret_why = wrong_kind[column];
    }
    return right;
}

bool region_row_from_json(struct region_row *ret, struct slice text, uint8_t *scratch,
                          size_t scratch_bytes, const struct limits *limits, const char **ret_why) {
    struct read read; /* not cleared whole: the reader is large */
    read.scratch = scratch;
    read.scratch_bytes = scratch_bytes;
    read.scratch_used = 0;
    struct region_fields fields = {0};
    struct json_bounds bounds;
    json_bounds_from(&bounds, limits);
    json_init(&read.reader, &bounds, text);
    struct json_token token = json_next(&read.reader);
    if (token.kind != JSON_OBJECT_BEGIN && token.kind != JSON_ERROR) {
        *ret_why = "the line is not a JSON object";
        return false;
    }
    while (token.kind != JSON_ERROR && (token = json_next(&read.reader)).kind == JSON_KEY) {
        struct slice key;
        if (!take_text(&read, token, &key)) {
            *ret_why = "the line's escaped strings are longer than their limit";
            return false;
        }
        if (!take_member(&read, &fields, key, ret_why)) {
            return false;
        }
    }
    if (token.kind != JSON_ERROR) {
        CHECK(token.kind == JSON_OBJECT_END);
        token = json_next(&read.reader);
    }
    if (token.kind != JSON_DONE) {
        *ret_why = json_problem_text(read.reader.problem);
        return false;
    }
    return region_fields_check(ret, &fields, limits, ret_why);
}
