/* How a stored entry looks outside: the one writer for GET /v1/reports/{seq}, timeline items (JSON,
 * CSV, GeoJSON) and feed events. Entries that are no reports go to event_json.h. Any thread.
 * Nothing is allocated but the output. */
#ifndef SERVER_REPORT_JSON_H
#define SERVER_REPORT_JSON_H

#include "core/policy/policy.h"
#include "core/region/region.h"
#include "core/report/report.h"
#include "server/json_out.h"
#include "server/report_view.h"
#include "storage/timeline.h"

/* An object: seq, kind, occurred_at, received_at, grid, category, severity, channel, id, source,
 * [location as WGS 84], flags, incident, ticket (what it was
 * taken into when it came), then every other member as given (a member
 * of these names as given never appears twice). One line. O(record). */
void report_json_write(struct json_out *out, const struct timeline_row *row,
                       const struct region_table *regions, const struct policy *policy);
/* Where a report is now, which may be elsewhere than when it came. */
struct report_place {
    uint64_t incident, ticket; /* 0: none */
    struct slice match;        /* JSON */
};
/* The same of a report, with incident and ticket as they are now, and match. */
void report_json_write_placed(struct json_out *out, const struct timeline_row *row,
                              const struct region_table *regions, const struct report_place *place);
/* A GeoJSON Feature: Point or null geometry, lon before lat, WGS 84; the properties are the object
 * above without location. One line. */
void report_json_write_feature(struct json_out *out, const struct timeline_row *row,
                               const struct region_table *regions, const struct policy *policy);
/* The feed's data object: kind, seq, grid, path (region codes from the root), category, severity,
 * light, ticket, title, plus id, source, occurred_at, received_at, location. One line. */
void report_json_write_event(struct json_out *out, const struct timeline_row *row,
                             const struct region_table *regions, const struct policy *policy);

/* Pieces that other forms need. */
enum { REPORT_NUMBER_BYTES_MAX = 32 };
/* Degrees of WGS 84 as a JSON number; of a report that has a position. What was given as WGS 84
 * keeps its own digits, else there are up to eight decimals (about a millimetre) in `scratch`. */
struct slice report_lat_text(const struct report_view *view, char scratch[REPORT_NUMBER_BYTES_MAX]);
struct slice report_lon_text(const struct report_view *view, char scratch[REPORT_NUMBER_BYTES_MAX]);
/* The word for one flag, NULL when an answer does not show it. */
const char *report_flag_name(enum entry_flag flag);

#endif
