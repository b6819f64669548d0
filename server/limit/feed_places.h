/* How many feeds each token has open. Without tokens nobody has any. Loop thread. */
#ifndef SERVER_LIMIT_FEED_PLACES_H
#define SERVER_LIMIT_FEED_PLACES_H

#include "server/http/http.h"

/* A feed more of whom the request comes from; false: 429 went out. */
MUST_USE bool feed_place_take(struct http_request *request);
void feed_place_leave(const struct http_request *request);

#endif
