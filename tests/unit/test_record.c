#include "core/report/record.h"

#include "tests/unit/support.h"

static void records_come_back(void **state) {
    (void)state;
    for (unsigned variant = 0; variant < 8; variant++) {
        struct record record = {.json = SLICE_LITERAL("{\"a\":1}")};
        if ((variant & 1) != 0) {
            record.has_position = true;
            record.position = (struct position){31.25, -121.5};
        }
        if ((variant & 4) != 0) {
            record.incident = UINT64_C(0x0102030405060708);
            record.ticket = 9;
        }
        char source[64];
        memset(source, 's', sizeof source);
        record.source = (struct slice){(uint8_t *)source, (variant & 2) != 0 ? sizeof source : 0};
        size_t bytes = record_encoded_bytes(&record);
        assert_true(bytes <= RECORD_HEADER_BYTES_MAX + record.json.bytes);
        uint8_t *encoded = malloc(bytes);
        assert_int_equal(record_encode(encoded, &record), bytes);
        struct record back;
        assert_true(record_decode(&back, (struct slice){encoded, bytes}));
        assert_int_equal(back.has_position, record.has_position);
        assert_true(back.position.lat_deg == record.position.lat_deg);
        assert_true(back.position.lon_deg == record.position.lon_deg);
        assert_true(back.incident == record.incident && back.ticket == record.ticket);
        assert_true(slice_equal(back.source, record.source));
        assert_true(slice_equal(back.json, record.json));
        for (size_t cut = 0; cut < bytes; cut++) {
            uint8_t *prefix = malloc(cut + (cut == 0));
            memcpy(prefix, encoded, cut);
            assert_false(record_decode(&back, (struct slice){prefix, cut}));
            free(prefix);
        }
        free(encoded);
    }
}

static void the_format_is_written_down(void **state) {
    (void)state;
    const uint8_t bytes[] = {1, 1, 2, 0, 0, 0, 0, 0,    0,   0,   0xF0, 0x3F,
                             0, 0, 0, 0, 0, 0, 0, 0xC0, 'a', 'b', '{',  '}'};
    struct record record;
    assert_true(record_decode(&record, (struct slice){bytes, sizeof bytes}));
    assert_true(record.position.lat_deg == 1.0 && record.position.lon_deg == -2.0);
    assert_true(slice_is(record.source, "ab") && slice_is(record.json, "{}"));
    uint8_t again[sizeof bytes];
    assert_int_equal(record_encode(again, &record), sizeof bytes);
    assert_memory_equal(again, bytes, sizeof bytes);
}

static void damage_is_refused(void **state) {
    (void)state;
    const struct {
        size_t at;
        uint8_t value;
    } damages[] = {{0, 2}, {0, 0}, {1, 4}, {1, 0xFF}, {2, 65}, {3, 1}, {4, 'x'}, {5, 'x'}};
    for (size_t i = 0; i < ARRAY_COUNT(damages); i++) {
        uint8_t bytes[80] = {1, 0, 0, 0, '{'};
        memset(bytes + 5, ' ', sizeof bytes - 5);
        bytes[sizeof bytes - 1] = '}';
        size_t count = sizeof bytes;
        if (damages[i].at == 5) {
            bytes[count - 1] = damages[i].value;
        } else {
            bytes[damages[i].at] = damages[i].value;
        }
        struct record record;
        assert_false(record_decode(&record, (struct slice){bytes, count}));
    }
    struct record record;
    assert_false(record_decode(&record, (struct slice){NULL, 0}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back),
        cmocka_unit_test(the_format_is_written_down),
        cmocka_unit_test(damage_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
