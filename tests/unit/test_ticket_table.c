/* Every command in every state by every role, against what domain.md 3.3 says, written down here a
 * second time as words: the table under test is not looked at. */
#include "tests/unit/support_ticket.h"

static struct ticket_world world;

/* state letters: R reported, V verifying, A accepted, D dispatched, H handling, C checking, X
 * closed, Z archived, J rejected, O voided, M merged. */
static const char letters[] = "RVADHCXZJOM";
#define OPEN "RVADHC"

static const struct {
    const char *command, *from, *roles;
} expected[] = {
    {"request_verify", "R", "intake system"},
    {"verify_result", "V", "worker"},
    {"accept", "R", "intake system"},
    {"reject", "RV", "intake shift_lead"},
    {"self_handle", "RA", "worker"},
    {"dispatch", "AHC", "dispatcher system"},
    {"whistle", "ADH", "dispatcher shift_lead whistle_center supervisor"},
    {"sign", "D", "unit system"},
    {"return", "D", "unit"},
    {"progress", "H", "unit"},
    {"request_extension", "H", "unit"},
    {"request_suspension", "H", "unit"},
    {"approve", "", ""},
    {"deny", "", ""},
    {"resume", "", ""},
    {"submit_result", "H", "unit"},
    {"check_pass", "C", "checker system"},
    {"check_fail", "C", "checker"},
    {"void", OPEN, "shift_lead"},
    {"merge", OPEN, "intake dispatcher system"},
    {"unmerge", "M", "intake dispatcher system"},
    {"follow_up", "X", "follow_up reporter"},
    {"reopen", "XZJ", "reporter follow_up supervisor system"},
    {"supervise", OPEN, "supervisor"},
    {"remind", OPEN, "reporter intake"},
    {"downgrade", OPEN, "shift_lead system"},
    {"upgrade", OPEN, "shift_lead system"},
    {"archive", "X", "system"},
    {"ack", OPEN,
     "worker intake shift_lead dispatcher whistle_center unit checker follow_up supervisor system"},
};

static const char *const role_words[] = {"reporter",   "worker",         "intake", "shift_lead",
                                         "dispatcher", "whistle_center", "unit",   "checker",
                                         "follow_up",  "supervisor",     "system"};

static bool has_word(const char *words, const char *word) {
    size_t bytes = strlen(word);
    for (const char *at = strstr(words, word); at != NULL; at = strstr(at + 1, word)) {
        if ((at == words || at[-1] == ' ') && (at[bytes] == '\0' || at[bytes] == ' ')) {
            return true;
        }
    }
    return false;
}

/* A ticket of garbage (P3, self-handled by workers) brought into a state. */
static struct ticket *in_state(char letter) {
    struct ticket *ticket = ticket_opened(&world, "garbage", "GRID");
    static const struct {
        char letter;
        enum ticket_verb way[6];
    } ways[] = {
        {'R', {0}},
        {'V', {VERB_REQUEST_VERIFY}},
        {'A', {VERB_ACCEPT}},
        {'D', {VERB_ACCEPT, VERB_DISPATCH}},
        {'H', {VERB_ACCEPT, VERB_DISPATCH, VERB_SIGN}},
        {'C', {VERB_ACCEPT, VERB_DISPATCH, VERB_SIGN, VERB_SUBMIT_RESULT}},
        {'X', {VERB_ACCEPT, VERB_DISPATCH, VERB_SIGN, VERB_SUBMIT_RESULT, VERB_CHECK_PASS}},
        {'Z', {VERB_SELF_HANDLE, VERB_ARCHIVE}},
        {'J', {VERB_REJECT}},
        {'O', {VERB_VOID}},
        {'M', {0}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ways); i++) {
        for (size_t k = 0; ways[i].letter == letter && ways[i].way[k] != 0; k++) {
            ticket_must(&world, ticket, ways[i].way[k]);
        }
    }
    if (letter == 'M') {
        struct ticket *older = ticket;
        ticket = ticket_opened(&world, "garbage", "GRID");
        ticket_must_give(&world, ticket,
                         (struct ticket_command){.verb = VERB_MERGE, .target = older->number});
    }
    assert_int_equal(letters[ticket->state], letter);
    return ticket;
}

/* 409 where no role may, 403 where this one may not, and the allowed list is exactly the rest. */
static void check_cell(struct ticket *ticket, char letter, const char *role) {
    struct ticket_actor actor = {.region = REGION_NONE};
    assert_true(ticket_role_parse(&actor.roles, slice_text(role)));
    uint32_t allowed = ticket_allowed(&world.context, ticket, &actor);
    uint32_t version = ticket->version;
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        struct ticket_command command = {.actor = actor};
        assert_true(ticket_verb_parse(&command.verb, slice_text(expected[i].command)));
        bool in = strchr(expected[i].from, letter) != NULL && expected[i].from[0] != '\0';
        bool by = has_word(expected[i].roles, role);
        /* The system accepts and dispatches P1 only, and this is P3. */
        bool is_p1_s = strcmp(role, "system") == 0 &&
                       (command.verb == VERB_ACCEPT || command.verb == VERB_DISPATCH);
        bool may = in && by && !is_p1_s;
        if (may != ((allowed & 1u << command.verb) != 0)) {
            fail_msg("%s in %c by %s: expected %d", expected[i].command, letter, role, may);
        }
        if (!may) {
            struct ticket_outcome outcome = ticket_give(&world, ticket, &command);
            if (outcome.verdict != (in ? TICKET_ROLE : TICKET_STATE)) {
                fail_msg("%s in %c by %s: verdict %d (%s)", expected[i].command, letter, role,
                         outcome.verdict, outcome.why);
            }
        }
    }
    assert_int_equal(ticket->version, version);
}

static void each_command_in_each_state_by_each_role(void **state) {
    (void)state;
    assert_int_equal(ARRAY_COUNT(expected), VERBS_END - 1);
    ticket_world_init(&world);
    for (size_t i = 0; letters[i] != '\0'; i++) {
        struct ticket *ticket = in_state(letters[i]);
        for (size_t k = 0; k < ARRAY_COUNT(role_words); k++) {
            check_cell(ticket, letters[i], role_words[k]);
        }
    }
    ticket_world_deinit(&world);
}

/* No state takes it from anybody: the answer is about the state, whoever asks. */
static void a_state_that_takes_it_from_nobody_says_so(void **state) {
    (void)state;
    ticket_world_init(&world);
    for (size_t i = 0; letters[i] != '\0'; i++) {
        struct ticket *ticket = in_state(letters[i]);
        for (size_t k = 0; k < ARRAY_COUNT(expected); k++) {
            struct ticket_command command = {.actor = ticket_anybody()};
            assert_true(ticket_verb_parse(&command.verb, slice_text(expected[k].command)));
            bool in = expected[k].from[0] != '\0' && strchr(expected[k].from, letters[i]) != NULL;
            if (!in) {
                struct ticket_outcome outcome = ticket_give(&world, ticket, &command);
                assert_int_equal(outcome.verdict, TICKET_STATE);
                assert_true(strlen(outcome.why) > 0);
            }
        }
    }
    ticket_world_deinit(&world);
}

static uint32_t allowed_to(struct ticket *ticket, enum ticket_role role) {
    struct ticket_actor actor = {.roles = role, .region = REGION_NONE};
    return ticket_allowed(&world.context, ticket, &actor);
}

static void requests_and_suspension_open_the_decisions(void **state) {
    (void)state;
    ticket_world_init(&world);
    struct ticket *ticket = ticket_handled_by(&world, "rubble", "road");
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_REQUEST_SUSPENSION,
                                             .reason = REASON_ENGINEERING,
                                             .until_ms = world.context.now_ms + 3600000});
    uint32_t decisions = 1u << VERB_APPROVE | 1u << VERB_DENY;
    assert_int_equal(allowed_to(ticket, ROLE_SUPERVISOR) & decisions, decisions);
    assert_int_equal(allowed_to(ticket, ROLE_SHIFT_LEAD) & decisions, 0);
    assert_int_equal(allowed_to(ticket, ROLE_UNIT) & (1u << VERB_REQUEST_EXTENSION), 0);
    ticket_must(&world, ticket, VERB_APPROVE);
    uint32_t unit = allowed_to(ticket, ROLE_UNIT);
    assert_int_equal(unit, 1u << VERB_RESUME | 1u << VERB_PROGRESS | 1u << VERB_ACK);
    assert_true((allowed_to(ticket, ROLE_DISPATCHER) & 1u << VERB_RESUME) != 0);
    assert_int_equal(allowed_to(ticket, ROLE_DISPATCHER) & 1u << VERB_DISPATCH, 0);
    ticket_must(&world, ticket, VERB_RESUME);
    assert_int_equal(allowed_to(ticket, ROLE_UNIT) & 1u << VERB_RESUME, 0);
    ticket_world_deinit(&world);
}

static void words_are_read_back(void **state) {
    (void)state;
    enum ticket_verb verb;
    enum ticket_state read;
    uint32_t roles;
    assert_true(ticket_verb_parse(&verb, SLICE_LITERAL("check_in")));
    assert_int_equal(verb, VERB_SIGN);
    assert_false(ticket_verb_parse(&verb, SLICE_LITERAL("report")));
    for (int i = 0; i < TICKET_STATES; i++) {
        assert_true(ticket_state_parse(&read, slice_text(ticket_state_name((enum ticket_state)i))));
        assert_int_equal(read, i);
    }
    assert_false(ticket_state_parse(&read, SLICE_LITERAL("open")));
    assert_true(ticket_role_parse(&roles, SLICE_LITERAL("any")));
    assert_int_equal(roles, ROLE_ANY);
    assert_false(ticket_role_parse(&roles, SLICE_LITERAL("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_in_each_state_by_each_role),
        cmocka_unit_test(a_state_that_takes_it_from_nobody_says_so),
        cmocka_unit_test(requests_and_suspension_open_the_decisions),
        cmocka_unit_test(words_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
