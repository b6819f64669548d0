#include "tests/unit/support_db.h"

#include "core/text/instant.h"

#include <pthread.h>
#include <stdatomic.h>

static void check_queries(struct db_fixture *fixture, int rounds) {
    for (int i = 0; i < rounds; i++) {
        fixture_check_random_query(fixture);
    }
}

static void queries_agree_with_the_model(enum db_kind kind) {
    struct db_fixture fixture;
    fixture_init(&fixture, kind);
    fixture.mixed_kinds = true;
    check_queries(&fixture, 5);
    for (int i = 0; i < 12; i++) {
        fixture_append_many(&fixture, 90);
        check_queries(&fixture, 40);
    }
    fixture_settle(&fixture);
    check_queries(&fixture, 100);
    struct db_stats stats;
    db_stats(fixture.db, &stats);
    assert_true(stats.runs_sealed_total >= 3);
    assert_true(stats.sealed_through > 0);
    fixture_deinit(&fixture);
}

static void queries_agree_in_memory(void **state) {
    (void)state;
    queries_agree_with_the_model(DB_MEM);
}

static void queries_agree_in_rocksdb(void **state) {
    (void)state;
    queries_agree_with_the_model(DB_ROCKS);
}

static void pages_end_where_the_batches_do(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_MEM);
    fixture.limits.run_entries = 4000;
    fixture_close(&fixture);
    fixture_open(&fixture);
    fixture.days = 1;
    fixture_append_many(&fixture, 2500);
    uint32_t regions[12];
    for (uint32_t i = 0; i < ARRAY_COUNT(regions); i++) {
        regions[i] = i;
    }
    const size_t pages[] = {1, 127, 128, 129, 511, 512, 513, 640, 641, 10000};
    for (size_t i = 0; i < ARRAY_COUNT(pages); i++) {
        for (size_t count = 1; count <= ARRAY_COUNT(regions); count += 11) {
            struct timeline_query query = {.regions = regions,
                                           .regions_count = count,
                                           .from_ms = INT64_MIN,
                                           .to_ms = INT64_MAX,
                                           .ascending = i % 2 == 0};
            if (pages[i] > 1 || count == 1) {
                fixture_check_query(&fixture, query, pages[i]);
            }
        }
    }
    fixture_deinit(&fixture);
}

static bool count_row(void *context, const struct timeline_row *row) {
    (void)row;
    ++*(size_t *)context;
    return true;
}

static size_t count_rows(struct db_fixture *fixture, const struct timeline_query *query) {
    size_t count = 0;
    struct error error;
    assert_int_equal(timeline_walk(fixture->db, query, count_row, &count, &error), STATUS_OK);
    return count;
}

/* Chains that readers put in order: equal milliseconds, cursors, both directions, filters. */
static void long_chains_agree_with_the_model(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_MEM);
    fixture.limits.run_entries = 20000;
    fixture_close(&fixture);
    fixture_open(&fixture);
    fixture.days = 1;
    fixture.regions = 2;
    fixture.mixed_kinds = true;
    for (int i = 0; i < 3; i++) {
        fixture_append_many(&fixture, 9000);
        check_queries(&fixture, 8);
        const uint32_t regions[] = {0, 1};
        for (int form = 0; form < 4; form++) {
            struct timeline_query query = {.regions = regions,
                                           .regions_count = (size_t)1 + (form & 1),
                                           .from_ms = INT64_MIN,
                                           .to_ms = INT64_MAX,
                                           .ascending = form >= 2};
            fixture_check_query(&fixture, query, 1500);
        }
    }
    fixture_deinit(&fixture);
}

static void hostile_ranges_and_cursors_are_harmless(void **state) {
    (void)state;
    struct db_fixture fixture;
    fixture_init(&fixture, DB_MEM);
    fixture_append_many(&fixture, 300);
    const uint32_t regions[] = {0, 5, 4000000};
    const int64_t instants[] = {INT64_MIN,     -1,       0, 1, (int64_t)FIXTURE_FIRST_DAY * DAY_MS,
                                INT64_MAX - 1, INT64_MAX};
    for (size_t a = 0; a < ARRAY_COUNT(instants); a++) {
        for (size_t b = 0; b < ARRAY_COUNT(instants); b++) {
            for (int ascending = 0; ascending < 2; ascending++) {
                struct timeline_query query = {.regions = regions,
                                               .regions_count = 1 + a % 3,
                                               .from_ms = instants[a],
                                               .to_ms = instants[b],
                                               .ascending = ascending == 1,
                                               .has_after = true,
                                               .after = {instants[(a + b) % 7], 5, UINT64_MAX}};
                fixture_check_query(&fixture, query, 100);
                query.after.identity_low = 0;
                fixture_check_query(&fixture, query, 100);
            }
        }
    }
    struct timeline_query nothing = {.from_ms = 0, .to_ms = INT64_MAX};
    assert_int_equal(count_rows(&fixture, &nothing), 0);
    fixture_deinit(&fixture);
}

struct race {
    struct db_fixture *fixture;
    atomic_bool done;
    atomic_uint_fast64_t published;
};

struct progress {
    size_t count;
    bool has_last;
    struct timeline_position last;
};

static bool check_order(void *context, const struct timeline_row *row) {
    struct progress *progress = context;
    struct timeline_position position = {row->entry.occurred_ms, row->entry.region,
                                         row->entry.identity.low};
    if (progress->has_last && timeline_position_compare(&position, &progress->last) >= 0) {
        abort();
    }
    progress->has_last = true;
    progress->last = position;
    progress->count++;
    return true;
}

/* Whatever is sealed meanwhile, a walk gives each row exactly once: at least as many rows as were
 * published before it, at most as many as were after it. */
static void *walk_while_written(void *argument) {
    struct race *race = argument;
    uint32_t regions[12];
    for (uint32_t i = 0; i < ARRAY_COUNT(regions); i++) {
        regions[i] = i;
    }
    const struct timeline_query query = {.regions = regions,
                                         .regions_count = ARRAY_COUNT(regions),
                                         .from_ms = 0,
                                         .to_ms = INT64_MAX};
    while (!atomic_load(&race->done)) {
        struct progress progress = {0};
        struct error error;
        uint64_t before = atomic_load(&race->published);
        if (timeline_walk(race->fixture->db, &query, check_order, &progress, &error) != STATUS_OK ||
            progress.count < before) {
            abort();
        }
        /* One block may be published and not counted yet. */
        if (progress.count > atomic_load(&race->published) + race->fixture->limits.block_entries) {
            abort();
        }
    }
    return NULL;
}

static void rows_come_once_while_runs_are_sealed(enum db_kind kind) {
    struct db_fixture fixture;
    fixture_init(&fixture, kind);
    struct race race = {.fixture = &fixture};
    pthread_t readers[2];
    for (size_t i = 0; i < ARRAY_COUNT(readers); i++) {
        pthread_create(&readers[i], NULL, walk_while_written, &race);
    }
    for (int i = 0; i < 150; i++) {
        fixture_append(&fixture, 20);
        atomic_fetch_add(&race.published, 20);
    }
    atomic_store(&race.done, true);
    for (size_t i = 0; i < ARRAY_COUNT(readers); i++) {
        pthread_join(readers[i], NULL);
    }
    check_queries(&fixture, 10);
    fixture_deinit(&fixture);
}

static void rows_come_once_in_memory(void **state) {
    (void)state;
    rows_come_once_while_runs_are_sealed(DB_MEM);
}

static void rows_come_once_in_rocksdb(void **state) {
    (void)state;
    rows_come_once_while_runs_are_sealed(DB_ROCKS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_agree_in_memory),
        cmocka_unit_test(queries_agree_in_rocksdb),
        cmocka_unit_test(pages_end_where_the_batches_do),
        cmocka_unit_test(long_chains_agree_with_the_model),
        cmocka_unit_test(hostile_ranges_and_cursors_are_harmless),
        cmocka_unit_test(rows_come_once_in_memory),
        cmocka_unit_test(rows_come_once_in_rocksdb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
