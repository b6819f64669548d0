/* One request out of bytes, without a socket: the header section is put together and checked whole
 * (http_guard, then llhttp), the body comes out as runs of the caller's bytes. llhttp sees every
 * byte too and must agree with the framing found here.
 *
 * The caller pulls: each call takes bytes from the front of `in` and gives one event. After HEAD
 * the body follows as DATA events, then END. What comes out does not depend on how the input was
 * cut. */
#ifndef SERVER_HTTP_PARSER_H
#define SERVER_HTTP_PARSER_H

#include "server/http/http_chunks.h"
#include "server/http/http_headers.h"

#include <llhttp.h>

enum http_event {
    HTTP_EVENT_MORE, /* `in` is used up and the request is not complete */
    HTTP_EVENT_HEAD, /* parser->head is filled in */
    HTTP_EVENT_DATA, /* `ret_run` is a run of the body, as sent */
    HTTP_EVENT_END,  /* the request is complete; what is left of `in` belongs to the next */
    HTTP_EVENT_REFUSED,
};

enum http_stage {
    HTTP_STAGE_REQUEST_LINE,
    HTTP_STAGE_HEADERS,
    HTTP_STAGE_BODY,
    HTTP_STAGE_END,
    HTTP_STAGE_REFUSED
};

struct http_parser {
    const struct limits *limits;
    enum http_stage stage;
    enum http_refusal refusal; /* of HTTP_EVENT_REFUSED */
    struct http_head head;
    struct buffer text; /* request line and header lines as they came */
    size_t line_at;     /* in `text`: the line at hand */
    size_t block_at;    /* in `text`: the first header line */
    size_t lines_count; /* header lines so far */
    size_t blank_count; /* empty lines before the request line */
    size_t fields_room;
    struct http_chunks chunks;
    uint64_t wire_bytes; /* body so far, framing taken off */
    llhttp_t llhttp;
    uint64_t llhttp_bytes; /* body that llhttp has seen */
    bool llhttp_complete;
};

/* The memory (text, fields) is kept between requests; the parser must not move after init. */
void http_parser_init(struct http_parser *parser, const struct limits *limits);
void http_parser_reset(struct http_parser *parser);
void http_parser_deinit(struct http_parser *parser);
enum http_event http_parser_next(struct http_parser *parser, struct slice *in,
                                 struct slice *ret_run);
/* Nothing but empty lines came so far. */
bool http_parser_is_blank(const struct http_parser *parser);
/* Body bytes still to come; UINT64_MAX when only the chunks will tell. */
uint64_t http_parser_body_left(const struct http_parser *parser);

#endif
