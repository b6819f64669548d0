#include "server/replay/archive.h"

#include "bench/prng.h"
#include "tests/unit/support.h"

enum { RING_BYTES = 4096, NUMBERS = 40, ROW_BYTES_MAX = 700 };

/* A row of a ticket that its bytes tell. */
static struct slice row_of(uint8_t to[ROW_BYTES_MAX], uint64_t number, uint64_t version) {
    size_t bytes = 1 + (size_t)((number * 37 + version * 101) % ROW_BYTES_MAX);
    memset(to, (int)(number + version * 7) & 0xff, bytes);
    return (struct slice){to, bytes};
}

static void what_is_kept_is_found(void **state) {
    (void)state;
    struct archive archive;
    uint8_t row[ROW_BYTES_MAX];
    assert_int_equal(archive_init(&archive, RING_BYTES), STATUS_OK);
    assert_int_equal(archive_find(&archive, 1).bytes, 0);
    archive_keep(&archive, 1, row_of(row, 1, 0));
    archive_keep(&archive, 1, row_of(row, 1, 1));
    assert_true(slice_equal(archive_find(&archive, 1), row_of(row, 1, 1)));
    assert_int_equal(archive_find(&archive, 2).bytes, 0);
    assert_int_equal(archive.count, 1);
    archive_deinit(&archive);
}

/* The newest row of each ticket is there until newer rows have filled the ring, and never a wrong
 * one. */
static void the_oldest_are_forgotten(void **state) {
    (void)state;
    struct archive archive;
    struct prng prng;
    uint64_t versions[NUMBERS + 1] = {0}, kept_at[NUMBERS + 1] = {0}, written = 0;
    uint64_t missing = 0;
    uint8_t row[ROW_BYTES_MAX];
    prng_init(&prng, 7);
    assert_int_equal(archive_init(&archive, RING_BYTES), STATUS_OK);
    for (int step = 0; step < 20000; step++) {
        uint64_t number = 1 + prng_below(&prng, NUMBERS);
        struct slice kept = row_of(row, number, ++versions[number]);
        archive_keep(&archive, number, kept);
        written += 16 + (kept.bytes + 15) / 16 * 16;
        kept_at[number] = written;
        for (uint64_t other = 1; other <= NUMBERS; other++) {
            struct slice found = archive_find(&archive, other);
            /* At a turn of the ring less than a row's room is passed over. */
            bool must = kept_at[other] != 0 &&
                        written - kept_at[other] + 2 * (ROW_BYTES_MAX + 32) < RING_BYTES;
            assert_true(!must || found.bytes > 0);
            missing += found.bytes == 0 ? 1 : 0;
            assert_true(found.bytes == 0 ||
                        slice_equal(found, row_of(row, other, versions[other])));
        }
        assert_true(archive.head - archive.tail <= RING_BYTES);
    }
    assert_true(missing > 0 && archive.forgotten_total > 1000);
    archive_deinit(&archive);
}

/* The index grows as tickets come. */
static void many_are_found(void **state) {
    (void)state;
    struct archive archive;
    uint8_t row[ROW_BYTES_MAX];
    assert_int_equal(archive_init(&archive, 8 << 20), STATUS_OK);
    for (uint64_t number = 1; number <= 10000; number++) {
        archive_keep(&archive, number, row_of(row, number, 3));
    }
    assert_int_equal(archive.count, 10000);
    for (uint64_t number = 1; number <= 10000; number++) {
        assert_true(slice_equal(archive_find(&archive, number), row_of(row, number, 3)));
    }
    assert_int_equal(archive.forgotten_total, 0);
    archive_deinit(&archive);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_is_found),
        cmocka_unit_test(the_oldest_are_forgotten),
        cmocka_unit_test(many_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
