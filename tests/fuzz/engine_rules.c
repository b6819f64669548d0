#include "tests/fuzz/engine_rules.h"

#include "core/base/check.h"
#include "server/rules/policy_file.h"

#include <stdlib.h>
#include <string.h>

/* A category for each kind of merge class; where the two versions differ there is a %. */
static const char rules_text[] =
    "version: 1\n"
    "ladder_pause: 1s\n"
    "merge_classes:\n"
    "  - {code: near, kind: distance, gate_m: 50, reopen: 10m, stale: 2m, suggest_m: 250}\n"
    "  - {code: area, kind: grid, gate_m: 300, idle: 1h, reopen: 20m, stale: 5m, suggest_m: 900}\n"
    "  - {code: fire, kind: fire, gate_m: 2000, idle: 2h, reopen: 24h, stale: 15m, suggest_m: "
    "4000}\n"
    "  - {code: alarm, kind: alarm, gate_m: 0, reopen: 10m, stale: 2h}\n"
    "categories:\n"
    "  - {code: leak, name: L, priority: P2, severity: severe, merge: near, accept: 6m,\n"
    "     dispatch: 4m, sign: 3m, on_scene: 5m, handle: 8m, check: 4m, follow_up: 9m, overall: "
    "40m}\n"
    "  - {code: smoke, name: S, priority: P1, merge: area, accept: 3m, dispatch: 3m, sign: 2m,\n"
    "     on_scene: 4m, handle: 2h, check: 4m, follow_up: 10m, overall: 5h}\n"
    "  - {code: rubble, name: R, priority: P3, merge: near, self_handle: true}\n"
    "  - {code: fire, name: F, priority: P1, severity: extreme, merge: fire}\n"
    "  - {code: gas_alarm, name: G, priority: P2, merge: alarm}\n"
    "  - {code: sensor_fault, name: B, priority: P4, handle: 3wd}\n"
    "  - {code: directive, name: D, priority: P3, handle: 4wh}\n"
    "  - {code: patrol, name: P, priority: P4, ticket: false}\n"
    "units:\n"
    "  - {code: u1, name: A}\n"
    "  - {code: u2, name: B}\n"
    "  - {code: u3, name: C}\n"
    "assignments:\n"
    "  - {unit: u1}\n"
    "  - {unit: u2, category: smoke}\n"
    "  - {unit: u3, category: leak, region: t}\n"
    "archive: 15m\n"
    "reopen: 30m\n"
    "return_window: 8m\n"
    "self_check_percent: 50\n"
    "channels:\n"
    "  - {code: handheld, name: H, observer: person, public: false}\n"
    "  - {code: app, name: A, observer: person, public: true}\n";

static struct policy policies[ENGINE_VIEWS];
static const struct policy *versions[ENGINE_VIEWS];
static struct calendar_set calendars[ENGINE_VIEWS];
static struct world_view views[ENGINE_VIEWS];

static void make_policies(void) {
    struct error error = {""};
    enum status status = policy_from_text(&policies[0], "engine", slice_text(rules_text), &error);
    CHECK(status == STATUS_OK);
    /* The second: a merge class wider, a category that no longer opens anything, one limit less. */
    policies[1] = policies[0];
    policies[1].version = 2;
    policies[1].merge_classes[1].gate_m = 120;
    policies[1].categories[0].limits[STAGE_HANDLE] = (struct stage_limit){METERING_WORK_HOUR, 7200};
    policies[1].categories[2].opens_ticket = false;
    policies[1].self_check_percent = 0;
}

static void make_calendar(struct calendar_set *set, uint32_t version, bool has_holiday) {
    static const struct calendar_interval office[] = {{30600, 43200}, {50400, 63000}};
    static struct calendar calendar;
    struct error error;
    enum status status = calendar_init(&calendar, SLICE_LITERAL("office"), 1, &error);
    calendar.offset_s = 28800;
    for (unsigned i = CALENDAR_MONDAY; status == STATUS_OK && i <= CALENDAR_WORKDAY; i++) {
        if (i != CALENDAR_SATURDAY && i != CALENDAR_SUNDAY) {
            status =
                calendar_set_attendance(&calendar, (enum calendar_pattern)i, office, 2, &error);
        }
    }
    for (int32_t day = 0; has_holiday && status == STATUS_OK && day < 7; day++) {
        status = calendar_add_exception(&calendar, 20779 + day, CALENDAR_HOLIDAY, &error);
    }
    CHECK(status == STATUS_OK && calendar_seal(&calendar, &error) == STATUS_OK);
    calendar_set_init(set, version);
    CHECK(calendar_set_add(set, &calendar, &error) == STATUS_OK);
}

/* c > t > v > g, and t > h: g and h are grids; v has no leader. */
static struct region_table *make_regions(void) {
    static const struct region_row rows[] = {
        {.code = SLICE_LITERAL("c"), .name = SLICE_LITERAL("c"), .leader = SLICE_LITERAL("lc")},
        {.code = SLICE_LITERAL("t"),
         .parent = SLICE_LITERAL("c"),
         .name = SLICE_LITERAL("t"),
         .leader = SLICE_LITERAL("lt"),
         .level = 2},
        {.code = SLICE_LITERAL("v"),
         .parent = SLICE_LITERAL("t"),
         .name = SLICE_LITERAL("v"),
         .level = 3},
        {.code = SLICE_LITERAL("g"),
         .parent = SLICE_LITERAL("v"),
         .name = SLICE_LITERAL("g"),
         .leader = SLICE_LITERAL("lg"),
         .level = 4},
        {.code = SLICE_LITERAL("h"),
         .parent = SLICE_LITERAL("t"),
         .name = SLICE_LITERAL("h"),
         .level = 4}};
    uint8_t encoded[1024];
    size_t bytes = 0, bad_row;
    struct limits limits;
    struct region_table *table = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        bytes += region_row_encode(encoded + bytes, &rows[i]);
    }
    limits_init(&limits);
    size_t memory_bytes = region_table_bytes(NULL, ARRAY_COUNT(rows), bytes);
    void *memory = malloc(memory_bytes);
    CHECK(memory != NULL);
    enum status status =
        region_table_build(&table, memory, memory_bytes, NULL, (struct slice){encoded, bytes},
                           ARRAY_COUNT(rows), &limits, &bad_row, NULL);
    CHECK(status == STATUS_OK);
    return table;
}

const struct world_view *engine_view(unsigned index) {
    CHECK(index < ENGINE_VIEWS);
    if (views[0].policy == NULL) {
        const struct region_table *regions = make_regions();
        make_policies();
        for (uint32_t i = 0; i < ENGINE_VIEWS; i++) {
            make_calendar(&calendars[i], i + 1, i > 0);
            versions[i] = &policies[i];
            views[i] = (struct world_view){.policy = &policies[i],
                                           .policies = versions,
                                           .policies_count = ENGINE_VIEWS,
                                           .calendars = &calendars[i],
                                           .regions = regions};
        }
    }
    return &views[index];
}
