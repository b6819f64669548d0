/* Directives (指令): an order from above to many regions or units. Each addressee gets a ticket of
 * origin `directive` with a receipt clock (sign) and an execution clock (handle), on the same
 * engine as all tickets. The directive itself keeps counts; an addressee's row is written from its
 * ticket.
 *
 * A directive is kept in memory until each addressee's ticket is closed or voided. It is brought
 * back for a late command to one of them, so that a reopening is counted and told. */
#ifndef CORE_TICKET_DIRECTIVE_H
#define CORE_TICKET_DIRECTIVE_H

#include "core/ticket/ticket_step.h"

enum {
    DIRECTIVE_KEY_BYTES = 8,
    DIRECTIVE_ROW_BYTES = 88,
    ADDRESSEE_KEY_BYTES = 12,
    ADDRESSEE_ROW_BYTES = 32,
};

/* What one ticket, or all of a directive, contribute. Numerator and denominator: each is at most
 * the number of addressees. */
struct directive_share {
    uint32_t receipted, receipted_late; /* signed or deemed to; after the receipt limit */
    uint32_t done, done_late;           /* closed; after the execution limit */
    uint32_t returned;                  /* at least one unit gave it back */
    uint32_t voided;
};

struct directive {
    uint64_t number; /* sequence number of directive.issued; 0: free */
    uint64_t last_event_seq;
    uint64_t issuer;               /* hash of the name */
    int64_t issued_ms, done_ms;    /* done_ms 0: not yet */
    uint32_t category_tag, region; /* region of the issuer, REGION_NONE: not said */
    uint32_t addressees_count;
    uint8_t priority, severity;
    bool is_dirty;
    uint32_t next_dirty; /* 1 + position */
    struct directive_share share;
};

struct directives {
    struct directive *directives;
    uint32_t *slots; /* hash index: 1 + position; 0: free */
    uint32_t slots_mask, count_max, used_count, touched_count;
    uint32_t first_free, first_dirty; /* 1 + position; free ones chained by next_dirty */
    uint32_t addressees_max;
    uint64_t removed_count; /* ever: a row that was read before one of them may be outdated */
};

/* `memory` is directives_bytes(limits), 8-byte aligned. */
size_t directives_bytes(const struct limits *limits);
void directives_init(struct directives *directives, const struct limits *limits, void *memory);
/* NULL: it is not in memory. O(1). */
struct directive *directives_find(const struct directives *directives, uint64_t number);
bool directives_are_full(const struct directives *directives);
/* A new one under this number, all zero else. CHECKs that the number is new and there is room. */
struct directive *directives_add(struct directives *directives, uint64_t number);
void directives_remove(struct directives *directives, uint64_t number);

struct directive_share directive_share_of(const struct ticket *ticket);
/* A ticket has changed: counts it, and tells a receipt, a result or a reopening. `before` is its
 * share before the change. Does nothing for other tickets. */
void directive_note(const struct ticket_context *context, const struct ticket *ticket,
                    const struct directive_share *before);
bool directive_is_done(const struct directive *directive);
void directive_mark(struct directives *directives, struct directive *directive);

/* Rows, little-endian; layouts in directive_row.c. Keys: number big-endian; of an addressee number
 * and index big-endian. */
void directive_key_encode(uint8_t to[DIRECTIVE_KEY_BYTES], uint64_t number);
void directive_row_encode(uint8_t to[DIRECTIVE_ROW_BYTES], const struct directive *directive);
MUST_USE enum status directive_row_decode(struct directive *ret, struct slice from);
struct addressee {
    uint64_t directive, ticket;
    uint32_t index, region, unit_tag;
    uint8_t state;                /* enum ticket_state */
    struct directive_share share; /* 0 or 1 each */
};
void addressee_key_encode(uint8_t to[ADDRESSEE_KEY_BYTES], uint64_t directive, uint32_t index);
void addressee_row_encode(uint8_t to[ADDRESSEE_ROW_BYTES], const struct ticket *ticket);
MUST_USE enum status addressee_row_decode(struct addressee *ret, struct slice key,
                                          struct slice value);

#endif
