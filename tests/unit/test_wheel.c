#include "core/time/wheel.h"
#include "tests/unit/support.h"

/* The reference: an array in arm order. What is due is found by brute force. */
struct armed {
    struct deadline deadline;
    int64_t effective_ms; /* max of due_ms and the wheel's time when it was armed */
    uint64_t number;
    wheel_handle handle;
};

enum { MODEL_MAX = 3000, CAPACITY = 2000, BATCH = 64 };

struct model {
    struct wheel wheel;
    void *memory;
    struct armed armed[MODEL_MAX];
    size_t armed_count;
    wheel_handle stale[64];
    size_t stale_count;
    uint64_t numbers, random;
    int64_t now_ms;
};

static struct model model;

static uint64_t below(uint64_t limit) {
    model.random ^= model.random << 13;
    model.random ^= model.random >> 7;
    model.random ^= model.random << 17;
    return (model.random >> 11) % limit;
}

static void model_open(uint32_t capacity, int64_t now_ms, uint64_t seed) {
    memset(&model, 0, sizeof model);
    model.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    model.now_ms = now_ms;
    model.memory = aligned_alloc(32, wheel_bytes(capacity));
    assert_non_null(model.memory);
    memset(model.memory, 0xa5, wheel_bytes(capacity)); /* any content will do */
    wheel_init(&model.wheel, model.memory, capacity, now_ms);
}

static void model_close(void) {
    free(model.memory);
}

static struct deadline deadline_at(int64_t due_ms, uint64_t object) {
    return (struct deadline){.due_ms = due_ms,
                             .object = object,
                             .stage = (uint8_t)(1 + object % 15),
                             .point = (uint8_t)(object % 6),
                             .part = (uint16_t)(object * 7)};
}

static void forget(size_t at) {
    model.stale[model.stale_count++ % ARRAY_COUNT(model.stale)] = model.armed[at].handle;
    memmove(&model.armed[at], &model.armed[at + 1],
            (model.armed_count - at - 1) * sizeof model.armed[0]);
    model.armed_count--;
}

static void arm(int64_t due_ms) {
    struct armed *armed = &model.armed[model.armed_count];
    struct deadline deadline = deadline_at(due_ms, ++model.numbers);
    enum status status = wheel_arm(&model.wheel, &deadline, &armed->handle);
    if (model.armed_count == model.wheel.capacity) {
        assert_int_equal(status, STATUS_FULL);
        return;
    }
    assert_int_equal(status, STATUS_OK);
    int64_t wheel_ms = wheel_now_ms(&model.wheel);
    armed->deadline = deadline;
    armed->effective_ms = due_ms > wheel_ms ? due_ms : wheel_ms;
    armed->number = model.numbers;
    model.armed_count++;
}

static void cancel(size_t at) {
    wheel_handle handle = model.armed[at].handle;
    assert_int_equal(wheel_cancel(&model.wheel, handle), STATUS_OK);
    assert_int_equal(wheel_cancel(&model.wheel, handle), STATUS_NOT_FOUND);
    forget(at);
}

static size_t model_first(void) {
    size_t first = 0;
    for (size_t i = 1; i < model.armed_count; i++) {
        if (model.armed[i].effective_ms < model.armed[first].effective_ms) {
            first = i; /* equal ones: the array is in arm order */
        }
    }
    return first;
}

/* One call with random bounds; what comes out is what the reference says, in its order. */
static bool advance_once(void) {
    struct deadline due[BATCH];
    bool more;
    size_t due_max = 1 + below(BATCH);
    uint32_t steps_max = 1 + (uint32_t)below(200);
    size_t count = wheel_advance(&model.wheel, model.now_ms, steps_max, due, due_max, &more);
    assert_true(count <= due_max && count <= steps_max);
    for (size_t i = 0; i < count; i++) {
        size_t first = model_first();
        assert_true(model.armed_count > 0);
        assert_true(due[i].due_ms <= model.now_ms);
        assert_true(model.armed[first].effective_ms <= model.now_ms);
        assert_int_equal(deadline_compare(&due[i], &model.armed[first].deadline), 0);
        forget(first);
    }
    return more;
}

static void check_settled(void) {
    assert_int_equal(wheel_count(&model.wheel), model.armed_count);
    assert_int_equal(wheel_now_ms(&model.wheel), model.now_ms);
    int64_t next_ms = wheel_next_ms(&model.wheel), last_ms;
    assert_true(next_ms >= model.now_ms);
    for (size_t i = 0; i < model.armed_count; i++) {
        assert_true(model.armed[i].effective_ms > model.now_ms);
        assert_true(model.armed[i].effective_ms >= next_ms);
    }
    assert_true((next_ms == INT64_MAX) == (model.armed_count == 0));
    assert_true(wheel_last_slot_ms(&model.wheel, &last_ms) == (model.armed_count > 0));
}

/* From nothing to years, most of them where levels meet. */
static int64_t random_span_ms(void) {
    uint64_t bits = below(42);
    int64_t span_ms = (int64_t)below(UINT64_C(1) << bits);
    return below(3) == 0 ? INT64_C(1) << bits : span_ms;
}

static void act(void) {
    switch (below(16)) {
    case 0:
        arm(model.now_ms - random_span_ms());
        break;
    case 1: {
        int64_t due_ms = model.now_ms + random_span_ms();
        for (uint64_t same = below(40); same > 0; same--) {
            arm(due_ms);
        }
        break;
    }
    case 2:
    case 3:
        if (model.armed_count > 0) {
            cancel(below(model.armed_count));
        }
        break;
    case 4:
        if (model.stale_count > 0) {
            uint64_t known = min_u64(model.stale_count, ARRAY_COUNT(model.stale));
            assert_int_equal(wheel_cancel(&model.wheel, model.stale[below(known)]),
                             STATUS_NOT_FOUND);
        }
        break;
    default:
        arm(model.now_ms + random_span_ms());
    }
}

/* Drops the farthest slot, in pieces; the reference loses exactly what is due there. */
static void drop_farthest(void) {
    int64_t from_ms;
    if (!wheel_last_slot_ms(&model.wheel, &from_ms)) {
        return;
    }
    while (!wheel_drop_from(&model.wheel, from_ms, 1 + (uint32_t)below(5))) {
    }
    size_t before_count = model.armed_count;
    for (size_t i = model.armed_count; i-- > 0;) {
        if (model.armed[i].deadline.due_ms >= from_ms) {
            assert_int_equal(wheel_cancel(&model.wheel, model.armed[i].handle), STATUS_NOT_FOUND);
            forget(i);
        }
    }
    assert_true(model.armed_count < before_count);
    assert_int_equal(wheel_count(&model.wheel), model.armed_count);
}

/* Arms, cancels and drops also between the calls of one advance: that is when the loop does. */
static void run(uint64_t seed, int64_t now_ms, size_t turns) {
    model_open(CAPACITY, now_ms, seed);
    for (size_t turn = 0; turn < turns; turn++) {
        for (uint64_t acts = below(60); acts > 0 && model.armed_count < CAPACITY - 50; acts--) {
            act();
        }
        model.now_ms += below(4) == 0 ? random_span_ms() : (int64_t)below(3000);
        if (below(20) == 0) {
            drop_farthest();
        }
        while (advance_once()) {
            if (below(3) == 0 && model.armed_count < CAPACITY - 50) {
                act();
            }
            if (below(50) == 0) {
                drop_farthest();
            }
        }
        check_settled();
    }
    model.now_ms = INT64_MAX;
    while (advance_once()) {
    }
    assert_int_equal(model.armed_count, 0);
    model_close();
}

static void it_agrees_with_a_sorted_reference(void **state) {
    (void)state;
    const int64_t starts_ms[] = {
        INT64_C(1780000000000), 0, -1, -INT64_C(86400000000), 255, 65535, INT64_MIN};
    for (size_t i = 0; i < ARRAY_COUNT(starts_ms); i++) {
        for (uint64_t seed = 1; seed <= 12; seed++) {
            run(seed * 100 + i, starts_ms[i] + (starts_ms[i] == INT64_MIN ? INT64_C(1) << 43 : 0),
                150);
        }
    }
}

/* Every byte of the difference, both sides of its borders, and the ends of time. */
static void far_deadlines_come_neither_early_nor_late(void **state) {
    (void)state;
    const int64_t now_ms = INT64_C(1780000000123);
    for (uint32_t shift = 0; shift < 63; shift++) {
        for (int64_t off = -1; off <= 1; off++) {
            int64_t due_ms = (now_ms & ~INT64_C(0)) + (INT64_C(1) << shift);
            if (shift == 62) {
                due_ms = INT64_MAX - 1;
            }
            due_ms += off;
            model_open(4, now_ms, 1);
            arm(due_ms);
            if (due_ms > now_ms) {
                model.now_ms = due_ms - 1;
                while (advance_once()) {
                }
                assert_int_equal(model.armed_count, 1);
            }
            model.now_ms = due_ms > now_ms ? due_ms : now_ms;
            while (advance_once()) {
            }
            assert_int_equal(model.armed_count, 0);
            model_close();
        }
    }
}

static void time_does_not_go_back(void **state) {
    (void)state;
    model_open(4, 1000, 1);
    arm(2000);
    model.now_ms = 1500;
    assert_false(advance_once());
    struct deadline due;
    bool more = true;
    assert_int_equal(wheel_advance(&model.wheel, 10, 1, &due, 1, &more), 0);
    assert_false(more);
    assert_int_equal(wheel_now_ms(&model.wheel), 1500);
    arm(10); /* due already: at the wheel's time, not before it */
    assert_int_equal(wheel_advance(&model.wheel, 1499, 1, &due, 1, &more), 0);
    model.now_ms = 1500;
    while (advance_once()) {
    }
    assert_int_equal(model.armed_count, 1);
    model_close();
}

/* 100,000 due in the same second, and in the same millisecond: no call does more than its bound,
 * each does something, and all come in order. */
static void work_in_one_call_is_bounded(void **state) {
    (void)state;
    enum { COUNT = 100000, STEPS = 1000 };
    for (int64_t spread_ms = 1; spread_ms <= 1000; spread_ms += 999) {
        model_open(COUNT, 0, 1);
        for (uint64_t i = 0; i < COUNT; i++) {
            struct deadline deadline =
                deadline_at(7200000 + (int64_t)((i * 7919) % (uint64_t)spread_ms), i + 1);
            assert_int_equal(wheel_arm(&model.wheel, &deadline, NULL), STATUS_OK);
        }
        static struct deadline due[STEPS];
        struct deadline last = {.due_ms = 0};
        size_t total = 0, calls = 0;
        bool more = true;
        for (; more; calls++) {
            size_t count = wheel_advance(&model.wheel, 7201000, STEPS, due, STEPS, &more);
            for (size_t i = 0; i < count; i++) {
                assert_true(due[i].due_ms >= last.due_ms);
                assert_true(due[i].due_ms > last.due_ms || due[i].object > last.object);
                last = due[i];
            }
            total += count;
        }
        assert_int_equal(total, COUNT);
        assert_true(calls >= COUNT / STEPS && calls <= 5 * COUNT / STEPS);
        model_close();
    }
}

static void a_full_wheel_says_so_and_goes_on(void **state) {
    (void)state;
    model_open(3, 0, 1);
    arm(10);
    arm(20);
    arm(30);
    arm(40); /* FULL */
    assert_int_equal(model.armed_count, 3);
    cancel(1);
    arm(15);
    assert_int_equal(model.armed_count, 3);
    arm(50); /* FULL again */
    model.now_ms = 100;
    while (advance_once()) {
    }
    assert_int_equal(model.armed_count, 0);
    arm(200);
    arm(100);
    assert_int_equal(wheel_count(&model.wheel), 2);
    model_close();
}

/* An entry's handles are told apart for 2^32 uses, over the wrap of the counter too. */
static void handles_stay_apart_when_the_counter_wraps(void **state) {
    (void)state;
    model_open(1, 0, 1);
    arm(10);
    cancel(0);
    model.wheel.entries[0].generation = UINT32_MAX - 1;
    wheel_handle first, second;
    struct deadline deadline = deadline_at(10, 1);
    assert_int_equal(wheel_arm(&model.wheel, &deadline, &first), STATUS_OK);
    assert_int_equal(wheel_cancel(&model.wheel, first), STATUS_OK);
    assert_int_equal(wheel_arm(&model.wheel, &deadline, &second), STATUS_OK);
    assert_true(first != 0 && second != 0 && first != second);
    assert_int_equal(wheel_cancel(&model.wheel, first), STATUS_NOT_FOUND);
    assert_int_equal(wheel_cancel(&model.wheel, second), STATUS_OK);
    model_close();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_agrees_with_a_sorted_reference),
        cmocka_unit_test(far_deadlines_come_neither_early_nor_late),
        cmocka_unit_test(time_does_not_go_back),
        cmocka_unit_test(work_in_one_call_is_bounded),
        cmocka_unit_test(a_full_wheel_says_so_and_goes_on),
        cmocka_unit_test(handles_stay_apart_when_the_counter_wraps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
