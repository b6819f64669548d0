#include "tests/unit/support_report.h"

#include "tests/unit/support.h"

static size_t encode_regions(uint8_t *to) {
    static const struct {
        const char *code, *parent, *name;
    } regions[] = {{"c", "", "City"}, {"c1", "c", "Town"}, {"g1", "c1", "Grid"}};
    size_t bytes = 0;
    for (size_t i = 0; i < ARRAY_COUNT(regions); i++) {
        struct region_row row = {.code = slice_text(regions[i].code),
                                 .parent = slice_text(regions[i].parent),
                                 .name = slice_text(regions[i].name),
                                 .level = (uint8_t)i};
        bytes += region_row_encode(to + bytes, &row);
    }
    return bytes;
}

void support_world_init(struct support_world *world) {
    struct limits limits;
    struct error error;
    uint8_t rows[256];
    size_t bad_row;
    limits_init(&limits);
    const size_t bytes = encode_regions(rows);
    const size_t memory_bytes = region_table_bytes(NULL, 3, bytes);
    world->memory = malloc(memory_bytes);
    assert_non_null(world->memory);
    assert_int_equal(region_table_build(&world->regions, world->memory, memory_bytes, NULL,
                                        (struct slice){rows, bytes}, 3, &limits, &bad_row, &error),
                     STATUS_OK);
    policy_init(&world->policy, 1);
    assert_int_equal(policy_add_category(&world->policy, SLICE_LITERAL("forest_fire"),
                                         SLICE_LITERAL("Forest fire"), 1, SEVERITY_EXTREME, &error),
                     STATUS_OK);
}

void support_world_deinit(struct support_world *world) {
    free(world->memory);
}

const struct timeline_row *support_row(struct support_row *to, const char *json, unsigned flags,
                                       const struct position *position, const char *source) {
    struct record record = {.has_position = position != NULL,
                            .source = slice_text(source != NULL ? source : ""),
                            .json = slice_text(json)};
    if (position != NULL) {
        record.position = *position;
        flags |= ENTRY_HAS_POSITION;
    }
    assert_true(record_encoded_bytes(&record) <= sizeof to->record);
    size_t bytes = record_encode(to->record, &record);
    to->row = (struct timeline_row){
        .seq = 7,
        .entry = {.kind = ENTRY_REPORT,
                  .severity = SEVERITY_SEVERE,
                  .flags = (uint16_t)flags,
                  .region = 2,
                  .category_tag = policy_tag(SLICE_LITERAL("forest_fire")),
                  .record_bytes = (uint32_t)bytes,
                  .occurred_ms = INT64_C(1795336200000),
                  .received_ms = INT64_C(1795336201000),
                  .identity = {UINT64_C(0xfedcba9876543210), UINT64_C(0x0123456789abcdef)}},
        .record = {to->record, bytes},
    };
    return &to->row;
}
