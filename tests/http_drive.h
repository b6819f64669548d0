/* Drives the HTTP parser and the body decoder over a byte stream cut at will, and writes down what
 * came out, so that runs over the same bytes can be compared. Shared by unit tests and fuzzing. */
#ifndef TESTS_HTTP_DRIVE_H
#define TESTS_HTTP_DRIVE_H

#include "server/http/http_body.h"
#include "server/http/http_parser.h"

#include <stdlib.h>
#include <string.h>

struct http_drive {
    struct http_parser parser;
    struct http_decoders decoders;
    struct http_decoder *decoder; /* of the body at hand */
    const struct limits *limits;
    struct buffer log;  /* one line per request, the last may be a refusal */
    struct buffer body; /* decoded */
    bool refused;
    unsigned requests;
};

static inline void http_drive_init(struct http_drive *drive, const struct limits *limits) {
    memset(drive, 0, sizeof *drive);
    drive->limits = limits;
    http_parser_init(&drive->parser, limits);
    http_decoders_init(&drive->decoders);
}

static inline void http_drive_deinit(struct http_drive *drive) {
    if (drive->decoder != NULL) {
        http_decoder_free(&drive->decoders, drive->decoder);
    }
    http_parser_deinit(&drive->parser);
    http_decoders_deinit(&drive->decoders);
    buffer_deinit(&drive->log);
    buffer_deinit(&drive->body);
}

static inline void http_drive_refuse(struct http_drive *drive, enum http_refusal refusal) {
    const struct http_refusal_row *row = http_refusal_row(refusal);
    buffer_printf(&drive->log, "%u %s\n", row->status, row->reason);
    drive->refused = true;
}

static inline void http_drive_head(struct http_drive *drive) {
    const struct http_head *head = &drive->parser.head;
    buffer_printf(&drive->log, "m%d v%u k%d e%d f%zu l%llu c%d ", (int)head->method, head->minor,
                  (int)head->keep_alive, (int)head->expect_continue, head->fields_count,
                  (unsigned long long)head->length_bytes, (int)head->chunked);
    buffer_append_slice(&drive->log, head->target);
    for (size_t i = 0; i < head->fields_count; i++) {
        buffer_append_text(&drive->log, "|");
        buffer_append_slice(&drive->log, head->fields[i].name);
        buffer_append_text(&drive->log, "=");
        buffer_append_slice(&drive->log, head->fields[i].value);
    }
    enum http_coding coding = head->coding_known ? head->coding : HTTP_CODING_IDENTITY;
    coding = http_head_has_body(head) ? coding : HTTP_CODING_IDENTITY;
    drive->decoder = http_decoder_new(&drive->decoders, coding, drive->limits);
    buffer_reset(&drive->body);
}

static inline void http_drive_data(struct http_drive *drive, struct slice run) {
    while (run.bytes > 0 || http_decoder_has_more(drive->decoder)) {
        struct slice piece = {NULL, 0};
        enum http_refusal refusal =
            http_decoder_next(drive->decoder, &run, drive->limits->body_inflated_bytes, &piece);
        if (refusal != HTTP_REFUSAL_NONE) {
            http_drive_refuse(drive, refusal);
            return;
        }
        buffer_append_slice(&drive->body, piece);
    }
}

static inline void http_drive_end(struct http_drive *drive) {
    enum http_refusal refusal = http_decoder_end(drive->decoder);
    if (refusal != HTTP_REFUSAL_NONE) {
        http_drive_refuse(drive, refusal);
        return;
    }
    buffer_append_text(&drive->log, " body ");
    buffer_append_slice(&drive->log, buffer_slice(&drive->body));
    buffer_append_text(&drive->log, "\n");
    http_decoder_free(&drive->decoders, drive->decoder);
    drive->decoder = NULL;
    drive->requests++;
    http_parser_reset(&drive->parser);
}

/* Takes one piece of the stream. It is copied to memory of its own size, so that a sanitizer sees
 * any read past it. */
static inline void http_drive_feed(struct http_drive *drive, const uint8_t *data, size_t bytes) {
    uint8_t *copy = malloc(bytes == 0 ? 1 : bytes);
    if (bytes > 0) {
        memcpy(copy, data, bytes);
    }
    struct slice in = {copy, bytes};
    struct slice run;
    while (!drive->refused) {
        enum http_event event = http_parser_next(&drive->parser, &in, &run);
        if (event == HTTP_EVENT_HEAD) {
            http_drive_head(drive);
        } else if (event == HTTP_EVENT_DATA) {
            http_drive_data(drive, run);
        } else if (event == HTTP_EVENT_END) {
            http_drive_end(drive);
        } else if (event == HTTP_EVENT_REFUSED) {
            http_drive_refuse(drive, drive->parser.refusal);
        } else if (in.bytes == 0) {
            break;
        }
        if (event == HTTP_EVENT_END && in.bytes == 0) {
            break;
        }
    }
    free(copy);
}

#endif
