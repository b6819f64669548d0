#include "server/domain/ticket_json.h"

#include "core/base/check.h"
#include "server/domain/event_json.h"

#include <stdio.h>

void json_out_key_text(struct json_out *out, const char *key, const char *value) {
    json_out_key(out, key);
    json_out_text(out, value);
}

void json_out_key_u64(struct json_out *out, const char *key, uint64_t value) {
    json_out_key(out, key);
    json_out_u64(out, value);
}

void json_out_key_bool(struct json_out *out, const char *key, bool value) {
    json_out_key(out, key);
    json_out_bool(out, value);
}

void json_out_instant_or_null(struct json_out *out, const char *key, int64_t ms) {
    json_out_key(out, key);
    if (ms == 0 || ms == CLOCK_NEVER) {
        json_out_null(out);
    } else {
        json_out_instant(out, ms);
    }
}

void json_out_place(struct json_out *out, uint32_t region, uint32_t category_tag, uint8_t severity,
                    const struct region_table *regions, const struct policy *policy) {
    const struct category *category = policy_category_by_tag(policy, category_tag);
    bool is_known = severity >= SEVERITY_EXTREME && severity <= SEVERITY_MINOR;
    json_out_key_text(out, "category", category != NULL ? category->code : NULL);
    json_out_key_text(out, "severity", is_known ? severity_name((enum severity)severity) : NULL);
    json_out_key(out, "grid");
    if (region < region_count(regions)) {
        json_out_string(out, region_get(regions, region).code);
    } else {
        json_out_null(out);
    }
    event_json_path(out, region, regions);
    event_json_title(out, category_tag, region, regions, policy);
}

void ticket_json_unit(struct json_out *out, const char *key, const struct policy *policy,
                      uint32_t unit_tag) {
    const struct unit *unit = unit_tag == 0 ? NULL : policy_unit_by_tag(policy, unit_tag);
    char named[64];
    int bytes = snprintf(named, sizeof named, "%s_name", key);
    CHECK(bytes > 0 && (size_t)bytes < sizeof named);
    json_out_key_text(out, key, unit != NULL ? unit->code : NULL);
    json_out_key_text(out, named, unit != NULL ? unit->name : NULL);
}

static const struct ticket_clock *clock_of(const struct ticket *ticket, enum stage stage) {
    for (size_t i = 0; i < TICKET_CLOCKS_MAX; i++) {
        if (ticket->clocks[i].is_used && ticket->clocks[i].stage == stage) {
            return &ticket->clocks[i];
        }
    }
    return NULL;
}

static void write_stages(struct json_out *out, const char *key, uint16_t stages) {
    json_out_key(out, key);
    json_out_array_begin(out);
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++) {
        if ((stages >> stage & 1) != 0) {
            json_out_text(out, stage_name((enum stage)stage));
        }
    }
    json_out_array_end(out);
}

static void write_suspension(struct json_out *out, const struct ticket *ticket) {
    json_out_key(out, "suspended");
    if (ticket->suspension == REASON_NONE) {
        json_out_null(out);
        return;
    }
    CHECK(ticket->holds_count > 0);
    json_out_object_begin(out);
    json_out_key_text(out, "reason", ticket_reason_name((enum ticket_reason)ticket->suspension));
    json_out_instant_or_null(out, "since", ticket->holds[ticket->holds_count - 1].from_ms);
    json_out_instant_or_null(out, "until", ticket->resume_ms);
    json_out_object_end(out);
}

static void write_request(struct json_out *out, const struct ticket_view *view) {
    const struct ticket_request *request = &view->ticket.request;
    const struct ticket_clock *decide = clock_of(&view->ticket, STAGE_DECIDE);
    json_out_key(out, "pending_request");
    if (request->kind == REQUEST_NONE) {
        json_out_null(out);
        return;
    }
    json_out_object_begin(out);
    json_out_key_text(out, "kind", ticket_request_name((enum ticket_request_kind)request->kind));
    json_out_key_text(out, "reason",
                      request->reason == REASON_NONE
                          ? NULL
                          : ticket_reason_name((enum ticket_reason)request->reason));
    ticket_json_unit(out, "unit", view->context.policy, request->unit_tag);
    ticket_json_unit(out, "proposed_unit", view->context.policy, request->proposed_unit_tag);
    json_out_instant_or_null(out, "requested_at", decide != NULL ? decide->clock.started_ms : 0);
    json_out_instant_or_null(out, "decide_by", decide != NULL ? decide->due_ms : 0);
    json_out_instant_or_null(out, "until", request->until_ms);
    json_out_object_end(out);
}

/* The way up as it was when the ticket was opened, nearest first. */
static void write_ladder(struct json_out *out, const struct ticket_view *view) {
    const struct ladder_path *path = &view->ticket.path;
    const struct region_table *regions = view->context.regions;
    json_out_key(out, "ladder");
    json_out_array_begin(out);
    for (size_t i = 0; i < ladder_above_count(path); i++) {
        json_out_string(out, region_get(regions, path->above[i]).code);
    }
    json_out_array_end(out);
}

/* The step of the clock that climbed highest. */
static void write_escalation(struct json_out *out, const struct ticket_view *view) {
    const struct ticket *ticket = &view->ticket;
    uint64_t step = ticket->unacked_step, rank = 0;
    for (size_t i = 0; i < TICKET_CLOCKS_MAX; i++) {
        if (ticket->clocks[i].is_used) {
            step = max_u64(step, ticket->clocks[i].told.step);
            rank = max_u64(rank, ticket->clocks[i].told.rank);
        }
    }
    json_out_key(out, "escalation");
    json_out_object_begin(out);
    json_out_key_u64(out, "step", step);
    json_out_key_u64(out, "rank", rank);
    json_out_instant_or_null(out, "acked_until", ticket->acked_until_ms);
    write_ladder(out, view);
    json_out_object_end(out);
}

static void write_part(struct json_out *out, const struct joint_part *part,
                       const struct policy *policy) {
    json_out_object_begin(out);
    ticket_json_unit(out, "unit", policy, part->unit_tag);
    json_out_key_text(out, "status", joint_status_name((enum joint_status)part->status));
    json_out_key_bool(out, "mandatory", part->is_mandatory != 0);
    json_out_key_bool(out, "late_check_in", part->is_late_check_in != 0);
    json_out_key_bool(out, "late", part->is_late != 0);
    json_out_instant_or_null(out, "check_in_by", part->sign.is_used ? part->sign.due_ms : 0);
    json_out_instant_or_null(out, "due_at", part->handle.is_used ? part->handle.due_ms : 0);
    json_out_instant_or_null(out, "checked_in_at", part->checked_in_ms);
    json_out_instant_or_null(out, "ended_at", part->ended_ms);
    json_out_object_end(out);
}

static void write_joint(struct json_out *out, const struct ticket_view *view) {
    const struct joint *joint = ticket_view_joint(view);
    json_out_key(out, "joint");
    if (joint == NULL) {
        json_out_null(out);
        return;
    }
    json_out_object_begin(out);
    ticket_json_unit(out, "lead", view->context.policy, view->ticket.unit_tag);
    json_out_key(out, "co_handlers");
    json_out_array_begin(out);
    for (uint32_t i = 0; i < joint->parts_count; i++) {
        write_part(out, &joint->parts[i], view->context.policy);
    }
    json_out_array_end(out);
    json_out_object_end(out);
}

/* What the rates of domain.md 3.8 are counted from, by name. */
static void write_flags(struct json_out *out, const struct ticket *ticket) {
    static const struct {
        enum ticket_fact fact;
        const char *name;
    } names[] = {
        {FACT_PUBLIC, "public"},
        {FACT_SELF_HANDLED, "self_handled"},
        {FACT_SELF_CHECKED, "self_checked"},
        {FACT_VERIFIED, "verified"},
        {FACT_NOT_FOUND, "not_found"},
        {FACT_RETURNED, "returned"},
        {FACT_SHUFFLED, "shuffled"},
        {FACT_REWORKED, "reworked"},
        {FACT_REOPENED, "reopened"},
        {FACT_EXTENDED, "extended"},
        {FACT_SUSPENDED, "was_suspended"},
        {FACT_WHISTLED, "whistled"},
        {FACT_WHISTLE_REFUSED, "whistle_refused"},
        {FACT_JOINT, "joint"},
        {FACT_DEEMED_SIGNED, "deemed_signed"},
        {FACT_SUPERVISED, "was_supervised"},
        {FACT_ESCALATED, "escalated"},
        {FACT_ON_SCENE, "on_scene"},
        {FACT_FOLLOWED_UP, "followed_up"},
        {FACT_CONTACTED, "contacted"},
        {FACT_SOLVED, "solved"},
        {FACT_SATISFIED, "satisfied"},
        {FACT_VACANCY, "vacancy"},
    };
    json_out_key(out, "flags");
    json_out_array_begin(out);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (ticket_has(ticket, names[i].fact)) {
            json_out_text(out, names[i].name);
        }
    }
    json_out_array_end(out);
}

static void write_identity(struct json_out *out, const struct ticket_view *view) {
    const struct ticket *ticket = &view->ticket;
    json_out_name(out, "id", 't', ticket->number);
    json_out_key_text(out, "state", ticket_state_name((enum ticket_state)ticket->state));
    json_out_key_u64(out, "version", ticket->version);
    json_out_key_u64(out, "policy_version", ticket->policy_version);
    json_out_key_text(out, "origin", ticket_origin_name((enum ticket_origin)ticket->origin));
    json_out_key_u64(out, "priority", ticket->priority);
    json_out_place(out, ticket->region, ticket->category_tag, ticket->severity,
                   view->context.regions, view->context.policy);
    json_out_name(out, "incident", 'i', ticket->incident);
    json_out_name(out, "directive", 'd', ticket->directive);
    json_out_name(out, "into", 't', ticket->survivor);
    ticket_json_unit(out, "unit", view->context.policy, ticket->unit_tag);
    ticket_json_unit(out, "first_unit", view->context.policy, ticket->first_unit_tag);
}

static void write_instants(struct json_out *out, const struct ticket *ticket) {
    json_out_instant_or_null(out, "occurred_at", ticket->occurred_ms);
    json_out_instant_or_null(out, "received_at", ticket->received_ms);
    json_out_instant_or_null(out, "opened_at", ticket->opened_ms);
    json_out_instant_or_null(out, "state_since", ticket->state_since_ms);
    json_out_instant_or_null(out, "last_activity_at", ticket->last_activity_ms);
    json_out_instant_or_null(out, "closed_at", ticket->closed_ms);
}

static void write_counts(struct json_out *out, const struct ticket *ticket) {
    json_out_key_u64(out, "rework_count", ticket->rework_count);
    json_out_key_u64(out, "return_count", ticket->return_count);
    json_out_key_u64(out, "reopen_count", ticket->reopen_count);
    write_stages(out, "stages_ended", ticket->stages_ended);
    write_stages(out, "stages_late", ticket->stages_late);
}

void ticket_json_members(struct json_out *out, const struct ticket_view *view) {
    const struct ticket *ticket = &view->ticket;
    const uint16_t overall = 1u << STAGE_OVERALL;
    write_identity(out, view);
    json_out_key_text(out, "light", light_name(ticket_light(&view->context, ticket)));
    json_out_instant_or_null(out, "due_at", ticket_due_ms(ticket));
    json_out_key(out, "overdue");
    json_out_object_begin(out);
    json_out_key_bool(out, "stage", (ticket->overdue & (uint16_t)~overall) != 0);
    json_out_key_bool(out, "overall", (ticket->overdue & overall) != 0);
    json_out_object_end(out);
    write_instants(out, ticket);
    json_out_key_text(out, "closure",
                      ticket->closure == CLOSURE_NONE
                          ? NULL
                          : ticket_closure_name((enum ticket_closure)ticket->closure));
    write_suspension(out, ticket);
    write_request(out, view);
    json_out_key_bool(out, "supervised", ticket->supervised != 0);
    const struct ticket_clock *reply = clock_of(ticket, STAGE_REPLY);
    json_out_instant_or_null(out, "reply_by", reply != NULL ? reply->due_ms : 0);
    write_escalation(out, view);
    write_joint(out, view);
    write_flags(out, ticket);
    write_counts(out, ticket);
}

void ticket_json_allowed(struct json_out *out, const struct ticket_view *view,
                         const struct ticket_actor *actor) {
    uint32_t allowed = ticket_allowed(&view->context, &view->ticket, actor);
    json_out_key(out, "allowed");
    json_out_array_begin(out);
    for (uint32_t verb = 1; verb < VERBS_END; verb++) {
        if ((allowed >> verb & 1) != 0) {
            json_out_text(out, ticket_verb_name((enum ticket_verb)verb));
        }
    }
    json_out_array_end(out);
}
