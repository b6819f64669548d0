#include "tests/unit/support.h"

#include "core/base/bytes.h"
#include "server/rules/rules.h"

#include <stdio.h>
#include <unistd.h>

#define POLICY(version, extra)                                                                     \
    "version: " version "\ncategories:\n  - {code: gas_leak, name: g, priority: P1}\n" extra       \
    "channels:\n  - {code: handheld, name: h}\n"
#define MORE "  - {code: lamp, name: l, priority: P3}\n"

struct fixture {
    char path[64];
    struct limits limits;
    struct db *db;
    struct rules *rules;
};
static struct fixture fix;

static void write_policy(const char *text) {
    FILE *file = fopen(fix.path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void on_sealed(void *context, enum status failure, const struct error *error) {
    (void)context;
    (void)failure;
    (void)error;
}

static int start(void **state) {
    (void)state;
    struct error error;
    memset(&fix, 0, sizeof fix);
    snprintf(fix.path, sizeof fix.path, "/tmp/gridd-rules-%d.yaml", (int)getpid());
    limits_init(&fix.limits);
    const struct db_options options = {
        .kind = DB_MEM, .limits = &fix.limits, .now_ms = 1000, .on_sealed = on_sealed};
    assert_int_equal(db_open(&fix.db, &options, &error), STATUS_OK);
    write_policy(POLICY("1", ""));
    assert_int_equal(rules_new(&fix.rules, fix.path, "", &error), STATUS_OK);
    return 0;
}

static int stop(void **state) {
    (void)state;
    rules_free(fix.rules);
    db_close(fix.db);
    unlink(fix.path);
    return 0;
}

/* As a block that closes does. */
static size_t flush(void) {
    struct row_set rows;
    struct db_row list[4];
    struct error error;
    row_set_init(&rows);
    rules_flush(fix.rules, &rows);
    size_t count = rows.count;
    assert_true(count <= ARRAY_COUNT(list));
    row_set_list(&rows, list);
    const struct db_commit commit = {.rows = list, .rows_count = count};
    assert_int_equal(db_commit(fix.db, &commit, &error), STATUS_OK);
    row_set_deinit(&rows);
    return count;
}

static void restart(void) {
    struct error error;
    rules_free(fix.rules);
    assert_int_equal(rules_new(&fix.rules, fix.path, "", &error), STATUS_OK);
    assert_int_equal(rules_restore(fix.rules, fix.db, &error), STATUS_OK);
}

static void a_version_is_kept_once(void **state) {
    (void)state;
    assert_int_equal(flush(), 1);
    assert_int_equal(flush(), 0);
    restart();
    assert_int_equal(flush(), 0);
    assert_false(rules_version_reused(fix.rules));
}

static void earlier_versions_come_back(void **state) {
    (void)state;
    size_t count;
    flush();
    write_policy(POLICY("2", MORE));
    restart();
    const struct policy *const *earlier = rules_policies(fix.rules, &count);
    assert_int_equal(count, 1);
    assert_int_equal(earlier[0]->version, 1);
    assert_int_equal(earlier[0]->categories_count, 1);
    assert_int_equal(rules_policy(fix.rules)->categories_count, 2);
    assert_int_equal(flush(), 1);
    assert_false(rules_version_reused(fix.rules));
}

static void a_reload_keeps_the_old_ones(void **state) {
    (void)state;
    struct error error;
    size_t count;
    const struct policy *old = rules_policy(fix.rules);
    const struct calendar_set *old_calendars = rules_calendars(fix.rules);
    flush();
    write_policy(POLICY("2", MORE));
    assert_int_equal(rules_reload(fix.rules, fix.path, "", &error), STATUS_OK);
    assert_int_equal(rules_policy(fix.rules)->version, 2);
    assert_ptr_equal(rules_policies(fix.rules, &count)[0], old);
    assert_ptr_not_equal(rules_calendars(fix.rules), old_calendars);
    assert_int_equal(old_calendars->calendars_count, rules_calendars(fix.rules)->calendars_count);
    assert_int_equal(flush(), 1);
}

static void a_bad_file_changes_nothing(void **state) {
    (void)state;
    struct error error = {""};
    const struct policy *policy = rules_policy(fix.rules);
    write_policy("version: 2\n");
    assert_int_equal(rules_reload(fix.rules, fix.path, "", &error), STATUS_INVALID);
    assert_non_null(strstr(error.message, fix.path));
    assert_ptr_equal(rules_policy(fix.rules), policy);
    write_policy(POLICY("2", MORE));
    assert_int_not_equal(rules_reload(fix.rules, fix.path, "/nowhere/calendar.yaml", &error),
                         STATUS_OK);
    assert_ptr_equal(rules_policy(fix.rules), policy);
}

static void a_reused_version_is_told(void **state) {
    (void)state;
    struct error error;
    flush();
    write_policy(POLICY("1", MORE));
    assert_int_equal(rules_reload(fix.rules, fix.path, "", &error), STATUS_OK);
    assert_true(rules_version_reused(fix.rules));
    assert_int_equal(rules_reload(fix.rules, fix.path, "", &error), STATUS_OK);
    assert_false(rules_version_reused(fix.rules)); /* nothing changed since */
    write_policy(POLICY("1", ""));
    restart();
    assert_false(rules_version_reused(fix.rules)); /* the store still has the first text */
    write_policy(POLICY("1", MORE));
    restart();
    assert_true(rules_version_reused(fix.rules));
    assert_int_equal(flush(), 1);
    restart();
    assert_false(rules_version_reused(fix.rules));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(a_version_is_kept_once),      TEST(earlier_versions_come_back),
        TEST(a_reload_keeps_the_old_ones), TEST(a_bad_file_changes_nothing),
        TEST(a_reused_version_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
