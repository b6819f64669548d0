#include "core/base/check.h"
#include "core/report/report_parse.h"

#include <string.h>

enum { VALUE_BYTES_MAX = 64 }; /* of what the sender wrote, in a detail */

/* The longest start of `text` within `bytes` that does not cut a UTF-8 sequence. */
static size_t cut_bytes(struct slice text, size_t bytes) {
    if (text.bytes <= bytes) {
        return text.bytes;
    }
    while (bytes > 0 && (text.data[bytes] & 0xC0) == 0x80) {
        bytes--;
    }
    return bytes;
}

static size_t append(char *to, size_t room, size_t used, struct slice text) {
    CHECK(used < room);
    size_t bytes = cut_bytes(text, room - 1 - used);
    if (bytes != 0) {
        memcpy(to + used, text.data, bytes);
    }
    to[used + bytes] = '\0';
    return used + bytes;
}

void report_refuse(struct report_parse *parse, const char *title, const char *pointer,
                   const char *before, struct slice value, const char *after) {
    report_settle_grid(parse);
    if (parse->refused) {
        return;
    }
    parse->refused = true;
    struct report_problem *problem = parse->problem;
    problem->title = title;
    append(problem->pointer, sizeof problem->pointer, 0, slice_text(pointer));
    size_t room = sizeof problem->detail;
    size_t used = append(problem->detail, room, 0, slice_text(before));
    size_t value_bytes = cut_bytes(value, VALUE_BYTES_MAX);
    used = append(problem->detail, room, used, (struct slice){value.data, value_bytes});
    if (value_bytes < value.bytes) {
        used = append(problem->detail, room, used, SLICE_LITERAL("..."));
    }
    append(problem->detail, room, used, slice_text(after));
}

void report_refuse_type(struct report_parse *parse, const char *pointer, const char *expected) {
    report_refuse(parse, TITLE_TYPE, pointer, "expected ", slice_text(expected), "");
}

/* Decimal digits at the end of `buffer`. */
static struct slice decimal(uint8_t buffer[20], uint64_t value) {
    size_t at = 20;
    do {
        buffer[--at] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return (struct slice){buffer + at, 20 - at};
}

void report_refuse_syntax(struct report_parse *parse) {
    CHECK(parse->reader->problem != JSON_OK);
    uint8_t buffer[20];
    struct slice offset = decimal(buffer, json_offset(parse->reader));
    char after[128];
    size_t used = append(after, sizeof after, 0, SLICE_LITERAL(": "));
    append(after, sizeof after, used, slice_text(json_problem_text(parse->reader->problem)));
    parse->refused = false;
    parse->grid = (struct slice){NULL, 0};
    report_refuse(parse, TITLE_SYNTAX, "", "at byte ", offset, after);
}

bool report_string(struct report_parse *parse, const char *pointer, const struct json_token *value,
                   size_t bytes_max, struct slice *ret) {
    if (value->kind != JSON_STRING) {
        report_refuse_type(parse, pointer, "a string");
        return false;
    }
    struct slice text = value->text;
    if (value->escaped) {
        uint8_t *decoded = arena_alloc(parse->arena, text.bytes, 1);
        if (decoded == NULL) {
            parse->arena_full = true;
            return false;
        }
        text = (struct slice){decoded, json_unescape(decoded, text)};
    }
    if (text.bytes > bytes_max) {
        uint8_t buffer[20];
        report_refuse(parse, TITLE_VALUE, pointer, "the string is longer than ",
                      decimal(buffer, bytes_max), " bytes");
        return false;
    }
    *ret = text;
    return true;
}

bool report_number(struct report_parse *parse, const char *pointer, const struct json_token *value,
                   const struct number_range *range, double *ret) {
    if (value->kind != JSON_NUMBER) {
        report_refuse_type(parse, pointer, range->expected);
        return false;
    }
    double number = json_number(value->text);
    if (!(number >= range->min && number <= range->max)) {
        report_refuse(parse, TITLE_VALUE, pointer, "", value->text, " is out of range");
        return false;
    }
    *ret = number;
    return true;
}

struct slice report_name(uint8_t buffer[NAME_BUFFER_BYTES], const struct json_token *key) {
    CHECK(key->kind == JSON_KEY);
    if (!key->escaped) {
        return key->text;
    }
    /* Each decoded byte is written with at most six. */
    if (key->text.bytes > NAME_BUFFER_BYTES) {
        return (struct slice){NULL, 0};
    }
    return (struct slice){buffer, json_unescape(buffer, key->text)};
}
