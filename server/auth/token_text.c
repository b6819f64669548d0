#include "server/auth/token_text.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/text/utf8.h"
#include "server/base64url.h"

#include <string.h>
#include <zlib.h>

enum {
    CLAIMS_VERSION = 1,
    CLAIMS_FIXED_BYTES = TOKEN_CLAIMS_BYTES_MAX - TOKEN_NAME_BYTES_MAX,
    TAG_LETTERS = BASE64URL_LENGTH(TOKEN_TAG_BYTES),
};
_Static_assert(5 + TOKEN_KEY_ID_BYTES_MAX + 1 + BASE64URL_LENGTH(TOKEN_CLAIMS_BYTES_MAX) + 1 +
                       TAG_LETTERS <
                   TOKEN_TEXT_BYTES_MAX,
               "the longest token fits");

static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static const struct {
    enum token_kind kind;
    const char *name;
} kinds[] = {
#define TOKEN_KIND_ROW(number, name, text) {TOKEN_##name, text},
    TOKEN_KIND_TABLE(TOKEN_KIND_ROW)
#undef TOKEN_KIND_ROW
};

const char *token_kind_name(enum token_kind kind) {
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (kinds[i].kind == kind) {
            return kinds[i].name;
        }
    }
    CHECK(false);
}

bool token_kind_parse(enum token_kind *ret, struct slice word) {
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (slice_is(word, kinds[i].name)) {
            *ret = kinds[i].kind;
            return true;
        }
    }
    return false;
}

bool base62_letter(char *ret, uint8_t random) {
    *ret = letters[random % 62];
    return random < 62 * 4;
}

bool token_name_is_valid(struct slice name) {
    const uint8_t *at = name.data, *end = name.data + name.bytes;
    if (name.bytes == 0 || name.bytes > TOKEN_NAME_BYTES_MAX) {
        return false;
    }
    while (at < end) {
        bool is_plain = *at < 0x80;
        if (is_plain && (*at < 0x20 || *at == 0x7f || *at == '/' || *at == '\\')) {
            return false;
        }
        size_t bytes = is_plain ? 1 : utf8_sequence(at, end);
        if (bytes == 0) {
            return false;
        }
        at += bytes;
    }
    return true;
}

bool token_key_id_is_valid(struct slice id) {
    for (size_t i = 0; i < id.bytes; i++) {
        uint8_t byte = id.data[i];
        if ((byte < 'a' || byte > 'z') && (byte < '0' || byte > '9')) {
            return false;
        }
    }
    return id.bytes > 0 && id.bytes <= TOKEN_KEY_ID_BYTES_MAX;
}

static bool is_base62(struct slice text) {
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == '\0' || strchr(letters, text.data[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static void write_check(char to[TOKEN_CHECK_BYTES], struct slice text) {
    uint32_t crc = (uint32_t)crc32(0, text.data, (unsigned)text.bytes);
    for (size_t i = TOKEN_CHECK_BYTES; i > 0; i--) {
        to[i - 1] = letters[crc % 62];
        crc /= 62;
    }
}

/* The piece up to `mark`, which is passed over; false when it is not there. */
static bool take_to(struct slice *text, char mark, struct slice *ret) {
    const uint8_t *at = text->bytes == 0 ? NULL : memchr(text->data, mark, text->bytes);
    if (at == NULL) {
        return false;
    }
    size_t bytes = (size_t)(at - text->data);
    *ret = (struct slice){text->data, bytes};
    *text = (struct slice){at + 1, text->bytes - bytes - 1};
    return true;
}

static bool parse_stored(struct token_text *ret, struct slice text, struct slice rest) {
    struct slice kind, id, secret;
    char check[TOKEN_CHECK_BYTES];
    if (!take_to(&rest, '_', &kind) || !take_to(&rest, '_', &id) || !take_to(&rest, '_', &secret) ||
        !token_kind_parse(&ret->kind, kind) || ret->kind == TOKEN_DEVICE ||
        id.bytes != TOKEN_ID_BYTES || secret.bytes != TOKEN_SECRET_BYTES ||
        rest.bytes != TOKEN_CHECK_BYTES || !is_base62(id) || !is_base62(secret)) {
        return false;
    }
    ret->proven = (struct slice){text.data, text.bytes - TOKEN_CHECK_BYTES - 1};
    memcpy(ret->id, id.data, TOKEN_ID_BYTES);
    ret->id[TOKEN_ID_BYTES] = '\0';
    write_check(check, ret->proven);
    return memcmp(check, rest.data, TOKEN_CHECK_BYTES) == 0;
}

static bool decode_claims(struct token_claims *ret, const uint8_t *from, size_t bytes) {
    CHECK(bytes > CLAIMS_FIXED_BYTES && bytes <= TOKEN_CLAIMS_BYTES_MAX);
    *ret = (struct token_claims){
        .roles = (uint32_t)from[1] << 8 | from[2],
        .region = load_u32_be(from + 3),
        .unit_tag = load_u32_be(from + 7),
        .generation = load_u32_be(from + 11),
        .issued_s = load_u32_be(from + 15),
        .expires_s = load_u32_be(from + 19),
        .name_bytes = bytes - CLAIMS_FIXED_BYTES,
    };
    memcpy(ret->name, from + CLAIMS_FIXED_BYTES, ret->name_bytes);
    return from[0] == CLAIMS_VERSION && ret->roles != 0 &&
           (ret->roles & ~(uint32_t)TOKEN_DEVICE_ROLES) == 0 && ret->issued_s < ret->expires_s &&
           token_name_is_valid((struct slice){ret->name, ret->name_bytes});
}

static bool parse_device(struct token_text *ret, struct slice text, struct slice rest) {
    struct slice key_id, claims;
    uint8_t raw[TOKEN_CLAIMS_BYTES_MAX];
    ret->kind = TOKEN_DEVICE;
    if (!take_to(&rest, '.', &key_id) || !take_to(&rest, '.', &claims) ||
        !token_key_id_is_valid(key_id)) {
        return false;
    }
    size_t bytes = claims.bytes * 3 / 4;
    if (bytes <= CLAIMS_FIXED_BYTES || bytes > sizeof raw ||
        !base64url_decode(raw, bytes, claims) ||
        !base64url_decode(ret->tag, sizeof ret->tag, rest)) {
        return false;
    }
    ret->proven = (struct slice){text.data, text.bytes - TAG_LETTERS - 1};
    memcpy(ret->key_id, key_id.data, key_id.bytes);
    ret->key_id[key_id.bytes] = '\0';
    return decode_claims(&ret->claims, raw, bytes);
}

bool token_text_parse(struct token_text *ret, struct slice text) {
    struct slice rest = text, prefix;
    if (text.bytes >= TOKEN_TEXT_BYTES_MAX) {
        return false;
    }
    if (take_to(&rest, '_', &prefix) && slice_is(prefix, "gd")) {
        return parse_stored(ret, text, rest);
    }
    rest = text;
    return take_to(&rest, '.', &prefix) && slice_is(prefix, "gdd1") &&
           parse_device(ret, text, rest);
}

static size_t put(char *to, size_t at, const char *text) {
    size_t bytes = strlen(text);
    CHECK(at + bytes < TOKEN_TEXT_BYTES_MAX);
    memcpy(to + at, text, bytes + 1);
    return at + bytes;
}

size_t token_text_stored(char to[TOKEN_TEXT_BYTES_MAX], enum token_kind kind, const char *id,
                         const char *secret) {
    char check[TOKEN_CHECK_BYTES + 1] = "";
    CHECK(strlen(id) == TOKEN_ID_BYTES && strlen(secret) == TOKEN_SECRET_BYTES);
    size_t at = put(to, put(to, 0, "gd_"), token_kind_name(kind));
    at = put(to, put(to, at, "_"), id);
    at = put(to, put(to, at, "_"), secret);
    write_check(check, (struct slice){(const uint8_t *)to, at});
    return put(to, put(to, at, "_"), check);
}

size_t token_text_device(char to[TOKEN_TEXT_BYTES_MAX], const char *key_id,
                         const struct token_claims *claims) {
    uint8_t raw[TOKEN_CLAIMS_BYTES_MAX] = {CLAIMS_VERSION, (uint8_t)(claims->roles >> 8),
                                           (uint8_t)claims->roles};
    CHECK(claims->name_bytes > 0 && claims->name_bytes <= TOKEN_NAME_BYTES_MAX);
    store_u32_be(raw + 3, claims->region);
    store_u32_be(raw + 7, claims->unit_tag);
    store_u32_be(raw + 11, claims->generation);
    store_u32_be(raw + 15, claims->issued_s);
    store_u32_be(raw + 19, claims->expires_s);
    memcpy(raw + CLAIMS_FIXED_BYTES, claims->name, claims->name_bytes);
    size_t at = put(to, put(to, put(to, 0, "gdd1."), key_id), ".");
    at += base64url_encode(to + at, raw, CLAIMS_FIXED_BYTES + claims->name_bytes);
    to[at] = '\0';
    return at;
}

size_t token_text_sign(char to[TOKEN_TEXT_BYTES_MAX], size_t bytes,
                       const uint8_t tag[TOKEN_TAG_BYTES]) {
    size_t at = put(to, bytes, ".");
    CHECK(at + TAG_LETTERS < TOKEN_TEXT_BYTES_MAX);
    at += base64url_encode(to + at, tag, TOKEN_TAG_BYTES);
    to[at] = '\0';
    return at;
}
