/* A region upload as it streams in: CSV or NDJSON bytes become encoded rows (core/region/region.h).
 * The first bad line ends it. Memory: the encoded rows, one unfinished record of at most
 * line_bytes, and eight bytes for every place where row numbers and line numbers stop running
 * together. */
#ifndef SERVER_API_REGION_UPLOAD_H
#define SERVER_API_REGION_UPLOAD_H

#include "core/region/region.h"
#include "core/text/csv.h"
#include "server/buffer.h"

enum region_upload_format { REGION_UPLOAD_CSV, REGION_UPLOAD_NDJSON };

struct region_upload_problem {
    uint32_t line;   /* physical line the record begins on, 1 is the first; 0: the whole upload */
    const char *why; /* static */
};

struct region_upload {
    enum region_upload_format format;
    const struct limits *limits;
    struct buffer rows; /* encoded */
    size_t rows_count;
    struct region_upload_problem problem; /* of the first bad line, `why` NULL: none */
    /* the rest is region_upload.c's own */
    struct buffer pending; /* the beginning of a record whose end has not come */
    struct buffer scratch; /* unquoted or unescaped fields of one record */
    struct buffer marks;
    struct region_columns columns;
    struct csv_splitter splitter;
    bool header_read, begun;
    uint32_t line;      /* of the record being read */
    uint32_t next_line; /* that the next row would have if no line were skipped */
};

void region_upload_init(struct region_upload *upload, enum region_upload_format format,
                        const struct limits *limits);
void region_upload_deinit(struct region_upload *upload);
/* Takes the next piece of the body, cut anywhere. False once there is a problem; more is then
 * ignored. O(bytes). */
bool region_upload_take(struct region_upload *upload, struct slice bytes);
/* The body is complete. False: `problem` says why; an upload without rows is one. */
MUST_USE bool region_upload_end(struct region_upload *upload);
/* The line that row `row` (0-based) began on. O(log marks). */
uint32_t region_upload_line(const struct region_upload *upload, size_t row);
/* Bytes held. */
size_t region_upload_memory_bytes(const struct region_upload *upload);

#endif
