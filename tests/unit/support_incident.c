#include "tests/unit/support_incident.h"

#include "core/base/bytes.h"

#include <math.h>

static const struct {
    const char *code;
    unsigned priority;
    enum severity severity;
    struct merge_class class;
} kinds[] = {
    {"pothole",
     3,
     SEVERITY_MODERATE,
     {.kind = MERGE_DISTANCE,
      .gate_m = 50,
      .spread_m = 100,
      .reopen_s = 72 * 3600,
      .stale_s = 8 * 3600,
      .suggest_m = 250}},
    {"gas_leak",
     1,
     SEVERITY_EXTREME,
     {.kind = MERGE_DISTANCE,
      .gate_m = 150,
      .spread_m = 300,
      .idle_s = 7200,
      .reopen_s = 3600,
      .stale_s = 900}},
    {"noise",
     2,
     SEVERITY_MODERATE,
     {.kind = MERGE_GRID, .gate_m = 300, .spread_m = 3000, .idle_s = 6 * 3600, .stale_s = 7200}},
    {"forest_fire",
     1,
     SEVERITY_SEVERE,
     {.kind = MERGE_FIRE, .gate_m = 2000, .spread_m = 2000, .reopen_s = 24 * 3600, .stale_s = 900}},
    {"smoke_alarm", 1, SEVERITY_SEVERE, {.kind = MERGE_ALARM, .reopen_s = 600, .stale_s = 900}},
    {"tank_level", 3, SEVERITY_MODERATE, {.kind = MERGE_ALARM, .reopen_s = 600}},
    {"dispute", 3, SEVERITY_MODERATE, {.kind = MERGE_NEVER, .reopen_s = 3600}},
};

static void append(void *context, const struct event *event) {
    struct world *world = context;
    if (world->events_count == world->events_room) {
        world->events_room = world->events_room * 2 + 64;
        world->events = realloc(world->events, world->events_room * sizeof *world->events);
        assert_non_null(world->events);
    }
    struct world_event *kept = &world->events[world->events_count++];
    memset(kept, 0, sizeof *kept);
    kept->kind = event->kind;
    kept->object = event->object;
    kept->seq = world->effects.next_seq++;
    assert_true(event->json.bytes < sizeof kept->json);
    memcpy(kept->json, event->json.data, event->json.bytes);
}

static void policy_fill(struct policy *policy) {
    policy_init(policy, 1);
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        assert_int_equal(policy_add_category(policy, slice_text(kinds[i].code),
                                             slice_text(kinds[i].code), kinds[i].priority,
                                             kinds[i].severity, NULL),
                         STATUS_OK);
        policy->categories[i].opens_ticket = true;
        policy->categories[i].merge_class = (uint8_t)i;
        policy->merge_classes[i] = kinds[i].class;
        strncpy(policy->merge_classes[i].code, kinds[i].code, POLICY_CODE_BYTES_MAX);
    }
    policy->merge_classes_count = ARRAY_COUNT(kinds);
    assert_int_equal(policy_add_category(policy, slice_text("patrol"), slice_text("patrol"), 4,
                                         SEVERITY_MINOR, NULL),
                     STATUS_OK);
    policy->categories[policy->categories_count - 1].opens_ticket = false;
}

static void table_open(struct world *world, uint64_t limit) {
    size_t bytes = incidents_bytes(limit);
    world->memory = aligned_alloc(64, bytes);
    assert_non_null(world->memory);
    memset(world->memory, 0, bytes);
    incidents_init(&world->incidents, world->memory, limit, &world->policy);
}

void world_open(struct world *world, uint64_t limit) {
    memset(world, 0, sizeof *world);
    policy_fill(&world->policy);
    world->effects = (struct effects){
        .context = world, .now_ms = 1795485600000, .next_seq = 1000, .append = append};
    table_open(world, limit);
}

void world_close(struct world *world) {
    free(world->memory);
    free(world->events);
    free(world->rows);
}

uint32_t world_category(const char *code) {
    return policy_tag(slice_text(code));
}

struct position world_place(double north_m, double east_m) {
    const double degree_m = 6371008.8 * 3.14159265358979323846 / 180.0;
    double lat_deg = 34.0 + north_m / degree_m;
    return (struct position){lat_deg, 108.0 + east_m / (degree_m * cos(34.0 / 57.29577951308232))};
}

static enum severity severity_of(const char *category) {
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (strcmp(kinds[i].code, category) == 0) {
            return kinds[i].severity;
        }
    }
    return SEVERITY_MINOR;
}

struct sighting support_sighting(struct world *world, const char *category, double north_m,
                                 double east_m) {
    return (struct sighting){
        .region = 7,
        .category_tag = world_category(category),
        .occurred_ms = world->effects.now_ms,
        .received_ms = world->effects.now_ms,
        .has_position = true,
        .position = world_place(north_m, east_m),
        .in_grid = true,
        .severity = (uint8_t)severity_of(category),
        .observation = {.kind = OBSERVER_PERSON,
                        .observer = (world->effects.next_seq + 1) * UINT64_C(0x9e3779b97f4a7c15)},
    };
}

enum status world_try(struct world *world, struct sighting *sighting) {
    sighting->seq = world->effects.next_seq++;
    return incidents_take(&world->incidents, sighting, &world->effects, &world->taken);
}

uint64_t world_take(struct world *world, struct sighting sighting) {
    assert_int_equal(world_try(world, &sighting), STATUS_OK);
    return world->taken.incident;
}

const struct incident *world_incident(const struct world *world, uint64_t number) {
    const struct incident *incident = incidents_find(&world->incidents, number);
    assert_non_null(incident);
    return incident;
}

size_t world_events(const struct world *world, enum entry_kind kind, uint64_t incident) {
    size_t count = 0;
    for (size_t i = 0; i < world->events_count; i++) {
        const struct world_event *event = &world->events[i];
        count += event->kind == kind && (incident == 0 || event->object == incident) ? 1 : 0;
    }
    return count;
}

const struct world_event *world_last(const struct world *world, enum entry_kind kind) {
    for (size_t i = world->events_count; i > 0; i--) {
        if (world->events[i - 1].kind == kind) {
            return &world->events[i - 1];
        }
    }
    fail_msg("no event %s", entry_kind_name(kind));
    return NULL;
}

static int row_order(const struct world_row *a, enum row_family family, struct slice key) {
    if (a->family != family) {
        return a->family < family ? -1 : 1;
    }
    size_t bytes = a->key_bytes < key.bytes ? a->key_bytes : key.bytes;
    int order = memcmp(a->key, key.data, bytes);
    return order != 0 ? order : (int)a->key_bytes - (int)key.bytes;
}

static size_t row_find(const struct world *world, enum row_family family, struct slice key) {
    size_t low = 0;
    size_t high = world->rows_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (row_order(&world->rows[middle], family, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void keep_row(void *context, enum row_family family, struct slice key, struct slice value) {
    struct world *world = context;
    world->rows_given++;
    size_t at = row_find(world, family, key);
    bool is_there = at < world->rows_count && row_order(&world->rows[at], family, key) == 0;
    if (value.bytes == 0) {
        assert_true(is_there);
        memmove(&world->rows[at], &world->rows[at + 1],
                (world->rows_count - at - 1) * sizeof *world->rows);
        world->rows_count--;
        return;
    }
    if (!is_there) {
        if (world->rows_count == world->rows_room) {
            world->rows_room = world->rows_room * 2 + 64;
            world->rows = realloc(world->rows, world->rows_room * sizeof *world->rows);
            assert_non_null(world->rows);
        }
        memmove(&world->rows[at + 1], &world->rows[at],
                (world->rows_count - at) * sizeof *world->rows);
        world->rows_count++;
    }
    struct world_row *row = &world->rows[at];
    memset(row, 0, sizeof *row);
    row->family = family;
    row->key_bytes = key.bytes;
    memcpy(row->key, key.data, key.bytes);
    assert_true(value.bytes <= sizeof row->value);
    row->value_bytes = value.bytes;
    memcpy(row->value, value.data, value.bytes);
}

static void arm(void *context, uint64_t number, int64_t before_ms, int64_t due_ms) {
    struct world *world = context;
    assert_true(before_ms != due_ms);
    world->armed_number = number;
    world->armed_ms = due_ms;
}

void support_incident_flush(struct world *world) {
    world->rows_given = 0;
    incidents_flush(&world->incidents, keep_row, arm, world);
}

void world_restart(struct world *world) {
    world_flush(world);
    uint64_t limit = world->incidents.limit;
    free(world->memory);
    table_open(world, limit);
    for (size_t i = 0; i < world->rows_count; i++) {
        const struct world_row *row = &world->rows[i];
        const struct incident *incident;
        if (row->family == ROW_INCIDENT) {
            assert_int_equal(incidents_restore(&world->incidents,
                                               (struct slice){row->key, row->key_bytes},
                                               (struct slice){row->value, row->value_bytes},
                                               world->effects.now_ms, &incident),
                             STATUS_OK);
        }
    }
}

/* Under the incident, or under one whose row says that it was merged into it. Rows are sorted by
 * incident, members are wanted by seq: the next one is the smallest that is greater. */
static bool belongs(const struct world *world, uint64_t under) {
    const struct incident *incident = incidents_resolve(&world->incidents, under);
    return incident != NULL && incident->number == world->members_of;
}

static bool next_member(void *context, struct member *ret) {
    struct world *world = context;
    bool found = false;
    for (size_t i = 0; i < world->rows_count; i++) {
        const struct world_row *row = &world->rows[i];
        struct member member;
        if (row->family != ROW_MEMBER || !belongs(world, load_u64_be(row->key))) {
            continue;
        }
        assert_true(member_row_decode(&member, (struct slice){row->key, row->key_bytes},
                                      (struct slice){row->value, row->value_bytes}));
        if (member.sighting.seq > world->members_at &&
            (!found || member.sighting.seq < ret->sighting.seq)) {
            *ret = member;
            found = true;
        }
    }
    world->members_at = found ? ret->sighting.seq : world->members_at;
    return found;
}

static void rewind_members(void *context) {
    ((struct world *)context)->members_at = 0;
}

struct incident_members world_members(struct world *world, uint64_t incident) {
    world_flush(world);
    world->members_of = incident;
    world->members_at = 0;
    return (struct incident_members){
        .context = world, .next = next_member, .rewind = rewind_members};
}

size_t world_rows(const struct world *world, enum row_family family) {
    size_t count = 0;
    for (size_t i = 0; i < world->rows_count; i++) {
        count += world->rows[i].family == family ? 1 : 0;
    }
    return count;
}
