#include "core/text/csv.h"

#include "core/base/check.h"

#include <string.h>

static enum csv_state after_byte(enum csv_state state, uint8_t byte) {
    switch (state) {
    case CSV_FIELD_QUOTED:
        return byte == '"' ? CSV_FIELD_QUOTE : CSV_FIELD_QUOTED;
    case CSV_FIELD_QUOTE: /* doubled: still inside; else the field is over */
    case CSV_FIELD_BEGIN:
        if (byte == '"') {
            return CSV_FIELD_QUOTED;
        }
        return byte == ',' ? CSV_FIELD_BEGIN : CSV_FIELD_PLAIN;
    case CSV_FIELD_PLAIN:
        return byte == ',' ? CSV_FIELD_BEGIN : CSV_FIELD_PLAIN;
    }
    CHECK(false);
    return CSV_FIELD_PLAIN;
}

size_t csv_find_record_end(struct csv_splitter *splitter, struct slice bytes) {
    enum csv_state state = splitter->state;
    for (size_t i = 0; i < bytes.bytes; i++) {
        if (bytes.data[i] == '\n' && state != CSV_FIELD_QUOTED) {
            splitter->state = CSV_FIELD_BEGIN;
            return i + 1;
        }
        state = after_byte(state, bytes.data[i]);
    }
    splitter->state = state;
    return 0;
}

struct slice csv_trim_line_end(struct slice record) {
    if (record.bytes > 0 && record.data[record.bytes - 1] == '\n') {
        record.bytes--;
        if (record.bytes > 0 && record.data[record.bytes - 1] == '\r') {
            record.bytes--;
        }
    }
    return record;
}

/* What is being split: `at` is the next byte not yet read. */
struct split {
    struct slice record;
    size_t at;
    uint8_t *scratch;
    size_t scratch_bytes, scratch_used;
};

static bool at_field_end(const struct split *split) {
    return split->at == split->record.bytes || split->record.data[split->at] == ',';
}

static bool plain_field(struct split *split, struct slice *ret, const char **ret_why) {
    size_t start = split->at;
    while (!at_field_end(split)) {
        if (split->record.data[split->at] == '"') {
            *ret_why = "a quote stands inside a field that does not begin with one";
            return false;
        }
        split->at++;
    }
    *ret = (struct slice){split->record.data + start, split->at - start};
    return true;
}

/* Copies the field with each doubled quote made one. */
static bool unquote(struct split *split, struct slice from, struct slice *ret,
                    const char **ret_why) {
    uint8_t *to = split->scratch + split->scratch_used;
    size_t room = split->scratch_bytes - split->scratch_used;
    size_t bytes = 0;
    for (size_t i = 0; i < from.bytes; i++) {
        if (bytes == room) {
            *ret_why = "the line's quoted fields are longer than their limit";
            return false;
        }
        to[bytes++] = from.data[i];
        i += from.data[i] == '"'; /* the second of the pair */
    }
    split->scratch_used += bytes;
    CHECK(split->scratch_used <= split->scratch_bytes);
    *ret = (struct slice){to, bytes};
    return true;
}

static bool quoted_field(struct split *split, struct slice *ret, const char **ret_why) {
    const uint8_t *data = split->record.data;
    size_t start = ++split->at;
    bool doubled = false;
    for (;; split->at++) {
        if (split->at == split->record.bytes) {
            *ret_why = "a quoted field is not closed";
            return false;
        }
        if (data[split->at] != '"') {
            continue;
        }
        if (split->at + 1 < split->record.bytes && data[split->at + 1] == '"') {
            doubled = true;
            split->at++;
            continue;
        }
        break;
    }
    struct slice field = {data + start, split->at - start};
    split->at++;
    if (!at_field_end(split)) {
        *ret_why = "a closing quote is not followed by a comma";
        return false;
    }
    if (doubled) {
        return unquote(split, field, ret, ret_why);
    }
    *ret = field;
    return true;
}

bool csv_split(struct slice *fields, size_t fields_max, size_t *ret_count, struct slice record,
               uint8_t *scratch, size_t scratch_bytes, const char **ret_why) {
    CHECK(fields_max > 0);
    struct split split = {record, 0, scratch, scratch_bytes, 0};
    for (size_t count = 0; count < fields_max;) {
        bool quoted = split.at < record.bytes && record.data[split.at] == '"';
        if (!(quoted ? quoted_field(&split, &fields[count], ret_why)
                     : plain_field(&split, &fields[count], ret_why))) {
            return false;
        }
        count++;
        if (split.at == record.bytes) {
            *ret_count = count;
            return true;
        }
        split.at++; /* the comma; at the end of the record an empty field follows it */
    }
    *ret_why = "the line has too many columns";
    return false;
}
