#include "server/http/lines.h"

#include "core/base/check.h"
#include "core/base/mutant.h"

#include <string.h>

void lines_init(struct lines *lines, size_t limit_bytes) {
    CHECK(limit_bytes > 0);
    *lines = (struct lines){.limit_bytes = limit_bytes};
    buffer_init(&lines->held);
}

void lines_deinit(struct lines *lines) {
    buffer_deinit(&lines->held);
}

static bool is_blank(struct slice text) {
    for (size_t i = 0; i < text.bytes; i++) {
        uint8_t byte = text.data[i];
        if (byte != ' ' && byte != '\t' && byte != '\r') {
            return false;
        }
    }
    return true;
}

static struct slice without_cr(struct slice text) {
    if (text.bytes > 0 && text.data[text.bytes - 1] == '\r') {
        text.bytes--;
    }
    return text;
}

/* A finished line, given without its LF. */
static void give(struct lines *lines, struct slice text, struct line *ret) {
    text = without_cr(text);
    bool fits = text.bytes <= lines->limit_bytes;
    *ret = (struct line){.kind = !fits            ? LINE_TOO_LONG
                                 : is_blank(text) ? LINE_BLANK
                                                  : LINE_TEXT,
                         .text = fits ? text : (struct slice){NULL, 0},
                         .number = ++lines->number};
}

static void advance(struct slice *piece, size_t bytes) {
    piece->data += bytes;
    piece->bytes -= bytes;
}

/* Holds a line's beginning; true when it is already too long and was reported. */
static bool hold(struct lines *lines, struct slice *piece, struct line *ret) {
    size_t room = lines->limit_bytes + 1 - lines->held.bytes;
    size_t bytes = piece->bytes < room ? piece->bytes : room;
    buffer_append(&lines->held, piece->data, bytes);
    bool more = bytes < piece->bytes;
    advance(piece, piece->bytes);
    /* One byte past the limit may still be the CR of the line's end. */
    if (!more && without_cr(buffer_slice(&lines->held)).bytes <= lines->limit_bytes) {
        return false;
    }
    lines->skipping = true;
    buffer_reset(&lines->held);
    *ret = (struct line){.kind = LINE_TOO_LONG, .number = ++lines->number};
    return true;
}

bool lines_next(struct lines *lines, struct slice *piece, struct line *ret) {
    if (lines->held_used) {
        lines->held_used = false;
        buffer_reset(&lines->held);
    }
    while (piece->bytes > 0) {
        const uint8_t *end = memchr(piece->data, '\n', piece->bytes);
        if (end == NULL) {
            if (!lines->skipping) {
                return hold(lines, piece, ret);
            }
            advance(piece, piece->bytes);
            return false;
        }
        struct slice text = {piece->data, (size_t)(end - piece->data)};
        advance(piece, text.bytes + 1);
        if (lines->skipping) {
            lines->skipping = false;
            continue;
        }
        if (lines->held.bytes > 0) {
            /* What cannot fit is not copied; limit + 2 bytes are enough to see that it is too
             * long whatever its last byte is. */
            size_t room = lines->limit_bytes + 2 - lines->held.bytes;
            buffer_append(&lines->held, text.data, text.bytes < room ? text.bytes : room);
            text = MUTANT(LINE_HELD_IS_LOST) ? text : buffer_slice(&lines->held);
            lines->held_used = true;
        }
        give(lines, text, ret);
        return true;
    }
    return false;
}

bool lines_end(struct lines *lines, struct line *ret) {
    struct slice none = {NULL, 0};
    CHECK(!lines_next(lines, &none, ret));
    if (lines->skipping || lines->held.bytes == 0) {
        return false;
    }
    give(lines, buffer_slice(&lines->held), ret);
    lines->held_used = true;
    return true;
}
