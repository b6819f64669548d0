/* What the API handlers work with: pointers to the parts of the running server, nothing of its own.
 */
#ifndef SERVER_SERVICES_H
#define SERVER_SERVICES_H

#include "core/policy/policy.h"
#include "core/time/calendar_set.h"
#include "server/committer.h"
#include "server/domain/service_time.h"
#include "server/feed/feed.h"
#include "server/http/http.h"
#include "server/limit/overload.h"
#include "server/process/config.h"
#include "server/process/metrics.h"
#include "server/regions.h"

struct auth;
struct driver;
struct intake;
struct limiter;
struct rules;
struct serve_tls;
struct ticket_loader;

/* Requests turned away: who has no good token, no role, or not the whole tree. */
struct denials {
    uint64_t no_token, no_role, bound;
};

struct services {
    uv_loop_t *loop;
    const struct config *config;
    struct rules *rules;
    /* Of the rules in force; replaced on reload, old ones live until the end. */
    const struct policy *policy;
    const struct calendar_set *calendars;
    struct service_time *time;
    struct auth *auth; /* NULL: there are no keys, so no tokens */
    struct db *db;
    struct db_identity identity;
    struct committer *committer;
    struct regions *regions;
    struct driver *driver;
    struct creates *creates;
    struct ticket_loader *ticket_loader;
    struct intake *intake;
    struct feed *feed;
    struct metrics *metrics;
    struct limiter *limiter;
    struct overload overload;
    uint64_t tokens_refused;      /* not told in the log yet */
    struct http_server *gateways; /* NULL: there is no such listener */
    const struct serve_tls *tls;
    struct http_server *http, *admin; /* admin NULL: its routes are at http */
    int64_t started_ms;               /* wall clock */
    const char *not_ready;            /* NULL: takes writes; else the reason /readyz gives */
    bool draining;          /* what comes in is still taken, but nothing new should be sent here */
    bool disk_low;          /* intake answers 507 */
    struct denials denials; /* not told in the audit yet */
    uint64_t stats_under_way; /* counts and lists of statistics on the pool */
};

static inline struct services *services_of(const struct http_request *request) {
    return http_context(request);
}

/* Service time of this turn of the loop, milliseconds. */
static inline int64_t services_now_ms(const struct services *services) {
    return service_time_ms(services->time);
}

#endif
