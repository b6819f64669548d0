#include "core/time/deadline.h"
#include "tests/unit/support.h"

static struct deadline sound(int64_t due_ms, uint64_t object, uint8_t stage, uint8_t point,
                             uint16_t part) {
    return (struct deadline){due_ms, object, stage, point, part};
}

static void bytes_are_as_documented(void **state) {
    (void)state;
    const struct deadline deadline =
        sound(INT64_C(0x0102030405060708), UINT64_C(0x1112131415161718), DEADLINE_ON_SCENE,
              POINT_ESCALATION, 0x2122);
    const uint8_t expected[DEADLINE_KEY_BYTES] = {0x81, 2,    3,    4,    5,    6,    7,
                                                  8,    0x11, 0x12, 0x13, 0x14, 0x15, 0x16,
                                                  0x17, 0x18, 5,    4,    0x21, 0x22};
    uint8_t key[DEADLINE_KEY_BYTES], value[DEADLINE_VALUE_BYTES];
    deadline_key_encode(key, &deadline);
    assert_memory_equal(key, expected, sizeof key);
    deadline_value_encode(value, UINT64_C(0x0102030405060708));
    assert_memory_equal(value, ((uint8_t[]){1, 8, 7, 6, 5, 4, 3, 2, 1}), sizeof value);
}

/* Bytes that stand on disk for good. */
static void the_tables_do_not_move(void **state) {
    (void)state;
    const char *const stages[] = {
        NULL,        "accept",     "verify",       "dispatch", "sign",    "on_scene",
        "handle",    "check",      "follow_up",    "decide",   "overall", "ack_expiry",
        "resume_at", "archive_at", "sensor_clear", "summary",  "reply"};
    const char *const points[] = {"end",     "half",       "near_deadline",
                                  "overdue", "escalation", "repeat"};
    for (size_t i = 0; i <= UINT8_MAX; i++) {
        const char *stage = deadline_stage_text((uint8_t)i);
        const char *point = deadline_point_text((uint8_t)i);
        assert_true(i < ARRAY_COUNT(stages) || stage == NULL);
        assert_true(i < ARRAY_COUNT(points) || point == NULL);
        if (i > 0 && i < ARRAY_COUNT(stages)) {
            assert_string_equal(stage, stages[i]);
        }
        if (i < ARRAY_COUNT(points)) {
            assert_string_equal(point, points[i]);
        }
    }
    assert_null(deadline_stage_text(0));
}

/* Over instants of both signs: the order of keys is deadline_compare's, and what was encoded comes
 * back. */
static void keys_sort_as_deadlines_do(void **state) {
    (void)state;
    const int64_t dues[] = {INT64_MIN, INT64_MIN + 1,          -256,     -1, 0, 1,
                            255,       INT64_C(1780000000000), INT64_MAX};
    const uint64_t objects[] = {1, 255, 256, UINT64_MAX};
    const uint8_t stages[] = {DEADLINE_ACCEPT, DEADLINE_SUMMARY};
    const uint16_t parts[] = {0, 255, UINT16_MAX};
    struct deadline all[ARRAY_COUNT(dues) * 4 * 2 * 2 * 3], last = {.due_ms = INT64_MIN};
    size_t count = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        all[count++] = sound(dues[i / 48], objects[i / 12 % 4], stages[i / 6 % 2],
                             (uint8_t)(i / 3 % 2 * POINT_REPEAT), parts[i % 3]);
    }
    uint8_t before[DEADLINE_KEY_BYTES], key[DEADLINE_KEY_BYTES], after[DEADLINE_KEY_BYTES + 1];
    for (size_t i = 0; i < count; i++) {
        struct deadline back;
        deadline_key_encode(key, &all[i]);
        assert_true(deadline_key_decode(&back, (struct slice){key, sizeof key}));
        assert_int_equal(deadline_compare(&back, &all[i]), 0);
        assert_true(deadline_compare(&last, &all[i]) < 0 && deadline_compare(&all[i], &last) > 0);
        assert_true(i == 0 || memcmp(before, key, sizeof key) < 0);
        deadline_key_after(after, &last);
        assert_true(memcmp(after, key, sizeof key) <= 0);
        deadline_key_after(after, &all[i]);
        assert_true(memcmp(after, key, sizeof key) == 0 && sizeof after > sizeof key);
        memcpy(before, key, sizeof key);
        last = all[i];
    }
    struct deadline end = deadline_last_of(-1);
    const struct deadline inside = sound(-1, UINT64_MAX, DEADLINE_SUMMARY, POINT_REPEAT, 9);
    const struct deadline outside = sound(0, 1, DEADLINE_ACCEPT, POINT_END, 0);
    assert_true(deadline_compare(&inside, &end) < 0 && deadline_compare(&outside, &end) > 0);
}

static void other_bytes_are_no_deadline(void **state) {
    (void)state;
    const struct deadline deadline = sound(5, 7, DEADLINE_SIGN, POINT_NEAR, 1);
    uint8_t key[DEADLINE_KEY_BYTES + 1] = {0}, value[DEADLINE_VALUE_BYTES + 1] = {0};
    struct deadline back;
    uint64_t seq;
    deadline_key_encode(key, &deadline);
    assert_false(deadline_key_decode(&back, (struct slice){key, DEADLINE_KEY_BYTES + 1}));
    assert_false(deadline_key_decode(&back, (struct slice){key, DEADLINE_KEY_BYTES - 1}));
    key[16] = 0;
    assert_false(deadline_key_decode(&back, (struct slice){key, DEADLINE_KEY_BYTES}));
    key[16] = DEADLINE_REPLY + 1;
    assert_false(deadline_key_decode(&back, (struct slice){key, DEADLINE_KEY_BYTES}));
    key[16] = DEADLINE_SIGN;
    key[17] = POINT_REPEAT + 1;
    assert_false(deadline_key_decode(&back, (struct slice){key, DEADLINE_KEY_BYTES}));
    key[17] = POINT_REPEAT;
    assert_true(deadline_key_decode(&back, (struct slice){key, DEADLINE_KEY_BYTES}));
    memset(key + 8, 0, 8); /* no object */
    assert_false(deadline_key_decode(&back, (struct slice){key, DEADLINE_KEY_BYTES}));
    deadline_value_encode(value, 9);
    assert_true(deadline_value_decode(&seq, (struct slice){value, DEADLINE_VALUE_BYTES}));
    assert_int_equal(seq, 9);
    assert_false(deadline_value_decode(&seq, (struct slice){value, DEADLINE_VALUE_BYTES + 1}));
    assert_false(deadline_value_decode(&seq, (struct slice){NULL, 0}));
    value[0] = DEADLINE_VERSION + 1;
    assert_false(deadline_value_decode(&seq, (struct slice){value, DEADLINE_VALUE_BYTES}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_as_documented),
        cmocka_unit_test(the_tables_do_not_move),
        cmocka_unit_test(keys_sort_as_deadlines_do),
        cmocka_unit_test(other_bytes_are_no_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
