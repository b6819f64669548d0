#include "tests/unit/support.h"

#include "server/regions.h"
#include "tests/unit/support_db.h"
#include "tests/unit/support_region.h"

/* A database, a real committer and a loop of their own for each test. */
struct world {
    struct db_fixture db;
    uv_loop_t loop;
    struct metrics metrics;
    struct committer *committer;
    struct regions *regions;
};

struct call {
    unsigned count;
    struct region_import_result result;
};

static void nothing(void *context) {
    (void)context;
}

static void published(void *context, const struct block *block) {
    (void)context;
    (void)block;
}

static void failed(void *context, const struct error *error) {
    (void)context;
    fail_msg("%s", error->message);
}

static void open_regions(struct world *world) {
    struct error error = {""};
    enum status status = regions_new(&world->regions, &world->loop, world->db.db, world->committer,
                                     &world->db.limits, &error);
    if (status != STATUS_OK) {
        fail_msg("%s", error.message);
    }
}

static int set_up(void **state) {
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    fixture_init(&world->db, DB_ROCKS);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    metrics_init(&world->metrics);
    const struct committer_options options = {.loop = &world->loop,
                                              .db = world->db.db,
                                              .limits = &world->db.limits,
                                              .metrics = &world->metrics,
                                              .next_seq = 1,
                                              .on_published = published,
                                              .on_pressure = nothing,
                                              .on_failed = failed};
    assert_int_equal(committer_new(&world->committer, &options), STATUS_OK);
    open_regions(world);
    *state = world;
    return 0;
}

static int tear_down(void **state) {
    struct world *world = *state;
    regions_free(world->regions);
    committer_free(world->committer);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    fixture_deinit(&world->db);
    free(world);
    return 0;
}

static void on_imported(void *context, const struct region_import_result *result) {
    struct call *call = context;
    call->count++;
    call->result = *result;
}

/* Hands the upload over; it is empty afterwards. */
static void start(struct world *world, struct support_upload *upload, struct call *call) {
    *call = (struct call){.count = 0};
    regions_import(world->regions, upload->rows, upload->bytes, upload->count, on_imported, call);
    *upload = (struct support_upload){.rows = NULL};
}

static void import(struct world *world, struct support_upload *upload, struct call *call) {
    start(world, upload, call);
    while (call->count == 0) {
        uv_run(&world->loop, UV_RUN_ONCE);
    }
    assert_int_equal(call->count, 1);
    assert_false(regions_import_busy(world->regions));
}

static const struct region_table *table(struct world *world) {
    return regions_current(world->regions)->table;
}

static void assert_counts(const struct call *call, uint64_t regions, uint64_t created,
                          uint64_t updated) {
    assert_int_equal(call->result.status, STATUS_OK);
    assert_int_equal(call->result.regions_count, regions);
    assert_int_equal(call->result.created_count, created);
    assert_int_equal(call->result.updated_count, updated);
}

static void it_begins_empty(void **state) {
    struct world *world = *state;
    assert_int_equal(region_count(table(world)), 0);
    assert_int_equal(region_find(table(world), SLICE_LITERAL("c")), REGION_NONE);
}

static void add_tree(struct support_upload *upload, unsigned grids) {
    support_upload_add(upload, "c", "", 0);
    for (unsigned i = 0; i < grids; i++) {
        char code[16];
        snprintf(code, sizeof code, "g%05u", i);
        support_upload_add(upload, code, "c", 1);
    }
}

/* Sizes around the edges of a stored chunk. */
static void a_tree_is_there_again_with_the_same_ids(void **state) {
    struct world *world = *state;
    struct support_upload upload = {0};
    struct call call;
    const unsigned sizes[] = {1, REGION_CHUNK - 1, REGION_CHUNK, REGION_CHUNK + 1,
                              3 * REGION_CHUNK};
    unsigned before = 0;
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        add_tree(&upload, sizes[i] - 1);
        import(world, &upload, &call);
        assert_counts(&call, sizes[i], sizes[i] - before, 0);
        before = sizes[i];
        regions_free(world->regions);
        open_regions(world);
        assert_int_equal(region_count(table(world)), sizes[i]);
        for (unsigned id = 1; id < sizes[i]; id++) {
            char code[16];
            snprintf(code, sizeof code, "g%05u", id - 1);
            assert_int_equal(region_find(table(world), slice_text(code)), id);
        }
    }
}

static bool count_chunk(void *context, struct slice rows, size_t rows_count) {
    (void)rows;
    *(size_t *)context += rows_count;
    return true;
}

static void only_what_changed_is_written(void **state) {
    struct world *world = *state;
    struct support_upload upload = {0};
    struct call call;
    add_tree(&upload, 1000);
    import(world, &upload, &call);
    assert_counts(&call, 1001, 1001, 0);
    uint64_t commits = world->metrics.commits_total;
    add_tree(&upload, 1000);
    import(world, &upload, &call);
    assert_counts(&call, 1001, 0, 0);
    assert_int_equal(world->metrics.commits_total, commits);
    support_upload_row(&upload, &(struct region_row){.code = SLICE_LITERAL("g00300"),
                                                     .parent = SLICE_LITERAL("c"),
                                                     .name = SLICE_LITERAL("renamed"),
                                                     .level = 1});
    import(world, &upload, &call);
    assert_counts(&call, 1001, 0, 1);
    assert_int_equal(world->metrics.commits_total, commits + 1);
    regions_free(world->regions);
    open_regions(world);
    struct region_row row;
    region_to_row(table(world), 301, &row);
    assert_true(slice_is(row.name, "renamed"));
    size_t stored = 0;
    assert_int_equal(db_walk_regions(world->db.db, count_chunk, &stored, NULL), STATUS_OK);
    assert_int_equal(stored, 1001);
}

static void a_bad_row_changes_nothing(void **state) {
    struct world *world = *state;
    struct support_upload upload = {0};
    struct call call;
    add_tree(&upload, 3);
    import(world, &upload, &call);
    const struct region_table *before = table(world);
    support_upload_add(&upload, "new", "c", 1);
    support_upload_add(&upload, "lost", "nowhere", 1);
    import(world, &upload, &call);
    assert_int_equal(call.result.status, STATUS_INVALID);
    assert_int_equal(call.result.row, 1);
    assert_true(strlen(call.result.error.message) > 0);
    assert_ptr_equal(table(world), before);
}

static void a_second_import_is_told_at_once(void **state) {
    struct world *world = *state;
    struct support_upload upload = {0};
    struct call first, second;
    add_tree(&upload, 500);
    start(world, &upload, &first);
    assert_true(regions_import_busy(world->regions));
    add_tree(&upload, 5);
    start(world, &upload, &second);
    assert_int_equal(second.count, 1);
    assert_int_equal(second.result.status, STATUS_BUSY);
    while (first.count == 0) {
        uv_run(&world->loop, UV_RUN_ONCE);
    }
    assert_counts(&first, 501, 501, 0);
    assert_int_equal(second.count, 1);
}

/* The committer goes away while the table is being built, as when a drain's time runs out. */
static void an_import_that_outlives_the_committer_changes_nothing(void **state) {
    struct world *world = *state;
    struct support_upload upload = {0};
    struct call call;
    add_tree(&upload, 5);
    import(world, &upload, &call);
    const struct region_table *before = table(world);
    add_tree(&upload, 500);
    start(world, &upload, &call);
    regions_stop(world->regions);
    committer_free(world->committer);
    world->committer = NULL;
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(call.count, 1);
    assert_int_equal(call.result.status, STATUS_BUSY);
    assert_true(strlen(call.result.error.message) > 0);
    assert_ptr_equal(table(world), before);
    size_t stored = 0;
    assert_int_equal(db_walk_regions(world->db.db, count_chunk, &stored, NULL), STATUS_OK);
    assert_int_equal(stored, 6);
    add_tree(&upload, 7);
    start(world, &upload, &call);
    assert_int_equal(call.result.status, STATUS_BUSY);
}

static void who_holds_a_table_keeps_it(void **state) {
    struct world *world = *state;
    struct support_upload upload = {0};
    struct call call;
    add_tree(&upload, 10);
    import(world, &upload, &call);
    struct region_ref *held = region_ref_acquire(regions_current(world->regions));
    add_tree(&upload, 20);
    import(world, &upload, &call);
    assert_int_equal(region_count(held->table), 11);
    assert_int_equal(region_count(table(world)), 21);
    region_ref_release(held);
    region_ref_release(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_begins_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tree_is_there_again_with_the_same_ids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_what_changed_is_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bad_row_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_import_is_told_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_import_that_outlives_the_committer_changes_nothing,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_holds_a_table_keeps_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
