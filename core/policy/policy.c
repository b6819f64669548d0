#include "core/policy/policy.h"

#include "core/base/check.h"
#include "core/policy/policy_code.h"

#include <string.h>
#include <xxhash.h>

enum { SLOTS = 2 * CATEGORIES_MAX };
_Static_assert((SLOTS & (SLOTS - 1)) == 0, "slots are found with a mask");
_Static_assert(CATEGORIES_MAX < UINT16_MAX, "a slot holds 1 + position");

uint32_t policy_tag(struct slice code) {
    return XXH32(code.data, code.bytes, 0);
}

void policy_init(struct policy *policy, uint32_t version) {
    memset(policy, 0, sizeof *policy);
    policy->version = version;
    policy_default_rules(policy);
}

/* The slot of the tag, or the free one where it would go. Ends: at most half the slots are used. */
static size_t category_slot(const struct policy *policy, uint32_t tag) {
    size_t slot = tag & (SLOTS - 1);
    for (size_t i = 0; i < SLOTS; i++, slot = (slot + 1) & (SLOTS - 1)) {
        uint16_t at = policy->category_slots[slot];
        if (at == 0 || policy->categories[at - 1].tag == tag) {
            return slot;
        }
    }
    CHECK(false);
}

const struct category *policy_category_by_tag(const struct policy *policy, uint32_t tag) {
    uint16_t at = policy->category_slots[category_slot(policy, tag)];
    CHECK(at <= policy->categories_count);
    return at == 0 ? NULL : &policy->categories[at - 1];
}

const struct category *policy_category(const struct policy *policy, struct slice code) {
    const struct category *found = policy_category_by_tag(policy, policy_tag(code));
    return found != NULL && slice_is(code, found->code) ? found : NULL;
}

const struct channel *policy_channel_by_tag(const struct policy *policy, uint32_t tag) {
    for (uint32_t i = 0; i < policy->channels_count; i++) {
        if (policy->channels[i].tag == tag) {
            return &policy->channels[i];
        }
    }
    return NULL;
}

const struct channel *policy_channel(const struct policy *policy, struct slice code) {
    const struct channel *found = policy_channel_by_tag(policy, policy_tag(code));
    return found != NULL && slice_is(code, found->code) ? found : NULL;
}

enum status policy_add_category(struct policy *policy, struct slice code, struct slice name,
                                unsigned priority, enum severity severity, struct error *error) {
    uint32_t tag = policy_tag(code);
    const struct category *owner = policy_category_by_tag(policy, tag);
    enum status status = policy_code_check(code, name, owner != NULL ? owner->code : NULL, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (priority < 1 || priority > 4) {
        return error_set(error, STATUS_INVALID, "a priority is not 1, 2, 3 or 4", NULL, NULL);
    }
    if (severity < SEVERITY_EXTREME || severity > SEVERITY_MINOR) {
        return error_set(error, STATUS_INVALID,
                         "a severity is not extreme, severe, moderate or minor", NULL, NULL);
    }
    if (policy->categories_count == CATEGORIES_MAX) {
        return error_set(error, STATUS_FULL, "a policy has at most 512 categories", NULL, NULL);
    }
    size_t slot = category_slot(policy, tag);
    CHECK(policy->category_slots[slot] == 0);
    struct category *category = &policy->categories[policy->categories_count++];
    policy_code_copy(category->code, code);
    policy_code_copy(category->name, name);
    category->tag = tag;
    category->priority = (uint8_t)priority;
    category->severity = severity;
    category->opens_ticket = true;
    policy_default_limits(category->limits, priority);
    policy->category_slots[slot] = (uint16_t)policy->categories_count;
    return STATUS_OK;
}

enum status policy_add_channel(struct policy *policy, struct slice code, struct slice name,
                               struct error *error) {
    uint32_t tag = policy_tag(code);
    const struct channel *owner = policy_channel_by_tag(policy, tag);
    enum status status = policy_code_check(code, name, owner != NULL ? owner->code : NULL, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (policy->channels_count == CHANNELS_MAX) {
        return error_set(error, STATUS_FULL, "a policy has at most 64 channels", NULL, NULL);
    }
    struct channel *channel = &policy->channels[policy->channels_count++];
    policy_code_copy(channel->code, code);
    policy_code_copy(channel->name, name);
    channel->tag = tag;
    channel->observer = OBSERVER_PERSON;
    if (slice_is(code, "handheld")) {
        policy->default_channel = policy->channels_count;
    }
    return STATUS_OK;
}

const struct channel *policy_default_channel(const struct policy *policy) {
    CHECK(policy->default_channel <= policy->channels_count);
    return policy->default_channel == 0 ? NULL : &policy->channels[policy->default_channel - 1];
}

enum status policy_set_channel_rules(struct policy *policy, struct slice code,
                                     enum observer_kind observer, bool public_,
                                     struct error *error) {
    const struct channel *found = policy_channel(policy, code);
    if (found == NULL) {
        return policy_code_refuse(error, code, "is no channel of the policy");
    }
    if ((unsigned)observer >= OBSERVER_COUNT) {
        return policy_code_refuse(error, code, "its observer is of no known kind");
    }
    struct channel *channel = &policy->channels[found - policy->channels];
    channel->observer = (uint8_t)observer;
    channel->public_ = public_;
    return STATUS_OK;
}

static const char *const severity_names[] = {
    [SEVERITY_EXTREME] = "extreme",
    [SEVERITY_SEVERE] = "severe",
    [SEVERITY_MODERATE] = "moderate",
    [SEVERITY_MINOR] = "minor",
};

bool severity_parse(enum severity *ret_severity, struct slice text) {
    for (size_t i = SEVERITY_EXTREME; i < ARRAY_COUNT(severity_names); i++) {
        if (slice_is(text, severity_names[i])) {
            *ret_severity = (enum severity)i;
            return true;
        }
    }
    return false;
}

const char *severity_name(enum severity severity) {
    CHECK(severity >= SEVERITY_EXTREME && severity <= SEVERITY_MINOR);
    return severity_names[severity];
}
