/* Finds the route of a request. Where several patterns fit, a literal segment wins over a {name},
 * the leftmost first. O(routes) per request: the table has tens of rows. */
#ifndef SERVER_HTTP_ROUTE_H
#define SERVER_HTTP_ROUTE_H

#include "server/http/http.h"
#include "server/http/http_path.h"

enum { HTTP_ALLOW_BYTES = 64 };

struct http_pattern {
    struct slice segments[HTTP_SEGMENTS_MAX]; /* a {name} without its braces */
    bool is_name[HTTP_SEGMENTS_MAX];
    size_t count;
    uint32_t literals; /* bit per literal segment, the leftmost highest */
};

struct http_routes {
    const struct http_route *routes;
    struct http_pattern *patterns;
    size_t count;
};

void http_routes_init(struct http_routes *table, const struct http_route *routes, size_t count);
void http_routes_deinit(struct http_routes *table);
/* `served` false: no route is looked for, only the allowed methods. `ret_allowed` has bit
 * 1 << method for each method of the path; 0 when the path is unknown. NULL when nothing fits. */
const struct http_route *http_routes_find(const struct http_routes *table,
                                          const struct http_target *target, enum http_method method,
                                          bool served, uint32_t *ret_allowed);
/* Value of a {name}; false when the pattern has none. */
bool http_routes_param(const struct http_routes *table, const struct http_route *route,
                       const struct http_target *target, const char *name, struct slice *ret);
/* "GET, HEAD, OPTIONS" of the bits; OPTIONS is always there. */
void http_allow_text(uint32_t allowed, char to[HTTP_ALLOW_BYTES]);

#endif
