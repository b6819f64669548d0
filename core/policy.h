/* The policy: which categories and channels exist, and what each category means by default.
 * Data, read from YAML by the server (server/policy.h) and immutable afterwards. */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include "core/limits.h"
#include "core/status.h"

/* CAP 1.2 severities, worst first (domain.md, glossary). */
enum severity { SEVERITY_EXTREME = 1, SEVERITY_SEVERE, SEVERITY_MODERATE, SEVERITY_MINOR };

struct category {
    char code[POLICY_CODE_BYTES_MAX + 1];
    char name[POLICY_CODE_BYTES_MAX + 1]; /* as people read it, UTF-8 */
    uint32_t tag;                         /* policy_tag(code); unique within a policy */
    uint8_t priority;                     /* 1..4 (P1..P4) */
    enum severity severity;               /* default of its reports */
};

struct channel {
    char code[POLICY_CODE_BYTES_MAX + 1];
    char name[POLICY_CODE_BYTES_MAX + 1];
    uint32_t tag;
};

struct policy {
    uint32_t version;
    uint32_t categories_count, channels_count;
    struct category categories[CATEGORIES_MAX];
    struct channel channels[CHANNELS_MAX];
    uint16_t category_slots[2 * CATEGORIES_MAX]; /* hash index: 1 + position, 0 = free */
};

/* Stable 32-bit tag of a code: what entries on disk carry instead of the string (XXH32, seed 0). */
uint32_t policy_tag(struct slice code);

void policy_init(struct policy *policy, uint32_t version);
/* Add a category or a channel. INVALID with a message when the code is empty, too long, not of
 * [a-z0-9_], there already, or its tag equals another's; FULL when the table is full. */
MUST_USE enum status policy_add_category(struct policy *policy, struct slice code,
                                         struct slice name, unsigned priority,
                                         enum severity severity, struct error *error);
MUST_USE enum status policy_add_channel(struct policy *policy, struct slice code, struct slice name,
                                        struct error *error);
/* NULL when unknown. O(1). */
const struct category *policy_category(const struct policy *policy, struct slice code);
const struct category *policy_category_by_tag(const struct policy *policy, uint32_t tag);
const struct channel *policy_channel(const struct policy *policy, struct slice code);

MUST_USE bool severity_parse(enum severity *ret_severity, struct slice text);
const char *severity_name(enum severity severity);

#endif
