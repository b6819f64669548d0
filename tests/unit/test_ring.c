#include "server/feed/ring.h"
#include "tests/unit/support.h"
#include "tests/unit/support_limits.h"

static struct ring ring_of(size_t bytes) {
    struct ring ring;
    assert_int_equal(ring_init(&ring, bytes), STATUS_OK);
    return ring;
}

static void put(struct ring *ring, char letter, size_t bytes) {
    uint8_t frame[4096];
    assert_true(bytes <= sizeof frame);
    memset(frame, letter, bytes);
    const struct ring_event event = {.region = (uint32_t)letter, .kind = 1, .severity = 2};
    ring_put(ring, &event, (struct slice){frame, bytes});
}

static void an_event_is_found_by_its_number(void **state) {
    (void)state;
    struct ring ring = ring_of(1024);
    ring_reset(&ring, 70);
    assert_false(ring_has(&ring, 70));
    put(&ring, 'a', 100);
    put(&ring, 'b', 50);
    assert_false(ring_has(&ring, 69));
    assert_true(ring_has(&ring, 70));
    assert_true(ring_has(&ring, 71));
    assert_false(ring_has(&ring, 72));
    struct slice frame = ring_frame(&ring, 71);
    assert_int_equal(frame.bytes, 50);
    assert_int_equal(frame.data[49], 'b');
    assert_int_equal(ring_event(&ring, 70)->region, 'a');
    ring_deinit(&ring);
}

static void a_frame_of_the_whole_ring_fits_and_one_byte_more_does_not(void **state) {
    (void)state;
    struct ring ring = ring_of(1000);
    put(&ring, 'a', 999);
    assert_true(ring_has(&ring, 1));
    put(&ring, 'b', 1000);
    assert_false(ring_has(&ring, 1));
    assert_true(ring_has(&ring, 2));
    put(&ring, 'c', 1001);
    assert_false(ring_has(&ring, 2));
    assert_false(ring_has(&ring, 3));
    put(&ring, 'd', 10);
    assert_false(ring_has(&ring, 3));
    assert_int_equal(ring_frame(&ring, 4).data[0], 'd');
    ring_deinit(&ring);
}

static void a_ring_holds_as_many_bytes_as_its_limit(void **state) {
    (void)state;
    struct limits limits;
    limits_init(&limits);
    limits.ring_bytes = 2000;
    EACH_AROUND(bytes, limits, ring_bytes) {
        struct ring ring = ring_of(limits.ring_bytes);
        put(&ring, 'a', 700);
        put(&ring, 'b', bytes - 700);
        assert_true(ring_has(&ring, 2));
        assert_int_equal(ring_has(&ring, 1), bytes <= 2000);
        ring_deinit(&ring);
    }
}

static void many_frames_are_one_slice_up_to_the_bytes_asked_for(void **state) {
    (void)state;
    struct ring ring = ring_of(1000);
    for (int i = 0; i < 5; i++) {
        put(&ring, (char)('a' + i), 100);
    }
    uint64_t next = 0;
    assert_int_equal(ring_span(&ring, 1, 500, &next).bytes, 500);
    assert_int_equal(next, 6);
    assert_int_equal(ring_span(&ring, 1, 499, &next).bytes, 400);
    assert_int_equal(next, 5);
    assert_int_equal(ring_span(&ring, 3, 200, &next).data[100], 'd');
    assert_int_equal(next, 5);
    assert_int_equal(ring_span(&ring, 2, 1, &next).bytes, 100);
    assert_int_equal(next, 3);
    ring_deinit(&ring);
}

static void a_span_ends_where_the_memory_wraps(void **state) {
    (void)state;
    struct ring ring = ring_of(1000);
    for (int i = 0; i < 3; i++) {
        put(&ring, (char)('a' + i), 300);
    }
    put(&ring, 'd', 300); /* goes to the front: 'a' must leave */
    assert_false(ring_has(&ring, 1));
    assert_true(ring_has(&ring, 2));
    uint64_t next = 0;
    assert_int_equal(ring_span(&ring, 2, 10000, &next).bytes, 600);
    assert_int_equal(next, 4);
    assert_int_equal(ring_span(&ring, 4, 10000, &next).data[299], 'd');
    assert_int_equal(next, 5);
    ring_deinit(&ring);
}

static void a_span_ends_at_an_exact_wrap_too(void **state) {
    (void)state;
    struct ring ring = ring_of(1000);
    for (int i = 0; i < 5; i++) {
        put(&ring, (char)('a' + i), 250);
    }
    assert_false(ring_has(&ring, 1));
    uint64_t next = 0;
    struct slice span = ring_span(&ring, 2, 10000, &next);
    assert_int_equal(span.bytes, 750);
    assert_int_equal(span.data[0], 'b');
    assert_int_equal(next, 5);
    ring_deinit(&ring);
}

static void the_number_of_events_is_bounded_as_well(void **state) {
    (void)state;
    struct ring ring = ring_of(64 * RING_BYTES_PER_EVENT);
    for (int i = 0; i < 64; i++) {
        put(&ring, 'x', 1);
    }
    assert_true(ring_has(&ring, 1));
    put(&ring, 'y', 1);
    assert_false(ring_has(&ring, 1));
    assert_true(ring_has(&ring, 2));
    assert_true(ring_has(&ring, 65));
    ring_deinit(&ring);
}

/* Whatever the sizes: what the ring says it has is what was put. */
static void what_it_has_is_what_was_put(void **state) {
    (void)state;
    struct ring ring = ring_of(5000);
    size_t sizes[3000];
    uint64_t random = 1;
    for (uint64_t seq = 1; seq < 3000; seq++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
        sizes[seq] = 1 + (size_t)(random >> 33) % 1500;
        put(&ring, (char)('a' + seq % 26), sizes[seq]);
        for (uint64_t at = ring.oldest_seq; at <= seq; at++) {
            struct slice frame = ring_frame(&ring, at);
            assert_int_equal(frame.bytes, sizes[at]);
            assert_int_equal(frame.data[0], 'a' + at % 26);
            assert_int_equal(frame.data[frame.bytes - 1], 'a' + at % 26);
        }
        uint64_t from = ring.oldest_seq;
        while (from <= seq) {
            uint64_t next = 0;
            struct slice span = ring_span(&ring, from, 2000, &next);
            size_t bytes = 0;
            for (uint64_t at = from; at < next; at++) {
                assert_int_equal(span.data[bytes], 'a' + at % 26);
                bytes += sizes[at];
            }
            assert_int_equal(bytes, span.bytes);
            from = next;
        }
    }
    ring_deinit(&ring);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_found_by_its_number),
        cmocka_unit_test(a_frame_of_the_whole_ring_fits_and_one_byte_more_does_not),
        cmocka_unit_test(a_ring_holds_as_many_bytes_as_its_limit),
        cmocka_unit_test(many_frames_are_one_slice_up_to_the_bytes_asked_for),
        cmocka_unit_test(a_span_ends_where_the_memory_wraps),
        cmocka_unit_test(a_span_ends_at_an_exact_wrap_too),
        cmocka_unit_test(the_number_of_events_is_bounded_as_well),
        cmocka_unit_test(what_it_has_is_what_was_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
