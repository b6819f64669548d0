#include "storage/suspects.h"

#include "core/base/bytes.h"
#include "core/text/instant.h"
#include "storage/keys.h"
#include "storage/verify.h"
#include "tests/unit/support_db.h"

#include <rocksdb/c.h>

enum { ROWS_MAX = 64 };

struct rows {
    struct suspect_row rows[ROWS_MAX];
    size_t count;
};

static enum status take_row(void *context, const struct suspect_row *row, struct error *error) {
    (void)error;
    struct rows *rows = context;
    assert_true(rows->count < ROWS_MAX);
    rows->rows[rows->count++] = *row;
    return STATUS_OK;
}

static void a_row_has_its_bytes_and_comes_back(void **state) {
    (void)state;
    struct limits limits;
    limits_init(&limits);
    struct block *block;
    assert_int_equal(block_new(&block, &limits), STATUS_OK);
    block_reset(block, 0x41);
    struct entry entry = {.kind = ENTRY_REPORT, .identity = {7, 8}, .content_tag = 0x0102};
    const struct record record = {.json = SLICE_LITERAL("{}")};
    assert_int_equal(block_append(block, &entry, &record), STATUS_OK);
    assert_int_equal(block->flags, 0);
    entry.flags = ENTRY_CLOCK_SUSPECT | ENTRY_LOCATED;
    entry.identity = (struct identity){UINT64_C(0x1112131415161718), UINT64_C(0x2122232425262728)};
    assert_int_equal(block_append(block, &entry, &record), STATUS_OK);
    entry.flags = ENTRY_DERIVED_ID;
    assert_int_equal(block_append(block, &entry, &record), STATUS_OK);
    assert_int_equal(block->flags, ENTRY_CLOCK_SUSPECT | ENTRY_LOCATED | ENTRY_DERIVED_ID);

    struct store *store;
    struct store_batch *batch;
    struct error error = {""};
    assert_int_equal(store_open_mem(&store, &(struct store_options){.path = "unused"}, &error),
                     STATUS_OK);
    assert_int_equal(store_batch_new(&batch, store), STATUS_OK);
    suspects_put(batch, block);
    assert_int_equal(store_write(store, batch, &error), STATUS_OK);
    static const uint8_t key[] = {0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
                                  0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28};
    static const uint8_t value[] = {0x42, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0};
    struct store_value found;
    assert_int_equal(
        store_get(store, FAMILY_SUSPECTS, (struct slice){key, sizeof key}, &found, &error),
        STATUS_OK);
    assert_int_equal(found.bytes.bytes, sizeof value);
    assert_memory_equal(found.bytes.data, value, sizeof value);
    store_value_free(&found);

    struct rows rows = {.count = 0};
    assert_int_equal(suspects_walk(store, take_row, &rows, &error), STATUS_OK);
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.rows[0].stored.seq, 0x42);
    struct stored_report stored;
    assert_int_equal(suspects_get(&stored, store, rows.rows[0].identity, &error), STATUS_OK);
    assert_int_equal(stored.content_tag, 0x0102);
    struct identity other = {rows.rows[0].identity.low, 0};
    assert_int_equal(suspects_get(&stored, store, other, &error), STATUS_NOT_FOUND);
    store_batch_free(batch);
    store_close(store);
    block_free(block);
}

static void damaged_rows_are_refused(void **state) {
    (void)state;
    const uint8_t bytes[17] = {1};
    const struct {
        size_t key_bytes, value_bytes;
    } cases[] = {{15, 16}, {17, 16}, {16, 15}, {16, 17}, {0, 16}, {16, 0}};
    struct suspect_row row;
    struct error error;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(suspects_decode(&row, (struct slice){bytes, cases[i].key_bytes},
                                         (struct slice){bytes, cases[i].value_bytes}, &error),
                         STATUS_CORRUPT);
    }
    const struct slice right = {bytes, 16}, zero = {bytes + 1, 16};
    assert_int_equal(suspects_decode(&row, right, right, &error), STATUS_OK);
    assert_int_equal(suspects_decode(&row, right, zero, &error), STATUS_CORRUPT);
}

/* One commit of ordinary entries and suspects in turn; identity {n, ~n}, content tag n. */
static void append(struct db_fixture *fixture, uint64_t first, uint32_t count) {
    struct db_identity identity;
    db_identity(fixture->db, &identity);
    block_reset(fixture->block, identity.next_seq);
    for (uint64_t n = first; n < first + count; n++) {
        const struct entry entry = {.kind = ENTRY_REPORT,
                                    .flags = n % 2 == 1 ? ENTRY_CLOCK_SUSPECT : 0,
                                    .region = 1,
                                    .occurred_ms = (int64_t)FIXTURE_FIRST_DAY * DAY_MS,
                                    .received_ms = fixture->now_ms,
                                    .identity = {n, ~n},
                                    .content_tag = n};
        const struct record record = {.json = SLICE_LITERAL("{}")};
        assert_int_equal(block_append(fixture->block, &entry, &record), STATUS_OK);
    }
    const struct block *blocks[] = {fixture->block};
    const struct db_commit commit = {.blocks = blocks, .blocks_count = 1};
    struct error error;
    assert_int_equal(db_commit(fixture->db, &commit, &error), STATUS_OK);
    while (!db_room(fixture->db, count, fixture->block->payload_bytes)) {
    }
    db_publish(fixture->db, fixture->block, fixture->now_ms);
}

static struct db_lookup look_up(struct db_fixture *fixture, uint64_t n, bool by_identity) {
    /* Another time than it is stored under. */
    struct db_lookup lookup = {.position = {(int64_t)FIXTURE_FIRST_DAY * DAY_MS + 5, 1, n},
                               .identity = {n, ~n},
                               .by_identity = by_identity};
    struct error error;
    assert_int_equal(db_lookup(fixture->db, &lookup, 1, &error), STATUS_OK);
    return lookup;
}

static void check_lookups(struct db_fixture *fixture, uint64_t count) {
    for (uint64_t n = 0; n < count; n++) {
        assert_int_equal(look_up(fixture, n, false).state, LOOKUP_ABSENT);
        struct db_lookup lookup = look_up(fixture, n, true);
        assert_int_equal(lookup.state, n % 2 == 1 ? LOOKUP_FOUND : LOOKUP_ABSENT);
        if (n % 2 == 1) {
            assert_int_equal(lookup.stored.seq, n + 1);
            assert_int_equal(lookup.stored.content_tag, n);
        }
    }
}

static void count_suspect(void *context, struct identity identity) {
    assert_int_equal(identity.low % 2, 1);
    assert_int_equal(identity.high, ~identity.low);
    (*(size_t *)context)++;
}

static void expect_suspects(struct db_fixture *fixture, size_t count) {
    size_t walked = 0;
    struct error error;
    assert_int_equal(db_walk_suspects(fixture->db, count_suspect, &walked, &error), STATUS_OK);
    assert_int_equal(walked, count);
}

static struct verify_result verify(const struct db_fixture *fixture) {
    char path[sizeof fixture->path + 8];
    snprintf(path, sizeof path, "%s/data", fixture->path);
    struct verify_result result = {0};
    struct error error = {""};
    if (verify_directory(path, &result, NULL, NULL, &error) != STATUS_OK) {
        fail_msg("verify: %s", error.message);
    }
    return result;
}

static void suspects_are_found_by_identity(void **state) {
    (void)state;
    const enum db_kind kinds[] = {DB_MEM, DB_ROCKS};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct db_fixture fixture;
        fixture_init(&fixture, kinds[i]);
        expect_suspects(&fixture, 0);
        append(&fixture, 0, 20);
        check_lookups(&fixture, 20);
        if (kinds[i] == DB_ROCKS) {
            fixture_crash(&fixture);
            check_lookups(&fixture, 20);
        }
        append(&fixture, 20, 30);
        check_lookups(&fixture, 50);
        expect_suspects(&fixture, 25);
        if (kinds[i] == DB_ROCKS) {
            fixture_close(&fixture);
            assert_int_equal(verify(&fixture).suspect_rows, 25);
            fixture_open(&fixture);
        }
        fixture_deinit(&fixture);
    }
}

/* Takes away what a gridd from before the suspects did not write. */
static void make_older(const struct db_fixture *fixture) {
    static const char *const names[] = {"default",
#define FAMILY_TEXT(name, text) text,
                                        STORE_FAMILIES(FAMILY_TEXT)
#undef FAMILY_TEXT
    };
    char path[sizeof fixture->path + 8], *message = NULL;
    snprintf(path, sizeof path, "%s/data", fixture->path);
    rocksdb_options_t *options = rocksdb_options_create();
    const rocksdb_options_t *all[ARRAY_COUNT(names)];
    rocksdb_column_family_handle_t *handles[ARRAY_COUNT(names)];
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        all[i] = options;
    }
    rocksdb_t *db = rocksdb_open_column_families(options, path, ARRAY_COUNT(names), names, all,
                                                 handles, &message);
    assert_null(message);
    rocksdb_writeoptions_t *write = rocksdb_writeoptions_create();
    rocksdb_delete_cf(db, write, handles[1 + FAMILY_META], "suspects", 8, &message);
    assert_null(message);
    rocksdb_drop_column_family(db, handles[1 + FAMILY_SUSPECTS], &message);
    assert_null(message);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        rocksdb_column_family_handle_destroy(handles[i]);
    }
    rocksdb_writeoptions_destroy(write);
    rocksdb_close(db);
    rocksdb_options_destroy(options);
}

/* Before there were rows, a suspect that came again late was taken as new: its identity is in the
 * journal twice, and the first entry answers for it. */
static void an_older_directory_gets_its_rows(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_ROCKS);
    append(&fixture, 0, 40);
    append(&fixture, 0, 10);
    fixture_close(&fixture);
    make_older(&fixture);
    struct verify_result result = verify(&fixture);
    assert_int_equal(result.entries, 50);
    assert_int_equal(result.suspect_rows, 0);
    fixture_open(&fixture);
    check_lookups(&fixture, 40);
    expect_suspects(&fixture, 20);
    append(&fixture, 40, 10);
    expect_suspects(&fixture, 25);
    fixture_crash(&fixture);
    fixture_close(&fixture);
    assert_int_equal(verify(&fixture).suspect_rows, 25);
    fixture_open(&fixture);
    expect_suspects(&fixture, 25);
    fixture_deinit(&fixture);
}

/* More rows than one batch takes while they are made. */
static void many_rows_are_made_in_pieces(void **state) {
    (void)state;
    enum { COUNT = 12000 };
    struct db_fixture fixture;
    fixture_init(&fixture, DB_ROCKS);
    for (uint64_t n = 0; n < COUNT; n += 50) {
        append(&fixture, n, 50);
    }
    fixture_close(&fixture);
    make_older(&fixture);
    fixture_open(&fixture);
    expect_suspects(&fixture, COUNT / 2);
    fixture_close(&fixture);
    assert_int_equal(verify(&fixture).suspect_rows, COUNT / 2);
    fixture_open(&fixture);
    fixture_deinit(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_has_its_bytes_and_comes_back),
        cmocka_unit_test(damaged_rows_are_refused),
        cmocka_unit_test(suspects_are_found_by_identity),
        cmocka_unit_test(an_older_directory_gets_its_rows),
        cmocka_unit_test(many_rows_are_made_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
