/* Cuts an upload that comes in arbitrary pieces into lines.
 *
 * A line ends with LF or CRLF; the last one may lack its end. A line that lies whole in a piece is
 * given without a copy, one that spans pieces is put together in the splitter's own memory (at most
 * limit_bytes). A line beyond limit_bytes is reported once as LINE_TOO_LONG and skipped to its end.
 * Which lines come out does not depend on the cuts. O(bytes). */
#ifndef SERVER_HTTP_LINES_H
#define SERVER_HTTP_LINES_H

#include "server/buffer.h"

enum line_kind {
    LINE_TEXT,
    LINE_BLANK,    /* nothing but spaces, tabs and carriage returns */
    LINE_TOO_LONG, /* more than limit_bytes; `text` is empty */
};

struct line {
    enum line_kind kind;
    struct slice text; /* without its line end; good until the next call or the piece's end */
    uint64_t number;   /* from 1, blank ones counted */
};

struct lines {
    struct buffer held; /* the beginning of a line whose end has not come */
    size_t limit_bytes;
    uint64_t number;
    bool skipping;  /* inside a line already reported as too long */
    bool held_used; /* `held` was given out by the last call */
};

void lines_init(struct lines *lines, size_t limit_bytes);
void lines_deinit(struct lines *lines);
/* Takes the next line out of `piece`, which shrinks from its front. False when the piece is used
 * up; a line that it only began is then held. */
bool lines_next(struct lines *lines, struct slice *piece, struct line *ret);
/* The upload is over: gives the last line if it had no end. */
bool lines_end(struct lines *lines, struct line *ret);

#endif
