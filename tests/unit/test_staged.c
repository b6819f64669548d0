/* Staged rows: RocksDB's store against the memory store, which has nothing of the kind, through
 * settling, restarts and damage; and what is one instant while others write. */
#include "core/base/bytes.h"
#include "storage/staged.h"
#include "tests/unit/support.h"

#include <pthread.h>
#include <rocksdb/c.h>

enum { SETTLE_BYTES = 64 * KIB, KEYS = 300, ROUNDS = 250, VALUE_BYTES = 256 };

struct fixture {
    struct store_options options;
    struct store *store, *model;
    char path[4096];
    uint64_t random;
};

static void reopen(struct fixture *f) {
    struct error error = {""};
    if (store_open_rocks(&f->store, &f->options, &error) != STATUS_OK) {
        fail_msg("open: %s", error.message);
    }
}

static int setup(void **state) {
    static struct fixture f;
    f = (struct fixture){.random = 88172645463325252};
    snprintf(f.path, sizeof f.path, "%s", support_temporary_directory());
    f.options = (struct store_options){.path = f.path,
                                       .create = true,
                                       .cache_bytes = 4 * MIB,
                                       .memtable_bytes = SETTLE_BYTES,
                                       .background_jobs = 2};
    reopen(&f);
    const struct store_options model = {0};
    assert_int_equal(store_open_mem(&f.model, &model, NULL), STATUS_OK);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    store_close(f->store);
    store_close(f->model);
    support_remove_tree(f->path);
    return 0;
}

static uint32_t draw(struct fixture *f, uint32_t below) {
    f->random ^= f->random << 13;
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return (uint32_t)(f->random >> 33) % below;
}

/* Keys of several lengths, some of which others begin with. */
static struct slice make_key(uint8_t to[16], uint32_t number) {
    memset(to, 0, 16);
    store_u64_be(to, number / 3);
    store_u64_be(to + 8, number);
    return (struct slice){to, number % 7 == 0 ? 8 : 16};
}

static enum family draw_family(struct fixture *f) {
    return draw(f, 2) == 0 ? FAMILY_INCIDENTS : FAMILY_MEMBERS;
}

/* The same rows for both stores; keys come twice and in no order, others go with them. */
static void write_some(struct fixture *f, uint32_t rows_count) {
    struct store_batch *batches[2];
    assert_int_equal(store_batch_new(&batches[0], f->store), STATUS_OK);
    assert_int_equal(store_batch_new(&batches[1], f->model), STATUS_OK);
    for (uint32_t i = 0; i < rows_count; i++) {
        uint8_t key_bytes[16], value[VALUE_BYTES];
        struct slice key = make_key(key_bytes, draw(f, KEYS));
        enum family family = draw(f, 8) == 0 ? FAMILY_TICKETS : draw_family(f);
        bool remove = draw(f, 4) == 0;
        memset(value, (int)draw(f, 256), sizeof value);
        const struct slice parts[] = {{value, draw(f, 100)}, {value, draw(f, VALUE_BYTES)}};
        for (size_t side = 0; side < 2; side++) {
            if (remove) {
                store_batch_delete(batches[side], family, key);
            } else {
                store_batch_put_parts(batches[side], family, key, parts, 2);
            }
        }
    }
    assert_int_equal(store_write(f->store, batches[0], NULL), STATUS_OK);
    assert_int_equal(store_write(f->model, batches[1], NULL), STATUS_OK);
    store_batch_free(batches[0]);
    store_batch_free(batches[1]);
}

static void expect_same_place(struct store_iter *ours, struct store_iter *model) {
    assert_int_equal(store_iter_valid(ours), store_iter_valid(model));
    assert_int_equal(store_iter_status(ours, NULL), STATUS_OK);
    if (store_iter_valid(model)) {
        struct slice keys[] = {store_iter_key(ours), store_iter_key(model)};
        struct slice values[] = {store_iter_value(ours), store_iter_value(model)};
        assert_int_equal(keys[0].bytes, keys[1].bytes);
        assert_memory_equal(keys[0].data, keys[1].data, keys[1].bytes);
        assert_int_equal(values[0].bytes, values[1].bytes);
        assert_memory_equal(values[0].data, values[1].data, values[1].bytes);
    }
}

static void seek_both(struct fixture *f, struct store_iter *ours, struct store_iter *model) {
    uint8_t bytes[16];
    struct slice key = make_key(bytes, draw(f, KEYS));
    switch (draw(f, 4)) {
    case 0:
        store_iter_seek_last(ours);
        store_iter_seek_last(model);
        break;
    case 1:
        store_iter_seek_for_prev(ours, key);
        store_iter_seek_for_prev(model, key);
        break;
    case 2:
        store_iter_seek(ours, (struct slice){NULL, 0});
        store_iter_seek(model, (struct slice){NULL, 0});
        break;
    default:
        store_iter_seek(ours, key);
        store_iter_seek(model, key);
    }
}

/* Walks both, mostly on in one direction, and now and then turns. */
static void walk_both(struct fixture *f, struct store_iter *ours, struct store_iter *model) {
    for (int seek = 0; seek < 4; seek++) {
        bool backward = draw(f, 2) == 0;
        seek_both(f, ours, model);
        for (uint32_t steps = draw(f, 2 * KEYS); steps > 0 && store_iter_valid(model); steps--) {
            expect_same_place(ours, model);
            backward = draw(f, 16) == 0 ? !backward : backward;
            if (backward) {
                store_iter_prev(ours);
                store_iter_prev(model);
            } else {
                store_iter_next(ours);
                store_iter_next(model);
            }
        }
        expect_same_place(ours, model);
    }
}

static void get_both(struct fixture *f) {
    for (int i = 0; i < 20; i++) {
        uint8_t bytes[16];
        struct slice key = make_key(bytes, draw(f, KEYS));
        enum family family = draw_family(f);
        struct store_value values[2] = {{{NULL, 0}, NULL}, {{NULL, 0}, NULL}}, many[1];
        enum status status = store_get(f->store, family, key, &values[0], NULL);
        assert_int_equal(status, store_get(f->model, family, key, &values[1], NULL));
        assert_int_equal(store_multi_get(f->store, family, &key, 1, many, NULL), STATUS_OK);
        assert_int_equal(many[0].bytes.data != NULL, status == STATUS_OK);
        assert_int_equal(values[0].bytes.bytes, values[1].bytes.bytes);
        if (status == STATUS_OK) {
            assert_memory_equal(values[0].bytes.data, values[1].bytes.data, values[1].bytes.bytes);
            assert_int_equal(many[0].bytes.bytes, values[1].bytes.bytes);
        }
        store_value_free(&values[0]);
        store_value_free(&values[1]);
        store_value_free(&many[0]);
    }
}

static void iters_new(struct fixture *f, enum family family, struct store_iter *iters[2]) {
    assert_int_equal(store_iter_new(&iters[0], f->store, family, NULL, false), STATUS_OK);
    assert_int_equal(store_iter_new(&iters[1], f->model, family, NULL, false), STATUS_OK);
}

/* What is done to a store between two looks at it. */
static void change(struct fixture *f) {
    write_some(f, 1 + draw(f, draw(f, 8) == 0 ? 400 : 12));
    if (draw(f, 12) == 0 || store_settle_is_due(f->store)) {
        assert_int_equal(store_settle(f->store, NULL), STATUS_OK);
        assert_false(store_settle_is_due(f->store));
    }
}

static void staged_rows_read_like_any_others(void **state) {
    struct fixture *f = *state;
    for (int round = 0; round < ROUNDS; round++) {
        enum family family = draw_family(f);
        struct store_iter *iters[2];
        change(f);
        iters_new(f, family, iters);
        /* The iterators hold still. */
        for (uint32_t changes = draw(f, 3); changes > 0; changes--) {
            change(f);
        }
        walk_both(f, iters[0], iters[1]);
        store_iter_free(iters[0]);
        store_iter_free(iters[1]);
        get_both(f);
        if (draw(f, 20) == 0) {
            store_close(f->store);
            reopen(f);
        }
    }
    struct store_stats stats;
    store_stats(f->store, &stats);
    assert_true(stats.family_files[FAMILY_MEMBERS] > 0);
    assert_true(stats.family_files[FAMILY_INCIDENTS] > 0);
}

static void who_writes_settles_when_nobody_does(void **state) {
    struct fixture *f = *state;
    struct store_stats stats;
    while (!store_settle_is_due(f->store)) {
        write_some(f, 200);
    }
    store_stats(f->store, &stats);
    assert_int_equal(stats.family_files[FAMILY_MEMBERS], 0);
    for (int i = 0; i < 20 && stats.family_files[FAMILY_MEMBERS] == 0; i++) {
        write_some(f, 2000);
        store_stats(f->store, &stats);
    }
    assert_true(stats.family_files[FAMILY_MEMBERS] > 0);
    assert_false(store_settle_is_due(f->store));
    get_both(f);
}

static void read_only_and_copies_have_them(void **state) {
    struct fixture *f = *state;
    write_some(f, 100);
    assert_int_equal(store_settle(f->store, NULL), STATUS_OK);
    write_some(f, 100);
    char copy[4200];
    struct error error = {""};
    snprintf(copy, sizeof copy, "%s/copy", f->path);
    assert_int_equal(store_checkpoint(f->store, copy, &error), STATUS_OK);
    store_close(f->store);
    f->options.read_only = true;
    f->options.create = false;
    reopen(f);
    get_both(f);
    store_close(f->store);
    f->options.path = copy;
    for (int i = 0; i < 2; i++) {
        reopen(f);
        get_both(f);
        if (i == 0) {
            store_close(f->store);
            f->options.read_only = false;
        }
    }
    write_some(f, 100);
    get_both(f);
}

/* RocksDB itself, with all families; `call` does something to it. */
struct raw {
    rocksdb_t *db;
    rocksdb_column_family_handle_t *handles[FAMILY_COUNT + 1];
    rocksdb_writeoptions_t *options;
};

static void with_raw(struct fixture *f, void (*call)(struct raw *raw)) {
    static const char *const names[FAMILY_COUNT + 1] = {
#define NAME(name, text) text,
        STORE_FAMILIES(NAME)
#undef NAME
            "default"};
    rocksdb_options_t *options = rocksdb_options_create();
    const rocksdb_options_t *family_options[FAMILY_COUNT + 1];
    char *message = NULL;
    struct raw raw = {.options = rocksdb_writeoptions_create()};
    for (size_t i = 0; i <= FAMILY_COUNT; i++) {
        family_options[i] = options;
    }
    store_close(f->store);
    f->store = NULL;
    raw.db = rocksdb_open_column_families(options, f->path, FAMILY_COUNT + 1, names, family_options,
                                          raw.handles, &message);
    assert_null(message);
    call(&raw);
    for (size_t i = 0; i <= FAMILY_COUNT; i++) {
        rocksdb_column_family_handle_destroy(raw.handles[i]);
    }
    rocksdb_close(raw.db);
    rocksdb_writeoptions_destroy(raw.options);
    rocksdb_options_destroy(options);
}

static void raw_put(struct raw *raw, enum family family, struct slice key, struct slice value) {
    char *message = NULL;
    rocksdb_put_cf(raw->db, raw->options, raw->handles[family], (const char *)key.data, key.bytes,
                   (const char *)value.data, value.bytes, &message);
    assert_null(message);
}

static void raw_delete(struct raw *raw, enum family family, struct slice key) {
    char *message = NULL;
    rocksdb_delete_cf(raw->db, raw->options, raw->handles[family], (const char *)key.data,
                      key.bytes, &message);
    assert_null(message);
}

static struct slice pack_key(uint64_t number) {
    static uint8_t bytes[8];
    store_u64_be(bytes, number);
    return (struct slice){bytes, sizeof bytes};
}

static void expect_corrupt(struct fixture *f, const char *why) {
    struct error error = {""};
    assert_int_equal(store_open_rocks(&f->store, &f->options, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.message, why));
}

static void lose_first_pack(struct raw *raw) {
    raw_delete(raw, FAMILY_STAGED, pack_key(1));
}

static void a_lost_pack_is_noticed(void **state) {
    struct fixture *f = *state;
    write_some(f, 10);
    write_some(f, 10);
    with_raw(f, lose_first_pack);
    expect_corrupt(f, "rows of incidents and members are missing");
}

static void spoil_pack(struct raw *raw) {
    raw_put(raw, FAMILY_STAGED, pack_key(1), slice_text("\1I"));
}

static void a_damaged_pack_is_refused(void **state) {
    struct fixture *f = *state;
    write_some(f, 10);
    with_raw(f, spoil_pack);
    expect_corrupt(f, "staged rows are damaged");
}

static void spoil_mark(struct raw *raw) {
    raw_put(raw, FAMILY_STAGED, pack_key(0), slice_text("\2"));
}

static void a_damaged_mark_is_refused(void **state) {
    struct fixture *f = *state;
    with_raw(f, spoil_mark);
    expect_corrupt(f, "mark");
}

static void write_member(struct store *store, uint32_t number, const char *value) {
    struct store_batch *batch;
    uint8_t bytes[16];
    assert_int_equal(store_batch_new(&batch, store), STATUS_OK);
    if (value == NULL) {
        store_batch_delete(batch, FAMILY_MEMBERS, make_key(bytes, number));
    } else {
        store_batch_put(batch, FAMILY_MEMBERS, make_key(bytes, number), slice_text(value));
    }
    assert_int_equal(store_write(store, batch, NULL), STATUS_OK);
    store_batch_free(batch);
}

static void lose_member(struct raw *raw) {
    uint8_t bytes[16];
    raw_delete(raw, FAMILY_MEMBERS, make_key(bytes, 1));
}

/* As a MANIFEST that forgot the file would lose it. */
static void a_lost_file_is_noticed(void **state) {
    struct fixture *f = *state;
    write_member(f->store, 1, "one");
    assert_int_equal(store_settle(f->store, NULL), STATUS_OK);
    write_member(f->store, 2, "two"); /* tells what is settled */
    with_raw(f, lose_member);
    expect_corrupt(f, "were settled are missing");
}

/* The row that the mark names was removed since, and that is settled too but not told. */
static void a_row_removed_since_is_not_missed(void **state) {
    struct fixture *f = *state;
    write_member(f->store, 1, "one");
    assert_int_equal(store_settle(f->store, NULL), STATUS_OK);
    write_member(f->store, 1, NULL);
    assert_int_equal(store_settle(f->store, NULL), STATUS_OK);
    store_close(f->store);
    reopen(f);
    uint8_t bytes[16];
    struct store_value value;
    assert_int_equal(store_get(f->store, FAMILY_MEMBERS, make_key(bytes, 1), &value, NULL),
                     STATUS_NOT_FOUND);
}

static void put_old_rows(struct raw *raw) {
    uint8_t bytes[16];
    char *message = NULL;
    for (uint32_t i = 1; i < 4; i++) {
        raw_put(raw, FAMILY_MEMBERS, make_key(bytes, i), slice_text("old"));
    }
    rocksdb_drop_column_family(raw->db, raw->handles[FAMILY_STAGED], &message);
    assert_null(message);
}

static void expect_member(struct store *store, uint32_t number, const char *wanted) {
    uint8_t bytes[16];
    struct store_value value;
    assert_int_equal(store_get(store, FAMILY_MEMBERS, make_key(bytes, number), &value, NULL),
                     STATUS_OK);
    assert_true(slice_is(value.bytes, wanted));
    store_value_free(&value);
}

/* From before rows were staged: they lie in the log and in files of their own family. */
static void rows_of_an_older_directory_stay(void **state) {
    struct fixture *f = *state;
    with_raw(f, put_old_rows);
    f->options.create = false;
    f->options.read_only = true;
    reopen(f);
    expect_member(f->store, 1, "old");
    store_close(f->store);
    f->options.read_only = false;
    reopen(f);
    expect_member(f->store, 1, "old");
    write_member(f->store, 2, "new");
    for (int settled = 0; settled < 2; settled++) {
        expect_member(f->store, 1, "old");
        expect_member(f->store, 2, "new");
        expect_member(f->store, 3, "old");
        assert_int_equal(store_settle(f->store, NULL), STATUS_OK);
    }
    store_close(f->store);
    reopen(f);
    expect_member(f->store, 2, "new");
}

/* Every pack changes all rows, so that a walk with two values saw more than one instant. */
enum { CROWD = 200, CROWD_PACKS = 150 };

struct crowd {
    struct store *store;
    atomic_bool done;
};

static void *settle_on(void *argument) {
    struct crowd *crowd = argument;
    while (!atomic_load(&crowd->done)) {
        CHECK(store_settle(crowd->store, NULL) == STATUS_OK);
    }
    return NULL;
}

static void *look_on(void *argument) {
    struct crowd *crowd = argument;
    for (bool done = false; !done;) {
        done = atomic_load(&crowd->done);
        struct store_iter *iter;
        uint64_t seen = 0, count = 0;
        CHECK(store_iter_new(&iter, crowd->store, FAMILY_MEMBERS, NULL, false) == STATUS_OK);
        for (store_iter_seek(iter, (struct slice){NULL, 0}); store_iter_valid(iter);
             store_iter_next(iter)) {
            uint64_t value = load_u64_le(store_iter_value(iter).data);
            CHECK(count++ == 0 || value == seen);
            seen = value;
        }
        CHECK(store_iter_status(iter, NULL) == STATUS_OK);
        CHECK(count == 0 || count == CROWD);
        store_iter_free(iter);
    }
    return NULL;
}

static void write_crowd(struct store *store, struct store_batch *batch, uint64_t value) {
    uint8_t key[16], bytes[8];
    store_u64_le(bytes, value);
    store_batch_reset(batch);
    for (uint32_t i = 0; i < CROWD; i++) {
        store_batch_put(batch, FAMILY_MEMBERS, make_key(key, i),
                        (struct slice){bytes, sizeof bytes});
    }
    assert_int_equal(store_write(store, batch, NULL), STATUS_OK);
}

static void a_walk_sees_one_instant_whoever_settles(void **state) {
    struct fixture *f = *state;
    struct crowd crowd = {.store = f->store};
    pthread_t settler, looker;
    struct store_batch *batch;
    assert_int_equal(store_batch_new(&batch, f->store), STATUS_OK);
    assert_int_equal(pthread_create(&settler, NULL, settle_on, &crowd), 0);
    assert_int_equal(pthread_create(&looker, NULL, look_on, &crowd), 0);
    for (uint64_t value = 1; value <= CROWD_PACKS; value++) {
        write_crowd(f->store, batch, value);
    }
    atomic_store(&crowd.done, true);
    assert_int_equal(pthread_join(settler, NULL), 0);
    assert_int_equal(pthread_join(looker, NULL), 0);
    store_batch_free(batch);
}

/* Without RocksDB: packs of one row, as a server makes that is told one report at a time. */
static struct staged_segment *one_row(uint64_t number) {
    struct staged_pack pack = {0};
    struct staged_segment *segment;
    uint8_t bytes[16], value[8];
    store_u64_le(value, number);
    const struct slice part = {value, sizeof value};
    staged_pack_put(&pack, FAMILY_INCIDENTS, make_key(bytes, (uint32_t)number % 1000), &part, 1);
    assert_int_equal(staged_segment_new(&segment, &pack, number), STATUS_OK);
    staged_pack_deinit(&pack);
    return segment;
}

static void segments_stay_few(void **state) {
    (void)state;
    struct staged *staged;
    struct staged_view view, settling;
    size_t most = 0;
    uint64_t number = 0, settled = 0;
    assert_int_equal(staged_new(&staged), STATUS_OK);
    while (number < 40000) {
        assert_int_equal(staged_add(staged, one_row(++number)), STATUS_OK);
        if (number == 20000) {
            assert_true(staged_settle(staged, &settling, &settled));
            assert_int_equal(settled, number);
        }
        staged_acquire(staged, &view, NULL, NULL);
        most = view.count > most ? view.count : most;
        staged_release(staged, &view);
    }
    assert_true(most < STAGED_SEGMENTS_MAX);
    staged_settled(staged, &settling);
    staged_acquire(staged, &view, NULL, NULL);
    for (uint32_t key = 0; key < 1000; key++) {
        uint8_t bytes[16];
        struct slice value;
        assert_int_equal(staged_find(&view, FAMILY_INCIDENTS, make_key(bytes, key), &value),
                         STAGED_HERE);
        assert_int_equal(load_u64_le(value.data), 39000 + (key == 0 ? 1000 : key));
    }
    staged_release(staged, &view);
    staged_free(staged);
}

/* While a set settles, and that takes for ever. */
static void segments_behind_a_long_settling_are_bounded(void **state) {
    (void)state;
    struct staged *staged;
    struct staged_view settling, view;
    uint64_t number = 0, settled;
    assert_int_equal(staged_new(&staged), STATUS_OK);
    while (number < 30000) {
        assert_int_equal(staged_add(staged, one_row(++number)), STATUS_OK);
    }
    assert_true(staged_settle(staged, &settling, &settled));
    for (size_t i = 0; i < 60000; i++) {
        assert_int_equal(staged_add(staged, one_row(++number)), STATUS_OK);
        staged_acquire(staged, &view, NULL, NULL);
        assert_true(view.count < STAGED_SEGMENTS_MAX);
        staged_release(staged, &view);
    }
    staged_settled(staged, &settling);
    staged_free(staged);
}

static void bytes_that_are_no_pack_are_refused(void **state) {
    (void)state;
    struct fixture random = {.random = 1234567};
    struct staged_segment *segment;
    struct staged_pack whole = {0};
    uint8_t key[16];
    for (uint32_t i = 0; i < 20; i++) {
        const struct slice value = slice_text("value");
        staged_pack_put(&whole, FAMILY_MEMBERS, make_key(key, i), i % 5 == 0 ? NULL : &value,
                        i % 5 == 0 ? 0 : 1);
    }
    size_t taken = 0;
    for (size_t i = 0; i < 20000; i++) {
        size_t bytes = i % 4 == 0 ? whole.bytes : draw(&random, (uint32_t)whole.bytes);
        struct staged_pack pack = {.data = malloc(bytes + 1), .bytes = bytes};
        assert_non_null(pack.data);
        memcpy(pack.data, whole.data, bytes);
        if (i % 4 == 0) {
            pack.data[draw(&random, (uint32_t)bytes)] = (uint8_t)draw(&random, 256);
        }
        enum status status = staged_segment_new(&segment, &pack, 1);
        assert_true(status == STATUS_OK || status == STATUS_CORRUPT);
        if (status == STATUS_OK) {
            taken++;
            staged_segment_unref(segment);
        }
        staged_pack_deinit(&pack);
    }
    assert_true(taken > 100 && taken < 10000);
    staged_pack_deinit(&whole);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        STORE(staged_rows_read_like_any_others),
        STORE(who_writes_settles_when_nobody_does),
        STORE(read_only_and_copies_have_them),
        STORE(a_lost_pack_is_noticed),
        STORE(a_damaged_pack_is_refused),
        STORE(a_damaged_mark_is_refused),
        STORE(a_lost_file_is_noticed),
        STORE(a_row_removed_since_is_not_missed),
        STORE(rows_of_an_older_directory_stay),
        STORE(a_walk_sees_one_instant_whoever_settles),
        cmocka_unit_test(segments_stay_few),
        cmocka_unit_test(segments_behind_a_long_settling_are_bounded),
        cmocka_unit_test(bytes_that_are_no_pack_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
