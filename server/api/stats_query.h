/* The parameters of statistics and of their drill-down lists, checked, as data. Loop thread.
 */
#ifndef SERVER_API_STATS_QUERY_H
#define SERVER_API_STATS_QUERY_H

#include "core/stats.h"
#include "server/api/stats_key.h"
#include "server/http/http.h"
#include "storage/timeline.h"

/* Which things are counted: those received (tickets), opened (incidents) or occurred (reports) in
 * [from, to) in the subtree of `root`, and of one group when it has a key. */
struct stats_scope {
    int64_t from_ms, to_ms;
    uint32_t root; /* REGION_NONE: everywhere */
    enum stats_by by;
    bool has_key;
    uint64_t key; /* of the group: a tag, a region's id (REGION_NONE: nowhere), a day; 0: none */
};

enum stats_list { STATS_LIST_NONE, STATS_LIST_TICKETS, STATS_LIST_INCIDENTS, STATS_LIST_REPORTS };

/* Of reports. */
enum stats_reports { STATS_REPORTS_ALL, STATS_REPORTS_PLACED, STATS_REPORTS_JOINED };

struct stats_query {
    struct stats_scope scope;
    enum stats_list list;
    struct stats_choice choice; /* of tickets */
    enum stats_reports reports;
    uint64_t limit, binding;
    bool has_after;
    uint64_t after;                 /* tickets, incidents: numbers below it */
    struct timeline_position place; /* reports: behind it */
};

/* INVALID names the parameter. Without `from` and `to` the last 24 hours; at most STATS_DAYS_MAX
 * days. NOT_FOUND: no such region. */
MUST_USE enum status stats_query_read(struct stats_query *ret, const struct http_request *request,
                                      enum stats_list list, const struct stats_names *names,
                                      const struct limits *limits, int64_t now_ms,
                                      struct error *error);

enum { STATS_CURSOR_BYTES = 25 };
/* The next page of tickets or incidents begins below `number`. Ends with NUL. */
void stats_cursor_write(char to[STATS_CURSOR_BYTES], uint64_t binding, uint64_t number);
MUST_USE bool stats_cursor_read(uint64_t *ret_number, uint64_t binding, struct slice text);

/* One more count may start; the caller lowers `*under_way` when it is over. One thread of the pool
 * is left to the others, deadlines among them, unless there is only one. */
MUST_USE bool stats_may_start(uint64_t *under_way, const struct limits *limits,
                              uint64_t pool_threads);

#endif
