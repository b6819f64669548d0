#include "server/http/http_route.h"

#include "core/base/check.h"

#include <stdlib.h>
#include <string.h>

static void compile(struct http_pattern *pattern, const struct http_route *route) {
    memset(pattern, 0, sizeof *pattern);
    const char *at = route->pattern;
    CHECK(*at == '/');
    while (at[0] == '/' && at[1] != '\0') {
        at++;
        size_t bytes = strcspn(at, "/");
        CHECK(bytes > 0 && pattern->count < HTTP_SEGMENTS_MAX);
        bool is_name = at[0] == '{';
        CHECK(!is_name || (bytes > 2 && at[bytes - 1] == '}'));
        pattern->is_name[pattern->count] = is_name;
        pattern->segments[pattern->count] =
            (struct slice){(const uint8_t *)at + is_name, bytes - (is_name ? 2 : 0)};
        if (!is_name) {
            pattern->literals |= UINT32_C(1) << (HTTP_SEGMENTS_MAX - pattern->count);
        }
        pattern->count++;
        at += bytes;
    }
    size_t parameters = 0;
    for (const char *name = route->query; name != NULL && *name != '\0';) {
        parameters++;
        name += strcspn(name, " ");
        name += strspn(name, " ");
    }
    CHECK(parameters <= HTTP_PARAMETERS_MAX);
}

void http_routes_init(struct http_routes *table, const struct http_route *routes, size_t count) {
    table->routes = routes;
    table->count = count;
    table->patterns = calloc(count == 0 ? 1 : count, sizeof *table->patterns);
    CHECK(table->patterns != NULL);
    for (size_t i = 0; i < count; i++) {
        compile(&table->patterns[i], &routes[i]);
    }
}

void http_routes_deinit(struct http_routes *table) {
    free(table->patterns);
    table->patterns = NULL;
}

static bool fits(const struct http_pattern *pattern, const struct http_target *target) {
    if (pattern->count != target->segments_count || slice_is(target->path, "*")) {
        return false;
    }
    for (size_t i = 0; i < pattern->count; i++) {
        if (!pattern->is_name[i] && !slice_equal(pattern->segments[i], target->segments[i])) {
            return false;
        }
    }
    return true;
}

const struct http_route *http_routes_find(const struct http_routes *table,
                                          const struct http_target *target, enum http_method method,
                                          bool served, uint32_t *ret_allowed) {
    const struct http_route *best = NULL;
    uint32_t best_literals = 0;
    uint32_t allowed = 0;
    enum http_method wanted = method == HTTP_METHOD_HEAD ? HTTP_METHOD_GET : method;
    for (size_t i = 0; i < table->count; i++) {
        const struct http_pattern *pattern = &table->patterns[i];
        if (!fits(pattern, target)) {
            continue;
        }
        const struct http_route *route = &table->routes[i];
        allowed |= UINT32_C(1) << route->method;
        if (served && route->method == wanted &&
            (best == NULL || pattern->literals > best_literals)) {
            best = route;
            best_literals = pattern->literals;
        }
    }
    if ((allowed & UINT32_C(1) << HTTP_METHOD_GET) != 0) {
        allowed |= UINT32_C(1) << HTTP_METHOD_HEAD;
    }
    *ret_allowed = allowed;
    return best;
}

bool http_routes_param(const struct http_routes *table, const struct http_route *route,
                       const struct http_target *target, const char *name, struct slice *ret) {
    const struct http_pattern *pattern = &table->patterns[route - table->routes];
    for (size_t i = 0; i < pattern->count; i++) {
        if (pattern->is_name[i] && slice_is(pattern->segments[i], name)) {
            *ret = target->segments[i];
            return true;
        }
    }
    return false;
}

void http_allow_text(uint32_t allowed, char to[HTTP_ALLOW_BYTES]) {
    static const char *const names[] = {
        [HTTP_METHOD_GET] = "GET, ",       [HTTP_METHOD_HEAD] = "HEAD, ",
        [HTTP_METHOD_POST] = "POST, ",     [HTTP_METHOD_PUT] = "PUT, ",
        [HTTP_METHOD_DELETE] = "DELETE, ", [HTTP_METHOD_OPTIONS] = "OPTIONS"};
    allowed |= UINT32_C(1) << HTTP_METHOD_OPTIONS;
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if ((allowed >> i & 1) != 0) {
            size_t bytes = strlen(names[i]);
            CHECK(used + bytes < HTTP_ALLOW_BYTES);
            memcpy(to + used, names[i], bytes);
            used += bytes;
        }
    }
    to[used] = '\0';
}
