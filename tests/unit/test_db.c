#include "tests/unit/support_db.h"
#include "tests/unit/support_limits.h"

#include "core/text/instant.h"
#include "storage/region_chunk.h"
#include "storage/verify.h"
#include "storage/watermark.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_all(struct db_fixture *fixture) {
    for (int i = 0; i < 30; i++) {
        fixture_check_random_query(fixture);
    }
    fixture_check_journal(fixture);
    struct db_identity identity;
    db_identity(fixture->db, &identity);
    assert_int_equal(identity.next_seq, fixture->rows_count + 1);
}

static void a_new_database_is_empty(void **state) {
    (void)state;
    struct db_fixture fixture;
    const enum db_kind kinds[] = {DB_MEM, DB_ROCKS};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        fixture_init(&fixture, kinds[i]);
        struct db_identity identity;
        struct db_stats stats;
        db_identity(fixture.db, &identity);
        db_stats(fixture.db, &stats);
        assert_int_equal(identity.next_seq, 1);
        assert_int_equal(strlen(identity.epoch), 16);
        assert_int_equal(stats.oldest_seq, 1);
        assert_int_equal(stats.durable_seq, 0);
        assert_true(db_disk_free_bytes(fixture.db) > 0);
        check_all(&fixture);
        struct error error;
        assert_int_equal(db_read_seq(fixture.db, 1, NULL, NULL, &error), STATUS_NOT_FOUND);
        fixture_deinit(&fixture);
    }
}

static void reopening_gives_everything_back(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_ROCKS);
    struct db_identity before, after;
    db_identity(fixture.db, &before);
    for (int i = 0; i < 6; i++) {
        fixture_append_many(&fixture, 40 + 90 * (size_t)i);
        if (i % 2 == 0) {
            fixture_settle(&fixture);
        }
        fixture_close(&fixture);
        fixture_open(&fixture);
        check_all(&fixture);
    }
    db_identity(fixture.db, &after);
    assert_string_equal(before.epoch, after.epoch);
    assert_int_equal(before.identity_seed, after.identity_seed);
    fixture_deinit(&fixture);
}

/* At a crash sealed_through may be behind what is in the store: those runs are rebuilt and sealed
 * again, and no row comes twice. */
static void a_crash_at_any_point_loses_and_doubles_nothing(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_ROCKS);
    for (int i = 0; i < 8; i++) {
        fixture_append_many(&fixture, 60 + 37 * (size_t)i);
        if (i % 2 == 0) {
            fixture_settle(&fixture);
            db_tick(fixture.db, fixture.now_ms + (int64_t)fixture.limits.run_age_ms);
            fixture_settle(&fixture);
        }
        fixture_crash(&fixture);
        check_all(&fixture);
    }
    fixture_deinit(&fixture);
}

static void sealing_the_same_rows_again_changes_nothing(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_ROCKS);
    fixture_append_many(&fixture, 150);
    for (int i = 0; i < 3; i++) {
        db_tick(fixture.db, fixture.now_ms + (int64_t)fixture.limits.run_age_ms);
        fixture_settle(&fixture);
        struct db_stats stats;
        db_stats(fixture.db, &stats);
        assert_int_equal(stats.sealed_through, fixture.rows_count);
        assert_int_equal(stats.run_entries, 0);
        check_all(&fixture);
        /* No commit came after the sealing, so sealed_through is not on disk. */
        fixture_crash(&fixture);
        db_stats(fixture.db, &stats);
        assert_int_equal(stats.sealed_through, 0);
        assert_int_equal(stats.run_entries, fixture.rows_count);
        check_all(&fixture);
    }
    fixture_deinit(&fixture);
}

static void smaller_runs_are_sealed_while_opening(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_ROCKS);
    fixture_append_many(&fixture, 150);
    fixture_close(&fixture);
    fixture.limits.run_entries = 50;
    fixture_open(&fixture);
    struct db_stats stats;
    db_stats(fixture.db, &stats);
    assert_true(stats.sealed_through > 0);
    check_all(&fixture);
    fixture_close(&fixture);
    fixture.limits.run_entries = 200;
    fixture_open(&fixture);
    fixture_append_many(&fixture, 150);
    fixture_close(&fixture);
    fixture.limits.run_entries = 1;
    struct error error = {0};
    assert_int_equal(fixture_try_open(&fixture, &error), STATUS_TOO_LARGE);
    fixture.limits.run_entries = 200;
    fixture_open(&fixture);
    check_all(&fixture);
    fixture_deinit(&fixture);
}

static void a_run_is_sealed_at_its_age(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_MEM);
    EACH_AROUND(age_ms, fixture.limits, run_age_ms) {
        fixture_append(&fixture, 10);
        int64_t now_ms = fixture.now_ms;
        db_tick(fixture.db, now_ms + (int64_t)age_ms);
        fixture_settle(&fixture);
        struct db_stats stats;
        db_stats(fixture.db, &stats);
        assert_int_equal(stats.sealed_through == fixture.rows_count,
                         age_ms >= fixture.limits.run_age_ms);
        db_tick(fixture.db, now_ms + (int64_t)fixture.limits.run_age_ms + 1);
        fixture_settle(&fixture);
    }
    fixture_deinit(&fixture);
}

static void two_processes_cannot_open_it(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_ROCKS);
    struct db *db = fixture.db;
    struct error error = {0};
    assert_int_equal(fixture_try_open(&fixture, &error), STATUS_BUSY);
    assert_true(strlen(error.message) > 0);
    fixture.db = db;
    fixture_deinit(&fixture);
}

static void look_up(struct db_fixture *fixture) {
    struct db_lookup *lookups = calloc(fixture->rows_count * 2, sizeof *lookups);
    for (size_t i = 0; i < fixture->rows_count; i++) {
        const struct entry *entry = &fixture->rows[i].entry;
        lookups[2 * i].position =
            (struct timeline_position){entry->occurred_ms, entry->region, entry->identity.low};
        lookups[2 * i].identity = entry->identity;
        lookups[2 * i + 1] = lookups[2 * i];
        switch (i % 4) { /* each a miss */
        case 0:
            lookups[2 * i + 1].identity.high ^= 1;
            break;
        case 1:
            lookups[2 * i + 1].identity.low ^= 1;
            lookups[2 * i + 1].position.identity_low ^= 1;
            break;
        case 2:
            lookups[2 * i + 1].position.occurred_ms += 1;
            break;
        default:
            lookups[2 * i + 1].position.region += 100;
            break;
        }
    }
    struct error error;
    for (size_t begin = 0; begin < 2; begin++) {
        assert_int_equal(
            db_lookup(fixture->db, lookups + begin, fixture->rows_count * 2 - begin, &error),
            STATUS_OK);
    }
    for (size_t i = 0; i < fixture->rows_count; i++) {
        assert_int_equal(lookups[2 * i].state, LOOKUP_FOUND);
        assert_int_equal(lookups[2 * i].stored.seq, i + 1);
        assert_int_equal(lookups[2 * i].stored.content_tag, fixture->rows[i].entry.content_tag);
        assert_int_equal(lookups[2 * i + 1].state, LOOKUP_ABSENT);
    }
    free(lookups);
}

static void lookups_compare_the_whole_identity(void **state) {
    (void)state;
    const enum db_kind kinds[] = {DB_MEM, DB_ROCKS};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct db_fixture fixture;
        fixture_init(&fixture, kinds[i]);
        struct error error;
        assert_int_equal(db_lookup(fixture.db, NULL, 0, &error), STATUS_OK);
        fixture_append_many(&fixture, 100);
        look_up(&fixture);
        fixture_append_many(&fixture, 500);
        look_up(&fixture);
        fixture_settle(&fixture);
        look_up(&fixture);
        fixture_deinit(&fixture);
    }
}

struct newest {
    struct db_fixture *fixture;
    uint64_t next_seq;
};

static void check_newest(void *context, uint64_t seq, const struct entry *entry) {
    struct newest *newest = context;
    assert_int_equal(seq, newest->next_seq++);
    struct entry expected = newest->fixture->rows[seq - 1].entry;
    expected.record_offset = entry->record_offset;
    expected.record_bytes = entry->record_bytes;
    assert_memory_equal(entry, &expected, sizeof expected);
}

static void the_newest_entries_come_oldest_first(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_ROCKS);
    struct error error;
    bool complete = false;
    assert_int_equal(db_walk_newest(fixture.db, 5, check_newest, NULL, &complete, &error),
                     STATUS_OK);
    assert_true(complete);
    fixture_append_many(&fixture, 333);
    const size_t counts[] = {1, 49, 50, 51, 332, 333, 334, 100000};
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        size_t expected = counts[i] < fixture.rows_count ? counts[i] : fixture.rows_count;
        struct newest newest = {&fixture, fixture.rows_count - expected + 1};
        assert_int_equal(
            db_walk_newest(fixture.db, counts[i], check_newest, &newest, &complete, &error),
            STATUS_OK);
        assert_int_equal(newest.next_seq, fixture.rows_count + 1);
        assert_int_equal(complete, counts[i] >= fixture.rows_count);
    }
    fixture_deinit(&fixture);
}

static bool stop_at_third(void *context, const struct timeline_row *row) {
    uint64_t *count = context;
    (void)row;
    return ++*count < 3;
}

static bool keep_seq(void *context, const struct timeline_row *row) {
    *(uint64_t *)context = row->seq;
    return true;
}

static void the_journal_is_read_from_any_entry(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_MEM);
    fixture_append_many(&fixture, 700);
    struct error error;
    uint64_t last = fixture.rows_count;
    for (uint64_t seq = 1; seq <= last; seq += 13) {
        uint64_t count = 0, oldest = 0, seen = 0;
        assert_int_equal(db_read_journal(fixture.db, seq, stop_at_third, &count, &oldest, &error),
                         STATUS_OK);
        assert_int_equal(count, min_u64(3, last - seq + 1));
        assert_int_equal(db_read_seq(fixture.db, seq, keep_seq, &seen, &error), STATUS_OK);
        assert_int_equal(seen, seq);
    }
    uint64_t count = 0, oldest = 0;
    assert_int_equal(db_read_journal(fixture.db, last + 1, stop_at_third, &count, &oldest, &error),
                     STATUS_OK);
    assert_int_equal(count, 0);
    assert_int_equal(db_read_journal(fixture.db, 0, stop_at_third, &count, &oldest, &error),
                     STATUS_NOT_FOUND);
    assert_int_equal(oldest, 1);
    assert_int_equal(db_read_seq(fixture.db, 0, keep_seq, &count, &error), STATUS_NOT_FOUND);
    assert_int_equal(db_read_seq(fixture.db, last + 1, keep_seq, &count, &error), STATUS_NOT_FOUND);
    fixture_deinit(&fixture);
}

static void nothing_is_visible_before_it_is_published(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_MEM);
    fixture_append(&fixture, 5);
    struct record record = {.json = SLICE_LITERAL("{}")};
    struct entry entry = {.kind = ENTRY_REPORT,
                          .severity = 1,
                          .region = 1,
                          .occurred_ms = 5,
                          .record_bytes = (uint32_t)record_encoded_bytes(&record)};
    block_reset(fixture.block, 6);
    assert_int_equal(block_append(fixture.block, &entry, &record), STATUS_OK);
    const struct block *blocks[] = {fixture.block};
    struct error error;
    assert_int_equal(
        db_commit(fixture.db, &(struct db_commit){.blocks = blocks, .blocks_count = 1}, &error),
        STATUS_OK);
    fixture_check_journal(&fixture);
    for (int i = 0; i < 10; i++) {
        fixture_check_random_query(&fixture);
    }
    uint64_t seen = 0;
    assert_int_equal(db_read_seq(fixture.db, 6, keep_seq, &seen, &error), STATUS_NOT_FOUND);
    db_publish(fixture.db, fixture.block, 1);
    assert_int_equal(db_read_seq(fixture.db, 6, keep_seq, &seen, &error), STATUS_OK);
    fixture_deinit(&fixture);
}

static void write_watermark(const struct db_fixture *fixture, uint64_t seq) {
    char path[sizeof fixture->path + 8];
    snprintf(path, sizeof path, "%s/data", fixture->path);
    struct watermark_value value;
    struct watermark *watermark;
    struct error error;
    assert_int_equal(watermark_read(&value, path, &error), STATUS_OK);
    assert_int_equal(value.seq, fixture->rows_count);
    value.seq = seq;
    assert_int_equal(watermark_open(&watermark, path, &value, &error), STATUS_OK);
    assert_int_equal(watermark_write(watermark, &value, &error), STATUS_OK);
    watermark_close(watermark);
}

static void lost_data_is_noticed_and_can_be_accepted(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_ROCKS);
    fixture_append_many(&fixture, 90);
    struct db_identity before, after;
    db_identity(fixture.db, &before);
    fixture_close(&fixture);
    uint64_t last = fixture.rows_count;
    write_watermark(&fixture, last + 1);

    struct error error = {0};
    assert_int_equal(fixture_try_open(&fixture, &error), STATUS_LOST);
    char number[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)last);
    assert_non_null(strstr(error.message, number));
    snprintf(number, sizeof number, "%llu", (unsigned long long)last + 1);
    assert_non_null(strstr(error.message, number));
    fixture.accept_loss = true;
    fixture.accept_loss_after = last - 1;
    assert_int_equal(fixture_try_open(&fixture, &error), STATUS_LOST);
    fixture.accept_loss_after = last;
    fixture_open(&fixture);
    db_identity(fixture.db, &after);
    assert_string_not_equal(before.epoch, after.epoch);
    assert_int_equal(before.identity_seed, after.identity_seed);
    check_all(&fixture);
    fixture_append_many(&fixture, 10);
    fixture_close(&fixture);

    fixture.accept_loss = false;
    fixture_open(&fixture);
    db_identity(fixture.db, &before);
    assert_string_equal(before.epoch, after.epoch);
    check_all(&fixture);
    fixture_deinit(&fixture);
}

/* The file that RocksDB names in CURRENT. */
static void manifest_of(const struct db_fixture *fixture, char to[4700]) {
    char path[4600], name[64];
    snprintf(path, sizeof path, "%s/data/CURRENT", fixture->path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(name, sizeof name, file));
    fclose(file);
    name[strcspn(name, "\n")] = '\0';
    snprintf(to, 4700, "%s/data/%s", fixture->path, name);
}

/* RocksDB opens with a MANIFEST that ends at a record; a sealed run that was taken in after that
 * is gone with its rows. */
static void a_manifest_without_its_end_is_damage(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_ROCKS);
    char path[4700];
    struct stat before;
    manifest_of(&fixture, path);
    assert_int_equal(stat(path, &before), 0);
    fixture_append_many(&fixture, 150);
    db_tick(fixture.db, fixture.now_ms + (int64_t)fixture.limits.run_age_ms);
    fixture_settle(&fixture);
    fixture_append(&fixture, 1); /* carries sealed_through to the disk */
    struct stat after;
    assert_int_equal(stat(path, &after), 0);
    assert_true(after.st_size > before.st_size);
    fixture_close(&fixture);
    assert_int_equal(truncate(path, before.st_size), 0);
    struct error error;
    assert_int_equal(fixture_try_open(&fixture, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.message, "the end of the MANIFEST is lost"));
    fixture_deinit(&fixture);
}

static void a_vanished_store_is_a_loss(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_ROCKS);
    fixture_append(&fixture, 9);
    fixture_close(&fixture);
    char command[2 * sizeof fixture.path + 128];
    snprintf(command, sizeof command,
             "find %s/data -mindepth 1 -not -name '" WATERMARK_FILE "' -delete", fixture.path);
    assert_int_equal(system(command), 0);
    struct error error = {0};
    assert_int_equal(fixture_try_open(&fixture, &error), STATUS_LOST);
    fixture.accept_loss = true;
    fixture.rows_count = 0;
    fixture_open(&fixture);
    check_all(&fixture);
    fixture_deinit(&fixture);
}

static void remove_watermark(const struct db_fixture *fixture) {
    char path[sizeof fixture->path + 32];
    snprintf(path, sizeof path, "%s/data/" WATERMARK_FILE, fixture->path);
    assert_int_equal(unlink(path), 0);
}

/* Nothing but the file is gone: its absence is what is noticed, whatever the journal holds. */
static void a_missing_watermark_is_a_loss(void **state) {
    (void)state;
    struct db_fixture fixture;
    struct db_identity before, after;
    fixture_init(&fixture, DB_ROCKS);
    fixture_close(&fixture);
    fixture_open(&fixture);
    fixture_append(&fixture, 9);
    db_identity(fixture.db, &before);
    fixture_close(&fixture);
    remove_watermark(&fixture);
    struct error error = {0};
    assert_int_equal(fixture_try_open(&fixture, &error), STATUS_LOST);
    assert_non_null(strstr(error.message, "/data/" WATERMARK_FILE " is missing"));
    assert_non_null(strstr(error.message, "after 9"));
    char path[sizeof fixture.path + 8];
    snprintf(path, sizeof path, "%s/data", fixture.path);
    struct verify_result verified;
    assert_int_equal(verify_directory(path, &verified, NULL, NULL, &error), STATUS_LOST);
    assert_non_null(strstr(error.message, WATERMARK_FILE));
    fixture.accept_loss = true;
    fixture.accept_loss_after = 8;
    assert_int_equal(fixture_try_open(&fixture, &error), STATUS_LOST);
    fixture.accept_loss_after = 9;
    fixture_open(&fixture);
    db_identity(fixture.db, &after);
    assert_string_not_equal(before.epoch, after.epoch);
    check_all(&fixture);
    fixture_close(&fixture);
    fixture.accept_loss = false;
    remove_watermark(&fixture); /* it is missed in its new epoch, too */
    assert_int_equal(fixture_try_open(&fixture, &error), STATUS_LOST);
    fixture_deinit(&fixture);
}

/* A backup of an open database opens as it is, and is missed its watermark as any other. */
static void a_checkpoint_has_a_watermark(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_ROCKS);
    fixture_append(&fixture, 9);
    char data[sizeof fixture.path + 8], copy[sizeof fixture.path + 8],
        moved[sizeof fixture.path + 8];
    snprintf(data, sizeof data, "%s/data", fixture.path);
    snprintf(copy, sizeof copy, "%s/copy", fixture.path);
    snprintf(moved, sizeof moved, "%s/moved", fixture.path);
    struct error error = {0};
    assert_int_equal(db_backup(fixture.db, copy, &error), STATUS_OK);
    fixture_close(&fixture);
    struct verify_result verified;
    assert_int_equal(verify_directory(copy, &verified, NULL, NULL, &error), STATUS_OK);
    assert_int_equal(rename(data, moved), 0);
    assert_int_equal(rename(copy, data), 0);
    fixture_open(&fixture);
    check_all(&fixture);
    fixture_close(&fixture);
    remove_watermark(&fixture);
    assert_int_equal(fixture_try_open(&fixture, &error), STATUS_LOST);
    fixture_deinit(&fixture);
}

struct chunks {
    size_t count, rows;
};

static bool count_chunk(void *context, struct slice rows, size_t rows_count) {
    struct chunks *chunks = context;
    assert_true(rows.bytes > 0);
    chunks->count++;
    chunks->rows += rows_count;
    return true;
}

static void put_chunk(struct db_fixture *fixture, uint32_t chunk, size_t rows_count) {
    static uint8_t value[REGION_CHUNK * 64];
    uint8_t key[REGIONS_KEY_BYTES];
    size_t at = REGION_CHUNK_HEADER_BYTES;
    region_chunk_key_encode(key, chunk);
    region_chunk_header_encode(value, rows_count);
    for (size_t i = 0; i < rows_count; i++) {
        struct region_row row = {.code = SLICE_LITERAL("C"), .name = SLICE_LITERAL("N")};
        at += region_row_encode(value + at, &row);
    }
    const struct db_row row = {FAMILY_REGIONS, {key, sizeof key}, {value, at}, false};
    struct error error;
    assert_int_equal(
        db_commit(fixture->db, &(struct db_commit){.rows = &row, .rows_count = 1}, &error),
        STATUS_OK);
}

static void regions_are_walked_in_order_of_their_ids(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_ROCKS);
    struct error error;
    struct chunks chunks = {0};
    put_chunk(&fixture, 0, REGION_CHUNK);
    put_chunk(&fixture, 1, 3);
    fixture_close(&fixture);
    fixture_open(&fixture);
    assert_int_equal(db_walk_regions(fixture.db, count_chunk, &chunks, &error), STATUS_OK);
    assert_int_equal(chunks.count, 2);
    assert_int_equal(chunks.rows, REGION_CHUNK + 3);
    put_chunk(&fixture, 3, 1);
    assert_int_equal(db_walk_regions(fixture.db, count_chunk, &chunks, &error), STATUS_CORRUPT);
    fixture_deinit(&fixture);
}

enum { DEADLINES = 300 };

/* Due in steps of 10 ms from -1 s on, three objects each. */
static struct deadline deadline_of(size_t i) {
    return (struct deadline){.due_ms = (int64_t)(i / 3) * 10 - 1000,
                             .object = 1 + i % 3,
                             .stage = DEADLINE_HANDLE,
                             .point = POINT_OVERDUE,
                             .part = (uint16_t)i};
}

static void change_deadlines(struct db_fixture *fixture, size_t first, size_t step, bool remove) {
    static uint8_t keys[DEADLINES][DEADLINE_KEY_BYTES], value[DEADLINE_VALUE_BYTES];
    static struct db_row rows[DEADLINES];
    size_t count = 0;
    deadline_value_encode(value, 7);
    for (size_t i = first; i < DEADLINES; i += step, count++) {
        const struct deadline deadline = deadline_of(i);
        deadline_key_encode(keys[count], &deadline);
        rows[count] = (struct db_row){
            .family = FAMILY_DEADLINES, .key = {keys[count], DEADLINE_KEY_BYTES}, .remove = remove};
        if (!remove) {
            rows[count].value = (struct slice){value, sizeof value};
        }
    }
    assert_int_equal(
        db_commit(fixture->db, &(struct db_commit){.rows = rows, .rows_count = count}, NULL),
        STATUS_OK);
}

struct deadline_walk {
    size_t next, step, seen, stop_after;
    struct deadline last;
};

static bool see_deadline(void *context, const struct deadline *deadline, uint64_t armed_seq) {
    struct deadline_walk *walk = context;
    const struct deadline expected = deadline_of(walk->next);
    assert_int_equal(deadline_compare(deadline, &expected), 0);
    assert_int_equal(armed_seq, 7);
    walk->next += walk->step;
    walk->last = *deadline;
    return ++walk->seen != walk->stop_after;
}

/* From `next` on, `step` apart, in pages; returns how many. */
static size_t walk_deadlines(struct db_fixture *fixture, struct deadline_walk walk,
                             int64_t until_ms, size_t page) {
    bool complete = false;
    for (struct deadline after = walk.next < walk.step ? (struct deadline){.due_ms = INT64_MIN}
                                                       : deadline_of(walk.next - walk.step);
         !complete; after = walk.last) {
        size_t seen = walk.seen;
        assert_int_equal(db_walk_deadlines(fixture->db, &after, until_ms, page, see_deadline, &walk,
                                           &complete, NULL),
                         STATUS_OK);
        assert_true(complete || walk.seen == seen + page);
    }
    return walk.seen;
}

static void check_deadlines_of(enum db_kind kind) {
    struct db_fixture fixture;
    fixture_init(&fixture, kind);
    assert_int_equal(walk_deadlines(&fixture, (struct deadline_walk){0, 1, 0, 0, {0}}, 0, 1), 0);
    change_deadlines(&fixture, 0, 1, false);
    const struct deadline_walk all = {.step = 1};
    assert_int_equal(walk_deadlines(&fixture, all, INT64_MAX, 1000), DEADLINES);
    assert_int_equal(walk_deadlines(&fixture, all, INT64_MAX, DEADLINES), DEADLINES);
    assert_int_equal(walk_deadlines(&fixture, all, INT64_MAX, 7), DEADLINES);
    /* Until is not included: -1000 to -10. */
    assert_int_equal(walk_deadlines(&fixture, all, 0, 7), 300);
    assert_int_equal(walk_deadlines(&fixture, all, -20, 7), 294);
    assert_int_equal(walk_deadlines(&fixture, all, -19, 7), 297);
    assert_int_equal(
        walk_deadlines(&fixture, (struct deadline_walk){.next = 100, .step = 1}, -19, 7), 197);
    struct deadline_walk stopped = {.step = 1, .stop_after = 5};
    bool complete = true;
    assert_int_equal(db_walk_deadlines(fixture.db, &(struct deadline){.due_ms = INT64_MIN},
                                       INT64_MAX, 100, see_deadline, &stopped, &complete, NULL),
                     STATUS_OK);
    assert_int_equal(stopped.seen, 5);
    assert_false(complete);
    /* Fired ones are gone, and stay gone; removing them again changes nothing. */
    change_deadlines(&fixture, 1, 2, true);
    change_deadlines(&fixture, 1, 2, true);
    const struct deadline_walk even = {.step = 2};
    assert_int_equal(walk_deadlines(&fixture, even, INT64_MAX, 11), DEADLINES / 2);
    if (kind == DB_ROCKS) {
        fixture_crash(&fixture);
        assert_int_equal(walk_deadlines(&fixture, even, INT64_MAX, 11), DEADLINES / 2);
    }
    fixture_deinit(&fixture);
}

static void deadlines_are_walked_in_due_order(void **state) {
    (void)state;
    check_deadlines_of(DB_MEM);
    check_deadlines_of(DB_ROCKS);
}

/* The rows of a commit take effect in their order. */
static void a_row_put_and_removed_in_one_commit_is_gone(void **state) {
    (void)state;
    struct db_fixture fixture;
    uint8_t key[DEADLINE_KEY_BYTES], value[DEADLINE_VALUE_BYTES];
    const struct deadline deadline = deadline_of(0);
    deadline_key_encode(key, &deadline);
    deadline_value_encode(value, 7);
    const struct db_row put = {FAMILY_DEADLINES, {key, sizeof key}, {value, sizeof value}, false};
    const struct db_row gone = {.family = FAMILY_DEADLINES, .key = put.key, .remove = true};
    const struct db_row orders[2][2] = {{put, gone}, {gone, put}};
    for (int kind = DB_ROCKS; kind <= DB_MEM; kind++) {
        for (size_t i = 0; i < 2; i++) {
            fixture_init(&fixture, (enum db_kind)kind);
            assert_int_equal(db_commit(fixture.db,
                                       &(struct db_commit){.rows = orders[i], .rows_count = 2},
                                       NULL),
                             STATUS_OK);
            assert_int_equal(
                walk_deadlines(&fixture, (struct deadline_walk){.step = 1}, INT64_MAX, 5), i);
            fixture_deinit(&fixture);
        }
    }
}

static void a_damaged_deadline_is_told(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_MEM);
    change_deadlines(&fixture, 0, 1, false);
    const struct db_row row = {FAMILY_DEADLINES, SLICE_LITERAL("\377short"), SLICE_LITERAL("x"),
                               false};
    assert_int_equal(
        db_commit(fixture.db, &(struct db_commit){.rows = &row, .rows_count = 1}, NULL), STATUS_OK);
    struct deadline_walk walk = {.step = 1};
    bool complete = true;
    struct error error;
    assert_int_equal(db_walk_deadlines(fixture.db, &(struct deadline){.due_ms = INT64_MIN},
                                       INT64_MAX, 1000, see_deadline, &walk, &complete, &error),
                     STATUS_CORRUPT);
    assert_int_equal(walk.seen, DEADLINES);
    fixture_deinit(&fixture);
}

static void check_verified(const char *path, size_t entries_count) {
    struct error error = {0};
    struct verify_result result;
    enum status status = verify_directory(path, &result, NULL, NULL, &error);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), error.message);
    }
    assert_int_equal(result.entries, entries_count);
}

/* Crash or not, what is on disk passes `gridd verify`. */
static void what_is_on_disk_verifies(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_ROCKS);
    char path[sizeof fixture.path + 16];
    snprintf(path, sizeof path, "%s/data", fixture.path);
    for (int i = 0; i < 4; i++) {
        fixture_append_many(&fixture, 150);
        if (i % 2 == 0) {
            fixture_crash(&fixture);
        }
        fixture_close(&fixture);
        check_verified(path, fixture.rows_count);
        fixture_open(&fixture);
    }
    fixture_deinit(&fixture);
}

static void a_backup_opens_as_a_database(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_ROCKS);
    fixture_append_many(&fixture, 450);
    char from[sizeof fixture.path + 16], to[sizeof fixture.path + 16];
    snprintf(from, sizeof from, "%s/backup", fixture.path);
    snprintf(to, sizeof to, "%s/data", fixture.path);
    struct error error = {0};
    assert_int_equal(db_backup(fixture.db, from, &error), STATUS_OK);
    assert_int_not_equal(db_backup(fixture.db, from, &error), STATUS_OK);
    size_t rows_count = fixture.rows_count;
    check_verified(from, rows_count);
    fixture_append_many(&fixture, 50);
    fixture_close(&fixture);
    support_remove_tree(to);
    assert_int_equal(rename(from, to), 0);
    fixture.rows_count = rows_count;
    fixture_open(&fixture);
    check_all(&fixture);
    fixture_deinit(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_database_is_empty),
        cmocka_unit_test(reopening_gives_everything_back),
        cmocka_unit_test(a_crash_at_any_point_loses_and_doubles_nothing),
        cmocka_unit_test(sealing_the_same_rows_again_changes_nothing),
        cmocka_unit_test(smaller_runs_are_sealed_while_opening),
        cmocka_unit_test(a_run_is_sealed_at_its_age),
        cmocka_unit_test(two_processes_cannot_open_it),
        cmocka_unit_test(lookups_compare_the_whole_identity),
        cmocka_unit_test(the_newest_entries_come_oldest_first),
        cmocka_unit_test(the_journal_is_read_from_any_entry),
        cmocka_unit_test(nothing_is_visible_before_it_is_published),
        cmocka_unit_test(lost_data_is_noticed_and_can_be_accepted),
        cmocka_unit_test(a_manifest_without_its_end_is_damage),
        cmocka_unit_test(a_vanished_store_is_a_loss),
        cmocka_unit_test(a_missing_watermark_is_a_loss),
        cmocka_unit_test(a_checkpoint_has_a_watermark),
        cmocka_unit_test(regions_are_walked_in_order_of_their_ids),
        cmocka_unit_test(deadlines_are_walked_in_due_order),
        cmocka_unit_test(a_row_put_and_removed_in_one_commit_is_gone),
        cmocka_unit_test(a_damaged_deadline_is_told),
        cmocka_unit_test(what_is_on_disk_verifies),
        cmocka_unit_test(a_backup_opens_as_a_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
