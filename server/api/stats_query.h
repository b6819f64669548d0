/* The parameters of statistics and of their drill-down lists, checked, as data. Loop thread, but
 * for stats_key_* which work on what they are given. */
#ifndef SERVER_API_STATS_QUERY_H
#define SERVER_API_STATS_QUERY_H

#include "core/incident/incident.h"
#include "core/region.h"
#include "core/stats.h"
#include "server/http/http.h"
#include "storage/timeline.h"

enum { STATS_DAY_OFFSET_MS = 8 * 3600 * 1000 }; /* days are those of China's clock, UTC+8 */

enum stats_by {
    STATS_BY_NOTHING,
    STATS_BY_CATEGORY,
    STATS_BY_REGION, /* children of the region asked for; the roots when none is */
    STATS_BY_CHANNEL,
    STATS_BY_UNIT,
    STATS_BY_DAY,
};
const char *stats_by_name(enum stats_by by);

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

/* What names are looked up in. */
struct stats_names {
    const struct policy *policy;
    const struct region_table *regions;
};

/* INVALID names the parameter. Without `from` and `to` the last 24 hours; at most STATS_DAYS_MAX
 * days. NOT_FOUND: no such region. */
MUST_USE enum status stats_query_read(struct stats_query *ret, const struct http_request *request,
                                      enum stats_list list, const struct stats_names *names,
                                      const struct limits *limits, int64_t now_ms,
                                      struct error *error);

enum { STATS_CURSOR_BYTES = 25, STATS_KEY_BYTES = 24 };
/* The next page of tickets or incidents begins below `number`. Ends with NUL. */
void stats_cursor_write(char to[STATS_CURSOR_BYTES], uint64_t binding, uint64_t number);
MUST_USE bool stats_cursor_read(uint64_t *ret_number, uint64_t binding, struct slice text);

/* A group's key in words, and its name (empty: it has none); `to` is used where the key has no text
 * of its own. A tag that the policy no longer has is "tag-" and 8 hexadecimal digits; nothing at
 * all is the empty word. */
struct slice stats_key_text(char to[STATS_KEY_BYTES], const struct stats_names *names,
                            enum stats_by by, uint64_t key, struct slice *ret_name);
/* The reverse; false: no such key. */
MUST_USE bool stats_key_parse(uint64_t *ret, const struct stats_names *names, enum stats_by by,
                              struct slice text);

/* Is the region of the scope, and which key has it? Ids that the table does not have are nowhere.
 */
bool stats_region_is_in(const struct region_table *regions, uint32_t root, uint32_t region);
uint64_t stats_region_key(const struct region_table *regions, uint32_t root, uint32_t region);
uint64_t stats_day_key(int64_t at_ms);

/* One more count may start; the caller lowers `*under_way` when it is over. */
MUST_USE bool stats_may_start(uint64_t *under_way, const struct limits *limits);

#endif
