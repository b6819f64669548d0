#include "server/http/http_parser.h"

#include "core/base/check.h"
#include "server/http/http_guard.h"

#include <stdlib.h>
#include <string.h>

enum { BLANK_LINES_MAX = 2, FIELDS_FIRST = 16, TEXT_KEPT_BYTES = 4096 };

static int on_field_name(llhttp_t *llhttp, const char *at, size_t bytes) {
    struct http_parser *parser = llhttp->data;
    struct http_head *head = &parser->head;
    if (head->fields_count == parser->fields_room) {
        size_t room = parser->fields_room == 0 ? FIELDS_FIRST : parser->fields_room * 2;
        struct http_field *fields = realloc(head->fields, room * sizeof *fields);
        CHECK(fields != NULL);
        head->fields = fields;
        parser->fields_room = room;
    }
    head->fields[head->fields_count++] =
        (struct http_field){{(const uint8_t *)at, bytes}, {(const uint8_t *)at, 0}};
    return 0;
}

static int on_field_value(llhttp_t *llhttp, const char *at, size_t bytes) {
    struct http_parser *parser = llhttp->data;
    struct http_head *head = &parser->head;
    if (head->fields_count == 0) {
        return -1;
    }
    struct http_field *field = &head->fields[head->fields_count - 1];
    /* The section is fed whole and is not folded, so a value comes in one piece. */
    if (field->value.bytes > 0) {
        return -1;
    }
    while (bytes > 0 && (at[bytes - 1] == ' ' || at[bytes - 1] == '\t')) {
        bytes--;
    }
    field->value = (struct slice){(const uint8_t *)at, bytes};
    return 0;
}

/* llhttp forgets its flags once the message is complete, so they are read here. */
static int on_head(llhttp_t *llhttp) {
    struct http_parser *parser = llhttp->data;
    struct http_head *head = &parser->head;
    head->chunked = (llhttp->flags & F_CHUNKED) != 0;
    head->has_length = (llhttp->flags & F_CONTENT_LENGTH) != 0;
    head->length_bytes = head->has_length ? llhttp->content_length : 0;
    head->keep_alive = (llhttp->flags & F_CONNECTION_CLOSE) == 0 &&
                       (head->minor == 1 || (llhttp->flags & F_CONNECTION_KEEP_ALIVE) != 0);
    return llhttp->http_major == 1 && llhttp->http_minor == head->minor ? 0 : -1;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t bytes) {
    (void)at;
    struct http_parser *parser = llhttp->data;
    parser->llhttp_bytes += bytes;
    return 0;
}

static int on_complete(llhttp_t *llhttp) {
    struct http_parser *parser = llhttp->data;
    parser->llhttp_complete = true;
    return 0;
}

static const llhttp_settings_t settings = {.on_header_field = on_field_name,
                                           .on_header_value = on_field_value,
                                           .on_headers_complete = on_head,
                                           .on_body = on_body,
                                           .on_message_complete = on_complete};

void http_parser_init(struct http_parser *parser, const struct limits *limits) {
    memset(parser, 0, sizeof *parser);
    parser->limits = limits;
    buffer_init(&parser->text);
    http_parser_reset(parser);
}

void http_parser_reset(struct http_parser *parser) {
    struct http_field *fields = parser->head.fields;
    parser->head = (struct http_head){.fields = fields};
    parser->stage = HTTP_STAGE_REQUEST_LINE;
    parser->refusal = HTTP_REFUSAL_NONE;
    if (parser->text.room > TEXT_KEPT_BYTES) {
        buffer_deinit(&parser->text);
    }
    buffer_reset(&parser->text);
    parser->line_at = parser->block_at = parser->lines_count = parser->blank_count = 0;
    http_chunks_init(&parser->chunks);
    parser->wire_bytes = parser->llhttp_bytes = 0;
    parser->llhttp_complete = false;
    llhttp_init(&parser->llhttp, HTTP_REQUEST, &settings);
    parser->llhttp.data = parser;
}

void http_parser_deinit(struct http_parser *parser) {
    buffer_deinit(&parser->text);
    free(parser->head.fields);
    parser->head.fields = NULL;
}

bool http_parser_is_blank(const struct http_parser *parser) {
    return parser->stage == HTTP_STAGE_REQUEST_LINE && parser->text.bytes == 0;
}

uint64_t http_parser_body_left(const struct http_parser *parser) {
    if (parser->stage == HTTP_STAGE_END) {
        return 0;
    }
    return parser->head.chunked ? UINT64_MAX : parser->head.length_bytes - parser->wire_bytes;
}

static enum http_event refuse(struct http_parser *parser, enum http_refusal refusal) {
    CHECK(refusal != HTTP_REFUSAL_NONE);
    parser->stage = HTTP_STAGE_REFUSED;
    parser->refusal = refusal;
    return HTTP_EVENT_REFUSED;
}

/* The limits of the line at hand, whose content so far is `bytes` long. They come before any look
 * at the content, so that a line is judged alike whether its end has come or not. */
static enum http_refusal check_line_limits(const struct http_parser *parser, size_t bytes) {
    if (parser->stage == HTTP_STAGE_REQUEST_LINE) {
        return bytes > parser->limits->request_line_bytes ? HTTP_REFUSAL_REQUEST_LINE_TOO_LONG
                                                          : HTTP_REFUSAL_NONE;
    }
    size_t before = parser->line_at - parser->block_at;
    return before + bytes > parser->limits->header_block_bytes ? HTTP_REFUSAL_HEADER_BLOCK
                                                               : HTTP_REFUSAL_NONE;
}

static enum http_refusal take_request_line(struct http_parser *parser, struct slice line) {
    if (line.bytes == 0) {
        buffer_reset(&parser->text);
        return ++parser->blank_count > BLANK_LINES_MAX ? HTTP_REFUSAL_BLANK_LINES
                                                       : HTTP_REFUSAL_NONE;
    }
    struct http_head ignored = {0};
    enum http_refusal refusal = http_guard_request_line(line, parser->limits, &ignored);
    parser->stage = HTTP_STAGE_HEADERS;
    parser->block_at = parser->line_at = parser->text.bytes;
    return refusal;
}

static enum http_refusal take_header_line(struct http_parser *parser, struct slice line) {
    if (parser->text.bytes - parser->block_at > parser->limits->header_block_bytes) {
        return HTTP_REFUSAL_HEADER_BLOCK;
    }
    if (++parser->lines_count > parser->limits->header_count) {
        return HTTP_REFUSAL_HEADER_COUNT;
    }
    parser->line_at = parser->text.bytes;
    return http_guard_header_line(line, parser->limits);
}

/* The text does not move any more: slices into it are made only now. */
static enum http_refusal finish_head(struct http_parser *parser) {
    struct http_head *head = &parser->head;
    struct slice line = {parser->text.data, parser->block_at - 2};
    enum http_refusal refusal = http_guard_request_line(line, parser->limits, head);
    CHECK(refusal == HTTP_REFUSAL_NONE);
    llhttp_t *llhttp = &parser->llhttp;
    llhttp_errno_t error =
        llhttp_execute(llhttp, (const char *)parser->text.data, parser->text.bytes);
    if (error == HPE_PAUSED_UPGRADE) {
        return HTTP_REFUSAL_UPGRADE;
    }
    if (error != HPE_OK || head->fields_count != parser->lines_count) {
        return HTTP_REFUSAL_FRAMING;
    }
    refusal = http_guard_message(head);
    bool empty = !http_head_has_body(head);
    if (refusal == HTTP_REFUSAL_NONE && empty != parser->llhttp_complete) {
        return HTTP_REFUSAL_FRAMING;
    }
    parser->stage = empty ? HTTP_STAGE_END : HTTP_STAGE_BODY;
    return refusal;
}

static enum http_event next_head(struct http_parser *parser, struct slice *in) {
    while (in->bytes > 0) {
        const uint8_t *lf = memchr(in->data, '\n', in->bytes);
        size_t taken = lf == NULL ? in->bytes : (size_t)(lf - in->data) + 1;
        buffer_append(&parser->text, in->data, taken);
        in->data += taken;
        in->bytes -= taken;
        struct slice line = {parser->text.data + parser->line_at,
                             parser->text.bytes - parser->line_at};
        line.bytes -= lf != NULL;
        bool cr = line.bytes > 0 && line.data[line.bytes - 1] == '\r';
        line.bytes -= cr;
        enum http_refusal refusal = check_line_limits(parser, line.bytes);
        if (refusal == HTTP_REFUSAL_NONE && lf == NULL) {
            return HTTP_EVENT_MORE;
        }
        if (refusal == HTTP_REFUSAL_NONE && !cr) {
            refusal = HTTP_REFUSAL_BARE_LF;
        }
        if (refusal != HTTP_REFUSAL_NONE) {
            return refuse(parser, refusal);
        }
        bool end = parser->stage == HTTP_STAGE_HEADERS && line.bytes == 0;
        refusal = end                                        ? finish_head(parser)
                  : parser->stage == HTTP_STAGE_REQUEST_LINE ? take_request_line(parser, line)
                                                             : take_header_line(parser, line);
        if (refusal != HTTP_REFUSAL_NONE) {
            return refuse(parser, refusal);
        }
        if (end) {
            return HTTP_EVENT_HEAD;
        }
    }
    return HTTP_EVENT_MORE;
}

/* Takes the next run of a body of known length. */
static struct slice next_plain(struct http_parser *parser, struct slice *in) {
    uint64_t left = parser->head.length_bytes - parser->wire_bytes;
    struct slice run = {in->data, (size_t)min_u64(in->bytes, left)};
    in->data += run.bytes;
    in->bytes -= run.bytes;
    return run;
}

static enum http_event next_body(struct http_parser *parser, struct slice *in,
                                 struct slice *ret_run) {
    if (in->bytes == 0) {
        return HTTP_EVENT_MORE;
    }
    const uint8_t *from = in->data;
    enum http_refusal refusal = HTTP_REFUSAL_NONE;
    if (parser->head.chunked) {
        refusal = http_chunks_next(&parser->chunks, parser->limits, in, ret_run);
    } else {
        *ret_run = next_plain(parser, in);
    }
    if (refusal != HTTP_REFUSAL_NONE) {
        return refuse(parser, refusal);
    }
    parser->wire_bytes += ret_run->bytes;
    bool end = parser->head.chunked ? parser->chunks.stage == HTTP_CHUNK_END
                                    : parser->wire_bytes == parser->head.length_bytes;
    llhttp_errno_t error =
        llhttp_execute(&parser->llhttp, (const char *)from, (size_t)(in->data - from));
    if (error != HPE_OK || parser->llhttp_bytes != parser->wire_bytes ||
        parser->llhttp_complete != end) {
        return refuse(parser, HTTP_REFUSAL_FRAMING);
    }
    if (end) {
        parser->stage = HTTP_STAGE_END;
    }
    if (ret_run->bytes > 0) {
        return HTTP_EVENT_DATA;
    }
    return end ? HTTP_EVENT_END : HTTP_EVENT_MORE;
}

enum http_event http_parser_next(struct http_parser *parser, struct slice *in,
                                 struct slice *ret_run) {
    *ret_run = (struct slice){in->data, 0};
    switch (parser->stage) {
    case HTTP_STAGE_REQUEST_LINE:
    case HTTP_STAGE_HEADERS:
        return next_head(parser, in);
    case HTTP_STAGE_BODY:
        return next_body(parser, in, ret_run);
    case HTTP_STAGE_END:
        return HTTP_EVENT_END;
    case HTTP_STAGE_REFUSED:
        return HTTP_EVENT_REFUSED;
    }
    CHECK(false);
    return HTTP_EVENT_REFUSED;
}
