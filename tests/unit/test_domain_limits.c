/* The domain's tables, each filled to one below its limit, to it, and to one above it. */
#include "tests/unit/support.h"

#include "core/incident/incidents.h"
#include "core/time/horizon.h"
#include "tests/unit/support_limits.h"
#include "tests/unit/support_ticket.h"

/* What fits of `tried`: everything but what is above the limit. */
static void assert_fits(uint64_t taken, uint64_t tried, uint64_t limit) {
    assert_int_equal(taken, min_u64(tried, limit));
}

static void tickets_in_memory(void **state) {
    (void)state;
    struct limits limits = {.open_tickets = 64}; /* as ticket_world_init makes it */
    EACH_AROUND(tried, limits, open_tickets) {
        struct ticket_world world;
        ticket_world_init(&world);
        assert_int_equal(world.limits.open_tickets, limits.open_tickets);
        const struct ticket_opening opening = {.origin = ORIGIN_MANUAL,
                                               .category_tag = policy_tag(SLICE_LITERAL("rubble")),
                                               .region = REGION_NONE};
        uint64_t taken = 0;
        for (uint64_t i = 0; i < tried; i++) {
            struct ticket *ticket = NULL;
            enum status status = docket_open(&world.docket, &world.context, &opening, &ticket);
            assert_true(status == STATUS_OK || status == STATUS_FULL);
            taken += status == STATUS_OK ? 1 : 0;
        }
        assert_fits(taken, tried, limits.open_tickets);
        ticket_world_deinit(&world);
    }
}

static void joint_tickets_at_once(void **state) {
    (void)state;
    struct limits limits = {.joint_tickets = 4};
    EACH_AROUND(tried, limits, joint_tickets) {
        struct ticket_world world;
        ticket_world_init(&world);
        assert_int_equal(world.limits.joint_tickets, limits.joint_tickets);
        const struct ticket_part_order part = {.unit_tag = policy_tag(SLICE_LITERAL("water"))};
        const struct ticket_command whistle = {.verb = VERB_WHISTLE,
                                               .actor = ticket_anybody(),
                                               .decides = true,
                                               .unit_tag = policy_tag(SLICE_LITERAL("power")),
                                               .parts = &part,
                                               .parts_count = 1};
        uint64_t taken = 0;
        for (uint64_t i = 0; i < tried; i++) {
            struct ticket *ticket = ticket_handled_by(&world, "outage", "gas");
            enum ticket_verdict verdict = ticket_give(&world, ticket, &whistle).verdict;
            assert_true(verdict == TICKET_DONE || verdict == TICKET_FULL);
            taken += verdict == TICKET_DONE ? 1 : 0;
        }
        assert_fits(taken, tried, limits.joint_tickets);
        ticket_world_deinit(&world);
    }
}

static enum status issue(struct ticket_world *world, size_t addressees_count) {
    struct directive_addressee addressees[40];
    assert_true(addressees_count <= ARRAY_COUNT(addressees));
    for (size_t i = 0; i < addressees_count; i++) {
        addressees[i] = (struct directive_addressee){.region = ticket_region(world, "TOWN")};
    }
    const struct directive_order order = {.region = REGION_NONE,
                                          .category_tag = policy_tag(SLICE_LITERAL("rubble")),
                                          .addressees = addressees,
                                          .addressees_count = addressees_count};
    uint64_t number;
    return docket_issue(&world->docket, &world->context, &order, &number);
}

static void directives_at_once(void **state) {
    (void)state;
    struct limits limits = {.open_directives = 4};
    EACH_AROUND(tried, limits, open_directives) {
        struct ticket_world world;
        ticket_world_init(&world);
        assert_int_equal(world.limits.open_directives, limits.open_directives);
        uint64_t taken = 0;
        for (uint64_t i = 0; i < tried; i++) {
            taken += issue(&world, 1) == STATUS_OK ? 1 : 0;
        }
        assert_fits(taken, tried, limits.open_directives);
        ticket_world_deinit(&world);
    }
}

static void addressees_of_a_directive(void **state) {
    (void)state;
    struct limits limits = {.directive_addressees = 32};
    EACH_AROUND(tried, limits, directive_addressees) {
        struct ticket_world world;
        ticket_world_init(&world);
        assert_int_equal(world.limits.directive_addressees, limits.directive_addressees);
        assert_int_equal(issue(&world, tried),
                         tried <= limits.directive_addressees ? STATUS_OK : STATUS_TOO_LARGE);
        ticket_world_deinit(&world);
    }
}

static void ignore_event(void *context, const struct event *event) {
    (void)event;
    ((struct effects *)context)->next_seq++;
}

static void incidents_in_memory(void **state) {
    (void)state;
    struct limits limits = {.open_incidents = 8};
    struct policy *policy = calloc(1, sizeof *policy);
    struct error error;
    assert_non_null(policy);
    policy_init(policy, 1);
    assert_int_equal(policy_add_category(policy, SLICE_LITERAL("dispute"), SLICE_LITERAL("d"), 3,
                                         SEVERITY_MINOR, &error),
                     STATUS_OK);
    EACH_AROUND(tried, limits, open_incidents) {
        size_t bytes = (incidents_bytes(limits.open_incidents) + 63) / 64 * 64;
        void *memory = aligned_alloc(64, bytes);
        assert_non_null(memory);
        memset(memory, 0, bytes);
        struct incidents incidents;
        struct effects effects = {.context = &effects, .now_ms = 1000, .append = ignore_event};
        incidents_init(&incidents, memory, limits.open_incidents, policy);
        uint64_t taken = 0;
        for (uint64_t i = 0; i < tried; i++) {
            const struct sighting sighting = {.seq = 10 * i + 1,
                                              .category_tag = policy_tag(SLICE_LITERAL("dispute")),
                                              .occurred_ms = 1000,
                                              .received_ms = 1000,
                                              .severity = SEVERITY_MINOR};
            struct taken what;
            effects.next_seq = 10 * i + 2;
            enum status status = incidents_take(&incidents, &sighting, &effects, &what);
            assert_true(status == STATUS_OK || status == STATUS_FULL);
            taken += status == STATUS_OK ? 1 : 0;
        }
        assert_fits(taken, tried, limits.open_incidents);
        free(memory);
    }
    free(policy);
}

/* One deadline more than fits is not lost: the farthest are left to the disk. */
static void deadlines_in_memory(void **state) {
    (void)state;
    struct limits limits;
    limits_init(&limits);
    limits.deadlines_in_memory = 64;
    EACH_AROUND(tried, limits, deadlines_in_memory) {
        size_t bytes = (horizon_bytes(&limits) + 31) / 32 * 32;
        void *memory = aligned_alloc(32, bytes);
        struct horizon *horizon = calloc(1, sizeof *horizon);
        assert_true(memory != NULL && horizon != NULL);
        horizon_init(horizon, memory, &limits, 1000);
        struct horizon_load load;
        while (horizon_next_load(horizon, 1000, &load)) {
            horizon_loaded(horizon, NULL, 0, true);
        }
        bool kept_all = true;
        for (uint64_t i = 1; i <= tried; i++) {
            const struct deadline deadline = {
                .due_ms = 2000 + (int64_t)i * 1000, .object = i, .stage = DEADLINE_HANDLE};
            kept_all = horizon_arm(horizon, &deadline) == HORIZON_ARMED && kept_all;
        }
        assert_int_equal(kept_all && horizon->dropped_total == 0 && !horizon->dropping,
                         tried <= limits.deadlines_in_memory);
        free(horizon);
        free(memory);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tickets_in_memory),   cmocka_unit_test(joint_tickets_at_once),
        cmocka_unit_test(directives_at_once),  cmocka_unit_test(addressees_of_a_directive),
        cmocka_unit_test(incidents_in_memory), cmocka_unit_test(deadlines_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
