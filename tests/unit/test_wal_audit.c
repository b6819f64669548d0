/* The audit against logs written here in RocksDB's format, and against RocksDB's own. */
#include "storage/schema.h"
#include "storage/wal_audit.h"

#include "core/base/bytes.h"
#include "core/limits.h"
#include "storage/crc32c.h"
#include "storage/store.h"
#include "tests/unit/support.h"

#include <dirent.h>

struct log {
    uint8_t bytes[400000];
    size_t count;
};

static void put_fragment(struct log *log, uint8_t type, const uint8_t *payload, size_t bytes) {
    uint8_t *to = log->bytes + log->count;
    store_u16_le(to + 4, (uint16_t)bytes);
    to[6] = type;
    memcpy(to + 7, payload, bytes);
    uint32_t crc = crc32c(0, to + 6, 1 + bytes);
    store_u32_le(to, ((crc >> 15) | (crc << 17)) + UINT32_C(0xa282ead8));
    log->count += 7 + bytes;
}

/* Split into fragments as RocksDB does. */
static void put_split(struct log *log, const uint8_t *payload, size_t bytes) {
    for (size_t at = 0, first = 1; at < bytes || first == 1; first = 0) {
        size_t room = 32768 - log->count % 32768;
        if (room < 7) {
            memset(log->bytes + log->count, 0, room);
            log->count += room;
            room = 32768;
        }
        size_t take = bytes - at < room - 7 ? bytes - at : room - 7;
        bool last = at + take == bytes;
        uint8_t type = first == 1 ? (last ? 1 : 2) : (last ? 4 : 3);
        put_fragment(log, type, payload + at, take);
        at += take;
    }
}

/* A write batch of `bytes` with `count` entries. */
static void put_record(struct log *log, uint64_t sequence, uint32_t count, size_t bytes) {
    static uint8_t payload[300000];
    memset(payload, 'x', bytes);
    store_u64_le(payload, sequence);
    store_u32_le(payload + 8, count);
    put_split(log, payload, bytes);
}

/* A write batch that begins with a commit number, as db_commit writes it. */
static void put_commit(struct log *log, uint64_t sequence, uint64_t number) {
    uint8_t payload[12 + 4 + 6 + 8 + 50] = {0};
    store_u64_le(payload, sequence);
    store_u32_le(payload + 8, 2);
    memcpy(payload + 12, "\x05\x01\x06" SCHEMA_COMMIT_KEY "\x08", 10);
    store_u64_le(payload + 22, number);
    put_split(log, payload, sizeof payload);
}

static bool audit(struct wal_audit_state *state, const struct log *log, size_t bytes,
                  uint64_t number) {
    /* Exactly sized, so that the sanitizer sees a read past the end. */
    uint8_t *copy = malloc(bytes + 1);
    memcpy(copy, log->bytes, bytes);
    bool fine = wal_audit_log(state, (struct slice){copy, bytes}, number);
    free(copy);
    return fine;
}

static void good_logs_are_counted(void **state) {
    (void)state;
    static struct log log;
    log.count = 0;
    put_record(&log, 1, 2, 100);
    put_record(&log, 3, 1, 70000);
    put_record(&log, 4, 1, 32768 - 7 - log.count % 32768 - 3); /* leaves a trailer */
    put_record(&log, 5, 1, 12);
    struct wal_audit_state audit_state = {0};
    assert_true(audit(&audit_state, &log, log.count, 1));
    assert_int_equal(audit_state.counts.records, 4);
    assert_int_equal(audit_state.next_sequence, 6);
    assert_false(audit_state.counts.torn_tail);
}

/* Every place of a write's beginning before a block's end: its first fragment may hold a few bytes
 * of its header, or none. */
static void writes_begin_anywhere_in_a_block(void **state) {
    (void)state;
    static struct log log;
    for (size_t room = 0; room <= 60; room++) {
        log.count = 0;
        put_record(&log, 1, 1, 32768 - 7 - room);
        put_commit(&log, 2, 7);
        put_record(&log, 4, 1, 100);
        struct wal_audit_state audit_state = {0};
        assert_true(audit(&audit_state, &log, log.count, 1));
        assert_false(audit_state.counts.torn_tail);
        assert_int_equal(audit_state.counts.records, 3);
        assert_int_equal(audit_state.next_sequence, 5);
        assert_int_equal(audit_state.commit_number, 7);
        for (size_t bytes = 32768 - room; bytes < log.count; bytes++) {
            audit_state = (struct wal_audit_state){0};
            assert_true(audit(&audit_state, &log, bytes, 1));
        }
    }
}

static void a_cut_anywhere_is_a_torn_tail(void **state) {
    (void)state;
    static struct log log;
    log.count = 0;
    put_record(&log, 1, 1, 300);
    put_record(&log, 2, 1, 66000);
    put_record(&log, 3, 1, 300);
    for (size_t bytes = 0; bytes <= log.count; bytes += bytes > 400 && bytes < 66000 ? 97 : 1) {
        struct wal_audit_state audit_state = {0};
        assert_true(audit(&audit_state, &log, bytes, 1));
    }
    /* Zeros and noise in place of the last write are one too. */
    size_t start = log.count - 307;
    for (int fill = 0; fill < 2; fill++) {
        static struct log copy;
        copy = log;
        for (size_t i = start + 40; i < copy.count; i++) {
            copy.bytes[i] = fill == 0 ? 0 : (uint8_t)(i * 167 >> 3);
        }
        struct wal_audit_state audit_state = {0};
        assert_true(audit(&audit_state, &copy, copy.count, 1));
        assert_true(audit_state.counts.torn_tail);
        assert_int_equal(audit_state.bad_offset, start);
    }
}

static void any_flip_before_the_last_write_is_damage(void **state) {
    (void)state;
    static struct log log;
    log.count = 0;
    put_record(&log, 1, 1, 200);
    put_record(&log, 2, 1, 33000);
    put_record(&log, 3, 1, 50);
    size_t last = log.count;
    put_record(&log, 4, 1, 50);
    for (size_t at = 0; at < last; at += at < 300 || at > last - 100 ? 1 : 211) {
        log.bytes[at] ^= 0x10;
        struct wal_audit_state audit_state = {0};
        if (audit(&audit_state, &log, log.count, 1)) {
            fail_msg("a flip at %zu was not found", at);
        }
        assert_true(audit_state.bad_offset <= at);
        log.bytes[at] ^= 0x10;
    }
    for (size_t at = last; at < log.count; at++) {
        log.bytes[at] ^= 0x10;
        struct wal_audit_state audit_state = {0};
        assert_true(audit(&audit_state, &log, log.count, 1));
        log.bytes[at] ^= 0x10;
    }
}

static void pieces_of_the_torn_write_are_not_a_later_one(void **state) {
    (void)state;
    static struct log log;
    log.count = 0;
    put_record(&log, 1, 1, 300);
    put_record(&log, 2, 1, 150000);
    /* The disk kept all of the last write but a sector in its second block. */
    memset(log.bytes + 40000, 0, 512);
    struct wal_audit_state audit_state = {0};
    assert_true(audit(&audit_state, &log, log.count, 1));
    assert_true(audit_state.counts.torn_tail);
}

static void a_later_log_must_take_up_a_torn_one(void **state) {
    (void)state;
    static struct log torn, next;
    torn.count = next.count = 0;
    put_commit(&torn, 1, 6);
    put_commit(&torn, 3, 7);
    size_t whole = torn.count;
    put_commit(&torn, 5, 8);
    /* RocksDB's own numbers may jump: a sorted file was taken in. */
    put_record(&next, 9, 1, 100);
    put_commit(&next, 10, 8);
    struct wal_audit_state audit_state = {0};
    assert_true(audit(&audit_state, &torn, torn.count - 1, 5));
    assert_true(audit(&audit_state, &next, next.count, 9));
    assert_int_equal(audit_state.commit_number, 8);
    assert_false(audit_state.bad);
    next.count = 0;
    put_record(&next, 9, 1, 100);
    put_commit(&next, 10, 9);
    audit_state = (struct wal_audit_state){0};
    assert_true(audit(&audit_state, &torn, torn.count - 1, 5));
    assert_false(audit(&audit_state, &next, next.count, 9));
    assert_int_equal(audit_state.bad_log_number, 5);
    assert_int_equal(audit_state.bad_offset, whole);
}

static void recyclable_fragments_of_another_log_end_it(void **state) {
    (void)state;
    static struct log log;
    log.count = 0;
    for (uint32_t number = 7; number >= 6; number--) {
        uint8_t payload[4 + 20] = {0};
        store_u32_le(payload, number);
        store_u64_le(payload + 4, 1);
        put_fragment(&log, 5, payload, sizeof payload);
        /* The length does not count the log number. */
        uint8_t *at = log.bytes + log.count - sizeof payload - 7;
        store_u16_le(at + 4, 20);
    }
    struct wal_audit_state audit_state = {0};
    assert_true(audit(&audit_state, &log, log.count, 7));
    assert_int_equal(audit_state.counts.records, 1);
}

/* The newest log of a store, as written by RocksDB. */
static void find_log(const char *directory, char to[4096]) {
    DIR *entries = opendir(directory);
    assert_non_null(entries);
    char newest[64] = "";
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (strstr(entry->d_name, ".log") != NULL && strcmp(entry->d_name, newest) > 0) {
            snprintf(newest, sizeof newest, "%.60s", entry->d_name);
        }
    }
    closedir(entries);
    snprintf(to, 4096, "%s/%s", directory, newest);
}

static void change_byte(const char *path, long at, bool cut) {
    struct slice bytes = support_read_file(path);
    if (at < 0) {
        at += (long)bytes.bytes;
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    ((uint8_t *)(uintptr_t)bytes.data)[at] ^= 1;
    fwrite(bytes.data, 1, cut ? (size_t)at : bytes.bytes, file);
    fclose(file);
    free((void *)(uintptr_t)bytes.data);
}

static void real_logs_are_read(void **state) {
    (void)state;
    char directory[4096], path[4096];
    snprintf(directory, sizeof directory, "%s", support_temporary_directory());
    const struct store_options options = {.path = directory,
                                          .create = true,
                                          .cache_bytes = MIB,
                                          .memtable_bytes = 4 * MIB,
                                          .background_jobs = 2};
    struct store *store;
    struct store_batch *batch;
    struct error error = {""};
    struct wal_audit audit_result;
    assert_int_equal(wal_audit_directory(&audit_result, directory, &error), STATUS_OK);
    assert_int_equal(audit_result.files, 0);
    assert_int_equal(store_open_rocks(&store, &options, &error), STATUS_OK);
    assert_int_equal(store_batch_new(&batch, store), STATUS_OK);
    static uint8_t value[50000];
    for (uint8_t i = 0; i < 20; i++) {
        store_batch_reset(batch);
        store_batch_put(batch, FAMILY_META, (struct slice){&i, 1},
                        (struct slice){value, sizeof value});
        store_batch_put(batch, FAMILY_JOURNAL, (struct slice){&i, 1}, (struct slice){value, 100});
        assert_int_equal(store_write(store, batch, NULL), STATUS_OK);
    }
    store_batch_free(batch);
    store_close(store);
    assert_int_equal(wal_audit_directory(&audit_result, directory, &error), STATUS_OK);
    assert_int_equal(audit_result.records, 20);
    assert_false(audit_result.torn_tail);
    find_log(directory, path);
    change_byte(path, -1, true);
    assert_int_equal(wal_audit_directory(&audit_result, directory, &error), STATUS_OK);
    assert_true(audit_result.torn_tail);
    change_byte(path, 300000, false);
    assert_int_equal(wal_audit_directory(&audit_result, directory, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.message, "damaged at byte"));
    support_remove_tree(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_logs_are_counted),
        cmocka_unit_test(writes_begin_anywhere_in_a_block),
        cmocka_unit_test(a_cut_anywhere_is_a_torn_tail),
        cmocka_unit_test(any_flip_before_the_last_write_is_damage),
        cmocka_unit_test(pieces_of_the_torn_write_are_not_a_later_one),
        cmocka_unit_test(a_later_log_must_take_up_a_torn_one),
        cmocka_unit_test(recyclable_fragments_of_another_log_end_it),
        cmocka_unit_test(real_logs_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
