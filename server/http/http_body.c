#include "server/http/http_body.h"

#include "core/base/check.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    SPARE_MAX = 16,
    SPARE_BYTES_MAX = 1 << 20,    /* a decoder that grew past this is not kept */
    GZIP_WINDOW_BITS = 15 + 16,   /* largest window; the gzip wrapper and no other */
    GZIP_MEMORY_BYTES = 48 << 10, /* 32 KiB window and zlib's tables */
};

struct http_decoder {
    enum http_coding coding;
    struct http_decoder *next; /* spare */
    uint8_t *piece;
    uint64_t wire_bytes, decoded_bytes;
    uint64_t ratio, ratio_free_bytes;
    bool finished, more;
    z_stream gzip;
    ZSTD_DCtx *zstd;
};

void http_decoders_init(struct http_decoders *pool) {
    *pool = (struct http_decoders){.piece = malloc(HTTP_DECODE_PIECE_BYTES)};
    CHECK(pool->piece != NULL);
}

static void destroy(struct http_decoder *decoder) {
    if (decoder->coding == HTTP_CODING_GZIP) {
        inflateEnd(&decoder->gzip);
    }
    ZSTD_freeDCtx(decoder->zstd);
    free(decoder);
}

void http_decoders_deinit(struct http_decoders *pool) {
    for (size_t i = 0; i < ARRAY_COUNT(pool->spare); i++) {
        while (pool->spare[i] != NULL) {
            struct http_decoder *decoder = pool->spare[i];
            pool->spare[i] = decoder->next;
            destroy(decoder);
        }
    }
    free(pool->piece);
    pool->piece = NULL;
}

static struct http_decoder *make(enum http_coding coding) {
    struct http_decoder *decoder = calloc(1, sizeof *decoder);
    CHECK(decoder != NULL);
    decoder->coding = coding;
    if (coding == HTTP_CODING_GZIP) {
        CHECK(inflateInit2(&decoder->gzip, GZIP_WINDOW_BITS) == Z_OK);
    } else if (coding == HTTP_CODING_ZSTD) {
        decoder->zstd = ZSTD_createDCtx();
        CHECK(decoder->zstd != NULL);
    }
    return decoder;
}

struct http_decoder *http_decoder_new(struct http_decoders *pool, enum http_coding coding,
                                      const struct limits *limits) {
    struct http_decoder *decoder = pool->spare[coding];
    if (decoder == NULL) {
        decoder = make(coding);
    } else {
        pool->spare[coding] = decoder->next;
        pool->spare_count[coding]--;
    }
    decoder->piece = pool->piece;
    decoder->wire_bytes = decoder->decoded_bytes = 0;
    decoder->ratio = limits->inflate_ratio;
    decoder->ratio_free_bytes = limits->inflate_ratio_free_bytes;
    decoder->finished = coding == HTTP_CODING_IDENTITY;
    decoder->more = false;
    if (coding == HTTP_CODING_ZSTD) {
        int window_log = 63 - __builtin_clzll(limits->zstd_window_bytes);
        size_t result = ZSTD_DCtx_setParameter(decoder->zstd, ZSTD_d_windowLogMax, window_log);
        CHECK(!ZSTD_isError(result));
    }
    return decoder;
}

void http_decoder_free(struct http_decoders *pool, struct http_decoder *decoder) {
    enum http_coding coding = decoder->coding;
    if (pool->spare_count[coding] >= SPARE_MAX || http_decoder_memory(decoder) > SPARE_BYTES_MAX) {
        destroy(decoder);
        return;
    }
    if (coding == HTTP_CODING_GZIP) {
        CHECK(inflateReset(&decoder->gzip) == Z_OK);
    } else if (coding == HTTP_CODING_ZSTD) {
        CHECK(!ZSTD_isError(ZSTD_DCtx_reset(decoder->zstd, ZSTD_reset_session_only)));
    }
    decoder->next = pool->spare[coding];
    pool->spare[coding] = decoder;
    pool->spare_count[coding]++;
}

/* Output is cut at fixed offsets of the decoded stream, so that the ratio is judged at the same
 * places however the input was cut (to within the few bytes that a decoder reads ahead). */
static size_t output_room(const struct http_decoder *decoder) {
    return HTTP_DECODE_PIECE_BYTES - (size_t)(decoder->decoded_bytes % HTTP_DECODE_PIECE_BYTES);
}

static enum http_refusal next_gzip(struct http_decoder *decoder, struct slice *in, size_t room,
                                   size_t *ret_bytes) {
    z_stream *gzip = &decoder->gzip;
    uInt given = (uInt)min_u64(in->bytes, UINT32_MAX);
    gzip->next_in = (Bytef *)(uintptr_t)in->data;
    gzip->avail_in = given;
    gzip->next_out = decoder->piece;
    gzip->avail_out = (uInt)room;
    int result = inflate(gzip, Z_NO_FLUSH);
    uInt used = given - gzip->avail_in;
    in->data += used;
    in->bytes -= used;
    decoder->wire_bytes += used;
    *ret_bytes = room - gzip->avail_out;
    decoder->finished = result == Z_STREAM_END;
    decoder->more = !decoder->finished && gzip->avail_out == 0;
    bool valid = result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR;
    return valid ? HTTP_REFUSAL_NONE : HTTP_REFUSAL_INFLATE_CORRUPT;
}

/* RFC 8878's frames alone: libzstd would also take skippable ones, which hold nothing, and those of
 * its versions before 1.0, whose decoders know neither the window's limit nor much scrutiny. */
static bool zstd_magic_is_right(const struct http_decoder *decoder, struct slice in) {
    static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    for (size_t i = 0; i < in.bytes && decoder->wire_bytes + i < sizeof magic; i++) {
        if (in.data[i] != magic[decoder->wire_bytes + i]) {
            return false;
        }
    }
    return true;
}

static enum http_refusal next_zstd(struct http_decoder *decoder, struct slice *in, size_t room,
                                   size_t *ret_bytes) {
    if (!zstd_magic_is_right(decoder, *in)) {
        return HTTP_REFUSAL_INFLATE_CORRUPT;
    }
    ZSTD_inBuffer from = {in->data, in->bytes, 0};
    ZSTD_outBuffer to = {decoder->piece, room, 0};
    size_t result = ZSTD_decompressStream(decoder->zstd, &to, &from);
    in->data += from.pos;
    in->bytes -= from.pos;
    decoder->wire_bytes += from.pos;
    *ret_bytes = to.pos;
    if (ZSTD_isError(result)) {
        bool window = ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge;
        return window ? HTTP_REFUSAL_INFLATE_WINDOW : HTTP_REFUSAL_INFLATE_CORRUPT;
    }
    decoder->finished = result == 0;
    decoder->more = !decoder->finished && to.pos == room;
    return HTTP_REFUSAL_NONE;
}

/* `past` counts what is decoded beyond the free bytes. */
static bool ratio_is_broken(const struct http_decoder *decoder) {
    if (decoder->decoded_bytes <= decoder->ratio_free_bytes) {
        return false;
    }
    uint64_t past = decoder->decoded_bytes - decoder->ratio_free_bytes;
    uint64_t needed = past / decoder->ratio + (past % decoder->ratio != 0);
    return needed > decoder->wire_bytes;
}

enum http_refusal http_decoder_next(struct http_decoder *decoder, struct slice *in,
                                    uint64_t limit_bytes, struct slice *ret_piece) {
    size_t bytes = 0;
    enum http_refusal refusal = HTTP_REFUSAL_NONE;
    if (decoder->coding != HTTP_CODING_IDENTITY && decoder->finished) {
        return in->bytes > 0 ? HTTP_REFUSAL_INFLATE_TRAILING : HTTP_REFUSAL_NONE;
    }
    switch (decoder->coding) {
    case HTTP_CODING_IDENTITY:
        *ret_piece = *in;
        bytes = in->bytes;
        decoder->wire_bytes += bytes;
        in->data += bytes;
        in->bytes = 0;
        break;
    case HTTP_CODING_GZIP:
        refusal = next_gzip(decoder, in, output_room(decoder), &bytes);
        *ret_piece = (struct slice){decoder->piece, bytes};
        break;
    case HTTP_CODING_ZSTD:
        refusal = next_zstd(decoder, in, output_room(decoder), &bytes);
        *ret_piece = (struct slice){decoder->piece, bytes};
        break;
    }
    decoder->decoded_bytes += bytes;
    if (decoder->decoded_bytes > limit_bytes) {
        return decoder->coding == HTTP_CODING_IDENTITY ? HTTP_REFUSAL_BODY_TOO_LARGE
                                                       : HTTP_REFUSAL_INFLATED_TOO_LARGE;
    }
    bool judged = decoder->finished || decoder->decoded_bytes % HTTP_DECODE_PIECE_BYTES == 0;
    if (refusal == HTTP_REFUSAL_NONE && judged && ratio_is_broken(decoder)) {
        return HTTP_REFUSAL_INFLATE_RATIO;
    }
    return refusal;
}

bool http_decoder_has_more(const struct http_decoder *decoder) {
    return decoder->more;
}

enum http_refusal http_decoder_end(const struct http_decoder *decoder) {
    CHECK(!decoder->more);
    return decoder->finished ? HTTP_REFUSAL_NONE : HTTP_REFUSAL_INFLATE_TRUNCATED;
}

uint64_t http_decoder_memory(const struct http_decoder *decoder) {
    switch (decoder->coding) {
    case HTTP_CODING_IDENTITY:
        return 0;
    case HTTP_CODING_GZIP:
        return GZIP_MEMORY_BYTES;
    case HTTP_CODING_ZSTD:
        return ZSTD_sizeof_DCtx(decoder->zstd);
    }
    return 0;
}
