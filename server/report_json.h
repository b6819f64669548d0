/* How a stored report looks outside: the one writer for GET /v1/reports/{seq}, timeline items
 * (JSON, CSV, GeoJSON) and feed events. Any thread. */
#ifndef SERVER_REPORT_JSON_H
#define SERVER_REPORT_JSON_H

#include "core/policy.h"
#include "core/region.h"
#include "server/json_out.h"
#include "storage/timeline.h"

/* An object: seq, kind, occurred_at, received_at, grid, category, severity, id, source, [location
 * as WGS 84], flags, incident, match, then every other member as given (a member of these names as
 * given never appears twice). */
void report_json_write(struct json_out *out, const struct timeline_row *row,
                       const struct region_table *regions, const struct policy *policy);
/* The feed's data object: kind, seq, grid, path (region codes from the root), category, severity,
 * light, ticket, title, plus id, source, occurred_at, received_at, location. One line. */
void report_json_write_event(struct json_out *out, const struct timeline_row *row,
                             const struct region_table *regions, const struct policy *policy);
/* Text of one member of the report as given, unescaped into `to` (room: the record's bytes); empty
 * when absent or no string. */
struct slice report_json_member(const struct timeline_row *row, const char *name, uint8_t *to);

#endif
