#include "core/arena.h"
#include "core/limits.h"
#include "core/status.h"
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_compare_by_content),
        cmocka_unit_test(errors_are_cut_not_overrun),
        cmocka_unit_test(arenas_align_and_end),
        cmocka_unit_test(limits_defaults_hold_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
