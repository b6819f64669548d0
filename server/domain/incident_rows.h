/* Stored incidents and their members. Any thread; as of the last commit. */
#ifndef SERVER_DOMAIN_INCIDENT_ROWS_H
#define SERVER_DOMAIN_INCIDENT_ROWS_H

#include "core/incident/incident.h"
#include "server/buffer.h"
#include "storage/db.h"

struct incident_row {
    struct incident incident; /* detail points to `detail` */
    union incident_detail detail;
};
/* NOT_FOUND: no incident has this number. */
MUST_USE enum status incident_row_read(struct incident_row *ret, struct db *db, uint64_t number,
                                       struct error *error);
/* Numbers (u64) under which its members stand, ascending: its own and those merged into it. */
MUST_USE enum status incident_rows_under(struct buffer *ret, struct db *db, uint64_t number,
                                         struct error *error);

struct member_position {
    uint64_t under, seq; /* 0: the beginning */
};
/* Gives each member after `after`, by number and then by seq, until the callback says stop. */
typedef bool incident_member_cb(void *context, const struct member *member);
MUST_USE enum status incident_rows_walk(struct db *db, struct slice numbers,
                                        struct member_position after, incident_member_cb *callback,
                                        void *context, struct error *error);

/* Where a report is now, and why. */
struct report_whereabouts {
    uint64_t incident, ticket; /* 0: none */
    bool has_match;
    struct match match;
};
/* `taken_into`: the incident that its record names. */
MUST_USE enum status report_whereabouts_read(struct report_whereabouts *ret, struct db *db,
                                             uint64_t seq, uint64_t taken_into,
                                             struct error *error);

#endif
