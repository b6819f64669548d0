#include "server/api/page.h"

#include "server/api/timeline_query.h"
#include "server/services.h"

void page_refuse_cursor(struct http_request *request) {
    http_problem(request, 400, "bad query parameter",
                 "cursor: it is damaged or belongs to another list", NULL);
}

bool page_read(struct page *ret, struct http_request *request, enum cursor_kind kind,
               uint64_t binding) {
    struct slice text;
    struct error error;
    struct page page = {.is_first = true};
    if (parameter_limit(&page.limit, request, &services_of(request)->config->limits, &error) !=
        STATUS_OK) {
        http_problem(request, 400, "bad query parameter", error.message, NULL);
        return false;
    }
    if (http_query(request, "cursor", &text)) {
        page.is_first = false;
        if (!cursor_to_numbers(&page.after, kind, binding, text)) {
            page_refuse_cursor(request);
            return false;
        }
    }
    *ret = page;
    return true;
}
