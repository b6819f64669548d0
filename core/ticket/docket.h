/* The docket: every ticket that is not over, in the caller's memory, with what is theirs alone -
 * the joints and the directives - and what has changed since the last flush.
 *
 * Every change goes through here. A flush hands out each changed row once: the ticket, the deadline
 * it no longer has, the one it has now, its directive's addressee, and the directive. A ticket that
 * is over leaves memory with its flush; a late command (reopen, unmerge) brings it back with
 * docket_restore first. One thread. Pointers to tickets hold until that ticket's flush. */
#ifndef CORE_TICKET_DOCKET_H
#define CORE_TICKET_DOCKET_H

#include "core/ticket/directive.h"
#include "core/ticket/ticket_fire.h"
#include "core/ticket/ticket_open.h"

struct docket {
    struct ticket *tickets;
    uint32_t *slots; /* hash index of numbers: 1 + position; 0: free */
    uint32_t slots_mask, count_max, used_count, touched_count;
    uint32_t first_free, first_dirty, last_dirty; /* 1 + position; 0: none */
    struct joint_pool joints;
    struct directives directives;
};

/* `memory` is docket_bytes(limits), 16-byte aligned; touched only where tickets go, but for the
 * hash index. O(index). */
size_t docket_bytes(const struct limits *limits);
void docket_init(struct docket *docket, const struct limits *limits, void *memory);

/* NULL: not in memory. O(1). */
struct ticket *docket_find(const struct docket *docket, uint64_t number);
/* The n-th place, 0 up to touched_count: a ticket or NULL. For walking over all. */
struct ticket *docket_at(const struct docket *docket, uint32_t place);
/* How many more tickets fit. */
uint32_t docket_room(const struct docket *docket);

/* In all that follows the context's joints and directives are the docket's (CHECKed). */
/* FULL: nothing happened. */
MUST_USE enum status docket_open(struct docket *docket, const struct ticket_context *context,
                                 const struct ticket_opening *opening, struct ticket **ret);
/* ticket_apply; a merge's target is looked up and flattened, and must be in memory and open. */
MUST_USE struct ticket_outcome docket_command(struct docket *docket,
                                              const struct ticket_context *context,
                                              struct ticket *ticket,
                                              const struct ticket_command *command);
/* ticket_fire; 0 when nothing was due. */
size_t docket_fire(struct docket *docket, const struct ticket_context *context,
                   struct ticket *ticket);
/* ticket_repage. */
void docket_repage(struct docket *docket, const struct ticket_context *context,
                   struct ticket *ticket, const char *why);
/* Recomputes the tickets of `count` places from `*place` on, which moves on; false when all were.
 * After a new calendar, policy or region tree; in slices, so that a turn stays short. */
bool docket_recompute(struct docket *docket, const struct ticket_context *context, uint32_t *place,
                      uint32_t count);

/* Whom a directive goes to: a region, a unit, or a unit in a region. */
struct directive_addressee {
    uint32_t region, unit_tag; /* REGION_NONE, 0: not said */
};
struct directive_order {
    struct slice issuer, note;
    uint32_t region; /* of the issuer */
    uint32_t category_tag;
    uint8_t priority, severity;            /* 0: the category's */
    struct stage_limit receipt, execution; /* amount 0: the policy's sign and handle limits */
    const struct directive_addressee *addressees;
    size_t addressees_count;
};
/* One entry for the directive, one ticket for each addressee. TOO_LARGE: no addressee or more than
 * directive_addressees; FULL: no room for all of them. Nothing happened then. */
MUST_USE enum status docket_issue(struct docket *docket, const struct ticket_context *context,
                                  const struct directive_order *order, uint64_t *ret_number);

/* Puts a stored row back, as when starting up or for a late command. CORRUPT, VERSION, FULL; CHECKs
 * that the ticket is not there. */
MUST_USE enum status docket_restore(struct docket *docket, struct slice row, struct ticket **ret);
MUST_USE enum status docket_restore_directive(struct docket *docket, struct slice row);
/* A ticket that was brought back and is over and unchanged leaves again. */
void docket_release(struct docket *docket, struct ticket *ticket);

/* Hands out all changed rows. O(changed). */
void docket_flush(struct docket *docket, row_cb *give, void *give_context);

#endif
