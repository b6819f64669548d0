#include "core/json.h"

#include "core/check.h"
#include "core/json_string.h"

#include <string.h>

/* What the reader expects at `at`. */
enum state {
    STATE_VALUE,         /* a value */
    STATE_FIRST_KEY,     /* behind an opening brace */
    STATE_FIRST_ELEMENT, /* behind an opening bracket */
    STATE_AFTER_VALUE,   /* a comma, a closing bracket or brace, or the end */
    STATE_DONE,
    STATE_ERROR,
};

void json_bounds_from(struct json_bounds *bounds, const struct limits *limits) {
    CHECK(limits->json_depth <= JSON_DEPTH_CAP && limits->json_keys <= JSON_KEYS_CAP);
    *bounds = (struct json_bounds){.depth = (uint32_t)limits->json_depth,
                                   .keys = (uint32_t)limits->json_keys,
                                   .string_bytes = (uint32_t)limits->json_string_bytes};
}

void json_init(struct json_reader *reader, const struct json_bounds *bounds, struct slice text) {
    CHECK(bounds->depth <= JSON_DEPTH_CAP && bounds->keys <= JSON_KEYS_CAP);
    CHECK(text.data != NULL || text.bytes == 0);
    /* A NULL start would make the pointer arithmetic undefined. */
    static const uint8_t nothing;
    reader->start = text.data != NULL ? text.data : &nothing;
    reader->at = reader->start;
    reader->end = reader->start + text.bytes;
    reader->bounds = *bounds;
    reader->problem = JSON_OK;
    reader->depth = 0;
    reader->state = STATE_VALUE;
    reader->keys_count = 0;
}

static struct json_token fail_at(struct json_reader *reader, const uint8_t *at,
                                 enum json_problem problem) {
    CHECK(problem != JSON_OK && at >= reader->start && at <= reader->end);
    reader->at = at;
    reader->problem = problem;
    reader->state = STATE_ERROR;
    return (struct json_token){.kind = JSON_ERROR};
}

/* The byte at `at` fits nothing; or there is none. */
static struct json_token fail_syntax(struct json_reader *reader, const uint8_t *at) {
    return fail_at(reader, at, at == reader->end ? JSON_TRUNCATED : JSON_SYNTAX);
}

static inline const uint8_t *skip_space(const uint8_t *at, const uint8_t *end) {
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) {
        at++;
    }
    return at;
}

static struct json_token read_string(struct json_reader *reader, const uint8_t *at,
                                     enum json_kind kind) {
    CHECK(*at == '"');
    struct json_token token = {.kind = kind};
    const uint8_t *close;
    enum json_problem problem = json_string_scan(&close, &token.escaped, at + 1, reader->end);
    if (problem != JSON_OK) {
        return fail_at(reader, close, problem);
    }
    token.text = (struct slice){at + 1, (size_t)(close - at - 1)};
    if (token.text.bytes > reader->bounds.string_bytes) {
        return fail_at(reader, at, JSON_STRING_TOO_LONG);
    }
    reader->at = close + 1;
    reader->state = STATE_AFTER_VALUE;
    return token;
}

/* Remembers a key of the innermost object. */
static enum json_problem remember_key(struct json_reader *reader, uint64_t hash) {
    uint32_t from = reader->keys_start[reader->depth];
    uint32_t to = reader->keys_count;
    if (to - from >= reader->bounds.keys || to >= ARRAY_COUNT(reader->keys)) {
        return JSON_TOO_MANY_KEYS;
    }
    uint64_t bit = UINT64_C(1) << (hash & 63);
    if ((reader->keys_seen[reader->depth] & bit) != 0 && !reader->bounds.allow_duplicates) {
        for (uint32_t i = from; i < to; i++) {
            if (reader->keys[i] == hash) {
                return JSON_DUPLICATE_KEY;
            }
        }
    }
    reader->keys_seen[reader->depth] |= bit;
    reader->keys[to] = hash;
    reader->keys_count = to + 1;
    return JSON_OK;
}

/* A member's name and the colon behind it. */
static struct json_token read_key(struct json_reader *reader, const uint8_t *at) {
    if (at == reader->end || *at != '"') {
        return fail_syntax(reader, at);
    }
    struct json_token token = read_string(reader, at, JSON_KEY);
    if (token.kind == JSON_ERROR) {
        return token;
    }
    token.hash = json_hash(token.text, token.escaped);
    enum json_problem problem = remember_key(reader, token.hash);
    if (problem != JSON_OK) {
        return fail_at(reader, at, problem);
    }
    const uint8_t *colon = skip_space(reader->at, reader->end);
    if (colon == reader->end || *colon != ':') {
        return fail_syntax(reader, colon);
    }
    reader->at = colon + 1;
    reader->state = STATE_VALUE;
    return token;
}

static struct json_token open_level(struct json_reader *reader, const uint8_t *at) {
    if (reader->depth >= reader->bounds.depth) {
        return fail_at(reader, at, JSON_TOO_DEEP);
    }
    bool object = *at == '{';
    uint32_t depth = ++reader->depth;
    reader->in_object[depth] = object;
    reader->keys_start[depth] = reader->keys_count;
    reader->keys_seen[depth] = 0;
    reader->at = at + 1;
    reader->state = object ? STATE_FIRST_KEY : STATE_FIRST_ELEMENT;
    return (struct json_token){.kind = object ? JSON_OBJECT_BEGIN : JSON_ARRAY_BEGIN,
                               .text = {at, 1}};
}

static struct json_token close_level(struct json_reader *reader, const uint8_t *at) {
    CHECK(reader->depth > 0 && reader->keys_count >= reader->keys_start[reader->depth]);
    bool object = reader->in_object[reader->depth] != 0;
    reader->keys_count = reader->keys_start[reader->depth];
    reader->depth--;
    reader->at = at + 1;
    reader->state = STATE_AFTER_VALUE;
    return (struct json_token){.kind = object ? JSON_OBJECT_END : JSON_ARRAY_END, .text = {at, 1}};
}

static bool is_digit_at(const uint8_t *at, const uint8_t *end) {
    return at < end && *at >= '0' && *at <= '9';
}

static const uint8_t *skip_digits(const uint8_t *at, const uint8_t *end) {
    while (is_digit_at(at, end)) {
        at++;
    }
    return at;
}

static struct json_token read_number(struct json_reader *reader, const uint8_t *from) {
    const uint8_t *end = reader->end;
    const uint8_t *at = from + (*from == '-');
    if (!is_digit_at(at, end)) {
        return fail_at(reader, at, JSON_BAD_NUMBER);
    }
    if (*at == '0' && is_digit_at(at + 1, end)) {
        return fail_at(reader, at, JSON_BAD_NUMBER);
    }
    at = skip_digits(at, end);
    if (at < end && *at == '.') {
        at++;
        if (!is_digit_at(at, end)) {
            return fail_at(reader, at, JSON_BAD_NUMBER);
        }
        at = skip_digits(at, end);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        if (!is_digit_at(at, end)) {
            return fail_at(reader, at, JSON_BAD_NUMBER);
        }
        at = skip_digits(at, end);
    }
    reader->at = at;
    reader->state = STATE_AFTER_VALUE;
    return (struct json_token){.kind = JSON_NUMBER, .text = {from, (size_t)(at - from)}};
}

static struct json_token read_word(struct json_reader *reader, const uint8_t *at, const char *word,
                                   enum json_kind kind) {
    size_t bytes = strlen(word);
    size_t room = (size_t)(reader->end - at);
    for (size_t i = 0; i < bytes; i++) {
        if (i >= room || at[i] != (uint8_t)word[i]) {
            return fail_syntax(reader, at + i);
        }
    }
    reader->at = at + bytes;
    reader->state = STATE_AFTER_VALUE;
    return (struct json_token){.kind = kind, .text = {at, bytes}};
}

static struct json_token read_value(struct json_reader *reader, const uint8_t *at) {
    if (at == reader->end) {
        return fail_syntax(reader, at);
    }
    switch (*at) {
    case '"':
        return read_string(reader, at, JSON_STRING);
    case '{':
    case '[':
        return open_level(reader, at);
    case 't':
        return read_word(reader, at, "true", JSON_TRUE);
    case 'f':
        return read_word(reader, at, "false", JSON_FALSE);
    case 'n':
        return read_word(reader, at, "null", JSON_NULL);
    case '-':
        return read_number(reader, at);
    default:
        return is_digit_at(at, reader->end) ? read_number(reader, at) : fail_syntax(reader, at);
    }
}

static struct json_token read_after_value(struct json_reader *reader, const uint8_t *at) {
    if (reader->depth == 0) {
        if (at != reader->end) {
            return fail_at(reader, at, JSON_TRAILING);
        }
        CHECK(reader->keys_count == 0);
        reader->at = at;
        reader->state = STATE_DONE;
        return (struct json_token){.kind = JSON_DONE};
    }
    if (at == reader->end) {
        return fail_syntax(reader, at);
    }
    bool object = reader->in_object[reader->depth] != 0;
    if (*at == ',') {
        at = skip_space(at + 1, reader->end);
        return object ? read_key(reader, at) : read_value(reader, at);
    }
    return *at == (object ? '}' : ']') ? close_level(reader, at) : fail_syntax(reader, at);
}

struct json_token json_next(struct json_reader *reader) {
    const uint8_t *at = skip_space(reader->at, reader->end);
    switch ((enum state)reader->state) {
    case STATE_VALUE:
        return read_value(reader, at);
    case STATE_AFTER_VALUE:
        return read_after_value(reader, at);
    case STATE_FIRST_KEY:
        return at < reader->end && *at == '}' ? close_level(reader, at) : read_key(reader, at);
    case STATE_FIRST_ELEMENT:
        return at < reader->end && *at == ']' ? close_level(reader, at) : read_value(reader, at);
    case STATE_DONE:
        return (struct json_token){.kind = JSON_DONE};
    case STATE_ERROR:
        return (struct json_token){.kind = JSON_ERROR};
    }
    CHECK(false);
}

/* Reads on until the level `depth` is reached again. */
static bool skip_to_depth(struct json_reader *reader, uint32_t depth) {
    while (reader->depth > depth) {
        if (json_next(reader).kind == JSON_ERROR) {
            return false;
        }
    }
    return true;
}

bool json_skip_value(struct json_reader *reader, struct slice *ret_span) {
    CHECK(reader->state == STATE_VALUE || reader->state == STATE_ERROR);
    uint32_t depth = reader->depth;
    const uint8_t *from = skip_space(reader->at, reader->end);
    if (json_next(reader).kind == JSON_ERROR || !skip_to_depth(reader, depth)) {
        return false;
    }
    *ret_span = (struct slice){from, (size_t)(reader->at - from)};
    return true;
}

bool json_skip_rest(struct json_reader *reader) {
    CHECK(reader->depth > 0);
    return skip_to_depth(reader, reader->depth - 1);
}

size_t json_offset(const struct json_reader *reader) {
    CHECK(reader->at >= reader->start && reader->at <= reader->end);
    return (size_t)(reader->at - reader->start);
}

const char *json_problem_text(enum json_problem problem) {
    switch (problem) {
    case JSON_OK:
        return "nothing is wrong";
    case JSON_SYNTAX:
        return "a byte stands where JSON does not allow it";
    case JSON_TRUNCATED:
        return "the text ends too early";
    case JSON_TRAILING:
        return "something follows the end of the value";
    case JSON_BAD_UTF8:
        return "a string is not well-formed UTF-8";
    case JSON_BAD_ESCAPE:
        return "a string has an escape that JSON does not know";
    case JSON_LONE_SURROGATE:
        return "a string has half of a surrogate pair";
    case JSON_CONTROL_BYTE:
        return "a string has a control byte that is not escaped";
    case JSON_BAD_NUMBER:
        return "a number is not written as JSON demands";
    case JSON_DUPLICATE_KEY:
        return "a key stands twice in one object";
    case JSON_TOO_DEEP:
        return "objects and arrays are nested too deep";
    case JSON_TOO_MANY_KEYS:
        return "an object has too many members";
    case JSON_STRING_TOO_LONG:
        return "a string is too long";
    }
    CHECK(false);
}
