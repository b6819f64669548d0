/* Which page a request asks for; lists try the rest (test_list_read.c). */
#include "server/api/page.h"

#include "tests/unit/stage_request.h"

#include "tests/unit/stage_request.c"

enum { BINDING = 5 };

static struct config config;
static struct services services;
static struct http_request request;
static struct page page;

static int set_up(void **state) {
    (void)state;
    config_init(&config);
    services = (struct services){.config = &config};
    stage_request_init(&request, &services);
    memset(&page, 0xa5, sizeof page);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    stage_request_deinit(&request);
    return 0;
}

static void ask(const char *limit, const char *cursor) {
    request.query[0][0] = limit == NULL ? NULL : "limit";
    request.query[0][1] = limit;
    request.query[1][0] = cursor == NULL ? NULL : "cursor";
    request.query[1][1] = cursor;
    request.status = 0;
}

static void without_parameters_it_is_the_first_page(void **state) {
    (void)state;
    ask(NULL, NULL);
    assert_true(page_read(&page, &request, CURSOR_MEMBERS, BINDING));
    assert_int_equal(page.limit, config.limits.list_items_default);
    assert_true(page.is_first && page.after.first == 0 && page.after.second == 0);
    assert_int_equal(request.status, 0);
}

static void a_cursor_says_where_it_goes_on(void **state) {
    (void)state;
    char cursor[CURSOR_TEXT_BYTES_MAX];
    cursor_from_numbers(cursor, CURSOR_MEMBERS, BINDING, (struct cursor_numbers){7, 9});
    ask("3", cursor);
    assert_true(page_read(&page, &request, CURSOR_MEMBERS, BINDING));
    assert_int_equal(page.limit, 3);
    assert_true(!page.is_first && page.after.first == 7 && page.after.second == 9);
}

static void a_refused_one_is_400_and_leaves_the_page(void **state) {
    (void)state;
    char cursor[CURSOR_TEXT_BYTES_MAX];
    struct page before = page;
    cursor_from_numbers(cursor, CURSOR_MEMBERS, BINDING, (struct cursor_numbers){7, 9});
    ask("1001", cursor);
    assert_false(page_read(&page, &request, CURSOR_MEMBERS, BINDING));
    assert_int_equal(request.status, 400);
    assert_non_null(strstr(request.detail, "limit"));
    ask(NULL, cursor);
    assert_false(page_read(&page, &request, CURSOR_ADDRESSEES, BINDING));
    assert_int_equal(request.status, 400);
    assert_non_null(strstr(request.detail, "cursor"));
    ask(NULL, cursor);
    assert_false(page_read(&page, &request, CURSOR_MEMBERS, BINDING + 1));
    assert_int_equal(request.status, 400);
    assert_memory_equal(&page, &before, sizeof page);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(without_parameters_it_is_the_first_page),
        TEST(a_cursor_says_where_it_goes_on),
        TEST(a_refused_one_is_400_and_leaves_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
