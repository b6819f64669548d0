#include "tests/unit/support.h"

#include "core/text/instant.h"
#include "storage/recent_run.h"
#include "storage/sealed_run.h"
#include "storage/store.h"
#include "storage/timeline_row.h"

enum { ENTRIES = 4000, BLOCK_ENTRIES = 250 };

/* Region 0 has every second entry, many more than are sorted together with others; the rest have
 * a few. Times go up and down, and some are equal. */
static struct entry entry_of(uint64_t seq) {
    uint64_t mixed = seq * UINT64_C(0x9E3779B97F4A7C15);
    return (struct entry){
        .kind = ENTRY_REPORT,
        .severity = 1 + (uint8_t)(seq % 4),
        .flags = (uint16_t)(seq % 3),
        .region = seq % 2 == 0 ? 0 : (uint32_t)(mixed >> 55),
        .category_tag = (uint32_t)seq,
        .occurred_ms = (int64_t)(seq % 2) * DAY_MS + (int64_t)(mixed >> 32 & 1023),
        .received_ms = (int64_t)seq,
        .identity = {.low = mixed, .high = seq},
        .content_tag = ~seq,
    };
}

static struct recent_run *fill_run(const struct limits *limits) {
    struct recent_run *run;
    struct block *block;
    assert_int_equal(recent_run_new(&run, limits, 7), STATUS_OK);
    assert_int_equal(block_new(&block, limits), STATUS_OK);
    for (uint64_t seq = 1; seq <= ENTRIES; seq++) {
        if (seq % BLOCK_ENTRIES == 1) {
            block_reset(block, seq);
        }
        char json[400]; /* records of one to six cache lines */
        int bytes = snprintf(json, sizeof json, "{\"n\":%0*llu}", (int)(seq % 350) + 1,
                             (unsigned long long)seq);
        const struct record record = {.json = {(const uint8_t *)json, (size_t)bytes}};
        const struct entry entry = entry_of(seq);
        assert_int_equal(block_append(block, &entry, &record), STATUS_OK);
        if (seq % BLOCK_ENTRIES == 0) {
            recent_run_append(run, block);
        }
    }
    block_free(block);
    return run;
}

static void check_row(const struct recent_run *run, const struct timeline_row *row) {
    struct timeline_row wanted;
    assert_in_range(row->seq, 1, ENTRIES);
    recent_run_row(run, (uint32_t)(row->seq - 1), &wanted);
    wanted.entry.record_offset = row->entry.record_offset;
    assert_memory_equal(&row->entry, &wanted.entry, sizeof wanted.entry);
    assert_int_equal(row->record.bytes, wanted.record.bytes);
    assert_memory_equal(row->record.data, wanted.record.data, wanted.record.bytes);
}

/* Also that nothing comes twice: keys rise, and there are as many rows as entries. */
static void every_entry_of_a_run_is_sealed_once(void **state) {
    (void)state;
    struct limits limits;
    limits_init(&limits);
    limits.run_entries = ENTRIES;
    struct recent_run *run = fill_run(&limits);
    const struct store_options options = {.cache_bytes = MIB};
    struct error error = {0};
    struct store *store;
    assert_int_equal(store_open_mem(&store, &options, &error), STATUS_OK);
    assert_int_equal(sealed_run_write(store, 1, run, &error), STATUS_OK);
    struct store_iter *iter;
    assert_int_equal(store_iter_new(&iter, store, FAMILY_TIMELINE, NULL, false), STATUS_OK);
    size_t rows = 0;
    struct timeline_position before = {0};
    for (store_iter_seek(iter, SLICE_LITERAL("\0")); store_iter_valid(iter); rows++) {
        struct timeline_row row;
        assert_int_equal(
            timeline_row_decode(&row, store_iter_key(iter), store_iter_value(iter), &error),
            STATUS_OK);
        check_row(run, &row);
        const struct timeline_position position = {row.entry.occurred_ms, row.entry.region,
                                                   row.entry.identity.low};
        if (rows > 0 && position.occurred_ms / DAY_MS == before.occurred_ms / DAY_MS &&
            position.region == before.region) {
            assert_true(timeline_position_compare(&before, &position) < 0);
        }
        before = position;
        store_iter_next(iter);
    }
    assert_int_equal(store_iter_status(iter, &error), STATUS_OK);
    assert_int_equal(rows, ENTRIES);
    store_iter_free(iter);
    store_close(store);
    recent_run_free(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_of_a_run_is_sealed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
