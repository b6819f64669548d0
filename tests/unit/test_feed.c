#include "tests/unit/stage_feed.h"

/* Compiled into this test only: its stand-ins carry the names of gridd's own functions. */
#include "tests/unit/stage_feed.c"
#include "tests/unit/support_limits.h"

static struct feed_stage stage;

static void without_readers_nothing_is_encoded(void **state) {
    (void)state;
    stage_init(&stage);
    stage_open(&stage, 1, 0);
    stage_publish(&stage, 1000);
    assert_int_equal(stage_encoded, 0);
    struct http_request request = {0};
    stage_get(&stage, &request, NULL);
    assert_int_equal(feed_readers(stage.feed), 1);
    stage_publish(&stage, 10);
    stage_run(&stage);
    stage_expect(&request, 1001, 1010, 0);
    assert_int_equal(stage_encoded, 10);
    assert_int_equal(STAGE_COUNT(calls), 0);
    stage_leave(&request);
    assert_int_equal(feed_readers(stage.feed), 0);
    stage_publish(&stage, 10);
    assert_int_equal(stage_encoded, 10);
    stage_close(&stage);
}

static void an_event_is_encoded_once_for_all_and_a_turn_is_one_write(void **state) {
    (void)state;
    stage_init(&stage);
    stage_open(&stage, 1, 0);
    static struct http_request requests[50];
    memset(requests, 0, sizeof requests);
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        stage_get(&stage, &requests[i], NULL);
    }
    stage_publish(&stage, 7);
    stage_publish(&stage, 8);
    stage_run(&stage);
    assert_int_equal(stage_encoded, 15);
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        stage_expect(&requests[i], 1, 15, 0);
        assert_true(requests[i].written_most + 40 > requests[i].out.bytes);
        stage_leave(&requests[i]);
    }
    assert_int_equal(stage.metrics.feed_events_total, 15 * ARRAY_COUNT(requests));
    stage_close(&stage);
}

static void a_reader_is_reset_only_when_its_next_event_is_gone(void **state) {
    (void)state;
    stage_init(&stage);
    stage_open(&stage, 100, 3000);
    struct http_request kept = {0}, gone = {0}, newest = {0};
    stage_get(&stage, &kept, "e0-99");
    stage_get(&stage, &gone, "e0-98");
    stage_get(&stage, &newest, "e0-3000");
    stage_take_all(&stage, &kept);
    stage_take_all(&stage, &gone);
    stage_expect(&kept, 100, 3000, 0);
    assert_null(strstr(stage_text(&kept), "reset"));
    stage_expect(&gone, 100, 3000, 0);
    assert_non_null(strstr(stage_text(&gone),
                           "retry: 3000\n\nid: e0-99\nevent: reset\ndata: {\"reason\":\"too_old\","
                           "\"oldest\":\"e0-100\",\"newest\":\"e0-3000\"}\n\nid: e0-100\n"));
    assert_string_equal(stage_text(&newest), "retry: 3000\n\n");
    assert_int_equal(stage.metrics.feed_resets_total, 1);
    assert_int_equal(stage.metrics.feed_resumes_total, 3);
    stage_leave(&kept);
    stage_leave(&gone);
    stage_leave(&newest);
    stage_close(&stage);
}

static void ahead_and_other_epochs_are_told_apart(void **state) {
    (void)state;
    stage_init(&stage);
    stage_open(&stage, 5, 20);
    struct http_request ahead = {0}, other = {.last_event_id = "e1-7"};
    stage_get(&stage, &ahead, "e0-21");
    stage_get(&stage, &other, "e0-10");
    stage_run(&stage);
    assert_non_null(
        strstr(stage_text(&ahead), "id: e0-4\nevent: reset\ndata: {\"reason\":\"ahead\""));
    assert_non_null(strstr(stage_text(&other), "{\"reason\":\"other_epoch\",\"oldest\":\"e0-5\""));
    stage_expect(&ahead, 5, 20, 0);
    stage_expect(&other, 5, 20, 0);
    stage_leave(&ahead);
    stage_leave(&other);
    stage_close(&stage);
}

static void resets_of_an_empty_journal_need_no_reading(void **state) {
    (void)state;
    stage_init(&stage);
    stage_open(&stage, 1, 0);
    struct http_request request = {0};
    stage_get(&stage, &request, "e9-3");
    assert_non_null(strstr(stage_text(&request), "id: e0-0\nevent: reset\n"));
    assert_int_equal(STAGE_COUNT(calls), 0);
    stage_publish(&stage, 2);
    stage_run(&stage);
    stage_expect(&request, 1, 2, 0);
    stage_leave(&request);
    stage_close(&stage);
}

/* The queue stays within its bound, the ring forgets, the journal fills in, nothing is lost. */
static void slow(const char *severity, unsigned number) {
    stage_init(&stage);
    stage.limits.feed_buffer_bytes = 4096;
    stage.limits.ring_bytes = 65536;
    stage_open(&stage, 1, 0);
    struct http_request request = {.query = {{NULL, NULL}, {"severity", severity}}};
    stage_get(&stage, &request, "e0-0");
    for (int turn = 0; turn < 200; turn++) {
        stage_publish(&stage, 100);
        stage_run(&stage);
        stage_take(&request, 1000);
        assert_in_range(request.queued_most, 1, 4096 + 200);
    }
    uint64_t calls = STAGE_COUNT(calls);
    assert_true(calls > 0);
    while (http_stream_queued(&request) > 0) {
        stage_take(&request, 3000);
        stage_run(&stage);
    }
    assert_in_range(request.queued_most, 1, 4096 + 200);
    stage_expect(&request, 1, 20000, number);
    assert_int_equal(stage.metrics.feed_cut_total, 0);
    stage_leave(&request);
    stage_close(&stage);
}

static void a_slow_reader_loses_nothing(void **state) {
    (void)state;
    slow("extreme,severe,moderate,minor", 0);
    slow("moderate", 3);
}

/* Until a tick has seen that nobody takes anything; what was left out then comes from the journal.
 */
static void nothing_is_encoded_for_those_who_take_nothing(void **state) {
    (void)state;
    stage_init(&stage);
    stage.limits.feed_buffer_bytes = 4096;
    stage.limits.feed_heartbeat_ms = 50;
    stage_open(&stage, 1, 0);
    struct http_request stuck = {0}, taking = {0};
    stage_get(&stage, &stuck, NULL);
    uint64_t before;
    do {
        before = stage_encoded;
        stage_publish(&stage, 100);
        uv_sleep(1);
        uv_run(&stage.loop, UV_RUN_NOWAIT);
    } while (stage_encoded > before);
    uint64_t queued = http_stream_queued(&stuck);
    assert_in_range(queued, 1, 4096 + 100);
    stage_get(&stage, &taking, NULL);
    stage_publish(&stage, 10); /* one takes: all is encoded again */
    assert_int_equal(stage_encoded, before + 10);
    stage_run(&stage);
    stage_expect(&taking, stage.last_seq - 9, stage.last_seq, 0);
    assert_int_equal(http_stream_queued(&stuck), queued);
    assert_in_range(feed_lag_entries_max(stage.feed), 10, stage.last_seq);
    stage_leave(&taking);
    while (http_stream_queued(&stuck) > 0) {
        stage_take(&stuck, 3000);
        stage_run(&stage);
    }
    stage_publish(&stage, 1);
    stage_run(&stage);
    assert_int_equal(stage_encoded, before + 11);
    stage_expect(&stuck, 1, stage.last_seq, 0);
    assert_int_equal(feed_lag_entries_max(stage.feed), 0);
    stage_leave(&stuck);
    stage_close(&stage);
}

static void few_journal_reads_run_at_a_time(void **state) {
    (void)state;
    stage_init(&stage);
    stage_open(&stage, 1, 2000);
    static struct http_request requests[40];
    memset(requests, 0, sizeof requests);
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        stage_get(&stage, &requests[i], "e0-0");
    }
    stage_leave(&requests[0]);  /* its job may be under way */
    stage_leave(&requests[30]); /* its job waits in line */
    stage_run(&stage);
    assert_in_range(STAGE_COUNT(readers_most), 1, 2);
    for (size_t i = 1; i < ARRAY_COUNT(requests); i++) {
        if (i != 30) {
            stage_take_all(&stage, &requests[i]);
            stage_expect(&requests[i], 1, 2000, 0);
            stage_leave(&requests[i]);
        }
    }
    stage_close(&stage);
}

static void a_reader_whose_journal_is_damaged_is_cut(void **state) {
    (void)state;
    stage_init(&stage);
    stage_open(&stage, 1, 50);
    stage_journal.broken = true;
    struct http_request request = {0};
    stage_get(&stage, &request, "e0-3");
    stage_run(&stage);
    assert_true(request.aborted);
    stage_leave(&request);
    stage_close(&stage);
}

static void silence_has_heartbeats_and_left_out_events_a_checkpoint(void **state) {
    (void)state;
    stage_init(&stage);
    stage.limits.feed_heartbeat_ms = 50;
    stage_open(&stage, 1, 0);
    struct http_request quiet = {0}, filtered = {.query = {{"kinds", "ticket.*"}}};
    stage_get(&stage, &quiet, NULL);
    stage_get(&stage, &filtered, NULL);
    stage_publish(&stage, 30);
    while (strstr(stage_text(&filtered), ": hb\n\n") == NULL ||
           strstr(stage_text(&quiet), ": hb\n\n") == NULL) {
        uv_run(&stage.loop, UV_RUN_NOWAIT);
        uv_sleep(1);
    }
    stage_expect(&quiet, 1, 30, 0);
    assert_null(strstr(stage_text(&quiet), "data:\n"));
    const char *checkpoint = strstr(stage_text(&filtered), "id: e0-30\ndata:\n\n");
    assert_non_null(checkpoint);
    assert_null(strstr(checkpoint + 1, "id: "));
    assert_null(strstr(stage_text(&filtered), "event:"));
    stage_leave(&quiet);
    stage_leave(&filtered);
    stage_close(&stage);
}

static void streams_end_at_their_age_and_at_a_drain(void **state) {
    (void)state;
    stage_init(&stage);
    stage.limits.feed_heartbeat_ms = 50;
    stage.limits.feed_age_ms = 100;
    stage_open(&stage, 1, 0);
    struct http_request old = {0}, drained = {0}, late = {0};
    stage_get(&stage, &old, NULL);
    while (!old.ended) {
        uv_run(&stage.loop, UV_RUN_NOWAIT);
        uv_sleep(1);
    }
    stage_leave(&old);
    stage_get(&stage, &drained, NULL);
    feed_drain(stage.feed);
    assert_true(drained.ended);
    assert_non_null(strstr(stage_text(&drained), "\n\n: going down\nretry: "));
    stage_get(&stage, &late, NULL);
    assert_int_equal(late.status, 503);
    stage_leave(&drained);
    stage_leave(&late);
    stage_close(&stage);
}

/* What a reader is written while its socket takes nothing: up to the limit at once, and no more
 * while that is above the low mark. */
static void a_write_is_as_long_as_the_buffer(void **state) {
    (void)state;
    enum { EVENTS = 40 };
    struct limits limits;
    size_t frames_bytes = 0;
    limits_init(&limits);
    for (int pass = 0; pass < 2; pass++) {
        EACH_LIMIT_AROUND(limits, feed_buffer_bytes, pass == 0 ? 1 << 20 : frames_bytes) {
            stage_init(&stage);
            stage.limits = limits;
            stage_open(&stage, 1, 0);
            struct http_request request = {0};
            stage_get(&stage, &request, NULL);
            stage_take(&request, request.out.bytes);
            size_t before = request.out.bytes;
            stage_publish(&stage, EVENTS);
            stage_run(&stage);
            if (pass == 0) {
                frames_bytes = request.out.bytes - before;
                assert_int_equal(request.written_most, frames_bytes);
            } else {
                bool fits = limits.feed_buffer_bytes >= frames_bytes;
                assert_int_equal(request.out.bytes - before == frames_bytes, fits);
                assert_true(request.queued_most <= limits.feed_buffer_bytes);
            }
            while (http_stream_queued(&request) > 0) {
                stage_take(&request, 100);
                stage_run(&stage);
            }
            stage_expect(&request, 1, EVENTS, 0);
            stage_leave(&request);
            stage_close(&stage);
        }
    }
}

static void readers_are_counted_to_the_limit(void **state) {
    (void)state;
    stage_init(&stage);
    stage.limits.feed_readers = 2;
    stage_open(&stage, 1, 0);
    EACH_AROUND(count, stage.limits, feed_readers) {
        struct http_request requests[3] = {{0}};
        for (uint64_t i = 0; i < count; i++) {
            stage_get(&stage, &requests[i], NULL);
            assert_int_equal(requests[i].status, i < 2 ? 200 : 503);
        }
        for (uint64_t i = 0; i < count; i++) {
            stage_leave(&requests[i]);
        }
    }
    stage_close(&stage);
}

static void readers_are_bounded(void **state) {
    (void)state;
    stage_init(&stage);
    stage.limits.feed_readers = 1;
    stage_open(&stage, 1, 0);
    struct http_request one = {0}, two = {0}, head = {.method = HTTP_METHOD_HEAD}, three = {0};
    stage_get(&stage, &one, NULL);
    stage_get(&stage, &two, NULL);
    assert_int_equal(one.status, 200);
    assert_int_equal(two.status, 503);
    stage_leave(&two);
    stage_leave(&one);
    stage_get(&stage, &head, NULL);
    assert_true(head.ended && head.out.bytes == 0);
    stage_get(&stage, &three, NULL);
    assert_int_equal(three.status, 200);
    stage_leave(&head);
    stage_leave(&three);
    stage_close(&stage);
}

static void a_ticket_is_used_up_only_by_a_stream(void **state) {
    (void)state;
    stage_init(&stage);
    stage_open(&stage, 1, 0);
    struct http_request issue = {.services = &stage.services};
    feed_ticket_on_headers(&issue);
    assert_int_equal(issue.status, 201);
    char ticket[33] = "";
    assert_int_equal(sscanf(stage_text(&issue), "{\"ticket\":\"%32[0-9a-f]\"", ticket), 1);
    struct http_request bad = {.query = {{NULL, NULL}, {"ticket", ticket}, {"kinds", "nothing"}}};
    struct http_request good = {.query = {{"ticket", ticket}}};
    struct http_request again = {.query = {{"ticket", ticket}}};
    stage_get(&stage, &bad, NULL);
    stage_get(&stage, &good, NULL);
    stage_get(&stage, &again, NULL);
    assert_int_equal(bad.status, 400);
    assert_int_equal(good.status, 200);
    assert_int_equal(again.status, 401);
    stage_leave(&bad);
    stage_leave(&good);
    stage_leave(&again);
    buffer_deinit(&issue.out);
    stage_close(&stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_readers_nothing_is_encoded),
        cmocka_unit_test(an_event_is_encoded_once_for_all_and_a_turn_is_one_write),
        cmocka_unit_test(a_reader_is_reset_only_when_its_next_event_is_gone),
        cmocka_unit_test(ahead_and_other_epochs_are_told_apart),
        cmocka_unit_test(resets_of_an_empty_journal_need_no_reading),
        cmocka_unit_test(a_slow_reader_loses_nothing),
        cmocka_unit_test(nothing_is_encoded_for_those_who_take_nothing),
        cmocka_unit_test(few_journal_reads_run_at_a_time),
        cmocka_unit_test(a_reader_whose_journal_is_damaged_is_cut),
        cmocka_unit_test(silence_has_heartbeats_and_left_out_events_a_checkpoint),
        cmocka_unit_test(streams_end_at_their_age_and_at_a_drain),
        cmocka_unit_test(a_write_is_as_long_as_the_buffer),
        cmocka_unit_test(readers_are_counted_to_the_limit),
        cmocka_unit_test(readers_are_bounded),
        cmocka_unit_test(a_ticket_is_used_up_only_by_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
