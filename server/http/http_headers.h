/* A request's header section once it was parsed: the request line's parts, the fields, and what
 * they say about framing. Names and values are slices of the parser's head buffer. */
#ifndef SERVER_HTTP_HEADERS_H
#define SERVER_HTTP_HEADERS_H

#include "server/http/http.h"

enum http_coding { HTTP_CODING_IDENTITY, HTTP_CODING_GZIP, HTTP_CODING_ZSTD };

struct http_field {
    struct slice name, value; /* value without white space around it */
};

struct http_head {
    enum http_method method;
    bool method_served; /* false: known, but never served here (PATCH, TRACE) */
    unsigned minor;     /* of HTTP/1.minor: 0 or 1 */
    struct slice target;
    struct http_field *fields;
    size_t fields_count;
    bool keep_alive;
    bool chunked;
    bool has_length;
    uint64_t length_bytes;
    bool expect_continue;
    bool coding_known; /* false: a Content-Encoding that is not taken */
    enum http_coding coding;
};

/* First field of that name, case-insensitive. NULL when absent. O(fields). */
const struct http_field *http_head_find(const struct http_head *head, const char *name);
bool slice_equal_ignoring_case(struct slice a, const char *text);
bool http_head_has_body(const struct http_head *head);
/* Takes the next member of a comma-separated list, white space removed; false at the end. */
bool http_list_next(struct slice *list, struct slice *ret_member);
/* Quality of `offer` (a media type in lower case) by the Accept fields, in thousandths; the most
 * specific range decides. 1000 when there is no Accept. Members that cannot be read are passed
 * over. */
unsigned http_head_accept(const struct http_head *head, struct slice offer);

#endif
