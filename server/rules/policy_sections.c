/* The sections of a policy file, from words to a policy. */
#include "server/rules/policy_yaml.h"

#include "core/base/check.h"

#include <stdio.h>
#include <string.h>

static const char *const merge_kinds[] = {[MERGE_NEVER] = "never",
                                          [MERGE_DISTANCE] = "distance",
                                          [MERGE_GRID] = "grid",
                                          [MERGE_FIRE] = "fire",
                                          [MERGE_ALARM] = "alarm"};

static enum status read_merge_kind(const struct policy_item *item, const char *text,
                                   enum merge_kind *ret) {
    for (size_t i = 0; i < ARRAY_COUNT(merge_kinds); i++) {
        if (strcmp(text, merge_kinds[i]) == 0) {
            *ret = (enum merge_kind)i;
            return STATUS_OK;
        }
    }
    return policy_item_refuse(item, "kind", "is none of never, distance, grid, fire, alarm");
}

/* Without a spread two members may stand on opposite sides of the anchor, each at the gate. */
static enum status read_merge_class(const struct policy_item *item,
                                    const struct merge_class_yaml *from, struct merge_class *ret) {
    enum status status = read_merge_kind(item, from->kind, &ret->kind);
    if (status == STATUS_OK) {
        status = policy_word_number(item, "gate_m", from->gate_m, &ret->gate_m);
    }
    ret->spread_m = ret->gate_m <= MERGE_DISTANCE_M_MAX / 2 ? 2 * ret->gate_m : ret->gate_m;
    if (status == STATUS_OK) {
        status = policy_word_number(item, "spread_m", from->spread_m, &ret->spread_m);
    }
    if (status == STATUS_OK) {
        status = policy_word_number(item, "suggest_m", from->suggest_m, &ret->suggest_m);
    }
    if (status == STATUS_OK) {
        status = policy_word_time(item, "idle", from->idle, &ret->idle_s);
    }
    if (status == STATUS_OK) {
        status = policy_word_time(item, "reopen", from->reopen, &ret->reopen_s);
    }
    return status != STATUS_OK ? status
                               : policy_word_time(item, "stale", from->stale, &ret->stale_s);
}

enum status policy_read_merge_classes(struct policy *policy, const struct yaml_file *file,
                                      const struct policy_yaml *loaded, struct error *error) {
    struct policy_item item = {file, error, ""};
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < loaded->merge_classes_count; i++) {
        const struct merge_class_yaml *from = &loaded->merge_classes[i];
        struct merge_class rules = {0};
        struct error why;
        policy_item_set(&item, "merge_classes", i);
        status = read_merge_class(&item, from, &rules);
        if (status == STATUS_OK) {
            status = policy_item_status(
                &item, policy_add_merge_class(policy, slice_text(from->code), &rules, &why), &why);
        }
    }
    return status;
}

/* Domain.md 3.7 ranks categories by priority only; CAP's four severities follow it one to one. */
static enum severity severity_of_priority(unsigned priority) {
    static const enum severity severities[] = {SEVERITY_EXTREME, SEVERITY_SEVERE, SEVERITY_MODERATE,
                                               SEVERITY_MINOR};
    CHECK(priority >= 1 && priority <= ARRAY_COUNT(severities));
    return severities[priority - 1];
}

static enum status add_category(const struct policy_item *item, struct policy *policy,
                                const struct category_yaml *from) {
    const char *digit = from->priority;
    if (digit[0] != 'P' || digit[1] < '1' || digit[1] > '4' || digit[2] != '\0') {
        return policy_item_refuse(item, "priority", "is none of P1, P2, P3, P4");
    }
    unsigned priority = (unsigned)(digit[1] - '0');
    enum severity severity = severity_of_priority(priority);
    if (from->severity != NULL && !severity_parse(&severity, slice_text(from->severity))) {
        return policy_item_refuse(item, "severity", "is none of extreme, severe, moderate, minor");
    }
    struct error why;
    return policy_item_status(item,
                              policy_add_category(policy, slice_text(from->code),
                                                  slice_text(from->name), priority, severity, &why),
                              &why);
}

/* Does the category have figures of its own for what the overall limit spans? */
static bool has_own_stages(const struct category_yaml *from) {
    return from->limits[STAGE_ACCEPT] != NULL || from->limits[STAGE_DISPATCH] != NULL ||
           from->limits[STAGE_HANDLE] != NULL || from->limits[STAGE_CHECK] != NULL;
}

static enum status read_limits(const struct policy_item *item, const struct category_yaml *from,
                               struct stage_limit limits[STAGE_COUNT]) {
    /* The default overall limit goes with the default stages: it may be too short for others. */
    if (has_own_stages(from)) {
        limits[STAGE_OVERALL].amount = 0;
    }
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < STAGE_COUNT; i++) {
        status = policy_word_limit(item, stage_name((enum stage)i), from->limits[i], &limits[i]);
    }
    return status;
}

static enum status set_category(const struct policy_item *item, struct policy *policy,
                                const struct category_yaml *from) {
    const struct category *category = policy_category(policy, slice_text(from->code));
    CHECK(category != NULL);
    struct category_rules rules = policy_category_rules(policy, category);
    if (from->merge != NULL) {
        rules.merge_class = slice_text(from->merge);
    }
    enum status status = policy_word_bool(item, "ticket", from->ticket, &rules.opens_ticket);
    if (status == STATUS_OK) {
        status = policy_word_bool(item, "self_handle", from->self_handle, &rules.self_handle);
    }
    if (status == STATUS_OK) {
        status = policy_word_bool(item, "confidential", from->confidential, &rules.confidential);
    }
    if (status == STATUS_OK) {
        status = read_limits(item, from, rules.limits);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct error why;
    return policy_item_status(
        item, policy_set_category_rules(policy, slice_text(from->code), &rules, &why), &why);
}

enum status policy_read_categories(struct policy *policy, const struct yaml_file *file,
                                   const struct policy_yaml *loaded, struct error *error) {
    struct policy_item item = {file, error, ""};
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < loaded->categories_count; i++) {
        policy_item_set(&item, "categories", i);
        status = add_category(&item, policy, &loaded->categories[i]);
        if (status == STATUS_OK) {
            status = set_category(&item, policy, &loaded->categories[i]);
        }
    }
    return status;
}

static enum status read_fire_observers(const struct policy_item *item, const struct fire_yaml *from,
                                       struct fire_rules *ret) {
    enum status status = STATUS_OK;
    for (unsigned kind = 0; status == STATUS_OK && kind < OBSERVER_COUNT; kind++) {
        const struct fire_observer_yaml *observer = from->of[kind];
        struct policy_item place = {item->file, item->error, ""};
        if (observer == NULL) {
            continue;
        }
        snprintf(place.path, sizeof place.path, "fire.%s", observer_name((enum observer_kind)kind));
        status =
            policy_word_time(&place, "window", observer->window, &ret->observers[kind].window_s);
        if (status == STATUS_OK) {
            status = policy_word_number(&place, "radius_m", observer->radius_m,
                                        &ret->observers[kind].radius_m);
        }
    }
    return status;
}

static enum status read_fire_figures(const struct policy_item *item, const struct fire_yaml *from,
                                     struct fire_rules *ret) {
    enum status status = policy_word_number(item, "rekindle_m", from->rekindle_m, &ret->rekindle_m);
    if (status == STATUS_OK) {
        status = policy_word_number(item, "overlap_percent", from->overlap_percent,
                                    &ret->overlap_percent);
    }
    if (status == STATUS_OK) {
        status = policy_word_time(item, "sequence_gap", from->sequence_gap, &ret->sequence_gap_s);
    }
    if (status == STATUS_OK) {
        status =
            policy_word_number(item, "confirm_frames", from->confirm_frames, &ret->confirm_frames);
    }
    return status != STATUS_OK ? status
                               : policy_word_time(item, "confirm_within", from->confirm_within,
                                                  &ret->confirm_within_s);
}

enum status policy_read_fire(struct policy *policy, const struct yaml_file *file,
                             const struct policy_yaml *loaded, struct error *error) {
    struct policy_item item = {file, error, "fire"};
    struct fire_rules rules = policy->fire;
    struct error why;
    if (loaded->fire == NULL) {
        return STATUS_OK;
    }
    enum status status = read_fire_observers(&item, loaded->fire, &rules);
    if (status == STATUS_OK) {
        status = read_fire_figures(&item, loaded->fire, &rules);
    }
    return status != STATUS_OK
               ? status
               : policy_item_status(&item, policy_set_fire(policy, &rules, &why), &why);
}

enum status policy_read_alarm(struct policy *policy, const struct yaml_file *file,
                              const struct policy_yaml *loaded, struct error *error) {
    struct policy_item item = {file, error, "alarm"};
    struct alarm_rules rules = policy->alarm;
    const struct alarm_yaml *from = loaded->alarm;
    struct error why;
    if (from == NULL) {
        return STATUS_OK;
    }
    enum status status =
        policy_word_number(&item, "raise_samples", from->raise_samples, &rules.raise_samples);
    if (status == STATUS_OK) {
        status = policy_word_time(&item, "raise_for", from->raise_for, &rules.raise_for_s);
    }
    if (status == STATUS_OK) {
        status = policy_word_time(&item, "clear_for", from->clear_for, &rules.clear_for_s);
    }
    return status != STATUS_OK
               ? status
               : policy_item_status(&item, policy_set_alarm(policy, &rules, &why), &why);
}

static enum status read_channel(const struct policy_item *item, struct policy *policy,
                                const struct channel_yaml *from) {
    enum observer_kind observer = OBSERVER_PERSON;
    bool public_ = false;
    struct slice code = slice_text(from->code);
    struct error why;
    enum status status = policy_item_status(
        item, policy_add_channel(policy, code, slice_text(from->name), &why), &why);
    if (status == STATUS_OK && from->observer != NULL &&
        !observer_parse(&observer, slice_text(from->observer))) {
        status = policy_item_refuse(item, "observer",
                                    "is none of person, ranger, camera, sensor, viirs, modis, "
                                    "geostationary, system");
    }
    if (status == STATUS_OK) {
        status = policy_word_bool(item, "public", from->public_, &public_);
    }
    return status != STATUS_OK
               ? status
               : policy_item_status(
                     item, policy_set_channel_rules(policy, code, observer, public_, &why), &why);
}

enum status policy_read_channels(struct policy *policy, const struct yaml_file *file,
                                 const struct policy_yaml *loaded, struct error *error) {
    struct policy_item item = {file, error, ""};
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < loaded->channels_count; i++) {
        policy_item_set(&item, "channels", i);
        status = read_channel(&item, policy, &loaded->channels[i]);
    }
    return status;
}

/* An empty word is no region and no category: leaving the key out says "any". */
static enum status read_assignment(const struct policy_item *item, struct policy *policy,
                                   const struct assignment_yaml *from) {
    const struct slice any = {NULL, 0};
    if (from->category != NULL && from->category[0] == '\0') {
        return policy_item_refuse(item, "category", "is empty: leave it out for any category");
    }
    if (from->region != NULL && from->region[0] == '\0') {
        return policy_item_refuse(item, "region", "is empty: leave it out for everywhere");
    }
    struct error why;
    return policy_item_status(
        item,
        policy_add_assignment(policy, from->category != NULL ? slice_text(from->category) : any,
                              from->region != NULL ? slice_text(from->region) : any,
                              slice_text(from->unit), &why),
        &why);
}

enum status policy_read_units(struct policy *policy, const struct yaml_file *file,
                              const struct policy_yaml *loaded, struct error *error) {
    struct policy_item item = {file, error, ""};
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < loaded->units_count; i++) {
        struct error why;
        policy_item_set(&item, "units", i);
        status = policy_item_status(&item,
                                    policy_add_unit(policy, slice_text(loaded->units[i].code),
                                                    slice_text(loaded->units[i].name), &why),
                                    &why);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < loaded->assignments_count; i++) {
        policy_item_set(&item, "assignments", i);
        status = read_assignment(&item, policy, &loaded->assignments[i]);
    }
    return status;
}
