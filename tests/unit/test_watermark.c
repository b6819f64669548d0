#include "storage/watermark.h"

#include "tests/unit/support.h"

#include <unistd.h>

struct fixture {
    char directory[4096], path[4200];
};

static int setup(void **state) {
    static struct fixture f;
    snprintf(f.directory, sizeof f.directory, "%s", support_temporary_directory());
    snprintf(f.path, sizeof f.path, "%s/" WATERMARK_FILE, f.directory);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    support_remove_tree(f->directory);
    return 0;
}

static struct watermark *open_one(struct fixture *f) {
    const struct watermark_value first = {.epoch = 7, .seq = 0, .wall_ms = 1};
    struct watermark *watermark;
    assert_int_equal(watermark_open(&watermark, f->directory, &first, NULL), STATUS_OK);
    return watermark;
}

static void expect_seq(struct fixture *f, uint64_t seq) {
    struct watermark_value value;
    assert_int_equal(watermark_read(&value, f->directory, NULL), STATUS_OK);
    assert_int_equal(value.epoch, 7);
    assert_int_equal(value.seq, seq);
}

static void write_seq(struct watermark *watermark, uint64_t seq) {
    const struct watermark_value value = {.epoch = 7, .seq = seq, .wall_ms = -5};
    assert_int_equal(watermark_write(watermark, &value, NULL), STATUS_OK);
}

static void the_newest_is_read_back(void **state) {
    struct fixture *f = *state;
    struct watermark_value value;
    assert_int_equal(watermark_read(&value, f->directory, NULL), STATUS_NOT_FOUND);
    struct watermark *watermark = open_one(f);
    expect_seq(f, 0);
    for (uint64_t seq = 1; seq <= 5; seq++) {
        write_seq(watermark, seq * 100);
        expect_seq(f, seq * 100);
    }
    watermark_close(watermark);
    watermark = open_one(f);
    expect_seq(f, 500);
    write_seq(watermark, 500);
    write_seq(watermark, 501);
    expect_seq(f, 501);
    watermark_close(watermark);
    watermark_close(NULL);
}

static void patch(struct fixture *f, long at, uint8_t with) {
    FILE *file = fopen(f->path, "r+b");
    assert_non_null(file);
    fseek(file, at, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(byte ^ with, file);
    fclose(file);
}

static void one_damaged_slot_leaves_the_other(void **state) {
    struct fixture *f = *state;
    struct watermark *watermark = open_one(f);
    write_seq(watermark, 100);
    write_seq(watermark, 200);
    watermark_close(watermark);
    for (long at = 0; at < 44; at++) { /* turn 2 is in the first slot */
        patch(f, at, 4);
        expect_seq(f, 100);
        patch(f, at, 4);
    }
    patch(f, 3, 1);
    patch(f, 512 + 17, 1);
    struct watermark_value value;
    struct error error = {""};
    assert_int_equal(watermark_read(&value, f->directory, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.message, WATERMARK_FILE));
    assert_int_equal(watermark_open(&watermark, f->directory, &value, NULL), STATUS_CORRUPT);
}

static void a_cut_file_is_corrupt(void **state) {
    struct fixture *f = *state;
    watermark_close(open_one(f));
    struct watermark_value value;
    assert_int_equal(truncate(f->path, 4095), 0);
    assert_int_equal(watermark_read(&value, f->directory, NULL), STATUS_CORRUPT);
    assert_int_equal(truncate(f->path, 4097), 0);
    assert_int_equal(watermark_read(&value, f->directory, NULL), STATUS_CORRUPT);
    assert_int_equal(truncate(f->path, 0), 0);
    assert_int_equal(watermark_read(&value, f->directory, NULL), STATUS_CORRUPT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_newest_is_read_back, setup, teardown),
        cmocka_unit_test_setup_teardown(one_damaged_slot_leaves_the_other, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cut_file_is_corrupt, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
