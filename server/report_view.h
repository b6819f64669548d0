/* A stored report opened for writing it out: where each member of the text as given stands. Found
 * in one pass; everything points into the row's record. Any thread. */
#ifndef SERVER_REPORT_VIEW_H
#define SERVER_REPORT_VIEW_H

#include "core/base/status.h"
#include "core/limits.h"
#include "core/report/record.h"
#include "storage/timeline.h"

/* Members that an answer writes itself (or reads out), so that the given one is not passed on. */
#define REPORT_OWN_MEMBERS(X)                                                                      \
    X(ID, "id")                                                                                    \
    X(SOURCE, "source")                                                                            \
    X(CATEGORY, "category")                                                                        \
    X(OCCURRED_AT, "occurred_at")                                                                  \
    X(SENT_AT, "sent_at")                                                                          \
    X(GRID, "grid")                                                                                \
    X(LOCATION, "location")                                                                        \
    X(SEVERITY, "severity")                                                                        \
    X(CHANNEL, "channel")                                                                          \
    X(SEQ, "seq")                                                                                  \
    X(KIND, "kind")                                                                                \
    X(RECEIVED_AT, "received_at")                                                                  \
    X(FLAGS, "flags")                                                                              \
    X(INCIDENT, "incident")                                                                        \
    X(MATCH, "match")                                                                              \
    X(TICKET, "ticket")                                                                            \
    X(OCCURRED_AT_GIVEN, "occurred_at_given")                                                      \
    X(LOCATION_GIVEN, "location_given")

/* Members that are passed on as given, and are columns of the CSV form too. */
#define REPORT_COLUMN_MEMBERS(X)                                                                   \
    X(REPORTER, "reporter")                                                                        \
    X(DEVICE, "device")                                                                            \
    X(TEXT, "text")

enum report_member {
#define REPORT_MEMBER_ENUM(name, text) REPORT_MEMBER_##name,
    REPORT_OWN_MEMBERS(REPORT_MEMBER_ENUM) REPORT_COLUMN_MEMBERS(REPORT_MEMBER_ENUM)
#undef REPORT_MEMBER_ENUM
        REPORT_MEMBER_COUNT
};

struct report_view {
    struct record record;
    struct slice given[REPORT_MEMBER_COUNT]; /* the value as written; empty when absent */
    struct slice others[JSON_KEYS_CAP];      /* `"key": value` as written, in the order given */
    size_t others_count;
    bool breaks_lines; /* white space between the tokens holds CR or LF */
    /* Of a location that was found: its numbers as written. */
    struct slice lat, lon, accuracy_m;
    bool crs_is_wgs84; /* lat and lon above are the WGS 84 position itself */
};

/* The view is the calling thread's own memory, good until its next call. A record that cannot be
 * read gives a view without members. O(record). */
const struct report_view *report_view_of(const struct timeline_row *row);

/* The channel as JSON: as given, else the default one. */
struct slice report_view_channel(const struct report_view *view);
/* A given value that is a JSON string, unescaped into `to` (room for value.bytes); empty when it is
 * absent or no string. */
struct slice report_view_text(struct slice value, uint8_t *to);

#endif
