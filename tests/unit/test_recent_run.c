#include "tests/unit/support.h"
#include "tests/unit/support_limits.h"

#include "core/text/instant.h"
#include "storage/day_index.h"
#include "storage/recent_run.h"
#include "storage/run_set.h"

#include <pthread.h>
#include <stdatomic.h>

static struct limits small_limits(void) {
    struct limits limits;
    limits_init(&limits);
    limits.run_entries = 16;
    limits.run_bytes = 64 * KIB;
    limits.block_entries = 8;
    limits.block_bytes = 64 * KIB;
    return limits;
}

static void fill(struct block *block, uint64_t first_seq, uint32_t count, uint32_t days,
                 uint32_t regions) {
    block_reset(block, first_seq);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t seq = first_seq + i;
        char json[32];
        snprintf(json, sizeof json, "{\"n\":%llu}", (unsigned long long)seq);
        struct record record = {.json = slice_text(json)};
        struct entry entry = {
            .kind = ENTRY_REPORT,
            .severity = 1,
            .region = (uint32_t)(seq % regions),
            .occurred_ms = (int64_t)(seq % days) * DAY_MS + (int64_t)seq,
            .identity = {seq, seq},
            .record_bytes = (uint32_t)record_encoded_bytes(&record),
        };
        assert_int_equal(block_append(block, &entry, &record), STATUS_OK);
    }
}

static void limits_of_a_run_are_exact(void **state) {
    (void)state;
    struct limits limits = small_limits();
    struct recent_run *run;
    struct block *block;
    assert_int_equal(recent_run_new(&run, &limits, 1), STATUS_OK);
    assert_int_equal(block_new(&block, &limits), STATUS_OK);
    EACH_AROUND(count, limits, run_entries) {
        assert_int_equal(recent_run_fits(run, (uint32_t)count, limits.run_bytes), count <= 16);
    }
    EACH_AROUND(bytes, limits, run_bytes) {
        assert_int_equal(recent_run_fits(run, 16, bytes), bytes <= 64 * KIB);
    }
    fill(block, 5, 8, 3, 2);
    recent_run_append(run, block);
    assert_int_equal(recent_run_count(run), 8);
    assert_int_equal(recent_run_first_seq(run), 5);
    assert_true(recent_run_fits(run, 8, limits.run_bytes - block->payload_bytes));
    assert_false(recent_run_fits(run, 9, 0));
    assert_false(recent_run_fits(run, 8, limits.run_bytes - block->payload_bytes + 1));
    recent_run_reset(run);
    assert_int_equal(recent_run_count(run), 0);
    assert_true(recent_run_fits(run, 16, limits.run_bytes));
    block_free(block);
    recent_run_free(run);
}

static void chains_hold_each_entry_newest_first(void **state) {
    (void)state;
    struct limits limits = small_limits();
    limits.run_entries = 5000;
    limits.block_entries = 500;
    struct recent_run *run;
    struct block *block;
    assert_int_equal(recent_run_new(&run, &limits, 7), STATUS_OK);
    assert_int_equal(block_new(&block, &limits), STATUS_OK);
    enum { DAYS = 7, REGIONS = 40, COUNT = 900 };
    for (uint64_t seq = 1; seq <= 1000; seq += 500) {
        fill(block, seq, 500, DAYS, REGIONS);
        recent_run_append(run, block);
    }
    /* A reader that saw 900 entries. */
    size_t seen = 0;
    for (uint32_t day = 0; day <= DAYS; day++) {
        struct recent_regions regions;
        recent_regions_begin(&regions, run, day);
        assert_int_equal(regions.regions_count, day < DAYS ? REGIONS : 0);
        for (uint32_t region; recent_regions_next(&regions, &region);) {
            struct recent_chain chain;
            uint32_t before = COUNT;
            recent_chain_begin(&chain, run, COUNT, day, region);
            for (uint32_t index; recent_chain_next(&chain, &index); seen++) {
                struct timeline_row row;
                recent_run_row(run, index, &row);
                assert_true(index < before);
                before = index;
                assert_int_equal(row.seq, index + 1);
                assert_int_equal(row.entry.region, region);
                assert_int_equal(row.entry.occurred_ms / DAY_MS, day);
                assert_int_equal(row.record.bytes, row.entry.record_bytes);
            }
        }
    }
    assert_int_equal(seen, COUNT);
    block_free(block);
    recent_run_free(run);
}

/* A run that was full keeps its pages, and what was in them must not show. */
static void a_reset_run_remembers_nothing(void **state) {
    (void)state;
    struct limits limits = small_limits();
    struct recent_run *run;
    struct block *block;
    assert_int_equal(recent_run_new(&run, &limits, 7), STATUS_OK);
    assert_int_equal(block_new(&block, &limits), STATUS_OK);
    uint64_t seq = 1;
    for (uint32_t blocks = 1; blocks <= 2; blocks++) { /* 8 entries: half full; 16: full */
        for (uint32_t i = 0; i < blocks; i++, seq += 8) {
            fill(block, seq, 8, 4, 5);
            recent_run_append(run, block);
        }
        recent_run_reset(run);
        for (uint32_t group = 0; group < 20; group++) {
            struct recent_chain chain;
            uint32_t index;
            recent_chain_begin(&chain, run, 16, group / 5, group % 5);
            assert_false(recent_chain_next(&chain, &index));
        }
        fill(block, seq, 4, 1, 1);
        recent_run_append(run, block);
        assert_int_equal(recent_run_first_seq(run), seq);
        struct recent_regions regions;
        uint32_t region;
        recent_regions_begin(&regions, run, 0);
        assert_int_equal(regions.regions_count, 1);
        assert_true(recent_regions_next(&regions, &region));
        assert_false(recent_regions_next(&regions, &region));
        struct recent_chain chain;
        recent_chain_begin(&chain, run, 4, 0, 0);
        for (uint32_t i = 4; i-- > 0;) {
            uint32_t index;
            assert_true(recent_chain_next(&chain, &index));
            assert_int_equal(index, i);
        }
        seq += 4;
        recent_run_reset(run);
    }
    block_free(block);
    recent_run_free(run);
}

static void every_entry_may_have_a_day_of_its_own(void **state) {
    (void)state;
    struct limits limits = small_limits();
    struct recent_run *run;
    struct block *block;
    assert_int_equal(recent_run_new(&run, &limits, 7), STATUS_OK);
    assert_int_equal(block_new(&block, &limits), STATUS_OK);
    for (uint64_t seq = 1; seq <= 16; seq += 8) {
        fill(block, seq, 8, 1000, 1000);
        recent_run_append(run, block);
    }
    struct recent_group groups[32];
    assert_int_equal(recent_run_groups_max(run), 32);
    assert_int_equal(recent_run_groups(run, groups), 16);
    for (uint32_t i = 0; i < 16; i++) {
        struct recent_chain chain;
        uint32_t index;
        recent_group_begin(&chain, run, &groups[i]);
        assert_true(recent_chain_next(&chain, &index));
        assert_int_equal(recent_run_entry(run, index)->region, groups[i].region);
        assert_int_equal(recent_run_entry(run, index)->occurred_ms / DAY_MS, groups[i].day);
        assert_false(recent_chain_next(&chain, &index));
        assert_int_equal(groups[i].entries_count, 1);
    }
    block_free(block);
    recent_run_free(run);
}

struct race {
    struct run_set *set;
    atomic_bool done;
};

static void *read_while_written(void *argument) {
    struct race *race = argument;
    while (!atomic_load(&race->done)) {
        struct run_view view;
        run_set_acquire(race->set, &view);
        for (size_t i = 0; i < view.runs_count; i++) {
            size_t seen = 0;
            for (uint32_t group = 0; group < 6; group++) {
                struct recent_chain chain;
                recent_chain_begin(&chain, view.runs[i], view.counts[i], group % 2, group % 3);
                for (uint32_t index; recent_chain_next(&chain, &index); seen++) {
                    struct timeline_row row;
                    recent_run_row(view.runs[i], index, &row);
                    assert_int_equal(row.entry.identity.low, row.seq);
                }
            }
            assert_int_equal(seen, view.counts[i]);
        }
        run_set_release(race->set, &view);
    }
    return NULL;
}

static void *seal_while_written(void *argument) {
    struct race *race = argument;
    for (;;) {
        const struct recent_run *run;
        switch (run_set_wait(race->set, 1000, &run)) {
        case RUN_EVENT_STOP:
            return NULL;
        case RUN_EVENT_SEAL:
            assert_true(recent_run_count(run) > 0);
            run_set_drop(race->set);
            break;
        case RUN_EVENT_ROOM:
        case RUN_EVENT_SETTLE:
        case RUN_EVENT_NONE:
            break;
        }
    }
}

/* The publisher is this thread; the sanitizer looks on. */
static void readers_see_whole_runs_while_others_write(void **state) {
    (void)state;
    struct limits limits = small_limits();
    struct race race = {0};
    struct block *block;
    assert_int_equal(run_set_new(&race.set, &limits, 3), STATUS_OK);
    assert_int_equal(block_new(&block, &limits), STATUS_OK);
    pthread_t readers[2], sealer;
    for (size_t i = 0; i < ARRAY_COUNT(readers); i++) {
        pthread_create(&readers[i], NULL, read_while_written, &race);
    }
    pthread_create(&sealer, NULL, seal_while_written, &race);
    for (uint64_t seq = 1, rounds = 0; rounds < 1000; rounds++) {
        uint32_t count = 1 + (uint32_t)(seq % 7);
        fill(block, seq, count, 2, 3);
        while (!run_set_has_room(race.set, count, block->payload_bytes)) {
            struct timespec pause = {0, 100000};
            nanosleep(&pause, NULL);
        }
        run_set_append(race.set, block, 1);
        seq += count;
    }
    atomic_store(&race.done, true);
    run_set_stop(race.set);
    for (size_t i = 0; i < ARRAY_COUNT(readers); i++) {
        pthread_join(readers[i], NULL);
    }
    pthread_join(sealer, NULL);
    run_set_free(race.set);
    block_free(block);
}

static void room_depends_on_the_sealer_and_on_readers(void **state) {
    (void)state;
    struct limits limits = small_limits();
    struct run_set *set;
    struct block *block;
    const struct recent_run *run;
    assert_int_equal(run_set_new(&set, &limits, 3), STATUS_OK);
    assert_int_equal(block_new(&block, &limits), STATUS_OK);
    assert_false(run_set_rotate(set));
    assert_false(run_set_has_room(set, 17, 0));
    struct run_view views[2];
    uint64_t seq = 1;
    for (int i = 0; i < 2; i++) {
        for (int half = 0; half < 2; half++, seq += 8) {
            fill(block, seq, 8, 1, 1);
            assert_true(run_set_has_room(set, 8, block->payload_bytes));
            run_set_append(set, block, 9);
        }
        run_set_acquire(set, &views[i]);
        assert_true(run_set_rotate(set));
        assert_false(run_set_rotate(set));
        assert_int_equal(run_set_wait(set, 0, &run), RUN_EVENT_SEAL);
        run_set_drop(set);
        assert_int_equal(run_set_wait(set, 0, &run), RUN_EVENT_ROOM);
        assert_int_equal(run_set_wait(set, 0, &run), RUN_EVENT_NONE);
    }
    /* Both other runs are held: the active one takes 16 entries and no more. */
    assert_true(run_set_has_room(set, 16, 0));
    fill(block, seq, 1, 1, 1);
    run_set_append(set, block, 9);
    assert_false(run_set_has_room(set, 16, 0));
    assert_false(run_set_rotate(set));
    run_set_release(set, &views[0]);
    assert_int_equal(run_set_wait(set, 0, &run), RUN_EVENT_ROOM);
    assert_true(run_set_has_room(set, 16, 0));
    assert_int_equal(recent_run_count(views[1].runs[0]), 16);
    run_set_release(set, &views[1]);
    run_set_free(set);
    block_free(block);
}

static void days_are_stepped_through(void **state) {
    (void)state;
    struct day_index *index;
    assert_int_equal(day_index_new(&index), STATUS_OK);
    uint32_t day;
    assert_false(day_index_next(index, 0, &day));
    assert_false(day_index_previous(index, UINT32_MAX, &day));
    const uint32_t days[] = {0, 1, 63, 64, 4095, 4096, 20000, 262143, 262144, DAY_INDEX_DAYS - 1};
    for (size_t i = ARRAY_COUNT(days); i-- > 0;) {
        day_index_add(index, days[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(days); i++) {
        assert_true(day_index_next(index, days[i], &day));
        assert_int_equal(day, days[i]);
        assert_true(day_index_previous(index, days[i], &day));
        assert_int_equal(day, days[i]);
        bool last = i + 1 == ARRAY_COUNT(days);
        assert_int_equal(day_index_next(index, days[i] + 1, &day), !last);
        assert_int_equal(day, last ? days[i] : days[i + 1]);
        if (i > 0) {
            assert_true(day_index_previous(index, days[i] - 1, &day));
            assert_int_equal(day, days[i - 1]);
        }
    }
    day_index_free(index);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_of_a_run_are_exact),
        cmocka_unit_test(chains_hold_each_entry_newest_first),
        cmocka_unit_test(a_reset_run_remembers_nothing),
        cmocka_unit_test(every_entry_may_have_a_day_of_its_own),
        cmocka_unit_test(readers_see_whole_runs_while_others_write),
        cmocka_unit_test(room_depends_on_the_sealer_and_on_readers),
        cmocka_unit_test(days_are_stepped_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
