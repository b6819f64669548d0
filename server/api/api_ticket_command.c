/* POST /v1/tickets/{id}/{command} */
#include "core/base/check.h"
#include "server/api/api_tickets.h"
#include "server/api/audit.h"
#include "server/api/caller.h"
#include "server/api/command_fields.h"
#include "server/api/routes.h"
#include "server/domain/driver.h"
#include "server/domain/ticket_load.h"

#include <stdio.h>
#include <stdlib.h>

struct command_change {
    struct change change;
    uint64_t number;
    enum ticket_verb verb;
    struct body body;
    struct command_fields fields;
    struct ticket_load *load; /* under way; NULL: none */
    struct ticket_outcome outcome;
};

static struct command_change *command_of(struct change *change) {
    return (struct command_change *)(void *)change;
}

/* Names of refusals as words of the API. */
static void write_refusal(struct json_out *out, enum ticket_refusal refusal) {
    char word[32];
    const char *name = ticket_refusal_name(refusal);
    size_t bytes = 0;
    for (; name[bytes] != '\0'; bytes++) {
        CHECK(bytes + 1 < sizeof word);
        word[bytes] = (char)(name[bytes] == '_' || (name[bytes] >= '0' && name[bytes] <= '9')
                                 ? name[bytes]
                                 : name[bytes] - 'A' + 'a');
    }
    word[bytes] = '\0';
    json_out_key_text(out, "reason", word);
}

/* What the answer shows: the ticket, or what can be done with it instead. */
static void write_answer(struct command_change *command, const struct ticket_view *view) {
    const struct ticket_outcome *outcome = &command->outcome;
    struct buffer *to = &command->change.answer;
    struct json_out out;
    if (outcome->verdict == TICKET_DONE || outcome->verdict == TICKET_REPLAYED) {
        ticket_write_object(to, view, &command->fields.command.actor);
        return;
    }
    json_out_init(&out, to);
    json_out_object_begin(&out);
    json_out_name(&out, "ticket", 't', view->ticket.number);
    json_out_key_text(&out, "state", ticket_state_name((enum ticket_state)view->ticket.state));
    json_out_key_u64(&out, "version", view->ticket.version);
    if (outcome->refusal != REFUSAL_NONE) {
        write_refusal(&out, outcome->refusal);
    }
    ticket_json_allowed(&out, view, &command->fields.command.actor);
    json_out_object_end(&out);
}

static void answer(struct change *change) {
    struct command_change *command = command_of(change);
    const struct ticket_outcome *outcome = &command->outcome;
    switch (outcome->verdict) {
    case TICKET_DONE:
        change_answer(change, 200);
        return;
    case TICKET_REPLAYED:
        http_add_header(change->request, "Idempotent-Replay", "true");
        change_answer(change, 200);
        return;
    case TICKET_STATE:
        change_problem(change, 409, "not allowed now", outcome->why);
        return;
    case TICKET_ROLE:
        change_problem(change, 403, "not allowed for the caller", outcome->why);
        return;
    case TICKET_VERSION:
        change_problem(change, 412, "another version", outcome->why);
        return;
    case TICKET_INVALID:
        change_invalid(change, outcome->pointer, outcome->why);
        return;
    case TICKET_FULL:
        change_problem(change, 503, "full", outcome->why);
        return;
    }
    CHECK(false);
}

/* A survivor that the caller may not see is none. */
static void hide_target(struct command_change *command, const struct docket *docket) {
    const struct ticket *target = command->fields.command.verb == VERB_MERGE
                                      ? docket_find(docket, command->fields.command.target)
                                      : NULL;
    if (target != NULL && !caller_reaches(command->change.request, target->region)) {
        command->fields.command.target = UINT64_MAX;
    }
}

/* What was done is in the audit; what was refused or done before is not an act. */
static uint64_t tell(const struct command_change *command, uint32_t region) {
    struct http_request *request = command->change.request;
    char word[48], name[24];
    if (command->outcome.verdict != TICKET_DONE) {
        return 0;
    }
    (void)snprintf(word, sizeof word, "ticket.%s", ticket_verb_name(command->verb));
    (void)snprintf(name, sizeof name, "t%llu", (unsigned long long)command->number);
    return audit_request(
        request, &(struct audit_act){.act = word, .object = slice_text(name), .region = region});
}

/* The ticket is in memory. What is refused is answered from a look at it from before: a ticket that
 * is over leaves memory again with the refusal. */
static void do_command(struct command_change *command) {
    struct services *services = command->change.services;
    const struct docket *docket = &driver_world(services->driver)->docket;
    struct ticket_view before, after;
    if (!caller_reaches(command->change.request, docket_find(docket, command->number)->region)) {
        ticket_answer_unknown(command->change.request);
        return;
    }
    hide_target(command, docket);
    struct ticket_scene scene;
    struct driver_step step;
    ticket_view_now(&before, &scene, services, docket_find(docket, command->number));
    ticket_scene_deinit(&scene);
    audit_reserve(services);
    command->outcome =
        driver_command(services->driver, command->number, &command->fields.command, &step);
    step.seq = max_u64(step.seq, tell(command, before.ticket.region));
    const struct ticket *ticket = docket_find(docket, command->number);
    CHECK(ticket != NULL || command->outcome.verdict != TICKET_DONE);
    const struct joint *joint =
        ticket != NULL ? joint_of(&docket->joints, ticket->joint) : ticket_view_joint(&before);
    ticket_scene_init(&scene, services->driver, regions_current(services->regions));
    ticket_view_copy(&after, &scene, ticket != NULL ? ticket : &before.ticket, joint);
    write_answer(command, &after);
    ticket_scene_deinit(&scene);
    change_wait(&command->change, step.seq, answer);
}

static void on_loaded(void *context, enum status status) {
    struct command_change *command = context;
    command->load = NULL;
    if (status == STATUS_OK) {
        do_command(command);
    } else if (status == STATUS_NOT_FOUND) {
        ticket_answer_unknown(command->change.request);
    } else {
        change_problem(&command->change, 503, "not available",
                       status == STATUS_FULL ? "too many tickets are open"
                                             : "the stored ticket could not be read");
    }
}

static void take(struct change *change) {
    struct command_change *command = command_of(change);
    struct services *services = change->services;
    const struct command_names names = {services->policy,
                                        regions_current(services->regions)->table};
    body_init(&command->body, buffer_slice(&change->body), &services->config->limits);
    if (!command_fields_read(&command->fields, &command->body, command->verb, &names)) {
        body_answer_problem(&command->body, change);
        return;
    }
    caller_fill_actor(change->request, &command->fields.command.actor);
    if (change_is_refused(change->request)) {
        return;
    }
    if (ticket_is_loaded(services->ticket_loader, command->number)) {
        do_command(command);
    } else {
        command->load =
            ticket_load_start(services->ticket_loader, command->number, on_loaded, command);
    }
}

static void release(struct change *change) {
    struct command_change *command = command_of(change);
    body_deinit(&command->body);
    free(command);
}

void api_ticket_command_on_headers(struct http_request *request) {
    uint64_t number;
    enum ticket_verb verb;
    if (!ticket_of_path(request, &number)) {
        return;
    }
    if (!ticket_verb_parse(&verb, http_param(request, "command"))) {
        http_problem(request, 404, "not found", "there is no such command", NULL);
        return;
    }
    if (change_is_refused(request)) {
        return;
    }
    struct command_change *command = calloc(1, sizeof *command);
    CHECK(command != NULL);
    command->number = number;
    command->verb = verb;
    change_begin(&command->change, request, COMMAND_BODY_BYTES_MAX, take, release);
}

void api_ticket_command_on_done(struct http_request *request) {
    struct command_change *command = http_state(request);
    if (command != NULL && command->load != NULL) {
        ticket_load_abandon(command->load);
        command->load = NULL;
    }
    change_on_done(request);
}
