#include "core/ticket/directive.h"
#include "core/ticket/ticket_fire.h"
#include "core/ticket/ticket_inside.h"
#include "core/ticket/ticket_open.h"

static uint64_t actor_hash(const struct ticket_step *step) {
    return ticket_hash(step->command->actor.name);
}

/* Rank of who solved it, by the actor's region, else by the ticket's own when its worker did. */
static void note_level(struct ticket_step *step, bool is_worker) {
    const struct region_table *regions = step->context->regions;
    uint32_t region = step->command->actor.region;
    if (region == REGION_NONE && is_worker) {
        region = step->ticket->region;
    }
    if (regions != NULL && region != REGION_NONE) {
        step->ticket->closed_level = region_level(regions, region);
    }
}

static void do_verify_result(struct ticket_step *step) {
    ticket_clock_end(step, STAGE_VERIFY);
    ticket_hold_end(step, true);
    step->ticket->facts &= ~(uint32_t)(FACT_VERIFIED | FACT_NOT_FOUND);
    step->ticket->facts |= step->command->confirmed == TRI_NO ? FACT_NOT_FOUND : FACT_VERIFIED;
    ticket_enter(step, TICKET_REPORTED);
}

/* It is more urgent than was thought: whoever had it in hand is asked again. */
static void page_anew(struct ticket_step *step) {
    step->ticket->paged_from_ms = step->at_ms;
    step->ticket->unacked_step = 0;
    step->ticket->acked_until_ms = 0;
}

/* Category, priority and policy version are fixed here. */
static void do_accept(struct ticket_step *step) {
    struct ticket *ticket = step->ticket;
    uint32_t tag = step->command->category_tag;
    uint8_t before = ticket->priority;
    ticket_clock_end(step, STAGE_ACCEPT);
    ticket->policy_version = step->context->policy->version;
    if (tag != 0 && tag != ticket->category_tag) {
        ticket->category_tag = tag;
        ticket->priority = policy_category_by_tag(step->context->policy, tag)->priority;
    }
    if (step->command->priority != 0) {
        ticket->priority = step->command->priority;
    }
    int64_t at_ms = step->at_ms;
    ticket_step_begin(step, step->context, ticket, step->command);
    step->at_ms = at_ms;
    ticket_enter(step, TICKET_ACCEPTED);
    if (ticket->priority < before) {
        page_anew(step);
    }
    ticket_clocks_refit(step);
    ticket_clock_start(step, STAGE_DISPATCH, step->at_ms);
}

static void end_unwanted(struct ticket_step *step, enum ticket_state state) {
    ticket_clock_end(step, STAGE_ACCEPT);
    ticket_clocks_drop_all(step);
    if (step->ticket->suspension != REASON_NONE || step->from == TICKET_VERIFYING) {
        ticket_hold_end(step, step->from == TICKET_VERIFYING);
    }
    step->ticket->suspension = REASON_NONE;
    step->ticket->resume_ms = 0;
    step->ticket->closed_ms = step->at_ms;
    ticket_enter(step, state);
}

/* The draw is a property of the ticket: nobody can try again. */
static bool is_drawn(const struct ticket_step *step) {
    uint8_t number[TICKET_KEY_BYTES];
    ticket_key_encode(number, step->ticket->number);
    uint64_t hash = ticket_hash((struct slice){number, sizeof number});
    return hash % PERCENT < step->policy->self_check_percent;
}

static void do_self_handle(struct ticket_step *step) {
    struct ticket *ticket = step->ticket;
    ticket_clock_end(step, STAGE_ACCEPT);
    ticket_clock_end(step, STAGE_DISPATCH);
    ticket->facts |= FACT_SELF_HANDLED;
    ticket->handler = actor_hash(step);
    note_level(step, true);
    if (is_drawn(step)) {
        ticket->facts |= FACT_SELF_CHECKED;
        ticket->closure = CLOSURE_SELF_HANDLED;
        ticket_enter(step, TICKET_CHECKING);
        ticket_clock_start(step, STAGE_CHECK, step->at_ms);
    } else {
        ticket_close(step, CLOSURE_SELF_HANDLED);
    }
}

/* The named unit; else the policy's for the region; else the region's own people. */
static uint32_t unit_to_dispatch(const struct ticket_step *step) {
    return step->command->unit_tag != 0
               ? step->command->unit_tag
               : ticket_policy_unit(step->context, step->policy, step->ticket->category_tag,
                                    step->ticket->region);
}

static void do_dispatch(struct ticket_step *step) {
    struct ticket *ticket = step->ticket;
    uint32_t unit_tag = unit_to_dispatch(step);
    bool is_again = step->from == TICKET_CHECKING;
    if (is_again) {
        ticket->rework_count++;
        ticket->facts |= FACT_REWORKED;
        ticket->closure = CLOSURE_NONE;
        ticket_clock_end(step, STAGE_CHECK);
    }
    if (step->command->limit.amount > 0) {
        ticket->own_handle = step->command->limit;
    }
    ticket->is_rework = is_again && unit_tag == ticket->unit_tag;
    ticket_dispatch_to(step, unit_tag);
}

static bool do_whistle(struct ticket_step *step) {
    const struct ticket_command *command = step->command;
    bool decides = command->decides && (command->actor.roles & ROLE_WHISTLE_CENTER) != 0;
    if (!ticket_make_joint(step, JOINT_PROPOSED, command->parts, command->parts_count)) {
        return false;
    }
    step->ticket->facts |= FACT_WHISTLED;
    if (decides) {
        ticket_approve(step);
    } else {
        ticket_ask(step, REQUEST_WHISTLE);
    }
    return true;
}

static void sign_part(struct ticket_step *step, struct joint_part *part) {
    part->status = JOINT_CHECKED_IN;
    part->checked_in_ms = step->at_ms;
    part->is_late_check_in = part->sign.is_used && ticket_clock_is_late(step, &part->sign);
    part->sign = (struct ticket_clock){0};
}

static void do_sign(struct ticket_step *step, struct joint_part *part) {
    struct ticket *ticket = step->ticket;
    bool is_deemed = step->command->actor.roles == ROLE_SYSTEM;
    if (part != NULL) {
        sign_part(step, part);
        return;
    }
    if (ticket->unit_tag == 0) {
        ticket->unit_tag = ticket_acting_unit(ticket, step->command);
        ticket->first_unit_tag =
            ticket->first_unit_tag == 0 ? ticket->unit_tag : ticket->first_unit_tag;
    }
    int64_t acked_until_ms = ticket->acked_until_ms;
    ticket_clock_end(step, STAGE_SIGN);
    ticket->facts |= FACT_RECEIPTED | (is_deemed ? FACT_DEEMED_SIGNED : FACT_SIGNED);
    ticket_enter(step, TICKET_HANDLING);
    if (is_deemed) {
        ticket->acked_until_ms = acked_until_ms; /* who had it in hand still has */
    } else {
        ticket->handler = actor_hash(step);
        ticket_acked(step);
    }
}

static void do_progress(struct ticket_step *step, struct joint_part *part) {
    struct ticket *ticket = step->ticket;
    if (part != NULL) {
        part->status = JOINT_WORKING;
    } else {
        ticket->facts |= FACT_SIGNED; /* also after a deemed one: somebody is at it */
    }
    if (step->command->on_scene && !ticket_has(ticket, FACT_ON_SCENE)) {
        ticket->facts |= FACT_ON_SCENE;
        ticket_clock_end(step, STAGE_ON_SCENE);
    }
    ticket_acked(step);
}

static void do_resume(struct ticket_step *step) {
    step->ticket->suspension = REASON_NONE;
    step->ticket->resume_ms = 0;
    ticket_hold_end(step, false);
}

static void do_submit_result(struct ticket_step *step, struct joint_part *part) {
    struct ticket *ticket = step->ticket;
    if (part != NULL) {
        part->status = JOINT_DONE;
        part->ended_ms = step->at_ms;
        part->is_late = part->handle.is_used && ticket_clock_is_late(step, &part->handle);
        part->sign = part->handle = (struct ticket_clock){0};
        return;
    }
    enum ticket_closure closure = step->command->closure;
    ticket->closure = (uint8_t)(closure != CLOSURE_NONE ? closure : CLOSURE_HANDLED);
    ticket->handler = actor_hash(step);
    note_level(step, false);
    ticket_clock_end(step, STAGE_ON_SCENE);
    ticket_clock_end(step, STAGE_HANDLE);
    ticket_enter(step, TICKET_CHECKING);
    ticket_clock_start(step, STAGE_CHECK, step->at_ms);
}

static void do_check_fail(struct ticket_step *step) {
    struct ticket *ticket = step->ticket;
    ticket_clock_end(step, STAGE_CHECK);
    ticket->rework_count++;
    ticket->is_rework = 1;
    ticket->closure = CLOSURE_NONE;
    ticket->facts |= FACT_REWORKED;
    ticket_dispatch_to(step, ticket->unit_tag);
}

/* Clocks go on beneath, so that un-merging finds them as if nothing had been. */
static void do_merge(struct ticket_step *step) {
    step->ticket->merged_from = step->ticket->state;
    step->ticket->survivor = step->command->target;
    step->ticket->state = TICKET_MERGED;
}

static void do_follow_up(struct ticket_step *step) {
    const struct ticket_command *command = step->command;
    struct ticket *ticket = step->ticket;
    ticket_clock_end(step, STAGE_FOLLOW_UP);
    ticket->facts |=
        FACT_FOLLOWED_UP | (command->contacted != TRI_NO ? FACT_CONTACTED : 0u) |
        (command->solved == TRI_YES ? FACT_SOLVED : 0u) |
        (command->satisfied == TRI_YES ? FACT_SATISFIED : 0u) |
        (command->contacted != TRI_NO && command->solved == TRI_NO ? FACT_UNSOLVED : 0u);
    if (command->solved == TRI_NO) {
        ticket_reopen(step);
    } else {
        ticket_enter(step, TICKET_ARCHIVED);
    }
}

static void do_supervise(struct ticket_step *step) {
    struct ticket *ticket = step->ticket;
    ticket->supervised = !step->command->lift;
    if (ticket->supervised) {
        ticket->facts |= FACT_SUPERVISED;
        ticket->supervisor = actor_hash(step);
        ticket->acked_until_ms = 0;
        ticket_clock_start(step, STAGE_REPLY, step->at_ms);
    } else {
        ticket_clock_drop(step, STAGE_REPLY);
    }
}

/* Deadlines as if it had been so from the start; who was told stays told. */
static void do_grade(struct ticket_step *step) {
    struct ticket *ticket = step->ticket;
    const struct ticket_command *command = step->command;
    bool is_up = command->verb == VERB_UPGRADE;
    uint8_t one = (uint8_t)(is_up ? ticket->priority - 1 : ticket->priority + 1);
    ticket->priority = command->priority != 0 ? command->priority : one;
    ticket->severity = command->severity != 0 ? command->severity : ticket->severity;
    ticket->category_tag =
        command->category_tag != 0 ? command->category_tag : ticket->category_tag;
    step->category = policy_category_by_tag(step->policy, ticket->category_tag);
    step->ladder = &step->policy->ladders[ticket->priority];
    if (is_up) {
        page_anew(step);
    }
    ticket_clocks_refit(step);
}

static void do_archive(struct ticket_step *step) {
    ticket_clocks_drop_all(step);
    ticket_enter(step, TICKET_ARCHIVED);
}

static bool do_approve(struct ticket_step *step) {
    const struct ticket_command *command = step->command;
    if (step->ticket->request.kind == REQUEST_WHISTLE && command->single) {
        ticket_part_from_joint(step);
    } else if (step->ticket->request.kind == REQUEST_WHISTLE && command->parts_count > 0 &&
               !ticket_make_joint(step, JOINT_PROPOSED, command->parts, command->parts_count)) {
        return false;
    }
    ticket_approve(step);
    return true;
}

static void do_check_pass(struct ticket_step *step) {
    ticket_clock_end(step, STAGE_CHECK);
    ticket_close(step, (enum ticket_closure)step->ticket->closure);
}

static void do_request_verify(struct ticket_step *step) {
    ticket_hold_begin(step, true);
    ticket_enter(step, TICKET_VERIFYING);
    ticket_clock_start(step, STAGE_VERIFY, step->at_ms);
}

bool ticket_do(struct ticket_step *step) {
    struct joint_part *part = ticket_acting_part(step->joint, step->ticket, step->command);
    switch (step->command->verb) {
    case VERB_REQUEST_VERIFY:
        do_request_verify(step);
        break;
    case VERB_VERIFY_RESULT:
        do_verify_result(step);
        break;
    case VERB_ACCEPT:
        do_accept(step);
        break;
    case VERB_REJECT:
        end_unwanted(step, TICKET_REJECTED);
        break;
    case VERB_SELF_HANDLE:
        do_self_handle(step);
        break;
    case VERB_DISPATCH:
        do_dispatch(step);
        break;
    case VERB_WHISTLE:
        return do_whistle(step);
    case VERB_SIGN:
        do_sign(step, part);
        break;
    case VERB_RETURN:
        ticket_ask(step, REQUEST_RETURN);
        break;
    case VERB_PROGRESS:
        do_progress(step, part);
        break;
    case VERB_REQUEST_EXTENSION:
        ticket_ask(step, REQUEST_EXTENSION);
        break;
    case VERB_REQUEST_SUSPENSION:
        ticket_ask(step, REQUEST_SUSPENSION);
        break;
    case VERB_APPROVE:
        return do_approve(step);
    case VERB_DENY:
        ticket_deny(step);
        break;
    case VERB_RESUME:
        do_resume(step);
        break;
    case VERB_SUBMIT_RESULT:
        do_submit_result(step, part);
        break;
    case VERB_CHECK_PASS:
        do_check_pass(step);
        break;
    case VERB_CHECK_FAIL:
        do_check_fail(step);
        break;
    case VERB_VOID:
        end_unwanted(step, TICKET_VOIDED);
        break;
    case VERB_MERGE:
        do_merge(step);
        break;
    case VERB_UNMERGE:
        step->ticket->state = step->ticket->merged_from;
        step->ticket->survivor = 0;
        break;
    case VERB_FOLLOW_UP:
        do_follow_up(step);
        break;
    case VERB_REOPEN:
        ticket_reopen(step);
        break;
    case VERB_SUPERVISE:
        do_supervise(step);
        break;
    case VERB_DOWNGRADE:
    case VERB_UPGRADE:
        do_grade(step);
        break;
    case VERB_ARCHIVE:
        do_archive(step);
        break;
    case VERB_ACK:
        ticket_acked(step);
        break;
    case VERB_REMIND:
        break;
    case VERBS_END:
        CHECK(false);
    }
    return true;
}
