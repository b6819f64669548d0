#include "core/policy.h"

#include "core/check.h"
#include "core/json.h"

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
}

static const char *code_problem(struct slice code) {
    if (code.bytes == 0) {
        return "a code is empty";
    }
    if (code.bytes > POLICY_CODE_BYTES_MAX) {
        return "a code is longer than 64 bytes";
    }
    for (size_t i = 0; i < code.bytes; i++) {
        uint8_t c = code.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) {
            return "a code has a character other than a-z, 0-9 and _";
        }
    }
    return NULL;
}

static const char *name_problem(struct slice name) {
    if (name.bytes == 0) {
        return "its name is empty";
    }
    if (name.bytes > POLICY_CODE_BYTES_MAX) {
        return "its name is longer than 64 bytes";
    }
    if (memchr(name.data, '\0', name.bytes) != NULL) {
        return "its name has a NUL";
    }
    return utf8_is_valid(name) ? NULL : "its name is not UTF-8";
}

static void copy_text(char to[POLICY_CODE_BYTES_MAX + 1], struct slice from) {
    CHECK(from.bytes <= POLICY_CODE_BYTES_MAX);
    memcpy(to, from.data, from.bytes);
    to[from.bytes] = '\0';
}

/* Says what is wrong with a code and a name of either table; `tag_owner` is the code that has the
 * tag already, or NULL. */
static enum status entry_problem(struct slice code, struct slice name, const char *tag_owner,
                                 struct error *error) {
    const char *why = code_problem(code);
    if (why != NULL) {
        return error_set(error, STATUS_INVALID, why, NULL, NULL);
    }
    char text[POLICY_CODE_BYTES_MAX + 1];
    copy_text(text, code);
    why = name_problem(name);
    if (why == NULL && policy_tag(code) == 0) {
        why = "its tag is 0, which means any; choose another code"; /* timeline queries say so */
    }
    if (why == NULL && tag_owner != NULL) {
        why = slice_is(code, tag_owner) ? "it is there already"
                                        : "its tag equals another code's; choose another code";
    }
    return why == NULL ? STATUS_OK : error_set(error, STATUS_INVALID, text, ": ", why);
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

static const struct channel *channel_by_tag(const struct policy *policy, uint32_t tag) {
    for (uint32_t i = 0; i < policy->channels_count; i++) {
        if (policy->channels[i].tag == tag) {
            return &policy->channels[i];
        }
    }
    return NULL;
}

const struct channel *policy_channel(const struct policy *policy, struct slice code) {
    const struct channel *found = channel_by_tag(policy, policy_tag(code));
    return found != NULL && slice_is(code, found->code) ? found : NULL;
}

enum status policy_add_category(struct policy *policy, struct slice code, struct slice name,
                                unsigned priority, enum severity severity, struct error *error) {
    uint32_t tag = policy_tag(code);
    const struct category *owner = policy_category_by_tag(policy, tag);
    enum status status = entry_problem(code, name, owner != NULL ? owner->code : NULL, error);
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
    copy_text(category->code, code);
    copy_text(category->name, name);
    category->tag = tag;
    category->priority = (uint8_t)priority;
    category->severity = severity;
    policy->category_slots[slot] = (uint16_t)policy->categories_count;
    return STATUS_OK;
}

enum status policy_add_channel(struct policy *policy, struct slice code, struct slice name,
                               struct error *error) {
    uint32_t tag = policy_tag(code);
    const struct channel *owner = channel_by_tag(policy, tag);
    enum status status = entry_problem(code, name, owner != NULL ? owner->code : NULL, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (policy->channels_count == CHANNELS_MAX) {
        return error_set(error, STATUS_FULL, "a policy has at most 64 channels", NULL, NULL);
    }
    struct channel *channel = &policy->channels[policy->channels_count++];
    copy_text(channel->code, code);
    copy_text(channel->name, name);
    channel->tag = tag;
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
