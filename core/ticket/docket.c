#include "core/ticket/docket.h"

#include "core/ticket/ticket_inside.h"

#include <string.h>

static size_t slots_for(uint64_t count) {
    size_t slots = 8;
    while (slots < 2 * count) {
        slots *= 2;
    }
    return slots;
}

static size_t rounded(size_t bytes) {
    return (bytes + 15) / 16 * 16;
}

size_t docket_bytes(const struct limits *limits) {
    return rounded(limits->open_tickets * sizeof(struct ticket)) +
           rounded(slots_for(limits->open_tickets) * sizeof(uint32_t)) +
           rounded(joint_pool_bytes((uint32_t)limits->joint_tickets)) +
           rounded(directives_bytes(limits));
}

void docket_init(struct docket *docket, const struct limits *limits, void *memory) {
    size_t slots = slots_for(limits->open_tickets);
    uint8_t *at = memory;
    CHECK(((uintptr_t)memory & 15) == 0);
    *docket = (struct docket){.tickets = memory,
                              .slots_mask = (uint32_t)(slots - 1),
                              .count_max = (uint32_t)limits->open_tickets};
    at += rounded(limits->open_tickets * sizeof(struct ticket));
    docket->slots = (uint32_t *)(void *)at;
    memset(docket->slots, 0, slots * sizeof(uint32_t));
    at += rounded(slots * sizeof(uint32_t));
    joint_pool_init(&docket->joints, at, (uint32_t)limits->joint_tickets);
    at += rounded(joint_pool_bytes((uint32_t)limits->joint_tickets));
    directives_init(&docket->directives, limits, at);
}

/* Sixteen numbers in a row have one cache line: what was opened together mostly comes due together.
 */
static uint32_t home_of(const struct docket *docket, uint64_t number) {
    uint32_t line = (uint32_t)(((number >> 4) * UINT64_C(0x9E3779B97F4A7C15)) >> 32);
    return (line << 4 | (uint32_t)(number & 15)) & docket->slots_mask;
}

/* The slot of the number, or the free one where it would go: at most half of them are used. */
static uint32_t slot_of(const struct docket *docket, uint64_t number) {
    uint32_t slot = home_of(docket, number);
    while (docket->slots[slot] != 0 && docket->tickets[docket->slots[slot] - 1].number != number) {
        slot = (slot + 1) & docket->slots_mask;
    }
    return slot;
}

struct ticket *docket_find(const struct docket *docket, uint64_t number) {
    uint32_t at = docket->slots[slot_of(docket, number)];
    return at == 0 ? NULL : &docket->tickets[at - 1];
}

struct ticket *docket_at(const struct docket *docket, uint32_t place) {
    CHECK(place < docket->touched_count);
    return docket->tickets[place].number == 0 ? NULL : &docket->tickets[place];
}

uint32_t docket_room(const struct docket *docket) {
    return docket->count_max - docket->used_count;
}

/* A place, still without a number. */
static struct ticket *take(struct docket *docket) {
    uint32_t at = docket->first_free;
    CHECK(docket_room(docket) > 0);
    if (at != 0) {
        docket->first_free = docket->tickets[at - 1].next_dirty;
    } else {
        at = ++docket->touched_count;
    }
    docket->used_count++;
    return &docket->tickets[at - 1];
}

static uint32_t place_of(const struct docket *docket, const struct ticket *ticket) {
    CHECK(ticket >= docket->tickets && ticket < docket->tickets + docket->touched_count);
    return (uint32_t)(ticket - docket->tickets) + 1;
}

static void enter(struct docket *docket, struct ticket *ticket) {
    uint32_t slot = slot_of(docket, ticket->number);
    CHECK(docket->slots[slot] == 0);
    docket->slots[slot] = place_of(docket, ticket);
}

/* Linear probing: what follows moves up, so that no chain is cut. */
static void leave(struct docket *docket, struct ticket *ticket) {
    uint32_t mask = docket->slots_mask, hole = slot_of(docket, ticket->number);
    for (uint32_t slot = (hole + 1) & mask; docket->slots[slot] != 0; slot = (slot + 1) & mask) {
        uint64_t number = docket->tickets[docket->slots[slot] - 1].number;
        if (((slot - home_of(docket, number)) & mask) >= ((slot - hole) & mask)) {
            docket->slots[hole] = docket->slots[slot];
            hole = slot;
        }
    }
    docket->slots[hole] = 0;
    if (ticket->joint != 0) {
        joint_give_back(&docket->joints, ticket->joint);
    }
    *ticket = (struct ticket){.next_dirty = docket->first_free};
    docket->first_free = place_of(docket, ticket);
    docket->used_count--;
}

/* Rows are handed out in the order in which tickets changed first. */
static void mark(struct docket *docket, struct ticket *ticket) {
    if (ticket->is_dirty) {
        return;
    }
    uint32_t at = place_of(docket, ticket);
    ticket->is_dirty = true;
    ticket->next_dirty = 0;
    if (docket->last_dirty != 0) {
        docket->tickets[docket->last_dirty - 1].next_dirty = at;
    } else {
        docket->first_dirty = at;
    }
    docket->last_dirty = at;
}

static void check_context(const struct docket *docket, const struct ticket_context *context) {
    CHECK(context->joints == &docket->joints && context->directives == &docket->directives);
}

static struct ticket *open_one(struct docket *docket, const struct ticket_context *context,
                               const struct ticket_opening *opening) {
    struct ticket *ticket = take(docket);
    ticket_open(context, ticket, opening);
    enter(docket, ticket);
    mark(docket, ticket);
    return ticket;
}

enum status docket_open(struct docket *docket, const struct ticket_context *context,
                        const struct ticket_opening *opening, struct ticket **ret) {
    check_context(docket, context);
    if (docket_room(docket) == 0) {
        return STATUS_FULL;
    }
    *ret = open_one(docket, context, opening);
    return STATUS_OK;
}

/* The ticket that a merge ends at; NULL: it is not in memory or not open. */
static const struct ticket *survivor(const struct docket *docket, uint64_t number) {
    const struct ticket *ticket = docket_find(docket, number);
    while (ticket != NULL && ticket->state == TICKET_MERGED) {
        CHECK(ticket->survivor < ticket->number); /* merges go to the older: no cycle */
        ticket = docket_find(docket, ticket->survivor);
    }
    bool is_open = ticket != NULL && ticket_state_is_open((enum ticket_state)ticket->state);
    return is_open ? ticket : NULL;
}

struct ticket_outcome docket_command(struct docket *docket, const struct ticket_context *context,
                                     struct ticket *ticket, const struct ticket_command *command) {
    struct ticket_command flattened = *command;
    check_context(docket, context);
    if (command->verb == VERB_MERGE && command->target != 0) {
        const struct ticket *target = survivor(docket, command->target);
        flattened.target = target == NULL ? UINT64_MAX : target->number; /* which is not older */
    }
    uint64_t events = ticket->events_count;
    struct ticket_outcome outcome = ticket_apply(context, ticket, &flattened);
    if (ticket->events_count != events) {
        mark(docket, ticket);
    }
    return outcome;
}

size_t docket_fire(struct docket *docket, const struct ticket_context *context,
                   struct ticket *ticket) {
    int64_t due_ms = ticket->next_due_ms;
    uint64_t events = ticket->events_count;
    check_context(docket, context);
    size_t fired = ticket_fire(context, ticket);
    if (fired > 0 || due_ms != ticket->next_due_ms || events != ticket->events_count) {
        mark(docket, ticket);
    }
    return fired;
}

void docket_repage(struct docket *docket, const struct ticket_context *context,
                   struct ticket *ticket, const char *why) {
    uint64_t events = ticket->events_count;
    check_context(docket, context);
    ticket_repage(context, ticket, why);
    if (ticket->events_count != events) {
        mark(docket, ticket);
    }
}

bool docket_recompute(struct docket *docket, const struct ticket_context *context, uint32_t *place,
                      uint32_t count) {
    check_context(docket, context);
    for (; count > 0 && *place < docket->touched_count; ++*place, count--) {
        struct ticket *ticket = docket_at(docket, *place);
        if (ticket == NULL || ticket_state_is_final((enum ticket_state)ticket->state)) {
            continue;
        }
        int64_t due_ms = ticket->next_due_ms;
        uint64_t events = ticket->events_count;
        bool moved = ticket_recompute(context, ticket);
        ticket_refresh_due(context, ticket);
        if (moved || due_ms != ticket->next_due_ms || events != ticket->events_count) {
            mark(docket, ticket);
        }
    }
    return *place < docket->touched_count;
}

enum status docket_restore(struct docket *docket, struct slice row, struct ticket **ret) {
    struct ticket ticket;
    struct joint UNINITIALIZED joint;
    bool has_joint;
    enum status status = ticket_row_decode(&ticket, &joint, &has_joint, row);
    if (status != STATUS_OK) {
        return status;
    }
    CHECK(docket_find(docket, ticket.number) == NULL);
    if (docket_room(docket) == 0) {
        return STATUS_FULL;
    }
    if (has_joint) {
        ticket.joint = joint_take(&docket->joints, ticket.number);
        if (ticket.joint == 0) {
            return STATUS_FULL;
        }
        joint.ticket = ticket.number;
        *joint_of(&docket->joints, ticket.joint) = joint;
    }
    ticket.stored_due_ms = ticket.next_due_ms;
    ticket.stored_due_key = ticket.due_key;
    *ret = take(docket);
    **ret = ticket;
    enter(docket, *ret);
    return STATUS_OK;
}

void docket_release(struct docket *docket, struct ticket *ticket) {
    if (!ticket->is_dirty && ticket_state_is_final((enum ticket_state)ticket->state)) {
        leave(docket, ticket);
    }
}

static void give_deadline(const struct ticket *ticket, int64_t due_ms, uint32_t due_key,
                          bool is_set, row_cb *give, void *give_context) {
    uint8_t key[DEADLINE_KEY_BYTES], value[DEADLINE_VALUE_BYTES];
    if (due_ms == TICKET_NEVER) {
        return;
    }
    struct deadline deadline = ticket_deadline(ticket->number, due_ms, due_key);
    deadline_key_encode(key, &deadline);
    deadline_value_encode(value, ticket->last_event_seq);
    give(give_context, ROW_DEADLINE, (struct slice){key, sizeof key},
         is_set ? (struct slice){value, sizeof value} : (struct slice){0});
}

static void give_rows(struct docket *docket, struct ticket *ticket, row_cb *give,
                      void *give_context) {
    uint8_t key[TICKET_KEY_BYTES];
    uint8_t UNINITIALIZED row[TICKET_ROW_BYTES_MAX];
    bool is_moved =
        ticket->next_due_ms != ticket->stored_due_ms ||
        (ticket->next_due_ms != TICKET_NEVER && ticket->due_key != ticket->stored_due_key);
    if (is_moved) {
        give_deadline(ticket, ticket->stored_due_ms, ticket->stored_due_key, false, give,
                      give_context);
        give_deadline(ticket, ticket->next_due_ms, ticket->due_key, true, give, give_context);
        ticket->stored_due_ms = ticket->next_due_ms;
        ticket->stored_due_key = ticket->due_key;
    }
    ticket_key_encode(key, ticket->number);
    size_t bytes = ticket_row_encode(row, ticket, joint_of(&docket->joints, ticket->joint));
    give(give_context, ROW_TICKET, (struct slice){key, sizeof key}, (struct slice){row, bytes});
    if (ticket->directive != 0) {
        uint8_t addressee[ADDRESSEE_KEY_BYTES], value[ADDRESSEE_ROW_BYTES];
        addressee_key_encode(addressee, ticket->directive, ticket->addressee);
        addressee_row_encode(value, ticket);
        give(give_context, ROW_DIRECTIVE, (struct slice){addressee, sizeof addressee},
             (struct slice){value, sizeof value});
    }
}

static void flush_directives(struct directives *directives, row_cb *give, void *give_context) {
    while (directives->first_dirty != 0) {
        struct directive *directive = &directives->directives[directives->first_dirty - 1];
        uint8_t key[DIRECTIVE_KEY_BYTES], row[DIRECTIVE_ROW_BYTES];
        directives->first_dirty = directive->next_dirty;
        directive->is_dirty = false;
        directive_key_encode(key, directive->number);
        directive_row_encode(row, directive);
        give(give_context, ROW_DIRECTIVE, (struct slice){key, sizeof key},
             (struct slice){row, sizeof row});
        if (directive_is_done(directive)) {
            directives_remove(directives, directive->number);
        }
    }
}

void docket_flush(struct docket *docket, row_cb *give, void *give_context) {
    while (docket->first_dirty != 0) {
        struct ticket *ticket = &docket->tickets[docket->first_dirty - 1];
        docket->first_dirty = ticket->next_dirty;
        ticket->is_dirty = false;
        give_rows(docket, ticket, give, give_context);
        docket_release(docket, ticket);
    }
    docket->last_dirty = 0;
    flush_directives(&docket->directives, give, give_context);
}
