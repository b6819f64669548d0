#include "server/auth/keys.h"

#include "core/base/check.h"
#include "server/auth/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum status fault(struct error *error, const char *name, size_t line, const char *why) {
    char where[512];
    (void)snprintf(where, sizeof where, "%s:%zu: ", name, line);
    return error_set(error, STATUS_INVALID, where, why, NULL);
}

static int digit_value(uint8_t digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool read_secret(uint8_t secret[KEY_BYTES], struct slice text) {
    if (text.bytes != 2 * (size_t)KEY_BYTES) {
        return false;
    }
    for (size_t i = 0; i < KEY_BYTES; i++) {
        int high = digit_value(text.data[2 * i]), low = digit_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        secret[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* The next word of the line, which goes on behind it. */
static struct slice take_word(struct slice *line) {
    while (line->bytes > 0 && (*line->data == ' ' || *line->data == '\t')) {
        *line = (struct slice){line->data + 1, line->bytes - 1};
    }
    struct slice word = {line->data, 0};
    while (line->bytes > 0 && *line->data != ' ' && *line->data != '\t') {
        word.bytes++;
        *line = (struct slice){line->data + 1, line->bytes - 1};
    }
    return word;
}

/* NULL, or what is wrong with the line. */
static const char *read_line(struct auth_keys *keys, struct slice line) {
    struct slice kind = take_word(&line), id = take_word(&line), secret = take_word(&line);
    if (kind.bytes == 0 || kind.data[0] == '#') {
        return NULL;
    }
    bool is_pepper = slice_is(kind, "pepper");
    if (!is_pepper && !slice_is(kind, "device")) {
        return "a line begins with pepper or device";
    }
    size_t *count = is_pepper ? &keys->peppers_count : &keys->devices_count;
    struct auth_key *list = is_pepper ? keys->peppers : keys->devices;
    if (*count == KEYS_LIVE_MAX) {
        return "at most two of a kind are live: take the oldest out";
    }
    if (!token_key_id_is_valid(id)) {
        return "an id is 1 to 8 of a-z and 0-9";
    }
    if (*count == 1 && slice_is(id, list[0].id)) {
        return "this id stands twice";
    }
    struct auth_key *key = &list[*count];
    if (!read_secret(key->secret, secret) || take_word(&line).bytes > 0) {
        return "a key is 64 hex digits in lower case";
    }
    memcpy(key->id, id.data, id.bytes);
    key->id[id.bytes] = '\0';
    ++*count;
    return NULL;
}

enum status auth_keys_parse(struct auth_keys *ret, struct slice text, const char *name,
                            struct error *error) {
    struct auth_keys keys = {.peppers_count = 0};
    size_t line = 1;
    enum status status = STATUS_OK;
    for (size_t start = 0; status == STATUS_OK && start < text.bytes; line++) {
        size_t end = start;
        while (end < text.bytes && text.data[end] != '\n') {
            end++;
        }
        const char *why = read_line(&keys, (struct slice){text.data + start, end - start});
        status = why == NULL ? STATUS_OK : fault(error, name, line, why);
        start = end + 1;
    }
    if (status == STATUS_OK && (keys.peppers_count == 0 || keys.devices_count == 0)) {
        status = fault(error, name, line, "a pepper and a device key are needed");
    }
    if (status == STATUS_OK) {
        *ret = keys;
    }
    auth_keys_wipe(&keys);
    return status;
}

void auth_keys_wipe(struct auth_keys *keys) {
    OPENSSL_cleanse(keys, sizeof *keys);
}

enum status auth_keys_load(struct auth_keys *ret, const char *path, struct error *error) {
    uint8_t text[KEYS_FILE_BYTES_MAX + 1];
    size_t bytes = 0;
    enum status status = key_file_read(text, sizeof text, &bytes, path, KEY_FILE_SECRET, error);
    if (status == STATUS_OK) {
        status = auth_keys_parse(ret, (struct slice){text, bytes}, path, error);
    }
    OPENSSL_cleanse(text, sizeof text);
    return status;
}

static size_t append_key(char *to, size_t room, const char *kind, const char *id) {
    uint8_t secret[KEY_BYTES];
    char digits[2 * KEY_BYTES + 1];
    if (RAND_bytes(secret, sizeof secret) != 1) {
        return 0;
    }
    for (size_t i = 0; i < sizeof secret; i++) {
        (void)snprintf(digits + 2 * i, 3, "%02x", secret[i]);
    }
    int bytes = snprintf(to, room, "%s %s %s\n", kind, id, digits);
    OPENSSL_cleanse(secret, sizeof secret);
    OPENSSL_cleanse(digits, sizeof digits);
    CHECK(bytes > 0 && (size_t)bytes < room);
    return (size_t)bytes;
}

enum status auth_keys_create(const char *path, struct error *error) {
    char text[512] = "# gridd's secrets: keep this file apart from backups of the data\n";
    size_t at = strlen(text);
    size_t pepper_bytes = append_key(text + at, sizeof text - at, "pepper", "p1");
    size_t device_bytes =
        append_key(text + at + pepper_bytes, sizeof text - at - pepper_bytes, "device", "k1");
    if (pepper_bytes == 0 || device_bytes == 0) {
        return error_set(error, STATUS_IO, "the system gives no random bytes", NULL, NULL);
    }
    at += pepper_bytes + device_bytes;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        enum status status = errno == EEXIST ? STATUS_CONFLICT : STATUS_IO;
        return error_set(error, status, path, ": ", strerror(errno));
    }
    bool written = write(fd, text, at) == (ssize_t)at && fsync(fd) == 0;
    OPENSSL_cleanse(text, sizeof text);
    if (close(fd) != 0 || !written) {
        return error_set(error, STATUS_IO, path, ": ", strerror(errno));
    }
    return STATUS_OK;
}

static const struct auth_key *find(const struct auth_key *list, size_t count, const char *id) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].id, id) == 0) {
            return &list[i];
        }
    }
    return NULL;
}

const struct auth_key *auth_pepper(const struct auth_keys *keys, const char *id) {
    return find(keys->peppers, keys->peppers_count, id);
}

const struct auth_key *auth_device_key(const struct auth_keys *keys, const char *id) {
    return find(keys->devices, keys->devices_count, id);
}

bool auth_keys_path(char *to, size_t room, const char *configured, const char *data) {
    if (configured[0] == '\0' && key_file_credential(to, room, "gridd.keys")) {
        return true;
    }
    int bytes = configured[0] != '\0' ? snprintf(to, room, "%s", configured)
                                      : snprintf(to, room, "%s/keys", data);
    return bytes > 0 && (size_t)bytes < room;
}

/* A NUL parts the purpose from the text, so that no text of one purpose is one of another. */
void auth_mac(uint8_t ret[MAC_BYTES], const struct auth_key *key, const char *purpose,
              struct slice text) {
    uint8_t joined[64 + TOKEN_TEXT_BYTES_MAX];
    size_t purpose_bytes = strlen(purpose) + 1;
    unsigned length = 0;
    CHECK(purpose_bytes <= 64 && text.bytes <= TOKEN_TEXT_BYTES_MAX);
    memcpy(joined, purpose, purpose_bytes);
    memcpy(joined + purpose_bytes, text.data, text.bytes);
    const uint8_t *made = HMAC(EVP_sha256(), key->secret, KEY_BYTES, joined,
                               purpose_bytes + text.bytes, ret, &length);
    CHECK(made != NULL && length == MAC_BYTES);
    OPENSSL_cleanse(joined, sizeof joined);
}

bool auth_mac_equal(const uint8_t a[MAC_BYTES], const uint8_t b[MAC_BYTES]) {
    return CRYPTO_memcmp(a, b, MAC_BYTES) == 0;
}

enum status auth_random_letters(char *to, size_t count, struct error *error) {
    for (size_t i = 0; i < count;) {
        uint8_t random;
        if (RAND_bytes(&random, 1) != 1) {
            return error_set(error, STATUS_IO, "the system gives no random bytes", NULL, NULL);
        }
        i += base62_letter(&to[i], random) ? 1 : 0;
    }
    to[count] = '\0';
    return STATUS_OK;
}
