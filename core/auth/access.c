#include "core/auth/access.h"

#include "core/base/check.h"
#include "core/ticket/ticket_table.h"

#define MAY(action) (UINT32_C(1) << ACCESS_##action)

enum {
    READS_WORK = MAY(REPORT_READ) | MAY(FEED_READ) | MAY(TICKET_READ) | MAY(REGION_READ),
    EVERYBODY = MAY(SELF),
};

/* Whatever is not here is refused. The ticket roles are those of domain.md 3.3: a centre has the
 * shift lead's and the whistle's. */
static const struct {
    const char *name;
    uint32_t actions, ticket_roles;
} roles_table[] = {
    {"device",
     MAY(REPORT_WRITE) | MAY(REPORT_READ) | MAY(TICKET_READ) | MAY(TICKET_COMMAND) |
         MAY(REGION_READ),
     ROLE_WORKER},
    {"gateway", MAY(REPORT_WRITE) | MAY(TICKET_READ) | MAY(TICKET_COMMAND) | MAY(REGION_READ),
     ROLE_REPORTER},
    {"intake",
     READS_WORK | MAY(REPORT_WRITE) | MAY(TICKET_COMMAND) | MAY(TICKET_OPEN) |
         MAY(INCIDENT_CHANGE) | MAY(STATS_READ) | MAY(PERSONAL_READ),
     ROLE_INTAKE},
    {"dispatcher",
     READS_WORK | MAY(TICKET_COMMAND) | MAY(TICKET_OPEN) | MAY(INCIDENT_CHANGE) | MAY(STATS_READ),
     ROLE_DISPATCHER},
    {"unit", READS_WORK | MAY(TICKET_COMMAND), ROLE_UNIT},
    {"checker", READS_WORK | MAY(TICKET_COMMAND), ROLE_CHECKER},
    {"follow_up", READS_WORK | MAY(TICKET_COMMAND) | MAY(PERSONAL_READ), ROLE_FOLLOW_UP},
    {"supervisor",
     READS_WORK | MAY(TICKET_COMMAND) | MAY(DIRECTIVE_ISSUE) | MAY(STATS_READ) | MAY(PERSONAL_READ),
     ROLE_SUPERVISOR},
    {"centre",
     READS_WORK | MAY(TICKET_COMMAND) | MAY(TICKET_OPEN) | MAY(INCIDENT_CHANGE) |
         MAY(DIRECTIVE_ISSUE) | MAY(STATS_READ),
     ROLE_SHIFT_LEAD | ROLE_WHISTLE_CENTER},
    {"admin", MAY(REGION_READ) | MAY(REGION_ADMIN) | MAY(TOKEN_ADMIN) | MAY(AUDIT_READ), 0},
    {"ops", MAY(OPS_READ) | MAY(AUDIT_READ), 0},
};
_Static_assert(ARRAY_COUNT(roles_table) == ACCESS_ROLES_COUNT, "every role has its row");

uint32_t access_actions(uint32_t roles) {
    uint32_t actions = roles != 0 ? EVERYBODY : 0;
    CHECK((roles & ~(uint32_t)ACCESS_ROLES_ALL) == 0);
    for (size_t i = 0; i < ARRAY_COUNT(roles_table); i++) {
        actions |= (roles >> i & 1) != 0 ? roles_table[i].actions : 0;
    }
    return actions;
}

uint32_t access_ticket_roles(uint32_t roles) {
    uint32_t ticket_roles = 0;
    CHECK((roles & ~(uint32_t)ACCESS_ROLES_ALL) == 0);
    for (size_t i = 0; i < ARRAY_COUNT(roles_table); i++) {
        ticket_roles |= (roles >> i & 1) != 0 ? roles_table[i].ticket_roles : 0;
    }
    return ticket_roles;
}

bool access_has(const struct principal *principal, enum access_action action) {
    CHECK(action < ACCESS_ACTIONS_END);
    return (access_actions(principal->roles) >> action & 1) != 0;
}

bool access_reaches(const struct principal *principal, const struct region_table *regions,
                    uint32_t region) {
    if (principal->region == REGION_NONE) {
        return true;
    }
    size_t count = region_count(regions);
    return region < count && principal->region < count &&
           region_is_within(regions, region, principal->region);
}

enum access authorize(const struct principal *principal, enum access_action action,
                      const struct region_table *regions, uint32_t region) {
    if (!access_has(principal, action)) {
        return ACCESS_NO_ROLE;
    }
    return access_reaches(principal, regions, region) ? ACCESS_GRANTED : ACCESS_OUTSIDE;
}

const char *access_role_name(unsigned bit) {
    CHECK(bit < ARRAY_COUNT(roles_table));
    return roles_table[bit].name;
}

const char *access_action_name(enum access_action action) {
    switch (action) {
#define ACTION_NAME(name, text)                                                                    \
    case ACCESS_##name:                                                                            \
        return text;
        ACCESS_ACTION_TABLE(ACTION_NAME)
#undef ACTION_NAME
    case ACCESS_NOBODY:
        return "nobody";
    case ACCESS_ACTIONS_END:
        break;
    }
    CHECK(false);
}

bool access_role_parse(uint32_t *roles, struct slice word) {
    for (unsigned i = 0; i < ARRAY_COUNT(roles_table); i++) {
        if (slice_is(word, roles_table[i].name)) {
            *roles |= UINT32_C(1) << i;
            return true;
        }
    }
    return false;
}
