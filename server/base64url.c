#include "server/base64url.h"

#include "core/base/check.h"
#include "core/base/mutant.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t base64url_encode(char *to, const uint8_t *from, size_t bytes) {
    size_t length = 0;
    uint32_t bits = 0;
    unsigned bits_count = 0;
    for (size_t i = 0; i < bytes; i++) {
        bits = bits << 8 | from[i];
        for (bits_count += 8; bits_count >= 6; bits_count -= 6) {
            to[length++] = alphabet[bits >> (bits_count - 6) & 63];
        }
    }
    if (bits_count > 0) {
        to[length++] = alphabet[bits << (6 - bits_count) & 63];
    }
    return length;
}

static int base64url_value(uint8_t letter) {
    if (letter >= 'A' && letter <= 'Z') {
        return letter - 'A';
    }
    if (letter >= 'a' && letter <= 'z') {
        return letter - 'a' + 26;
    }
    if (letter >= '0' && letter <= '9') {
        return letter - '0' + 52;
    }
    return letter == '-' ? 62 : letter == '_' ? 63 : -1;
}

bool base64url_decode(uint8_t *to, size_t bytes, struct slice text) {
    if (text.bytes != BASE64URL_LENGTH(bytes)) {
        return false;
    }
    size_t done = 0;
    uint32_t bits = 0;
    unsigned bits_count = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        int value = base64url_value(text.data[i]);
        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        bits_count += 6;
        if (bits_count >= 8) {
            bits_count -= 8;
            to[done++] = (uint8_t)(bits >> bits_count);
        }
    }
    CHECK(done == bytes);
    return MUTANT(SPARE_BITS_TAKEN) || (bits & ((1U << bits_count) - 1)) == 0;
}
