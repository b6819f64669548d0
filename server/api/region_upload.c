#include "server/api/region_upload.h"

#include "core/base/check.h"

#include <string.h>

#define TOO_LONG "the line is too long (limits.line_bytes)"

/* From row `row` on, rows stand on lines that run on from `line`. */
struct mark {
    uint32_t row, line;
};

void region_upload_init(struct region_upload *upload, enum region_upload_format format,
                        const struct limits *limits) {
    memset(upload, 0, sizeof *upload);
    upload->format = format;
    upload->limits = limits;
    upload->line = 1;
    buffer_init(&upload->rows);
    buffer_init(&upload->pending);
    buffer_init(&upload->scratch);
    buffer_init(&upload->marks);
}

void region_upload_deinit(struct region_upload *upload) {
    buffer_deinit(&upload->rows);
    buffer_deinit(&upload->pending);
    buffer_deinit(&upload->scratch);
    buffer_deinit(&upload->marks);
}

size_t region_upload_memory_bytes(const struct region_upload *upload) {
    return upload->rows.room + upload->pending.room + upload->scratch.room + upload->marks.room;
}

/* What was read so far is of no use any more. */
static bool refuse(struct region_upload *upload, uint32_t line, const char *why) {
    CHECK(upload->problem.why == NULL);
    upload->problem = (struct region_upload_problem){line, why};
    region_upload_deinit(upload);
    upload->rows_count = 0;
    return false;
}

static void mark_line(struct region_upload *upload) {
    if (upload->rows_count == 0 || upload->line != upload->next_line) {
        struct mark mark = {(uint32_t)upload->rows_count, upload->line};
        buffer_append(&upload->marks, &mark, sizeof mark);
    }
    upload->next_line = upload->line + 1;
}

uint32_t region_upload_line(const struct region_upload *upload, size_t row) {
    size_t low = 0, high = upload->marks.bytes / sizeof(struct mark);
    struct mark mark = {0, 1};
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct mark at;
        memcpy(&at, upload->marks.data + middle * sizeof at, sizeof at);
        if (at.row <= row) {
            mark = at;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return mark.line + (uint32_t)(row - mark.row);
}

static bool add_row(struct region_upload *upload, const struct region_row *row) {
    if (upload->rows_count >= upload->limits->regions) {
        return refuse(upload, upload->line, "more rows than regions may be (limits.regions)");
    }
    mark_line(upload);
    size_t bytes = region_row_encoded_bytes(row);
    size_t written = region_row_encode(buffer_reserve(&upload->rows, bytes), row);
    CHECK(written == bytes);
    upload->rows.bytes += bytes;
    upload->rows_count++;
    return true;
}

static bool is_blank(struct slice record) {
    for (size_t i = 0; i < record.bytes; i++) {
        if (record.data[i] != ' ' && record.data[i] != '\t') {
            return false;
        }
    }
    return true;
}

/* One record without its line end. */
static bool take_record(struct region_upload *upload, struct slice record) {
    const char *why;
    struct region_row row;
    if (record.bytes > 0 && record.data[record.bytes - 1] == '\r') {
        record.bytes--; /* at the end of the body, without its line feed */
    }
    if (!upload->begun && record.bytes >= 3 && memcmp(record.data, "\xef\xbb\xbf", 3) == 0) {
        record = (struct slice){record.data + 3, record.bytes - 3}; /* a byte order mark */
    }
    upload->begun = true;
    if (record.bytes > upload->limits->line_bytes) {
        return refuse(upload, upload->line, TOO_LONG);
    }
    if (is_blank(record)) {
        return true;
    }
    if (upload->format == REGION_UPLOAD_CSV && !upload->header_read) {
        upload->header_read = true;
        return region_columns_parse(&upload->columns, record, &why) ||
               refuse(upload, upload->line, why);
    }
    uint8_t *scratch = buffer_reserve(&upload->scratch, record.bytes);
    bool right =
        upload->format == REGION_UPLOAD_CSV
            ? region_row_from_csv(&row, &upload->columns, record, scratch, record.bytes,
                                  upload->limits, &why)
            : region_row_from_json(&row, record, scratch, record.bytes, upload->limits, &why);
    return right ? add_row(upload, &row) : refuse(upload, upload->line, why);
}

static uint32_t line_feeds_in(struct slice bytes) {
    uint32_t count = 0;
    for (size_t i = 0; i < bytes.bytes; i++) {
        count += bytes.data[i] == '\n';
    }
    return count;
}

/* How many of `bytes` belong to the record being read, its line feed included; 0 when it goes on
 * behind them. */
static size_t find_end(struct region_upload *upload, struct slice bytes) {
    if (bytes.bytes == 0) {
        return 0;
    }
    if (upload->format == REGION_UPLOAD_CSV) {
        return csv_find_record_end(&upload->splitter, bytes);
    }
    const uint8_t *end = memchr(bytes.data, '\n', bytes.bytes);
    return end == NULL ? 0 : (size_t)(end - bytes.data) + 1;
}

/* Keeps the beginning of a record. Two bytes above the limit may be its line end, three before the
 * first record a byte order mark. */
static bool keep(struct region_upload *upload, struct slice bytes) {
    size_t beside_bytes = upload->begun ? 2 : 5;
    if (upload->pending.bytes + bytes.bytes > upload->limits->line_bytes + beside_bytes) {
        return refuse(upload, upload->line, TOO_LONG);
    }
    buffer_append_slice(&upload->pending, bytes);
    return true;
}

/* `bytes` end the record that is being read. */
static bool end_record(struct region_upload *upload, struct slice bytes) {
    struct slice record = bytes;
    if (upload->pending.bytes > 0) {
        if (!keep(upload, bytes)) {
            return false;
        }
        record = buffer_slice(&upload->pending);
    }
    uint32_t lines = line_feeds_in(record);
    if (!take_record(upload, csv_trim_line_end(record))) {
        return false;
    }
    buffer_reset(&upload->pending);
    upload->line += lines;
    return true;
}

bool region_upload_take(struct region_upload *upload, struct slice bytes) {
    if (upload->problem.why != NULL) {
        return false;
    }
    size_t end;
    while ((end = find_end(upload, bytes)) > 0) {
        if (!end_record(upload, (struct slice){bytes.data, end})) {
            return false;
        }
        bytes = (struct slice){bytes.data + end, bytes.bytes - end};
    }
    return keep(upload, bytes);
}

bool region_upload_end(struct region_upload *upload) {
    if (upload->problem.why != NULL) {
        return false;
    }
    if (upload->pending.bytes > 0 && !end_record(upload, (struct slice){NULL, 0})) {
        return false;
    }
    return upload->rows_count > 0 ||
           refuse(upload, 0,
                  upload->format == REGION_UPLOAD_CSV
                      ? "there are no rows: a header line code,parent,level,name and a row for "
                        "each region were expected"
                      : "there are no rows: an object for each region was expected, one a line");
}
