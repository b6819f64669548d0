#include "server/process/exit_code.h"
#include "tests/unit/support.h"

#include <sys/stat.h>
#include <unistd.h>

static void each_failure_of_a_start_has_its_code(void **state) {
    (void)state;
    const struct {
        enum start_stage stage;
        enum status status;
        int code;
    } rows[] = {
        {START_RULES, STATUS_INVALID, 78},  {START_KEYS, STATUS_IO, 78},
        {START_DATA, STATUS_CORRUPT, 65},   {START_DATA, STATUS_LOST, 65},
        {START_DATA, STATUS_VERSION, 78},   {START_DATA, STATUS_BUSY, 69},
        {START_DATA, STATUS_IO, 73},        {START_DATA, STATUS_NO_SPACE, 73},
        {START_DATA, STATUS_NO_MEMORY, 73}, {START_LISTEN, STATUS_IO, 69},
        {START_LISTEN, STATUS_INVALID, 69},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_int_equal(exit_code_of_start(rows[i].stage, rows[i].status, "/tmp"), rows[i].code);
    }
}

static void without_sysexits_all_failures_are_one(void **state) {
    (void)state;
    const int codes[][3] = {{0, 0, 0},   {1, 1, 1},   {2, 2, 64},
                            {65, 1, 65}, {69, 1, 69}, {78, 1, 78}};
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        assert_int_equal(exit_code_told(codes[i][0], false), codes[i][1]);
        assert_int_equal(exit_code_told(codes[i][0], true), codes[i][2]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_of_a_start_has_its_code),
        cmocka_unit_test(without_sysexits_all_failures_are_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
