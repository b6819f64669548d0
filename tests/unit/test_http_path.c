#include "server/http/http_headers.h"
#include "server/http/http_path.h"
#include "server/http/http_route.h"
#include "tests/unit/support.h"

static struct buffer store;

static int end(void **state) {
    (void)state;
    buffer_deinit(&store);
    return 0;
}

static void paths_are_split_and_decoded_once(void **state) {
    (void)state;
    struct http_target target;
    assert_int_equal(http_target_parse(&target, SLICE_LITERAL("/"), &store), HTTP_REFUSAL_NONE);
    assert_int_equal(target.segments_count, 0);
    assert_int_equal(
        http_target_parse(&target, SLICE_LITERAL("/v1/%7e%252F/%E7%81%AB+?a=b?c"), &store),
        HTTP_REFUSAL_NONE);
    assert_int_equal(target.segments_count, 3);
    assert_true(slice_is(target.segments[0], "v1"));
    assert_true(slice_is(target.segments[1], "~%2F"));
    assert_true(slice_is(target.segments[2], "火+"));
    assert_true(slice_is(target.path, "/v1/%7e%252F/%E7%81%AB+"));
    assert_true(slice_is(target.query, "a=b?c"));
}

static void bad_paths_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "//",     "/a/",     "/a//b",  "/.",   "/a/../b",    "/%2e%2E",       "/%00",
        "/a%2Fb", "/a%2fb",  "/a%5Cb", "/%",   "/%4",        "/%4g",          "/a%",
        "/%ff",   "/%c0%af", "/%0a",   "/%7f", "/%ed%a0%80", "/%f4%90%80%80", "/%e7%81",
    };
    struct http_target target;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        if (http_target_parse(&target, slice_text(bad[i]), &store) != HTTP_REFUSAL_PATH) {
            fail_msg("%s is taken", bad[i]);
        }
    }
    static const char *const good[] = {"/...", "/a.b", "/.a", "/%41", "/%2541", "/a:b@c,d;e=f"};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_int_equal(http_target_parse(&target, slice_text(good[i]), &store),
                         HTTP_REFUSAL_NONE);
    }
}

static enum http_refusal query(struct http_target *target, const char *text, const char *allowed,
                               struct slice *culprit) {
    assert_int_equal(http_target_parse(target, slice_text(text), &store), HTTP_REFUSAL_NONE);
    return http_target_parse_query(target, allowed, &store, culprit);
}

static void queries_take_known_names_once(void **state) {
    (void)state;
    struct http_target target;
    struct slice culprit;
    assert_int_equal(query(&target, "/?a=1+2%2B&&b=&c&", "a b c", &culprit), HTTP_REFUSAL_NONE);
    assert_int_equal(target.parameters_count, 3);
    assert_true(slice_is(target.parameters[0].value, "1 2+"));
    assert_true(slice_is(target.parameters[1].value, ""));
    assert_true(slice_is(target.parameters[2].name, "c"));
    assert_int_equal(query(&target, "/?a=1&d=2", "a b c", &culprit), HTTP_REFUSAL_QUERY_NAME);
    assert_true(slice_is(culprit, "d"));
    assert_int_equal(query(&target, "/?a=1&%61=2", "a b", &culprit), HTTP_REFUSAL_QUERY_NAME);
    assert_true(slice_is(culprit, "a"));
    assert_int_equal(query(&target, "/?=1", "a b", &culprit), HTTP_REFUSAL_QUERY_NAME);
    assert_int_equal(query(&target, "/?ab=1", "a b abc", &culprit), HTTP_REFUSAL_QUERY_NAME);
    assert_int_equal(query(&target, "/?a=1", NULL, &culprit), HTTP_REFUSAL_QUERY_NAME);
    assert_int_equal(query(&target, "/?", NULL, &culprit), HTTP_REFUSAL_NONE);
    assert_int_equal(query(&target, "/?a=%zz", "a", &culprit), HTTP_REFUSAL_QUERY);
    assert_int_equal(query(&target, "/?a=%00", "a", &culprit), HTTP_REFUSAL_QUERY);
    assert_int_equal(query(&target, "/?a=%ff", "a", &culprit), HTTP_REFUSAL_QUERY);
    assert_int_equal(query(&target, "/?%ff=1", "a", &culprit), HTTP_REFUSAL_QUERY);
}

static const struct http_route routes[] = {
    {.method = HTTP_METHOD_GET, .pattern = "/"},
    {.method = HTTP_METHOD_POST, .pattern = "/t/{id}/{command}"},
    {.method = HTTP_METHOD_GET, .pattern = "/t/{id}/clock"},
    {.method = HTTP_METHOD_GET, .pattern = "/t/{id}"},
    {.method = HTTP_METHOD_GET, .pattern = "/t/{id}/{part}"},
    {.method = HTTP_METHOD_PUT, .pattern = "/t/new"},
    {.method = HTTP_METHOD_PUT, .pattern = "/{any}/{id}"},
};

static ptrdiff_t find(struct http_routes *table, const char *path, enum http_method method,
                      uint32_t *allowed) {
    struct http_target target;
    assert_int_equal(http_target_parse(&target, slice_text(path), &store), HTTP_REFUSAL_NONE);
    const struct http_route *route = http_routes_find(table, &target, method, true, allowed);
    return route == NULL ? -1 : route - routes;
}

static void literal_segments_win(void **state) {
    (void)state;
    struct http_routes table;
    uint32_t allowed = 0;
    char text[HTTP_ALLOW_BYTES];
    http_routes_init(&table, routes, ARRAY_COUNT(routes));
    assert_int_equal(find(&table, "/", HTTP_METHOD_GET, &allowed), 0);
    assert_int_equal(find(&table, "/", HTTP_METHOD_HEAD, &allowed), 0);
    assert_int_equal(find(&table, "/t/7/clock", HTTP_METHOD_GET, &allowed), 2);
    assert_int_equal(find(&table, "/t/7/other", HTTP_METHOD_GET, &allowed), 4);
    assert_int_equal(find(&table, "/t/7/clock", HTTP_METHOD_POST, &allowed), 1);
    http_allow_text(allowed, text);
    assert_string_equal(text, "GET, HEAD, POST, OPTIONS");
    assert_int_equal(find(&table, "/t/new", HTTP_METHOD_PUT, &allowed), 5);
    assert_int_equal(find(&table, "/t/old", HTTP_METHOD_PUT, &allowed), 6);
    assert_int_equal(find(&table, "/t/7/clock", HTTP_METHOD_DELETE, &allowed), -1);
    assert_true(allowed != 0);
    assert_int_equal(find(&table, "/x/y/z", HTTP_METHOD_GET, &allowed), -1);
    assert_int_equal(allowed, 0);
    assert_int_equal(
        find(&table, "/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g/h/i", HTTP_METHOD_GET, &allowed), -1);
    struct http_target target;
    struct slice value;
    assert_int_equal(http_target_parse(&target, SLICE_LITERAL("/t/7/sign"), &store),
                     HTTP_REFUSAL_NONE);
    assert_true(http_routes_param(&table, &routes[1], &target, "command", &value));
    assert_true(slice_is(value, "sign"));
    assert_false(http_routes_param(&table, &routes[1], &target, "t", &value));
    http_routes_deinit(&table);
}

static unsigned quality(const char *accept, const char *offer) {
    struct http_field field = {SLICE_LITERAL("Accept"), slice_text(accept)};
    struct http_head head = {.fields = &field, .fields_count = accept[0] == '\0' ? 0 : 1};
    return http_head_accept(&head, slice_text(offer));
}

static void accept_weighs_ranges(void **state) {
    (void)state;
    assert_int_equal(quality("", "text/csv"), 1000);
    assert_int_equal(quality("*/*", "text/csv"), 1000);
    assert_int_equal(quality("text/*;q=0.5, */*;q=0.1", "text/csv"), 500);
    assert_int_equal(quality("text/*;q=0.5, */*;q=0.1", "application/json"), 100);
    assert_int_equal(quality("*/*, TEXT/CSV ; q=0", "text/csv"), 0);
    assert_int_equal(quality("application/json", "text/csv"), 0);
    assert_int_equal(quality("text/csv;q=0.123;x=y", "text/csv"), 123);
    assert_int_equal(quality("text/csv;q=2, text/*;q=0.3", "text/csv"), 300);
    assert_int_equal(quality(",, ,", "text/csv"), 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(paths_are_split_and_decoded_once, end),
        cmocka_unit_test_teardown(bad_paths_are_refused, end),
        cmocka_unit_test_teardown(queries_take_known_names_once, end),
        cmocka_unit_test_teardown(literal_segments_win, end),
        cmocka_unit_test(accept_weighs_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
