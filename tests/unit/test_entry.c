#include "core/report/entry.h"

#include "tests/unit/support.h"

static void each_kind_has_a_name_of_its_own(void **state) {
    (void)state;
    uint64_t seen = 0;
    for (unsigned kind = 0; kind < ENTRY_KIND_LIMIT; kind++) {
        const char *name = entry_kind_name(kind);
        if (name == NULL) {
            continue;
        }
        uint64_t kinds = entry_kinds_named(slice_text(name));
        if (kind == ENTRY_AUDIT) {
            assert_true(kinds == 0); /* nobody asks for it by name */
            continue;
        }
        assert_true(kinds == UINT64_C(1) << kind);
        assert_true((seen & kinds) == 0);
        seen |= kinds;
    }
    assert_true(seen == UINT64_C(0xF01FF7FF2));
    assert_null(entry_kind_name(ENTRY_KIND_LIMIT));
    assert_null(entry_kind_name(UINT32_MAX));
}

static void an_object_names_all_its_kinds(void **state) {
    (void)state;
    uint64_t tickets = entry_kinds_named(SLICE_LITERAL("ticket"));
    assert_true(tickets == UINT64_C(0x1FF0000));
    assert_true(entry_kinds_named(SLICE_LITERAL("ticket.*")) == tickets);
    static const char *const bad[] = {
        "", ".*", "*", "tick", "ticket.", "report.*", "ticket.*.*", "Ticket", "ticket.opened.*"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_true(entry_kinds_named(slice_text(bad[i])) == 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_a_name_of_its_own),
        cmocka_unit_test(an_object_names_all_its_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
