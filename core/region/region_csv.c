#include "core/region/region_fields.h"
#include "core/text/csv.h"
#include "core/text/json.h"

#include "core/base/check.h"

#include <string.h>

enum { HEADER_BYTES_MAX = 256 };

static bool columns_learn(struct region_columns *columns, const struct slice *names, size_t count,
                          const char **ret_why) {
    bool seen[REGION_COLUMN_COUNT] = {false};
    for (size_t i = 0; i < count; i++) {
        enum region_column column;
        if (!region_column_find(&column, names[i])) {
            *ret_why = "the header names an unknown column; the columns are code, parent, level, "
                       "name and if wanted lat, lon, kind, leader";
            return false;
        }
        if (seen[column]) {
            *ret_why = "the header names a column twice";
            return false;
        }
        seen[column] = true;
        columns->of[i] = (int8_t)column;
    }
    if (!seen[REGION_COLUMN_CODE] || !seen[REGION_COLUMN_PARENT] || !seen[REGION_COLUMN_LEVEL] ||
        !seen[REGION_COLUMN_NAME]) {
        *ret_why = "the header lacks one of the columns code, parent, level, name";
        return false;
    }
    columns->count = (uint8_t)count;
    return true;
}

bool region_columns_parse(struct region_columns *ret, struct slice line, const char **ret_why) {
    struct region_columns columns;
    memset(columns.of, -1, sizeof columns.of);
    columns.count = 0;
    if (line.bytes >= 3 && memcmp(line.data, "\xef\xbb\xbf", 3) == 0) {
        line = (struct slice){line.data + 3, line.bytes - 3}; /* a byte order mark */
    }
    struct slice names[ARRAY_COUNT(columns.of)];
    uint8_t scratch[HEADER_BYTES_MAX];
    size_t count;
    if (!csv_split(names, ARRAY_COUNT(names), &count, csv_trim_line_end(line), scratch,
                   sizeof scratch, ret_why) ||
        !columns_learn(&columns, names, count, ret_why)) {
        return false;
    }
    *ret = columns;
    return true;
}

static size_t digits_at(struct slice text, size_t at) {
    size_t count = 0;
    while (at + count < text.bytes && text.data[at + count] >= '0' &&
           text.data[at + count] <= '9') {
        count++;
    }
    return count;
}

/* -?digits[.digits][e[+-]digits]: what json_number reads. */
static bool is_number(struct slice text) {
    size_t at = text.bytes > 0 && text.data[0] == '-';
    size_t count = digits_at(text, at);
    if (count == 0) {
        return false;
    }
    at += count;
    if (at < text.bytes && text.data[at] == '.') {
        count = digits_at(text, at + 1);
        if (count == 0) {
            return false;
        }
        at += 1 + count;
    }
    if (at < text.bytes && (text.data[at] | 0x20) == 'e') {
        at++;
        at += at < text.bytes && (text.data[at] == '-' || text.data[at] == '+');
        count = digits_at(text, at);
        at += count;
    }
    return at == text.bytes && count > 0;
}

static bool take_number(bool *ret_has, double *ret_value, struct slice text) {
    if (text.bytes == 0) {
        return true;
    }
    *ret_has = is_number(text);
    if (*ret_has) {
        *ret_value = json_number(text);
    }
    return *ret_has;
}

static bool take_level(struct region_fields *fields, struct slice text) {
    if (text.bytes == 0) {
        return true;
    }
    fields->has_level = text.bytes <= 2 && digits_at(text, 0) == text.bytes;
    for (size_t i = 0; fields->has_level && i < text.bytes; i++) {
        fields->level = fields->level * 10 + (text.data[i] - '0');
    }
    return fields->has_level;
}

static bool take_field(struct region_fields *fields, enum region_column column, struct slice text,
                       const char **ret_why) {
    switch (column) {
    case REGION_COLUMN_LEVEL:
        *ret_why = "level: an unknown level, it must be a whole number from 0 to 15";
        return take_level(fields, text);
    case REGION_COLUMN_LAT:
        *ret_why = "lat: it is not a number";
        return take_number(&fields->has_lat, &fields->position.lat_deg, text);
    case REGION_COLUMN_LON:
        *ret_why = "lon: it is not a number";
        return take_number(&fields->has_lon, &fields->position.lon_deg, text);
    case REGION_COLUMN_CODE:
    case REGION_COLUMN_PARENT:
    case REGION_COLUMN_NAME:
    case REGION_COLUMN_KIND:
    case REGION_COLUMN_LEADER:
        fields->text[column] = text;
        return true;
    case REGION_COLUMN_COUNT:
        break;
    }
    CHECK(false);
}

bool region_row_from_csv(struct region_row *ret, const struct region_columns *columns,
                         struct slice record, uint8_t *scratch, size_t scratch_bytes,
                         const struct limits *limits, const char **ret_why) {
    CHECK(columns->count >= 1 && columns->count <= REGION_COLUMN_COUNT);
    struct slice parts[REGION_COLUMN_COUNT];
    size_t count;
    const char *why = NULL;
    if (!csv_split(parts, columns->count, &count, csv_trim_line_end(record), scratch, scratch_bytes,
                   ret_why)) {
        return false;
    }
    if (count < columns->count) {
        *ret_why = "the line has fewer columns than the header";
        return false;
    }
    struct region_fields fields = {0};
    for (size_t i = 0; i < count; i++) {
        if (!take_field(&fields, (enum region_column)columns->of[i], parts[i], &why)) {
            *ret_why = why;
            return false;
        }
    }
    return region_fields_check(ret, &fields, limits, ret_why);
}
