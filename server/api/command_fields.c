#include "server/api/command_fields.h"

#include "core/base/check.h"

#include <string.h>

struct reading {
    struct command_fields *fields;
    struct body *body;
    const struct command_names *names;
};

static bool tri(struct body *body, enum tri_state *ret) {
    bool flag;
    if (!body_flag(body, &flag)) {
        return false;
    }
    *ret = flag ? TRI_YES : TRI_NO;
    return true;
}

static struct ticket_command *command_of(const struct reading *reading) {
    return &reading->fields->command;
}

/* Who gives the command: while there are no tokens, the body says it. */

static bool read_actor(const struct reading *reading) {
    return body_bounded_text(reading->body, TICKET_NAME_BYTES_MAX, "it is longer than 128 bytes",
                             &command_of(reading)->actor.name);
}

static bool read_role(const struct reading *reading) {
    struct slice text;
    if (!body_text(reading->body, &text)) {
        return false;
    }
    return ticket_role_parse(&command_of(reading)->actor.roles, text) ||
           body_refuse(reading->body,
                       "a role is reporter, worker, intake, shift_lead, dispatcher, "
                       "whistle_center, unit, checker, follow_up, supervisor, system or any");
}

static bool read_actor_unit(const struct reading *reading) {
    return body_unit(reading->body, reading->names->policy, &command_of(reading)->actor.unit_tag);
}

static bool read_actor_region(const struct reading *reading) {
    return body_region(reading->body, reading->names->regions, &command_of(reading)->actor.region);
}

static bool read_command_id(const struct reading *reading) {
    return body_bounded_text(reading->body, TICKET_COMMAND_ID_BYTES_MAX,
                             "it is longer than 128 bytes", &command_of(reading)->command_id);
}

static bool read_if_version(const struct reading *reading) {
    uint64_t version;
    if (!body_number(reading->body, UINT32_MAX, &version)) {
        return false;
    }
    command_of(reading)->if_version = (uint32_t)version;
    return true;
}

static bool read_note(const struct reading *reading) {
    return body_bounded_text(reading->body, TICKET_NOTE_BYTES_MAX, "it is longer than 2048 bytes",
                             &command_of(reading)->note);
}

/* A code where there is one for it, else text. */
static bool read_reason(const struct reading *reading) {
    struct ticket_command *command = command_of(reading);
    struct slice text;
    if (!body_bounded_text(reading->body, TICKET_NOTE_BYTES_MAX, "it is longer than 2048 bytes",
                           &text)) {
        return false;
    }
    bool has_codes =
        command->verb == VERB_REQUEST_SUSPENSION || command->verb == VERB_REQUEST_EXTENSION;
    if (has_codes && ticket_reason_parse(&command->reason, text)) {
        return true;
    }
    if (command->verb == VERB_REQUEST_SUSPENSION) {
        return body_refuse(reading->body, "a suspension's reason is engineering, season_weather, "
                                          "legal_procedure, other_authority or funding");
    }
    command->reason_text = text;
    return true;
}

static bool read_medium_member(struct body *body, struct slice name, struct ticket_medium *medium) {
    struct slice *ret = slice_is(name, "url")      ? &medium->url
                        : slice_is(name, "sha256") ? &medium->sha256
                        : slice_is(name, "mime")   ? &medium->mime
                        : slice_is(name, "name")   ? &medium->name
                                                   : NULL;
    return ret == NULL || body_is_null(body) ? body_pass(body) : body_text(body, ret);
}

/* An address, or an object as of a report's media. */
static bool read_medium(struct body *body, struct ticket_medium *medium) {
    struct slice name;
    if (body->value.kind == JSON_STRING) {
        return body_text(body, &medium->url);
    }
    if (body->value.kind != JSON_OBJECT_BEGIN) {
        return body_refuse(body, "a medium is an object or its address");
    }
    if (!body_object(body)) {
        return false;
    }
    while (body_member(body, &name)) {
        if (!read_medium_member(body, name, medium)) {
            return false;
        }
    }
    return body->detail == NULL;
}

/* What it is of stays where it is: the references are kept with the command. */
static bool read_media(const struct reading *reading) {
    struct command_fields *fields = reading->fields;
    struct body *body = reading->body;
    if (!body_array(body)) {
        return false;
    }
    while (body_element(body)) {
        if (fields->media_count == TICKET_MEDIA_MAX) {
            return body_refuse(body, "at most 16 media are given");
        }
        struct ticket_medium *medium = &fields->media[fields->media_count++];
        if (!read_medium(body, medium)) {
            return false;
        }
        const char *why = ticket_media_problem(medium, 1);
        if (why != NULL) {
            return body_refuse(body, why);
        }
    }
    return body->detail == NULL;
}

static bool read_evidence(const struct reading *reading) {
    struct body *body = reading->body;
    bool has;
    if (body->value.kind == JSON_ARRAY_BEGIN) {
        return read_media(reading);
    }
    if (!body_flag(body, &has)) {
        body->detail = "it must be true, false or a list of media";
        return false;
    }
    command_of(reading)->has_evidence = command_of(reading)->has_evidence || has;
    return true;
}

static bool read_unit(const struct reading *reading) {
    return body_unit(reading->body, reading->names->policy, &command_of(reading)->unit_tag);
}

static bool read_proposed_unit(const struct reading *reading) {
    return body_unit(reading->body, reading->names->policy,
                     &command_of(reading)->proposed_unit_tag);
}

static bool read_limit(const struct reading *reading) {
    return body_limit(reading->body, &command_of(reading)->limit);
}

static bool read_until(const struct reading *reading) {
    return body_instant(reading->body, &command_of(reading)->until_ms);
}

static bool read_priority(const struct reading *reading) {
    return body_priority(reading->body, &command_of(reading)->priority);
}

static bool read_severity(const struct reading *reading) {
    return body_severity(reading->body, &command_of(reading)->severity);
}

static bool read_category(const struct reading *reading) {
    return body_category(reading->body, reading->names->policy, &command_of(reading)->category_tag);
}

static bool read_into(const struct reading *reading) {
    return body_name(reading->body, 't', &command_of(reading)->target);
}

static bool read_closure(const struct reading *reading) {
    struct slice text;
    if (!body_text(reading->body, &text)) {
        return false;
    }
    return ticket_closure_parse(&command_of(reading)->closure, text) ||
           body_refuse(reading->body, "a closure is handled, true_fire, permitted_burn, "
                                      "farm_burning, heat_source, false_alarm, not_found, "
                                      "duplicate or unverified");
}

static bool read_confirmed(const struct reading *reading) {
    return tri(reading->body, &command_of(reading)->confirmed);
}

/* `different`: there is something, but not what was reported; the note says what. */
static bool read_result(const struct reading *reading) {
    static const struct {
        const char *word;
        enum tri_state confirmed;
    } results[] = {{"confirmed", TRI_YES}, {"not_found", TRI_NO}, {"different", TRI_UNKNOWN}};
    struct slice text;
    if (!body_text(reading->body, &text)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(results); i++) {
        if (slice_is(text, results[i].word)) {
            command_of(reading)->confirmed = results[i].confirmed;
            return true;
        }
    }
    return body_refuse(reading->body, "a result is confirmed, not_found or different");
}

static bool read_contacted(const struct reading *reading) {
    return tri(reading->body, &command_of(reading)->contacted);
}

static bool read_solved(const struct reading *reading) {
    return tri(reading->body, &command_of(reading)->solved);
}

static bool read_satisfied(const struct reading *reading) {
    return tri(reading->body, &command_of(reading)->satisfied);
}

static bool read_on_scene(const struct reading *reading) {
    return body_flag(reading->body, &command_of(reading)->on_scene);
}

static bool read_lift(const struct reading *reading) {
    return body_flag(reading->body, &command_of(reading)->lift);
}

/* The whistle centre's word: with a whistle it decides at once. */
static bool read_decision(const struct reading *reading) {
    struct ticket_command *command = command_of(reading);
    struct slice text;
    if (!body_text(reading->body, &text)) {
        return false;
    }
    command->single = slice_is(text, "single");
    command->decides = command->verb == VERB_WHISTLE;
    return command->single || slice_is(text, "joint") ||
           body_refuse(reading->body, "a decision is single or joint; `deny` refuses");
}

static bool read_part_member(const struct reading *reading, struct slice name,
                             struct ticket_part_order *part) {
    struct body *body = reading->body;
    if (slice_is(name, "unit")) {
        return body_unit(body, reading->names->policy, &part->unit_tag);
    }
    if (slice_is(name, "mandatory")) {
        bool is_mandatory;
        if (!body_flag(body, &is_mandatory)) {
            return false;
        }
        part->is_optional = !is_mandatory;
        return true;
    }
    if (slice_is(name, "limit")) {
        return body_is_null(body) || body_limit(body, &part->handle_limit);
    }
    return body_refuse(body, "a co-handler has no such member");
}

/* A code, or an object with unit, mandatory and limit. */
static bool read_part(const struct reading *reading, struct ticket_part_order *part) {
    struct body *body = reading->body;
    struct slice name;
    if (body->value.kind == JSON_STRING) {
        return body_unit(body, reading->names->policy, &part->unit_tag);
    }
    if (!body_object(body)) {
        return false;
    }
    while (body_member(body, &name)) {
        if (!read_part_member(reading, name, part)) {
            return false;
        }
    }
    return body->detail == NULL &&
           (part->unit_tag != 0 || body_refuse(body, "a co-handler is not named"));
}

static bool read_units(const struct reading *reading) {
    struct command_fields *fields = reading->fields;
    struct body *body = reading->body;
    if (!body_array(body)) {
        return false;
    }
    while (body_element(body)) {
        if (fields->parts_count == JOINT_PARTS_MAX) {
            return body_refuse(body, "a ticket has at most 16 co-handlers");
        }
        if (!read_part(reading, &fields->parts[fields->parts_count])) {
            return false;
        }
        fields->parts_count++;
    }
    return body->detail == NULL;
}

#define FOR(verb) (UINT32_C(1) << VERB_##verb)
enum { FOR_GRADES = FOR(UPGRADE) | FOR(DOWNGRADE) };
#define FOR_ALL UINT32_MAX
/* name, commands that take it, how it is read */
static const struct {
    const char *name;
    uint32_t verbs;
    bool (*read)(const struct reading *reading);
} members[] = {
    {"command_id", FOR_ALL, read_command_id},
    {"if_version", FOR_ALL, read_if_version},
    {"note", FOR_ALL, read_note},
    {"reason", FOR_ALL, read_reason},
    {"media", FOR_ALL, read_media},
    {"evidence", FOR_ALL, read_evidence},
    {"actor", FOR_ALL, read_actor},
    {"role", FOR_ALL, read_role},
    {"actor_unit", FOR_ALL, read_actor_unit},
    {"actor_region", FOR_ALL, read_actor_region},
    {"unit", FOR_ALL, read_unit},
    {"lead", FOR(DISPATCH) | FOR(WHISTLE) | FOR(APPROVE), read_unit},
    {"units", FOR(WHISTLE) | FOR(APPROVE), read_units},
    {"parts", FOR(WHISTLE) | FOR(APPROVE), read_units},
    {"decision", FOR(WHISTLE) | FOR(APPROVE), read_decision},
    {"proposed_unit", FOR(RETURN), read_proposed_unit},
    {"limit", FOR(REQUEST_EXTENSION) | FOR(DISPATCH), read_limit},
    {"until", FOR(REQUEST_SUSPENSION), read_until},
    {"priority", FOR_GRADES | FOR(ACCEPT), read_priority},
    {"severity", FOR_GRADES, read_severity},
    {"category", FOR_GRADES | FOR(ACCEPT), read_category},
    {"into", FOR(MERGE), read_into},
    {"closure", FOR(SUBMIT_RESULT) | FOR(SELF_HANDLE), read_closure},
    {"confirmed", FOR(VERIFY_RESULT), read_confirmed},
    {"result", FOR(VERIFY_RESULT), read_result},
    {"contacted", FOR(FOLLOW_UP), read_contacted},
    {"solved", FOR(FOLLOW_UP), read_solved},
    {"satisfied", FOR(FOLLOW_UP), read_satisfied},
    {"on_scene", FOR(PROGRESS), read_on_scene},
    {"lift", FOR(SUPERVISE), read_lift},
};

static bool read_member(const struct reading *reading, struct slice name) {
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        if (slice_is(name, members[i].name)) {
            if ((members[i].verbs >> command_of(reading)->verb & 1) == 0) {
                return body_refuse(reading->body, "this command takes no such member");
            }
            return body_is_null(reading->body) || members[i].read(reading);
        }
    }
    return body_refuse(reading->body, "no command takes such a member");
}

bool command_fields_read(struct command_fields *ret, struct body *body, enum ticket_verb verb,
                         const struct command_names *names) {
    const struct reading reading = {ret, body, names};
    struct slice name;
    memset(ret, 0, sizeof *ret);
    ret->command.verb = verb;
    ret->command.actor = (struct ticket_actor){.roles = ROLE_ANY, .region = REGION_NONE};
    if (!body_object(body)) {
        return false;
    }
    while (body_member(body, &name)) {
        if (!read_member(&reading, name)) {
            return false;
        }
    }
    ret->command.parts = ret->parts;
    ret->command.parts_count = ret->parts_count;
    ret->command.media = ret->media;
    ret->command.media_count = ret->media_count;
    return body_end(body);
}
