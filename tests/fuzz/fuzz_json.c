/* The JSON reader against yajl, on exactly sized memory so that ASan sees any read past the end. */
#include <stdlib.h>

#include "tests/unit/json_differential.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct json_reader reader;
    struct json_bounds bounds = {.depth = 16, .keys = 32, .string_bytes = 4096};
    struct slice text = {data, size};
    if (!verdicts_agree(&reader, &bounds, text)) {
        abort();
    }
    json_init(&reader, &bounds, text);
    uint8_t *decoded = malloc(size + 1);
    for (;;) {
        struct json_token token = json_next(&reader);
        if (token.kind == JSON_DONE || token.kind == JSON_ERROR) {
            break;
        }
        if (token.kind == JSON_STRING || token.kind == JSON_KEY) {
            size_t bytes = json_unescape(decoded, token.text);
            struct slice plain = {decoded, bytes};
            if (json_hash(plain, false) != json_hash(token.text, token.escaped) ||
                !utf8_is_valid(plain) || !plain_utf8_is_valid(plain)) {
                abort();
            }
        } else if (token.kind == JSON_NUMBER) {
            int64_t integer;
            double value = json_number(token.text);
            if (json_integer(&integer, token.text) && value != (double)integer) {
                abort();
            }
        }
    }
    free(decoded);
    return 0;
}
