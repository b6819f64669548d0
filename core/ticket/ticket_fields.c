#include "core/ticket/ticket_inside.h"

static const char *problem(const char **ret_pointer, const char *pointer, const char *why) {
    *ret_pointer = pointer;
    return why;
}

static const char *evidence_problem(const struct ticket_command *command, const char **pointer) {
    return command->has_evidence || command->media_count > 0 || command->note.bytes > 0
               ? NULL
               : problem(pointer, "/evidence",
                         "evidence is needed: media, or a note that tells it");
}

static const char *reason_problem(const struct ticket_command *command, const char **pointer) {
    return command->reason_text.bytes > 0 || command->note.bytes > 0
               ? NULL
               : problem(pointer, "/reason", "a reason is needed");
}

/* No more than the original limit, in its unit. */
static const char *extension_problem(const struct ticket_step *step, const char **pointer) {
    struct stage_limit by = step->command->limit;
    struct stage_limit original = ticket_limit_of(step, STAGE_HANDLE);
    if (by.amount != 0 && by.unit != original.unit) {
        return problem(pointer, "/limit", "it is not in the unit of the handle limit");
    }
    return by.amount > original.amount
               ? problem(pointer, "/limit", "an extension is at most the original limit")
               : NULL;
}

static const char *suspension_problem(const struct ticket_step *step, const char **pointer) {
    int64_t until_ms = step->command->until_ms;
    if (step->command->reason == REASON_NONE) {
        return problem(pointer, "/reason",
                       "a suspension's reason is engineering, season_weather, legal_procedure, "
                       "other_authority or funding");
    }
    if (until_ms <= step->at_ms) {
        return problem(pointer, "/until", "a suspension needs an end that is still to come");
    }
    return until_ms - step->at_ms > (int64_t)LIMIT_DAYS_MAX * DAY_MS
               ? problem(pointer, "/until", "a suspension ends within 366 days")
               : NULL;
}

/* The severity alone may change: then the priority is named as it is. */
static bool moves_severity(const struct ticket_step *step, bool is_up) {
    uint8_t now = step->ticket->severity, wanted = step->command->severity;
    return wanted != 0 && (is_up ? wanted < now : wanted > now);
}

static const char *priority_problem(const struct ticket_step *step, const char **pointer) {
    int now = step->ticket->priority, wanted = step->command->priority;
    bool is_up = step->command->verb == VERB_UPGRADE;
    if (wanted == now && moves_severity(step, is_up)) {
        return NULL;
    }
    wanted = wanted != 0 ? wanted : is_up ? now - 1 : now + 1;
    if (wanted < 1 || wanted > 4) {
        return problem(pointer, "/priority", "a priority is 1, 2, 3 or 4");
    }
    return (is_up && wanted >= now) || (!is_up && wanted <= now)
               ? problem(pointer, "/priority", "it is not in the command's direction")
               : NULL;
}

static const char *parts_problem(const struct ticket_step *step, const char **pointer) {
    const struct ticket_command *command = step->command;
    if (command->parts_count > JOINT_PARTS_MAX) {
        return problem(pointer, "/units", "a ticket has at most 16 co-handlers");
    }
    for (size_t i = 0; i < command->parts_count; i++) {
        uint32_t tag = command->parts[i].unit_tag;
        if (tag == 0) {
            return problem(pointer, "/units", "a co-handler is not named");
        }
        if (tag == command->unit_tag) {
            return problem(pointer, "/units", "the lead is not a co-handler too");
        }
        for (size_t k = 0; k < i; k++) {
            if (command->parts[k].unit_tag == tag) {
                return problem(pointer, "/units", "a unit stands there twice");
            }
        }
    }
    return NULL;
}

static const char *whistle_problem(const struct ticket_step *step, const char **pointer) {
    const struct ticket_command *command = step->command;
    bool decides = command->decides || step->ticket->request.kind == REQUEST_WHISTLE;
    if (decides && command->parts_count > 0 && command->unit_tag == 0 &&
        step->ticket->unit_tag == 0) {
        return problem(pointer, "/lead", "a joint ticket has a lead");
    }
    return parts_problem(step, pointer);
}

static const char *merge_problem(const struct ticket_step *step, const char **pointer) {
    uint64_t target = step->command->target;
    return target == 0 || target >= step->ticket->number
               ? problem(pointer, "/into", "a ticket is merged into an older one")
               : NULL;
}

static const char *bytes_problem(const struct ticket_command *command, const char **pointer) {
    if (command->command_id.bytes > TICKET_COMMAND_ID_BYTES_MAX) {
        return problem(pointer, "/command_id", "it is longer than 128 bytes");
    }
    if (command->note.bytes > TICKET_NOTE_BYTES_MAX) {
        return problem(pointer, "/note", "it is longer than 2048 bytes");
    }
    if (command->reason_text.bytes > TICKET_NOTE_BYTES_MAX) {
        return problem(pointer, "/reason", "it is longer than 2048 bytes");
    }
    if (command->actor.name.bytes > TICKET_NAME_BYTES_MAX) {
        return problem(pointer, "/actor", "it is longer than 128 bytes");
    }
    const char *why = ticket_media_problem(command->media, command->media_count);
    return why == NULL ? NULL : problem(pointer, "/media", why);
}

static const char *verb_problem(const struct ticket_step *step, const char **pointer) {
    const struct ticket_command *command = step->command;
    switch (command->verb) {
    case VERB_VERIFY_RESULT:
    case VERB_SELF_HANDLE:
    case VERB_SUBMIT_RESULT:
        return evidence_problem(command, pointer);
    case VERB_REJECT:
    case VERB_VOID:
    case VERB_RETURN:
        return reason_problem(command, pointer);
    case VERB_REQUEST_EXTENSION:
        return extension_problem(step, pointer);
    case VERB_REQUEST_SUSPENSION:
        return suspension_problem(step, pointer);
    case VERB_WHISTLE:
        return whistle_problem(step, pointer);
    case VERB_APPROVE:
        return step->ticket->request.kind == REQUEST_WHISTLE ? whistle_problem(step, pointer)
                                                             : NULL;
    case VERB_MERGE:
        return merge_problem(step, pointer);
    case VERB_DOWNGRADE:
    case VERB_UPGRADE:
        return priority_problem(step, pointer);
    case VERB_ACCEPT:
        return command->priority > 4 ? problem(pointer, "/priority", "a priority is 1, 2, 3 or 4")
                                     : NULL;
    case VERB_REQUEST_VERIFY:
    case VERB_DISPATCH:
    case VERB_SIGN:
    case VERB_PROGRESS:
    case VERB_DENY:
    case VERB_RESUME:
    case VERB_CHECK_PASS:
    case VERB_CHECK_FAIL:
    case VERB_UNMERGE:
    case VERB_FOLLOW_UP:
    case VERB_REOPEN:
    case VERB_SUPERVISE:
    case VERB_REMIND:
    case VERB_ARCHIVE:
    case VERB_ACK:
    case VERBS_END:
        break;
    }
    return NULL;
}

const char *ticket_fields_problem(const struct ticket_step *step, const char **ret_pointer) {
    const struct ticket_command *command = step->command;
    const char *why = bytes_problem(command, ret_pointer);
    if (why == NULL && command->category_tag != 0 &&
        policy_category_by_tag(step->policy, command->category_tag) == NULL) {
        why = problem(ret_pointer, "/category", "the policy has no such category");
    }
    if (why == NULL && !stage_limit_is_valid(command->limit) && command->limit.amount != 0) {
        why = problem(ret_pointer, "/limit", "it is no limit");
    }
    return why != NULL ? why : verb_problem(step, ret_pointer);
}
