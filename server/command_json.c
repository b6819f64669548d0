#include "server/command_json.h"

#include "core/check.h"
#include "core/instant.h"

#include <stdio.h>

struct reading {
    const struct command_context *context;
    struct command_fields *to;
    struct command_problem *problem;
    struct arena *arena;
    struct json_reader *reader;
    bool refused;
};

static bool refuse(struct reading *reading, const char *pointer, const char *why) {
    if (!reading->refused) {
        reading->refused = true;
        snprintf(reading->problem->pointer, sizeof reading->problem->pointer, "%s", pointer);
        reading->problem->why = why;
    }
    return false;
}

static bool refuse_json(struct reading *reading) {
    return refuse(reading, "", json_problem_text(reading->reader->problem));
}

/* Values of known form. */

static bool read_text(struct reading *reading, const char *pointer, const struct json_token *value,
                      struct slice *ret) {
    if (value->kind != JSON_STRING) {
        return refuse(reading, pointer, "it must be a string");
    }
    *ret = value->text;
    if (value->escaped) {
        uint8_t *to = arena_alloc(reading->arena, value->text.bytes, 1);
        if (to == NULL) {
            return refuse(reading, pointer, "the strings are longer than they may be");
        }
        *ret = (struct slice){to, json_unescape(to, value->text)};
    }
    return true;
}

static bool read_flag(struct reading *reading, const char *pointer, const struct json_token *value,
                      bool *ret) {
    if (value->kind != JSON_TRUE && value->kind != JSON_FALSE) {
        return refuse(reading, pointer, "it must be true or false");
    }
    *ret = value->kind == JSON_TRUE;
    return true;
}

static bool read_answer(struct reading *reading, const char *pointer,
                        const struct json_token *value, enum tri_state *ret) {
    bool flag = false;
    if (!read_flag(reading, pointer, value, &flag)) {
        return false;
    }
    *ret = flag ? TRI_YES : TRI_NO;
    return true;
}

static bool read_unit(struct reading *reading, const char *pointer, const struct json_token *value,
                      uint32_t *ret) {
    struct slice code;
    if (!read_text(reading, pointer, value, &code)) {
        return false;
    }
    const struct unit *unit = policy_unit(reading->context->policy, code);
    if (unit == NULL) {
        return refuse(reading, pointer, "the policy has no such unit");
    }
    *ret = unit->tag;
    return true;
}

static bool read_limit(struct reading *reading, const char *pointer, const struct json_token *value,
                       struct stage_limit *ret) {
    struct slice text;
    if (!read_text(reading, pointer, value, &text)) {
        return false;
    }
    return stage_limit_parse(ret, text) ||
           refuse(reading, pointer, "it is no limit: 30m, 24h, 7d, 30wm, 4wh or 5wd are some");
}

static bool read_number(struct reading *reading, const char *pointer,
                        const struct json_token *value, int64_t max, int64_t *ret) {
    return (value->kind == JSON_NUMBER && json_integer(ret, value->text) && *ret >= 1 &&
            *ret <= max) ||
           refuse(reading, pointer, "it must be a whole number from 1");
}

/* Passes over a value that has begun; does it say anything? */
static bool pass(struct reading *reading, const struct json_token *begin, bool *ret_says) {
    *ret_says = begin->kind != JSON_FALSE && (begin->kind != JSON_STRING || begin->text.bytes > 0);
    if (begin->kind != JSON_OBJECT_BEGIN && begin->kind != JSON_ARRAY_BEGIN) {
        return true;
    }
    size_t inside = 0;
    for (uint32_t depth = 1; depth > 0; inside++) {
        struct json_token token = json_next(reading->reader);
        if (token.kind == JSON_ERROR) {
            return refuse_json(reading);
        }
        bool begins = token.kind == JSON_OBJECT_BEGIN || token.kind == JSON_ARRAY_BEGIN;
        bool ends = token.kind == JSON_OBJECT_END || token.kind == JSON_ARRAY_END;
        depth += begins ? 1 : 0;
        depth -= ends ? 1 : 0;
    }
    *ret_says = inside > 1;
    return true;
}

/* Members. */

static bool take_command_id(struct reading *reading, const struct json_token *value) {
    return read_text(reading, "/command_id", value, &reading->to->command.command_id);
}

static bool take_if_version(struct reading *reading, const struct json_token *value) {
    int64_t version = 0;
    if (!read_number(reading, "/if_version", value, UINT32_MAX, &version)) {
        return false;
    }
    reading->to->command.if_version = (uint32_t)version;
    return true;
}

static bool take_note(struct reading *reading, const struct json_token *value) {
    return read_text(reading, "/note", value, &reading->to->command.note);
}

static bool take_reason(struct reading *reading, const struct json_token *value) {
    struct ticket_command *command = &reading->to->command;
    struct slice text;
    if (!read_text(reading, "/reason", value, &text)) {
        return false;
    }
    bool wants_code =
        command->verb == VERB_REQUEST_SUSPENSION || command->verb == VERB_REQUEST_EXTENSION;
    if (!wants_code || !ticket_reason_parse(&command->reason, text)) {
        command->reason_text = text;
    }
    return true;
}

static bool take_evidence(struct reading *reading, const struct json_token *value) {
    bool says;
    if (!pass(reading, value, &says)) {
        return false;
    }
    reading->to->command.has_evidence = reading->to->command.has_evidence || says;
    return true;
}

static bool take_on_scene(struct reading *reading, const struct json_token *value) {
    return read_flag(reading, "/on_scene", value, &reading->to->command.on_scene);
}

static bool take_lift(struct reading *reading, const struct json_token *value) {
    return read_flag(reading, "/lift", value, &reading->to->command.lift);
}

static bool take_decides(struct reading *reading, const struct json_token *value) {
    return read_flag(reading, "/decides", value, &reading->to->command.decides);
}

static bool take_single(struct reading *reading, const struct json_token *value) {
    return read_flag(reading, "/single", value, &reading->to->command.single);
}

static bool take_unit(struct reading *reading, const struct json_token *value) {
    return read_unit(reading, "/unit", value, &reading->to->command.unit_tag);
}

static bool take_lead(struct reading *reading, const struct json_token *value) {
    return read_unit(reading, "/lead", value, &reading->to->command.unit_tag);
}

static bool take_proposed_unit(struct reading *reading, const struct json_token *value) {
    return read_unit(reading, "/proposed_unit", value, &reading->to->command.proposed_unit_tag);
}

static bool take_limit(struct reading *reading, const struct json_token *value) {
    return read_limit(reading, "/limit", value, &reading->to->command.limit);
}

static bool take_until(struct reading *reading, const struct json_token *value) {
    struct slice text;
    const char *why;
    if (!read_text(reading, "/until", value, &text)) {
        return false;
    }
    return instant_parse(&reading->to->command.until_ms, text, &why) ||
           refuse(reading, "/until", why);
}

static bool take_priority(struct reading *reading, const struct json_token *value) {
    struct slice text = value->text;
    bool is_word = value->kind == JSON_STRING && text.bytes == 2 && text.data[0] == 'P';
    text = is_word ? (struct slice){text.data + 1, 1} : text;
    int64_t priority = 0;
    if ((!is_word && value->kind != JSON_NUMBER) || !json_integer(&priority, text) ||
        priority < 1 || priority > 4) {
        return refuse(reading, "/priority", "a priority is 1, 2, 3 or 4");
    }
    reading->to->command.priority = (uint8_t)priority;
    return true;
}

static bool take_severity(struct reading *reading, const struct json_token *value) {
    struct slice text;
    enum severity severity;
    if (!read_text(reading, "/severity", value, &text)) {
        return false;
    }
    if (!severity_parse(&severity, text)) {
        return refuse(reading, "/severity", "it is extreme, severe, moderate or minor");
    }
    reading->to->command.severity = (uint8_t)severity;
    return true;
}

static bool take_category(struct reading *reading, const struct json_token *value) {
    struct slice code;
    if (!read_text(reading, "/category", value, &code)) {
        return false;
    }
    const struct category *category = policy_category(reading->context->policy, code);
    if (category == NULL) {
        return refuse(reading, "/category", "the policy has no such category");
    }
    reading->to->command.category_tag = category->tag;
    return true;
}

static bool take_into(struct reading *reading, const struct json_token *value) {
    struct slice name;
    int64_t number = 0;
    if (!read_text(reading, "/into", value, &name)) {
        return false;
    }
    bool sound = name.bytes > 1 && name.data[0] == 't' && name.data[1] != '-' &&
                 json_integer(&number, (struct slice){name.data + 1, name.bytes - 1});
    if (!sound || number < 1) {
        return refuse(reading, "/into", "it is no ticket's name: t12 is one");
    }
    reading->to->command.target = (uint64_t)number;
    return true;
}

static bool take_closure(struct reading *reading, const struct json_token *value) {
    struct slice text;
    return read_text(reading, "/closure", value, &text) &&
           (ticket_closure_parse(&reading->to->command.closure, text) ||
            refuse(reading, "/closure", "there is no such closure"));
}

static bool take_confirmed(struct reading *reading, const struct json_token *value) {
    return read_answer(reading, "/confirmed", value, &reading->to->command.confirmed);
}

static bool take_contacted(struct reading *reading, const struct json_token *value) {
    return read_answer(reading, "/contacted", value, &reading->to->command.contacted);
}

static bool take_solved(struct reading *reading, const struct json_token *value) {
    return read_answer(reading, "/solved", value, &reading->to->command.solved);
}

static bool take_satisfied(struct reading *reading, const struct json_token *value) {
    return read_answer(reading, "/satisfied", value, &reading->to->command.satisfied);
}

/* Objects: each member to `take`, until the end. */
typedef bool take_fn(struct reading *reading, void *to, struct slice name,
                     const struct json_token *value);

static bool read_members(struct reading *reading, void *to, take_fn *take) {
    for (;;) {
        struct json_token key = json_next(reading->reader);
        if (key.kind == JSON_OBJECT_END) {
            return true;
        }
        if (key.kind != JSON_KEY) {
            return refuse_json(reading);
        }
        struct json_token value = json_next(reading->reader);
        if (value.kind == JSON_ERROR) {
            return refuse_json(reading);
        }
        /* No name of ours is written with escapes: such a one is unknown. */
        struct slice name = key.escaped ? (struct slice){NULL, 0} : key.text;
        if (!take(reading, to, name, &value)) {
            return false;
        }
    }
}

static bool take_part_member(struct reading *reading, void *to, struct slice name,
                             const struct json_token *value) {
    struct ticket_part_order *part = to;
    if (slice_is(name, "unit")) {
        return read_unit(reading, "/units", value, &part->unit_tag);
    }
    if (slice_is(name, "optional")) {
        return read_flag(reading, "/units", value, &part->is_optional);
    }
    if (slice_is(name, "limit")) {
        return read_limit(reading, "/units", value, &part->handle_limit);
    }
    return refuse(reading, "/units", "a co-handler has unit, optional and limit");
}

static bool take_units(struct reading *reading, const struct json_token *value) {
    struct ticket_command *command = &reading->to->command;
    if (value->kind != JSON_ARRAY_BEGIN) {
        return refuse(reading, "/units", "it must be an array");
    }
    command->parts = reading->to->parts;
    for (;;) {
        struct json_token token = json_next(reading->reader);
        if (token.kind == JSON_ARRAY_END) {
            return true;
        }
        if (token.kind == JSON_ERROR) {
            return refuse_json(reading);
        }
        if (command->parts_count == JOINT_PARTS_MAX) {
            return refuse(reading, "/units", "a ticket has at most 16 co-handlers");
        }
        struct ticket_part_order *part = &reading->to->parts[command->parts_count++];
        *part = (struct ticket_part_order){0};
        bool taken = token.kind == JSON_OBJECT_BEGIN
                         ? read_members(reading, part, take_part_member)
                         : read_unit(reading, "/units", &token, &part->unit_tag);
        if (!taken) {
            return false;
        }
    }
}

static bool read_role(struct reading *reading, const struct json_token *value, uint32_t *roles) {
    struct slice text;
    uint32_t role;
    if (!read_text(reading, "/actor", value, &text)) {
        return false;
    }
    if (!ticket_role_parse(&role, text)) {
        return refuse(reading, "/actor", "there is no such role");
    }
    *roles |= role;
    return true;
}

static bool read_roles(struct reading *reading, const struct json_token *value, uint32_t *roles) {
    *roles = 0;
    if (value->kind != JSON_ARRAY_BEGIN) {
        return read_role(reading, value, roles);
    }
    for (;;) {
        struct json_token token = json_next(reading->reader);
        if (token.kind == JSON_ARRAY_END) {
            return true;
        }
        if (token.kind == JSON_ERROR) {
            return refuse_json(reading);
        }
        if (!read_role(reading, &token, roles)) {
            return false;
        }
    }
}

static bool take_actor_member(struct reading *reading, void *to, struct slice name,
                              const struct json_token *value) {
    struct ticket_actor *actor = to;
    if (slice_is(name, "name")) {
        return read_text(reading, "/actor", value, &actor->name);
    }
    if (slice_is(name, "role") || slice_is(name, "roles")) {
        return read_roles(reading, value, &actor->roles);
    }
    if (slice_is(name, "unit")) {
        return read_unit(reading, "/actor", value, &actor->unit_tag);
    }
    if (slice_is(name, "region")) {
        struct slice code;
        const struct region_table *regions = reading->context->regions;
        if (!read_text(reading, "/actor", value, &code)) {
            return false;
        }
        actor->region = regions == NULL ? REGION_NONE : region_find(regions, code);
        return actor->region != REGION_NONE || refuse(reading, "/actor", "there is no such region");
    }
    return refuse(reading, "/actor", "an actor has name, role, region and unit");
}

static bool take_actor(struct reading *reading, const struct json_token *value) {
    if (value->kind != JSON_OBJECT_BEGIN) {
        return refuse(reading, "/actor", "it must be an object");
    }
    return read_members(reading, &reading->to->command.actor, take_actor_member);
}

static const struct {
    const char *name;
    bool (*take)(struct reading *reading, const struct json_token *value);
} members[] = {
    {"actor", take_actor},
    {"category", take_category},
    {"closure", take_closure},
    {"command_id", take_command_id},
    {"confirmed", take_confirmed},
    {"contacted", take_contacted},
    {"decides", take_decides},
    {"evidence", take_evidence},
    {"if_version", take_if_version},
    {"into", take_into},
    {"lead", take_lead},
    {"lift", take_lift},
    {"limit", take_limit},
    {"media", take_evidence},
    {"note", take_note},
    {"on_scene", take_on_scene},
    {"priority", take_priority},
    {"proposed_unit", take_proposed_unit},
    {"reason", take_reason},
    {"satisfied", take_satisfied},
    {"severity", take_severity},
    {"single", take_single},
    {"solved", take_solved},
    {"unit", take_unit},
    {"units", take_units},
    {"until", take_until},
};

static bool take_member(struct reading *reading, void *to, struct slice name,
                        const struct json_token *value) {
    (void)to;
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        if (!slice_is(name, members[i].name) ||
            (members[i].take == take_actor && !reading->context->may_name_actor)) {
            continue;
        }
        return value->kind == JSON_NULL || members[i].take(reading, value);
    }
    char pointer[48];
    snprintf(pointer, sizeof pointer, "/%.*s", (int)min_u64(name.bytes, 40),
             (const char *)name.data);
    return refuse(reading, pointer, "no command has such a field");
}

enum status command_json_read(struct command_fields *ret, struct command_problem *problem,
                              const struct command_context *context, enum ticket_verb verb,
                              struct slice text, struct arena *arena, struct json_reader *reader) {
    struct reading reading = {context, ret, problem, arena, reader, false};
    struct json_bounds bounds;
    CHECK(verb > 0 && verb < VERBS_END);
    ret->command =
        (struct ticket_command){.verb = verb, .actor = {.roles = ROLE_ANY, .region = REGION_NONE}};
    if (text.bytes == 0) {
        return STATUS_OK;
    }
    json_bounds_from(&bounds, context->limits);
    json_init(reader, &bounds, text);
    struct json_token token = json_next(reader);
    if (token.kind != JSON_OBJECT_BEGIN) {
        refuse(&reading, "",
               token.kind == JSON_ERROR ? json_problem_text(reader->problem)
                                        : "it must be a JSON object");
    } else if (read_members(&reading, NULL, take_member) && json_next(reader).kind != JSON_DONE) {
        refuse_json(&reading);
    }
    return reading.refused ? STATUS_INVALID : STATUS_OK;
}
