/* Do the rows of incidents, tickets, directives, deadlines and creates fit the journal and each
 * other?
 *
 * Families are walked in the order of their keys, and joined with what has the same order. Kept in
 * memory: 40 bytes for each deadline that must be there, 16 for each ticket, each create and
 * each merged incident. Storage knows of these rows no more than their decoders in core tell. */
#ifndef STORAGE_VERIFY_DOMAIN_H
#define STORAGE_VERIFY_DOMAIN_H

#include "core/report/entry.h"
#include "core/report/record.h"
#include "core/time/deadline.h"
#include "storage/block.h"
#include "storage/store.h"

/* A deadline that a ticket or an incident waits for. */
struct expected_deadline {
    struct deadline deadline;
    bool may_miss; /* its incident is of no interest any more, and may have left memory */
};

/* An entry that a row names, with the object it must be about. */
struct named_entry {
    uint64_t seq, object;
};

/* Reports and the incidents they were taken into, as a sum of hashes in no order. */
struct taken_sum {
    uint64_t seed, count, low, high; /* seed: random, set before the first */
};

/* Zeroed but for store, last_seq and the seed. */
struct domain_check {
    struct store *store;
    uint64_t last_seq; /* of the journal */
    struct taken_sum reports, members;
    uint64_t incident_rows, member_rows, moved_rows, ticket_rows, directive_rows, deadline_rows;
    uint64_t create_rows;

    /* Inside. */
    struct store_iter *journal; /* at the block that was asked for last */
    struct block_view block;
    bool has_block;
    struct expected_deadline *expected;
    size_t expected_count, expected_max;
    struct named_entry *named;
    size_t named_count, named_max;
    struct named_entry *merged; /* survivor, and how many members stand under the merged one */
    size_t merged_count, merged_max;
};

/* Every entry of the journal, in its order. */
void domain_check_entry(struct domain_check *check, uint64_t seq, const struct entry *entry,
                        const struct record *record);
/* After all entries: every row of the domain's families. CORRUPT or LOST at the first damage, and
 * `error` names it. */
MUST_USE enum status domain_check_rows(struct domain_check *check, struct error *error);
void domain_check_deinit(struct domain_check *check);

/* For storage/verify_*.c. */

/* CORRUPT: "WHAT NUMBER WHY". */
enum status domain_wrong(struct error *error, const char *what, uint64_t number, const char *why);
typedef enum status (*domain_row_cb)(void *context, struct slice key, struct slice value,
                                     struct error *error);
/* Each row of a family in key order. */
MUST_USE enum status domain_walk(struct store *store, enum family family, domain_row_cb callback,
                                 void *context, struct error *error);
/* The index row of an entry; NOT_FOUND: the journal has no such number. Cheap when numbers rise. */
MUST_USE enum status domain_entry(struct domain_check *check, uint64_t seq, struct entry *ret,
                                  struct error *error);
/* NO_MEMORY. */
MUST_USE enum status domain_expect(struct domain_check *check,
                                   const struct expected_deadline *expected);
MUST_USE enum status domain_name(struct named_entry **list, size_t *count, size_t *max,
                                 uint64_t seq, uint64_t object);
void taken_sum_add(struct taken_sum *sum, uint64_t seq, uint64_t incident);

MUST_USE enum status domain_check_incidents(struct domain_check *check, struct error *error);
MUST_USE enum status domain_check_moved(struct domain_check *check, struct error *error);
MUST_USE enum status domain_check_tickets(struct domain_check *check, struct error *error);
MUST_USE enum status domain_check_directives(struct domain_check *check, struct error *error);
MUST_USE enum status domain_check_creates(struct domain_check *check, struct error *error);
MUST_USE enum status domain_check_deadlines(struct domain_check *check, struct error *error);

#endif
