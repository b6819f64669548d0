/* Any bytes as a region upload, whole and in pieces: the same rows or the same problem on the same
 * line; rows that were taken decode. The first byte chooses the format and the cuts. */
#include "core/base/check.h"
#include "server/api/region_upload.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static bool take(struct region_upload *upload, const struct limits *limits, uint8_t first,
                 struct slice text, size_t piece) {
    region_upload_init(upload, (first & 1) != 0 ? REGION_UPLOAD_CSV : REGION_UPLOAD_NDJSON, limits);
    for (size_t at = 0; at < text.bytes; at += piece) {
        size_t now = text.bytes - at < piece ? text.bytes - at : piece;
        uint8_t *copy = malloc(now);
        CHECK(copy != NULL);
        memcpy(copy, text.data + at, now);
        region_upload_take(upload, (struct slice){copy, now});
        free(copy);
    }
    return region_upload_end(upload);
}

static void check_rows(const struct region_upload *upload) {
    struct slice rest = buffer_slice(&upload->rows);
    for (size_t i = 0; i < upload->rows_count; i++) {
        struct region_row row;
        size_t bytes = region_row_decode(&row, rest);
        CHECK(bytes > 0 && region_upload_line(upload, i) > 0);
        rest = (struct slice){rest.data + bytes, rest.bytes - bytes};
    }
    CHECK(rest.bytes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct limits limits;
    limits_init(&limits);
    limits.line_bytes = 1024;
    if (bytes < 2) {
        return 0;
    }
    struct slice text = {data + 1, bytes - 1};
    static struct region_upload whole, cut;
    bool of_whole = take(&whole, &limits, data[0], text, bytes);
    bool of_cut = take(&cut, &limits, data[0], text, 1U + data[0] / 2 % 32);
    CHECK(of_whole == of_cut);
    if (of_whole) {
        CHECK(slice_equal(buffer_slice(&whole.rows), buffer_slice(&cut.rows)));
        check_rows(&whole);
    } else {
        CHECK(whole.problem.line == cut.problem.line);
        CHECK(strcmp(whole.problem.why, cut.problem.why) == 0);
    }
    region_upload_deinit(&whole);
    region_upload_deinit(&cut);
    return 0;
}
