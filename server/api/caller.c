#include "server/api/caller.h"

#include "core/base/check.h"
#include "core/ticket/ticket_step.h"
#include "server/personal.h"

static const struct principal everybody = {ACCESS_ROLES_ALL, REGION_NONE, 0};

/* With tokens in force nobody gets past the guard without one, so a request without a bearer is one
 * to a route that is open to all, whose handler asks nothing; should one ask, it may nothing. */
static const struct principal nobody = {0, REGION_NONE - 1, 0};

bool caller_tokens_in_force(const struct services *services) {
    return services->auth != NULL && !services->config->no_auth;
}

struct bearer *caller_bearer(const struct http_request *request) {
    return http_guard(request);
}

bool caller_is_unknown(const struct http_request *request) {
    return !caller_tokens_in_force(services_of(request));
}

const struct principal *caller_principal(const struct http_request *request) {
    const struct bearer *bearer = caller_bearer(request);
    if (bearer != NULL) {
        return &bearer->principal;
    }
    return caller_is_unknown(request) ? &everybody : &nobody;
}

struct slice caller_name(const struct http_request *request) {
    const struct bearer *bearer = caller_bearer(request);
    return bearer == NULL ? (struct slice){NULL, 0} : slice_text(bearer->name);
}

static const struct region_table *table_of(const struct http_request *request) {
    return regions_current(services_of(request)->regions)->table;
}

uint32_t caller_region(const struct http_request *request) {
    return caller_principal(request)->region;
}

bool caller_reaches(const struct http_request *request, uint32_t region) {
    return access_reaches(caller_principal(request), table_of(request), region);
}

uint32_t caller_find_region(const struct http_request *request, struct slice code) {
    uint32_t region = region_find(table_of(request), code);
    return region != REGION_NONE && caller_reaches(request, region) ? region : REGION_NONE;
}

bool caller_may(const struct http_request *request, enum access_action action) {
    return access_has(caller_principal(request), action);
}

void caller_personal(const struct http_request *request, struct personal *ret) {
    bool in_force = !caller_is_unknown(request);
    bool may = caller_may(request, ACCESS_PERSONAL_READ);
    personal_init(ret, in_force && !may, in_force && may);
}

bool caller_is_gone(const struct http_request *request) {
    const struct bearer *bearer = caller_bearer(request);
    return bearer != NULL && !bearer_is_good(bearer, services_now_ms(services_of(request)));
}

void caller_fill_actor(const struct http_request *request, struct ticket_actor *actor) {
    const struct bearer *bearer = caller_bearer(request);
    if (bearer == NULL) {
        return;
    }
    actor->roles = access_ticket_roles(bearer->principal.roles);
    actor->region = bearer->principal.region;
    actor->unit_tag = bearer->principal.unit_tag;
    actor->name = slice_text(bearer->name);
}
