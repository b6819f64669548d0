/* Torn tails of a real RocksDB MANIFEST. */
#include "storage/db.h"
#include "storage/log_fragment.h"
#include "storage/manifest.h"
#include "storage/manifest_edit.h"
#include "tests/unit/support_db.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct torn {
    struct db_fixture fixture;
    char data[4200], manifest[4400];
    off_t bytes;
};

static void find_manifest(struct torn *torn) {
    char current[64] = "", path[4300];
    snprintf(path, sizeof path, "%s/CURRENT", torn->data);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(current, sizeof current, file));
    fclose(file);
    current[strcspn(current, "\n")] = '\0';
    snprintf(torn->manifest, sizeof torn->manifest, "%s/%s", torn->data, current);
    struct stat st;
    assert_int_equal(stat(torn->manifest, &st), 0);
    torn->bytes = st.st_size;
}

static int setup(void **state) {
    static struct torn torn;
    fixture_init(&torn.fixture, DB_ROCKS);
    fixture_append_many(&torn.fixture, 500);
    fixture_close(&torn.fixture);
    snprintf(torn.data, sizeof torn.data, "%s/data", torn.fixture.path);
    find_manifest(&torn);
    *state = &torn;
    return 0;
}

static int teardown(void **state) {
    struct torn *torn = *state;
    fixture_deinit(&torn->fixture);
    return 0;
}

static void write_at(const struct torn *torn, off_t at, const void *bytes, size_t count) {
    int fd = open(torn->manifest, O_WRONLY);
    assert_true(fd >= 0 && pwrite(fd, bytes, count, at) == (ssize_t)count);
    close(fd);
}

static void test_a_whole_one_is_left_alone(void **state) {
    struct torn *torn = *state;
    struct manifest_repair repair;
    assert_int_equal(manifest_repair_tail(&repair, torn->data, NULL), STATUS_OK);
    assert_false(repair.was_torn);
    assert_int_equal(repair.bytes, torn->bytes);
    assert_true(repair.records > 2);
    assert_string_equal(repair.copy, "");
}

/* Every kind of tail that a cut leaves: half a record, zeros, noise. */
static void test_a_torn_tail_is_cut_and_kept_aside(void **state) {
    struct torn *torn = *state;
    static const struct {
        uint8_t bytes[40];
        size_t count;
    } tails[] = {
        {{0}, 40}, {{0x5a, 0xa5, 1, 2, 3, 4, 5, 6, 7}, 9}, {{1, 2, 3, 4, 20, 0, 1, 9}, 40}};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        struct error error = {""};
        write_at(torn, torn->bytes, tails[i].bytes, tails[i].count);
        struct manifest_repair repair;
        assert_int_equal(manifest_repair_tail(&repair, torn->data, &error), STATUS_OK);
        assert_true(repair.was_torn);
        assert_int_equal(repair.whole_bytes, torn->bytes);
        char copy[4400];
        snprintf(copy, sizeof copy, "%s/%s", torn->data, repair.copy);
        struct stat st;
        assert_int_equal(stat(copy, &st), 0);
        assert_int_equal(st.st_size, torn->bytes + (off_t)tails[i].count);
        assert_int_equal(stat(torn->manifest, &st), 0);
        assert_int_equal(st.st_size, torn->bytes);
    }
    fixture_open(&torn->fixture);
    fixture_check_journal(&torn->fixture);
}

static void test_half_of_the_last_record_goes(void **state) {
    struct torn *torn = *state;
    assert_int_equal(truncate(torn->manifest, torn->bytes - 1), 0);
    struct manifest_repair repair;
    assert_int_equal(manifest_repair_tail(&repair, torn->data, NULL), STATUS_OK);
    assert_true(repair.was_torn && repair.whole_bytes < (uint64_t)torn->bytes - 1);
}

static void test_damage_with_records_behind_it_is_refused(void **state) {
    struct torn *torn = *state;
    write_at(torn, 20, "\xff\xff\xff", 3);
    struct manifest_repair repair;
    struct error error = {""};
    assert_int_equal(manifest_repair_tail(&repair, torn->data, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.message, "not only at its end"));
    struct stat st;
    assert_int_equal(stat(torn->manifest, &st), 0);
    assert_int_equal(st.st_size, torn->bytes);
}

static void test_what_is_no_directory_or_no_manifest(void **state) {
    struct torn *torn = *state;
    struct manifest_repair repair;
    struct error error = {""};
    assert_int_equal(manifest_repair_tail(&repair, "/nonexistent/gridd", &error), STATUS_NOT_FOUND);
    char current[4300];
    snprintf(current, sizeof current, "%s/CURRENT", torn->data);
    int fd = open(current, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0 && write(fd, "MANIFEST-../x\n", 14) == 14);
    close(fd);
    assert_int_equal(manifest_repair_tail(&repair, torn->data, &error), STATUS_CORRUPT);
    assert_int_equal(unlink(current), 0);
    assert_int_equal(manifest_repair_tail(&repair, torn->data, &error), STATUS_NOT_FOUND);
}

static void test_an_open_one_is_busy(void **state) {
    struct torn *torn = *state;
    fixture_open(&torn->fixture);
    struct manifest_repair repair;
    assert_int_equal(manifest_repair_tail(&repair, torn->data, NULL), STATUS_BUSY);
}

/* One sealed run, taken in last of all. `crashed`: before a commit said that it is sealed. */
static void seal_one(struct db_fixture *fixture, bool crashed) {
    fixture_init(fixture, DB_ROCKS);
    fixture_append_many(fixture, 150);
    db_tick(fixture->db, fixture->now_ms + (int64_t)fixture->limits.run_age_ms);
    fixture_settle(fixture);
    char command[3 * sizeof fixture->path + 64];
    snprintf(command, sizeof command, "cp -r %s/data %s/copy", fixture->path, fixture->path);
    assert_int_equal(system(command), 0);
    fixture_close(fixture);
    snprintf(command, sizeof command, "cd %s && rm -rf %s && mv copy data", fixture->path,
             crashed ? "data" : "nothing");
    assert_true(!crashed || system(command) == 0);
}

static void remove_newest_table(const struct db_fixture *fixture) {
    char command[sizeof fixture->path + 64];
    snprintf(command, sizeof command, "cd %s/data && rm \"$(ls *.sst | tail -n 1)\"",
             fixture->path);
    assert_int_equal(system(command), 0);
}

/* What a failed sync of the MANIFEST leaves of a run that was being taken in: the record without
 * its file (tests/blackbox/test_disk_faults.py makes RocksDB do it). */
static void test_a_run_that_was_not_taken_in_is_sealed_again(void **state) {
    (void)state;
    struct db_fixture fixture;
    seal_one(&fixture, true);
    remove_newest_table(&fixture);
    fixture_open(&fixture);
    fixture_check_journal(&fixture);
    for (int i = 0; i < 20; i++) {
        fixture_check_random_query(&fixture);
    }
    char pattern[4400];
    snprintf(pattern, sizeof pattern, "ls %s/data/unfinished-MANIFEST-* >/dev/null", fixture.path);
    assert_int_equal(system(pattern), 0);
    fixture_deinit(&fixture);
}

static void test_a_sealed_run_whose_file_is_gone_is_damage(void **state) {
    (void)state;
    struct db_fixture fixture;
    seal_one(&fixture, false);
    remove_newest_table(&fixture);
    struct error error;
    assert_int_equal(fixture_try_open(&fixture, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.message, "sealed rows are missing"));
    fixture_deinit(&fixture);
}

static void test_edits_that_do_more_or_are_none(void **state) {
    (void)state;
    static const uint8_t adds[] = {0xc8, 1, 1, 103, 0, 62, 9, 2, 'a', 'b', 1,
                                   'c',  5, 6, 1,   3, 63, 4, 9, 9,   0};
    uint8_t edit[sizeof adds + 2];
    uint64_t number = 0;
    memcpy(edit, adds, sizeof adds);
    assert_true(manifest_edit_adds_one(&number, (struct slice){edit + 0, sizeof adds}));
    assert_int_equal(number, 62);
    for (size_t bytes = 0; bytes < sizeof adds; bytes++) {
        number = 0;
        if (manifest_edit_adds_one(&number, (struct slice){edit, bytes})) {
            assert_int_equal(number, 62); /* cut between two fields */
        }
    }
    memcpy(edit + sizeof adds, "\x02\x07", 2); /* passes a log */
    assert_false(manifest_edit_adds_one(&number, (struct slice){edit, sizeof edit}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_that_was_not_taken_in_is_sealed_again),
        cmocka_unit_test(test_a_sealed_run_whose_file_is_gone_is_damage),
        cmocka_unit_test(test_edits_that_do_more_or_are_none),
        cmocka_unit_test_setup_teardown(test_a_whole_one_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_torn_tail_is_cut_and_kept_aside, setup, teardown),
        cmocka_unit_test_setup_teardown(test_half_of_the_last_record_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage_with_records_behind_it_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_directory_or_no_manifest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_open_one_is_busy, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
