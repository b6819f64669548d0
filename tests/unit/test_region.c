#include "core/region/region.h"
#include "tests/unit/support.h"
#include "tests/unit/support_limits.h"
#include "tests/unit/support_region.h"

#include <zlib.h>

static struct support_upload upload;

static uint32_t id_of(const struct region_table *table, const char *code) {
    uint32_t id = region_find(table, slice_text(code));
    assert_int_not_equal(id, REGION_NONE);
    return id;
}

static bool is_within(const struct region_table *table, const char *code, const char *root) {
    return region_is_within(table, id_of(table, code), id_of(table, root));
}

/* The build must fail, at this row, with a message that has all of `words`. */
static void assert_refused_with(const struct region_table *before, const struct limits *limits,
                                size_t row, const char *const *words) {
    size_t bytes = region_table_bytes(before, upload.count, upload.bytes);
    void *memory = malloc(bytes);
    struct region_table *table = NULL;
    struct error error = {""};
    size_t ret_row = SIZE_MAX;
    assert_int_equal(region_table_build(&table, memory, bytes, before,
                                        (struct slice){upload.rows, upload.bytes}, upload.count,
                                        limits, &ret_row, &error),
                     STATUS_INVALID);
    assert_null(table);
    for (; *words != NULL; words++) {
        if (strstr(error.message, *words) == NULL) {
            fail_msg("'%s' is not in '%s'", *words, error.message);
        }
    }
    assert_int_equal(ret_row, row);
    free(memory);
    upload.bytes = upload.count = 0;
}

#define ASSERT_REFUSED(before, row, ...)                                                           \
    do {                                                                                           \
        struct limits limits_default;                                                              \
        limits_init(&limits_default);                                                              \
        assert_refused_with(before, &limits_default, row,                                          \
                            (const char *const[]){__VA_ARGS__, NULL});                             \
    } while (0)

static void rows_survive_encoding(void **state) {
    (void)state;
    uint8_t bytes[REGION_ROW_BYTES_MAX];
    struct region_row row = {.code = SLICE_LITERAL("610428"),
                             .parent = SLICE_LITERAL("6104"),
                             .name = SLICE_LITERAL("长武县"),
                             .kind = SLICE_LITERAL("county"),
                             .leader = SLICE_LITERAL("Li"),
                             .level = 3,
                             .has_position = true,
                             .position = {35.2, 107.8}};
    size_t count = region_row_encode(bytes, &row);
    assert_int_equal(count, region_row_encoded_bytes(&row));
    struct region_row read;
    assert_int_equal(region_row_decode(&read, (struct slice){bytes, sizeof bytes}), count);
    assert_true(slice_equal(read.code, row.code) && slice_equal(read.parent, row.parent));
    assert_true(slice_equal(read.name, row.name) && slice_equal(read.kind, row.kind));
    assert_true(slice_equal(read.leader, row.leader));
    assert_int_equal(read.level, 3);
    assert_true(read.has_position && read.position.lat_deg == 35.2 &&
                read.position.lon_deg == 107.8);
    for (size_t cut = 0; cut < count; cut++) {
        assert_int_equal(region_row_decode(&read, (struct slice){bytes, cut}), 0);
    }
    const struct {
        size_t at;
        uint8_t value;
    } damages[] = {{0, REGION_LEVEL_MAX + 1},
                   {1, 2},
                   {1, 3},
                   {2, 0},
                   {2, 65},
                   {3, 65},
                   {4, 65},
                   {6, 5},
                   {8, 5},
                   {16, 0x7f}};
    for (size_t i = 0; i < ARRAY_COUNT(damages); i++) {
        uint8_t was = bytes[damages[i].at];
        bytes[damages[i].at] = damages[i].value;
        assert_int_equal(region_row_decode(&read, (struct slice){bytes, sizeof bytes}), 0);
        bytes[damages[i].at] = was;
    }
}

static void the_longest_row_survives_encoding(void **state) {
    (void)state;
    static uint8_t text[REGION_NAME_BYTES_CAP], bytes[REGION_ROW_BYTES_MAX];
    memset(text, 'x', sizeof text);
    struct region_row row = {.code = {text, REGION_CODE_BYTES_CAP},
                             .parent = {text, REGION_CODE_BYTES_CAP},
                             .name = {text, REGION_NAME_BYTES_CAP},
                             .kind = {text, REGION_KIND_BYTES_MAX},
                             .leader = {text, REGION_NAME_BYTES_CAP},
                             .level = REGION_LEVEL_MAX,
                             .has_position = true,
                             .position = {-90, 180}};
    assert_int_equal(region_row_encode(bytes, &row), sizeof bytes);
    struct region_row read;
    assert_int_equal(region_row_decode(&read, (struct slice){bytes, sizeof bytes}), sizeof bytes);
}

static void an_empty_table_has_nothing(void **state) {
    (void)state;
    void *memory;
    struct region_table *table = support_table(&memory, NULL, &upload);
    assert_int_equal(region_count(table), 0);
    assert_int_equal(region_find(table, SLICE_LITERAL("1")), REGION_NONE);
    assert_int_equal(region_first_root(table), REGION_NONE);
    free(memory);
}

static void children_may_come_before_parents(void **state) {
    (void)state;
    support_upload_add(&upload, "a.2", "a", 3);
    support_upload_add(&upload, "a.10", "a", 3);
    support_upload_add(&upload, "a", "r", 1);
    support_upload_add(&upload, "r", "r", 0);
    support_upload_add(&upload, "q", "", 0);
    support_upload_add(&upload, "a.1", "a", 5);
    void *memory;
    struct region_table *table = support_table(&memory, NULL, &upload);
    assert_int_equal(region_count(table), 6);
    assert_int_equal(id_of(table, "a.2"), 0);
    assert_int_equal(id_of(table, "a.1"), 5);
    struct region a = region_get(table, id_of(table, "a"));
    assert_int_equal(a.children_count, 3);
    assert_int_equal(a.parent, id_of(table, "r"));
    assert_int_equal(a.depth, 1);
    const char *const in_order[] = {"a.1", "a.10", "a.2"};
    uint32_t id = a.first_child;
    for (size_t i = 0; i < 3; i++) {
        struct region child = region_get(table, id);
        assert_true(slice_is(child.code, in_order[i]) && slice_is(child.name, in_order[i]));
        id = child.next_sibling;
    }
    assert_int_equal(id, REGION_NONE);
    assert_int_equal(region_get(table, id_of(table, "q")).next_sibling, id_of(table, "r"));
    assert_int_equal(region_first_root(table), id_of(table, "q"));
    assert_int_equal(region_get(table, id_of(table, "r")).parent, REGION_NONE);
    assert_int_equal(region_subtree_count(table, id_of(table, "r")), 5);
    struct region_row row;
    region_to_row(table, id_of(table, "a"), &row);
    assert_true(slice_is(row.parent, "r"));
    region_to_row(table, id_of(table, "r"), &row);
    assert_int_equal(row.parent.bytes, 0);
    free(memory);
}

static void a_prefix_is_not_an_ancestor(void **state) {
    (void)state;
    support_upload_add(&upload, "0", "", 0);
    support_upload_add(&upload, "1", "0", 1);
    support_upload_add(&upload, "10", "0", 1);
    support_upload_add(&upload, "100", "1", 2);
    support_upload_add(&upload, "2", "10", 2);
    void *memory;
    struct region_table *table = support_table(&memory, NULL, &upload);
    assert_false(is_within(table, "10", "1"));
    assert_false(is_within(table, "1", "10"));
    assert_false(is_within(table, "100", "10"));
    assert_true(is_within(table, "100", "1"));
    assert_true(is_within(table, "2", "10"));
    assert_true(is_within(table, "1", "1"));
    assert_true(is_within(table, "2", "0"));
    assert_false(is_within(table, "0", "2"));
    free(memory);
}

static void an_upload_replaces_all_columns(void **state) {
    (void)state;
    void *memory, *memory_after;
    support_upload_row(&upload, &(struct region_row){.code = SLICE_LITERAL("r"),
                                                     .name = SLICE_LITERAL("root"),
                                                     .leader = SLICE_LITERAL("Wang")});
    support_upload_add_at(&upload, "a", "r", 1, (struct position){1, 2});
    support_upload_add(&upload, "b", "r", 1);
    support_upload_add(&upload, "c", "a", 2);
    support_upload_add(&upload, "d", "c", 3);
    struct region_table *before = support_table(&memory, NULL, &upload);

    support_upload_add(&upload, "e", "d", 9);
    support_upload_add(&upload, "c", "r", 1);
    support_upload_add(&upload, "a", "r", 1);
    support_upload_add(&upload, "c", "b", 2); /* the later row of one upload wins */
    struct region_table *table = support_table(&memory_after, before, &upload);
    assert_int_equal(region_count(table), 6);
    for (const char *code = "abcdr"; *code != '\0'; code++) {
        struct slice text = {(const uint8_t *)code, 1};
        assert_int_equal(region_find(table, text), region_find(before, text));
    }
    assert_int_equal(id_of(table, "e"), 5);
    assert_int_equal(region_get(table, id_of(table, "a")).children_count, 0);
    assert_false(region_get(table, id_of(table, "a")).has_position);
    assert_true(is_within(table, "e", "b"));
    assert_false(is_within(table, "c", "a"));
    assert_int_equal(region_subtree_count(table, id_of(table, "b")), 4);
    assert_true(slice_is(region_get(table, id_of(table, "r")).leader, "Wang"));
    uint32_t path[REGION_DEPTH_CAP];
    assert_int_equal(region_path(table, id_of(table, "e"), path), 5);
    assert_int_equal(path[1], id_of(table, "b"));
    assert_int_equal(path[4], id_of(table, "e"));
    /* The table before still says what it said. */
    assert_true(is_within(before, "d", "a"));
    assert_int_equal(region_find(before, SLICE_LITERAL("e")), REGION_NONE);
    free(memory);
    free(memory_after);
}

static void bad_trees_are_refused_by_row(void **state) {
    (void)state;
    support_upload_add(&upload, "r", "", 0);
    support_upload_add(&upload, "a", "r", 1);
    support_upload_add(&upload, "b", "nowhere", 2);
    support_upload_add(&upload, "c", "elsewhere", 2);
    ASSERT_REFUSED(NULL, 2, "region b", "parent nowhere");

    support_upload_add(&upload, "r", "", 0);
    support_upload_add(&upload, "a", "c", 1);
    support_upload_add(&upload, "b", "a", 2);
    support_upload_add(&upload, "c", "b", 3);
    support_upload_add(&upload, "below", "c", 4);
    ASSERT_REFUSED(NULL, 1, "region a", "cycle", "parent c");

    support_upload_add(&upload, "r", "", 0);
    support_upload_add(&upload, "a", "r", 1);
    support_upload_add(&upload, "b", "a", 1);
    ASSERT_REFUSED(NULL, 2, "region b", "level 1", "parent a's level 1");

    support_upload_add(&upload, "a", "a", 1);
    support_upload_add(&upload, "b", "a", 2);
    upload.rows[upload.bytes - 4 - 7] = 0xff; /* into the second row's header */
    ASSERT_REFUSED(NULL, 1, "damaged");
}

static void an_upload_cannot_break_what_is_there(void **state) {
    (void)state;
    void *memory;
    support_upload_add(&upload, "r", "", 0);
    support_upload_add(&upload, "a", "r", 1);
    support_upload_add(&upload, "b", "a", 2);
    support_upload_add(&upload, "c", "b", 3);
    struct region_table *before = support_table(&memory, NULL, &upload);

    support_upload_add(&upload, "new", "r", 1);
    support_upload_add(&upload, "a", "c", 4); /* the cycle goes through old rows */
    ASSERT_REFUSED(before, 1, "region a", "cycle");

    support_upload_add(&upload, "new", "r", 1);
    support_upload_add(&upload, "b", "a", 3); /* old c is no longer below it */
    ASSERT_REFUSED(before, 1, "region c", "level 3", "parent b's level 3");

    struct limits limits;
    limits_init(&limits);
    limits.region_depth = 4;
    support_upload_add(&upload, "z", "r", 1);
    support_upload_add(&upload, "a", "z", 2);
    support_upload_add(&upload, "b", "a", 3);
    support_upload_add(&upload, "c", "b", 4);
    support_upload_add(&upload, "d", "c", 5);
    assert_refused_with(before, &limits, 4,
                        (const char *const[]){"region d", "5 steps", "more than 4", NULL});
    free(memory);
}

static void limits_are_kept_to_the_number(void **state) {
    (void)state;
    struct limits limits;
    limits_init(&limits);
    limits.regions = 16;
    char code[16];
    EACH_AROUND(count, limits, regions) {
        for (int i = 0; i < (int)count; i++) {
            snprintf(code, sizeof code, "%d", i);
            support_upload_add(&upload, code, "0", i == 0 ? 0 : 1);
        }
        support_upload_add(&upload, "3", "0", 2); /* known already: does not count */
        if (count > 16) {
            assert_refused_with(NULL, &limits, 16, (const char *const[]){"16", NULL});
        } else {
            size_t bytes = region_table_bytes(NULL, upload.count, upload.bytes);
            void *memory = malloc(bytes);
            struct region_table *table;
            size_t row;
            assert_int_equal(region_table_build(&table, memory, bytes, NULL,
                                                (struct slice){upload.rows, upload.bytes},
                                                upload.count, &limits, &row, NULL),
                             STATUS_OK);
            assert_int_equal(region_count(table), count);
            free(memory);
            upload.bytes = upload.count = 0;
        }
    }
}

static void the_deepest_tree_has_a_path(void **state) {
    (void)state;
    char code[16], parent[16] = "";
    for (int level = 0; level <= REGION_LEVEL_MAX; level++) {
        snprintf(code, sizeof code, "%d", level);
        support_upload_add(&upload, code, parent, (uint8_t)level);
        memcpy(parent, code, sizeof parent);
    }
    void *memory;
    struct region_table *table = support_table(&memory, NULL, &upload);
    uint32_t path[REGION_DEPTH_CAP];
    assert_int_equal(region_path(table, id_of(table, "15"), path), 16);
    free(memory);
}

/* Subtrees of random trees against walking every region's parents, over several uploads. */
static void random_trees_agree_with_walking(void **state) {
    (void)state;
    enum { COUNT = 300, ROUNDS = 4 };
    uint64_t random = 7;
    void *memory = NULL;
    struct region_table *table = NULL;
    char code[16], parent[16];
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < COUNT; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            if (round > 0 && (random >> 40) % 3 == 0) {
                continue;
            }
            int level = i % 16;
            int up = level == 0 ? i : (int)((random >> 33) % COUNT) / 16 * 16 + level - 1;
            up = up >= COUNT ? level - 1 : up;
            snprintf(code, sizeof code, "%d", i * 7919 % 6000);
            snprintf(parent, sizeof parent, "%d", up * 7919 % 6000);
            support_upload_add(&upload, code, parent, (uint8_t)level);
        }
        void *next;
        table = support_table(&next, table, &upload);
        free(memory);
        memory = next;
        assert_int_equal(region_count(table), COUNT);
        for (uint32_t root = 0; root < COUNT; root++) {
            static uint32_t ids[COUNT];
            bool in_subtree[COUNT] = {false};
            region_subtree(table, root, ids);
            assert_int_equal(ids[0], root);
            size_t count = region_subtree_count(table, root);
            for (size_t i = 0; i < count; i++) {
                uint32_t up = region_get(table, ids[i]).parent;
                assert_true(i == 0 || in_subtree[up]);
                in_subtree[ids[i]] = true;
            }
            for (uint32_t id = 0; id < COUNT; id++) {
                uint32_t path[REGION_DEPTH_CAP];
                size_t steps = region_path(table, id, path);
                bool found = false;
                for (size_t i = 0; i < steps; i++) {
                    found = found || path[i] == root;
                }
                assert_true(found == in_subtree[id]);
                assert_true(found == region_is_within(table, id, root));
            }
        }
    }
    free(memory);
}

static void upload_china(const char *path) {
    gzFile file = gzopen(path, "rb");
    assert_non_null(file);
    char line[512];
    uint8_t scratch[sizeof line];
    const char *why = NULL;
    struct limits limits;
    limits_init(&limits);
    struct region_columns columns;
    assert_non_null(gzgets(file, line, sizeof line));
    assert_true(region_columns_parse(&columns, slice_text(line), &why));
    while (gzgets(file, line, sizeof line) != NULL) {
        struct region_row row;
        if (!region_row_from_csv(&row, &columns, slice_text(line), scratch, sizeof scratch, &limits,
                                 &why)) {
            fail_msg("%s: %s", line, why);
        }
        support_upload_row(&upload, &row);
    }
    gzclose(file);
}

static void china_is_read_whole(void **state) {
    (void)state;
    const char *path = support_corpus("admin-divisions/china-2016-all.csv.gz");
    if (path == NULL) {
        skip();
    }
    upload_china(path);
    assert_int_equal(upload.count, 713035);
    void *memory;
    struct region_table *table = support_table(&memory, NULL, &upload);
    const uint32_t expected[] = {1, 34, 344, 3133, 42868, 666655};
    uint32_t levels[REGION_LEVEL_MAX + 1] = {0};
    uint32_t *parents = malloc(region_count(table) * sizeof *parents);
    assert_non_null(parents);
    for (uint32_t id = 0; id < region_count(table); id++) {
        struct region region = region_get(table, id);
        levels[region.level]++;
        parents[id] = region.parent;
        assert_int_equal(region.level, region.depth);
    }
    assert_memory_equal(levels, expected, sizeof expected);

    uint32_t changwu = id_of(table, "610428000000");
    assert_true(slice_is(region_get(table, changwu).name, "长武县"));
    uint32_t ids[REGION_DEPTH_CAP];
    assert_int_equal(region_path(table, changwu, ids), 4);
    const char *const codes[] = {"100000000000", "610000000000", "610400000000", "610428000000"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ids[i], id_of(table, codes[i]));
    }
    assert_int_equal(region_get(table, changwu).children_count, 8);
    const char *const roots[] = {"100000000000", "610900000000", "610428000000", "140428000000"};
    for (size_t i = 0; i < ARRAY_COUNT(roots); i++) {
        uint32_t root = id_of(table, roots[i]);
        size_t below = 0;
        for (uint32_t id = 0; id < region_count(table); id++) {
            uint32_t up = id;
            while (up != REGION_NONE && up != root) {
                up = parents[up];
            }
            below += up == root;
        }
        assert_int_equal(region_subtree_count(table, root), below);
    }
    assert_int_equal(region_subtree_count(table, changwu), 1 + 8 + 147);
    free(parents);
    free(memory);
}

static int upload_drop(void **state) {
    (void)state;
    support_upload_free(&upload);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_survive_encoding),
        cmocka_unit_test(the_longest_row_survives_encoding),
        cmocka_unit_test(an_empty_table_has_nothing),
        cmocka_unit_test(children_may_come_before_parents),
        cmocka_unit_test(a_prefix_is_not_an_ancestor),
        cmocka_unit_test(an_upload_replaces_all_columns),
        cmocka_unit_test(bad_trees_are_refused_by_row),
        cmocka_unit_test(an_upload_cannot_break_what_is_there),
        cmocka_unit_test(limits_are_kept_to_the_number),
        cmocka_unit_test(the_deepest_tree_has_a_path),
        cmocka_unit_test(random_trees_agree_with_walking),
        cmocka_unit_test(china_is_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, upload_drop);
}
