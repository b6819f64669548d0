/* How an entry that is no report looks outside: what happened to an incident, a ticket or a
 * directive, in timelines, histories and on the feed. Any thread. */
#ifndef SERVER_DOMAIN_EVENT_JSON_H
#define SERVER_DOMAIN_EVENT_JSON_H

#include "core/policy/policy.h"
#include "core/region/region.h"
#include "server/json_out.h"
#include "storage/timeline.h"

/* An object: kind, seq, occurred_at, received_at, grid, path (region codes from the root),
 * category, severity, title, then the event's own members (core/ticket, core/incident), and light,
 * ticket and incident as null where it has none. One line. O(record + depth). */
void event_json_write(struct json_out *out, const struct timeline_row *row,
                      const struct region_table *regions, const struct policy *policy);
/* The event's own object as stored; empty when the record cannot be read. */
struct slice event_json_own(const struct timeline_row *row);
/* What happened and where, as people call it: "category name · region name", either may be empty.
 * `what` has at most EVENT_WHAT_BYTES_MAX bytes. Returns the title's bytes. */
enum {
    EVENT_WHAT_BYTES_MAX = POLICY_CODE_BYTES_MAX * 6,
    EVENT_TITLE_BYTES_MAX = EVENT_WHAT_BYTES_MAX + 8 + REGION_NAME_BYTES_CAP,
};
size_t event_title(uint8_t to[EVENT_TITLE_BYTES_MAX], struct slice what, uint32_t region,
                   const struct region_table *regions);
/* The same of a category, as the member `title`. */
void event_json_title(struct json_out *out, uint32_t category_tag, uint32_t region,
                      const struct region_table *regions, const struct policy *policy);
/* The member `path`: region codes from the root down. */
void event_json_path(struct json_out *out, uint32_t region, const struct region_table *regions);

#endif
