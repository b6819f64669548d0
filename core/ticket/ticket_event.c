#include "core/ticket/ticket_inside.h"

static const struct {
    enum tri_state state;
    const char *word;
} answers[] = {{TRI_NO, "no"}, {TRI_YES, "yes"}};

void ticket_event_text(struct ticket_event *event, const char *key, struct slice text) {
    if (text.bytes > 0) {
        json_write_key(&event->writer, key);
        json_write_string(&event->writer, text);
    }
}

static void number(struct ticket_event *event, const char *key, uint64_t value) {
    json_write_key(&event->writer, key);
    json_write_u64(&event->writer, value);
}

static void named(struct ticket_event *event, const char *key, char letter, uint64_t value) {
    if (value != 0) {
        json_write_key(&event->writer, key);
        json_write_name(&event->writer, letter, value);
    }
}

static void instant(struct ticket_event *event, const char *key, int64_t ms) {
    if (ms != 0) {
        json_write_key(&event->writer, key);
        json_write_instant(&event->writer, ms);
    }
}

static void answer(struct ticket_event *event, const char *key, enum tri_state state) {
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
        if (answers[i].state == state) {
            ticket_event_text(event, key, slice_text(answers[i].word));
        }
    }
}

void ticket_event_unit(const struct ticket_step *step, struct ticket_event *event, const char *key,
                       uint32_t unit_tag) {
    const struct unit *unit = unit_tag == 0 ? NULL : policy_unit_by_tag(step->policy, unit_tag);
    if (unit != NULL) {
        ticket_event_text(event, key, slice_text(unit->code));
    }
}

void ticket_event_begin(const struct ticket_step *step, struct ticket_event *event) {
    const struct ticket *ticket = step->ticket;
    json_writer_init(&event->writer, event->bytes, sizeof event->bytes);
    json_write_object_begin(&event->writer);
    named(event, "ticket", 't', ticket->number);
    named(event, "incident", 'i', ticket->incident);
    named(event, "directive", 'd', ticket->directive);
    number(event, "version", ticket->version);
    number(event, "previous", ticket->last_event_seq);
    ticket_event_text(event, "state",
                      slice_text(ticket_state_name((enum ticket_state)ticket->state)));
    number(event, "priority", ticket->priority);
    ticket_event_text(event, "light", slice_text(light_name(ticket_light(step->context, ticket))));
    instant(event, "due_at", ticket_due_ms(ticket));
    ticket_event_unit(step, event, "unit", ticket->unit_tag);
    if (step->is_late) {
        json_write_key(&event->writer, "late_fire");
        json_write_bool(&event->writer, true);
    }
}

void ticket_event_append(const struct ticket_step *step, struct ticket_event *event,
                         enum entry_kind kind) {
    struct ticket *ticket = step->ticket;
    struct effects *effects = step->context->effects;
    struct slice json;
    json_write_object_end(&event->writer);
    enum status status = json_writer_finish(&event->writer, &json);
    CHECK(status ==
          STATUS_OK); /* all that is written is bounded, TICKET_EVENT_BYTES_MAX above it */
    uint64_t seq = effects->next_seq;
    struct event appended = {.kind = kind,
                             .severity = ticket->severity,
                             .region = ticket->region,
                             .category_tag = ticket->category_tag,
                             .object = ticket->number,
                             .json = json};
    effects->append(effects->context, &appended);
    CHECK(effects->next_seq == seq + 1);
    ticket->last_event_seq = seq;
    ticket->events_count++;
}

/* The one role that gave the actor the command. */
static const char *role_of(const struct ticket_command *command) {
    uint32_t roles = command->actor.roles;
    uint32_t used = roles & ticket_rule(command->verb)->roles;
    return roles == ROLE_ANY ? ticket_role_name(ROLE_ANY)
                             : ticket_role_name((enum ticket_role)(used & (~used + 1)));
}

static void tell_parts(const struct ticket_step *step, struct ticket_event *event) {
    const struct joint *joint = step->joint;
    if (joint == NULL) {
        return;
    }
    json_write_key(&event->writer, "co_handlers");
    json_write_array_begin(&event->writer);
    for (uint32_t i = 0; i < joint->parts_count; i++) {
        const struct joint_part *part = &joint->parts[i];
        json_write_object_begin(&event->writer);
        ticket_event_unit(step, event, "unit", part->unit_tag);
        ticket_event_text(event, "status",
                          slice_text(joint_status_name((enum joint_status)part->status)));
        json_write_key(&event->writer, "mandatory");
        json_write_bool(&event->writer, part->is_mandatory != 0);
        instant(event, "due_at", part->handle.due_ms == CLOCK_NEVER ? 0 : part->handle.due_ms);
        json_write_object_end(&event->writer);
    }
    json_write_array_end(&event->writer);
}

static void tell_fields(const struct ticket_step *step, struct ticket_event *event) {
    const struct ticket *ticket = step->ticket;
    const struct ticket_command *command = step->command;
    if (ticket->request.kind != REQUEST_NONE) {
        enum ticket_request_kind kind = (enum ticket_request_kind)ticket->request.kind;
        const struct ticket_clock *decide = ticket_clock_of(ticket, STAGE_DECIDE);
        ticket_event_text(event, "pending_request", slice_text(ticket_request_name(kind)));
        instant(event, "decide_by",
                decide == NULL || decide->due_ms == CLOCK_NEVER ? 0 : decide->due_ms);
    }
    if (command->reason != REASON_NONE) {
        ticket_event_text(event, "reason_code", slice_text(ticket_reason_name(command->reason)));
    }
    if (ticket->closure != CLOSURE_NONE) {
        enum ticket_closure closure = (enum ticket_closure)ticket->closure;
        ticket_event_text(event, "closure", slice_text(ticket_closure_name(closure)));
    }
    if (command->on_scene) {
        ticket_event_text(event, "on_scene", SLICE_LITERAL("yes"));
    }
    if (command->verb == VERB_SUPERVISE) {
        json_write_key(&event->writer, "supervised");
        json_write_bool(&event->writer, ticket->supervised != 0);
        const struct ticket_clock *reply = ticket_clock_of(ticket, STAGE_REPLY);
        instant(event, "reply_by",
                reply == NULL || reply->due_ms == CLOCK_NEVER ? 0 : reply->due_ms);
    }
    instant(event, "until", command->verb == VERB_REQUEST_SUSPENSION ? command->until_ms : 0);
    instant(event, "acked_until", ticket->acked_until_ms);
    instant(event, "resume_at", ticket->resume_ms);
    named(event, "into", 't', ticket->survivor);
    answer(event, "confirmed", command->confirmed);
    answer(event, "contacted", command->contacted);
    answer(event, "solved", command->solved);
    answer(event, "satisfied", command->satisfied);
    ticket_event_unit(step, event, "proposed_unit", command->proposed_unit_tag);
}

void ticket_tell_command(const struct ticket_step *step) {
    const struct ticket_command *command = step->command;
    struct ticket_event UNINITIALIZED event;
    ticket_event_begin(step, &event);
    ticket_event_text(&event, "command", slice_text(ticket_verb_name(command->verb)));
    ticket_event_text(&event, "from", slice_text(ticket_state_name(step->from)));
    ticket_event_text(&event, "to",
                      slice_text(ticket_state_name((enum ticket_state)step->ticket->state)));
    ticket_event_text(&event, "actor", command->actor.name);
    ticket_event_text(&event, "role", slice_text(role_of(command)));
    uint32_t acting = ticket_acting_unit(step->ticket, command);
    if (acting != step->ticket->unit_tag) {
        ticket_event_unit(step, &event, "acting_unit", acting);
    }
    ticket_event_text(&event, "note", command->note);
    ticket_event_text(&event, "reason", command->reason_text);
    ticket_event_text(&event, "command_id", command->command_id);
    if (command->media_count > 0) {
        json_write_key(&event.writer, "media");
        ticket_media_write(&event.writer, command->media, command->media_count);
    }
    tell_fields(step, &event);
    tell_parts(step, &event);
    ticket_event_append(step, &event, ENTRY_TICKET_COMMAND);
}

void ticket_tell_page(const struct ticket_step *step, const char *why) {
    struct ticket_event UNINITIALIZED event;
    ticket_event_begin(step, &event);
    ticket_event_text(&event, "why", slice_text(why));
    ticket_event_text(&event, "told", SLICE_LITERAL("unit"));
    ticket_event_append(step, &event, ENTRY_TICKET_PAGED);
}
