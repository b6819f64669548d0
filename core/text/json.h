/* A bounded pull reader for one JSON text (RFC 8259): no recursion, no allocation, full UTF-8
 * validation, duplicate keys refused.
 *
 * The text must be whole and in memory; tokens point into it. Strings are given as written, without
 * their quotes; json_unescape decodes them when `escaped` is set. Numbers are given as written.
 * Limits: struct json_bounds. O(n) in the text; duplicate detection compares 64-bit key hashes and
 * is O(keys^2) a level for at most json_keys members. */
#ifndef CORE_TEXT_JSON_H
#define CORE_TEXT_JSON_H

#include "core/base/status.h"
#include "core/limits.h"

enum json_kind {
    JSON_OBJECT_BEGIN,
    JSON_OBJECT_END,
    JSON_ARRAY_BEGIN,
    JSON_ARRAY_END,
    JSON_KEY, /* a member's name; its value is the next token */
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
    JSON_DONE, /* the whole text was read and nothing but white space follows */
    JSON_ERROR,
};

struct json_token {
    enum json_kind kind;
    bool escaped; /* KEY, STRING: holds backslashes */
    /* KEY, STRING: between the quotes; NUMBER: as written; else the token itself */
    struct slice text;
    uint64_t hash; /* KEY: json_hash of the name; else 0 */
};

/* Why a text was refused; json_problem_text says it in words. */
enum json_problem {
    JSON_OK,
    JSON_SYNTAX,
    JSON_TRUNCATED,
    JSON_TRAILING,
    JSON_BAD_UTF8,
    JSON_BAD_ESCAPE,
    JSON_LONE_SURROGATE,
    JSON_CONTROL_BYTE,
    JSON_BAD_NUMBER,
    JSON_DUPLICATE_KEY,
    JSON_TOO_DEEP,
    JSON_TOO_MANY_KEYS,
    JSON_STRING_TOO_LONG,
};

struct json_bounds {
    uint32_t depth;        /* <= JSON_DEPTH_CAP */
    uint32_t keys;         /* members of one object, <= JSON_KEYS_CAP */
    uint32_t string_bytes; /* as written */
    bool allow_duplicates; /* only for the conformance suite */
};

/* Caller's memory, about 20 KiB; reusable with json_init. Fields are the reader's own. */
struct json_reader {
    const uint8_t *start, *at, *end;
    struct json_bounds bounds;
    enum json_problem problem;
    uint32_t depth;
    uint8_t state;
    uint8_t in_object[JSON_DEPTH_CAP + 1];
    uint32_t keys_start[JSON_DEPTH_CAP + 1]; /* where a level's key hashes begin in `keys` */
    uint64_t keys_seen[JSON_DEPTH_CAP + 1];  /* one bit by hash; a clear bit: surely a new key */
    uint32_t keys_count;
    uint64_t keys[2048]; /* all open levels together; more is JSON_TOO_MANY_KEYS */
};

void json_bounds_from(struct json_bounds *bounds, const struct limits *limits);
/* `text` is borrowed until the last token was used. */
void json_init(struct json_reader *reader, const struct json_bounds *bounds, struct slice text);
/* The next token. After JSON_DONE or JSON_ERROR the same is returned again. */
struct json_token json_next(struct json_reader *reader);
/* The same without copying the token, for the hot path. */
void json_next_into(struct json_reader *reader, struct json_token *ret);
/* Having just read a KEY: skips its value whole (validating it) and gives the value's span as
 * written. False on error. */
MUST_USE bool json_skip_value(struct json_reader *reader, struct slice *ret_span);
/* Byte offset of the reader, for messages. */
size_t json_offset(const struct json_reader *reader);
/* Static sentence, e.g. "a key stands twice in one object". */
const char *json_problem_text(enum json_problem problem);

/* Decodes a KEY or STRING token's text into `to` (room for text.bytes is always enough); returns
 * the number of bytes. The token must come from a reader that did not fail on it. */
size_t json_unescape(uint8_t *to, struct slice text);

/* XXH3-64 of a KEY or STRING token's decoded bytes: the same however it was escaped. */
uint64_t json_hash(struct slice text, bool escaped);

/* A NUMBER token's value as a double: exact to the nearest for up to 15 significant digits and
 * small exponents, else within one unit in the last place; out of range gives an infinity. */
double json_number(struct slice text);
/* A NUMBER token as an integer; false when it has a fraction, an exponent or does not fit. */
MUST_USE bool json_integer(int64_t *ret_value, struct slice text);

/* True when the bytes are well-formed UTF-8 (RFC 3629: no overlongs, no surrogates). */
bool utf8_is_valid(struct slice text);

#endif
