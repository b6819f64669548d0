/* Any bytes as a gzip or zstd body, whole and byte by byte: the same output, the same verdict,
 * never more than the limit. The first byte chooses the coding. */
#include "core/base/check.h"
#include "server/http/http_body.h"

#include "server/buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { LIMIT = 1 << 18 };

static enum http_refusal decode(struct http_decoders *pool, enum http_coding coding,
                                struct slice text, size_t piece, struct buffer *ret) {
    struct limits limits;
    limits_init(&limits);
    struct http_decoder *decoder = http_decoder_new(pool, coding, &limits);
    CHECK(decoder != NULL);
    enum http_refusal refusal = HTTP_REFUSAL_NONE;
    for (size_t at = 0; at < text.bytes && refusal == HTTP_REFUSAL_NONE; at += piece) {
        size_t left = text.bytes - at;
        struct slice in = {text.data + at, piece < left ? piece : left};
        while (refusal == HTTP_REFUSAL_NONE && (in.bytes > 0 || http_decoder_has_more(decoder))) {
            struct slice out = {NULL, 0};
            refusal = http_decoder_next(decoder, &in, LIMIT, &out);
            if (refusal == HTTP_REFUSAL_NONE) {
                buffer_append_slice(ret, out);
            }
        }
    }
    CHECK(ret->bytes <= LIMIT);
    if (refusal == HTTP_REFUSAL_NONE) {
        refusal = http_decoder_end(decoder);
    }
    http_decoder_free(pool, decoder);
    return refusal;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct http_decoders pool;
    if (pool.piece == NULL) {
        http_decoders_init(&pool);
    }
    if (bytes < 1) {
        return 0;
    }
    enum http_coding coding = (data[0] & 1) != 0 ? HTTP_CODING_GZIP : HTTP_CODING_ZSTD;
    struct slice text = {data + 1, bytes - 1};
    struct buffer whole, cut;
    buffer_init(&whole);
    buffer_init(&cut);
    enum http_refusal of_whole = decode(&pool, coding, text, bytes, &whole);
    enum http_refusal of_cut = decode(&pool, coding, text, 1, &cut);
    /* How early a bomb or damage is seen may depend on the cuts; whether it is, may not. */
    CHECK((of_whole == HTTP_REFUSAL_NONE) == (of_cut == HTTP_REFUSAL_NONE));
    if (of_whole == HTTP_REFUSAL_NONE) {
        CHECK(slice_equal(buffer_slice(&whole), buffer_slice(&cut)));
    }
    buffer_deinit(&whole);
    buffer_deinit(&cut);
    return 0;
}
