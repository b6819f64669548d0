/* Tokens as text, both forms, without any secret's proof: what was written, and whether it is
 * written as it must be. Pure; O(bytes).
 *
 *     gd_<kind>_<id, 12>_<secret, 32>_<check, 6>             stored: kind `service` or `human`
 *     gdd1.<key id>.<base64url of the claims>.<base64url of the tag, 43>      device,
 * self-contained
 *
 * Letters are base62 (0-9 A-Z a-z); 32 of them are 190 bits. The check is the CRC-32 of all before
 * its underscore, so that a slip of the pen is told from a token that is not known, and scanners
 * for leaked secrets find it. Claims of a device:
 *
 *     u8 version (1) | u16 roles | u32 region | u32 unit tag | u32 generation | u32 issued_s |
 *     u32 expires_s | name, 1 to TOKEN_NAME_BYTES_MAX bytes           (numbers are big-endian)
 *
 * There is one spelling of every token: numbers have fixed places and base64url no spare bits. */
#ifndef SERVER_AUTH_TOKEN_TEXT_H
#define SERVER_AUTH_TOKEN_TEXT_H

#include "core/auth/access.h"

enum {
    TOKEN_ID_BYTES = 12,
    TOKEN_SECRET_BYTES = 32,
    TOKEN_CHECK_BYTES = 6,
    TOKEN_NAME_BYTES_MAX = REPORT_SOURCE_BYTES_MAX, /* it is the source of what it sends */
    TOKEN_KEY_ID_BYTES_MAX = 8,
    TOKEN_TAG_BYTES = 32,
    TOKEN_CLAIMS_BYTES_MAX = 23 + TOKEN_NAME_BYTES_MAX,
    TOKEN_TEXT_BYTES_MAX = 192,
    /* A handheld's token may say no more than what a handheld does. */
    TOKEN_DEVICE_ROLES = ACCESS_ROLE_DEVICE | ACCESS_ROLE_UNIT | ACCESS_ROLE_CHECKER,
};

#define TOKEN_KIND_TABLE(X)                                                                        \
    X(1, SERVICE, "service")                                                                       \
    X(2, HUMAN, "human")                                                                           \
    X(3, DEVICE, "device")

enum token_kind {
#define TOKEN_KIND_ENUM(number, name, text) TOKEN_##name = (number),
    TOKEN_KIND_TABLE(TOKEN_KIND_ENUM)
#undef TOKEN_KIND_ENUM
};
const char *token_kind_name(enum token_kind kind);
MUST_USE bool token_kind_parse(enum token_kind *ret, struct slice word);

struct token_claims {
    uint32_t roles, region, unit_tag, generation, issued_s, expires_s;
    uint8_t name[TOKEN_NAME_BYTES_MAX];
    size_t name_bytes;
};

struct token_text {
    enum token_kind kind;
    struct slice proven;         /* what secret or tag is proven over: all before check or tag */
    char id[TOKEN_ID_BYTES + 1]; /* stored tokens */
    char key_id[TOKEN_KEY_ID_BYTES_MAX + 1]; /* device tokens, as the three below */
    struct token_claims claims;
    uint8_t tag[TOKEN_TAG_BYTES];
};

/* False: it is no token. `text` is borrowed. */
MUST_USE bool token_text_parse(struct token_text *ret, struct slice text);

/* A stored token of `id` and `secret`; returns the length. `to` gets a NUL. */
size_t token_text_stored(char to[TOKEN_TEXT_BYTES_MAX], enum token_kind kind, const char *id,
                         const char *secret);
/* A device token up to its tag, without the point before it. */
size_t token_text_device(char to[TOKEN_TEXT_BYTES_MAX], const char *key_id,
                         const struct token_claims *claims);
/* Adds the point and the tag; returns the whole length. */
size_t token_text_sign(char to[TOKEN_TEXT_BYTES_MAX], size_t bytes,
                       const uint8_t tag[TOKEN_TAG_BYTES]);

/* `bytes` random bytes as letters: false where a byte would make them unequal (248 and up). */
MUST_USE bool base62_letter(char *ret, uint8_t random);
/* A name that may be given: UTF-8 of 1 to TOKEN_NAME_BYTES_MAX bytes without controls, slashes and
 * backslashes (it stands in paths). */
bool token_name_is_valid(struct slice name);
/* 1 to TOKEN_KEY_ID_BYTES_MAX of [a-z0-9]. */
bool token_key_id_is_valid(struct slice id);

#endif
