/* The parameters of a timeline request, checked, as data. Loop thread. */
#ifndef SERVER_API_TIMELINE_QUERY_H
#define SERVER_API_TIMELINE_QUERY_H

#include "core/policy/policy.h"
#include "server/http/http.h"
#include "storage/timeline.h"

struct timeline_params {
    struct timeline_query query; /* regions are left out */
    uint32_t root;               /* the region asked for */
    uint64_t limit;              /* rows at most */
    uint64_t binding;            /* of cursors: hash of root, order and filters */
};

/* INVALID: the message names the parameter and what would be right. `streamed`: no limit unless one
 * is given, and no largest one. `limits` bounds pages. */
MUST_USE enum status timeline_params_read(struct timeline_params *ret,
                                          const struct http_request *request, uint32_t root,
                                          bool streamed, const struct policy *policy,
                                          const struct limits *limits, struct error *error);

/* A decimal number without sign or leading zeros, 1 or more. */
MUST_USE bool parameter_number(uint64_t *ret_value, struct slice text);
/* `limit` and its default; INVALID names the range. */
MUST_USE enum status parameter_limit(uint64_t *ret_limit, const struct http_request *request,
                                     const struct limits *limits, struct error *error);

#endif
