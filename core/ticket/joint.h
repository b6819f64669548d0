/* Joint handling (domain.md 3.6): the co-handlers of a ticket that a whistle has given to several
 * units. The lead is the ticket's own unit and its clocks are the ticket's own; each co-handler has
 * a part with clocks of its own, started at the same instant.
 *
 *   assigned -> checked_in -> working -> done
 *            \-> returned (approved)
 *
 * Parts of a whistle that nobody has decided on yet are `proposed` and have no clocks. Joints live
 * in a pool over the caller's memory; a ticket's `joint` is 1 + its slot. */
#ifndef CORE_TICKET_JOINT_H
#define CORE_TICKET_JOINT_H

#include "core/ticket/ticket.h"

enum { JOINT_ROW_BYTES_MAX = 8 + JOINT_PARTS_MAX * 176 };

#define JOINT_STATUS_TABLE(X)                                                                      \
    X(1, PROPOSED, "proposed")                                                                     \
    X(2, ASSIGNED, "assigned")                                                                     \
    X(3, CHECKED_IN, "checked_in")                                                                 \
    X(4, WORKING, "working")                                                                       \
    X(5, DONE, "done")                                                                             \
    X(6, RETURNED, "returned")
enum joint_status {
#define JOINT_STATUS_ENUM(number, name, text) JOINT_##name = (number),
    JOINT_STATUS_TABLE(JOINT_STATUS_ENUM)
#undef JOINT_STATUS_ENUM
};
const char *joint_status_name(enum joint_status status);

struct joint_part {
    uint32_t unit_tag;
    uint8_t status; /* enum joint_status */
    uint8_t is_mandatory, is_late_check_in, is_late;
    struct stage_limit handle_limit; /* asked for; amount 0: the ticket's */
    int64_t checked_in_ms, ended_ms; /* 0: not yet */
    struct ticket_clock sign, handle;
};

struct joint {
    uint64_t ticket; /* 0: free */
    uint32_t parts_count;
    uint32_t next_free;
    struct joint_part parts[JOINT_PARTS_MAX];
};

struct joint_pool {
    struct joint *joints;
    uint32_t count_max, used_count, touched_count, first_free; /* 1 + slot; 0: none */
};

/* `memory` is joint_pool_bytes(count_max), 8-byte aligned; touched only where joints go. */
size_t joint_pool_bytes(uint32_t count_max);
void joint_pool_init(struct joint_pool *pool, void *memory, uint32_t count_max);
/* 1 + slot of an empty joint; 0 when the pool is full. O(1). */
MUST_USE uint32_t joint_take(struct joint_pool *pool, uint64_t ticket);
void joint_give_back(struct joint_pool *pool, uint32_t joint);
/* NULL when `joint` is 0. */
struct joint *joint_of(const struct joint_pool *pool, uint32_t joint);

/* The part of a unit that was assigned and is not returned; NULL: it has none. O(parts). */
struct joint_part *joint_part_of(struct joint *joint, uint32_t unit_tag);
/* No mandatory part is left undone. */
bool joint_is_complete(const struct joint *joint);

/* Encoded parts: u8 parts_count, then each part; the layout is in joint.c. */
size_t joint_encode(uint8_t *to, const struct joint *joint);
MUST_USE enum status joint_decode(struct joint *ret, struct slice *from);

#endif
