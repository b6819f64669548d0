#include "bench/feed_reader.h"
#include "bench/generator.h"
#include "tests/unit/support.h"

static struct load_options options_for(const struct bench_tree *tree, uint64_t seed) {
    return (struct load_options){
        .seed = seed, .lines = 5000, .repeated_pct = 10, .now_ms = 1795338000000, .tree = tree};
}

static void the_same_seed_gives_the_same_bytes(void **state) {
    (void)state;
    struct bench_tree tree;
    struct load a, b, other;
    bench_tree_make(&tree, 1000);
    const struct load_options same = options_for(&tree, 7), different = options_for(&tree, 8);
    assert_true(load_make(&a, &same));
    assert_true(load_make(&b, &same));
    assert_true(load_make(&other, &different));
    assert_int_equal(a.bytes_count, b.bytes_count);
    assert_memory_equal(a.bytes, b.bytes, a.bytes_count);
    assert_true(other.bytes_count != a.bytes_count ||
                memcmp(other.bytes, a.bytes, a.bytes_count) != 0);
    load_free(&a);
    load_free(&b);
    load_free(&other);
    bench_tree_free(&tree);
}

static void repeated_lines_are_as_many_as_asked_and_equal_an_earlier_one(void **state) {
    (void)state;
    struct bench_tree tree;
    struct load load;
    bench_tree_make(&tree, 10);
    const struct load_options options = options_for(&tree, 1);
    assert_true(load_make(&load, &options));
    assert_in_range(load.repeated, 400, 600);
    uint64_t distinct = 0;
    for (uint64_t line = 0; line < load.lines; line++) {
        struct slice body = load_body(&load, line, 1);
        assert_int_equal(body.data[body.bytes - 1], '\n');
        assert_in_range(body.bytes, 200, 400);
        char number[24];
        snprintf(number, sizeof number, "-%010u\"", (unsigned)line);
        distinct += memmem(body.data, body.bytes, number, strlen(number)) != NULL;
    }
    assert_int_equal(distinct + load.repeated, load.lines);
    load_free(&load);
    bench_tree_free(&tree);
}

static bool says(struct slice body, const char *text) {
    return memmem(body.data, body.bytes, text, strlen(text)) != NULL;
}

/* The plain load opens no ticket; of the other the asked share has a place, and most places are
 * reported more than once. */
static void lines_for_tickets_are_as_many_as_asked_and_lie_in_clusters(void **state) {
    (void)state;
    struct bench_tree tree;
    struct load plain, mixed;
    bench_tree_make(&tree, 1000);
    struct load_options options = options_for(&tree, 3);
    options.repeated_pct = 0;
    assert_true(load_make(&plain, &options));
    options.tickets_pct = 20;
    options.category = "bench_due";
    options.category_pct = 5;
    assert_true(load_make(&mixed, &options));
    uint64_t with_place = 0, urgent = 0, of_category = 0;
    static uint64_t grids[1000];
    for (uint64_t line = 0; line < mixed.lines; line++) {
        struct slice body = load_body(&mixed, line, 1);
        struct slice round = load_body(&plain, line, 1);
        assert_in_range(body.bytes, 200, 400);
        assert_true(says(round, "\"patrol\"") || says(round, "\"collect\"") ||
                    says(round, "\"publicity\""));
        assert_false(says(round, "\"location\""));
        of_category += says(body, "\"bench_due\"");
        with_place += says(body, "\"location\"");
        urgent += says(body, "manhole_missing") || says(body, "gas_leak") ||
                  says(body, "forest_fire") || says(body, "person_in_danger");
        for (size_t i = 0; i < tree.grids_count && says(body, "\"exposed_garbage\""); i++) {
            grids[i] += says(body, tree.grids[i]);
        }
    }
    assert_in_range(of_category, 200, 300);
    assert_in_range(with_place - of_category, 900, 1100);
    assert_in_range(urgent, 1, 60);
    uint64_t places = 0, reports = 0;
    for (size_t i = 0; i < tree.grids_count; i++) {
        places += grids[i] > 0;
        reports += grids[i];
    }
    assert_true(reports >= 3 * places);
    load_free(&plain);
    load_free(&mixed);
    bench_tree_free(&tree);
}

static void a_tree_has_its_grids_and_their_parents(void **state) {
    (void)state;
    struct bench_tree tree, read;
    const char *why;
    bench_tree_make(&tree, 4000);
    assert_int_equal(tree.grids_count, 4000);
    char path[4096];
    const char *directory = support_temporary_directory();
    snprintf(path, sizeof path, "%s/tree.csv", directory);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(tree.csv, 1, tree.csv_bytes, file), tree.csv_bytes);
    fclose(file);
    assert_true(bench_tree_read(&read, path, &why));
    assert_int_equal(read.grids_count, tree.grids_count);
    for (size_t i = 0; i < read.grids_count; i++) {
        assert_string_equal(read.grids[i], tree.grids[i]);
    }
    support_remove_tree(directory);
    assert_false(bench_tree_read(&read, path, &why));
    bench_tree_free(&read);
    bench_tree_free(&tree);
}

static uint64_t seen[16], seen_count;

static void on_event(void *context, const struct feed_event *event) {
    (void)context;
    assert_true(seen_count < ARRAY_COUNT(seen));
    assert_int_equal(event->data.bytes, 2);
    assert_memory_equal(event->data.data, "{}", 2);
    seen[seen_count++] = event->seq;
}

/* However the bytes are cut, the same events come out. */
static void a_feed_is_read_however_it_is_cut(void **state) {
    (void)state;
    static const char wire[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "1c\r\nretry: 3000\nid: 00ff-11\n\n: h\r\n"
                               "26\r\nb\n\nid: 00ff-12\nevent: report\ndata: {}\n\r\n"
                               "1E\r\n\nid: 00ff-13\ndata:\n\nid: 00ff-1\r\n"
                               "0c\r\n4\ndata: {}\n\n\r\n";
    for (size_t step = 1; step < sizeof wire; step++) {
        struct feed_reader reader;
        feed_reader_init(&reader, NULL, on_event);
        seen_count = 0;
        for (size_t at = 0; at < sizeof wire - 1; at += step) {
            size_t bytes = step < sizeof wire - 1 - at ? step : sizeof wire - 1 - at;
            feed_reader_take(&reader, (struct slice){(const uint8_t *)wire + at, bytes});
        }
        assert_int_equal(seen_count, 2);
        assert_int_equal(seen[0], 12);
        assert_int_equal(seen[1], 14);
        assert_int_equal(reader.missed, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(repeated_lines_are_as_many_as_asked_and_equal_an_earlier_one),
        cmocka_unit_test(lines_for_tickets_are_as_many_as_asked_and_lie_in_clusters),
        cmocka_unit_test(a_tree_has_its_grids_and_their_parents),
        cmocka_unit_test(a_feed_is_read_however_it_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
