#include "tests/unit/support.h"

#include "core/text/instant.h"
#include "storage/recent_order.h"

#include <pthread.h>
#include <stdatomic.h>

enum { ENTRIES = 150000, BLOCK = 5000, LONG_REGION = 7 };

struct stage {
    struct recent_run *run;
    struct block *block;
    uint64_t random, next_seq;
};

static uint64_t draw(struct stage *stage) {
    stage->random = stage->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return stage->random >> 16;
}

static void stage_init(struct stage *stage) {
    struct limits limits;
    limits_init(&limits);
    limits.run_entries = ENTRIES;
    *stage = (struct stage){.random = 1, .next_seq = 1};
    assert_int_equal(recent_run_new(&stage->run, &limits, 7), STATUS_OK);
    assert_int_equal(block_new(&stage->block, &limits), STATUS_OK);
}

static void stage_deinit(struct stage *stage) {
    block_free(stage->block);
    recent_run_free(stage->run);
}

/* Two entries of three are the long chain's; many share a millisecond. */
static void append(struct stage *stage, uint32_t count) {
    block_reset(stage->block, stage->next_seq);
    for (uint32_t i = 0; i < count; i++, stage->next_seq++) {
        struct record record = {.json = SLICE_LITERAL("{}")};
        struct entry entry = {
            .kind = ENTRY_REPORT,
            .severity = 1,
            .region = stage->next_seq % 3 == 0 ? 1 + (uint32_t)draw(stage) % 500 : LONG_REGION,
            .occurred_ms = 5 * DAY_MS + (int64_t)(draw(stage) % 1000),
            .identity = {draw(stage) << 16 | draw(stage), stage->next_seq},
            .record_bytes = (uint32_t)record_encoded_bytes(&record),
        };
        assert_int_equal(block_append(stage->block, &entry, &record), STATUS_OK);
    }
    recent_run_append(stage->run, stage->block);
}

static bool is_before(const struct recent_run *run, uint32_t one, uint32_t other) {
    const struct entry *a = recent_run_entry(run, one), *b = recent_run_entry(run, other);
    return a->occurred_ms != b->occurred_ms ? a->occurred_ms < b->occurred_ms
                                            : a->identity.low < b->identity.low;
}

/* Takes the pieces as a reader does that saw `count` entries; what is in no piece is its answer. */
static uint32_t check_view(const struct recent_run *run, uint32_t count, uint8_t *seen) {
    struct recent_chain chain;
    struct recent_pieces pieces;
    recent_chain_begin(&chain, run, count, 5, LONG_REGION);
    recent_order_pieces(recent_run_order(run), &chain, 5, LONG_REGION, &pieces);
    memset(seen, 0, ENTRIES);
    for (size_t i = 0; i < pieces.count; i++) {
        const struct recent_piece *piece = &pieces.pieces[i];
        assert_true(i == 0 || pieces.pieces[i - 1].count > 2 * piece->count);
        for (uint32_t j = 0; j < piece->count; j++) {
            uint32_t index = piece->indexes[j];
            assert_true(index < pieces.covered && seen[index] == 0);
            seen[index] = 1;
            if (j > 0) {
                assert_true(is_before(run, piece->indexes[j - 1], index));
            }
        }
    }
    uint32_t left = 0;
    for (uint32_t index; recent_chain_next(&chain, &index);) {
        assert_int_equal(seen[index], index < pieces.covered);
        seen[index] = 1;
        left += index >= pieces.covered;
    }
    return left;
}

static void every_entry_is_in_one_piece_or_after_them(void **state) {
    (void)state;
    static uint8_t seen[ENTRIES];
    struct stage stage;
    stage_init(&stage);
    for (uint32_t count = BLOCK; count <= ENTRIES; count += BLOCK) {
        append(&stage, BLOCK);
        if (count % (4 * BLOCK) != 0) { /* so that more than one piece's worth comes at a time */
            continue;
        }
        uint32_t views[] = {count / 2, count};
        for (size_t i = 0; i < ARRAY_COUNT(views); i++) {
            (void)check_view(stage.run, views[i], seen);
            for (uint32_t index = 0; index < views[i]; index++) {
                uint32_t region = recent_run_entry(stage.run, index)->region;
                assert_int_equal(seen[index], region == LONG_REGION);
            }
        }
    }
    /* However much there was, readers come to its end. */
    for (int i = 0; i < ENTRIES / RECENT_BUILD_MAX + 1; i++) {
        (void)check_view(stage.run, ENTRIES, seen);
    }
    assert_in_range(check_view(stage.run, ENTRIES, seen), 0, RECENT_TAIL_MAX);
    stage_deinit(&stage);
}

static void short_chains_are_left_alone(void **state) {
    (void)state;
    struct stage stage;
    stage_init(&stage);
    append(&stage, RECENT_TAIL_MAX);
    struct recent_chain chain;
    struct recent_pieces pieces;
    recent_chain_begin(&chain, stage.run, RECENT_TAIL_MAX, 5, LONG_REGION);
    recent_order_pieces(recent_run_order(stage.run), &chain, 5, LONG_REGION, &pieces);
    assert_int_equal(pieces.count, 0);
    recent_chain_begin(&chain, stage.run, RECENT_TAIL_MAX, 4, LONG_REGION);
    recent_order_pieces(recent_run_order(stage.run), &chain, 4, LONG_REGION, &pieces);
    assert_int_equal(pieces.count, 0);
    /* A reset run forgets the order of what was in it. */
    append(&stage, BLOCK);
    recent_chain_begin(&chain, stage.run, recent_run_count(stage.run), 5, LONG_REGION);
    recent_order_pieces(recent_run_order(stage.run), &chain, 5, LONG_REGION, &pieces);
    assert_int_equal(pieces.count, 1);
    recent_run_reset(stage.run);
    append(&stage, BLOCK);
    recent_chain_begin(&chain, stage.run, 10, 5, LONG_REGION);
    recent_order_pieces(recent_run_order(stage.run), &chain, 5, LONG_REGION, &pieces);
    assert_int_equal(pieces.count, 0);
    stage_deinit(&stage);
}

struct race {
    struct stage stage;
    atomic_bool done;
};

static void *read_while_written(void *argument) {
    struct race *race = argument;
    uint8_t *seen = malloc(ENTRIES);
    assert_non_null(seen);
    bool last = false;
    while (!last) {
        last = atomic_load(&race->done);
        (void)check_view(race->stage.run, recent_run_count(race->stage.run), seen);
    }
    free(seen);
    return NULL;
}

/* The thread sanitizer looks on. */
static void readers_order_what_is_being_written(void **state) {
    (void)state;
    struct race race = {0};
    stage_init(&race.stage);
    pthread_t readers[3];
    for (size_t i = 0; i < ARRAY_COUNT(readers); i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, read_while_written, &race), 0);
    }
    for (uint32_t count = 0; count < ENTRIES; count += 100) {
        append(&race.stage, 100);
    }
    atomic_store(&race.done, true);
    for (size_t i = 0; i < ARRAY_COUNT(readers); i++) {
        pthread_join(readers[i], NULL);
    }
    stage_deinit(&race.stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_is_in_one_piece_or_after_them),
        cmocka_unit_test(short_chains_are_left_alone),
        cmocka_unit_test(readers_order_what_is_being_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
