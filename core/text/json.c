#include "core/text/json.h"

#include "core/base/check.h"
#include "core/base/mutant.h"
#include "core/text/json_string.h"

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
    reader->in_object[0] = false;
    reader->state = STATE_VALUE;
    reader->keys_count = 0;
}

/* Field by field, since a token that is copied whole right after it was written stalls the load. */
static inline void set_token(struct json_token *token, enum json_kind kind, const uint8_t *from,
                             const uint8_t *to) {
    token->kind = kind;
    token->escaped = false;
    token->text.data = from;
    token->text.bytes = (size_t)(to - from);
    token->hash = 0;
}

static void fail_at(struct json_reader *reader, struct json_token *token, const uint8_t *at,
                    enum json_problem problem) {
    CHECK(problem != JSON_OK && at >= reader->start && at <= reader->end);
    reader->at = at;
    reader->problem = problem;
    reader->state = STATE_ERROR;
    set_token(token, JSON_ERROR, at, at);
}

/* The byte at `at` fits nothing; or there is none. */
static void fail_syntax(struct json_reader *reader, struct json_token *token, const uint8_t *at) {
    fail_at(reader, token, at, at == reader->end ? JSON_TRUNCATED : JSON_SYNTAX);
}

static inline const uint8_t *skip_space(const uint8_t *at, const uint8_t *end) {
    while (at < end && *at <= ' ' && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) {
        at++;
    }
    return at;
}

/* A string with escapes, with characters beyond ASCII, or with a mistake. */
static __attribute__((noinline)) void read_string_slow(struct json_reader *reader,
                                                       struct json_token *token, const uint8_t *at,
                                                       enum json_kind kind) {
    const uint8_t *close;
    bool escaped = false;
    enum json_problem problem = json_string_scan(&close, &escaped, at + 1, reader->end);
    if (problem != JSON_OK) {
        fail_at(reader, token, close, problem);
        return;
    }
    if ((size_t)(close - at - 1) > reader->bounds.string_bytes) {
        fail_at(reader, token, at, JSON_STRING_TOO_LONG);
        return;
    }
    set_token(token, kind, at + 1, close);
    token->escaped = escaped;
    reader->at = close + 1;
    reader->state = STATE_AFTER_VALUE;
}

static void read_string(struct json_reader *reader, struct json_token *token, const uint8_t *at,
                        enum json_kind kind) {
    CHECK(*at == '"');
    const uint8_t *close = json_find_special(at + 1, reader->end);
    bool plain = close < reader->end && *close == '"' &&
                 (size_t)(close - at - 1) <= reader->bounds.string_bytes;
    if (!plain) {
        read_string_slow(reader, token, at, kind);
        return;
    }
    set_token(token, kind, at + 1, close);
    reader->at = close + 1;
    reader->state = STATE_AFTER_VALUE;
}

/* Remembers a key of the innermost object. */
static enum json_problem remember_key(struct json_reader *reader, uint64_t hash) {
    uint32_t from = reader->keys_start[reader->depth];
    uint32_t to = reader->keys_count;
    if (to - from >= reader->bounds.keys || to >= ARRAY_COUNT(reader->keys)) {
        return JSON_TOO_MANY_KEYS;
    }
    uint64_t bit = UINT64_C(1) << (hash & 63);
    if ((reader->keys_seen[reader->depth] & bit) != 0 && !reader->bounds.allow_duplicates &&
        !MUTANT(DUPLICATE_KEYS_TAKEN)) {
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
static void read_key(struct json_reader *reader, struct json_token *token, const uint8_t *at) {
    if (at == reader->end || *at != '"') {
        fail_syntax(reader, token, at);
        return;
    }
    read_string(reader, token, at, JSON_KEY);
    if (token->kind == JSON_ERROR) {
        return;
    }
    token->hash = json_hash(token->text, token->escaped);
    enum json_problem problem = remember_key(reader, token->hash);
    if (problem != JSON_OK) {
        fail_at(reader, token, at, problem);
        return;
    }
    const uint8_t *colon = skip_space(reader->at, reader->end);
    if (colon == reader->end || *colon != ':') {
        fail_syntax(reader, token, colon);
        return;
    }
    reader->at = colon + 1;
    reader->state = STATE_VALUE;
}

static void open_level(struct json_reader *reader, struct json_token *token, const uint8_t *at) {
    if (reader->depth >= reader->bounds.depth) {
        fail_at(reader, token, at, JSON_TOO_DEEP);
        return;
    }
    bool object = *at == '{';
    uint32_t depth = ++reader->depth;
    reader->in_object[depth] = object;
    reader->keys_start[depth] = reader->keys_count;
    reader->keys_seen[depth] = 0;
    reader->at = at + 1;
    reader->state = object ? STATE_FIRST_KEY : STATE_FIRST_ELEMENT;
    set_token(token, object ? JSON_OBJECT_BEGIN : JSON_ARRAY_BEGIN, at, at + 1);
}

static void close_level(struct json_reader *reader, struct json_token *token, const uint8_t *at) {
    CHECK(reader->depth > 0 && reader->keys_count >= reader->keys_start[reader->depth]);
    bool object = reader->in_object[reader->depth] != 0;
    reader->keys_count = reader->keys_start[reader->depth];
    reader->depth--;
    reader->at = at + 1;
    reader->state = STATE_AFTER_VALUE;
    set_token(token, object ? JSON_OBJECT_END : JSON_ARRAY_END, at, at + 1);
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

/* The end of the number at `at`; false when it is not written as JSON demands, and then the byte
 * that is wrong. */
static bool scan_number(const uint8_t **ret_at, const uint8_t *at, const uint8_t *end) {
    at += *at == '-';
    bool leading_zero = is_digit_at(at, end) && *at == '0' && is_digit_at(at + 1, end);
    bool good = is_digit_at(at, end) && !leading_zero;
    at = good ? skip_digits(at, end) : at;
    if (good && at < end && *at == '.') {
        good = is_digit_at(++at, end);
        at = skip_digits(at, end);
    }
    if (good && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        good = is_digit_at(at, end);
        at = skip_digits(at, end);
    }
    *ret_at = at;
    return good;
}

static void read_number(struct json_reader *reader, struct json_token *token, const uint8_t *from) {
    const uint8_t *at;
    if (!scan_number(&at, from, reader->end)) {
        fail_at(reader, token, at, JSON_BAD_NUMBER);
        return;
    }
    set_token(token, JSON_NUMBER, from, at);
    reader->at = at;
    reader->state = STATE_AFTER_VALUE;
}

static void read_word(struct json_reader *reader, struct json_token *token, const uint8_t *at,
                      const char *word, enum json_kind kind) {
    size_t bytes = strlen(word);
    size_t room = (size_t)(reader->end - at);
    for (size_t i = 0; i < bytes; i++) {
        if (i >= room || at[i] != (uint8_t)word[i]) {
            fail_syntax(reader, token, at + i);
            return;
        }
    }
    set_token(token, kind, at, at + bytes);
    reader->at = at + bytes;
    reader->state = STATE_AFTER_VALUE;
}

static void read_value(struct json_reader *reader, struct json_token *token, const uint8_t *at) {
    uint8_t byte = at < reader->end ? *at : '\0';
    if (byte == '"') {
        read_string(reader, token, at, JSON_STRING);
    } else if (byte == '-' || (byte >= '0' && byte <= '9')) {
        read_number(reader, token, at);
    } else if (byte == '{' || byte == '[') {
        open_level(reader, token, at);
    } else if (byte == 't') {
        read_word(reader, token, at, "true", JSON_TRUE);
    } else if (byte == 'f') {
        read_word(reader, token, at, "false", JSON_FALSE);
    } else if (byte == 'n') {
        read_word(reader, token, at, "null", JSON_NULL);
    } else {
        fail_syntax(reader, token, at);
    }
}

static void read_after_value(struct json_reader *reader, struct json_token *token,
                             const uint8_t *at) {
    bool object = reader->in_object[reader->depth] != 0;
    uint8_t byte = at < reader->end ? *at : '\0';
    if (reader->depth == 0) {
        if (at != reader->end) {
            fail_at(reader, token, at, JSON_TRAILING);
            return;
        }
        CHECK(reader->keys_count == 0);
        set_token(token, JSON_DONE, at, at);
        reader->at = at;
        reader->state = STATE_DONE;
    } else if (byte == ',') {
        at = skip_space(at + 1, reader->end);
        if (object) {
            read_key(reader, token, at);
        } else {
            read_value(reader, token, at);
        }
    } else if (byte == (object ? '}' : ']')) {
        close_level(reader, token, at);
    } else {
        fail_syntax(reader, token, at);
    }
}

void json_next_into(struct json_reader *reader, struct json_token *ret) {
    const uint8_t *at = skip_space(reader->at, reader->end);
    uint8_t byte = at < reader->end ? *at : '\0';
    enum state state = (enum state)reader->state;
    if (state == STATE_AFTER_VALUE) {
        read_after_value(reader, ret, at);
    } else if (state == STATE_VALUE || (state == STATE_FIRST_ELEMENT && byte != ']')) {
        read_value(reader, ret, at);
    } else if (state == STATE_FIRST_KEY && byte != '}') {
        read_key(reader, ret, at);
    } else if (state == STATE_FIRST_KEY || state == STATE_FIRST_ELEMENT) {
        close_level(reader, ret, at);
    } else {
        CHECK(state == STATE_DONE || state == STATE_ERROR);
        set_token(ret, state == STATE_DONE ? JSON_DONE : JSON_ERROR, reader->at, reader->at);
    }
}

struct json_token json_next(struct json_reader *reader) {
    struct json_token token UNINITIALIZED;
    json_next_into(reader, &token);
    return token;
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
