#include "server/http/http_body.h"
#include "tests/unit/support.h"
#include "tests/unit/support_limits.h"

#include <zlib.h>
#include <zstd.h>

static struct limits limits;
static struct http_decoders pool;

static int start(void **state) {
    (void)state;
    limits_init(&limits);
    http_decoders_init(&pool);
    return 0;
}

static int stop(void **state) {
    (void)state;
    http_decoders_deinit(&pool);
    return 0;
}

/* Decodes `text` in pieces of `piece` bytes; the output is added to `ret`. */
static enum http_refusal decode(enum http_coding coding, struct slice text, size_t piece,
                                struct buffer *ret) {
    struct http_decoder *decoder = http_decoder_new(&pool, coding, &limits);
    enum http_refusal refusal = HTTP_REFUSAL_NONE;
    size_t at = 0;
    while (at < text.bytes && refusal == HTTP_REFUSAL_NONE) {
        size_t bytes = piece < text.bytes - at ? piece : text.bytes - at;
        struct slice in = {text.data + at, bytes};
        at += bytes;
        while (refusal == HTTP_REFUSAL_NONE && (in.bytes > 0 || http_decoder_has_more(decoder))) {
            struct slice out = {NULL, 0};
            refusal = http_decoder_next(decoder, &in, limits.body_inflated_bytes, &out);
            if (refusal == HTTP_REFUSAL_NONE) {
                buffer_append_slice(ret, out);
            }
        }
    }
    if (refusal == HTTP_REFUSAL_NONE) {
        refusal = http_decoder_end(decoder);
    }
    http_decoder_free(&pool, decoder);
    return refusal;
}

static void gzip(struct buffer *to, const void *data, size_t bytes) {
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&stream, bytes) + 64;
    stream.next_in = (Bytef *)(uintptr_t)data;
    stream.avail_in = (uInt)bytes;
    stream.next_out = buffer_reserve(to, room);
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    to->bytes += room - stream.avail_out;
    deflateEnd(&stream);
}

static void zstd(struct buffer *to, const void *data, size_t bytes, int window_log) {
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    size_t room = ZSTD_compressBound(bytes) + 64;
    ZSTD_inBuffer in = {data, bytes, 0};
    ZSTD_outBuffer out = {buffer_reserve(to, room), room, 0};
    /* Begun without knowing the size, so that the frame names its window. */
    ZSTD_inBuffer first = {data, bytes > 0, 0};
    assert_false(ZSTD_isError(ZSTD_compressStream2(context, &out, &first, ZSTD_e_continue)));
    in.pos = first.pos;
    assert_int_equal(ZSTD_compressStream2(context, &out, &in, ZSTD_e_end), 0);
    to->bytes += out.pos;
    ZSTD_freeCCtx(context);
}

static void pack(enum http_coding coding, struct buffer *to, const void *data, size_t bytes) {
    if (coding == HTTP_CODING_GZIP) {
        gzip(to, data, bytes);
    } else {
        zstd(to, data, bytes, 20);
    }
}

static uint8_t *noise(size_t bytes, unsigned letters) {
    uint8_t *data = malloc(bytes + 1);
    uint32_t seed = 7;
    for (size_t i = 0; i < bytes; i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (uint8_t)('a' + (seed >> 16) % letters);
    }
    return data;
}

static void bodies_come_back_at_every_cut(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 1000, 65535, 65536, 65537, 300000};
    static const size_t pieces[] = {1, 7, 4096, SIZE_MAX};
    for (enum http_coding coding = HTTP_CODING_GZIP; coding <= HTTP_CODING_ZSTD; coding++) {
        for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
            uint8_t *data = noise(sizes[i], 4);
            struct buffer packed;
            buffer_init(&packed);
            pack(coding, &packed, data, sizes[i]);
            for (size_t k = 0; k < ARRAY_COUNT(pieces); k++) {
                struct buffer out;
                buffer_init(&out);
                assert_int_equal(decode(coding, buffer_slice(&packed), pieces[k], &out),
                                 HTTP_REFUSAL_NONE);
                assert_true(slice_equal(buffer_slice(&out), (struct slice){data, sizes[i]}));
                buffer_deinit(&out);
            }
            buffer_deinit(&packed);
            free(data);
        }
    }
}

static enum http_refusal judge(enum http_coding coding, struct slice text) {
    struct buffer out;
    buffer_init(&out);
    enum http_refusal whole = decode(coding, text, SIZE_MAX, &out);
    buffer_reset(&out);
    enum http_refusal bytes = decode(coding, text, 1, &out);
    assert_int_equal(whole, bytes);
    buffer_deinit(&out);
    return whole;
}

static void cut_off_bodies_are_refused(void **state) {
    (void)state;
    uint8_t *data = noise(2000, 20);
    for (enum http_coding coding = HTTP_CODING_GZIP; coding <= HTTP_CODING_ZSTD; coding++) {
        struct buffer packed;
        buffer_init(&packed);
        pack(coding, &packed, data, 2000);
        for (size_t bytes = 0; bytes < packed.bytes; bytes++) {
            assert_int_equal(judge(coding, (struct slice){packed.data, bytes}),
                             HTTP_REFUSAL_INFLATE_TRUNCATED);
        }
        buffer_deinit(&packed);
    }
    free(data);
}

static void what_follows_is_refused(void **state) {
    (void)state;
    for (enum http_coding coding = HTTP_CODING_GZIP; coding <= HTTP_CODING_ZSTD; coding++) {
        struct buffer packed;
        buffer_init(&packed);
        pack(coding, &packed, "hello", 5);
        size_t once = packed.bytes;
        pack(coding, &packed, "hello", 5);
        assert_int_equal(judge(coding, buffer_slice(&packed)), HTTP_REFUSAL_INFLATE_TRAILING);
        packed.bytes = once;
        buffer_append_text(&packed, "x");
        assert_int_equal(judge(coding, buffer_slice(&packed)), HTTP_REFUSAL_INFLATE_TRAILING);
        buffer_deinit(&packed);
    }
}

static void other_frames_of_zstd_are_refused(void **state) {
    (void)state;
    static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 'x'};
    static const uint8_t legacy[] = {0x27, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0xc0, 0x00, 0x00};
    static const struct slice frames[] = {{skippable, sizeof skippable}, {legacy, sizeof legacy}};
    for (size_t i = 0; i < ARRAY_COUNT(frames); i++) {
        for (size_t piece = 1; piece <= frames[i].bytes; piece++) {
            struct buffer out;
            buffer_init(&out);
            assert_int_equal(decode(HTTP_CODING_ZSTD, frames[i], piece, &out),
                             HTTP_REFUSAL_INFLATE_CORRUPT);
            buffer_deinit(&out);
        }
    }
}

static void damage_is_refused(void **state) {
    (void)state;
    uint8_t *data = noise(500, 20);
    struct buffer packed;
    buffer_init(&packed);
    pack(HTTP_CODING_GZIP, &packed, data, 500);
    size_t refused = 0;
    for (size_t i = 0; i < packed.bytes; i++) {
        packed.data[i] ^= 0x10;
        enum http_refusal refusal = judge(HTTP_CODING_GZIP, buffer_slice(&packed));
        /* The header's time, level and system may be anything; elsewhere only padding bits may. */
        assert_true(i < 4 || i > 9 || refusal == HTTP_REFUSAL_NONE);
        if (refusal == HTTP_REFUSAL_NONE) {
            struct buffer out;
            buffer_init(&out);
            assert_int_equal(decode(HTTP_CODING_GZIP, buffer_slice(&packed), 64, &out), refusal);
            assert_true(slice_equal(buffer_slice(&out), (struct slice){data, 500}));
            buffer_deinit(&out);
        } else {
            refused++;
        }
        packed.data[i] ^= 0x10;
    }
    assert_true(refused > packed.bytes - 10);
    buffer_deinit(&packed);
    free(data);
    assert_int_equal(judge(HTTP_CODING_GZIP, SLICE_LITERAL("not gzip")),
                     HTTP_REFUSAL_INFLATE_CORRUPT);
    assert_int_equal(judge(HTTP_CODING_ZSTD, SLICE_LITERAL("not zstd at all")),
                     HTTP_REFUSAL_INFLATE_CORRUPT);
}

static void inflated_size_is_bounded(void **state) {
    (void)state;
    uint8_t *data = noise(100001, 20);
    limits.body_inflated_bytes = 100000;
    for (enum http_coding coding = HTTP_CODING_IDENTITY; coding <= HTTP_CODING_ZSTD; coding++) {
        EACH_AROUND(bytes, limits, body_inflated_bytes) {
            struct buffer packed;
            buffer_init(&packed);
            if (coding == HTTP_CODING_IDENTITY) {
                buffer_append(&packed, data, bytes);
            } else {
                pack(coding, &packed, data, bytes);
            }
            enum http_refusal refusal = judge(coding, buffer_slice(&packed));
            enum http_refusal too_large = coding == HTTP_CODING_IDENTITY
                                              ? HTTP_REFUSAL_BODY_TOO_LARGE
                                              : HTTP_REFUSAL_INFLATED_TOO_LARGE;
            assert_int_equal(refusal, bytes > 100000 ? too_large : HTTP_REFUSAL_NONE);
            buffer_deinit(&packed);
        }
    }
    free(data);
}

static void bombs_break_the_ratio(void **state) {
    (void)state;
    size_t bytes = 8 << 20;
    uint8_t *zeros = calloc(1, bytes);
    for (enum http_coding coding = HTTP_CODING_GZIP; coding <= HTTP_CODING_ZSTD; coding++) {
        struct buffer packed;
        buffer_init(&packed);
        pack(coding, &packed, zeros, bytes);
        assert_int_equal(judge(coding, buffer_slice(&packed)), HTTP_REFUSAL_INFLATE_RATIO);
        /* The whole is judged at its end; a decoder may lag a frame's trailer behind. */
        limits.inflate_ratio = 2;
        limits.inflate_ratio_free_bytes = bytes - 2 * (packed.bytes - 32);
        assert_int_equal(judge(coding, buffer_slice(&packed)), HTTP_REFUSAL_NONE);
        limits.inflate_ratio_free_bytes = bytes - 2 * (packed.bytes + 1);
        assert_int_equal(judge(coding, buffer_slice(&packed)), HTTP_REFUSAL_INFLATE_RATIO);
        limits.inflate_ratio = 100000;
        limits.inflate_ratio_free_bytes = 0;
        assert_int_equal(judge(coding, buffer_slice(&packed)), HTTP_REFUSAL_NONE);
        limits_init(&limits);
        buffer_deinit(&packed);
    }
    free(zeros);
}

/* Judged exactly when the whole body is there. Its last bytes do not fill a step of the judging in
 * between, where a decoder may lag some bytes behind. */
static void the_ratio_is_exact_at_the_end(void **state) {
    (void)state;
    const size_t bytes = (8 << 20) - 1000;
    uint8_t *zeros = calloc(1, bytes);
    for (enum http_coding coding = HTTP_CODING_GZIP; coding <= HTTP_CODING_ZSTD; coding++) {
        struct buffer packed;
        buffer_init(&packed);
        pack(coding, &packed, zeros, bytes);
        limits.inflate_ratio_free_bytes = bytes - 10 * packed.bytes;
        EACH_LIMIT_AROUND(limits, inflate_ratio, 10) {
            assert_int_equal(judge(coding, buffer_slice(&packed)),
                             limits.inflate_ratio >= 10 ? HTTP_REFUSAL_NONE
                                                        : HTTP_REFUSAL_INFLATE_RATIO);
        }
        limits.inflate_ratio = 10;
        EACH_LIMIT_AROUND(limits, inflate_ratio_free_bytes, bytes - 10 * packed.bytes) {
            assert_int_equal(judge(coding, buffer_slice(&packed)),
                             inflate_ratio_free_bytes_turn >= 0 ? HTTP_REFUSAL_NONE
                                                                : HTTP_REFUSAL_INFLATE_RATIO);
        }
        buffer_deinit(&packed);
    }
    free(zeros);
}

static void zstd_windows_are_bounded(void **state) {
    (void)state;
    size_t bytes = 1 << 20;
    uint8_t *data = noise(bytes, 20);
    struct buffer framed;
    buffer_init(&framed);
    zstd(&framed, data, bytes, 17);
    EACH_LIMIT_AROUND(limits, zstd_window_bytes, 1 << 17) {
        assert_int_equal(judge(HTTP_CODING_ZSTD, buffer_slice(&framed)),
                         limits.zstd_window_bytes >= 1 << 17 ? HTTP_REFUSAL_NONE
                                                             : HTTP_REFUSAL_INFLATE_WINDOW);
    }
    buffer_deinit(&framed);
    limits.zstd_window_bytes = 1 << 17;
    for (int log = 16; log <= 18; log++) {
        struct buffer packed;
        buffer_init(&packed);
        zstd(&packed, data, bytes, log);
        assert_int_equal(judge(HTTP_CODING_ZSTD, buffer_slice(&packed)),
                         log <= 17 ? HTTP_REFUSAL_NONE : HTTP_REFUSAL_INFLATE_WINDOW);
        buffer_deinit(&packed);
    }
    free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bodies_come_back_at_every_cut, start, stop),
        cmocka_unit_test_setup_teardown(cut_off_bodies_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(what_follows_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(other_frames_of_zstd_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(damage_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(inflated_size_is_bounded, start, stop),
        cmocka_unit_test_setup_teardown(bombs_break_the_ratio, start, stop),
        cmocka_unit_test_setup_teardown(the_ratio_is_exact_at_the_end, start, stop),
        cmocka_unit_test_setup_teardown(zstd_windows_are_bounded, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
