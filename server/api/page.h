/* Which page of a list a request asks for: its `limit` and `cursor` parameters, for lists whose
 * cursor is a number or two. */
#ifndef SERVER_API_PAGE_H
#define SERVER_API_PAGE_H

#include "server/api/cursor.h"
#include "server/http/http.h"

struct page {
    uint64_t limit;              /* items */
    struct cursor_numbers after; /* of the page before */
    bool is_first;               /* there was no cursor; `after` is zero */
};

/* False: 400 went out. */
MUST_USE bool page_read(struct page *ret, struct http_request *request, enum cursor_kind kind,
                        uint64_t binding);
/* 400 for a cursor that is sound but says what this list cannot have. */
void page_refuse_cursor(struct http_request *request);

#endif
