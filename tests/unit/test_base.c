#include "core/base/arena.h"
#include "core/base/status.h"
#include "core/limits.h"
#include "tests/unit/support.h"

static void slices_compare_by_content(void **state) {
    (void)state;
    assert_true(slice_is(SLICE_LITERAL("grid"), "grid"));
    assert_false(slice_is(SLICE_LITERAL("grid"), "grids"));
    assert_true(slice_equal((struct slice){NULL, 0}, SLICE_LITERAL("")));
}

static void errors_are_cut_not_overrun(void **state) {
    (void)state;
    struct error error;
    char longer[1024];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(error_set(&error, STATUS_IO, "a: ", longer, longer), STATUS_IO);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    assert_int_equal(error_set(NULL, STATUS_BUSY, "x", NULL, NULL), STATUS_BUSY);
}

static void arenas_align_and_end(void **state) {
    (void)state;
    _Alignas(16) uint8_t memory[64];
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    assert_non_null(arena_alloc(&arena, 1, 1));
    uint8_t *aligned = arena_alloc(&arena, 8, 16);
    assert_int_equal((uintptr_t)aligned % 16, 0);
    assert_null(arena_alloc(&arena, 64, 1));
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 64, 1));
    assert_null(arena_alloc(&arena, SIZE_MAX, 1));
}

static void limits_defaults_hold_together(void **state) {
    (void)state;
    struct limits limits;
    limits_init(&limits);
    assert_int_equal(limits.line_bytes, 65536);
    size_t rows = 0;
    for (const struct limit_row *row; (row = limits_row(rows)) != NULL; rows++) {
        assert_true(row->min <= row->preset && row->preset <= row->max);
        assert_non_null(strchr(row->name, '_') != NULL ? row->name : row->text);
    }
    assert_int_equal(rows * sizeof(uint64_t), sizeof limits);
    const char *why = NULL;
    limits.block_bytes = limits.run_bytes + 1;
    assert_false(limits_are_consistent(&limits, &why));
    assert_non_null(why);
}

/* A limit at the bound that another one sets is taken, one past it is refused. */
static void limits_bound_each_other(void **state) {
    (void)state;
    struct limits limits;
    limits_init(&limits);
    const struct {
        uint64_t *limit;
        uint64_t bound;
        int past; /* +1: refused above the bound; -1: below */
    } relations[] = {
        {&limits.uri_bytes, limits.request_line_bytes, 1},
        {&limits.header_value_bytes, limits.header_block_bytes, 1},
        {&limits.body_inflated_bytes, limits.line_bytes, -1},
        {&limits.block_bytes, limits.line_bytes + 49252, -1},
        {&limits.report_body_bytes, limits.block_bytes - 49252, 1},
        {&limits.run_bytes, limits.block_bytes, -1},
        {&limits.block_entries, limits.run_entries, 1},
        {&limits.identities, limits.run_entries * 4, -1},
        {&limits.commit_pause_bytes, limits.commit_queue_bytes, 1},
        {&limits.list_items_default, limits.list_items_max, 1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(relations); i++) {
        const char *why = NULL;
        uint64_t before = *relations[i].limit;
        *relations[i].limit = relations[i].bound;
        assert_true(limits_are_consistent(&limits, &why));
        assert_null(why);
        *relations[i].limit += relations[i].past > 0 ? 1 : UINT64_MAX;
        assert_false(limits_are_consistent(&limits, &why));
        assert_non_null(why);
        *relations[i].limit = before;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_compare_by_content),
        cmocka_unit_test(errors_are_cut_not_overrun),
        cmocka_unit_test(arenas_align_and_end),
        cmocka_unit_test(limits_defaults_hold_together),
        cmocka_unit_test(limits_bound_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
