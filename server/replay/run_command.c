#include "server/replay/run.h"

#include "core/base/check.h"
#include "core/report/report_parse.h"

#include <string.h>

enum { CLOSE_STEPS_MAX = 64 }; /* 16 co-handlers sign and finish */

static uint64_t seq_of_report(const struct replay_run *run, const struct replay_line *line) {
    static const struct slice anonymous = SLICE_LITERAL("anonymous");
    const struct report_context context = {.identity_seed = run->identity_seed};
    struct slice source = line->source.bytes == 0 ? anonymous : line->source;
    if (source.bytes > REPORT_SOURCE_BYTES_MAX || line->id.bytes > REPORT_ID_BYTES_MAX) {
        return 0;
    }
    struct identity identity = report_given_identity(&context, source, line->id);
    const struct identity_slot *slot = identities_find(&run->engine.identities, identity);
    return slot == NULL ? 0 : identity_slot_seq(slot);
}

/* A ticket that is over comes back into memory; docket_release and a flush let it go again. */
static struct ticket *in_memory(struct replay_run *run, uint64_t number) {
    struct ticket *ticket = docket_find(&run->world.docket, number);
    struct slice row = ticket == NULL ? archive_find(&run->archive, number) : (struct slice){0};
    if (row.bytes > 0) {
        uint8_t key[TICKET_KEY_BYTES];
        ticket_key_encode(key, number);
        enum status status = world_load_ticket(&run->world, (struct slice){key, sizeof key}, row);
        CHECK(status == STATUS_OK || status == STATUS_FULL);
        ticket = docket_find(&run->world.docket, number);
    }
    return ticket;
}

/* The ticket that has the report's matter now: the report's incident may have been merged into
 * another one, or have got a new ticket since. */
static struct ticket *ticket_of(struct replay_run *run, const struct replay_line *line) {
    const struct book_report *report = book_report(&run->book, seq_of_report(run, line));
    if (report == NULL) {
        return NULL;
    }
    const struct incident *incident = incidents_resolve(&run->world.incidents, report->incident);
    uint64_t number = incident != NULL && incident->ticket != 0 ? incident->ticket : report->ticket;
    struct ticket *ticket = number == 0 ? NULL : in_memory(run, number);
    while (ticket != NULL && ticket->state == TICKET_MERGED) {
        uint64_t survivor = ticket->survivor;
        docket_release(&run->world.docket, ticket);
        ticket = in_memory(run, survivor);
    }
    return ticket;
}

static struct ticket_outcome give(struct replay_run *run, struct ticket *ticket,
                                  const struct ticket_command *command) {
    struct event_log *log = replay_step_begin(run, run->engine.next_seq);
    struct ticket_outcome outcome = world_command(&run->world, ticket, command, log);
    replay_step_end(run);
    return outcome;
}

/* What a co-handler has still to do before the lead's result is taken; false: nothing. */
static bool next_of_parts(const struct replay_run *run, const struct ticket *ticket,
                          struct ticket_command *command) {
    const struct joint *joint = joint_of(&run->world.docket.joints, ticket->joint);
    for (uint32_t i = 0; joint != NULL && i < joint->parts_count; i++) {
        const struct joint_part *part = &joint->parts[i];
        bool is_open = part->status == JOINT_ASSIGNED || part->status == JOINT_CHECKED_IN ||
                       part->status == JOINT_WORKING;
        if (is_open && part->is_mandatory) {
            command->verb = part->status == JOINT_ASSIGNED ? VERB_SIGN : VERB_SUBMIT_RESULT;
            command->unit_tag = part->unit_tag;
            return true;
        }
    }
    return false;
}

/* The next command on the way to closed; false: it is there, or it cannot be. */
static bool next_to_close(const struct replay_run *run, const struct ticket *ticket,
                          struct ticket_command *command) {
    if (ticket->request.kind != REQUEST_NONE) {
        command->verb = VERB_DENY;
        return true;
    }
    if (ticket->suspension != REASON_NONE) {
        command->verb = VERB_RESUME;
        return true;
    }
    switch ((enum ticket_state)ticket->state) {
    case TICKET_REPORTED:
        command->verb = VERB_ACCEPT;
        return true;
    case TICKET_VERIFYING:
        command->verb = VERB_VERIFY_RESULT;
        command->confirmed = TRI_YES;
        return true;
    case TICKET_ACCEPTED:
        command->verb = VERB_DISPATCH;
        return true;
    case TICKET_DISPATCHED:
        command->verb = VERB_SIGN;
        return true;
    case TICKET_HANDLING:
        if (!next_of_parts(run, ticket, command)) {
            command->verb = VERB_SUBMIT_RESULT;
        }
        return true;
    case TICKET_CHECKING:
        command->verb = ticket->supervised ? VERB_SUPERVISE : VERB_CHECK_PASS;
        command->lift = ticket->supervised;
        return true;
    case TICKET_CLOSED:
    case TICKET_ARCHIVED:
    case TICKET_REJECTED:
    case TICKET_VOIDED:
    case TICKET_MERGED:
    case TICKET_STATES:
        break;
    }
    return false;
}

/* `close`: whatever is still needed, by anybody, at this instant. History from elsewhere knows when
 * a case was closed, not who signed what when. */
static struct ticket_outcome close_ticket(struct replay_run *run, struct ticket *ticket,
                                          const struct ticket_command *fields) {
    struct ticket_outcome outcome = {.verdict = TICKET_STATE,
                                     .refusal = REFUSAL_STATE,
                                     .why = ticket_refusal_text(REFUSAL_STATE)};
    for (int i = 0; i < CLOSE_STEPS_MAX; i++) {
        struct ticket_command command = {.verb = VERB_ACK,
                                         .actor = fields->actor,
                                         .note = fields->note,
                                         .closure = fields->closure,
                                         .has_evidence = true};
        if (!next_to_close(run, ticket, &command)) {
            break;
        }
        outcome = give(run, ticket, &command);
        if (outcome.verdict != TICKET_DONE) {
            break;
        }
    }
    docket_release(&run->world.docket, ticket);
    return outcome;
}

static void note_refused(struct replay_run *run, const struct replay_line *line,
                         const char *pointer, const char *why) {
    char name[TICKET_NAME_BYTES_MAX];
    size_t bytes = min_u64(line->command.bytes, 32);
    memcpy(name, line->command.data, bytes);
    name[bytes] = '\0';
    replay_note(run, name, pointer, why);
}

/* Of a body, which is good until body_deinit. */
static bool read_fields(struct replay_run *run, const struct replay_line *line,
                        enum ticket_verb verb) {
    const struct command_names names = {run->rules.policy, run->rules.regions};
    body_init(&run->body, line->fields, run->rules.limits);
    return command_fields_read(&run->fields, &run->body, verb, &names);
}

static void take_read(struct replay_run *run, const struct replay_line *line, bool is_close) {
    struct ticket *ticket = ticket_of(run, line);
    if (ticket == NULL) {
        run->counts.unknown_tickets++;
        note_refused(run, line, "", "the report has no ticket, or has not been sent yet");
        return;
    }
    const struct ticket_command *command = &run->fields.command;
    struct ticket_outcome outcome =
        is_close ? close_ticket(run, ticket, command) : give(run, ticket, command);
    run->counts.commands[outcome.verdict]++;
    if (outcome.verdict != TICKET_DONE && outcome.verdict != TICKET_REPLAYED) {
        note_refused(run, line, outcome.pointer == NULL ? "" : outcome.pointer,
                     outcome.why == NULL ? "" : outcome.why);
    }
}

void replay_take_command(struct replay_run *run, const struct replay_line *line) {
    enum ticket_verb verb = VERB_SUBMIT_RESULT; /* what a close has the fields of */
    bool is_close = slice_is(line->command, "close");
    if (!is_close && !ticket_verb_parse(&verb, line->command)) {
        run->counts.commands[TICKET_INVALID]++;
        note_refused(run, line, "", "there is no such command");
        return;
    }
    if (read_fields(run, line, verb)) {
        take_read(run, line, is_close);
    } else {
        run->counts.commands[TICKET_INVALID]++;
        note_refused(run, line, run->body.pointer, run->body.detail);
    }
    body_deinit(&run->body);
}
