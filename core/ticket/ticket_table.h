/* The state table of a ticket (domain.md 3.2, 3.3): states, commands, roles, and for each command
 * from which states who may give it and what is asked of the ticket first. The rows are data in
 * ticket_table.c; ticket_refusal.c reads them, nobody else decides who may do what.
 *
 * Numbers of states and commands are on disk: never reused. */
#ifndef CORE_TICKET_TICKET_TABLE_H
#define CORE_TICKET_TICKET_TABLE_H

#include "core/base/base.h"

#define TICKET_STATE_TABLE(X)                                                                      \
    X(0, REPORTED, "reported")                                                                     \
    X(1, VERIFYING, "verifying")                                                                   \
    X(2, ACCEPTED, "accepted")                                                                     \
    X(3, DISPATCHED, "dispatched")                                                                 \
    X(4, HANDLING, "handling")                                                                     \
    X(5, CHECKING, "checking")                                                                     \
    X(6, CLOSED, "closed")                                                                         \
    X(7, ARCHIVED, "archived")                                                                     \
    X(8, REJECTED, "rejected")                                                                     \
    X(9, VOIDED, "voided")                                                                         \
    X(10, MERGED, "merged")

enum ticket_state {
#define TICKET_STATE_ENUM(number, name, text) TICKET_##name = (number),
    TICKET_STATE_TABLE(TICKET_STATE_ENUM)
#undef TICKET_STATE_ENUM
        TICKET_STATES
};

/* `check_in` is another word for `sign`: what a co-handler does. */
#define TICKET_VERB_TABLE(X)                                                                       \
    X(1, REQUEST_VERIFY, "request_verify")                                                         \
    X(2, VERIFY_RESULT, "verify_result")                                                           \
    X(3, ACCEPT, "accept")                                                                         \
    X(4, REJECT, "reject")                                                                         \
    X(5, SELF_HANDLE, "self_handle")                                                               \
    X(6, DISPATCH, "dispatch")                                                                     \
    X(7, WHISTLE, "whistle")                                                                       \
    X(8, SIGN, "sign")                                                                             \
    X(9, RETURN, "return")                                                                         \
    X(10, PROGRESS, "progress")                                                                    \
    X(11, REQUEST_EXTENSION, "request_extension")                                                  \
    X(12, REQUEST_SUSPENSION, "request_suspension")                                                \
    X(13, APPROVE, "approve")                                                                      \
    X(14, DENY, "deny")                                                                            \
    X(15, RESUME, "resume")                                                                        \
    X(16, SUBMIT_RESULT, "submit_result")                                                          \
    X(17, CHECK_PASS, "check_pass")                                                                \
    X(18, CHECK_FAIL, "check_fail")                                                                \
    X(19, VOID, "void")                                                                            \
    X(20, MERGE, "merge")                                                                          \
    X(21, UNMERGE, "unmerge")                                                                      \
    X(22, FOLLOW_UP, "follow_up")                                                                  \
    X(23, REOPEN, "reopen")                                                                        \
    X(24, SUPERVISE, "supervise")                                                                  \
    X(25, REMIND, "remind")                                                                        \
    X(26, DOWNGRADE, "downgrade")                                                                  \
    X(27, UPGRADE, "upgrade")                                                                      \
    X(28, ARCHIVE, "archive")                                                                      \
    X(29, ACK, "ack")

enum ticket_verb {
#define TICKET_VERB_ENUM(number, name, text) VERB_##name = (number),
    TICKET_VERB_TABLE(TICKET_VERB_ENUM)
#undef TICKET_VERB_ENUM
        VERBS_END
};
_Static_assert(VERBS_END <= 32, "sets of commands are bits of a u32");

#define TICKET_ROLE_TABLE(X)                                                                       \
    X(0, REPORTER, "reporter")                                                                     \
    X(1, WORKER, "worker")         /* 网格员, of the grid or an ancestor */                     \
    X(2, INTAKE, "intake")         /* 受理员 */                                                 \
    X(3, SHIFT_LEAD, "shift_lead") /* 值班长 */                                                 \
    X(4, DISPATCHER, "dispatcher") /* 派遣员, town or county */                                 \
    X(5, WHISTLE_CENTER, "whistle_center")                                                         \
    X(6, UNIT, "unit")       /* 专业部门, on its own assignments */                            \
    X(7, CHECKER, "checker") /* 核查员, never the handler */                                    \
    X(8, FOLLOW_UP, "follow_up")                                                                   \
    X(9, SUPERVISOR, "supervisor") /* any rank above */                                            \
    X(10, SYSTEM, "system")        /* rules and timers */

/* Sets of roles; an actor may have several. */
enum ticket_role {
#define TICKET_ROLE_ENUM(bit, name, text) ROLE_##name = 1 << (bit),
    TICKET_ROLE_TABLE(TICKET_ROLE_ENUM)
#undef TICKET_ROLE_ENUM
        ROLE_ANY = (1 << 11) - 1 /* while there are no tokens */
};

/* What is asked of a ticket beyond its state, in the order in which ticket_refusal.c asks. */
enum ticket_guard {
    GUARD_SYSTEM_P1 = 1 << 0,     /* the system does it for P1 only */
    GUARD_OWN_UNIT = 1 << 1,      /* a unit acts on its own assignment */
    GUARD_TOWN = 1 << 2,          /* of town rank or above */
    GUARD_PUBLIC = 1 << 3,        /* the public's reports are turned away by the shift lead */
    GUARD_RUNNING = 1 << 4,       /* not suspended */
    GUARD_SUSPENDED = 1 << 5,     /* suspended */
    GUARD_FREE = 1 << 6,          /* no request waits for a decision */
    GUARD_PENDING = 1 << 7,       /* one does, and this is not who made it */
    GUARD_SELF_CATEGORY = 1 << 8, /* a category that a worker may close */
    GUARD_RETURN_WINDOW = 1 << 9, /* dispatched not longer ago than return_s */
    GUARD_BEFORE_DUE = 1 << 10,   /* the handle clock is not red */
    GUARD_EXTENSION = 1 << 11,    /* not P1, not used up */
    GUARD_HOLDS = 1 << 12,        /* room to remember one more pause */
    GUARD_PARTS = 1 << 13,        /* the lead's result waits for the mandatory parts */
    GUARD_SIGNED = 1 << 14,       /* while handling: only a co-handler that has not checked in */
    GUARD_NOT_HANDLER = 1 << 15,  /* who handled it does not check it */
    GUARD_UNSUPERVISED = 1 << 16, /* closing waits for the supervisor's lift */
    GUARD_APPOINT = 1 << 17,      /* after two units gave it back the county appoints */
    GUARD_REOPEN = 1 << 18,       /* rejected: once; archived: within reopen_s */
    GUARD_FOLLOWED_UP = 1 << 19,  /* nobody is left to ask, or archive_s has passed */
    GUARD_WORKING = 1 << 20,      /* while dispatched: only a co-handler that has checked in */
    GUARD_SINGLE = 1 << 21,       /* not handled jointly already */
};

struct ticket_rule {
    uint8_t verb;  /* enum ticket_verb */
    uint8_t to;    /* enum ticket_state, or TICKET_STAYS, or TICKET_VARIES: the step decides */
    uint16_t from; /* bits 1 << state */
    uint16_t roles;
    uint32_t guards;
};
enum { TICKET_STAYS = 254, TICKET_VARIES = 255 };

/* CHECKs that it is a command. O(1). */
const struct ticket_rule *ticket_rule(enum ticket_verb verb);

/* Whoever has a supervised ticket answers with it: something is done or told, beyond an ack. */
bool ticket_verb_answers(enum ticket_verb verb);

/* Names of the API; static storage. CHECK their argument. */
const char *ticket_state_name(enum ticket_state state);
const char *ticket_verb_name(enum ticket_verb verb);
/* Of exactly one role. */
const char *ticket_role_name(enum ticket_role role);
MUST_USE bool ticket_state_parse(enum ticket_state *ret, struct slice text);
/* Knows `check_in` too. */
MUST_USE bool ticket_verb_parse(enum ticket_verb *ret, struct slice text);
/* Knows `any`. */
MUST_USE bool ticket_role_parse(uint32_t *ret_roles, struct slice text);

/* Something is still to be done before it is closed. */
bool ticket_state_is_open(enum ticket_state state);
/* No deadline any more: archived, rejected, voided, merged. */
bool ticket_state_is_final(enum ticket_state state);

#endif
