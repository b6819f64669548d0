/* Report parsing on exactly sized memory: no input may crash it, what it accepts must encode and
 * decode again, and parsing twice must give the same. */
#include <stdlib.h>
#include <string.h>

#include "core/report/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct limits limits;
static struct policy policy;
static struct region_table *regions;

static void require(bool condition) {
    if (!condition) {
        abort();
    }
}

static void set_up(void) {
    limits_init(&limits);
    policy_init(&policy, 1);
    require(policy_add_category(&policy, SLICE_LITERAL("fire"), SLICE_LITERAL("Fire"), 1,
                                SEVERITY_SEVERE, NULL) == STATUS_OK);
    require(policy_add_channel(&policy, SLICE_LITERAL("handheld"), SLICE_LITERAL("Handheld"),
                               NULL) == STATUS_OK);
    struct region_row row = {.code = SLICE_LITERAL("1"),
                             .name = SLICE_LITERAL("one"),
                             .has_position = true,
                             .position = {35.0, 107.0}};
    uint8_t encoded[512];
    size_t bytes = region_row_encode(encoded, &row);
    size_t memory_bytes = region_table_bytes(NULL, 1, bytes);
    void *memory = aligned_alloc(16, (memory_bytes + 15) / 16 * 16);
    size_t bad_row;
    require(region_table_build(&regions, memory, memory_bytes, NULL, (struct slice){encoded, bytes},
                               1, &limits, &bad_row, NULL) == STATUS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct json_reader reader;
    static uint8_t arena_memory[1 << 16];
    if (regions == NULL) {
        set_up();
    }
    if (size > limits.line_bytes) {
        return 0;
    }
    struct report_context context = {.limits = &limits,
                                     .policy = &policy,
                                     .regions = regions,
                                     .default_source = SLICE_LITERAL("anonymous"),
                                     .identity_seed = 1,
                                     .now_ms = INT64_C(1800000000000)};
    struct report reports[2];
    struct report_problem problem;
    enum status statuses[2];
    for (size_t i = 0; i < 2; i++) {
        struct arena arena;
        arena_init(&arena, arena_memory, sizeof arena_memory);
        memset(&problem, 0, sizeof problem);
        statuses[i] = report_parse(&reports[i], &problem, &context, (struct slice){data, size},
                                   &arena, &reader);
    }
    require(statuses[0] == statuses[1]);
    if (statuses[0] == STATUS_INVALID) {
        require(problem.title != NULL && problem.detail[0] != '\0');
        require(utf8_is_valid(slice_text(problem.detail)));
    }
    if (statuses[0] == STATUS_OK) {
        require(memcmp(&reports[0].entry, &reports[1].entry, sizeof reports[0].entry) == 0);
        size_t bytes = record_encoded_bytes(&reports[0].record);
        uint8_t *encoded = malloc(bytes);
        require(record_encode(encoded, &reports[0].record) == bytes);
        struct record record;
        require(record_decode(&record, (struct slice){encoded, bytes}));
        require(slice_equal(record.json, reports[0].record.json));
        free(encoded);
    }
    return 0;
}
