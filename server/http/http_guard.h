/* The rules a request must keep beyond what llhttp 8.1 strict demands: no folded headers, no bare
 * CR or LF, one Host, one framing, only methods and versions served here (reliability: request
 * smuggling). Every function decides by its whole argument, so that a verdict does not depend on
 * how the bytes were cut on their way. */
#ifndef SERVER_HTTP_GUARD_H
#define SERVER_HTTP_GUARD_H

#include "server/http/http_headers.h"
#include "server/http/http_refusal.h"

/* The request line without its CR LF; sets method, method_served, minor and target. */
enum http_refusal http_guard_request_line(struct slice line, const struct limits *limits,
                                          struct http_head *head);
/* One header line without its CR LF, not empty. */
enum http_refusal http_guard_header_line(struct slice line, const struct limits *limits);
/* The whole header section, fields filled in; sets expect_continue and coding, and compares the
 * framing fields with what llhttp made of them. */
enum http_refusal http_guard_message(struct http_head *head);

#endif
