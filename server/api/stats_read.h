/* Counting on the thread pool: walks stored tickets, incidents and reports of a scope.
 *
 * Tickets and incidents are walked from the newest number back and a walk ends at the first that
 * was opened STATS_MARGIN_MS before the window: numbers are given in the order of opening, nothing
 * is received after it is opened, and the service time goes back only by what the wall clock was
 * set back between two runs. Each walk sees one instant of the store. */
#ifndef SERVER_API_STATS_READ_H
#define SERVER_API_STATS_READ_H

#include "core/incident/incident.h"
#include "core/ticket/ticket_step.h"
#include "core/time/calendar_set.h"
#include "server/api/stats_query.h"
#include "server/buffer.h"
#include "storage/db.h"

#define STATS_MARGIN_MS INT64_C(86400000)

/* What is counted with; all of it stays the caller's and outlives the walk. */
struct stats_source {
    struct db *db;
    struct stats_names names;
    struct personal *personal;     /* what of personal data may be seen; NULL: all of it */
    struct ticket_context context; /* for lights: policies, calendars, regions, now_ms */
    uint64_t as_of;                /* sequence number that was published when it began */
    uint64_t give_up_ns;           /* of uv_hrtime */
    bool (*cancelled)(void *context);
    void *cancelled_context;
};

typedef bool stats_ticket_cb(void *context, const struct stats_subject *subject, uint64_t key);
typedef bool stats_incident_cb(void *context, const struct incident *incident, uint64_t key);
/* `incident`: what it was taken into. */
typedef bool stats_report_cb(void *context, const struct timeline_row *row, uint64_t incident,
                             uint64_t key);

/* Give each of the scope with its group's key (0 without `by`), newest first; false stops.
 * BUSY: there was no time left, or nobody waits any more; the numbers so far mean nothing.
 * CORRUPT: a row cannot be read. O(everything opened since the window's beginning). */
MUST_USE enum status stats_walk_tickets(const struct stats_source *source,
                                        const struct stats_scope *scope, stats_ticket_cb *callback,
                                        void *context, struct error *error);
/* Merged ones are left out: they are part of another. */
MUST_USE enum status stats_walk_incidents(const struct stats_source *source,
                                          const struct stats_scope *scope,
                                          stats_incident_cb *callback, void *context,
                                          struct error *error);
MUST_USE enum status stats_walk_reports(const struct stats_source *source,
                                        const struct stats_scope *scope, stats_report_cb *callback,
                                        void *context, struct error *error);

/* The answer of GET /v1/stats. */
MUST_USE enum status stats_count_all(const struct stats_source *source,
                                     const struct stats_query *query, struct buffer *to,
                                     struct error *error);
/* A page of a drill-down list, and the count of the whole of it. */
MUST_USE enum status stats_list_page(const struct stats_source *source,
                                     const struct stats_query *query, struct buffer *to,
                                     struct error *error);

#endif
