#include "server/api/routes.h"

#include "server/api/change.h"
#include "server/api/request_job.h"
#include "server/feed/feed.h"

const struct http_route api_routes[] = {
    {HTTP_METHOD_POST, "/v1/reports", "reports_post", "items", HTTP_BODY_STREAM,
     api_reports_post_on_headers, api_reports_post_on_body, api_reports_post_on_body_end,
     api_reports_post_on_done},
    {HTTP_METHOD_GET, "/v1/reports/{seq}", "report_get", "", HTTP_BODY_NONE,
     api_report_get_on_headers, NULL, NULL, api_report_get_on_done},
    {HTTP_METHOD_PUT, "/v1/regions", "regions_put", "", HTTP_BODY_STREAM,
     api_regions_put_on_headers, api_regions_put_on_body, api_regions_put_on_body_end,
     api_regions_put_on_done},
    {HTTP_METHOD_GET, "/v1/regions/{code}", "region_get", "", HTTP_BODY_NONE,
     api_region_get_on_headers, NULL, NULL, NULL},
    {HTTP_METHOD_GET, "/v1/regions/{code}/children", "region_children", "limit cursor",
     HTTP_BODY_NONE, api_region_children_on_headers, NULL, NULL, NULL},
    {HTTP_METHOD_GET, "/v1/grids/{code}/timeline", "timeline",
     "from to order category kind severity limit cursor", HTTP_BODY_NONE, api_timeline_on_headers,
     NULL, NULL, api_timeline_on_done},
    {HTTP_METHOD_GET, "/v1/tickets", "tickets",
     "region state light category unit priority overdue incident directive supervised limit cursor",
     HTTP_BODY_NONE, api_tickets_get_on_headers, NULL, NULL, request_job_on_done},
    {HTTP_METHOD_POST, "/v1/tickets", "ticket_open", "", HTTP_BODY_STREAM,
     api_ticket_open_on_headers, change_on_body, change_on_body_end, change_on_done},
    {HTTP_METHOD_GET, "/v1/tickets/{id}", "ticket_get", "role", HTTP_BODY_NONE,
     api_ticket_get_on_headers, NULL, NULL, request_job_on_done},
    {HTTP_METHOD_GET, "/v1/tickets/{id}/clock", "ticket_clock", "", HTTP_BODY_NONE,
     api_ticket_clock_on_headers, NULL, NULL, request_job_on_done},
    {HTTP_METHOD_POST, "/v1/tickets/{id}/{command}", "ticket_command", "", HTTP_BODY_STREAM,
     api_ticket_command_on_headers, change_on_body, change_on_body_end, api_ticket_command_on_done},
    {HTTP_METHOD_GET, "/v1/feed", "feed", "region kinds severity since ticket", HTTP_BODY_NONE,
     feed_get_on_headers, NULL, NULL, feed_get_on_done},
    {HTTP_METHOD_POST, "/v1/feed/ticket", "feed_ticket", "", HTTP_BODY_STREAM,
     feed_ticket_on_headers, NULL, NULL, NULL},
    {HTTP_METHOD_GET, "/healthz", "healthz", "", HTTP_BODY_NONE, api_healthz_on_headers, NULL, NULL,
     NULL},
    {HTTP_METHOD_GET, "/readyz", "readyz", "", HTTP_BODY_NONE, api_readyz_on_headers, NULL, NULL,
     NULL},
    {HTTP_METHOD_GET, "/metrics", "metrics", "", HTTP_BODY_NONE, api_metrics_on_headers, NULL, NULL,
     NULL},
    {HTTP_METHOD_GET, "/v1/status", "status", "", HTTP_BODY_NONE, api_status_on_headers, NULL, NULL,
     NULL},
    {HTTP_METHOD_GET, "/", "root", "", HTTP_BODY_NONE, api_root_on_headers, NULL, NULL, NULL},
};
const size_t api_routes_count = ARRAY_COUNT(api_routes);
