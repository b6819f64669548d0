/* Pages of a numbered list: newest first, filtered, going on where a cursor says. */
#include "server/api/list_read.h"

#include "core/base/bytes.h"
#include "storage/db_internal.h"
#include "tests/unit/stage_request.h"

#include "tests/unit/stage_request.c"

enum { NUMBERS = 25, BINDING = 77 };

static uv_loop_t loop;
static struct config config;
static struct services services;
static struct http_request request;
static struct db *db;
static unsigned released;
static char page[2048];

static void put(struct store_batch *batch, uint64_t number, size_t key_bytes) {
    uint8_t key[16] = {0};
    store_u64_be(key, number);
    store_batch_put(batch, FAMILY_TICKETS, (struct slice){key, key_bytes}, SLICE_LITERAL("row"));
}

static void fill(uint64_t first, uint64_t count) {
    struct store_batch *batch;
    struct error error;
    assert_int_equal(store_batch_new(&batch, db->store), STATUS_OK);
    for (uint64_t i = 0; i < count; i++) {
        put(batch, first + i, 8);
    }
    put(batch, first, 16); /* a longer key is no row of the list */
    assert_int_equal(store_write(db->store, batch, &error), STATUS_OK);
    store_batch_free(batch);
}

static void on_sealed(void *context, enum status failure, const struct error *error) {
    (void)context;
    (void)failure;
    (void)error;
}

static int set_up(void **state) {
    (void)state;
    struct error error;
    released = 0;
    config_init(&config);
    const struct db_options options = {
        .kind = DB_MEM, .limits = &config.limits, .now_ms = 1, .on_sealed = on_sealed};
    assert_int_equal(db_open(&db, &options, &error), STATUS_OK);
    assert_int_equal(uv_loop_init(&loop), 0);
    services = (struct services){.loop = &loop, .config = &config, .db = db};
    stage_request_init(&request, &services);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    stage_request_deinit(&request);
    assert_int_equal(uv_loop_close(&loop), 0);
    db_close(db);
    return 0;
}

struct list {
    struct list_read read;
    uint64_t every;      /* of which the numbers are taken */
    uint64_t damaged_at; /* number whose row cannot be read */
};

static enum status take(struct list_read *read, struct slice key, struct slice value,
                        struct json_out *out, bool *ret_taken) {
    const struct list *list = (const struct list *)read;
    uint64_t number = load_u64_be(key.data);
    assert_true(slice_is(value, "row"));
    if (number == list->damaged_at) {
        return STATUS_CORRUPT;
    }
    *ret_taken = number % list->every == 0;
    if (*ret_taken) {
        json_out_u64(out, number);
    }
    return STATUS_OK;
}

static void release(struct list_read *read) {
    released++;
    free(read);
}

static struct list *list_new(uint64_t every, uint64_t binding) {
    struct list *list = calloc(1, sizeof *list);
    assert_non_null(list);
    list->every = every;
    list->read = (struct list_read){.db = db,
                                    .family = FAMILY_TICKETS,
                                    .cursor = CURSOR_TICKETS,
                                    .binding = binding,
                                    .take = take,
                                    .release = release};
    return list;
}

/* One page into `page`; the answer's items only, its cursor into the next request. */
static void read_page(const char *limit, uint64_t every) {
    static char cursor[CURSOR_TEXT_BYTES_MAX];
    request.query[0][0] = "limit";
    request.query[0][1] = limit;
    request.status = 0;
    request.body.bytes = 0;
    assert_true(list_read_start(&list_new(every, BINDING)->read, &request));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(request.status, 200);
    request_job_on_done(&request);
    snprintf(page, sizeof page, "%s", (const char *)request.body.data);
    char *next = strstr(page, ",\"next_cursor\":");
    assert_non_null(next);
    request.query[1][0] = NULL;
    if (sscanf(next, ",\"next_cursor\":\"%[^\"]\"}", cursor) == 1) {
        request.query[1][0] = "cursor";
        request.query[1][1] = cursor;
    } else {
        assert_string_equal(next, ",\"next_cursor\":null}");
    }
    *next = '\0';
}

static bool has_more(void) {
    return request.query[1][0] != NULL;
}

static void pages_follow_each_other_newest_first(void **state) {
    (void)state;
    fill(1, NUMBERS);
    read_page("10", 1);
    assert_string_equal(page, "{\"items\":[25,24,23,22,21,20,19,18,17,16]");
    assert_true(has_more());
    fill(NUMBERS + 1, 5); /* newer ones do not move what follows */
    read_page("10", 1);
    assert_string_equal(page, "{\"items\":[15,14,13,12,11,10,9,8,7,6]");
    read_page("5", 1);
    assert_string_equal(page, "{\"items\":[5,4,3,2,1]"); /* full, and the last one */
    assert_false(has_more());
    assert_int_equal(released, 3);
}

static void filters_fill_a_page_from_further_on(void **state) {
    (void)state;
    fill(1, NUMBERS);
    read_page("3", 6);
    assert_string_equal(page, "{\"items\":[24,18,12]");
    assert_true(has_more());
    read_page("3", 6);
    assert_string_equal(page, "{\"items\":[6]");
    assert_false(has_more());
    read_page("3", 1000);
    assert_string_equal(page, "{\"items\":[]");
    assert_false(has_more());
}

/* One row more than are looked at for a page: it is short, and its cursor goes on. */
static void a_page_that_would_look_at_too_much_is_short(void **state) {
    (void)state;
    fill(1, ROWS_SCANNED_MAX);
    read_page("1", UINT64_MAX);
    assert_string_equal(page, "{\"items\":[]");
    assert_false(has_more());
    fill(ROWS_SCANNED_MAX + 1, 1);
    read_page("1", ROWS_SCANNED_MAX * UINT64_C(2)); /* none */
    assert_string_equal(page, "{\"items\":[]");
    assert_true(has_more());
    read_page("1", 1);
    assert_string_equal(page, "{\"items\":[1]");
    assert_false(has_more());
}

static void refuse(const char *limit, const char *cursor, uint64_t binding, const char *detail) {
    struct list *list = list_new(1, binding);
    request.query[0][0] = limit == NULL ? NULL : "limit";
    request.query[0][1] = limit;
    request.query[1][0] = cursor == NULL ? NULL : "cursor";
    request.query[1][1] = cursor;
    request.status = 0;
    assert_false(list_read_start(&list->read, &request));
    assert_int_equal(request.status, 400);
    assert_non_null(strstr(request.detail, detail));
    assert_null(request.state); /* the struct stays the caller's */
    free(list);
}

static void a_bad_limit_or_cursor_is_400(void **state) {
    (void)state;
    char cursor[CURSOR_TEXT_BYTES_MAX];
    refuse("0", NULL, BINDING, "limit");
    refuse("x", NULL, BINDING, "limit");
    refuse(NULL, "x", BINDING, "cursor");
    refuse(NULL, "", BINDING, "cursor");
    cursor_from_numbers(cursor, CURSOR_TICKETS, BINDING, (struct cursor_numbers){5, 0});
    refuse(NULL, cursor, BINDING + 1, "cursor"); /* of other filters */
    cursor_from_numbers(cursor, CURSOR_INCIDENTS, BINDING, (struct cursor_numbers){5, 0});
    refuse(NULL, cursor, BINDING, "cursor"); /* of another list */
    cursor_from_numbers(cursor, CURSOR_TICKETS, BINDING, (struct cursor_numbers){0, 0});
    refuse(NULL, cursor, BINDING, "cursor"); /* nothing is below it */
    assert_int_equal(released, 0);
}

static void a_row_that_cannot_be_read_is_503(void **state) {
    (void)state;
    fill(1, NUMBERS);
    struct list *list = list_new(1, BINDING);
    list->damaged_at = 20;
    assert_true(list_read_start(&list->read, &request));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(request.status, 503);
    request_job_on_done(&request);
    assert_int_equal(released, 1);
}

static void nobody_is_answered_who_has_left(void **state) {
    (void)state;
    fill(1, NUMBERS);
    assert_true(list_read_start(&list_new(1, BINDING)->read, &request));
    request_job_on_done(&request);
    assert_int_equal(released, 0); /* it is on the pool */
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(released == 1 && request.status == 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(pages_follow_each_other_newest_first),
        TEST(filters_fill_a_page_from_further_on),
        TEST(a_page_that_would_look_at_too_much_is_short),
        TEST(a_bad_limit_or_cursor_is_400),
        TEST(a_row_that_cannot_be_read_is_503),
        TEST(nobody_is_answered_who_has_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
