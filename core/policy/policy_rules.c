/* The figures of a policy: how reports merge, what a category is, ladders and times. */
#include "core/base/check.h"
#include "core/policy/policy_code.h"
#include "core/region/region.h"

enum { DAY_S = 86400, TIME_S_MAX = LIMIT_DAYS_MAX * DAY_S };

static enum status refuse(struct error *error, const char *why) {
    return error_set(error, STATUS_INVALID, why, NULL, NULL);
}

const struct merge_class *policy_merge_class_named(const struct policy *policy, struct slice code) {
    for (uint32_t i = 0; i < policy->merge_classes_count; i++) {
        if (slice_is(code, policy->merge_classes[i].code)) {
            return &policy->merge_classes[i];
        }
    }
    return NULL;
}

const struct merge_class *policy_merge_class(const struct policy *policy,
                                             const struct category *category) {
    CHECK(category->merge_class < policy->merge_classes_count);
    return &policy->merge_classes[category->merge_class];
}

static const char *distance_problem(const struct merge_class *rules) {
    if (rules->gate_m == 0 && rules->kind != MERGE_ALARM) {
        return "gate_m: is 0, and then nothing can join";
    }
    if (rules->gate_m > rules->spread_m) {
        return "gate_m: is above spread_m, which no member may exceed";
    }
    if (rules->spread_m > MERGE_DISTANCE_M_MAX || rules->suggest_m > MERGE_DISTANCE_M_MAX) {
        return rules->spread_m > MERGE_DISTANCE_M_MAX ? "spread_m: is above 100000 m"
                                                      : "suggest_m: is above 100000 m";
    }
    return rules->suggest_m != 0 && rules->suggest_m <= rules->gate_m
               ? "suggest_m: is not above gate_m, within which reports join anyhow"
               : NULL;
}

static const char *merge_problem(const struct merge_class *rules) {
    switch (rules->kind) {
    case MERGE_NEVER:
        return rules->gate_m != 0 || rules->spread_m != 0 || rules->idle_s != 0 ||
                       rules->reopen_s != 0 || rules->stale_s != 0 || rules->suggest_m != 0
                   ? "kind: never takes no other figures"
                   : NULL;
    case MERGE_DISTANCE:
    case MERGE_GRID:
    case MERGE_FIRE:
    case MERGE_ALARM:
        if (rules->idle_s > TIME_S_MAX || rules->reopen_s > TIME_S_MAX ||
            rules->stale_s > TIME_S_MAX) {
            return "idle, reopen and stale are at most 366 days";
        }
        return distance_problem(rules);
    }
    return "kind: is none of never, distance, grid, fire, alarm";
}

enum status policy_add_merge_class(struct policy *policy, struct slice code,
                                   const struct merge_class *rules, struct error *error) {
    const struct merge_class *owner = policy_merge_class_named(policy, code);
    enum status status = policy_code_check(code, code, owner != NULL ? owner->code : NULL, error);
    if (status != STATUS_OK) {
        return status;
    }
    const char *why = merge_problem(rules);
    if (why != NULL) {
        return refuse(error, why);
    }
    if (policy->merge_classes_count == MERGE_CLASSES_MAX) {
        return error_set(error, STATUS_FULL, "a policy has at most 64 merge classes", NULL, NULL);
    }
    struct merge_class *merge_class = &policy->merge_classes[policy->merge_classes_count++];
    *merge_class = *rules;
    policy_code_copy(merge_class->code, code);
    return STATUS_OK;
}

struct category_rules policy_category_rules(const struct policy *policy,
                                            const struct category *category) {
    struct category_rules rules = {
        .opens_ticket = category->opens_ticket,
        .self_handle = category->self_handle,
        .confidential = category->confidential,
        .merge_class = slice_text(policy_merge_class(policy, category)->code),
    };
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        rules.limits[i] = category->limits[i];
    }
    return rules;
}

/* An overall limit, or one on each stage that somebody else has to end: so that no ticket waits
 * unseen. */
static bool is_watched(const struct category_rules *rules) {
    static const enum stage stages[] = {STAGE_ACCEPT, STAGE_VERIFY, STAGE_DISPATCH, STAGE_HANDLE,
                                        STAGE_CHECK};
    bool watched = true;
    for (size_t i = 0; i < ARRAY_COUNT(stages); i++) {
        watched = watched && rules->limits[stages[i]].amount > 0;
    }
    return watched || rules->limits[STAGE_OVERALL].amount > 0;
}

static const char *limits_problem(const struct category_rules *rules) {
    const struct stage_limit *overall = &rules->limits[STAGE_OVERALL];
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        if (!stage_limit_is_valid(rules->limits[i])) {
            return "a limit is out of range";
        }
    }
    if (rules->limits[STAGE_DECIDE].amount != 0) {
        return "decide: is given by priority, not by category";
    }
    if (rules->limits[STAGE_REPLY].amount != 0) {
        return "reply: is given by priority, not by category";
    }
    const struct stage_limit *handle = &rules->limits[STAGE_HANDLE];
    if (overall->amount > 0 && handle->unit == overall->unit && handle->amount > overall->amount) {
        return "overall: is shorter than handle";
    }
    return rules->opens_ticket && !is_watched(rules)
               ? "overall: without it accept, verify, dispatch, handle and check need a limit"
               : NULL;
}

enum status policy_set_category_rules(struct policy *policy, struct slice code,
                                      const struct category_rules *rules, struct error *error) {
    const struct category *found = policy_category(policy, code);
    if (found == NULL) {
        return policy_code_refuse(error, code, "is no category of the policy");
    }
    const struct merge_class *merge_class = policy_merge_class_named(policy, rules->merge_class);
    if (merge_class == NULL) {
        return refuse(error, "merge: is no merge class of the policy");
    }
    const char *why = limits_problem(rules);
    if (why != NULL) {
        return refuse(error, why);
    }
    struct category *category = &policy->categories[found - policy->categories];
    category->opens_ticket = rules->opens_ticket;
    category->self_handle = rules->self_handle;
    category->confidential = rules->confidential;
    category->merge_class = (uint8_t)(merge_class - policy->merge_classes);
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        category->limits[i] = rules->limits[i];
    }
    return STATUS_OK;
}

static const char *unacked_problem(const struct ladder *ladder) {
    uint32_t before_s = 0;
    for (size_t i = 0; i < LADDER_UNACKED_MAX; i++) {
        uint32_t at_s = ladder->unacked_s[i];
        if (at_s != 0 && (at_s <= before_s || at_s > TIME_S_MAX)) {
            return "unacked: times must rise, and be at most 366 days";
        }
        before_s = at_s != 0 ? at_s : UINT32_MAX; /* behind the end only zeros stand */
    }
    return NULL;
}

static const char *ladder_problem(const struct ladder *ladder, uint32_t pause_s) {
    if (ladder->near_percent == 0 || ladder->near_percent >= 100) {
        return "near_percent: is not from 1 to 99 percent";
    }
    if (ladder->reminder_percent >= ladder->near_percent) {
        return "reminder_percent: is not below near_percent";
    }
    if (ladder->step_s < pause_s || ladder->step_s > TIME_S_MAX) {
        return "step: is not from ladder_pause (1 minute by default) to 366 days";
    }
    if (ladder->step_percent > LADDER_STEP_PERCENT_MAX) {
        return "step_percent: is above 1000";
    }
    if (ladder->repeat_s < pause_s || ladder->repeat_s > TIME_S_MAX) {
        return "repeat: is not from ladder_pause (1 minute by default) to 366 days";
    }
    if (ladder->top_level > REGION_LEVEL_MAX) {
        return "top_level: is above 15";
    }
    if (ladder->ack.amount == 0 || !stage_limit_is_valid(ladder->ack)) {
        return "ack: must expire, within 366 days";
    }
    return unacked_problem(ladder);
}

enum status policy_set_ladder_pause(struct policy *policy, uint32_t pause_s, struct error *error) {
    if (pause_s < LADDER_PAUSE_S_MIN || pause_s > LADDER_PAUSE_S_DEFAULT) {
        return refuse(error, "ladder_pause: is not from 1 second to 1 minute");
    }
    policy->ladder_pause_s = pause_s;
    return STATUS_OK;
}

enum status policy_set_ladder(struct policy *policy, unsigned priority, const struct ladder *ladder,
                              struct error *error) {
    const char *why = priority < 1 || priority > 4 ? "a priority is not 1, 2, 3 or 4"
                                                   : ladder_problem(ladder, policy->ladder_pause_s);
    if (why != NULL) {
        return refuse(error, why);
    }
    policy->ladders[priority] = *ladder;
    return STATUS_OK;
}

static enum status set_of_priority(struct stage_limit of[5], unsigned priority,
                                   struct stage_limit limit, const char *why, struct error *error) {
    if (priority < 1 || priority > 4) {
        return refuse(error, "a priority is not 1, 2, 3 or 4");
    }
    if (limit.amount == 0 || !stage_limit_is_valid(limit)) {
        return refuse(error, why);
    }
    of[priority] = limit;
    return STATUS_OK;
}

enum status policy_set_decide(struct policy *policy, unsigned priority, struct stage_limit limit,
                              struct error *error) {
    return set_of_priority(policy->decide, priority, limit,
                           "a request must be decided within a limit of at most 366 days", error);
}

enum status policy_set_reply(struct policy *policy, unsigned priority, struct stage_limit limit,
                             struct error *error) {
    return set_of_priority(policy->reply, priority, limit,
                           "a supervision must be answered within a limit of at most 366 days",
                           error);
}

enum status policy_set_times(struct policy *policy, uint32_t archive_s, uint32_t reopen_s,
                             uint32_t return_s, uint32_t self_check_percent, struct error *error) {
    if (archive_s == 0 || archive_s > TIME_S_MAX) {
        return refuse(error, "archive: is not from 1 second to 366 days");
    }
    if (reopen_s > TIME_S_MAX || return_s > TIME_S_MAX) {
        return refuse(error, reopen_s > TIME_S_MAX ? "reopen: is above 366 days"
                                                   : "return_window: is above 366 days");
    }
    if (self_check_percent > 100) {
        return refuse(error, "self_check_percent: is above 100");
    }
    policy->archive_s = archive_s;
    policy->reopen_s = reopen_s;
    policy->return_s = return_s;
    policy->self_check_percent = self_check_percent;
    return STATUS_OK;
}

static enum status refuse_observer(struct error *error, enum observer_kind kind, const char *why) {
    return error_set(error, STATUS_INVALID, observer_name(kind), why, NULL);
}

static enum status check_observer(const struct fire_rules *rules, enum observer_kind kind,
                                  struct error *error) {
    uint32_t window_s = rules->observers[kind].window_s, radius_m = rules->observers[kind].radius_m;
    if (window_s == 0 || window_s > FIRE_WINDOW_S_MAX) {
        return refuse_observer(error, kind, ".window: is not from 1 second to 7 days");
    }
    if (kind == OBSERVER_CAMERA && (radius_m < FIRE_SECTOR_M_MIN || radius_m > FIRE_SECTOR_M_MAX)) {
        return refuse_observer(error, kind, ".radius_m: is not from 1000 to 35000 m");
    }
    if (kind != OBSERVER_CAMERA && (radius_m == 0 || radius_m > FIRE_DISC_M_MAX)) {
        return refuse_observer(error, kind, ".radius_m: is not from 1 to 4000 m");
    }
    return STATUS_OK;
}

static const char *fire_problem(const struct fire_rules *rules) {
    if (rules->rekindle_m == 0 || rules->rekindle_m > FIRE_DISC_M_MAX) {
        return "rekindle_m: is not from 1 to 4000 m";
    }
    if (rules->overlap_percent == 0 || rules->overlap_percent > 100) {
        return "overlap_percent: is not from 1 to 100 percent";
    }
    if (rules->sequence_gap_s == 0 || rules->sequence_gap_s > FIRE_WINDOW_S_MAX) {
        return "sequence_gap: is not from 1 second to 7 days";
    }
    if (rules->confirm_frames == 0 || rules->confirm_frames > FIRE_FRAMES_MAX) {
        return "confirm_frames: is not from 1 to 4";
    }
    return rules->confirm_within_s == 0 || rules->confirm_within_s > FIRE_CONFIRM_S_MAX
               ? "confirm_within: is not from 1 second to 1 day"
               : NULL;
}

enum status policy_set_fire(struct policy *policy, const struct fire_rules *rules,
                            struct error *error) {
    for (unsigned kind = 0; kind < OBSERVER_COUNT; kind++) {
        enum status status = check_observer(rules, (enum observer_kind)kind, error);
        if (status != STATUS_OK) {
            return status;
        }
    }
    const char *why = fire_problem(rules);
    if (why != NULL) {
        return refuse(error, why);
    }
    policy->fire = *rules;
    return STATUS_OK;
}

enum status policy_set_alarm(struct policy *policy, const struct alarm_rules *rules,
                             struct error *error) {
    if (rules->raise_samples == 0 || rules->raise_samples > ALARM_RAISE_OF) {
        return refuse(error, "raise_samples: is not from 1 to 3");
    }
    if (rules->raise_for_s == 0 || rules->raise_for_s > ALARM_HOLD_S_MAX) {
        return refuse(error, "raise_for: is not from 1 second to 1 hour");
    }
    if (rules->clear_for_s == 0 || rules->clear_for_s > ALARM_HOLD_S_MAX) {
        return refuse(error, "clear_for: is not from 1 second to 1 hour");
    }
    policy->alarm = *rules;
    return STATUS_OK;
}
