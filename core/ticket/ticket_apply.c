#include "core/ticket/directive.h"

#include "core/base/mutant.h"
#include "core/ticket/ticket_fire.h"
#include "core/ticket/ticket_inside.h"

enum { VERB_BITS = 8, REPLAY_VERSION_MAX = (1 << 24) - 1 };
_Static_assert(VERBS_END <= 1 << VERB_BITS, "a remembered command fits beside its version");

static struct ticket_outcome outcome(enum ticket_verdict verdict, const struct ticket *ticket) {
    return (struct ticket_outcome){.verdict = verdict, .why = "", .version = ticket->version};
}

static struct ticket_outcome refused(enum ticket_refusal refusal, const struct ticket *ticket) {
    struct ticket_outcome out = outcome(ticket_refusal_verdict(refusal), ticket);
    out.refusal = refusal;
    out.why = ticket_refusal_text(refusal);
    return out;
}

static struct ticket_outcome failed(enum ticket_verdict verdict, const struct ticket *ticket,
                                    const char *pointer, const char *why) {
    struct ticket_outcome out = outcome(verdict, ticket);
    out.pointer = pointer;
    out.why = why;
    return out;
}

/* DONE: this command id is new. */
static struct ticket_outcome seen_before(const struct ticket *ticket,
                                         const struct ticket_command *command) {
    uint64_t id = ticket_hash(command->command_id);
    for (size_t i = 0; id != 0 && i < TICKET_REPLAYS_MAX; i++) {
        if (ticket->replay_ids[i] != id) {
            continue;
        }
        uint32_t made = ticket->replay_versions[i];
        if ((made & ((1u << VERB_BITS) - 1)) != (uint32_t)command->verb) {
            return refused(REFUSAL_COMMAND_ID, ticket);
        }
        struct ticket_outcome out = outcome(TICKET_REPLAYED, ticket);
        out.version = made >> VERB_BITS;
        return out;
    }
    return outcome(TICKET_DONE, ticket);
}

static void remember(struct ticket *ticket, const struct ticket_command *command) {
    uint64_t id = MUTANT(COMMAND_NOT_REMEMBERED) ? 0 : ticket_hash(command->command_id);
    if (id != 0) {
        CHECK(ticket->version <= REPLAY_VERSION_MAX);
        ticket->replay_ids[ticket->replay_next] = id;
        ticket->replay_versions[ticket->replay_next] =
            ticket->version << VERB_BITS | (uint32_t)command->verb;
        ticket->replay_next = (uint8_t)((ticket->replay_next + 1) % TICKET_REPLAYS_MAX);
    }
}

/* A co-handler does not answer for the lead, nor does a timer. */
static bool is_answer(const struct ticket_step *step) {
    return ticket_verb_answers(step->command->verb) && step->command->actor.roles != ROLE_SYSTEM &&
           ticket_acting_part(step->joint, step->ticket, step->command) == NULL;
}

/* Does the command and tells it. False: no room. */
static bool carry_out(struct ticket_step *step) {
    struct ticket *ticket = step->ticket;
    struct directive_share before = directive_share_of(ticket);
    bool answers = is_answer(step);
    if (!ticket_do(step)) {
        return false;
    }
    if (answers) {
        ticket_clock_end(step, STAGE_REPLY);
    }
    ticket->version++;
    ticket->last_activity_ms = step->at_ms;
    remember(ticket, step->command);
    ticket_tell_command(step);
    enum ticket_verb verb = step->command->verb;
    if ((verb == VERB_SUPERVISE && ticket->supervised) || verb == VERB_REMIND) {
        ticket_tell_page(step, ticket_verb_name(verb));
    }
    directive_note(step->context, ticket, &before);
    if (verb != VERB_UNMERGE || !MUTANT(UNMERGE_FORGETS_CLOCK)) {
        ticket_refresh_due(step->context, ticket);
    }
    return true;
}

/* What became P1 by this command waits for nobody from now on. A unit's return does: the system
 * would send it to the same unit again. */
static void hurry(const struct ticket_context *context, struct ticket *ticket,
                  enum ticket_verb verb) {
    bool may_be_new = verb == VERB_UPGRADE || verb == VERB_ACCEPT || verb == VERB_REOPEN;
    bool is_free = ticket->request.kind == REQUEST_NONE && !ticket_has(ticket, FACT_SHUFFLED);
    if (ticket->priority != 1 || !may_be_new || !is_free) {
        return;
    }
    if (ticket->state == TICKET_REPORTED) {
        ticket_system_does(context, ticket, VERB_ACCEPT, context->now_ms, false);
    }
    if (ticket->state == TICKET_ACCEPTED) {
        ticket_system_does(context, ticket, VERB_DISPATCH, context->now_ms, false);
    }
}

struct ticket_outcome ticket_apply(const struct ticket_context *context, struct ticket *ticket,
                                   const struct ticket_command *command) {
    struct ticket_outcome seen = seen_before(ticket, command);
    if (seen.verdict != TICKET_DONE) {
        return seen;
    }
    if (command->if_version != 0 && command->if_version != ticket->version) {
        return failed(TICKET_VERSION, ticket, "/if_version",
                      "the ticket has changed since that version");
    }
    if (ticket_recompute(context, ticket)) {
        ticket_refresh_due(context, ticket);
    }
    enum ticket_refusal refusal = ticket_refusal(context, ticket, command);
    if (refusal != REFUSAL_NONE) {
        return refused(refusal, ticket);
    }
    struct ticket_step step;
    ticket_step_begin(&step, context, ticket, command);
    const char *pointer = NULL;
    const char *why = ticket_fields_problem(&step, &pointer);
    if (why != NULL) {
        return failed(TICKET_INVALID, ticket, pointer, why);
    }
    if (!carry_out(&step)) {
        return failed(TICKET_FULL, ticket, NULL, "too many tickets are handled jointly");
    }
    hurry(context, ticket, command->verb);
    return outcome(TICKET_DONE, ticket);
}

void ticket_repage(const struct ticket_context *context, struct ticket *ticket, const char *why) {
    struct ticket_step step;
    if (!ticket_state_is_open((enum ticket_state)ticket->state)) {
        return;
    }
    (void)ticket_recompute(context, ticket);
    ticket_step_begin(&step, context, ticket, NULL);
    ticket->acked_until_ms = 0;
    ticket->paged_from_ms = step.at_ms;
    ticket->unacked_step = 0;
    ticket->last_activity_ms = step.at_ms;
    ticket_tell_page(&step, why);
    ticket_refresh_due(context, ticket);
}

void ticket_system_command(const struct ticket_context *context, struct ticket *ticket,
                           const struct ticket_command *command, int64_t at_ms, bool is_late) {
    struct ticket_step step;
    ticket_step_begin(&step, context, ticket, command);
    step.at_ms = at_ms > ticket->last_activity_ms ? at_ms : ticket->last_activity_ms;
    step.is_late = is_late;
    bool done = carry_out(&step);
    CHECK(done); /* the system never makes a ticket joint */
}

void ticket_system_does(const struct ticket_context *context, struct ticket *ticket,
                        enum ticket_verb verb, int64_t at_ms, bool is_late) {
    struct ticket_command command = {.verb = verb,
                                     .actor = {.roles = ROLE_SYSTEM, .region = REGION_NONE}};
    ticket_system_command(context, ticket, &command, at_ms, is_late);
}
