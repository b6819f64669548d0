/* The route table: every path of the API, in one place. */
#ifndef SERVER_API_ROUTES_H
#define SERVER_API_ROUTES_H

#include "core/auth/access.h"
#include "server/http/http.h"

extern const struct http_route api_routes[];
extern const size_t api_routes_count;

/* Where the region that a request is about comes from. */
enum route_region {
    ROUTE_REGION_OPEN,   /* anybody, also without a token */
    ROUTE_REGION_OWN,    /* the caller's own */
    ROUTE_REGION_ROOT,   /* the whole tree */
    ROUTE_REGION_PATH,   /* {code} */
    ROUTE_REGION_QUERY,  /* `region`, else the caller's own: what is shown is filtered by it */
    ROUTE_REGION_OBJECT, /* that of the stored object: outside it is as if it were not there */
    ROUTE_REGION_BODY,   /* said in the body: outside is as unknown */
};
/* What a caller must be allowed, route by route. OPEN, OWN, ROOT and PATH are asked for before the
 * handler sees the request (guard.c); QUERY, OBJECT and BODY by the handler, which alone knows the
 * region. */
struct route_rule {
    enum access_action action;
    enum route_region region;
};
extern const struct route_rule api_rules[];

/* Of operators: with an admin listener these are there and nowhere else. */
bool api_route_is_admin(const struct http_route *route);

/* api_reports.c */
void api_reports_post_on_headers(struct http_request *request);
void api_reports_post_on_body(struct http_request *request, struct slice bytes);
void api_reports_post_on_body_end(struct http_request *request);
void api_reports_post_on_done(struct http_request *request);
void api_report_get_on_headers(struct http_request *request);
void api_report_get_on_done(struct http_request *request);
/* api_regions.c */
void api_regions_put_on_headers(struct http_request *request);
void api_regions_put_on_body(struct http_request *request, struct slice bytes);
void api_regions_put_on_body_end(struct http_request *request);
void api_regions_put_on_done(struct http_request *request);
void api_region_get_on_headers(struct http_request *request);
void api_region_children_on_headers(struct http_request *request);
void api_region_roots_on_headers(struct http_request *request);
/* api_timeline.c */
void api_timeline_on_headers(struct http_request *request);
void api_timeline_on_done(struct http_request *request);
/* api_incidents.c, api_incident_get.c, api_incident_change.c */
void api_incidents_get_on_headers(struct http_request *request);
void api_incident_get_on_headers(struct http_request *request);
void api_incident_merge_on_headers(struct http_request *request);
void api_incident_unmerge_on_headers(struct http_request *request);
/* api_stats.c */
void api_stats_on_headers(struct http_request *request);
void api_stats_tickets_on_headers(struct http_request *request);
void api_stats_incidents_on_headers(struct http_request *request);
void api_stats_reports_on_headers(struct http_request *request);
void api_stats_on_done(struct http_request *request);
/* api_tickets.c */
void api_tickets_get_on_headers(struct http_request *request);
/* api_ticket_open.c */
void api_ticket_open_on_headers(struct http_request *request);
/* api_ticket_get.c */
void api_ticket_get_on_headers(struct http_request *request);
void api_ticket_clock_on_headers(struct http_request *request);
/* api_ticket_command.c */
void api_ticket_command_on_headers(struct http_request *request);
void api_ticket_command_on_done(struct http_request *request);
/* api_directive_issue.c, api_directive_get.c */
void api_directive_issue_on_headers(struct http_request *request);
void api_directive_get_on_headers(struct http_request *request);
/* api_me.c, api_tokens.c, api_token_create.c, api_token_revoke.c, api_audit.c */
void api_me_on_headers(struct http_request *request);
void api_tokens_get_on_headers(struct http_request *request);
void api_token_create_on_headers(struct http_request *request);
void api_token_revoke_on_headers(struct http_request *request);
void api_audit_on_headers(struct http_request *request);
void api_audit_head_on_headers(struct http_request *request);
/* api_ops.c */
void api_healthz_on_headers(struct http_request *request);
void api_readyz_on_headers(struct http_request *request);
void api_metrics_on_headers(struct http_request *request);
void api_status_on_headers(struct http_request *request);
/* api_console.c, api_policy.c */
void api_console_on_headers(struct http_request *request);
void api_console_settings_on_headers(struct http_request *request);
void api_policy_on_headers(struct http_request *request);

#endif
