#include "storage/schema.h"

#include "core/base/bytes.h"
#include "storage/timeline_row.h"
#include "tests/unit/support.h"

static struct store *open_mem(void) {
    const struct store_options options = {.path = "unused"};
    struct store *store;
    assert_int_equal(store_open_mem(&store, &options, NULL), STATUS_OK);
    return store;
}

static void put_raw(struct store *store, const char *key, const uint8_t *value, size_t bytes) {
    struct store_batch *batch;
    assert_int_equal(store_batch_new(&batch, store), STATUS_OK);
    store_batch_put(batch, FAMILY_META, slice_text(key), (struct slice){value, bytes});
    assert_int_equal(store_write(store, batch, NULL), STATUS_OK);
    store_batch_free(batch);
}

static struct schema_meta write_new(struct store *store) {
    struct schema_meta meta;
    assert_int_equal(schema_meta_new(&meta, 1234, NULL), STATUS_OK);
    struct store_batch *batch;
    assert_int_equal(store_batch_new(&batch, store), STATUS_OK);
    schema_put(batch, &meta);
    assert_int_equal(store_write(store, batch, NULL), STATUS_OK);
    store_batch_free(batch);
    return meta;
}

static void meta_comes_back(void **state) {
    (void)state;
    struct store *store = open_mem();
    struct schema_meta read;
    assert_int_equal(schema_read(&read, store, NULL), STATUS_NOT_FOUND);
    struct schema_meta meta = write_new(store);
    assert_int_equal(schema_read(&read, store, NULL), STATUS_OK);
    assert_int_equal(read.epoch, meta.epoch);
    assert_int_equal(read.identity_seed, meta.identity_seed);
    assert_int_equal(read.created_ms, 1234);
    assert_true(read.suspects_complete);
    assert_int_equal(read.run_next, 1);
    struct store_batch *batch;
    assert_int_equal(store_batch_new(&batch, store), STATUS_OK);
    schema_put_sealed(batch, 500, 2);
    schema_put_epoch(batch, UINT64_C(0x0123456789abcdef));
    assert_int_equal(store_write(store, batch, NULL), STATUS_OK);
    store_batch_free(batch);
    assert_int_equal(schema_read(&read, store, NULL), STATUS_OK);
    assert_int_equal(read.sealed_through, 500);
    assert_int_equal(read.run_next, 2);
    char text[EPOCH_TEXT_BYTES];
    schema_epoch_text(text, read.epoch);
    assert_string_equal(text, "0123456789abcdef");
    struct store_value value;
    assert_int_equal(store_get(store, FAMILY_META, SLICE_LITERAL("epoch"), &value, NULL),
                     STATUS_OK);
    assert_int_equal(value.bytes.data[0], 0x01);
    store_value_free(&value);
    store_close(store);
}

static void other_formats_and_damage_are_refused(void **state) {
    (void)state;
    struct store *store = open_mem();
    write_new(store);
    struct schema_meta read;
    struct error error = {""};
    put_raw(store, "sealed_through", (const uint8_t[]){1, 2, 3}, 3);
    assert_int_equal(schema_read(&read, store, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.message, "sealed_through"));
    put_raw(store, "format", (const uint8_t[]){2, 0, 0, 0}, 4);
    assert_int_equal(schema_read(&read, store, &error), STATUS_VERSION);
    assert_non_null(strstr(error.message, "format 2"));
    store_close(store);
    store = open_mem();
    put_raw(store, "format", (const uint8_t[]){1, 0, 0, 0}, 4);
    assert_int_equal(schema_read(&read, store, &error), STATUS_CORRUPT);
    store_close(store);
}

static void a_meta_family_from_before_suspects_is_read(void **state) {
    (void)state;
    struct store *store = open_mem();
    struct schema_meta meta, read;
    struct error error = {""};
    assert_int_equal(schema_meta_new(&meta, 1234, NULL), STATUS_OK);
    meta.suspects_complete = false;
    struct store_batch *batch;
    assert_int_equal(store_batch_new(&batch, store), STATUS_OK);
    schema_put(batch, &meta);
    assert_int_equal(store_write(store, batch, NULL), STATUS_OK);
    assert_int_equal(schema_read(&read, store, &error), STATUS_OK);
    assert_false(read.suspects_complete);
    store_batch_reset(batch);
    schema_put_suspects(batch);
    assert_int_equal(store_write(store, batch, NULL), STATUS_OK);
    store_batch_free(batch);
    assert_int_equal(schema_read(&read, store, &error), STATUS_OK);
    assert_true(read.suspects_complete);
    put_raw(store, "suspects", (const uint8_t[]){2, 0, 0, 0, 0, 0, 0, 0}, 8);
    assert_int_equal(schema_read(&read, store, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.message, "suspects"));
    store_close(store);
}

static void rows_come_back(void **state) {
    (void)state;
    const struct entry entry = {.kind = ENTRY_REPORT,
                                .severity = 3,
                                .flags = ENTRY_LOCATED,
                                .region = 77,
                                .category_tag = 0x01020304,
                                .record_bytes = 6,
                                .occurred_ms = INT64_C(1700000000123),
                                .received_ms = INT64_C(1700000009999),
                                .identity = {.low = 11, .high = 12},
                                .content_tag = 13};
    uint8_t key[TIMELINE_KEY_BYTES], value[TIMELINE_ROW_HEADER_BYTES + 6];
    const struct timeline_position position = {entry.occurred_ms, entry.region, entry.identity.low};
    timeline_key_encode(key, &position);
    timeline_row_encode_header(value, 99, &entry);
    memcpy(value + TIMELINE_ROW_HEADER_BYTES, "record", 6);
    const uint8_t golden[] = {1, 1, 3, 8, 0, 4, 3, 2, 1, 99, 0, 0, 0, 0, 0, 0, 0};
    assert_memory_equal(value, golden, sizeof golden);
    struct timeline_row row;
    const struct slice key_slice = {key, sizeof key};
    assert_int_equal(
        timeline_row_decode(&row, key_slice, (struct slice){value, sizeof value}, NULL), STATUS_OK);
    assert_int_equal(row.seq, 99);
    assert_memory_equal(&row.entry, &entry, sizeof entry);
    assert_true(slice_is(row.record, "record"));
    for (size_t bytes = 0; bytes < TIMELINE_ROW_HEADER_BYTES; bytes++) {
        assert_int_equal(timeline_row_decode(&row, key_slice, (struct slice){value, bytes}, NULL),
                         STATUS_CORRUPT);
    }
    value[0] = 2;
    assert_int_equal(
        timeline_row_decode(&row, key_slice, (struct slice){value, sizeof value}, NULL),
        STATUS_VERSION);
    assert_int_equal(
        timeline_row_decode(&row, (struct slice){key, 19}, (struct slice){value, 41}, NULL),
        STATUS_CORRUPT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meta_comes_back),
        cmocka_unit_test(other_formats_and_damage_are_refused),
        cmocka_unit_test(a_meta_family_from_before_suspects_is_read),
        cmocka_unit_test(rows_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
