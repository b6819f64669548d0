/* The sections of a policy file about time: ladders, decisions, what happens by itself. */
#include "server/rules/policy_yaml.h"

#include <stdio.h>
#include <string.h>

static enum status read_unacked(const struct policy_item *item, const struct ladder_yaml *from,
                                struct ladder *ret) {
    char path[96];
    snprintf(path, sizeof path, "%s.unacked", item->path);
    /* libcyaml gives the same for an empty list and for none. */
    if (yaml_outline_find(&item->file->outline, path) == NULL) {
        return STATUS_OK;
    }
    memset(ret->unacked_s, 0, sizeof ret->unacked_s);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < from->unacked_count; i++) {
        char key[32];
        snprintf(key, sizeof key, "unacked[%u]", i);
        status = policy_word_time(item, key, from->unacked[i], &ret->unacked_s[i]);
        if (status == STATUS_OK && ret->unacked_s[i] == 0) {
            status = policy_item_refuse(item, key, "is none: leave it out");
        }
    }
    return status;
}

static enum status read_top_level(const struct policy_item *item, const char *text, uint8_t *ret) {
    uint32_t level = *ret;
    enum status status = policy_word_number(item, "top_level", text, &level);
    *ret = level <= UINT8_MAX ? (uint8_t)level : UINT8_MAX; /* refused with the rest */
    return status;
}

static enum status read_ladder(const struct policy_item *item, const struct ladder_yaml *from,
                               struct ladder *ret) {
    const struct {
        const char *key, *text;
        uint32_t *ret;
    } numbers[] = {{"reminder_percent", from->reminder_percent, &ret->reminder_percent},
                   {"near_percent", from->near_percent, &ret->near_percent},
                   {"step_percent", from->step_percent, &ret->step_percent}},
      times[] = {{"step", from->step, &ret->step_s}, {"repeat", from->repeat, &ret->repeat_s}};
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < ARRAY_COUNT(numbers); i++) {
        status = policy_word_number(item, numbers[i].key, numbers[i].text, numbers[i].ret);
    }
    for (size_t i = 0; status == STATUS_OK && i < ARRAY_COUNT(times); i++) {
        status = policy_word_time(item, times[i].key, times[i].text, times[i].ret);
    }
    if (status == STATUS_OK) {
        status = read_top_level(item, from->top_level, &ret->top_level);
    }
    if (status == STATUS_OK) {
        status = policy_word_limit(item, "ack", from->ack, &ret->ack);
    }
    return status != STATUS_OK ? status : read_unacked(item, from, ret);
}

static enum status read_pause(const struct policy_item *item, struct policy *policy,
                              const char *text) {
    uint32_t pause_s = policy->ladder_pause_s;
    struct error why;
    enum status status = policy_word_time(item, "ladder_pause", text, &pause_s);
    return status != STATUS_OK
               ? status
               : policy_item_status(item, policy_set_ladder_pause(policy, pause_s, &why), &why);
}

enum status policy_read_ladders(struct policy *policy, const struct yaml_file *file,
                                const struct policy_yaml *loaded, struct error *error) {
    struct policy_item item = {file, error, ""};
    enum status status = read_pause(&item, policy, loaded->ladder_pause);
    for (unsigned priority = 1; status == STATUS_OK && priority <= 4; priority++) {
        if (loaded->ladders == NULL || loaded->ladders->of[priority] == NULL) {
            continue;
        }
        struct ladder ladder = policy->ladders[priority];
        struct error why;
        snprintf(item.path, sizeof item.path, "ladders.P%u", priority);
        status = read_ladder(&item, loaded->ladders->of[priority], &ladder);
        if (status == STATUS_OK) {
            status =
                policy_item_status(&item, policy_set_ladder(policy, priority, &ladder, &why), &why);
        }
    }
    return status;
}

/* A section with one limit a priority. */
static enum status read_limits(const struct policy_item *item, struct policy *policy,
                               const struct limits_yaml *from, const struct stage_limit now[5],
                               enum status (*set)(struct policy *policy, unsigned priority,
                                                  struct stage_limit limit, struct error *error)) {
    enum status status = STATUS_OK;
    for (unsigned priority = 1; status == STATUS_OK && from != NULL && priority <= 4; priority++) {
        const char key[] = {'P', (char)('0' + priority), '\0'};
        struct stage_limit limit = now[priority];
        struct error why;
        status = policy_word_limit(item, key, from->of[priority], &limit);
        if (status == STATUS_OK && set(policy, priority, limit, &why) != STATUS_OK) {
            status = policy_item_refuse(item, key, why.message);
        }
    }
    return status;
}

enum status policy_read_times(struct policy *policy, const struct yaml_file *file,
                              const struct policy_yaml *loaded, struct error *error) {
    const struct policy_item decide = {file, error, "decide"}, reply = {file, error, "reply"},
                             item = {file, error, ""};
    enum status status =
        read_limits(&decide, policy, loaded->decide, policy->decide, policy_set_decide);
    if (status == STATUS_OK) {
        status = read_limits(&reply, policy, loaded->reply, policy->reply, policy_set_reply);
    }
    uint32_t archive_s = policy->archive_s, reopen_s = policy->reopen_s,
             return_s = policy->return_s, percent = policy->self_check_percent;
    if (status == STATUS_OK) {
        status = policy_word_time(&item, "archive", loaded->archive, &archive_s);
    }
    if (status == STATUS_OK) {
        status = policy_word_time(&item, "reopen", loaded->reopen, &reopen_s);
    }
    if (status == STATUS_OK) {
        status = policy_word_time(&item, "return_window", loaded->return_window, &return_s);
    }
    if (status == STATUS_OK) {
        status =
            policy_word_number(&item, "self_check_percent", loaded->self_check_percent, &percent);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct error why;
    return policy_item_status(
        &item, policy_set_times(policy, archive_s, reopen_s, return_s, percent, &why), &why);
}
