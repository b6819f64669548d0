/* What every request passes before its handler: who is it, and may it? */
#include "server/api/caller.h"
#include "server/api/routes.h"
#include "server/limit/admission.h"

#include <string.h>
#include <strings.h>

static void refuse_token(struct http_request *request, const char *detail) {
    services_of(request)->denials.no_token++;
    http_add_header(request, "WWW-Authenticate", "Bearer realm=\"gridd\"");
    http_problem(request, 401, "not authenticated", detail, NULL);
}

static void refuse_stranger(struct http_request *request, const char *detail) {
    if (admission_stranger(request)) {
        refuse_token(request, detail);
    }
}

static void refuse_bad_token(struct http_request *request, const char *detail) {
    if (admission_failed(request)) {
        refuse_token(request, detail);
    }
}

/* The token of `Authorization: Bearer TOKEN`; false: it was answered. */
static bool read_token(struct http_request *request, struct slice *ret) {
    static const char scheme[] = "Bearer ";
    const size_t scheme_bytes = sizeof scheme - 1;
    struct slice value;
    if (!http_header(request, "authorization", &value)) {
        refuse_stranger(request, "send Authorization: Bearer TOKEN");
        return false;
    }
    if (value.bytes <= scheme_bytes ||
        strncasecmp((const char *)value.data, scheme, scheme_bytes) != 0) {
        refuse_stranger(request, "the scheme is Bearer");
        return false;
    }
    while (value.bytes > scheme_bytes && value.data[scheme_bytes] == ' ') {
        value = (struct slice){value.data + 1, value.bytes - 1};
    }
    *ret = (struct slice){value.data + scheme_bytes, value.bytes - scheme_bytes};
    return true;
}

/* One answer for every reason: which of them it was is nobody's business but ours. */
static struct bearer *verify(struct http_request *request, struct services *services,
                             struct slice token) {
    enum auth_refusal refusal;
    struct bearer *bearer = auth_verify(services->auth, token, services_now_ms(services), &refusal);
    if (bearer == NULL) {
        metrics_add_rejected(services->metrics, auth_refusal_name(refusal));
        refuse_bad_token(request, "the token is not valid, has expired or was revoked");
    }
    return bearer;
}

/* Who the client's certificate names, when the request brings no token of its own. */
static struct bearer *verify_certificate(struct http_request *request, struct services *services) {
    int64_t expires_s, now_ms = services_now_ms(services);
    enum auth_refusal refusal = AUTH_REFUSAL_EXPIRED;
    const char *id = http_certificate_name(request, &expires_s);
    struct bearer *bearer =
        now_ms / 1000 >= expires_s ? NULL : auth_vouched(services->auth, id, now_ms, &refusal);
    if (bearer == NULL) {
        metrics_add_rejected(services->metrics, auth_refusal_name(refusal));
        refuse_token(request, "the certificate or the token it names has expired or was revoked");
    }
    return bearer;
}

static bool comes_by_certificate(const struct http_request *request) {
    struct slice value;
    int64_t expires_s;
    return http_certificate_name(request, &expires_s)[0] != '\0' &&
           !http_header(request, "authorization", &value);
}

/* The feed's single-use ticket stands for the token that got it. */
static struct bearer *verify_ticket(struct http_request *request, struct services *services,
                                    struct slice ticket) {
    struct bearer *bearer = feed_ticket_bearer(services->feed, ticket);
    if (bearer == NULL || !bearer_is_good(bearer, services_now_ms(services))) {
        refuse_bad_token(request, "the ticket was used, has expired or was never given out; get "
                                  "another with POST /v1/feed/ticket");
        return NULL;
    }
    return bearer_ref(bearer);
}

static bool refuse_action(struct http_request *request, struct services *services,
                          enum access_action action) {
    char detail[96] = "no role of this token has ";
    metrics_add_rejected(services->metrics, "authz_role");
    services->denials.no_role++;
    strncat(detail, access_action_name(action), sizeof detail - strlen(detail) - 1);
    http_problem(request, 403, "not allowed", detail, NULL);
    return false;
}

/* What can be said of the region before the handler has looked at anything. */
static bool judge_region(struct http_request *request, struct services *services,
                         const struct route_rule *rule) {
    if (rule->region == ROUTE_REGION_PATH &&
        caller_find_region(request, http_param(request, "code")) == REGION_NONE) {
        http_problem(request, 404, "not found", "no region has this code", NULL);
        return false;
    }
    if (rule->region == ROUTE_REGION_ROOT && caller_region(request) != REGION_NONE) {
        metrics_add_rejected(services->metrics, "authz_region");
        services->denials.bound++;
        http_problem(request, 403, "not allowed",
                     "this is about the whole tree, and the token is bound to a region", NULL);
        return false;
    }
    return true;
}

/* These cost no more than refusing them. */
static bool is_health(const struct http_request *request) {
    const struct http_route *route = http_route_of(request);
    return route->on_headers == api_healthz_on_headers ||
           route->on_headers == api_readyz_on_headers;
}

static bool not_here(struct http_request *request) {
    http_problem(request, 404, "not found", "there is nothing at this path", NULL);
    return false;
}

bool caller_admin_guard(void *context, struct http_request *request) {
    (void)context;
    return api_route_is_admin(http_route_of(request)) || not_here(request);
}

bool caller_guard(void *context, struct http_request *request) {
    struct services *services = context;
    const struct route_rule *rule = &api_rules[http_route_of(request) - api_routes];
    struct slice token, ticket;
    if (services->admin != NULL && api_route_is_admin(http_route_of(request))) {
        return not_here(request);
    }
    if (!caller_tokens_in_force(services)) {
        return admission_known(request, rule, NULL);
    }
    if (rule->region == ROUTE_REGION_OPEN) {
        return is_health(request) || admission_stranger(request);
    }
    struct bearer *bearer = NULL;
    if (rule->action == ACCESS_FEED_READ && rule->region == ROUTE_REGION_QUERY &&
        http_query(request, "ticket", &ticket)) {
        bearer = verify_ticket(request, services, ticket);
    } else if (comes_by_certificate(request)) {
        bearer = verify_certificate(request, services);
    } else if (read_token(request, &token)) {
        bearer = verify(request, services, token);
    }
    if (bearer == NULL) {
        return false;
    }
    http_set_guard(request, bearer);
    if (!admission_known(request, rule, bearer)) {
        return false;
    }
    return access_has(&bearer->principal, rule->action)
               ? judge_region(request, services, rule)
               : refuse_action(request, services, rule->action);
}

void caller_guard_done(void *guard) {
    bearer_unref(guard);
}
