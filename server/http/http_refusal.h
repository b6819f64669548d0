/* Every reason for which the framework itself refuses a request: the status it answers, the word
 * metrics know it by, and what it tells the client. */
#ifndef SERVER_HTTP_REFUSAL_H
#define SERVER_HTTP_REFUSAL_H

#include "core/base/base.h"

/* name, status, whether the connection is closed after the answer, reason, detail */
#define HTTP_REFUSAL_TABLE(X)                                                                      \
    X(NONE, 200, false, "none", "")                                                                \
    X(REQUEST_LINE_TOO_LONG, 414, true, "request_line_too_long", "the request line is too long")   \
    X(TARGET_TOO_LONG, 414, true, "target_too_long", "the request target is too long")             \
    X(BLANK_LINES, 400, true, "blank_lines", "too many empty lines before the request")            \
    X(BARE_LF, 400, true, "bare_lf", "a line must end with CR LF")                                 \
    X(REQUEST_LINE, 400, true, "request_line", "the request line is not METHOD TARGET HTTP/1.1")   \
    X(METHOD, 501, true, "method_unknown", "the method is not known")                              \
    X(TARGET, 400, true, "target",                                                                 \
      "the request target must be an absolute path of valid URI characters, without a fragment")   \
    X(CONNECT, 405, true, "method_not_allowed", "this server is no proxy")                         \
    X(VERSION, 505, true, "version", "only HTTP/1.1 and HTTP/1.0 are spoken here")                 \
    X(HEADER_BLOCK, 431, true, "header_block", "the header section is too large")                  \
    X(HEADER_COUNT, 431, true, "header_count", "there are too many header fields")                 \
    X(HEADER_VALUE, 431, true, "header_value", "a header value is too long")                       \
    X(HEADER_FOLDED, 400, true, "header_folded", "header lines must not be folded")                \
    X(HEADER_SYNTAX, 400, true, "header_syntax", "a header line is not valid")                     \
    X(HEADER_REPEATED, 400, true, "header_repeated",                                               \
      "a header field that may occur once occurs more than once")                                  \
    X(HEADER_BYTES, 400, true, "header_bytes", "a header value holds bytes outside of ASCII")      \
    X(HOST, 400, true, "host", "exactly one valid Host header is required")                        \
    X(TRANSFER_ENCODING, 400, true, "transfer_encoding",                                           \
      "Transfer-Encoding must be exactly \"chunked\", on HTTP/1.1, without Content-Length")        \
    X(FRAMING, 400, true, "framing", "the request is not valid HTTP/1.1")                          \
    X(UPGRADE, 400, true, "upgrade", "protocol upgrades are not offered")                          \
    X(BODY_UNEXPECTED, 400, true, "body_unexpected", "this request must not have a body")          \
    X(EXPECTATION, 417, true, "expectation", "the only expectation met here is 100-continue")      \
    X(CONTENT_ENCODING, 415, false, "content_encoding",                                            \
      "the content encodings taken are gzip and zstd, one at most")                                \
    X(PATH, 400, true, "path",                                                                     \
      "the path has an empty or dot segment, or escapes that are not allowed or not UTF-8")        \
    X(QUERY, 400, true, "query", "the query has escapes that are not valid or not UTF-8")          \
    X(QUERY_NAME, 400, false, "query_parameter", "unknown or repeated query parameter")            \
    X(NOT_FOUND, 404, false, "not_found", "there is nothing at this path")                         \
    X(METHOD_NOT_ALLOWED, 405, false, "method_not_allowed",                                        \
      "this path does not take this method, see Allow")                                            \
    X(CHUNK, 400, true, "chunk", "the chunked framing is not valid")                               \
    X(CHUNK_EXTENSION, 400, true, "chunk_extension", "chunk extensions are not taken")             \
    X(CHUNK_OVERHEAD, 400, true, "chunk_overhead", "the chunks are too small for the body")        \
    X(TRAILER, 400, true, "trailer", "trailer fields are not taken")                               \
    X(BODY_TOO_LARGE, 413, true, "body_too_large", "the body is larger than its limit")            \
    X(INFLATED_TOO_LARGE, 413, true, "inflated_too_large",                                         \
      "the body is larger than its limit once decompressed")                                       \
    X(INFLATE_RATIO, 413, true, "inflate_ratio",                                                   \
      "the body decompresses to too many times its size")                                          \
    X(INFLATE_WINDOW, 413, true, "inflate_window", "the zstd frame asks for too large a window")   \
    X(INFLATE_CORRUPT, 400, true, "inflate_corrupt", "the compressed body is damaged")             \
    X(INFLATE_TRUNCATED, 400, true, "inflate_truncated", "the compressed body ends too early")     \
    X(INFLATE_TRAILING, 400, true, "inflate_trailing",                                             \
      "bytes follow the end of the compressed body; one gzip member or zstd frame is taken")       \
    X(BODY_MEMORY, 503, true, "body_memory", "too many bodies are being taken in, try again")      \
    X(HEADER_TIMEOUT, 408, true, "header_timeout", "the header section took too long")             \
    X(BODY_TIMEOUT, 408, true, "body_timeout", "the body came too slowly")

enum http_refusal {
#define HTTP_REFUSAL_ENUM(name, status, close, reason, detail) HTTP_REFUSAL_##name,
    HTTP_REFUSAL_TABLE(HTTP_REFUSAL_ENUM)
#undef HTTP_REFUSAL_ENUM
};

struct http_refusal_row {
    unsigned status;
    bool close;
    const char *reason, *detail;
};
const struct http_refusal_row *http_refusal_row(enum http_refusal refusal);
/* The phrase of a status, "Not Found"; "Unknown" for one that is not in the table. */
const char *http_status_title(unsigned status);

#endif
