#include "server/limit/admission.h"

#include "core/base/bytes.h"
#include "server/api/caller.h"
#include "server/api/upload_answer.h"
#include "server/limit/bearer_key.h"

#include <string.h>

enum { SHED_RETRY_S = 1 };

static uint64_t now_of(const struct http_request *request) {
    return uv_now(services_of(request)->loop);
}

static uint64_t address_key(const struct http_request *request) {
    return limiter_key(services_of(request)->limiter, 'a', http_peer_address(request));
}

/* The bucket's region: the deepest at or above the token's that is not below the level. False: the
 * token is bound to no region. */
static bool region_key(const struct http_request *request, const struct bearer *bearer,
                       uint64_t *ret) {
    const struct services *services = services_of(request);
    const struct region_table *table = regions_current(services->regions)->table;
    uint32_t region = bearer->principal.region, path[REGION_DEPTH_CAP];
    if (region == REGION_NONE || region >= region_count(table)) {
        return false;
    }
    size_t count = region_path(table, region, path);
    size_t at = 0;
    while (at + 1 < count &&
           region_level(table, path[at + 1]) <= services->config->limits.region_rate_level) {
        at++;
    }
    uint8_t text[4];
    store_u32_le(text, path[at]);
    *ret = limiter_key(services->limiter, 'r', (struct slice){text, sizeof text});
    return true;
}

static bool is_device(const struct bearer *bearer) {
    return bearer->kind == TOKEN_DEVICE;
}

/* An answer that says which limit it was; for uploads also that nothing was taken. */
static bool refuse(struct http_request *request, enum limit_scope scope, uint64_t wait_s) {
    const struct services *services = services_of(request);
    const struct route_rule *rule = &api_rules[http_route_of(request) - api_routes];
    limiter_note(services->limiter, scope);
    if (rule->action == ACCESS_REPORT_WRITE) {
        struct upload_tally nothing;
        upload_tally_init(&nothing, &services->config->limits, false);
        upload_answer_refused(request, &nothing,
                              &(struct upload_refusal){.status = 429,
                                                       .title = "too many requests",
                                                       .detail = limit_scope_detail(scope),
                                                       .limit = limit_scope_name(scope),
                                                       .retry_s = wait_s});
        upload_tally_deinit(&nothing);
        return false;
    }
    char more[64] = "\"limit\":\"";
    strncat(more, limit_scope_name(scope), sizeof more - strlen(more) - 2);
    strncat(more, "\"", 2);
    http_add_retry_after(request, wait_s);
    http_problem(request, 429, "too many requests", limit_scope_detail(scope), more);
    return false;
}

static bool take_one(struct http_request *request, enum limit_scope rate, uint64_t key) {
    struct limiter *limiter = services_of(request)->limiter;
    uint64_t now_ms = now_of(request);
    return limiter_take(limiter, rate, key, 1, now_ms) == 1 ||
           refuse(request, rate, limiter_wait_s(limiter, rate, key, now_ms));
}

bool admission_stranger(struct http_request *request) {
    return take_one(request, LIMIT_ADDRESS_REQUESTS, address_key(request));
}

bool admission_failed(struct http_request *request) {
    services_of(request)->tokens_refused++;
    return take_one(request, LIMIT_AUTH_FAILURES, address_key(request));
}

static bool is_acknowledgement(const struct http_request *request) {
    return http_route_of(request)->on_headers == api_ticket_command_on_headers &&
           slice_is(http_param(request, "command"), "ack");
}

/* What must go on while all else is shed. */
static bool must_not_wait(const struct http_request *request, const struct bearer *bearer) {
    enum http_method method = http_method_of(request);
    bool reads = method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD;
    uint32_t roles = bearer != NULL ? bearer->principal.roles : 0;
    return is_acknowledgement(request) ||
           (reads && (roles & (ACCESS_ROLE_CENTRE | ACCESS_ROLE_OPS)) != 0);
}

static bool within_rates(struct http_request *request, const struct bearer *bearer, uint64_t key) {
    if (is_acknowledgement(request)) { /* so that its own backlog keeps nobody from that */
        return take_one(request, LIMIT_ACK_REQUESTS, key);
    }
    if (!take_one(request, is_device(bearer) ? LIMIT_DEVICE_REQUESTS : LIMIT_TOKEN_REQUESTS, key)) {
        return false;
    }
    uint64_t region;
    return must_not_wait(request, bearer) || !region_key(request, bearer, &region) ||
           take_one(request, LIMIT_REGION_REQUESTS, region);
}

static void shed(struct services *services, enum shed_stage stage, enum shed_reason reason) {
    services->overload.shed_total[stage][reason]++;
}

bool admission_known(struct http_request *request, const struct route_rule *rule,
                     const struct bearer *bearer) {
    struct services *services = services_of(request);
    if (bearer != NULL) {
        uint64_t key = bearer_key(services->limiter, bearer);
        if (!http_claim(request, key)) {
            return refuse(request, LIMIT_CONNECTIONS, 1);
        }
        if (!within_rates(request, bearer, key)) {
            return false;
        }
    }
    enum shed_reason reason;
    if (rule->action == ACCESS_REPORT_WRITE || rule->region == ROUTE_REGION_OPEN ||
        must_not_wait(request, bearer) || admission_stage(services, &reason) < SHED_WORK) {
        return true;
    }
    shed(services, SHED_WORK, reason);
    http_add_retry_after(request, SHED_RETRY_S);
    http_problem(request, 503, "overloaded", "the server has more to do than it can: try again",
                 NULL);
    return false;
}

const char *admission_sheds_upload(struct http_request *request, bool bulk) {
    static const char *const details[] = {
        [SHED_FOR_QUEUE] = "too much is waiting for the disk: send it again",
        [SHED_FOR_AGE] = "the disk has been behind for too long: send it again",
        [SHED_FOR_MEMORY] = "too many bodies are being taken in: send it again",
        [SHED_FOR_LAG] = "the server has more to do than it can: send it again",
    };
    struct services *services = services_of(request);
    const struct bearer *bearer = caller_bearer(request);
    enum shed_reason reason;
    enum shed_stage stage = admission_stage(services, &reason);
    bool first = bulk && bearer != NULL && is_device(bearer);
    enum shed_stage from = first ? SHED_DEVICE_BULKS : SHED_UPLOADS;
    if (stage < from) {
        return NULL;
    }
    shed(services, stage, reason);
    return details[reason];
}

uint64_t admission_take_reports(struct http_request *request, uint64_t count,
                                enum limit_scope *ret) {
    struct limiter *limiter = services_of(request)->limiter;
    const struct bearer *bearer = caller_bearer(request);
    if (bearer == NULL) {
        return count;
    }
    uint64_t now_ms = now_of(request), key = bearer_key(limiter, bearer), region;
    *ret = is_device(bearer) ? LIMIT_DEVICE_REPORTS : LIMIT_TOKEN_REPORTS;
    uint64_t own = limiter_take(limiter, *ret, key, count, now_ms);
    if (own == 0 || !region_key(request, bearer, &region)) {
        return own;
    }
    uint64_t taken = limiter_take(limiter, LIMIT_REGION_REPORTS, region, own, now_ms);
    if (taken < own) {
        limiter_give_back(limiter, *ret, key, own - taken, now_ms);
        *ret = LIMIT_REGION_REPORTS;
    }
    return taken;
}

void admission_give_back_report(struct http_request *request) {
    struct limiter *limiter = services_of(request)->limiter;
    const struct bearer *bearer = caller_bearer(request);
    if (bearer == NULL) {
        return;
    }
    uint64_t region, now_ms = now_of(request);
    limiter_give_back(limiter, is_device(bearer) ? LIMIT_DEVICE_REPORTS : LIMIT_TOKEN_REPORTS,
                      bearer_key(limiter, bearer), 1, now_ms);
    if (region_key(request, bearer, &region)) {
        limiter_give_back(limiter, LIMIT_REGION_REPORTS, region, 1, now_ms);
    }
}

uint64_t admission_limit_reached(const struct http_request *request, enum limit_scope scope) {
    struct limiter *limiter = services_of(request)->limiter;
    const struct bearer *bearer = caller_bearer(request);
    uint64_t key = bearer_key(limiter, bearer);
    if (scope == LIMIT_REGION_REPORTS) {
        (void)region_key(request, bearer, &key);
    }
    limiter_note(limiter, scope);
    return limiter_wait_s(limiter, scope, key, now_of(request));
}

enum shed_stage admission_stage(struct services *services, enum shed_reason *ret_reason) {
    struct http_server_stats stats;
    http_server_stats(services->http, &stats);
    enum pressure pressure = committer_pressure(services->committer);
    const struct load load = {.queue_paused = pressure != PRESSURE_NONE,
                              .queue_full = pressure == PRESSURE_REFUSE,
                              .oldest_ms = committer_oldest_ms(services->committer),
                              .body_memory_bytes = stats.body_memory_bytes};
    struct overload *overload = &services->overload;
    enum shed_stage stage = overload_judge(overload, &load, &services->config->limits, ret_reason);
    if (stage != overload->told) {
        bool worse = stage > overload->told;
        overload->told = stage;
        log_line(worse ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, LOG_OVERLOAD,
                 worse ? "work is shed" : "less work is shed", "stage", LOG_TEXT,
                 shed_stage_name(stage), "reason", LOG_TEXT,
                 stage == SHED_NONE ? "none" : shed_reason_name(*ret_reason), NULL);
    }
    return stage;
}

void admission_tell(struct services *services) {
    if (services->tokens_refused > 0) {
        log_line(LOG_LEVEL_WARN, LOG_AUTH, "tokens were not valid", "count", LOG_U64,
                 services->tokens_refused, NULL);
        services->tokens_refused = 0;
    }
    for (int scope = 0; services->limiter != NULL && scope < LIMIT_SCOPES; scope++) {
        uint64_t count = limiter_news(services->limiter, (enum limit_scope)scope);
        if (count > 0) {
            log_line(LOG_LEVEL_WARN, LOG_LIMIT, "requests were refused by a limit", "limit",
                     LOG_TEXT, limit_scope_name((enum limit_scope)scope), "count", LOG_U64, count,
                     NULL);
        }
    }
}
