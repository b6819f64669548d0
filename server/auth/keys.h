/* The secrets that tokens are proven with: a pepper for stored tokens, keys for device tokens. They
 * come from a file (or a systemd credential, which is one) and are never in the store: who can
 * write the store cannot make tokens, and a backup carries none.
 *
 * A line each, `#` begins a comment:
 *
 *     pepper ID 64-hex-digits
 *     device ID 64-hex-digits
 *
 * At least one and at most two of each kind. The first of a kind is what new tokens get; the other
 * is the one before it, good until it is taken out (rotation). */
#ifndef SERVER_AUTH_KEYS_H
#define SERVER_AUTH_KEYS_H

#include "core/base/status.h"
#include "server/auth/token_text.h"

enum { KEY_BYTES = 32, KEYS_LIVE_MAX = 2, KEYS_FILE_BYTES_MAX = 4096, MAC_BYTES = 32 };

struct auth_key {
    char id[TOKEN_KEY_ID_BYTES_MAX + 1];
    uint8_t secret[KEY_BYTES];
};

struct auth_keys {
    struct auth_key peppers[KEYS_LIVE_MAX], devices[KEYS_LIVE_MAX];
    size_t peppers_count, devices_count;
};

/* INVALID names the line. NOT_FOUND: there is no such file. IO: it cannot be read, or others than
 * its owner may read it (a group may where systemd gives it: under $CREDENTIALS_DIRECTORY). */
MUST_USE enum status auth_keys_load(struct auth_keys *ret, const char *path, struct error *error);
/* Reads the text of such a file; `name` is for messages. */
MUST_USE enum status auth_keys_parse(struct auth_keys *ret, struct slice text, const char *name,
                                     struct error *error);
/* Makes a file with a new pepper and key, mode 0600, synced. CONFLICT: it is there already. */
MUST_USE enum status auth_keys_create(const char *path, struct error *error);
/* Overwrites the secrets. */
void auth_keys_wipe(struct auth_keys *keys);
/* The key of that id; NULL: there is none. */
const struct auth_key *auth_pepper(const struct auth_keys *keys, const char *id);
const struct auth_key *auth_device_key(const struct auth_keys *keys, const char *id);

/* Where the keys are: `configured`, else $CREDENTIALS_DIRECTORY/gridd.keys where that is there,
 * else DATA/keys. False: the path is too long. */
MUST_USE bool auth_keys_path(char *to, size_t room, const char *configured, const char *data);

/* HMAC-SHA-256 (OpenSSL) of what the key is for and `text`. */
void auth_mac(uint8_t ret[MAC_BYTES], const struct auth_key *key, const char *purpose,
              struct slice text);
#define AUTH_PURPOSE_STORED "gridd/token/v1"
#define AUTH_PURPOSE_DEVICE "gridd/device/v1"
bool auth_mac_equal(const uint8_t a[MAC_BYTES], const uint8_t b[MAC_BYTES]);
/* `count` letters of base62 and a NUL, each as likely as any other. */
MUST_USE enum status auth_random_letters(char *to, size_t count, struct error *error);

#endif
