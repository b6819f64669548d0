/* Rows of the family `tokens`. Numbers are little-endian; names are a length byte and the bytes.
 *
 *     'T' id            u8 version (1) | u8 kind | u16 roles | u32 region | u32 unit tag |
 *                       i64 created_ms | i64 expires_ms (0: never) | pepper id, 8 bytes and zeros |
 *                       HMAC-SHA-256, 32 bytes | name | name of who made it
 *     'D' device name   u8 version (1) | u32 generation that is asked for | i64 revoked_ms
 *     'K' key id        u8 version (1) | i64 killed_ms
 *
 * No row has a secret: of a token there is only its HMAC under the pepper, which is elsewhere. */
#ifndef SERVER_AUTH_TOKEN_ROW_H
#define SERVER_AUTH_TOKEN_ROW_H

#include "server/auth/keys.h"

enum {
    TOKEN_ROW_TOKEN = 'T',
    TOKEN_ROW_DEVICE = 'D',
    TOKEN_ROW_KEY = 'K',
    TOKEN_ROW_BYTES_MAX = 68 + 2 * (1 + TOKEN_NAME_BYTES_MAX),
    TOKEN_ROW_KEY_BYTES_MAX = 1 + TOKEN_NAME_BYTES_MAX,
};

struct token_row {
    char id[TOKEN_ID_BYTES + 1];
    enum token_kind kind;
    struct principal principal;
    int64_t created_ms, expires_ms;
    char pepper_id[TOKEN_KEY_ID_BYTES_MAX + 1];
    uint8_t mac[MAC_BYTES];
    char name[TOKEN_NAME_BYTES_MAX + 1], creator[TOKEN_NAME_BYTES_MAX + 1];
};

/* Bytes written. */
size_t token_row_encode(uint8_t to[TOKEN_ROW_BYTES_MAX], const struct token_row *row);
/* `key` without its first byte. False: damaged. */
MUST_USE bool token_row_decode(struct token_row *ret, struct slice key, struct slice value);

struct device_row {
    char name[TOKEN_NAME_BYTES_MAX + 1];
    uint32_t generation;
    int64_t revoked_ms;
};
size_t device_row_encode(uint8_t to[TOKEN_ROW_BYTES_MAX], const struct device_row *row);
MUST_USE bool device_row_decode(struct device_row *ret, struct slice key, struct slice value);

struct key_row {
    char id[TOKEN_KEY_ID_BYTES_MAX + 1];
    int64_t killed_ms;
};
size_t key_row_encode(uint8_t to[TOKEN_ROW_BYTES_MAX], const struct key_row *row);
MUST_USE bool key_row_decode(struct key_row *ret, struct slice key, struct slice value);

/* The store's key of a row; returns its bytes. */
size_t token_row_key(uint8_t to[TOKEN_ROW_KEY_BYTES_MAX], uint8_t type, struct slice name);

#endif
