#include "core/auth/access.h"
#include "core/ticket/ticket_table.h"

#include "tests/unit/support.h"
#include "tests/unit/support_region.h"

#include <stdlib.h>

static void *memory, *moved_memory;
static struct region_table *table;

static int init(void **state) {
    (void)state;
    struct support_upload upload = {0};
    support_upload_add(&upload, "r", "", 0);
    support_upload_add(&upload, "r1", "r", 1);
    support_upload_add(&upload, "r10", "r", 1);
    support_upload_add(&upload, "r1a", "r1", 2);
    support_upload_add(&upload, "r10a", "r10", 2);
    table = support_table(&memory, NULL, &upload);
    support_upload_free(&upload);
    return 0;
}

static int deinit(void **state) {
    (void)state;
    free(memory);
    free(moved_memory);
    return 0;
}

static enum access ask(uint32_t roles, const char *own, enum access_action action,
                       const char *where) {
    const struct principal principal = {
        roles, own == NULL ? REGION_NONE : region_find(table, slice_text(own)), 0};
    return authorize(&principal, action, table,
                     where == NULL ? REGION_NONE : region_find(table, slice_text(where)));
}

static void a_role_acts_in_its_subtree(void **state) {
    (void)state;
    const uint32_t role = ACCESS_ROLE_CENTRE;
    assert_int_equal(ask(role, "r1", ACCESS_FEED_READ, "r1"), ACCESS_GRANTED);
    assert_int_equal(ask(role, "r1", ACCESS_FEED_READ, "r1a"), ACCESS_GRANTED);
    assert_int_equal(ask(role, "r1", ACCESS_FEED_READ, "r"), ACCESS_OUTSIDE);
    assert_int_equal(ask(role, "r1a", ACCESS_FEED_READ, "r1"), ACCESS_OUTSIDE);
    assert_int_equal(ask(role, "r1", ACCESS_FEED_READ, "r10"), ACCESS_OUTSIDE);
    assert_int_equal(ask(role, "r1", ACCESS_FEED_READ, "r10a"), ACCESS_OUTSIDE);
    assert_int_equal(ask(role, "r1", ACCESS_FEED_READ, "unheard of"), ACCESS_OUTSIDE);
    assert_int_equal(ask(role, "r1", ACCESS_FEED_READ, NULL), ACCESS_OUTSIDE);
    assert_int_equal(ask(role, NULL, ACCESS_FEED_READ, NULL), ACCESS_GRANTED);
    assert_int_equal(ask(role, NULL, ACCESS_FEED_READ, "r10a"), ACCESS_GRANTED);
}

static void a_move_applies_at_once(void **state) {
    (void)state;
    struct support_upload upload = {0};
    support_upload_add(&upload, "r1a", "r10", 2);
    const struct principal old = {ACCESS_ROLE_CENTRE, region_find(table, SLICE_LITERAL("r1")), 0};
    const struct principal new = {ACCESS_ROLE_CENTRE, region_find(table, SLICE_LITERAL("r10")), 0};
    uint32_t moved = region_find(table, SLICE_LITERAL("r1a"));
    assert_int_equal(authorize(&old, ACCESS_FEED_READ, table, moved), ACCESS_GRANTED);
    const struct region_table *after = support_table(&moved_memory, table, &upload);
    support_upload_free(&upload);
    assert_int_equal(authorize(&old, ACCESS_FEED_READ, after, moved), ACCESS_OUTSIDE);
    assert_int_equal(authorize(&new, ACCESS_FEED_READ, after, moved), ACCESS_GRANTED);
}

/* A principal of a tree that is not there yet. */
static void an_own_region_that_is_unknown_reaches_nothing(void **state) {
    (void)state;
    const struct principal stranger = {ACCESS_ROLES_ALL, 4711, 0};
    for (uint32_t region = 0; region < region_count(table); region++) {
        assert_int_equal(authorize(&stranger, ACCESS_REPORT_READ, table, region), ACCESS_OUTSIDE);
    }
    assert_int_equal(authorize(&stranger, ACCESS_REPORT_READ, table, 4711), ACCESS_OUTSIDE);
}

static void what_is_not_in_the_table_is_refused(void **state) {
    (void)state;
    for (unsigned bit = 0; bit < ACCESS_ROLES_COUNT; bit++) {
        assert_int_equal(ask(UINT32_C(1) << bit, NULL, ACCESS_NOBODY, NULL), ACCESS_NO_ROLE);
        assert_int_equal(ask(UINT32_C(1) << bit, NULL, ACCESS_SELF, NULL), ACCESS_GRANTED);
    }
    for (unsigned action = 0; action < ACCESS_ACTIONS_END; action++) {
        assert_int_equal(ask(0, NULL, (enum access_action)action, "r"), ACCESS_NO_ROLE);
    }
}

/* Said a second time, so that a slip in the table is seen: which roles have the dear actions. */
static void the_dear_actions_are_few_peoples(void **state) {
    (void)state;
    static const struct {
        enum access_action action;
        uint32_t roles;
    } dear[] = {
        {ACCESS_TOKEN_ADMIN, ACCESS_ROLE_ADMIN},
        {ACCESS_REGION_ADMIN, ACCESS_ROLE_ADMIN},
        {ACCESS_AUDIT_READ, ACCESS_ROLE_ADMIN | ACCESS_ROLE_OPS},
        {ACCESS_OPS_READ, ACCESS_ROLE_OPS},
        {ACCESS_PERSONAL_READ, ACCESS_ROLE_INTAKE | ACCESS_ROLE_FOLLOW_UP | ACCESS_ROLE_SUPERVISOR},
        {ACCESS_DIRECTIVE_ISSUE, ACCESS_ROLE_SUPERVISOR | ACCESS_ROLE_CENTRE},
        {ACCESS_INCIDENT_CHANGE, ACCESS_ROLE_INTAKE | ACCESS_ROLE_DISPATCHER | ACCESS_ROLE_CENTRE},
        {ACCESS_REPORT_WRITE, ACCESS_ROLE_DEVICE | ACCESS_ROLE_GATEWAY | ACCESS_ROLE_INTAKE},
    };
    for (size_t i = 0; i < ARRAY_COUNT(dear); i++) {
        for (unsigned bit = 0; bit < ACCESS_ROLES_COUNT; bit++) {
            bool may = ask(UINT32_C(1) << bit, NULL, dear[i].action, "r") == ACCESS_GRANTED;
            assert_int_equal(may, (dear[i].roles >> bit & 1) != 0);
        }
    }
}

static void roles_have_names_and_ticket_roles(void **state) {
    (void)state;
    uint32_t all = 0;
    for (unsigned bit = 0; bit < ACCESS_ROLES_COUNT; bit++) {
        uint32_t role = 0;
        assert_true(access_role_parse(&role, slice_text(access_role_name(bit))));
        assert_int_equal(role, UINT32_C(1) << bit);
        all |= role;
    }
    assert_int_equal(all, ACCESS_ROLES_ALL);
    static const char *const bad[] = {"", "Admin", "admin ", "root", "worker"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        uint32_t role = 0;
        assert_false(access_role_parse(&role, slice_text(bad[i])));
        assert_int_equal(role, 0);
    }
    assert_int_equal(access_ticket_roles(ACCESS_ROLE_UNIT | ACCESS_ROLE_DEVICE),
                     ROLE_UNIT | ROLE_WORKER);
    assert_int_equal(access_ticket_roles(ACCESS_ROLE_CENTRE),
                     ROLE_SHIFT_LEAD | ROLE_WHISTLE_CENTER);
    assert_int_equal(access_ticket_roles(ACCESS_ROLE_ADMIN | ACCESS_ROLE_OPS), 0);
    assert_int_equal(access_ticket_roles(ACCESS_ROLES_ALL) & ROLE_SYSTEM, 0);
    for (unsigned action = 1; action < ACCESS_ACTIONS_END; action++) {
        assert_non_null(access_action_name((enum access_action)action));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_role_acts_in_its_subtree),
        cmocka_unit_test(a_move_applies_at_once),
        cmocka_unit_test(an_own_region_that_is_unknown_reaches_nothing),
        cmocka_unit_test(what_is_not_in_the_table_is_refused),
        cmocka_unit_test(the_dear_actions_are_few_peoples),
        cmocka_unit_test(roles_have_names_and_ticket_roles),
    };
    return cmocka_run_group_tests(tests, init, deinit);
}
