/* A byte stream of requests must come to the same verdicts however it is cut. The first two bytes
 * choose the cuts, the rest is the stream. */
#include "core/base/check.h"
#include "tests/http_drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* `seed` 0: whole; else pieces of pseudo-random size, mostly small. */
static void run(struct http_drive *drive, const uint8_t *data, size_t bytes, uint32_t seed) {
    size_t at = 0;
    while (at < bytes) {
        size_t piece = bytes;
        if (seed != 0) {
            seed = seed * 1103515245 + 12345;
            piece = 1 + (seed >> 16) % ((seed >> 8 & 3) == 0 ? 97 : 5);
        }
        piece = piece < bytes - at ? piece : bytes - at;
        http_drive_feed(drive, data + at, piece);
        at += piece;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes < 2) {
        return 0;
    }
    struct limits limits;
    limits_init(&limits);
    /* Small ones, so that inputs of a few KiB reach them. */
    limits.request_line_bytes = 256;
    limits.uri_bytes = 200;
    limits.header_block_bytes = 512;
    limits.header_count = 8;
    limits.header_value_bytes = 128;
    limits.body_wire_bytes = 2048;
    limits.body_inflated_bytes = 65536;
    limits.chunk_overhead_bytes = 64;
    struct http_drive whole;
    struct http_drive cut;
    http_drive_init(&whole, &limits);
    http_drive_init(&cut, &limits);
    run(&whole, data + 2, bytes - 2, 0);
    run(&cut, data + 2, bytes - 2, 1U + data[0] + 256U * data[1]);
    CHECK(whole.refused == cut.refused && whole.requests == cut.requests);
    CHECK(slice_equal(buffer_slice(&whole.log), buffer_slice(&cut.log)));
    http_drive_deinit(&whole);
    http_drive_deinit(&cut);
    return 0;
}
