#include "tests/unit/support_ticket.h"

static void append(void *context, const struct event *event) {
    struct ticket_world *world = context;
    if (world->events_count == world->events_room) {
        world->events_room = 2 * world->events_room + 64;
        world->events = realloc(world->events, world->events_room * sizeof *world->events);
        assert_non_null(world->events);
    }
    assert_true(event->object != 0 && event->json.bytes > 2);
    struct told_event *told = &world->events[world->events_count++];
    *told = (struct told_event){event->kind, world->effects.next_seq, event->object,
                                malloc(event->json.bytes + 1)};
    assert_non_null(told->json);
    memcpy(told->json, event->json.data, event->json.bytes);
    told->json[event->json.bytes] = '\0';
    world->effects.next_seq++;
}

static void add_category(struct policy *policy, const char *code, unsigned priority,
                         struct stage_limit handle) {
    struct error error = {""};
    assert_int_equal(policy_add_category(policy, slice_text(code), slice_text(code), priority,
                                         priority == 1 ? SEVERITY_EXTREME : SEVERITY_MODERATE,
                                         &error),
                     STATUS_OK);
    struct category *category = (struct category *)policy_category(policy, slice_text(code));
    assert_non_null(category);
    category->limits[STAGE_HANDLE] = handle;
    category->self_handle = strcmp(code, "garbage") == 0;
}

static void make_policy(struct policy *policy) {
    static const char *const units[] = {"gas", "water", "road", "power"};
    struct error error = {""};
    policy_init(policy, 1);
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        assert_int_equal(
            policy_add_unit(policy, slice_text(units[i]), slice_text(units[i]), &error), STATUS_OK);
    }
    add_category(policy, "gas_leak", 1, (struct stage_limit){METERING_URGENT_HOUR, 86400});
    add_category(policy, "outage", 2, (struct stage_limit){METERING_URGENT_HOUR, 86400});
    add_category(policy, "rubble", 3, (struct stage_limit){METERING_WORK_HOUR, 4 * 3600});
    add_category(policy, "garbage", 3, (struct stage_limit){METERING_WORK_HOUR, 4 * 3600});
    add_category(policy, "long", 3, (struct stage_limit){METERING_WORK_DAY, 4});
    assert_int_equal(policy_add_assignment(policy, SLICE_LITERAL("gas_leak"), (struct slice){0},
                                           SLICE_LITERAL("gas"), &error),
                     STATUS_OK);
    policy->self_check_percent = 0;
}

void ticket_world_calendar(struct calendar *calendar) {
    support_calendar_office(calendar);
    support_holidays(calendar, "2026-10-01", "2026-10-07");
    support_workday(calendar, "2026-10-10");
    support_calendar_seal(calendar);
}

static void add_region(struct support_upload *upload, const char *code, const char *parent,
                       uint8_t level, const char *leader) {
    support_upload_row(upload, &(struct region_row){.code = slice_text(code),
                                                    .parent = slice_text(parent),
                                                    .name = slice_text(code),
                                                    .leader = slice_text(leader),
                                                    .level = level});
}

static void make_regions(struct ticket_world *world) {
    struct support_upload upload = {0};
    add_region(&upload, "CITY", "", 0, "mayor");
    add_region(&upload, "COUNTY", "CITY", 1, "chief");
    add_region(&upload, "TOWN", "COUNTY", 2, "town head");
    add_region(&upload, "OTHER", "COUNTY", 2, "other head");
    add_region(&upload, "VILLAGE", "TOWN", 3, "");
    add_region(&upload, "GRID", "VILLAGE", 4, "grid lead");
    add_region(&upload, "MICRO", "GRID", 5, "");
    add_region(&upload, "LONE", "TOWN", 4, "");
    world->regions = support_table(&world->regions_memory, NULL, &upload);
    support_upload_free(&upload);
}

void ticket_world_init(struct ticket_world *world) {
    *world = (struct ticket_world){.policy = calloc(1, sizeof *world->policy),
                                   .calendars = calloc(1, sizeof *world->calendars)};
    struct calendar *calendar = calloc(1, sizeof *calendar);
    struct error error = {""};
    assert_true(world->policy != NULL && world->calendars != NULL && calendar != NULL);
    make_policy(world->policy);
    ticket_world_calendar(calendar);
    calendar_set_init(world->calendars, 1);
    assert_int_equal(calendar_set_add(world->calendars, calendar, &error), STATUS_OK);
    free(calendar);
    make_regions(world);
    limits_init(&world->limits);
    world->limits.open_tickets = 64;
    world->limits.joint_tickets = 4;
    world->limits.open_directives = 4;
    world->limits.directive_addressees = 32;
    world->docket_memory = aligned_alloc(16, (docket_bytes(&world->limits) + 15) / 16 * 16);
    assert_non_null(world->docket_memory);
    docket_init(&world->docket, &world->limits, world->docket_memory);
    world->effects = (struct effects){.context = world, .next_seq = 1, .append = append};
    world->context = (struct ticket_context){.policy = world->policy,
                                             .calendars = world->calendars,
                                             .regions = world->regions,
                                             .joints = &world->docket.joints,
                                             .directives = &world->docket.directives,
                                             .effects = &world->effects};
    ticket_at(world, support_ms("2026-09-28T09:00:00")); /* a Monday */
}

void ticket_world_hush(struct ticket_world *world) {
    for (size_t i = 0; i < world->events_count; i++) {
        free(world->events[i].json);
    }
    world->events_count = 0;
}

void ticket_world_deinit(struct ticket_world *world) {
    ticket_world_hush(world);
    for (size_t i = 0; i < world->rows_count; i++) {
        free(world->rows[i].value);
    }
    free(world->rows);
    free(world->events);
    free(world->docket_memory);
    free(world->regions_memory);
    free(world->calendars);
    free(world->policy);
}

void ticket_at(struct ticket_world *world, int64_t now_ms) {
    world->context.now_ms = now_ms;
    world->effects.now_ms = now_ms;
}

uint32_t ticket_region(const struct ticket_world *world, const char *code) {
    uint32_t region = region_find(world->regions, slice_text(code));
    assert_int_not_equal(region, REGION_NONE);
    return region;
}

struct ticket *ticket_opened(struct ticket_world *world, const char *category, const char *region) {
    struct ticket_opening opening = {.origin = ORIGIN_REPORT,
                                     .incident = 7,
                                     .category_tag = policy_tag(slice_text(category)),
                                     .region = ticket_region(world, region)};
    struct ticket *ticket;
    assert_int_equal(docket_open(&world->docket, &world->context, &opening, &ticket), STATUS_OK);
    return ticket;
}

struct ticket_actor ticket_anybody(void) {
    return (struct ticket_actor){.roles = ROLE_ANY, .region = REGION_NONE};
}

struct ticket_outcome ticket_give(struct ticket_world *world, struct ticket *ticket,
                                  const struct ticket_command *command) {
    return docket_command(&world->docket, &world->context, ticket, command);
}

void ticket_must_give(struct ticket_world *world, struct ticket *ticket,
                      struct ticket_command command) {
    if (command.actor.roles == 0) {
        command.actor = ticket_anybody();
    }
    command.note = command.note.bytes == 0 ? SLICE_LITERAL("as seen") : command.note;
    struct ticket_outcome outcome = ticket_give(world, ticket, &command);
    if (outcome.verdict != TICKET_DONE) {
        fail_msg("%s in %s: %s", ticket_verb_name(command.verb),
                 ticket_state_name((enum ticket_state)ticket->state), outcome.why);
    }
}

void ticket_must(struct ticket_world *world, struct ticket *ticket, enum ticket_verb verb) {
    ticket_must_give(world, ticket, (struct ticket_command){.verb = verb});
}

struct ticket *ticket_handled_by(struct ticket_world *world, const char *category,
                                 const char *unit) {
    struct ticket *ticket = ticket_opened(world, category, "GRID");
    ticket_must(world, ticket, VERB_ACCEPT);
    ticket_must_give(
        world, ticket,
        (struct ticket_command){.verb = VERB_DISPATCH, .unit_tag = policy_tag(slice_text(unit))});
    ticket_must(world, ticket, VERB_SIGN);
    return ticket;
}

void ticket_run_until(struct ticket_world *world, struct ticket *ticket, int64_t until_ms) {
    while (ticket->next_due_ms <= until_ms) {
        ticket_at(world, ticket->next_due_ms > world->context.now_ms ? ticket->next_due_ms
                                                                     : world->context.now_ms);
        assert_true(docket_fire(&world->docket, &world->context, ticket) > 0);
    }
    ticket_at(world, until_ms);
}

size_t ticket_told_count(const struct ticket_world *world, enum entry_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < world->events_count; i++) {
        count += world->events[i].kind == kind;
    }
    return count;
}

const char *ticket_told_last(const struct ticket_world *world, enum entry_kind kind) {
    for (size_t i = world->events_count; i-- > 0;) {
        if (world->events[i].kind == kind) {
            return world->events[i].json;
        }
    }
    return NULL;
}

void ticket_assert_told(const struct ticket_world *world, enum entry_kind kind, const char *part) {
    const char *json = ticket_told_last(world, kind);
    if (json == NULL || strstr(json, part) == NULL) {
        fail_msg("%s: %s is not in %s", entry_kind_name(kind), part, json == NULL ? "-" : json);
    }
}

void ticket_keep_row(void *context, enum row_family family, struct slice key, struct slice value) {
    struct ticket_world *world = context;
    size_t at = 0;
    world->calls++;
    assert_true(key.bytes <= sizeof world->rows->key);
    while (at < world->rows_count &&
           (world->rows[at].family != family || world->rows[at].key_bytes != key.bytes ||
            memcmp(world->rows[at].key, key.data, key.bytes) != 0)) {
        at++;
    }
    if (at == world->rows_count) {
        assert_true(value.bytes > 0); /* only a row that is there goes */
        if (world->rows_count == world->rows_room) {
            world->rows_room = 2 * world->rows_room + 64;
            world->rows = realloc(world->rows, world->rows_room * sizeof *world->rows);
            assert_non_null(world->rows);
        }
        world->rows[world->rows_count++] = (struct kept_row){.family = family};
    }
    struct kept_row *row = &world->rows[at];
    free(row->value);
    if (value.bytes == 0) {
        *row = world->rows[--world->rows_count];
        return;
    }
    memcpy(row->key, key.data, key.bytes);
    row->key_bytes = key.bytes;
    row->bytes = value.bytes;
    row->value = malloc(value.bytes);
    assert_non_null(row->value);
    memcpy(row->value, value.data, value.bytes);
}

size_t ticket_rows_of(const struct ticket_world *world, enum row_family family) {
    size_t count = 0;
    for (size_t i = 0; i < world->rows_count; i++) {
        count += world->rows[i].family == family;
    }
    return count;
}
