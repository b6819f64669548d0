#include "tests/unit/support_db.h"

#include "core/report/record.h"
#include "core/text/instant.h"

#include <sched.h>
#include <unistd.h>

enum { SEVERITIES = 4, CATEGORIES = 3 };

static void sealing_failed(void *context, enum status failure, const struct error *error) {
    (void)context;
    if (failure != STATUS_OK) {
        fprintf(stderr, "sealing failed: %s: %s\n", status_name(failure), error->message);
        abort();
    }
}

void fixture_init(struct db_fixture *fixture, enum db_kind kind) {
    *fixture = (struct db_fixture){
        .kind = kind, .random = 0x9e3779b97f4a7c15, .now_ms = 1000, .days = 5, .regions = 12};
    limits_init(&fixture->limits);
    fixture->limits.run_entries = 200;
    fixture->limits.run_bytes = 64 * KIB;
    fixture->limits.block_entries = 50;
    fixture->limits.block_bytes = 64 * KIB;
    snprintf(fixture->path, sizeof fixture->path, "%s", support_temporary_directory());
    assert_int_equal(block_new(&fixture->block, &fixture->limits), STATUS_OK);
    fixture_open(fixture);
}

void fixture_deinit(struct db_fixture *fixture) {
    fixture_close(fixture);
    block_free(fixture->block);
    free(fixture->rows);
    support_remove_tree(fixture->path);
}

enum status fixture_try_open(struct db_fixture *fixture, struct error *error) {
    char path[sizeof fixture->path + 8];
    snprintf(path, sizeof path, "%s/data", fixture->path);
    const struct db_options options = {
        .kind = fixture->kind,
        .store = {.path = path,
                  .create = true,
                  .cache_bytes = MIB,
                  .memtable_bytes = MIB,
                  .background_jobs = 2},
        .limits = &fixture->limits,
        .now_ms = fixture->now_ms,
        .accept_loss = fixture->accept_loss,
        .accept_loss_after = fixture->accept_loss_after,
        .on_sealed = sealing_failed,
    };
    return db_open(&fixture->db, &options, error);
}

void fixture_open(struct db_fixture *fixture) {
    struct error error = {0};
    enum status status = fixture_try_open(fixture, &error);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), error.message);
    }
}

void fixture_close(struct db_fixture *fixture) {
    db_close(fixture->db);
    fixture->db = NULL;
}

/* All threads stand still while the directory is copied, so the copy is what a kill at that instant
 * would have left. */
static void copy_while_stopped(const struct db_fixture *fixture) {
    char command[2 * sizeof fixture->path + 256];
    snprintf(command, sizeof command,
             "kill -STOP $PPID;"
             "while grep -L 'State:.T' /proc/$PPID/task/*/status | grep -q .; do :; done;"
             "cp -a %s/data %s/copy; result=$?; kill -CONT $PPID; exit $result",
             fixture->path, fixture->path);
    assert_int_equal(system(command), 0);
}

void fixture_crash(struct db_fixture *fixture) {
    char command[3 * sizeof fixture->path + 64];
    copy_while_stopped(fixture);
    fixture_close(fixture);
    snprintf(command, sizeof command, "rm -rf %s/data && mv %s/copy %s/data", fixture->path,
             fixture->path, fixture->path);
    assert_int_equal(system(command), 0);
    fixture_open(fixture);
}

uint64_t fixture_random(struct db_fixture *fixture, uint64_t below) {
    fixture->random ^= fixture->random << 13;
    fixture->random ^= fixture->random >> 7;
    fixture->random ^= fixture->random << 17;
    return (fixture->random >> 11) % below;
}

/* Few distinct milliseconds, so that order by region and identity is tested too. */
static struct entry random_entry(struct db_fixture *fixture) {
    static const uint8_t kinds[] = {ENTRY_REPORT, ENTRY_REPORT, ENTRY_TICKET_OVERDUE,
                                    ENTRY_DIRECTIVE_DONE};
    int64_t day = FIXTURE_FIRST_DAY + (int64_t)fixture_random(fixture, fixture->days) * 2;
    return (struct entry){
        .kind = fixture->mixed_kinds ? kinds[fixture_random(fixture, ARRAY_COUNT(kinds))]
                                     : (uint8_t)ENTRY_REPORT,
        .severity = (uint8_t)(1 + fixture_random(fixture, SEVERITIES)),
        .region = (uint32_t)fixture_random(fixture, fixture->regions),
        .category_tag = 1 + (uint32_t)fixture_random(fixture, CATEGORIES),
        .occurred_ms = day * DAY_MS + (int64_t)fixture_random(fixture, 24) * 3600000,
        .received_ms = fixture->now_ms,
        .identity = {fixture_random(fixture, UINT64_MAX), fixture_random(fixture, UINT64_MAX)},
        .content_tag = fixture_random(fixture, UINT64_MAX),
    };
}

static void remember(struct db_fixture *fixture, uint64_t seq, const struct entry *entry,
                     const char *json) {
    if (fixture->rows_count == fixture->rows_max) {
        fixture->rows_max = fixture->rows_max == 0 ? 1024 : fixture->rows_max * 2;
        fixture->rows = realloc(fixture->rows, fixture->rows_max * sizeof *fixture->rows);
        assert_non_null(fixture->rows);
    }
    struct model_row *row = &fixture->rows[fixture->rows_count++];
    row->seq = seq;
    row->entry = *entry;
    snprintf(row->json, sizeof row->json, "%s", json);
}

void fixture_append(struct db_fixture *fixture, uint32_t count) {
    struct db_identity identity;
    db_identity(fixture->db, &identity);
    block_reset(fixture->block, identity.next_seq);
    for (uint32_t i = 0; i < count; i++) {
        struct entry entry = random_entry(fixture);
        char json[40];
        snprintf(json, sizeof json, "{\"n\":%llu}", (unsigned long long)identity.next_seq + i);
        struct record record = {.json = slice_text(json)};
        entry.record_bytes = (uint32_t)record_encoded_bytes(&record);
        assert_int_equal(block_append(fixture->block, &entry, &record), STATUS_OK);
        remember(fixture, identity.next_seq + i, &entry, json);
    }
    while (!db_room(fixture->db, count, fixture->block->payload_bytes)) {
        sched_yield();
    }
    const struct block *blocks[] = {fixture->block};
    struct error error;
    assert_int_equal(
        db_commit(fixture->db, &(struct db_commit){.blocks = blocks, .blocks_count = 1}, &error),
        STATUS_OK);
    db_publish(fixture->db, fixture->block, ++fixture->now_ms);
    db_acknowledge(fixture->db, identity.next_seq + count - 1);
}

void fixture_append_many(struct db_fixture *fixture, size_t entries_count) {
    while (entries_count > 0) {
        uint64_t most = min_u64(entries_count, fixture->limits.block_entries);
        uint32_t count = 1 + (uint32_t)fixture_random(fixture, most);
        fixture_append(fixture, count);
        entries_count -= count;
    }
}

void fixture_settle(struct db_fixture *fixture) {
    struct db_stats stats;
    do {
        sched_yield();
        db_stats(fixture->db, &stats);
    } while (stats.sealing_entries != 0);
}

static struct timeline_position position_of(const struct entry *entry) {
    return (struct timeline_position){entry->occurred_ms, entry->region, entry->identity.low};
}

static int compare_rows(const void *a, const void *b) {
    const struct model_row *const *x = a, *const *y = b;
    struct timeline_position p = position_of(&(*x)->entry), q = position_of(&(*y)->entry);
    return timeline_position_compare(&p, &q);
}

static bool model_matches(const struct timeline_query *query, const struct entry *entry) {
    bool wanted = false;
    for (size_t i = 0; i < query->regions_count; i++) {
        wanted = wanted || query->regions[i] == entry->region;
    }
    if (query->has_after) {
        struct timeline_position position = position_of(entry);
        int order = timeline_position_compare(&position, &query->after);
        wanted = wanted && (query->ascending ? order > 0 : order < 0);
    }
    return wanted && entry->occurred_ms >= query->from_ms && entry->occurred_ms < query->to_ms &&
           (query->category_tag == 0 || query->category_tag == entry->category_tag) &&
           (query->kinds == 0 || (query->kinds >> entry->kind & 1) != 0) &&
           (query->severities == 0 || (query->severities >> entry->severity & 1) != 0);
}

struct comparison {
    const struct model_row **expected;
    size_t expected_count, at, page_left;
    bool ascending;
    struct timeline_position last;
};

static const struct model_row *expected_at(const struct comparison *comparison) {
    assert_true(comparison->at < comparison->expected_count);
    return comparison
        ->expected[comparison->ascending ? comparison->at
                                         : comparison->expected_count - 1 - comparison->at];
}

static void assert_row(const struct timeline_row *row, const struct model_row *expected) {
    assert_int_equal(row->seq, expected->seq);
    struct entry entry = row->entry;
    entry.record_offset = expected->entry.record_offset;
    entry.record_bytes = expected->entry.record_bytes;
    assert_memory_equal(&entry, &expected->entry, sizeof entry);
    struct record record;
    assert_true(record_decode(&record, row->record));
    assert_true(slice_is(record.json, expected->json));
}

static bool compare_one(void *context, const struct timeline_row *row) {
    struct comparison *comparison = context;
    assert_row(row, expected_at(comparison));
    comparison->at++;
    comparison->last = position_of(&row->entry);
    return --comparison->page_left > 0;
}

void fixture_check_query(struct db_fixture *fixture, struct timeline_query query, size_t page) {
    struct comparison comparison = {.ascending = query.ascending};
    comparison.expected = malloc((fixture->rows_count + 1) * sizeof *comparison.expected);
    for (size_t i = 0; i < fixture->rows_count; i++) {
        if (model_matches(&query, &fixture->rows[i].entry)) {
            comparison.expected[comparison.expected_count++] = &fixture->rows[i];
        }
    }
    qsort(comparison.expected, comparison.expected_count, sizeof *comparison.expected,
          compare_rows);
    do {
        comparison.page_left = page;
        struct error error;
        assert_int_equal(timeline_walk(fixture->db, &query, compare_one, &comparison, &error),
                         STATUS_OK);
        query.has_after = true;
        query.after = comparison.last;
    } while (comparison.page_left == 0);
    assert_int_equal(comparison.at, comparison.expected_count);
    free(comparison.expected);
}

void fixture_check_random_query(struct db_fixture *fixture) {
    uint32_t regions[64];
    size_t regions_count = 0;
    uint64_t share = fixture_random(fixture, 4);
    for (uint32_t region = 0; region < 64; region++) {
        if (fixture_random(fixture, 4) <= share) {
            regions[regions_count++] = region;
        }
    }
    if (regions_count == 0 || fixture_random(fixture, 3) == 0) {
        regions[0] = (uint32_t)fixture_random(fixture, fixture->regions + 1);
        regions_count = 1;
    }
    int64_t begin_ms = (int64_t)FIXTURE_FIRST_DAY * DAY_MS, span_ms = fixture->days * 2 * DAY_MS;
    static const uint64_t kinds[] = {
        0, UINT64_C(1) << ENTRY_REPORT, UINT64_C(1) << ENTRY_DIRECTIVE_DONE,
        UINT64_C(1) << ENTRY_REPORT | UINT64_C(1) << ENTRY_TICKET_OVERDUE};
    struct timeline_query query = {
        .regions = regions,
        .regions_count = regions_count,
        .from_ms = fixture_random(fixture, 2) == 0
                       ? INT64_MIN
                       : begin_ms + (int64_t)fixture_random(fixture, (uint64_t)span_ms),
        .to_ms = fixture_random(fixture, 2) == 0
                     ? INT64_MAX
                     : begin_ms + (int64_t)fixture_random(fixture, (uint64_t)span_ms),
        .ascending = fixture_random(fixture, 2) == 0,
        .category_tag = (uint32_t)fixture_random(fixture, 6) / 3 * 2,
        .kinds = kinds[fixture_random(fixture, ARRAY_COUNT(kinds))],
        .severities = fixture_random(fixture, 2) == 0 ? 0 : 0x6,
    };
    if (fixture->rows_count > 0 && fixture_random(fixture, 3) == 0) {
        const struct model_row *row = &fixture->rows[fixture_random(fixture, fixture->rows_count)];
        query.has_after = true;
        query.after = position_of(&row->entry);
    }
    fixture_check_query(fixture, query, 1 + fixture_random(fixture, 300));
}

static bool compare_journal(void *context, const struct timeline_row *row) {
    struct comparison *comparison = context;
    assert_row(row, expected_at(comparison));
    comparison->at++;
    return true;
}

void fixture_check_journal(struct db_fixture *fixture) {
    struct comparison comparison = {.expected_count = fixture->rows_count, .ascending = true};
    comparison.expected = malloc((fixture->rows_count + 1) * sizeof *comparison.expected);
    for (size_t i = 0; i < fixture->rows_count; i++) {
        comparison.expected[i] = &fixture->rows[i];
    }
    for (int round = 0; round < 5; round++) {
        comparison.at = round == 0 ? 0 : fixture_random(fixture, fixture->rows_count + 1);
        uint64_t oldest = 0;
        struct error error;
        assert_int_equal(db_read_journal(fixture->db, comparison.at + 1, compare_journal,
                                         &comparison, &oldest, &error),
                         STATUS_OK);
        assert_int_equal(comparison.at, fixture->rows_count);
        assert_int_equal(oldest, 1);
    }
    free(comparison.expected);
}
