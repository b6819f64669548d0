#include "tests/unit/support.h"

#include "core/base/bytes.h"
#include "core/text/instant.h"
#include "server/api/cursor.h"

#include <xxhash.h>

static const struct timeline_position somewhere = {
    .occurred_ms = 1795336200123, .region = 45326, .identity_low = UINT64_C(0xfedcba9876543210)};

static struct slice encode(char text[CURSOR_TEXT_BYTES_MAX], uint64_t binding) {
    size_t bytes = cursor_from_timeline(text, binding, &somewhere);
    assert_int_equal(bytes, strlen(text));
    return (struct slice){(const uint8_t *)text, bytes};
}

static void a_position_comes_back(void **state) {
    (void)state;
    char text[CURSOR_TEXT_BYTES_MAX];
    struct timeline_position ret;
    assert_true(cursor_to_timeline(&ret, 7, encode(text, 7)));
    assert_int_equal(timeline_position_compare(&ret, &somewhere), 0);
    uint32_t region;
    const uint32_t regions[] = {0, 1, 713034, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(regions); i++) {
        size_t bytes = cursor_from_region(text, 9, regions[i]);
        assert_true(cursor_to_region(&region, 9, (struct slice){(const uint8_t *)text, bytes}));
        assert_int_equal(region, regions[i]);
    }
}

static void numbers_come_back_to_their_own_list(void **state) {
    (void)state;
    static const struct cursor_numbers numbers[] = {
        {0, 0}, {1, 0}, {UINT64_C(0xfedcba9876543210), 7}, {UINT64_MAX, UINT64_MAX}};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        char text[CURSOR_TEXT_BYTES_MAX];
        struct cursor_numbers ret = {5, 5};
        size_t bytes = cursor_from_numbers(text, CURSOR_TICKETS, 7, numbers[i]);
        const struct slice cursor = {(const uint8_t *)text, bytes};
        assert_false(cursor_to_numbers(&ret, CURSOR_INCIDENTS, 7, cursor));
        assert_false(cursor_to_numbers(&ret, CURSOR_TICKETS, 8, cursor));
        assert_int_equal(ret.first, 5);
        assert_true(cursor_to_numbers(&ret, CURSOR_TICKETS, 7, cursor));
        assert_true(ret.first == numbers[i].first && ret.second == numbers[i].second);
    }
}

static void it_is_safe_in_an_address(void **state) {
    (void)state;
    char text[CURSOR_TEXT_BYTES_MAX];
    for (uint64_t binding = 0; binding < 500; binding++) {
        struct slice cursor = encode(text, binding);
        assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-_"),
                         cursor.bytes);
    }
}

static void another_list_is_refused(void **state) {
    (void)state;
    char text[CURSOR_TEXT_BYTES_MAX];
    struct timeline_position ret = {.region = 1};
    uint32_t region = 5;
    struct slice cursor = encode(text, 7);
    assert_false(cursor_to_timeline(&ret, 8, cursor));
    assert_false(cursor_to_region(&region, 7, cursor));
    size_t bytes = cursor_from_region(text, 7, 3);
    assert_false(cursor_to_timeline(&ret, 7, (struct slice){(const uint8_t *)text, bytes}));
    assert_int_equal(ret.region, 1);
    assert_int_equal(region, 5);
    const uint64_t one[] = {1, 2, 3}, other[] = {1, 2, 4};
    assert_true(cursor_binding(one, 3) != cursor_binding(other, 3));
    assert_true(cursor_binding(one, 3) != cursor_binding(one, 2));
}

static void every_damage_is_found(void **state) {
    (void)state;
    char text[CURSOR_TEXT_BYTES_MAX];
    struct timeline_position ret;
    struct slice cursor = encode(text, 7);
    for (size_t i = 0; i < cursor.bytes; i++) {
        const char right = text[i];
        for (int byte = 0; byte < 256; byte++) {
            text[i] = (char)byte;
            if (text[i] != right) {
                assert_false(cursor_to_timeline(&ret, 7, cursor));
            }
        }
        text[i] = right;
        assert_false(cursor_to_timeline(&ret, 7, (struct slice){cursor.data, i}));
    }
    char longer[CURSOR_TEXT_BYTES_MAX + 8];
    memcpy(longer, text, cursor.bytes);
    memcpy(longer + cursor.bytes, "=A", 2);
    for (size_t more = 1; more <= 2; more++) {
        struct slice slice = {(const uint8_t *)longer, cursor.bytes + more};
        assert_false(cursor_to_timeline(&ret, 7, slice));
    }
    assert_false(cursor_to_timeline(&ret, 7, (struct slice){NULL, 0}));
}

/* The check is no secret, so a client can make one for a position that no key can hold. */
static size_t forge(char *to, const uint8_t position[TIMELINE_KEY_BYTES], uint64_t binding) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t hashed[2 + TIMELINE_KEY_BYTES] = {CURSOR_VERSION, CURSOR_TIMELINE};
    memcpy(hashed + 2, position, TIMELINE_KEY_BYTES);
    uint8_t raw[CURSOR_HEADER_BYTES + TIMELINE_KEY_BYTES + 1] = {CURSOR_VERSION, CURSOR_TIMELINE};
    store_u32_le(raw + 2, (uint32_t)XXH3_64bits_withSeed(hashed, sizeof hashed, binding));
    memcpy(raw + CURSOR_HEADER_BYTES, position, TIMELINE_KEY_BYTES);
    const size_t length = (sizeof raw - 1) * 4 / 3 + 1;
    for (size_t i = 0; i < length; i++) {
        size_t bit = i * 6;
        unsigned two = (unsigned)raw[bit / 8] << 8;
        two |= bit / 8 + 1 < sizeof raw ? raw[bit / 8 + 1] : 0U;
        to[i] = letters[two >> (10 - bit % 8) & 63];
    }
    return length;
}

static void a_forged_position_stays_in_range(void **state) {
    (void)state;
    char text[CURSOR_TEXT_BYTES_MAX], forged[CURSOR_TEXT_BYTES_MAX];
    const int64_t last_ms = ((int64_t)UINT32_MAX + 1) * DAY_MS - 1;
    struct timeline_position position = {.occurred_ms = last_ms}, ret;
    uint8_t key[TIMELINE_KEY_BYTES];
    size_t bytes = cursor_from_timeline(text, 7, &position);
    timeline_key_encode(key, &position);
    assert_int_equal(forge(forged, key, 7), bytes);
    assert_memory_equal(forged, text, bytes);
    assert_true(cursor_to_timeline(&ret, 7, (struct slice){(const uint8_t *)text, bytes}));
    assert_true(ret.occurred_ms == last_ms);
    store_u32_be(key + 8, DAY_MS);
    assert_int_equal(forge(forged, key, 7), bytes);
    assert_false(cursor_to_timeline(&ret, 7, (struct slice){(const uint8_t *)forged, bytes}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_comes_back),
        cmocka_unit_test(numbers_come_back_to_their_own_list),
        cmocka_unit_test(it_is_safe_in_an_address),
        cmocka_unit_test(another_list_is_refused),
        cmocka_unit_test(every_damage_is_found),
        cmocka_unit_test(a_forged_position_stays_in_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
