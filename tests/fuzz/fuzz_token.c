/* Any bytes as a token, as a key file and as token rows: never a read outside them; what is taken
 * as a token or row is written the same again. */
#include "server/auth/token_row.h"

#include "core/base/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void try_token(struct slice text) {
    struct token_text token;
    char again[TOKEN_TEXT_BYTES_MAX];
    if (!token_text_parse(&token, text)) {
        return;
    }
    if (token.kind != TOKEN_DEVICE) {
        char secret[TOKEN_SECRET_BYTES + 1] = "";
        memcpy(secret, token.proven.data + token.proven.bytes - TOKEN_SECRET_BYTES,
               TOKEN_SECRET_BYTES);
        size_t length = token_text_stored(again, token.kind, token.id, secret);
        CHECK(length == text.bytes && memcmp(again, text.data, length) == 0);
        return;
    }
    size_t length = token_text_device(again, token.key_id, &token.claims);
    length = token_text_sign(again, length, token.tag);
    CHECK(length == text.bytes && memcmp(again, text.data, length) == 0);
}

static void try_row(struct slice value) {
    struct token_row row;
    uint8_t again[TOKEN_ROW_BYTES_MAX];
    if (!token_row_decode(&row, SLICE_LITERAL("0123456789ab"), value)) {
        return;
    }
    CHECK(token_row_encode(again, &row) <= sizeof again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    struct slice text = {data, bytes};
    struct auth_keys keys;
    struct error error;
    try_token(text);
    try_row(text);
    (void)!auth_keys_parse(&keys, text, "f", &error);
    return 0;
}
