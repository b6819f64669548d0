/* A region as the API shows it; and the search for regions by name. */
#ifndef SERVER_API_REGION_JSON_H
#define SERVER_API_REGION_JSON_H

#include "core/region/region.h"
#include "server/http/http.h"
#include "server/json_out.h"

/* The members of a region, without the braces. */
void region_json(struct json_out *out, const struct region_table *table, uint32_t id);
/* "path": codes from the root down to the region itself. */
void region_json_path(struct json_out *out, const struct region_table *table, uint32_t id);

/* Answers with the regions of a subtree (`root` REGION_NONE: of the whole tree) whose name contains
 * `name`, letters of ASCII in either case, or whose code begins with it: upper levels first, then
 * in tree order, at most `limit`. On the pool, O(subtree); the route's on_done is
 * request_job_on_done. */
void region_search(struct http_request *request, uint32_t root, struct slice name, uint64_t limit);

#endif
