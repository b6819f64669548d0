/* Lines must come out the same however the text is cut. The first byte chooses the cuts. */
#include "core/base/check.h"
#include "server/http/lines.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void note(struct buffer *log, const struct line *line, size_t limit) {
    CHECK(line->text.bytes <= limit);
    CHECK(line->kind != LINE_TOO_LONG || line->text.bytes == 0);
    buffer_printf(log, "%llu %d %zu ", (unsigned long long)line->number, (int)line->kind,
                  line->kind == LINE_TEXT ? line->text.bytes : 0);
    if (line->kind == LINE_TEXT) {
        buffer_append_slice(log, line->text);
    }
}

/* Pieces are copies of exact size, so that reading past one is seen. */
static void run(struct buffer *log, const uint8_t *data, size_t bytes, size_t piece_bytes) {
    enum { LIMIT = 24 };
    struct lines lines;
    struct line line;
    lines_init(&lines, LIMIT);
    for (size_t at = 0; at < bytes; at += piece_bytes) {
        size_t now = bytes - at < piece_bytes ? bytes - at : piece_bytes;
        uint8_t *copy = malloc(now);
        CHECK(copy != NULL);
        memcpy(copy, data + at, now);
        struct slice piece = {copy, now};
        while (lines_next(&lines, &piece, &line)) {
            note(log, &line, LIMIT);
        }
        free(copy);
    }
    if (lines_end(&lines, &line)) {
        note(log, &line, LIMIT);
    }
    lines_deinit(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes < 2) {
        return 0;
    }
    struct buffer whole, cut;
    buffer_init(&whole);
    buffer_init(&cut);
    run(&whole, data + 1, bytes - 1, bytes);
    run(&cut, data + 1, bytes - 1, 1U + data[0] % 32);
    CHECK(slice_equal(buffer_slice(&whole), buffer_slice(&cut)));
    buffer_deinit(&whole);
    buffer_deinit(&cut);
    return 0;
}
