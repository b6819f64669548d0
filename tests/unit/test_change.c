/* A changing request from its headers to its answer, with the client leaving at each point. */
#include "server/api/change.h"

#include "tests/unit/stage_request.h"

#include "tests/unit/stage_request.c"

static uv_loop_t loop;
static struct services services;
static struct http_request request;

/* A committer of the test's own. */
static struct {
    uint64_t durable_seq;
    enum pressure pressure;
    struct commit_waiter *waiter;
} commit;

uint64_t committer_durable_seq(const struct committer *committer) {
    (void)committer;
    return commit.durable_seq;
}

enum pressure committer_pressure(const struct committer *committer) {
    (void)committer;
    return commit.pressure;
}

void committer_wait(struct committer *committer, struct commit_waiter *waiter) {
    (void)committer;
    assert_null(commit.waiter);
    commit.waiter = waiter;
}

void committer_unwait(struct committer *committer, struct commit_waiter *waiter) {
    (void)committer;
    assert_ptr_equal(commit.waiter, waiter);
    commit.waiter = NULL;
}

static void end_commit(enum status status) {
    struct commit_waiter *waiter = commit.waiter;
    assert_non_null(waiter);
    commit.waiter = NULL;
    waiter->call(waiter, status);
}

/* Body, pool, commit, answer. */
struct step {
    struct change change;
    bool on_pool, waits;
};
static unsigned taken, ran, done, released;

static void release(struct change *change) {
    released++;
    free(change);
}

static void write_answer(struct change *change) {
    done++;
    buffer_append_text(&change->answer, "{\"a\":1}");
    change_answer(change, 200);
}

static void await(struct change *change) {
    if (((struct step *)change)->waits) {
        change_wait(change, 10, write_answer);
    } else {
        write_answer(change);
    }
}

static void run(struct change *change) {
    (void)change;
    ran++;
}

static void take(struct change *change) {
    taken++;
    if (((struct step *)change)->on_pool) {
        change_run(change, run, await);
    } else {
        await(change);
    }
}

static int set_up(void **state) {
    (void)state;
    taken = ran = done = released = 0;
    commit.durable_seq = 9;
    commit.pressure = PRESSURE_NONE;
    commit.waiter = NULL;
    assert_int_equal(uv_loop_init(&loop), 0);
    services = (struct services){.loop = &loop};
    stage_request_init(&request, &services);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    assert_null(commit.waiter);
    stage_request_deinit(&request);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

static void begin(bool on_pool, bool waits) {
    struct step *step = calloc(1, sizeof *step);
    assert_non_null(step);
    step->on_pool = on_pool;
    step->waits = waits;
    change_begin(&step->change, &request, 100, take, release);
    assert_int_equal(request.body_bytes_max, 100);
}

static void send_body(const char *body) {
    change_on_body(&request, slice_text(body));
    change_on_body_end(&request);
}

static void finish(void) {
    change_on_done(&request);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(released, 1);
}

static void it_goes_through_pool_and_commit_to_its_answer(void **state) {
    (void)state;
    begin(true, true);
    change_on_body(&request, slice_text("{}"));
    assert_int_equal(request.body_memory, 2);
    assert_int_equal(taken, 0);
    change_on_body_end(&request);
    assert_int_equal(taken, 1);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(ran, 1);
    assert_true(done == 0 && request.status == 0); /* not before it is on disk */
    end_commit(STATUS_OK);
    assert_int_equal(request.status, 200);
    assert_string_equal((const char *)request.body.data, "{\"a\":1}");
    assert_int_equal(released, 0);
    finish();
}

static void what_is_on_disk_is_not_waited_for(void **state) {
    (void)state;
    commit.durable_seq = 10;
    begin(false, true);
    send_body("");
    assert_int_equal(request.status, 200);
    finish();
}

static void a_failed_commit_is_told_as_unknown(void **state) {
    (void)state;
    begin(false, true);
    send_body("{}");
    end_commit(STATUS_IO);
    assert_true(request.status == 503 && done == 0);
    assert_non_null(strstr(request.detail, "the outcome is unknown"));
    finish();
}

/* The step is done; only its answer is lost. */
static void a_client_may_leave_at_each_point(void **state) {
    (void)state;
    begin(true, true);
    change_on_body(&request, slice_text("{"));
    finish(); /* before the end of the body */
    assert_int_equal(taken, 0);
    released = 0;
    begin(true, true);
    send_body("{}");
    change_on_done(&request); /* on the pool */
    assert_int_equal(released, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(ran == 1 && done == 0 && released == 1);
    released = 0;
    begin(false, true);
    send_body("{}");
    assert_non_null(commit.waiter);
    change_on_done(&request); /* while it waits */
    assert_true(commit.waiter == NULL && done == 0 && released == 1);
    assert_int_equal(request.status, 0);
}

/* The answer ends the request, and with it the change, under the callback that gave it. */
static void an_answer_may_end_the_request(void **state) {
    (void)state;
    request.on_answer = change_on_done;
    begin(true, true);
    send_body("{}");
    uv_run(&loop, UV_RUN_DEFAULT);
    end_commit(STATUS_OK);
    assert_true(request.status == 200 && released == 1 && request.state == NULL);
}

static void another_media_type_is_415_but_no_body_has_none(void **state) {
    (void)state;
    request.content_type = "text/plain";
    begin(false, false);
    send_body("{}");
    assert_true(request.status == 415 && taken == 0);
    finish();
    request.status = released = 0;
    begin(false, false);
    change_on_body_end(&request);
    assert_true(request.status == 200 && taken == 1);
    finish();
}

static void too_many_bodies_are_503_and_the_rest_is_dropped(void **state) {
    (void)state;
    begin(false, false);
    request.memory_is_full = true;
    change_on_body(&request, slice_text("{\"a\":"));
    assert_int_equal(request.status, 503);
    assert_string_equal(request.retry_after, "1");
    change_on_body(&request, slice_text("1}"));
    change_on_body_end(&request);
    assert_int_equal(taken, 0);
    assert_int_equal(request.body_memory, 5);
    finish();
}

static void a_server_that_takes_nothing_says_why(void **state) {
    (void)state;
    assert_false(change_is_refused(&request));
    commit.pressure = PRESSURE_PAUSE;
    assert_false(change_is_refused(&request));
    commit.pressure = PRESSURE_REFUSE;
    assert_true(change_is_refused(&request));
    assert_int_equal(request.status, 503);
    assert_string_equal(request.retry_after, "1");
    request.status = 0;
    services.not_ready = "it starts";
    assert_true(change_is_refused(&request));
    assert_int_equal(request.status, 503);
    assert_string_equal(request.detail, "it starts");
    request.status = 0;
    request.retry_after[0] = '\0';
    services.disk_low = true;
    assert_true(change_is_refused(&request));
    assert_int_equal(request.status, 507);
    assert_string_equal(request.retry_after, "");
}

static void problem(struct change *change) {
    if (((struct step *)change)->waits) {
        buffer_append_text(&change->answer, "{\"dropped\":1}");
        change_invalid(change, "/a/0", "\"x\" is no unit");
    } else {
        buffer_append_text(&change->answer, "{\"seq\":7}");
        change_problem(change, 503, "busy", "later");
    }
}

static void a_problem_has_the_members_of_the_answer(void **state) {
    (void)state;
    begin(false, false);
    ((struct change *)request.state)->take = problem;
    send_body("{}");
    assert_int_equal(request.status, 503);
    assert_string_equal(request.retry_after, "1");
    assert_string_equal(request.more, "\"seq\":7");
    finish();
    request.status = released = 0;
    begin(false, true);
    ((struct change *)request.state)->take = problem;
    send_body("{}");
    assert_int_equal(request.status, 422);
    assert_string_equal(request.more,
                        "\"errors\":[{\"pointer\":\"/a/0\",\"detail\":\"\\\"x\\\" is no unit\"}]");
    finish();
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(it_goes_through_pool_and_commit_to_its_answer),
        TEST(what_is_on_disk_is_not_waited_for),
        TEST(a_failed_commit_is_told_as_unknown),
        TEST(a_client_may_leave_at_each_point),
        TEST(an_answer_may_end_the_request),
        TEST(another_media_type_is_415_but_no_body_has_none),
        TEST(too_many_bodies_are_503_and_the_rest_is_dropped),
        TEST(a_server_that_takes_nothing_says_why),
        TEST(a_problem_has_the_members_of_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
