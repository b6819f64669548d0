/* What became of everything in a replay, for its statistics and for comparing two of them: one
 * short record for each report that went into an incident, each incident and each ticket, in the
 * order of their numbers. Memory grows with the input: 32, 88 and 56 bytes each. */
#ifndef SERVER_REPLAY_BOOK_H
#define SERVER_REPLAY_BOOK_H

#include "core/world.h"
#include "server/buffer.h"

/* `seq` and `number` come first: records are found by them. */
struct book_report {
    uint64_t seq;
    uint64_t incident, ticket; /* it was taken into; 0: none */
    uint32_t line;
};

struct book_incident {
    uint64_t number, merged_into; /* 0: not merged; else never a merged one */
    int64_t first_seen_ms, last_seen_ms;
    struct position position; /* the estimate of a fire, else the anchor */
    uint32_t category_tag, region, reports_count;
    uint32_t line; /* of the report that opened it */
    float spread_m;
    uint8_t state; /* enum incident_state */
    bool has_position;
};

struct book_ticket {
    uint64_t number, incident;
    uint32_t line; /* of the report that it is about */
    uint32_t category_tag, facts;
    uint16_t stages_ended, stages_late; /* bits 1 << stage */
    uint16_t overdue;                   /* the same: past its limit and still going on */
    uint16_t reopen_count, rework_count;
    uint8_t state, priority;
};

struct book {
    struct buffer reports, incidents, tickets;
};

void book_init(struct book *book);
void book_deinit(struct book *book);

/* Numbers must rise (CHECKed). Pointers hold until the next one is added. */
void book_add_report(struct book *book, const struct book_report *report);
struct book_incident *book_add_incident(struct book *book, uint64_t number, uint32_t line);
struct book_ticket *book_add_ticket(struct book *book, uint64_t number, uint32_t line);
/* NULL: there is none. O(log n). */
const struct book_report *book_report(const struct book *book, uint64_t seq);
struct book_incident *book_incident(const struct book *book, uint64_t number);
struct book_ticket *book_ticket(const struct book *book, uint64_t number);

size_t book_reports_count(const struct book *book);
size_t book_incidents_count(const struct book *book);
size_t book_tickets_count(const struct book *book);
const struct book_report *book_reports(const struct book *book);
const struct book_incident *book_incidents(const struct book *book);
const struct book_ticket *book_tickets(const struct book *book);

/* As they stand now. */
void book_note_incident(struct book_incident *to, const struct incident *incident);
void book_note_ticket(struct book_ticket *to, const struct ticket *ticket);

/* The incident a report is in, merges followed; 0: none. O(log n). */
uint64_t book_incident_of(const struct book *book, const struct book_report *report);

#endif
