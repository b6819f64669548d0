/* Values that bodies share: codes of the policy and the region tree, limits, grades. Each function
 * reads the value that the body stands at, as those of body.h; what the code is looked up in is
 * borrowed for the call. */
#ifndef SERVER_API_BODY_VALUES_H
#define SERVER_API_BODY_VALUES_H

#include "core/policy/policy.h"
#include "core/region/region.h"
#include "server/api/body.h"

MUST_USE bool body_category(struct body *body, const struct policy *policy, uint32_t *ret_tag);
MUST_USE bool body_unit(struct body *body, const struct policy *policy, uint32_t *ret_tag);
MUST_USE bool body_region(struct body *body, const struct region_table *regions, uint32_t *ret);
/* The same, of what the caller of the request may see. */
MUST_USE bool body_region_of(struct body *body, const struct http_request *request, uint32_t *ret);
/* "4wh", "5wd" ...; "none" is none. */
MUST_USE bool body_limit(struct body *body, struct stage_limit *ret);
MUST_USE bool body_severity(struct body *body, uint8_t *ret);
MUST_USE bool body_priority(struct body *body, uint8_t *ret); /* 1..4 */
/* Not longer than bytes_max, else `detail` is the reason. */
MUST_USE bool body_bounded_text(struct body *body, size_t bytes_max, const char *detail,
                                struct slice *ret);

#endif
