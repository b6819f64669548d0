#include "core/ticket/ticket_inside.h"

static const struct {
    enum ticket_verdict verdict;
    const char *name, *text;
} refusals[] = {[REFUSAL_NONE] = {TICKET_DONE, "NONE", ""},
#define TICKET_REFUSAL_ROW(class, name, text) [REFUSAL_##name] = {TICKET_##class, #name, (text)},
                TICKET_REFUSAL_TABLE(TICKET_REFUSAL_ROW)
#undef TICKET_REFUSAL_ROW
};

const char *ticket_refusal_name(enum ticket_refusal refusal) {
    CHECK((size_t)refusal < ARRAY_COUNT(refusals));
    return refusals[refusal].name;
}

const char *ticket_refusal_text(enum ticket_refusal refusal) {
    CHECK((size_t)refusal < ARRAY_COUNT(refusals));
    return refusals[refusal].text;
}

enum ticket_verdict ticket_refusal_verdict(enum ticket_refusal refusal) {
    CHECK((size_t)refusal < ARRAY_COUNT(refusals));
    return refusals[refusal].verdict;
}

uint32_t ticket_acting_unit(const struct ticket *ticket, const struct ticket_command *command) {
    return command->actor.unit_tag != 0 ? command->actor.unit_tag
           : command->unit_tag != 0     ? command->unit_tag
                                        : ticket->unit_tag;
}

struct joint_part *ticket_acting_part(struct joint *joint, const struct ticket *ticket,
                                      const struct ticket_command *command) {
    uint32_t unit_tag = ticket_acting_unit(ticket, command);
    return joint == NULL || unit_tag == ticket->unit_tag ? NULL : joint_part_of(joint, unit_tag);
}

/* A first extension is the shift lead's; a second one, and one for engineering works, needs a
 * supervisor, as every suspension does. */
uint32_t ticket_deciders(const struct ticket *ticket) {
    switch ((enum ticket_request_kind)ticket->request.kind) {
    case REQUEST_EXTENSION:
        return ticket_has(ticket, FACT_EXTENDED) || ticket->request.reason == REASON_ENGINEERING
                   ? ROLE_SUPERVISOR
                   : ROLE_SHIFT_LEAD | ROLE_SUPERVISOR;
    case REQUEST_SUSPENSION:
        return ROLE_SUPERVISOR;
    case REQUEST_RETURN:
        return ROLE_DISPATCHER | ROLE_SHIFT_LEAD | ROLE_SUPERVISOR;
    case REQUEST_WHISTLE:
        return ROLE_WHISTLE_CENTER;
    case REQUEST_NONE:
        break;
    }
    return 0;
}

/* A guard looks at the step (its command's verb, actor and unit_tag only). */
typedef enum ticket_refusal guard_fn(const struct ticket_step *step);

static const struct ticket_actor *actor_of(const struct ticket_step *step) {
    return &step->command->actor;
}

static bool same_person(uint64_t a, struct slice name) {
    return a != 0 && a == ticket_hash(name);
}

/* Level of the region that somebody acts for, or `otherwise`. */
static uint8_t actor_level(const struct ticket_step *step, uint8_t otherwise) {
    uint32_t region = actor_of(step)->region;
    return region == REGION_NONE || step->context->regions == NULL
               ? otherwise
               : region_level(step->context->regions, region);
}

/* Ordinary ladders end at the county. */
static uint8_t county_level(const struct ticket_step *step) {
    return step->policy->ladders[3].top_level;
}

static enum ticket_refusal system_p1(const struct ticket_step *step) {
    return actor_of(step)->roles == ROLE_SYSTEM && step->ticket->priority != 1 ? REFUSAL_SYSTEM_P1
                                                                               : REFUSAL_NONE;
}

/* A unit acts on its own assignment; who has the command by another role is not bound to that. */
static enum ticket_refusal own_unit(const struct ticket_step *step) {
    uint32_t acting = ticket_acting_unit(step->ticket, step->command);
    uint32_t roles = actor_of(step)->roles;
    uint32_t others = ticket_rule(step->command->verb)->roles & ~(uint32_t)ROLE_UNIT;
    bool is_bound = (roles & others) == 0 || roles == ROLE_ANY;
    bool is_own = step->ticket->unit_tag == 0 || acting == step->ticket->unit_tag ||
                  (step->joint != NULL && joint_part_of(step->joint, acting) != NULL);
    return is_own || !is_bound ? REFUSAL_NONE : REFUSAL_UNIT;
}

static enum ticket_refusal town(const struct ticket_step *step) {
    return actor_level(step, 0) <= county_level(step) + 1 ? REFUSAL_NONE : REFUSAL_TOWN;
}

static enum ticket_refusal of_the_public(const struct ticket_step *step) {
    bool is_public = ticket_has(step->ticket, FACT_PUBLIC);
    return is_public && (actor_of(step)->roles & ROLE_SHIFT_LEAD) == 0 ? REFUSAL_PUBLIC
                                                                       : REFUSAL_NONE;
}

static enum ticket_refusal running(const struct ticket_step *step) {
    return step->ticket->suspension == REASON_NONE ? REFUSAL_NONE : REFUSAL_SUSPENDED;
}

static enum ticket_refusal is_free(const struct ticket_step *step) {
    return step->ticket->request.kind == REQUEST_NONE ? REFUSAL_NONE : REFUSAL_PENDING;
}

static enum ticket_refusal single(const struct ticket_step *step) {
    return step->joint == NULL ? REFUSAL_NONE : REFUSAL_JOINT;
}

static enum ticket_refusal pending(const struct ticket_step *step) {
    uint32_t roles = actor_of(step)->roles;
    bool is_system_s = roles == ROLE_SYSTEM && step->command->verb == VERB_DENY;
    if ((ticket_deciders(step->ticket) & roles) == 0 && !is_system_s) {
        return REFUSAL_DECIDER;
    }
    return same_person(step->ticket->request.requester, actor_of(step)->name) ? REFUSAL_REQUESTER
                                                                              : REFUSAL_NONE;
}

static enum ticket_refusal self_category(const struct ticket_step *step) {
    return step->category != NULL && step->category->self_handle ? REFUSAL_NONE
                                                                 : REFUSAL_SELF_CATEGORY;
}

static enum ticket_refusal return_window(const struct ticket_step *step) {
    int64_t until_ms = step->ticket->state_since_ms + (int64_t)step->policy->return_s * SECOND_MS;
    return step->at_ms <= until_ms ? REFUSAL_NONE : REFUSAL_RETURN_WINDOW;
}

static enum ticket_refusal before_due(const struct ticket_step *step) {
    const struct ticket_clock *handle = ticket_clock_of(step->ticket, STAGE_HANDLE);
    return handle == NULL || ticket_clock_is_late(step, handle) ? REFUSAL_OVERDUE : REFUSAL_NONE;
}

static enum ticket_refusal extension(const struct ticket_step *step) {
    if (step->ticket->priority == 1) {
        return REFUSAL_P1;
    }
    return ticket_has(step->ticket, FACT_EXTENDED_TWICE) ? REFUSAL_EXTENDED : REFUSAL_NONE;
}

static enum ticket_refusal holds(const struct ticket_step *step) {
    return step->ticket->holds_count < TICKET_HOLDS_MAX ? REFUSAL_NONE : REFUSAL_HOLDS;
}

static enum ticket_refusal parts(const struct ticket_step *step) {
    bool is_lead_s = ticket_acting_part(step->joint, step->ticket, step->command) == NULL;
    return is_lead_s && step->joint != NULL && !joint_is_complete(step->joint) ? REFUSAL_PARTS
                                                                               : REFUSAL_NONE;
}

/* In `dispatched` the lead signs, or a co-handler that has not checked in; in `handling` only
 * such a co-handler. */
static enum ticket_refusal is_signed(const struct ticket_step *step) {
    const struct joint_part *part = ticket_acting_part(step->joint, step->ticket, step->command);
    if (part == NULL) {
        return step->ticket->state == TICKET_DISPATCHED ? REFUSAL_NONE : REFUSAL_SIGNED;
    }
    return part->status == JOINT_ASSIGNED ? REFUSAL_NONE : REFUSAL_SIGNED;
}

/* The lead works once it has signed; a co-handler also while the lead has not. */
static enum ticket_refusal is_working(const struct ticket_step *step) {
    const struct joint_part *part = ticket_acting_part(step->joint, step->ticket, step->command);
    if (part == NULL) {
        return step->ticket->state == TICKET_HANDLING ? REFUSAL_NONE : REFUSAL_STATE;
    }
    return part->status == JOINT_ASSIGNED ? REFUSAL_NOT_SIGNED
           : part->status == JOINT_DONE   ? REFUSAL_PART_DONE
                                          : REFUSAL_NONE;
}

static enum ticket_refusal not_handler(const struct ticket_step *step) {
    return same_person(step->ticket->handler, actor_of(step)->name) ? REFUSAL_HANDLER
                                                                    : REFUSAL_NONE;
}

static enum ticket_refusal unsupervised(const struct ticket_step *step) {
    return step->ticket->supervised ? REFUSAL_SUPERVISED : REFUSAL_NONE;
}

static enum ticket_refusal appoint(const struct ticket_step *step) {
    bool is_higher = (actor_of(step)->roles & ROLE_SUPERVISOR) != 0 ||
                     actor_level(step, UINT8_MAX) <= county_level(step);
    return ticket_has(step->ticket, FACT_SHUFFLED) && !is_higher ? REFUSAL_APPOINT : REFUSAL_NONE;
}

static enum ticket_refusal reopen(const struct ticket_step *step) {
    const struct ticket *ticket = step->ticket;
    if (ticket->state == TICKET_REJECTED) {
        return ticket_has(ticket, FACT_REJECTED_ONCE) ? REFUSAL_REOPENED : REFUSAL_NONE;
    }
    int64_t until_ms = ticket->state_since_ms + (int64_t)step->policy->reopen_s * SECOND_MS;
    return ticket->state == TICKET_ARCHIVED && step->at_ms > until_ms ? REFUSAL_REOPEN_WINDOW
                                                                      : REFUSAL_NONE;
}

static enum ticket_refusal followed_up(const struct ticket_step *step) {
    const struct ticket *ticket = step->ticket;
    bool waits = ticket_has(ticket, FACT_REPORTER) && !ticket_has(ticket, FACT_FOLLOWED_UP);
    int64_t until_ms = ticket->closed_ms + (int64_t)step->policy->archive_s * SECOND_MS;
    return waits && step->at_ms < until_ms ? REFUSAL_FOLLOW_UP : REFUSAL_NONE;
}

static const struct {
    enum ticket_guard guard;
    guard_fn *ask;
} guards[] = {
    {GUARD_SYSTEM_P1, system_p1},
    {GUARD_OWN_UNIT, own_unit},
    {GUARD_TOWN, town},
    {GUARD_PUBLIC, of_the_public},
    {GUARD_RUNNING, running},
    {GUARD_FREE, is_free},
    {GUARD_SINGLE, single},
    {GUARD_PENDING, pending},
    {GUARD_SELF_CATEGORY, self_category},
    {GUARD_RETURN_WINDOW, return_window},
    {GUARD_BEFORE_DUE, before_due},
    {GUARD_EXTENSION, extension},
    {GUARD_HOLDS, holds},
    {GUARD_PARTS, parts},
    {GUARD_SIGNED, is_signed},
    {GUARD_WORKING, is_working},
    {GUARD_NOT_HANDLER, not_handler},
    {GUARD_UNSUPERVISED, unsupervised},
    {GUARD_APPOINT, appoint},
    {GUARD_REOPEN, reopen},
    {GUARD_FOLLOWED_UP, followed_up},
};

static bool in_region(const struct ticket_step *step) {
    uint32_t root = actor_of(step)->region;
    return root == REGION_NONE || step->context->regions == NULL ||
           (step->ticket->region != REGION_NONE &&
            region_is_within(step->context->regions, step->ticket->region, root));
}

/* What nobody may do now, whatever his role: asked first, so that the answer is about the state. */
static enum ticket_refusal state_refuses(const struct ticket *ticket,
                                         const struct ticket_rule *rule) {
    uint32_t from = rule->from;
    if (ticket->joint == 0 && (rule->guards & GUARD_SIGNED) != 0) {
        from &= ~(1u << TICKET_HANDLING); /* there only for co-handlers */
    }
    if (ticket->joint == 0 && (rule->guards & GUARD_WORKING) != 0) {
        from &= ~(1u << TICKET_DISPATCHED);
    }
    if ((from & 1u << ticket->state) == 0) {
        return REFUSAL_STATE;
    }
    if ((rule->guards & GUARD_PENDING) != 0 && ticket->request.kind == REQUEST_NONE) {
        return REFUSAL_NOTHING_PENDING;
    }
    return (rule->guards & GUARD_SUSPENDED) != 0 && ticket->suspension == REASON_NONE
               ? REFUSAL_NOT_SUSPENDED
               : REFUSAL_NONE;
}

enum ticket_refusal ticket_refusal(const struct ticket_context *context,
                                   const struct ticket *ticket,
                                   const struct ticket_command *command) {
    const struct ticket_rule *rule = ticket_rule(command->verb);
    enum ticket_refusal by_state = state_refuses(ticket, rule);
    if (by_state != REFUSAL_NONE) {
        return by_state;
    }
    if ((rule->roles & command->actor.roles) == 0) {
        return REFUSAL_ROLE;
    }
    struct ticket_step step;
    ticket_step_begin(&step, context, (struct ticket *)ticket, command);
    if (!in_region(&step)) {
        return REFUSAL_REGION;
    }
    for (size_t i = 0; i < ARRAY_COUNT(guards); i++) {
        enum ticket_refusal refusal =
            (rule->guards & guards[i].guard) != 0 ? guards[i].ask(&step) : REFUSAL_NONE;
        if (refusal != REFUSAL_NONE) {
            return refusal;
        }
    }
    return REFUSAL_NONE;
}

uint32_t ticket_allowed(const struct ticket_context *context, const struct ticket *ticket,
                        const struct ticket_actor *actor) {
    uint32_t allowed = 0;
    for (uint32_t verb = 1; verb < VERBS_END; verb++) {
        struct ticket_command command = {.verb = (enum ticket_verb)verb, .actor = *actor};
        if (ticket_refusal(context, ticket, &command) == REFUSAL_NONE) {
            allowed |= 1u << verb;
        }
    }
    return allowed;
}
