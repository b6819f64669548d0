#include "server/api/routes.h"

#include "server/api/change.h"
#include "server/api/request_job.h"
#include "server/feed/feed.h"

/* Method, path, name, query parameters, body, what is done, where its region comes from, callbacks.
 * A row that leaves any of them out does not compile. */
#define API_ROUTE_TABLE(X)                                                                         \
    X(POST, "/v1/reports", "reports_post", "items", STREAM, REPORT_WRITE, BODY,                    \
      api_reports_post_on_headers, api_reports_post_on_body, api_reports_post_on_body_end,         \
      api_reports_post_on_done)                                                                    \
    X(GET, "/v1/reports/{seq}", "report_get", "", NONE, REPORT_READ, OBJECT,                       \
      api_report_get_on_headers, NULL, NULL, api_report_get_on_done)                               \
    X(PUT, "/v1/regions", "regions_put", "", STREAM, REGION_ADMIN, ROOT,                           \
      api_regions_put_on_headers, api_regions_put_on_body, api_regions_put_on_body_end,            \
      api_regions_put_on_done)                                                                     \
    X(GET, "/v1/regions", "region_roots", "name limit cursor", NONE, REGION_READ, ROOT,            \
      api_region_roots_on_headers, NULL, NULL, request_job_on_done)                                \
    X(GET, "/v1/regions/{code}", "region_get", "", NONE, REGION_READ, PATH,                        \
      api_region_get_on_headers, NULL, NULL, NULL)                                                 \
    X(GET, "/v1/regions/{code}/children", "region_children", "name limit cursor", NONE,            \
      REGION_READ, PATH, api_region_children_on_headers, NULL, NULL, request_job_on_done)          \
    X(GET, "/v1/grids/{code}/timeline", "timeline",                                                \
      "from to order category kind severity limit cursor", NONE, REPORT_READ, PATH,                \
      api_timeline_on_headers, NULL, NULL, api_timeline_on_done)                                   \
    X(GET, "/v1/incidents", "incidents", "region state category limit cursor", NONE, TICKET_READ,  \
      QUERY, api_incidents_get_on_headers, NULL, NULL, request_job_on_done)                        \
    X(GET, "/v1/incidents/{id}", "incident_get", "limit cursor", NONE, TICKET_READ, OBJECT,        \
      api_incident_get_on_headers, NULL, NULL, request_job_on_done)                                \
    X(POST, "/v1/incidents/{id}/merge", "incident_merge", "", STREAM, INCIDENT_CHANGE, OBJECT,     \
      api_incident_merge_on_headers, change_on_body, change_on_body_end, change_on_done)           \
    X(POST, "/v1/incidents/{id}/unmerge", "incident_unmerge", "", STREAM, INCIDENT_CHANGE, OBJECT, \
      api_incident_unmerge_on_headers, change_on_body, change_on_body_end, change_on_done)         \
    X(GET, "/v1/tickets", "tickets",                                                               \
      "region state light category unit priority overdue incident directive supervised limit "     \
      "cursor",                                                                                    \
      NONE, TICKET_READ, QUERY, api_tickets_get_on_headers, NULL, NULL, request_job_on_done)       \
    X(POST, "/v1/tickets", "ticket_open", "", STREAM, TICKET_OPEN, BODY,                           \
      api_ticket_open_on_headers, change_on_body, change_on_body_end, change_on_done)              \
    X(GET, "/v1/tickets/{id}", "ticket_get", "role", NONE, TICKET_READ, OBJECT,                    \
      api_ticket_get_on_headers, NULL, NULL, request_job_on_done)                                  \
    X(GET, "/v1/tickets/{id}/clock", "ticket_clock", "", NONE, TICKET_READ, OBJECT,                \
      api_ticket_clock_on_headers, NULL, NULL, request_job_on_done)                                \
    X(POST, "/v1/tickets/{id}/{command}", "ticket_command", "", STREAM, TICKET_COMMAND, OBJECT,    \
      api_ticket_command_on_headers, change_on_body, change_on_body_end,                           \
      api_ticket_command_on_done)                                                                  \
    X(POST, "/v1/directives", "directive_issue", "", STREAM, DIRECTIVE_ISSUE, BODY,                \
      api_directive_issue_on_headers, change_on_body, change_on_body_end, change_on_done)          \
    X(GET, "/v1/directives/{id}", "directive_get", "limit cursor", NONE, TICKET_READ, OBJECT,      \
      api_directive_get_on_headers, NULL, NULL, request_job_on_done)                               \
    X(GET, "/v1/feed", "feed", "region kinds severity since ticket", NONE, FEED_READ, QUERY,       \
      feed_get_on_headers, NULL, NULL, feed_get_on_done)                                           \
    X(POST, "/v1/feed/ticket", "feed_ticket", "", STREAM, FEED_READ, OWN, feed_ticket_on_headers,  \
      NULL, NULL, NULL)                                                                            \
    X(GET, "/v1/stats", "stats", "region from to by", NONE, STATS_READ, QUERY,                     \
      api_stats_on_headers, NULL, NULL, api_stats_on_done)                                         \
    X(GET, "/v1/stats/tickets", "stats_tickets",                                                   \
      "stat part state light level region from to by key limit cursor", NONE, STATS_READ, QUERY,   \
      api_stats_tickets_on_headers, NULL, NULL, api_stats_on_done)                                 \
    X(GET, "/v1/stats/incidents", "stats_incidents", "region from to by key limit cursor", NONE,   \
      STATS_READ, QUERY, api_stats_incidents_on_headers, NULL, NULL, api_stats_on_done)            \
    X(GET, "/v1/stats/reports", "stats_reports", "stat part region from to by key limit cursor",   \
      NONE, STATS_READ, QUERY, api_stats_reports_on_headers, NULL, NULL, api_stats_on_done)        \
    X(GET, "/v1/me", "me", "", NONE, SELF, OWN, api_me_on_headers, NULL, NULL, NULL)               \
    X(GET, "/v1/tokens", "tokens", "limit cursor", NONE, TOKEN_ADMIN, OWN,                         \
      api_tokens_get_on_headers, NULL, NULL, NULL)                                                 \
    X(POST, "/v1/tokens", "token_create", "", STREAM, TOKEN_ADMIN, BODY,                           \
      api_token_create_on_headers, change_on_body, change_on_body_end, change_on_done)             \
    X(DELETE, "/v1/tokens/{id}", "token_revoke", "", NONE, TOKEN_ADMIN, OBJECT,                    \
      api_token_revoke_on_headers, NULL, change_on_body_end, change_on_done)                       \
    X(GET, "/v1/audit", "audit", "limit cursor", NONE, AUDIT_READ, ROOT, api_audit_on_headers,     \
      NULL, NULL, request_job_on_done)                                                             \
    X(GET, "/v1/audit/head", "audit_head", "", NONE, AUDIT_READ, ROOT, api_audit_head_on_headers,  \
      NULL, NULL, request_job_on_done)                                                             \
    X(GET, "/healthz", "healthz", "", NONE, NOBODY, OPEN, api_healthz_on_headers, NULL, NULL,      \
      NULL)                                                                                        \
    X(GET, "/livez", "livez", "", NONE, NOBODY, OPEN, api_healthz_on_headers, NULL, NULL, NULL)    \
    X(GET, "/startupz", "startupz", "", NONE, NOBODY, OPEN, api_healthz_on_headers, NULL, NULL,    \
      NULL)                                                                                        \
    X(GET, "/v1/ping", "ping", "", NONE, NOBODY, OPEN, api_healthz_on_headers, NULL, NULL, NULL)   \
    X(GET, "/readyz", "readyz", "verbose", NONE, NOBODY, OPEN, api_readyz_on_headers, NULL, NULL,  \
      NULL)                                                                                        \
    X(GET, "/metrics", "metrics", "", NONE, OPS_READ, ROOT, api_metrics_on_headers, NULL, NULL,    \
      NULL)                                                                                        \
    X(GET, "/v1/status", "status", "", NONE, OPS_READ, ROOT, api_status_on_headers, NULL, NULL,    \
      NULL)                                                                                        \
    X(GET, "/v1/policy", "policy", "", NONE, SELF, OWN, api_policy_on_headers, NULL, NULL, NULL)   \
    X(GET, "/", "console", "", NONE, NOBODY, OPEN, api_console_on_headers, NULL, NULL, NULL)       \
    X(GET, "/console/settings.json", "console_settings", "", NONE, NOBODY, OPEN,                   \
      api_console_settings_on_headers, NULL, NULL, NULL)                                           \
    X(GET, "/console/{file}", "console_file", "", NONE, NOBODY, OPEN, api_console_on_headers,      \
      NULL, NULL, NULL)                                                                            \
    X(GET, "/licences.txt", "licences", "", NONE, NOBODY, OPEN, api_console_on_headers, NULL,      \
      NULL, NULL)

const struct http_route api_routes[] = {
#define API_ROUTE(method, path, name, query, body, action, region, on_headers, on_body,            \
                  on_body_end, on_done)                                                            \
    {HTTP_METHOD_##method, path,    name,        query,  HTTP_BODY_##body,                         \
     on_headers,           on_body, on_body_end, on_done},
    API_ROUTE_TABLE(API_ROUTE)
#undef API_ROUTE
};
const size_t api_routes_count = ARRAY_COUNT(api_routes);

const struct route_rule api_rules[] = {
#define API_RULE(method, path, name, query, body, action, region, on_headers, on_body,             \
                 on_body_end, on_done)                                                             \
    {ACCESS_##action, ROUTE_REGION_##region},
    API_ROUTE_TABLE(API_RULE)
#undef API_RULE
};
_Static_assert(ARRAY_COUNT(api_rules) == ARRAY_COUNT(api_routes), "every route has its rule");

bool api_route_is_admin(const struct http_route *route) {
    return route->on_headers == api_metrics_on_headers ||
           route->on_headers == api_readyz_on_headers ||
           (route->on_headers == api_healthz_on_headers && route->pattern[1] != 'v');
}
