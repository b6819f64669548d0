#include "server/limit/feed_places.h"

#include "server/api/caller.h"
#include "server/limit/bearer_key.h"

enum { RETRY_S = 5 };

bool feed_place_take(struct http_request *request) {
    struct limiter *limiter = services_of(request)->limiter;
    const struct bearer *bearer = caller_bearer(request);
    if (bearer == NULL || limiter_open_feed(limiter, bearer_key(limiter, bearer))) {
        return true;
    }
    http_add_retry_after(request, RETRY_S);
    http_problem(request, 429, "too many requests", limit_scope_detail(LIMIT_FEEDS),
                 "\"limit\":\"feeds_per_principal\"");
    return false;
}

void feed_place_leave(const struct http_request *request) {
    struct limiter *limiter = services_of(request)->limiter;
    const struct bearer *bearer = caller_bearer(request);
    if (bearer != NULL) {
        limiter_close_feed(limiter, bearer_key(limiter, bearer));
    }
}
