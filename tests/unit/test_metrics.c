#include "server/process/metrics_text.h"
#include "server/process/process.h"
#include "tests/unit/support.h"

#include <ctype.h>

static struct metrics metrics;

static void a_bound_belongs_to_its_bucket(void **state) {
    (void)state;
    metrics_init(&metrics);
    struct histogram *histogram = &metrics.loop_lag_seconds;
    assert_true(histogram->bounds_count > 3 && histogram->bounds_count <= 15);
    histogram_add(histogram, histogram->bounds_s[2]);
    assert_int_equal(histogram->counts[2], 1);
    histogram_add(histogram, histogram->bounds_s[2] * 1.0001);
    assert_int_equal(histogram->counts[3], 1);
    histogram_add(histogram, -1);
    histogram_add(histogram, 0);
    assert_int_equal(histogram->counts[0], 2);
    histogram_add(histogram, 1e9);
    assert_int_equal(histogram->counts[histogram->bounds_count], 1);
    assert_int_equal(histogram_count(histogram), 5);
}

static void every_histogram_rises(void **state) {
    (void)state;
    metrics_init(&metrics);
    const struct histogram *all[] = {
        &metrics.commit_seconds,   &metrics.ack_seconds,
        &metrics.loop_lag_seconds, &metrics.seal_seconds,
        &metrics.http_seconds[0],  &metrics.http_seconds[METRICS_ROUTES_MAX - 1]};
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        assert_true(all[i]->bounds_count > 0 && all[i]->bounds_count < ARRAY_COUNT(all[i]->counts));
        for (uint32_t k = 1; k < all[i]->bounds_count; k++) {
            assert_true(all[i]->bounds_s[k - 1] < all[i]->bounds_s[k]);
        }
    }
}

static char *written(void) {
    static const char *const routes[] = {"reports_post", "status"};
    struct buffer buffer;
    buffer_init(&buffer);
    metrics_text_write(&buffer, &metrics, routes, ARRAY_COUNT(routes));
    buffer_append(&buffer, "", 1);
    char *text = strdup((const char *)buffer.data);
    buffer_deinit(&buffer);
    assert_non_null(text);
    return text;
}

static void has(const char *text, const char *line) {
    if (strstr(text, line) == NULL) {
        fail_msg("\"%s\" is missing", line);
    }
}

static void counters_come_out(void **state) {
    (void)state;
    metrics_init(&metrics);
    metrics.reports_total[VERDICT_CREATED] = 12;
    metrics.reports_total[VERDICT_CONFLICT] = UINT64_MAX;
    metrics.feed_cut_total = 3;
    metrics_add_request(&metrics, 0, 201, 0.25);
    metrics_add_request(&metrics, 0, 599, 0.25);
    metrics_add_request(&metrics, 1, 0, 0.25);
    metrics_add_rejected(&metrics, "bare_cr");
    metrics_add_rejected(&metrics, "bare_cr");
    metrics_add_rejected(&metrics, "too_large");
    histogram_add(&metrics.ack_seconds, 0.0004);
    histogram_add(&metrics.ack_seconds, 100);
    char *text = written();
    has(text, "\ngridd_reports_total{verdict=\"created\"} 12\n");
    has(text, "\ngridd_reports_total{verdict=\"conflict\"} 18446744073709551615\n");
    has(text, "\ngridd_reports_total{verdict=\"merged\"} 0\n");
    has(text, "\ngridd_feed_dropped_total 3\n");
    has(text, "\ngridd_http_requests_total{route=\"reports_post\",code=\"2xx\"} 1\n");
    has(text, "\ngridd_http_requests_total{route=\"reports_post\",code=\"5xx\"} 1\n");
    has(text, "\ngridd_http_requests_total{route=\"status\",code=\"cut\"} 1\n");
    has(text, "\ngridd_http_request_duration_seconds_count{route=\"reports_post\"} 2\n");
    has(text, "\ngridd_http_request_duration_seconds_sum{route=\"reports_post\"} 0.5\n");
    has(text, "\ngridd_http_rejected_total{reason=\"bare_cr\"} 2\n");
    has(text, "\ngridd_http_rejected_total{reason=\"too_large\"} 1\n");
    has(text, "\ngridd_ack_duration_seconds_bucket{le=\"0.0005\"} 1\n");
    has(text, "\ngridd_ack_duration_seconds_bucket{le=\"30\"} 1\n");
    has(text, "\ngridd_ack_duration_seconds_bucket{le=\"+Inf\"} 2\n");
    has(text, "\ngridd_ack_duration_seconds_sum 100.0004\n");
    has(text, "\ngridd_ack_duration_seconds_count 2\n");
    free(text);
}

/* Each sample line belongs to the family announced last, and each family is announced once. */
static void the_text_is_well_formed(void **state) {
    (void)state;
    char family[128] = "";
    size_t families = 0;
    char *text = written();
    for (char *at = text, *end; *at != '\0'; at = end + 1) {
        end = strchr(at, '\n');
        assert_non_null(end);
        *end = '\0';
        if (strncmp(at, "# HELP ", 7) == 0) {
            assert_int_equal(sscanf(at + 7, "%127s", family), 1);
            char again[160];
            snprintf(again, sizeof again, "# HELP %s ", family);
            assert_null(strstr(end + 1, again));
            families++;
        } else if (strncmp(at, "# TYPE ", 7) == 0) {
            assert_memory_equal(at + 7, family, strlen(family));
        } else {
            assert_memory_equal(at, family, strlen(family));
            assert_memory_equal(at, "gridd_", 6);
            assert_true(isdigit((unsigned char)strrchr(at, ' ')[1]));
        }
    }
    assert_true(families >= 14);
    free(text);
}

static void labels_are_escaped(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer);
    metrics_text_sample(&buffer, "m", "l", "a\"b\\c\nd", 1);
    assert_true(slice_is(buffer_slice(&buffer), "m{l=\"a\\\"b\\\\c\\nd\"} 1\n"));
    buffer_deinit(&buffer);
}

static void more_reasons_than_rows_keep_the_sum(void **state) {
    (void)state;
    static char words[40][8];
    uint64_t sum = 0;
    metrics_init(&metrics);
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        snprintf(words[i], sizeof words[i], "r%zu", i);
        metrics_add_rejected(&metrics, words[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(metrics.http_rejected); i++) {
        sum += metrics.http_rejected[i].count;
    }
    assert_int_equal(sum, ARRAY_COUNT(words));
    assert_string_equal(metrics.http_rejected[30].reason, "r30");
    assert_string_equal(metrics.http_rejected[31].reason, "other");
    assert_int_equal(metrics.http_rejected[31].count, 9);
}

static void the_process_knows_itself(void **state) {
    (void)state;
    struct process_memory memory;
    struct process_versions versions;
    process_memory(&memory);
    process_versions(&versions);
    assert_true(memory.resident_bytes > 100000);
    assert_true(process_cpu_seconds() >= 0);
    assert_true(versions.rocksdb[0] >= '1' && strchr(versions.rocksdb, '.') != NULL);
    assert_true(versions.libuv[0] == '1');
    assert_true(versions.openssl[0] != '\0');
#ifdef GRIDD_JEMALLOC
    assert_string_equal(memory.allocator, "jemalloc");
    assert_true(versions.jemalloc[0] != '\0');
    assert_true(memory.allocated_bytes > 0);
#else
    assert_string_equal(memory.allocator, "libc");
    assert_string_equal(versions.jemalloc, "");
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bound_belongs_to_its_bucket),
        cmocka_unit_test(every_histogram_rises),
        cmocka_unit_test(counters_come_out),
        cmocka_unit_test(the_text_is_well_formed),
        cmocka_unit_test(labels_are_escaped),
        cmocka_unit_test(more_reasons_than_rows_keep_the_sum),
        cmocka_unit_test(the_process_knows_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
