/* The request target: path segments and query parameters, percent-decoded once. */
#ifndef SERVER_HTTP_PATH_H
#define SERVER_HTTP_PATH_H

#include "server/buffer.h"
#include "server/http/http_refusal.h"

enum { HTTP_SEGMENTS_MAX = 16, HTTP_PARAMETERS_MAX = 24 };

struct http_parameter {
    struct slice name, value;
};

struct http_target {
    struct slice path;  /* as sent, without the query */
    struct slice query; /* as sent, without "?" */
    struct slice segments[HTTP_SEGMENTS_MAX];
    size_t segments_count; /* may be more than HTTP_SEGMENTS_MAX; the rest is not kept */
    struct http_parameter parameters[HTTP_PARAMETERS_MAX];
    size_t parameters_count;
};

/* Splits the target ("/..." or "*") and decodes the path's segments into `store`, which must stay
 * as it is while the target is used. Refused: empty and dot segments, %00, %2F, %5C and other
 * control bytes, what is not UTF-8. "/" has no segments. */
enum http_refusal http_target_parse(struct http_target *target, struct slice text,
                                    struct buffer *store);
/* Decodes the query; only names of `allowed` (space separated, NULL: none) are taken, each once.
 * On HTTP_REFUSAL_QUERY_NAME `ret_culprit` is the name. */
enum http_refusal http_target_parse_query(struct http_target *target, const char *allowed,
                                          struct buffer *store, struct slice *ret_culprit);
/* Well-formed UTF-8 without NUL. */
bool http_text_is_valid(struct slice text);

#endif
