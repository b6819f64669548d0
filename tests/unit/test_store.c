/* One suite over both stores: what the memory store does is what RocksDB must do. */
#include "core/base/bytes.h"
#include "storage/keys.h"
#include "storage/store.h"
#include "tests/unit/support.h"

#include <rocksdb/c.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    enum status (*open)(struct store **ret, const struct store_options *options,
                        struct error *error);
    struct store_options options;
    struct store *store;
    char path[4096];
};

static void reopen(struct fixture *f) {
    struct error error = {""};
    enum status status = f->open(&f->store, &f->options, &error);
    if (status != STATUS_OK) {
        fail_msg("open: %s", error.message);
    }
}

static int setup(void **state, struct fixture *f) {
    snprintf(f->path, sizeof f->path, "%s", support_temporary_directory());
    f->options = (struct store_options){.path = f->path,
                                        .create = true,
                                        .cache_bytes = 4 * MIB,
                                        .memtable_bytes = MIB,
                                        .background_jobs = 2};
    reopen(f);
    *state = f;
    return 0;
}

static int setup_rocks(void **state) {
    static struct fixture f;
    f.open = store_open_rocks;
    return setup(state, &f);
}

static int setup_mem(void **state) {
    static struct fixture f;
    f.open = store_open_mem;
    return setup(state, &f);
}

static int teardown(void **state) {
    struct fixture *f = *state;
    store_close(f->store);
    support_remove_tree(f->path);
    return 0;
}

static struct slice text(const char *t) {
    return slice_text(t);
}

static void write_one(struct store *store, enum family family, const char *key, const char *value) {
    struct store_batch *batch;
    assert_int_equal(store_batch_new(&batch, store), STATUS_OK);
    if (value != NULL) {
        store_batch_put(batch, family, text(key), text(value));
    } else {
        store_batch_delete(batch, family, text(key));
    }
    assert_int_equal(store_write(store, batch, NULL), STATUS_OK);
    store_batch_free(batch);
}

static void expect(struct store *store, enum family family, const char *key, const char *value) {
    struct store_value got = {{NULL, 0}, NULL};
    enum status status = store_get(store, family, text(key), &got, NULL);
    assert_int_equal(status, value == NULL ? STATUS_NOT_FOUND : STATUS_OK);
    if (value != NULL) {
        assert_true(slice_is(got.bytes, value));
    }
    store_value_free(&got);
}

static struct store_iter *iter_on(struct store *store, enum family family,
                                  const struct store_snapshot *snapshot, bool prefix_only) {
    struct store_iter *iter;
    assert_int_equal(store_iter_new(&iter, store, family, snapshot, prefix_only), STATUS_OK);
    return iter;
}

static void expect_at(struct store_iter *iter, const char *key) {
    if (key == NULL) {
        assert_false(store_iter_valid(iter));
        assert_int_equal(store_iter_status(iter, NULL), STATUS_OK);
        return;
    }
    assert_true(store_iter_valid(iter));
    assert_true(slice_is(store_iter_key(iter), key));
}

static void batches_write_families_apart(void **state) {
    struct fixture *f = *state;
    struct store_batch *batch;
    assert_int_equal(store_batch_new(&batch, f->store), STATUS_OK);
    store_batch_put(batch, FAMILY_META, text("k"), text("first"));
    store_batch_put(batch, FAMILY_META, text("k"), text("meta"));
    store_batch_put(batch, FAMILY_REGIONS, text("k"), text(""));
    store_batch_put(batch, FAMILY_JOURNAL, text("gone"), text("x"));
    store_batch_delete(batch, FAMILY_JOURNAL, text("gone"));
    const struct slice parts[] = {text("one "), text(""), text("value")};
    store_batch_put_parts(batch, FAMILY_JOURNAL, text("parts"), parts, ARRAY_COUNT(parts));
    assert_int_equal(store_write(f->store, batch, NULL), STATUS_OK);
    expect(f->store, FAMILY_META, "k", "meta");
    expect(f->store, FAMILY_REGIONS, "k", "");
    expect(f->store, FAMILY_JOURNAL, "k", NULL);
    expect(f->store, FAMILY_JOURNAL, "gone", NULL);
    expect(f->store, FAMILY_JOURNAL, "parts", "one value");
    /* A reset batch is empty, and is used again. */
    store_batch_reset(batch);
    store_batch_put(batch, FAMILY_META, text("other"), text("1"));
    assert_int_equal(store_write(f->store, batch, NULL), STATUS_OK);
    store_batch_free(batch);
    expect(f->store, FAMILY_META, "other", "1");
    expect(f->store, FAMILY_META, "k", "meta");
}

static void multi_get_answers_in_order(void **state) {
    struct fixture *f = *state;
    write_one(f->store, FAMILY_META, "b", "2");
    write_one(f->store, FAMILY_META, "a", "1");
    const struct slice keys[] = {text("b"), text("none"), text("a"), text("b")};
    struct store_value found[4];
    assert_int_equal(store_multi_get(f->store, FAMILY_META, keys, 4, found, NULL), STATUS_OK);
    assert_true(slice_is(found[0].bytes, "2"));
    assert_null(found[1].bytes.data);
    assert_true(slice_is(found[2].bytes, "1"));
    assert_true(slice_is(found[3].bytes, "2"));
    for (size_t i = 0; i < 4; i++) {
        store_value_free(&found[i]);
    }
    assert_int_equal(store_multi_get(f->store, FAMILY_META, NULL, 0, NULL, NULL), STATUS_OK);
}

static void iterators_seek_and_walk(void **state) {
    struct fixture *f = *state;
    struct store_iter *iter = iter_on(f->store, FAMILY_META, NULL, false);
    store_iter_seek_last(iter);
    expect_at(iter, NULL);
    store_iter_free(iter);
    write_one(f->store, FAMILY_META, "b", "2");
    write_one(f->store, FAMILY_META, "d", "4");
    write_one(f->store, FAMILY_META, "bb", "3");
    iter = iter_on(f->store, FAMILY_META, NULL, false);
    store_iter_seek(iter, text("a"));
    expect_at(iter, "b");
    store_iter_next(iter);
    expect_at(iter, "bb");
    assert_true(slice_is(store_iter_value(iter), "3"));
    store_iter_seek(iter, text("e"));
    expect_at(iter, NULL);
    store_iter_seek_for_prev(iter, text("c"));
    expect_at(iter, "bb");
    store_iter_seek_for_prev(iter, text("d"));
    expect_at(iter, "d");
    store_iter_next(iter);
    expect_at(iter, NULL);
    store_iter_seek_last(iter);
    expect_at(iter, "d");
    store_iter_prev(iter);
    store_iter_prev(iter);
    expect_at(iter, "b");
    store_iter_prev(iter);
    expect_at(iter, NULL);
    store_iter_seek_for_prev(iter, text("a"));
    expect_at(iter, NULL);
    store_iter_free(iter);
}

static void snapshots_hold_still(void **state) {
    struct fixture *f = *state;
    write_one(f->store, FAMILY_META, "a", "1");
    write_one(f->store, FAMILY_REGIONS, "r", "1");
    struct store_snapshot *snapshot = store_snapshot_new(f->store);
    struct store_iter *bare = iter_on(f->store, FAMILY_META, NULL, false);
    write_one(f->store, FAMILY_META, "a", "2");
    write_one(f->store, FAMILY_META, "b", "2");
    write_one(f->store, FAMILY_REGIONS, "r", NULL);
    struct store_iter *iter = iter_on(f->store, FAMILY_META, snapshot, false);
    store_iter_seek(iter, text("a"));
    assert_true(slice_is(store_iter_value(iter), "1"));
    store_iter_next(iter);
    expect_at(iter, NULL);
    store_iter_free(iter);
    iter = iter_on(f->store, FAMILY_REGIONS, snapshot, false);
    store_iter_seek_last(iter);
    expect_at(iter, "r");
    store_iter_free(iter);
    store_iter_seek_last(bare);
    assert_true(slice_is(store_iter_value(bare), "1"));
    store_iter_free(bare);
    store_snapshot_free(f->store, snapshot);
    expect(f->store, FAMILY_META, "a", "2");
    expect(f->store, FAMILY_REGIONS, "r", NULL);
}

static void timeline_key(uint8_t to[TIMELINE_KEY_BYTES], uint32_t day, uint32_t region,
                         uint64_t id) {
    const struct timeline_position position = {(int64_t)day * 86400000 + 1000, region, id};
    timeline_key_encode(to, &position);
}

/* Rows (day, region 7, id) for ids first, first + step ... below end, value "v<id>". */
static enum status put_run(struct store *store, uint64_t number, uint32_t day, uint64_t first,
                           uint64_t step, uint64_t end, bool finish) {
    struct store_run *run;
    assert_int_equal(store_run_new(&run, store, number, NULL), STATUS_OK);
    for (uint64_t id = first; id < end; id += step) {
        uint8_t key[TIMELINE_KEY_BYTES];
        char value[32];
        timeline_key(key, day, 7, id);
        snprintf(value, sizeof value, "v%u", (unsigned)id);
        assert_int_equal(
            store_run_put(run, (struct slice){key, sizeof key}, slice_text(value), NULL),
            STATUS_OK);
    }
    if (finish) {
        return store_run_finish(run, NULL);
    }
    store_run_abort(run);
    return STATUS_OK;
}

static uint64_t count_rows(struct store *store, uint32_t day, uint32_t region, bool prefix_only) {
    uint8_t key[TIMELINE_KEY_BYTES] = {0};
    store_u32_be(key, day);
    store_u32_be(key + 4, region);
    struct store_iter *iter = iter_on(store, FAMILY_TIMELINE, NULL, prefix_only);
    uint64_t count = 0, last = 0;
    for (store_iter_seek(iter, (struct slice){key, sizeof key}); store_iter_valid(iter);
         store_iter_next(iter)) {
        struct slice at = store_iter_key(iter);
        if (memcmp(at.data, key, TIMELINE_KEY_PREFIX_BYTES) != 0) {
            assert_false(prefix_only);
            break;
        }
        uint64_t id = load_u64_be(at.data + 12);
        assert_true(count == 0 || id > last);
        last = id;
        char value[32];
        snprintf(value, sizeof value, "v%u", (unsigned)id);
        assert_true(slice_is(store_iter_value(iter), value));
        count++;
    }
    assert_int_equal(store_iter_status(iter, NULL), STATUS_OK);
    store_iter_free(iter);
    return count;
}

static void runs_are_taken_in_whole_or_not(void **state) {
    struct fixture *f = *state;
    assert_int_equal(put_run(f->store, 1, 10, 0, 2, 2000, true), STATUS_OK);
    assert_int_equal(put_run(f->store, 2, 10, 1, 2, 2000, false), STATUS_OK);
    assert_int_equal(count_rows(f->store, 10, 7, true), 1000);
    assert_int_equal(put_run(f->store, 2, 10, 1, 2, 2000, true), STATUS_OK);
    assert_int_equal(put_run(f->store, 3, 11, 0, 1, 10, true), STATUS_OK);
    assert_int_equal(put_run(f->store, 4, 9, 0, 1, 0, true), STATUS_OK);
    assert_int_equal(count_rows(f->store, 10, 7, true), 2000);
    assert_int_equal(count_rows(f->store, 10, 7, false), 2000);
    assert_int_equal(count_rows(f->store, 11, 7, true), 10);
    assert_int_equal(count_rows(f->store, 11, 8, true), 0);
    assert_int_equal(count_rows(f->store, 9, 7, true), 0);
}

static void the_same_run_again_changes_nothing(void **state) {
    struct fixture *f = *state;
    struct store_snapshot *snapshot = store_snapshot_new(f->store);
    for (uint64_t number = 1; number <= 3; number++) {
        assert_int_equal(put_run(f->store, number, 10, 0, 1, 500, true), STATUS_OK);
        assert_int_equal(count_rows(f->store, 10, 7, true), 500);
    }
    struct store_iter *iter = iter_on(f->store, FAMILY_TIMELINE, snapshot, false);
    store_iter_seek_last(iter);
    expect_at(iter, NULL);
    store_iter_free(iter);
    store_snapshot_free(f->store, snapshot);
}

static void prefix_walks_go_both_ways(void **state) {
    struct fixture *f = *state;
    assert_int_equal(put_run(f->store, 1, 10, 5, 5, 26, true), STATUS_OK);
    uint8_t key[TIMELINE_KEY_BYTES];
    struct store_iter *iter = iter_on(f->store, FAMILY_TIMELINE, NULL, true);
    timeline_key(key, 10, 7, 12);
    store_iter_seek_for_prev(iter, (struct slice){key, sizeof key});
    assert_true(store_iter_valid(iter));
    assert_true(slice_is(store_iter_value(iter), "v10"));
    store_iter_prev(iter);
    assert_true(slice_is(store_iter_value(iter), "v5"));
    store_iter_prev(iter);
    expect_at(iter, NULL);
    timeline_key(key, 10, 8, 12);
    store_iter_seek_for_prev(iter, (struct slice){key, sizeof key});
    expect_at(iter, NULL);
    store_iter_free(iter);
}

static void timeline_gets_find_rows(void **state) {
    struct fixture *f = *state;
    assert_int_equal(put_run(f->store, 1, 10, 0, 1, 100, true), STATUS_OK);
    uint8_t keys[2][TIMELINE_KEY_BYTES];
    timeline_key(keys[0], 10, 7, 42);
    timeline_key(keys[1], 10, 7, 100);
    const struct slice slices[] = {{keys[0], TIMELINE_KEY_BYTES}, {keys[1], TIMELINE_KEY_BYTES}};
    struct store_value found[2];
    assert_int_equal(store_multi_get(f->store, FAMILY_TIMELINE, slices, 2, found, NULL), STATUS_OK);
    assert_true(slice_is(found[0].bytes, "v42"));
    assert_null(found[1].bytes.data);
    store_value_free(&found[0]);
    struct store_stats stats;
    store_stats(f->store, &stats);
    assert_int_equal(stats.background_errors, 0);
    assert_false(stats.write_stopped);
    assert_int_equal(store_scrub(f->store, NULL), STATUS_OK);
}

/* From here on: RocksDB only. */

static void what_was_written_is_there_again(void **state) {
    struct fixture *f = *state;
    write_one(f->store, FAMILY_META, "a", "1");
    assert_int_equal(put_run(f->store, 1, 10, 0, 1, 100, true), STATUS_OK);
    for (int round = 0; round < 3; round++) {
        store_close(f->store);
        reopen(f);
        expect(f->store, FAMILY_META, "a", "1");
        assert_int_equal(count_rows(f->store, 10, 7, true), 100);
    }
    struct store_stats stats;
    store_stats(f->store, &stats);
    assert_int_equal(stats.family_files[FAMILY_TIMELINE], 1);
    assert_true(stats.family_bytes[FAMILY_TIMELINE] > 0);
}

static void journal_blocks_are_moved_not_rewritten(void **state) {
    struct fixture *f = *state;
    static uint8_t value[600000];
    for (size_t i = 0; i < sizeof value; i++) {
        value[i] = (uint8_t)((i * 2654435761u) >> 11);
    }
    struct store_batch *batch;
    assert_int_equal(store_batch_new(&batch, f->store), STATUS_OK);
    for (uint64_t i = 1; i <= 40; i++) {
        uint8_t key[JOURNAL_KEY_BYTES];
        store_u64_be(key, i);
        store_batch_reset(batch);
        store_batch_put(batch, FAMILY_JOURNAL, (struct slice){key, sizeof key},
                        (struct slice){value, sizeof value});
        assert_int_equal(store_write(f->store, batch, NULL), STATUS_OK);
    }
    store_batch_free(batch);
    store_close(f->store);
    reopen(f);
    struct store_iter *iter = iter_on(f->store, FAMILY_JOURNAL, NULL, false);
    uint64_t count = 0;
    uint8_t first[JOURNAL_KEY_BYTES] = {0};
    for (store_iter_seek(iter, (struct slice){first, sizeof first}); store_iter_valid(iter);
         store_iter_next(iter)) {
        assert_int_equal(load_u64_be(store_iter_key(iter).data), ++count);
        assert_int_equal(store_iter_value(iter).bytes, sizeof value);
    }
    assert_int_equal(store_iter_status(iter, NULL), STATUS_OK);
    store_iter_free(iter);
    assert_int_equal(count, 40);
}

static void a_second_opener_is_told_busy(void **state) {
    struct fixture *f = *state;
    struct store *second;
    struct error error = {""};
    assert_int_equal(store_open_rocks(&second, &f->options, &error), STATUS_BUSY);
    assert_non_null(strstr(error.message, f->path));
}

static void a_missing_directory_is_made_only_on_demand(void **state) {
    struct fixture *f = *state;
    char path[4200];
    snprintf(path, sizeof path, "%s/inner", f->path);
    struct store_options options = f->options;
    options.path = path;
    options.create = false;
    struct store *store;
    struct error error = {""};
    assert_int_equal(store_open_rocks(&store, &options, &error), STATUS_NOT_FOUND);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(store_open_rocks(&store, &options, &error), STATUS_NOT_FOUND);
    options.create = true;
    assert_int_equal(store_open_rocks(&store, &options, &error), STATUS_OK);
    store_close(store);
}

static void leftovers_of_a_crash_are_swept(void **state) {
    struct fixture *f = *state;
    store_close(f->store);
    char run[4200], half[4200];
    snprintf(run, sizeof run, "%s/runs/9.sst", f->path);
    snprintf(half, sizeof half, "%s/OPTIONS-000099.dbtmp", f->path);
    fclose(fopen(run, "w"));
    fclose(fopen(half, "w"));
    reopen(f);
    assert_int_equal(access(run, F_OK), -1);
    assert_int_equal(access(half, F_OK), -1);
}

static void read_only_reads_the_log_too(void **state) {
    struct fixture *f = *state;
    write_one(f->store, FAMILY_META, "a", "1");
    store_close(f->store);
    struct store_options options = f->options;
    options.read_only = true;
    options.create = false;
    struct error error = {""};
    assert_int_equal(store_open_rocks(&f->store, &options, &error), STATUS_OK);
    expect(f->store, FAMILY_META, "a", "1");
}

static void checkpoints_open_as_stores(void **state) {
    struct fixture *f = *state;
    write_one(f->store, FAMILY_META, "a", "1");
    assert_int_equal(put_run(f->store, 1, 10, 0, 1, 100, true), STATUS_OK);
    char path[4200];
    snprintf(path, sizeof path, "%s/copy", f->path);
    struct error error = {""};
    assert_int_equal(store_checkpoint(f->store, path, &error), STATUS_OK);
    assert_int_not_equal(store_checkpoint(f->store, path, &error), STATUS_OK);
    write_one(f->store, FAMILY_META, "a", "2");
    struct store_options options = f->options;
    options.path = path;
    options.create = false;
    struct store *copy;
    assert_int_equal(store_open_rocks(&copy, &options, &error), STATUS_OK);
    expect(copy, FAMILY_META, "a", "1");
    assert_int_equal(count_rows(copy, 10, 7, true), 100);
    store_close(copy);
}

/* Makes the directory one from before the family existed. */
static void drop_family(const char *path, const char *name) {
    rocksdb_options_t *options = rocksdb_options_create();
    char *message = NULL;
    size_t count = 0;
    char **names = rocksdb_list_column_families(options, path, &count, &message);
    assert_null(message);
    const rocksdb_options_t *family_options[FAMILY_COUNT + 1];
    rocksdb_column_family_handle_t *handles[FAMILY_COUNT + 1];
    assert_int_equal(count, FAMILY_COUNT + 1);
    for (size_t i = 0; i < count; i++) {
        family_options[i] = options;
    }
    rocksdb_t *db = rocksdb_open_column_families(
        options, path, (int)count, (const char *const *)names, family_options, handles, &message);
    assert_null(message);
    bool dropped = false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            rocksdb_drop_column_family(db, handles[i], &message);
            assert_null(message);
            dropped = true;
        }
        rocksdb_column_family_handle_destroy(handles[i]);
    }
    assert_true(dropped);
    rocksdb_close(db);
    rocksdb_list_column_families_destroy(names, count);
    rocksdb_options_destroy(options);
}

static void a_family_that_is_missing_is_made(void **state) {
    struct fixture *f = *state;
    write_one(f->store, FAMILY_DEADLINES, "k", "1");
    write_one(f->store, FAMILY_META, "k", "2");
    store_close(f->store);
    drop_family(f->path, "deadlines");
    /* Read-only: empty, and nothing is made. */
    f->options.create = false;
    f->options.read_only = true;
    for (int i = 0; i < 2; i++) {
        reopen(f);
        expect(f->store, FAMILY_DEADLINES, "k", NULL);
        expect(f->store, FAMILY_META, "k", "2");
        struct store_iter *iter = iter_on(f->store, FAMILY_DEADLINES, NULL, false);
        store_iter_seek_last(iter);
        assert_false(store_iter_valid(iter));
        store_iter_free(iter);
        assert_int_equal(store_scrub(f->store, NULL), STATUS_OK);
        store_close(f->store);
    }
    f->options.read_only = false;
    reopen(f);
    expect(f->store, FAMILY_META, "k", "2");
    write_one(f->store, FAMILY_DEADLINES, "k", "3");
    store_close(f->store);
    f->options.read_only = true;
    reopen(f);
    expect(f->store, FAMILY_DEADLINES, "k", "3");
}

/* A restart of the memory store: a copy begins with all rows and goes its own way. */
static void a_memory_copy_is_a_store_of_its_own(void **state) {
    struct fixture *f = *state;
    struct error error = {""};
    write_one(f->store, FAMILY_META, "a", "1");
    assert_int_equal(put_run(f->store, 1, 10, 0, 1, 100, true), STATUS_OK);
    const struct store_options options = {.copy_of = f->store};
    struct store *copy;
    assert_int_equal(store_open_mem(&copy, &options, &error), STATUS_OK);
    write_one(f->store, FAMILY_META, "a", "2");
    write_one(copy, FAMILY_META, "b", "3");
    expect(copy, FAMILY_META, "a", "1");
    expect(copy, FAMILY_META, "b", "3");
    expect(f->store, FAMILY_META, "b", NULL);
    assert_int_equal(count_rows(copy, 10, 7, true), 100);
    store_close(copy);
    expect(f->store, FAMILY_META, "a", "2");
}

#define BOTH(test)                                                                                 \
    cmocka_unit_test_setup_teardown(test, setup_mem, teardown),                                    \
        cmocka_unit_test_setup_teardown(test, setup_rocks, teardown)
#define MEM(test) cmocka_unit_test_setup_teardown(test, setup_mem, teardown)
#define ROCKS(test) cmocka_unit_test_setup_teardown(test, setup_rocks, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(batches_write_families_apart),
        BOTH(multi_get_answers_in_order),
        BOTH(iterators_seek_and_walk),
        BOTH(snapshots_hold_still),
        BOTH(runs_are_taken_in_whole_or_not),
        BOTH(the_same_run_again_changes_nothing),
        BOTH(prefix_walks_go_both_ways),
        BOTH(timeline_gets_find_rows),
        MEM(a_memory_copy_is_a_store_of_its_own),
        ROCKS(a_family_that_is_missing_is_made),
        ROCKS(what_was_written_is_there_again),
        ROCKS(journal_blocks_are_moved_not_rewritten),
        ROCKS(a_second_opener_is_told_busy),
        ROCKS(a_missing_directory_is_made_only_on_demand),
        ROCKS(leftovers_of_a_crash_are_swept),
        ROCKS(read_only_reads_the_log_too),
        ROCKS(checkpoints_open_as_stores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
