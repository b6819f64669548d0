#include "core/ticket/ticket_inside.h"

#include <string.h>

enum { ACK_S = 900 }; /* where a policy gives no time */

/* A whistle outlives signing, and so does what a co-handler asks; all else was asked of the state
 * that is left. */
static bool request_survives(const struct ticket_step *step, enum ticket_state state) {
    const struct ticket_request *request = &step->ticket->request;
    bool is_with_unit = state == TICKET_DISPATCHED || state == TICKET_HANDLING;
    if (request->kind == REQUEST_WHISTLE) {
        return state == TICKET_ACCEPTED || is_with_unit;
    }
    return request->kind == REQUEST_RETURN && is_with_unit &&
           request->unit_tag != step->ticket->unit_tag;
}

static void withdraw(struct ticket_step *step) {
    if (step->ticket->request.kind == REQUEST_WHISTLE) {
        ticket_part_from_joint(step);
    }
    ticket_clock_drop(step, STAGE_DECIDE);
    step->ticket->request = (struct ticket_request){0};
}

void ticket_enter(struct ticket_step *step, enum ticket_state state) {
    struct ticket *ticket = step->ticket;
    CHECK(state < TICKET_STATES);
    if (ticket->request.kind != REQUEST_NONE && !request_survives(step, state)) {
        withdraw(step);
    }
    ticket->state = (uint8_t)state;
    ticket->state_since_ms = step->at_ms;
    ticket->acked_until_ms = 0;
    ticket->reviewed_ms = 0;
}

void ticket_acked(struct ticket_step *step) {
    struct stage_limit ack = step->ladder->ack;
    step->ticket->acked_until_ms =
        ack.amount > 0 ? ticket_metered_after(step, ack) : step->at_ms + (int64_t)ACK_S * SECOND_MS;
}

void ticket_part_from_joint(struct ticket_step *step) {
    if (step->joint != NULL) {
        joint_give_back(step->context->joints, step->ticket->joint);
        step->ticket->joint = 0;
        step->joint = NULL;
    }
}

bool ticket_make_joint(struct ticket_step *step, enum joint_status status,
                       const struct ticket_part_order *orders, size_t count) {
    CHECK(count <= JOINT_PARTS_MAX);
    ticket_part_from_joint(step);
    if (count == 0) {
        return true;
    }
    step->ticket->joint = joint_take(step->context->joints, step->ticket->number);
    if (step->ticket->joint == 0) {
        return false;
    }
    step->joint = joint_of(step->context->joints, step->ticket->joint);
    step->joint->parts_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        step->joint->parts[i] = (struct joint_part){.unit_tag = orders[i].unit_tag,
                                                    .status = (uint8_t)status,
                                                    .is_mandatory = !orders[i].is_optional,
                                                    .handle_limit = orders[i].handle_limit};
    }
    return true;
}

/* What was asked for the part, but never due after the ticket's own handle clock. */
static void start_handle(struct ticket_step *step, struct joint_part *part) {
    struct stage_limit limit = ticket_limit_of(step, STAGE_HANDLE);
    struct stage_limit wanted = part->handle_limit;
    const struct ticket_clock *lead = ticket_clock_of(step->ticket, STAGE_HANDLE);
    if (wanted.amount > 0) {
        ticket_clock_begin(step, &part->handle, STAGE_HANDLE, wanted, step->at_ms);
        if (lead == NULL || part->handle.due_ms <= lead->due_ms) {
            return;
        }
    }
    part->handle = (struct ticket_clock){0};
    if (limit.amount > 0) {
        ticket_clock_begin(step, &part->handle, STAGE_HANDLE, limit, step->at_ms);
    }
}

void ticket_start_parts(struct ticket_step *step) {
    struct stage_limit sign = ticket_limit_of(step, STAGE_SIGN);
    for (uint32_t i = 0; step->joint != NULL && i < step->joint->parts_count; i++) {
        struct joint_part *part = &step->joint->parts[i];
        if (part->status != JOINT_PROPOSED) {
            continue;
        }
        part->status = JOINT_ASSIGNED;
        if (sign.amount > 0) {
            ticket_clock_begin(step, &part->sign, STAGE_SIGN, sign, step->at_ms);
        }
        start_handle(step, part);
    }
}

void ticket_dispatch_to(struct ticket_step *step, uint32_t unit_tag) {
    struct ticket *ticket = step->ticket;
    const struct ticket_clock *handle = ticket_clock_of(ticket, STAGE_HANDLE);
    if (handle != NULL && ticket_clock_is_late(step, handle)) {
        ticket->stages_late |= 1u << STAGE_HANDLE; /* of who had it before */
    }
    ticket_clock_end(step, STAGE_DISPATCH);
    ticket_clock_drop(step, STAGE_CHECK);
    ticket->unit_tag = unit_tag;
    if (ticket->first_unit_tag == 0) {
        ticket->first_unit_tag = unit_tag;
    }
    ticket->facts = (ticket->facts | FACT_DISPATCHED) & ~(uint32_t)FACT_SIGNED;
    ticket->extension = 0;
    ticket_enter(step, TICKET_DISPATCHED);
    ticket_clock_start(step, STAGE_SIGN, step->at_ms);
    ticket_clock_start(step, STAGE_HANDLE, step->at_ms);
    if (!ticket_has(ticket, FACT_ON_SCENE)) {
        ticket_clock_start(step, STAGE_ON_SCENE, step->at_ms);
    }
}

static void drop_part_clocks(struct ticket_step *step) {
    for (uint32_t i = 0; step->joint != NULL && i < step->joint->parts_count; i++) {
        step->joint->parts[i].sign = (struct ticket_clock){0};
        step->joint->parts[i].handle = (struct ticket_clock){0};
    }
}

void ticket_close(struct ticket_step *step, enum ticket_closure closure) {
    struct ticket *ticket = step->ticket;
    ticket->closure = (uint8_t)closure;
    ticket->closed_ms = step->at_ms;
    ticket_clock_end(step, STAGE_OVERALL);
    ticket_clocks_drop_all(step);
    drop_part_clocks(step);
    ticket_enter(step, TICKET_CLOSED);
    if (ticket_has(ticket, FACT_REPORTER)) {
        ticket_clock_start(step, STAGE_FOLLOW_UP, step->at_ms);
    }
}

void ticket_reopen(struct ticket_step *step) {
    struct ticket *ticket = step->ticket;
    bool was_rejected = ticket->state == TICKET_REJECTED;
    ticket_clocks_drop_all(step);
    ticket_part_from_joint(step);
    memset(ticket->holds, 0, sizeof ticket->holds);
    ticket->holds_count = 0;
    ticket->facts &= ~(uint32_t)(FACT_FOLLOWED_UP | FACT_CONTACTED | FACT_SOLVED | FACT_SATISFIED);
    ticket->facts |= FACT_REOPENED | (was_rejected ? FACT_REJECTED_ONCE : 0u);
    ticket->closure = CLOSURE_NONE;
    ticket->closed_ms = 0;
    ticket->is_rework = 0;
    ticket->reopen_count++;
    ticket->paged_from_ms = step->at_ms;
    ticket->unacked_step = 0;
    ticket_clock_start(step, STAGE_OVERALL, step->at_ms);
    if (!was_rejected && ticket_has(ticket, FACT_DISPATCHED)) {
        ticket_dispatch_to(step, ticket->unit_tag);
    } else {
        ticket_enter(step, TICKET_REPORTED);
        ticket_clock_start(step, STAGE_ACCEPT, step->at_ms);
    }
}
