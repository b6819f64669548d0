/* A journal entry as it stands in memory: what a block's index section and the recent runs hold for
 * each event, beside its record (core/report/record.h). 64 bytes, one cache line. */
#ifndef CORE_REPORT_ENTRY_H
#define CORE_REPORT_ENTRY_H

#include "core/base/base.h"

/* What an entry tells: number on disk (below 64, never reused), name, word of the API. Reports are
 * facts as sent; everything else is what gridd or its users did about them. AUDIT is nobody's
 * event: it stands in no region, and neither feeds nor timelines show it (ENTRY_KINDS_SHOWN). */
#define ENTRY_KIND_TABLE(X)                                                                        \
    X(1, REPORT, "report")                                                                         \
    X(4, INCIDENT_OPENED, "incident.opened")                                                       \
    X(5, INCIDENT_SUGGESTED_MERGE, "incident.suggested_merge")                                     \
    X(6, INCIDENT_MERGED, "incident.merged")                                                       \
    X(7, INCIDENT_UNMERGED, "incident.unmerged")                                                   \
    X(8, INCIDENT_REPAGED, "incident.repaged")                                                     \
    X(9, INCIDENT_LOCALISED, "incident.localised")                                                 \
    X(10, INCIDENT_CLOSED, "incident.closed")                                                      \
    X(11, INCIDENT_REOPENED, "incident.reopened")                                                  \
    X(12, INCIDENT_ALARM, "incident.alarm")                                                        \
    X(13, INCIDENT_FLAPPING, "incident.flapping")                                                  \
    X(14, INCIDENT_CONFIRMED, "incident.confirmed")                                                \
    X(16, TICKET_OPENED, "ticket.opened")                                                          \
    X(17, TICKET_COMMAND, "ticket.changed")                                                        \
    X(18, TICKET_REMINDER, "ticket.reminder")                                                      \
    X(19, TICKET_NEAR_DEADLINE, "ticket.near_deadline")                                            \
    X(20, TICKET_OVERDUE, "ticket.overdue")                                                        \
    X(21, TICKET_ESCALATED, "ticket.escalated")                                                    \
    X(22, TICKET_PAGED, "ticket.paged")                                                            \
    X(23, TICKET_ACK_EXPIRED, "ticket.ack_expired")                                                \
    X(24, TICKET_RECOMPUTED, "ticket.recomputed")                                                  \
    X(32, DIRECTIVE_ISSUED, "directive.issued")                                                    \
    X(33, DIRECTIVE_RECEIPT, "directive.receipt")                                                  \
    X(34, DIRECTIVE_DONE, "directive.done")                                                        \
    X(35, DIRECTIVE_REOPENED, "directive.reopened")                                                \
    X(48, AUDIT, "audit")

enum entry_kind {
#define ENTRY_KIND_ENUM(number, name, text) ENTRY_##name = (number),
    ENTRY_KIND_TABLE(ENTRY_KIND_ENUM)
#undef ENTRY_KIND_ENUM
        ENTRY_KIND_LIMIT = 64
};
#define ENTRY_KINDS_SHOWN (~(UINT64_C(1) << ENTRY_AUDIT))

enum entry_flag {
    ENTRY_CLOCK_SUSPECT =
        1 << 0,                  /* occurred_at was ahead of our clock, received_at stands for it */
    ENTRY_DERIVED_ID = 1 << 1,   /* the client gave no id */
    ENTRY_HAS_POSITION = 1 << 2, /* the record carries a WGS 84 position */
    ENTRY_LOCATED = 1 << 3,      /* the grid was found from the position */
};

/* XXH3-128 of (source, id), keyed with the store's seed. */
struct identity {
    uint64_t low, high;
};

struct entry {
    uint8_t kind; /* enum entry_kind */
    uint8_t severity;
    uint16_t flags;
    uint32_t region;
    uint32_t category_tag;
    uint32_t record_bytes;
    int64_t occurred_ms;
    int64_t received_ms;
    struct identity identity;
    uint64_t content_tag;
    uint64_t record_offset; /* within the block's or the run's payload */
};
_Static_assert(sizeof(struct entry) == 64, "an entry is one cache line");

/* NULL for a number that is no kind. */
const char *entry_kind_name(unsigned kind);
/* The kinds that a word names, as bits 1 << kind: a kind's own name, or all of one object
 * ("ticket" or "ticket.*"). 0 when it names none. */
uint64_t entry_kinds_named(struct slice word);

#endif
