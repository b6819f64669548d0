#include "core/ticket/ticket_open.h"

#include "core/ticket/ticket_fire.h"
#include "core/ticket/ticket_inside.h"

uint32_t ticket_policy_unit(const struct ticket_context *context, const struct policy *policy,
                            uint32_t category_tag, uint32_t region) {
    uint32_t path[REGION_DEPTH_CAP];
    struct slice codes[REGION_DEPTH_CAP];
    size_t count = context->regions == NULL || region == REGION_NONE
                       ? 0
                       : region_path(context->regions, region, path);
    for (size_t i = 0; i < count; i++) {
        codes[i] = region_code(context->regions, path[i]);
    }
    const struct unit *unit = policy_unit_for(policy, category_tag, codes, count);
    return unit == NULL ? 0 : unit->tag;
}

static void fill(const struct ticket_context *context, struct ticket *ticket,
                 const struct ticket_opening *opening) {
    const struct category *category =
        policy_category_by_tag(context->policy, opening->category_tag);
    CHECK(category != NULL && opening->actor.bytes <= TICKET_NAME_BYTES_MAX &&
          opening->note.bytes <= TICKET_NOTE_BYTES_MAX);
    int64_t now_ms = context->now_ms;
    *ticket = (struct ticket){
        .number = context->effects->next_seq,
        .incident = opening->incident,
        .directive = opening->directive,
        .addressee = opening->addressee,
        .version = 1,
        .policy_version = context->policy->version,
        .category_tag = opening->category_tag,
        .channel_tag = opening->channel_tag,
        .region = opening->region,
        .priority = opening->priority != 0 ? opening->priority : category->priority,
        .severity = opening->severity != 0 ? opening->severity : (uint8_t)category->severity,
        .state = TICKET_REPORTED,
        .origin = (uint8_t)opening->origin,
        .closed_level = UINT8_MAX,
        .facts =
            (opening->is_public ? FACT_PUBLIC : 0u) | (opening->has_reporter ? FACT_REPORTER : 0u),
        .occurred_ms = opening->occurred_ms != 0 ? opening->occurred_ms : now_ms,
        .received_ms = opening->received_ms != 0 ? opening->received_ms : now_ms,
        .opened_ms = now_ms,
        .state_since_ms = now_ms,
        .last_activity_ms = now_ms,
        .paged_from_ms = now_ms,
        .requester = ticket_hash(opening->actor),
        .own_sign = opening->sign,
        .own_handle = opening->handle,
        .own_overall = opening->overall,
        .path = ladder_path_of(context->regions, opening->region),
        .stored_due_ms = TICKET_NEVER,
        .next_due_ms = TICKET_NEVER,
    };
}

static void tell(const struct ticket_step *step, const struct ticket_opening *opening) {
    struct ticket_event UNINITIALIZED event;
    ticket_event_begin(step, &event);
    ticket_event_text(&event, "origin", slice_text(ticket_origin_name(opening->origin)));
    ticket_event_text(&event, "actor", opening->actor);
    ticket_event_text(&event, "note", opening->note);
    ticket_event_append(step, &event, ENTRY_TICKET_OPENED);
}

void ticket_open(const struct ticket_context *context, struct ticket *ticket,
                 const struct ticket_opening *opening) {
    struct ticket_step step;
    fill(context, ticket, opening);
    CHECK(ticket->number != 0 && ticket->received_ms <= context->now_ms);
    ticket_step_begin(&step, context, ticket, NULL);
    ticket_clock_start(&step, STAGE_OVERALL, ticket->received_ms);
    ticket_clock_start(&step, STAGE_ACCEPT, step.at_ms);
    tell(&step, opening);
    if (ticket->priority == 1 || opening->origin == ORIGIN_DIRECTIVE) {
        struct ticket_command dispatch = {.verb = VERB_DISPATCH,
                                          .actor = {.roles = ROLE_SYSTEM, .region = REGION_NONE},
                                          .unit_tag = opening->unit_tag};
        ticket_system_does(context, ticket, VERB_ACCEPT, step.at_ms, false);
        ticket_system_command(context, ticket, &dispatch, step.at_ms, false);
    }
    ticket_refresh_due(context, ticket);
}
