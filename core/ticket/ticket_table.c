#include "core/ticket/ticket_table.h"

#include "core/base/check.h"

/* Sets of states, by first letters in the order of life. */
#define IN(state) (1u << TICKET_##state)
enum {
    IN_OPEN =
        IN(REPORTED) | IN(VERIFYING) | IN(ACCEPTED) | IN(DISPATCHED) | IN(HANDLING) | IN(CHECKING),
    IN_FINAL = IN(ARCHIVED) | IN(REJECTED) | IN(VOIDED) | IN(MERGED),
    ROLES_TOWN = ROLE_DISPATCHER | ROLE_SHIFT_LEAD | ROLE_SUPERVISOR | ROLE_WHISTLE_CENTER,
    ROLES_DECIDE = ROLE_SHIFT_LEAD | ROLE_SUPERVISOR | ROLE_DISPATCHER | ROLE_WHISTLE_CENTER,
};

/* command, from, to, roles, guards. One row a command, in the order of their numbers. Who decides
 * on a request depends on its kind: ticket_refusal.c narrows ROLES_DECIDE. */
#define TICKET_RULES(X)                                                                            \
    X(REQUEST_VERIFY, IN(REPORTED), TICKET_VERIFYING, ROLE_INTAKE | ROLE_SYSTEM, GUARD_HOLDS)      \
    X(VERIFY_RESULT, IN(VERIFYING), TICKET_REPORTED, ROLE_WORKER, 0)                               \
    X(ACCEPT, IN(REPORTED), TICKET_ACCEPTED, ROLE_INTAKE | ROLE_SYSTEM, GUARD_SYSTEM_P1)           \
    X(REJECT, IN(REPORTED) | IN(VERIFYING), TICKET_REJECTED, ROLE_INTAKE | ROLE_SHIFT_LEAD,        \
      GUARD_PUBLIC)                                                                                \
    X(SELF_HANDLE, IN(REPORTED) | IN(ACCEPTED), TICKET_VARIES, ROLE_WORKER,                        \
      GUARD_FREE | GUARD_SELF_CATEGORY | GUARD_UNSUPERVISED)                                       \
    X(DISPATCH, IN(ACCEPTED) | IN(HANDLING) | IN(CHECKING), TICKET_DISPATCHED,                     \
      ROLE_DISPATCHER | ROLE_SYSTEM, GUARD_SYSTEM_P1 | GUARD_RUNNING | GUARD_FREE | GUARD_APPOINT) \
    X(WHISTLE, IN(ACCEPTED) | IN(DISPATCHED) | IN(HANDLING), TICKET_VARIES, ROLES_TOWN,            \
      GUARD_TOWN | GUARD_RUNNING | GUARD_FREE | GUARD_SINGLE)                                      \
    X(SIGN, IN(DISPATCHED) | IN(HANDLING), TICKET_VARIES, ROLE_UNIT | ROLE_SYSTEM,                 \
      GUARD_OWN_UNIT | GUARD_RUNNING | GUARD_SIGNED)                                               \
    X(RETURN, IN(DISPATCHED) | IN(HANDLING), TICKET_STAYS, ROLE_UNIT,                              \
      GUARD_OWN_UNIT | GUARD_RUNNING | GUARD_FREE | GUARD_SIGNED | GUARD_RETURN_WINDOW)            \
    X(PROGRESS, IN(DISPATCHED) | IN(HANDLING), TICKET_STAYS, ROLE_UNIT,                            \
      GUARD_OWN_UNIT | GUARD_WORKING)                                                              \
    X(REQUEST_EXTENSION, IN(HANDLING), TICKET_STAYS, ROLE_UNIT,                                    \
      GUARD_OWN_UNIT | GUARD_RUNNING | GUARD_FREE | GUARD_EXTENSION | GUARD_BEFORE_DUE)            \
    X(REQUEST_SUSPENSION, IN(HANDLING), TICKET_STAYS, ROLE_UNIT,                                   \
      GUARD_OWN_UNIT | GUARD_RUNNING | GUARD_FREE | GUARD_HOLDS)                                   \
    X(APPROVE, IN_OPEN, TICKET_VARIES, ROLES_DECIDE, GUARD_PENDING)                                \
    X(DENY, IN_OPEN, TICKET_STAYS, ROLES_DECIDE | ROLE_SYSTEM, GUARD_PENDING)                      \
    X(RESUME, IN(HANDLING), TICKET_STAYS, ROLE_UNIT | ROLE_DISPATCHER | ROLE_SYSTEM,               \
      GUARD_OWN_UNIT | GUARD_SUSPENDED)                                                            \
    X(SUBMIT_RESULT, IN(DISPATCHED) | IN(HANDLING), TICKET_VARIES, ROLE_UNIT,                      \
      GUARD_OWN_UNIT | GUARD_RUNNING | GUARD_WORKING | GUARD_PARTS)                                \
    X(CHECK_PASS, IN(CHECKING), TICKET_CLOSED, ROLE_CHECKER | ROLE_SYSTEM,                         \
      GUARD_NOT_HANDLER | GUARD_UNSUPERVISED)                                                      \
    X(CHECK_FAIL, IN(CHECKING), TICKET_DISPATCHED, ROLE_CHECKER, GUARD_NOT_HANDLER)                \
    X(VOID, IN_OPEN, TICKET_VOIDED, ROLE_SHIFT_LEAD, 0)                                            \
    X(MERGE, IN_OPEN, TICKET_MERGED, ROLE_INTAKE | ROLE_DISPATCHER | ROLE_SYSTEM, 0)               \
    X(UNMERGE, IN(MERGED), TICKET_VARIES, ROLE_INTAKE | ROLE_DISPATCHER | ROLE_SYSTEM, 0)          \
    X(FOLLOW_UP, IN(CLOSED), TICKET_VARIES, ROLE_FOLLOW_UP | ROLE_REPORTER, 0)                     \
    X(REOPEN, IN(CLOSED) | IN(ARCHIVED) | IN(REJECTED), TICKET_VARIES,                             \
      ROLE_REPORTER | ROLE_FOLLOW_UP | ROLE_SUPERVISOR | ROLE_SYSTEM, GUARD_REOPEN)                \
    X(SUPERVISE, IN_OPEN, TICKET_STAYS, ROLE_SUPERVISOR, 0)                                        \
    X(REMIND, IN_OPEN, TICKET_STAYS, ROLE_REPORTER | ROLE_INTAKE, 0)                               \
    X(DOWNGRADE, IN_OPEN, TICKET_STAYS, ROLE_SHIFT_LEAD | ROLE_SYSTEM, 0)                          \
    X(UPGRADE, IN_OPEN, TICKET_STAYS, ROLE_SHIFT_LEAD | ROLE_SYSTEM, 0)                            \
    X(ARCHIVE, IN(CLOSED), TICKET_ARCHIVED, ROLE_SYSTEM, GUARD_FOLLOWED_UP)                        \
    X(ACK, IN_OPEN, TICKET_STAYS, ROLE_ANY & ~ROLE_REPORTER, GUARD_OWN_UNIT)

static const struct ticket_rule rules[VERBS_END] = {
#define TICKET_RULE(verb, from, to, roles, guards)                                                 \
    [VERB_##verb] = {VERB_##verb, (to), (uint16_t)(from), (uint16_t)(roles), (guards)},
    TICKET_RULES(TICKET_RULE)
#undef TICKET_RULE
};

static const char *const state_names[] = {
#define TICKET_STATE_NAME(number, name, text) [TICKET_##name] = (text),
    TICKET_STATE_TABLE(TICKET_STATE_NAME)
#undef TICKET_STATE_NAME
};

static const char *const verb_names[] = {
#define TICKET_VERB_NAME(number, name, text) [VERB_##name] = (text),
    TICKET_VERB_TABLE(TICKET_VERB_NAME)
#undef TICKET_VERB_NAME
};

static const struct {
    uint32_t role;
    const char *name;
} roles[] = {
#define TICKET_ROLE_NAME(bit, name, text) {ROLE_##name, (text)},
    TICKET_ROLE_TABLE(TICKET_ROLE_NAME)
#undef TICKET_ROLE_NAME
        {ROLE_ANY, "any"},
};

const struct ticket_rule *ticket_rule(enum ticket_verb verb) {
    CHECK((size_t)verb < ARRAY_COUNT(rules) && rules[verb].verb == verb && verb != 0);
    return &rules[verb];
}

#define FOR(verb) (UINT32_C(1) << VERB_##verb)
bool ticket_verb_answers(enum ticket_verb verb) {
    const uint32_t answers = FOR(REQUEST_VERIFY) | FOR(VERIFY_RESULT) | FOR(ACCEPT) | FOR(REJECT) |
                             FOR(SELF_HANDLE) | FOR(DISPATCH) | FOR(WHISTLE) | FOR(SIGN) |
                             FOR(RETURN) | FOR(PROGRESS) | FOR(REQUEST_EXTENSION) |
                             FOR(REQUEST_SUSPENSION) | FOR(RESUME) | FOR(SUBMIT_RESULT) |
                             FOR(CHECK_PASS) | FOR(CHECK_FAIL);
    return (answers & UINT32_C(1) << verb) != 0;
}

const char *ticket_state_name(enum ticket_state state) {
    CHECK((size_t)state < ARRAY_COUNT(state_names));
    return state_names[state];
}

const char *ticket_verb_name(enum ticket_verb verb) {
    CHECK((size_t)verb < ARRAY_COUNT(verb_names) && verb_names[verb] != NULL);
    return verb_names[verb];
}

const char *ticket_role_name(enum ticket_role role) {
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++) {
        if (roles[i].role == role) {
            return roles[i].name;
        }
    }
    CHECK(false);
}

bool ticket_state_parse(enum ticket_state *ret, struct slice text) {
    for (size_t i = 0; i < ARRAY_COUNT(state_names); i++) {
        if (slice_is(text, state_names[i])) {
            *ret = (enum ticket_state)i;
            return true;
        }
    }
    return false;
}

bool ticket_verb_parse(enum ticket_verb *ret, struct slice text) {
    for (size_t i = 1; i < ARRAY_COUNT(verb_names); i++) {
        if (slice_is(text, verb_names[i])) {
            *ret = (enum ticket_verb)i;
            return true;
        }
    }
    if (slice_is(text, "check_in")) {
        *ret = VERB_SIGN;
        return true;
    }
    return false;
}

bool ticket_role_parse(uint32_t *ret_roles, struct slice text) {
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++) {
        if (slice_is(text, roles[i].name)) {
            *ret_roles = roles[i].role;
            return true;
        }
    }
    return false;
}

bool ticket_state_is_open(enum ticket_state state) {
    return (IN_OPEN & 1u << state) != 0;
}

bool ticket_state_is_final(enum ticket_state state) {
    return (IN_FINAL & 1u << state) != 0;
}
