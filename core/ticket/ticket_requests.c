#include "core/ticket/ticket_inside.h"

static uint64_t actor_hash(const struct ticket_step *step) {
    return ticket_hash(step->command->actor.name);
}

void ticket_ask(struct ticket_step *step, enum ticket_request_kind kind) {
    const struct ticket_command *command = step->command;
    bool proposes = kind == REQUEST_RETURN || kind == REQUEST_WHISTLE;
    uint32_t proposed = kind == REQUEST_WHISTLE ? command->unit_tag : command->proposed_unit_tag;
    uint32_t amount = command->limit.amount;
    if (kind == REQUEST_EXTENSION && amount == 0) {
        amount = ticket_limit_of(step, STAGE_HANDLE).amount;
    }
    step->ticket->request =
        (struct ticket_request){.kind = (uint8_t)kind,
                                .reason = (uint8_t)command->reason,
                                .amount = kind == REQUEST_EXTENSION ? amount : 0,
                                .unit_tag = ticket_acting_unit(step->ticket, command),
                                .proposed_unit_tag = proposes ? proposed : 0,
                                .requester = actor_hash(step),
                                .until_ms = command->until_ms};
    ticket_clock_start(step, STAGE_DECIDE, step->at_ms);
}

static void clear(struct ticket_step *step) {
    ticket_clock_end(step, STAGE_DECIDE);
    step->ticket->request = (struct ticket_request){0};
}

static void count_return(struct ticket *ticket, uint32_t unit_tag) {
    bool is_second = ticket_has(ticket, FACT_RETURNED) && ticket->returned_unit_tag != unit_tag;
    ticket->facts |= FACT_RETURNED | (is_second ? FACT_SHUFFLED : 0u);
    ticket->returned_unit_tag = unit_tag;
    ticket->return_count++;
}

/* The lead's return: the first receiver stays in charge until somebody else is appointed. */
static void give_back(struct ticket_step *step, uint32_t unit_tag) {
    struct ticket *ticket = step->ticket;
    count_return(ticket, unit_tag);
    ticket_clock_drop(step, STAGE_SIGN);
    ticket_clock_drop(step, STAGE_HANDLE);
    ticket_clock_drop(step, STAGE_ON_SCENE);
    ticket_part_from_joint(step);
    ticket->unit_tag = ticket->first_unit_tag == unit_tag ? 0 : ticket->first_unit_tag;
    ticket->facts &= ~(uint32_t)FACT_SIGNED;
    ticket->extension = 0;
    ticket_enter(step, TICKET_ACCEPTED);
    ticket_clock_start(step, STAGE_DISPATCH, step->at_ms);
}

static void approve_return(struct ticket_step *step, uint32_t unit_tag) {
    struct joint_part *part = step->joint == NULL || unit_tag == step->ticket->unit_tag
                                  ? NULL
                                  : joint_part_of(step->joint, unit_tag);
    if (part == NULL) {
        give_back(step, unit_tag);
        return;
    }
    part->status = JOINT_RETURNED;
    part->ended_ms = step->at_ms;
    part->sign = part->handle = (struct ticket_clock){0};
}

static void approve_extension(struct ticket_step *step, uint32_t amount) {
    struct ticket *ticket = step->ticket;
    ticket->facts |= ticket_has(ticket, FACT_EXTENDED) ? FACT_EXTENDED_TWICE : FACT_EXTENDED;
    if (ticket_clock_of(ticket, STAGE_HANDLE) != NULL) {
        ticket_clocks_extend(step, amount);
    }
}

static void approve_suspension(struct ticket_step *step, const struct ticket_request *request) {
    struct ticket *ticket = step->ticket;
    ticket->facts |= FACT_SUSPENDED;
    ticket->suspension = request->reason;
    ticket->resume_ms = request->until_ms;
    ticket_hold_begin(step, false);
}

/* One lead, and co-handlers if there are any; all start at this instant. */
static void decide_whistle(struct ticket_step *step, uint32_t proposed_lead) {
    struct ticket *ticket = step->ticket;
    uint32_t lead = step->command->unit_tag != 0 ? step->command->unit_tag
                    : proposed_lead != 0         ? proposed_lead
                                                 : ticket->unit_tag;
    ticket->is_rework = 0;
    ticket_dispatch_to(step, lead);
    if (step->joint != NULL) {
        ticket->facts |= FACT_JOINT;
        ticket_start_parts(step);
    }
}

void ticket_approve(struct ticket_step *step) {
    struct ticket_request request = step->ticket->request;
    CHECK(request.kind != REQUEST_NONE || step->command->verb == VERB_WHISTLE);
    clear(step);
    switch ((enum ticket_request_kind)request.kind) {
    case REQUEST_EXTENSION:
        approve_extension(step, request.amount);
        break;
    case REQUEST_SUSPENSION:
        approve_suspension(step, &request);
        break;
    case REQUEST_RETURN:
        approve_return(step, request.unit_tag);
        break;
    case REQUEST_WHISTLE:
    case REQUEST_NONE:
        decide_whistle(step, request.proposed_unit_tag);
        break;
    }
}

void ticket_deny(struct ticket_step *step) {
    CHECK(step->ticket->request.kind != REQUEST_NONE);
    if (step->ticket->request.kind == REQUEST_WHISTLE) {
        step->ticket->facts |= FACT_WHISTLE_REFUSED;
        ticket_part_from_joint(step);
    }
    clear(step);
}
