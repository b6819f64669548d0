/* Who gives a request, and what of the tree is there for them. Loop thread.
 *
 * While the server runs without tokens everybody is everybody: every answer is yes. */
#ifndef SERVER_API_CALLER_H
#define SERVER_API_CALLER_H

#include "server/auth/auth.h"
#include "server/services.h"

/* guard.c. on_route and on_guard_done of the HTTP server: who has no good token is answered 401,
 * whose roles do not have the route's action 403, what is outside the caller's region as if it were
 * not there.
 */
bool caller_admin_guard(void *context, struct http_request *request);
bool caller_guard(void *context, struct http_request *request);
void caller_guard_done(void *guard);

bool caller_tokens_in_force(const struct services *services);
/* NULL: without tokens. Borrowed for the request. */
struct bearer *caller_bearer(const struct http_request *request);
/* Good until the request is done; copy it to keep it. */
const struct principal *caller_principal(const struct http_request *request);
/* The token's name; "" without tokens. */
struct slice caller_name(const struct http_request *request);
/* Is there no token to say who it is? Then what the request itself says counts. */
bool caller_is_unknown(const struct http_request *request);

/* The region of that code; REGION_NONE when the tree has none or the caller may not see it. */
uint32_t caller_find_region(const struct http_request *request, struct slice code);
/* The caller's own; REGION_NONE: everywhere. */
uint32_t caller_region(const struct http_request *request);
bool caller_reaches(const struct http_request *request, uint32_t region);
bool caller_may(const struct http_request *request, enum access_action action);
struct personal;
/* As the caller may see personal data; personal_deinit is the caller's. */
void caller_personal(const struct http_request *request, struct personal *ret);
/* The token that the request came with was revoked or ran out since: a long upload or answer ends.
 */
bool caller_is_gone(const struct http_request *request);

struct ticket_actor;
/* Who gives a command: what the token says wins over what the body says. A name that the actor has
 * stays where there are no tokens. */
void caller_fill_actor(const struct http_request *request, struct ticket_actor *actor);

#endif
