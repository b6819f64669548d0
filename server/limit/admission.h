/* Is a request let in now? Rates and counts by whom it comes from, and what is shed under load. The
 * functions that answer by themselves have sent 429 or 503 with Retry-After when they say false.
 * Loop thread. Without tokens there is nobody to have a rate, and only shedding is left. */
#ifndef SERVER_LIMIT_ADMISSION_H
#define SERVER_LIMIT_ADMISSION_H

#include "server/api/routes.h"
#include "server/auth/auth.h"
#include "server/limit/limiter.h"
#include "server/services.h"

/* Work for somebody who shows no token. */
MUST_USE bool admission_stranger(struct http_request *request);
/* A token was not good. True: answer 401; false: 429 went out. */
MUST_USE bool admission_failed(struct http_request *request);
/* Who asks is known (NULL: nobody asks who it is): their connections, their rate, their region's
 * rate, and what is shed. Uploads of reports are shed by their handler, which knows what they are.
 */
MUST_USE bool admission_known(struct http_request *request, const struct route_rule *rule,
                              const struct bearer *bearer);

/* Is an upload of reports shed now? NULL: it is not, else a sentence. */
const char *admission_sheds_upload(struct http_request *request, bool bulk);
/* How many of so many reports of this request's sender may be taken now; they count. Fewer: `ret`
 * says whose rate it was. */
uint64_t admission_take_reports(struct http_request *request, uint64_t count,
                                enum limit_scope *ret);
/* One of them does not count. */
void admission_give_back_report(struct http_request *request);
/* No more of them are taken: counted. Returns the seconds until the next may come. */
uint64_t admission_limit_reached(const struct http_request *request, enum limit_scope scope);

/* The stage now; tells the log when it has changed. */
enum shed_stage admission_stage(struct services *services, enum shed_reason *ret_reason);
/* Once in a while: what was refused since, in few lines. */
void admission_tell(struct services *services);

#endif
