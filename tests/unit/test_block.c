#include "storage/block.h"

#include "core/base/bytes.h"
#include "tests/unit/support.h"
#include "tests/unit/support_limits.h"

struct fixture {
    struct limits limits;
    struct block *block;
    struct block_encoder *encoder;
};

static const uint8_t no_hash[BLOCK_HASH_BYTES];

static int setup(void **state) {
    static struct fixture f;
    limits_init(&f.limits);
    f.limits.block_entries = 4;
    f.limits.block_bytes = 1000;
    assert_int_equal(block_new(&f.block, &f.limits), STATUS_OK);
    assert_int_equal(block_encoder_new(&f.encoder), STATUS_OK);
    block_reset(f.block, 41);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    block_free(f->block);
    block_encoder_free(f->encoder);
    return 0;
}

static struct entry entry_of(uint64_t n) {
    return (struct entry){.kind = ENTRY_REPORT,
                          .severity = (uint8_t)(n % 5),
                          .flags = ENTRY_LOCATED | ENTRY_HAS_POSITION,
                          .region = (uint32_t)n * 1000,
                          .category_tag = 0xaabb0000 + (uint32_t)n,
                          .occurred_ms = INT64_C(1700000000000) - (int64_t)n,
                          .received_ms = INT64_C(1700000100000) + (n == 1 ? -50 : (int64_t)n),
                          .identity = {.low = n * 7, .high = n * 11},
                          .content_tag = n * 13};
}

static enum status append(struct block *block, uint64_t n, const char *json) {
    struct entry entry = entry_of(n);
    const struct record record = {.has_position = n % 2 == 1,
                                  .position = {30.5, 104.25},
                                  .source = SLICE_LITERAL("sensor"),
                                  .json = slice_text(json)};
    return block_append(block, &entry, &record);
}

static struct slice encode(struct fixture *f, const uint8_t *previous, uint8_t *ret_hash) {
    struct slice bytes;
    assert_int_equal(block_encode(f->encoder, f->block, previous, &bytes, ret_hash), STATUS_OK);
    return bytes;
}

static void fill_two(struct fixture *f) {
    block_reset(f->block, 41);
    assert_int_equal(append(f->block, 1, "{\"text\":\"a lamp is out\"}"), STATUS_OK);
    assert_int_equal(append(f->block, 2, "{\"text\":\"a lamp is out\",\"n\":2}"), STATUS_OK);
}

/* Every entry and the payload are what went in. */
static void expect_same(struct slice bytes, const struct block *block) {
    struct block_view view;
    assert_int_equal(block_view(&view, bytes, NULL), STATUS_OK);
    assert_true(block_hash_is_right(&view));
    assert_int_equal(view.first_seq, block->first_seq);
    assert_int_equal(view.entries_count, block->entries_count);
    assert_int_equal(view.payload_bytes, block->payload_bytes);
    uint8_t *payload = malloc(view.payload_bytes);
    assert_int_equal(block_view_inflate(&view, payload, NULL), STATUS_OK);
    assert_memory_equal(payload, block->payload, view.payload_bytes);
    free(payload);
    for (uint32_t i = 0; i < view.entries_count; i++) {
        struct entry entry;
        assert_int_equal(block_view_entry(&view, i, &entry), STATUS_OK);
        assert_memory_equal(&entry, &block->entries[i], sizeof entry);
    }
}

static void blocks_come_back(void **state) {
    struct fixture *f = *state;
    uint8_t hash[BLOCK_HASH_BYTES], second_hash[BLOCK_HASH_BYTES];
    fill_two(f);
    struct slice bytes = encode(f, no_hash, hash);
    expect_same(bytes, f->block);
    struct block_view view;
    assert_int_equal(block_view(&view, bytes, NULL), STATUS_OK);
    assert_int_equal(view.received_ms_min, INT64_C(1700000099950));
    assert_memory_equal(view.hash, hash, sizeof hash);
    block_reset(f->block, 43);
    assert_int_equal(append(f->block, 3, "{}"), STATUS_OK);
    bytes = encode(f, hash, second_hash);
    assert_int_equal(block_view(&view, bytes, NULL), STATUS_OK);
    assert_memory_equal(view.previous_hash, hash, sizeof hash);
    assert_memory_not_equal(hash, second_hash, sizeof hash);
    expect_same(bytes, f->block);
}

static void a_block_is_full_at_its_limits(void **state) {
    struct fixture *f = *state;
    EACH_AROUND(count, f->limits, block_entries) {
        block_reset(f->block, 41);
        enum status status = STATUS_OK;
        for (uint64_t n = 1; n <= count; n++) {
            assert_int_equal(status, STATUS_OK);
            status = append(f->block, n, "{}");
        }
        assert_int_equal(status, count <= 4 ? STATUS_OK : STATUS_FULL);
    }
    EACH_AROUND(bytes, f->limits, block_bytes) {
        char json[1100];
        struct record record = {.json = {(const uint8_t *)json, 0}};
        memset(json, 'x', sizeof json);
        record.json.bytes = bytes - record_encoded_bytes(&record);
        assert_int_equal(record_encoded_bytes(&record), bytes);
        struct entry entry = entry_of(1);
        block_reset(f->block, 41);
        assert_int_equal(block_append(f->block, &entry, &record),
                         bytes <= 1000 ? STATUS_OK : STATUS_FULL);
    }
}

static void full_is_said_and_changes_nothing(void **state) {
    struct fixture *f = *state;
    for (uint64_t n = 1; n <= 4; n++) {
        assert_int_equal(append(f->block, n, "{}"), STATUS_OK);
    }
    size_t payload_bytes = f->block->payload_bytes;
    assert_int_equal(append(f->block, 5, "{}"), STATUS_FULL);
    assert_int_equal(f->block->entries_count, 4);
    assert_int_equal(f->block->payload_bytes, payload_bytes);
    /* One entry that fills the payload to the byte, and one more than that. */
    char json[1001];
    memset(json, ' ', sizeof json);
    json[1000 - 4 - 6] = '\0';
    block_reset(f->block, 41);
    assert_int_equal(append(f->block, 2, json), STATUS_OK);
    assert_int_equal(f->block->payload_bytes, 1000);
    json[1000 - 4 - 6] = ' ';
    json[1000 - 4 - 6 + 1] = '\0';
    block_reset(f->block, 41);
    assert_int_equal(append(f->block, 2, json), STATUS_FULL);
    assert_int_equal(f->block->entries_count, 0);
}

static void a_clock_that_jumps_starts_a_new_block(void **state) {
    struct fixture *f = *state;
    const int64_t spread = INT64_C(1) << 31;
    const struct record record = {.json = SLICE_LITERAL("{}")};
    struct entry entry = entry_of(2);
    entry.received_ms = 0;
    assert_int_equal(block_append(f->block, &entry, &record), STATUS_OK);
    entry.received_ms = spread;
    assert_int_equal(block_append(f->block, &entry, &record), STATUS_FULL);
    entry.received_ms = -spread;
    assert_int_equal(block_append(f->block, &entry, &record), STATUS_FULL);
    entry.received_ms = spread - 1;
    assert_int_equal(block_append(f->block, &entry, &record), STATUS_OK);
    entry.received_ms = 1 - spread;
    assert_int_equal(block_append(f->block, &entry, &record), STATUS_OK);
    uint8_t hash[BLOCK_HASH_BYTES];
    expect_same(encode(f, no_hash, hash), f->block);
}

/* A block as format 1 wrote it on 2026-11-22: it must be readable for ever. The LZ4 part is not
 * compared when encoding, since another library version may pack differently. */
static const uint8_t golden[] = {
    0x47, 0x52, 0x44, 0x42, 0x01, 0x00, 0x34, 0x00, 0x29, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x02, 0x00, 0x00, 0x00, 0x5a, 0x00, 0x00, 0x00, 0x5c, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x6e, 0xee, 0xe6, 0xcf, 0x8b, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x01, 0x0c, 0x00, 0xe8, 0x03, 0x00, 0x00,
    0x01, 0x00, 0xbb, 0xaa, 0x00, 0x00, 0x00, 0x00, 0xff, 0x67, 0xe5, 0xcf, 0x8b, 0x01, 0x00, 0x00,
    0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0b, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x0d, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x0c, 0x00,
    0xd0, 0x07, 0x00, 0x00, 0x02, 0x00, 0xbb, 0xaa, 0x34, 0x00, 0x00, 0x00, 0xfe, 0x67, 0xe5, 0xcf,
    0x8b, 0x01, 0x00, 0x00, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x16, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x1a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x32, 0x00, 0x00, 0x00,
    0xf0, 0x4b, 0x01, 0x01, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x3e, 0x40, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x10, 0x5a, 0x40, 0x73, 0x65, 0x6e, 0x73, 0x6f, 0x72, 0x7b, 0x22, 0x74, 0x65,
    0x78, 0x74, 0x22, 0x3a, 0x22, 0x61, 0x20, 0x6c, 0x61, 0x6d, 0x70, 0x20, 0x69, 0x73, 0x20, 0x6f,
    0x75, 0x74, 0x22, 0x7d, 0x01, 0x00, 0x06, 0x00, 0x73, 0x65, 0x6e, 0x73, 0x6f, 0x72, 0x7b, 0x22,
    0x74, 0x65, 0x78, 0x74, 0x22, 0x3a, 0x22, 0x61, 0x20, 0x6c, 0x61, 0x6d, 0x70, 0x20, 0x69, 0x73,
    0x20, 0x6f, 0x75, 0x74, 0x22, 0x2c, 0x22, 0x6e, 0x22, 0x3a, 0x32, 0x7d, 0x7a, 0xee, 0xb3, 0xfc,
    0x17, 0x6f, 0x1b, 0xb3, 0x6b, 0xd1, 0xcb, 0x7d, 0x13, 0xd3, 0x00, 0x15, 0x9b, 0x56, 0x86, 0x34,
    0x1b, 0x10, 0x17, 0xec, 0xde, 0xf7, 0xda, 0x71, 0x71, 0x4c, 0xaf, 0xe3,
};

static void the_format_stands_still(void **state) {
    struct fixture *f = *state;
    fill_two(f);
    expect_same((struct slice){golden, sizeof golden}, f->block);
    uint8_t hash[BLOCK_HASH_BYTES];
    struct slice bytes = encode(f, no_hash, hash);
    const size_t head = 72 + 2 * 52;
    assert_memory_equal(bytes.data, golden, 24);
    assert_memory_equal(bytes.data + 28, golden + 28, head - 28);
}

static struct slice copy_of(struct slice bytes) {
    uint8_t *copy = malloc(bytes.bytes);
    memcpy(copy, bytes.data, bytes.bytes);
    return (struct slice){copy, bytes.bytes};
}

static void cut_blocks_are_refused_at_every_byte(void **state) {
    (void)state;
    for (size_t bytes = 0; bytes < sizeof golden; bytes++) {
        struct slice copy = copy_of((struct slice){golden, bytes});
        struct block_view view;
        struct error error = {""};
        assert_int_equal(block_view(&view, copy, &error), STATUS_CORRUPT);
        assert_true(error.message[0] != '\0');
        free((void *)(uintptr_t)copy.data);
    }
    uint8_t longer[sizeof golden + 1];
    memcpy(longer, golden, sizeof golden);
    longer[sizeof golden] = 0;
    struct block_view view;
    assert_int_equal(block_view(&view, (struct slice){longer, sizeof longer}, NULL),
                     STATUS_CORRUPT);
}

static void every_flipped_bit_is_found(void **state) {
    (void)state;
    struct slice copy = copy_of((struct slice){golden, sizeof golden});
    uint8_t *bytes = (uint8_t *)(uintptr_t)copy.data;
    for (size_t bit = 0; bit < copy.bytes * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct block_view view;
        enum status status = block_view(&view, copy, NULL);
        assert_true(status != STATUS_OK || !block_hash_is_right(&view));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(bytes);
}

/* Hostile lengths that agree with the size of the block. */
static void lengths_that_lie_are_refused(void **state) {
    (void)state;
    uint8_t bytes[sizeof golden];
    struct block_view view;
    struct entry entry;
    const struct slice all = {bytes, sizeof bytes};
    memcpy(bytes, golden, sizeof golden);
    store_u16_le(bytes + 4, 2);
    assert_int_equal(block_view(&view, all, NULL), STATUS_VERSION);
    memcpy(bytes, golden, sizeof golden);
    store_u32_le(bytes + 20, BLOCK_PAYLOAD_CAP + 1);
    assert_int_equal(block_view(&view, all, NULL), STATUS_CORRUPT);
    store_u32_le(bytes + 20, load_u32_le(golden + 20) - 1);
    assert_int_equal(block_view(&view, all, NULL), STATUS_OK);
    uint8_t payload[1000];
    assert_int_equal(block_view_inflate(&view, payload, NULL), STATUS_CORRUPT);
    memcpy(bytes, golden, sizeof golden);
    store_u64_le(bytes + 8, UINT64_MAX - 1);
    assert_int_equal(block_view(&view, all, NULL), STATUS_CORRUPT);
    store_u64_le(bytes + 8, 0);
    assert_int_equal(block_view(&view, all, NULL), STATUS_CORRUPT);
    memcpy(bytes, golden, sizeof golden);
    store_u32_le(bytes + 72 + 52 + 48, load_u32_le(golden + 20) + 1); /* second record's offset */
    assert_int_equal(block_view(&view, all, NULL), STATUS_OK);
    assert_int_equal(block_view_entry(&view, 0, &entry), STATUS_CORRUPT);
    assert_int_equal(block_view_entry(&view, 1, &entry), STATUS_CORRUPT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(blocks_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_block_is_full_at_its_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(full_is_said_and_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_clock_that_jumps_starts_a_new_block, setup, teardown),
        cmocka_unit_test_setup_teardown(the_format_stands_still, setup, teardown),
        cmocka_unit_test_setup_teardown(cut_blocks_are_refused_at_every_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(every_flipped_bit_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(lengths_that_lie_are_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
