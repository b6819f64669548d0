/* Who may do what, where: roles, actions and the one question that everything asks.
 *
 * A principal is who gives a request: its roles, bound to a region node and perhaps a unit. What a
 * role may do is one table (access.c); what is not in it is refused. Where it may do it is the
 * subtree of its region as the tree stands at that moment, so that a region that is moved takes
 * what it may with it at once. Ancestry is region_is_within's, never a prefix of codes. */
#ifndef CORE_AUTH_ACCESS_H
#define CORE_AUTH_ACCESS_H

#include "core/region/region.h"

/* Bit in a token and on disk (never reused), name, word. */
#define ACCESS_ROLE_TABLE(X)                                                                       \
    X(0, DEVICE, "device")         /* a grid worker's handheld */                                  \
    X(1, GATEWAY, "gateway")       /* another system that sends for its users */                   \
    X(2, INTAKE, "intake")         /* takes reports in, talks with who reported */                 \
    X(3, DISPATCHER, "dispatcher") /* gives work to units */                                       \
    X(4, UNIT, "unit")             /* handles what it was given */                                 \
    X(5, CHECKER, "checker")       /* checks what was handled */                                   \
    X(6, FOLLOW_UP, "follow_up")   /* asks who reported */                                         \
    X(7, SUPERVISOR, "supervisor") /* a rank above */                                              \
    X(8, CENTRE, "centre")         /* command centre and its shift lead */                         \
    X(9, ADMIN, "admin")           /* regions and tokens */                                        \
    X(10, OPS, "ops")              /* runs the server */

enum access_role {
#define ACCESS_ROLE_ENUM(bit, name, text) ACCESS_ROLE_##name = 1 << (bit),
    ACCESS_ROLE_TABLE(ACCESS_ROLE_ENUM)
#undef ACCESS_ROLE_ENUM
        ACCESS_ROLES_COUNT = 11,
    ACCESS_ROLES_ALL = (1 << ACCESS_ROLES_COUNT) - 1
};

#define ACCESS_ACTION_TABLE(X)                                                                     \
    X(REPORT_WRITE, "report.write")                                                                \
    X(REPORT_READ, "report.read") /* reports and timelines */                                      \
    X(FEED_READ, "feed.read")                                                                      \
    X(TICKET_READ, "ticket.read")       /* tickets, incidents, directives */                       \
    X(TICKET_COMMAND, "ticket.command") /* which of them, core/ticket says by role */              \
    X(TICKET_OPEN, "ticket.open")                                                                  \
    X(INCIDENT_CHANGE, "incident.change") /* merge, un-merge */                                    \
    X(DIRECTIVE_ISSUE, "directive.issue")                                                          \
    X(STATS_READ, "stats.read")                                                                    \
    X(REGION_READ, "region.read")                                                                  \
    X(REGION_ADMIN, "region.admin")                                                                \
    X(TOKEN_ADMIN, "token.admin")                                                                  \
    X(AUDIT_READ, "audit.read")                                                                    \
    X(PERSONAL_READ, "personal.read") /* who reported, and what is confidential */                 \
    X(OPS_READ, "ops.read")                                                                        \
    X(SELF, "self") /* who am I */

enum access_action {
    ACCESS_NOBODY, /* no role has it: what is forgotten is refused */
#define ACCESS_ACTION_ENUM(name, text) ACCESS_##name,
    ACCESS_ACTION_TABLE(ACCESS_ACTION_ENUM)
#undef ACCESS_ACTION_ENUM
        ACCESS_ACTIONS_END
};
_Static_assert(ACCESS_ACTIONS_END <= 32, "sets of actions are bits of a u32");

struct principal {
    uint32_t roles;    /* enum access_role */
    uint32_t region;   /* acts in its subtree; REGION_NONE: everywhere */
    uint32_t unit_tag; /* 0: of no unit */
};

enum access {
    ACCESS_GRANTED,
    ACCESS_NO_ROLE, /* no role of the principal has the action: 403 */
    ACCESS_OUTSIDE, /* the region is not under its own: as if it were not there */
};

/* May `principal` do `action` in `region`? REGION_NONE stands for the whole tree, which only who is
 * bound to no region has. A region that the tree does not know is outside. O(1). */
enum access authorize(const struct principal *principal, enum access_action action,
                      const struct region_table *regions, uint32_t region);
/* Has any role of it the action, somewhere? */
bool access_has(const struct principal *principal, enum access_action action);
/* Is the region under the principal's own? */
bool access_reaches(const struct principal *principal, const struct region_table *regions,
                    uint32_t region);
/* Bits 1 << enum access_action. */
uint32_t access_actions(uint32_t roles);
/* Sets of core/ticket's roles (enum ticket_role) that these stand for in commands. */
uint32_t access_ticket_roles(uint32_t roles);

const char *access_role_name(unsigned bit);
const char *access_action_name(enum access_action action);
/* Adds the role's bit; false when there is no such role. */
MUST_USE bool access_role_parse(uint32_t *roles, struct slice word);

#endif
