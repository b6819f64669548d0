#include "core/incident/incidents.h"
#include "bench/clock.h"
#include "bench/prng.h"
#include "bench/workload.h"
#include "core/base/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Potholes on a lattice wide enough that each is an incident of its own, with neighbours to name.
 */
#define LATTICE_M 120.0
#define METRES_PER_DEGREE 111194.9
enum { TURN_REPORTS = 1000, GRIDS_PER_SIDE = 212, START_MS = 1000000 };

struct field {
    struct policy *policy;
    struct incidents incidents;
    struct effects effects;
    struct prng prng;
    void *memory;
    size_t memory_bytes;
    uint64_t side; /* incidents along one edge */
    uint64_t reports, rows_bytes;
};

static void take_event(void *context, const struct event *event) {
    struct field *field = context;
    CHECK(event->json.bytes > 0);
    field->effects.next_seq++;
}

static void take_row(void *context, enum row_family family, struct slice key, struct slice value) {
    struct field *field = context;
    (void)family;
    field->rows_bytes += key.bytes + value.bytes;
}

static void field_open(struct field *field, const struct options *options, uint64_t open) {
    memset(field, 0, sizeof *field);
    field->policy = malloc(sizeof *field->policy);
    field->memory_bytes = incidents_bytes(open * 2);
    field->memory = mmap(NULL, field->memory_bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    (void)madvise(field->memory, field->memory_bytes, MADV_HUGEPAGE); /* as the server has it */
    if (field->policy == NULL || field->memory == MAP_FAILED) {
        die("not enough memory for %llu incidents", (unsigned long long)open);
    }
    policy_init(field->policy, 1);
    if (policy_add_category(field->policy, SLICE_LITERAL("pothole"), SLICE_LITERAL("pothole"), 3,
                            SEVERITY_MODERATE, NULL) != STATUS_OK) {
        die("the bench's own policy is wrong");
    }
    field->policy->categories[0].opens_ticket = true;
    field->policy->merge_classes_count = 1;
    field->policy->merge_classes[0] = (struct merge_class){.code = "road",
                                                           .kind = MERGE_DISTANCE,
                                                           .gate_m = 50,
                                                           .spread_m = 100,
                                                           .reopen_s = 259200,
                                                           .stale_s = 28800,
                                                           .suggest_m = 250};
    incidents_init(&field->incidents, field->memory, open * 2, field->policy);
    field->effects =
        (struct effects){.context = field, .now_ms = START_MS, .next_seq = 1, .append = take_event};
    field->side = (uint64_t)ceil(sqrt((double)open));
    prng_init(&field->prng, options->seed);
}

static void field_close(struct field *field) {
    munmap(field->memory, field->memory_bytes);
    free(field->policy);
}

/* A report `off_m` metres or less from the incident of that place on the lattice. */
static enum outcome report(struct field *field, uint64_t place, double off_m, uint64_t observer) {
    uint64_t row = place / field->side;
    uint64_t column = place % field->side;
    double north_m =
        (double)row * LATTICE_M + (double)prng_below(&field->prng, 1000) * off_m / 1414;
    double east_m =
        (double)column * LATTICE_M + (double)prng_below(&field->prng, 1000) * off_m / 1414;
    struct sighting sighting = {
        .seq = field->effects.next_seq++,
        .region = (uint32_t)(row * GRIDS_PER_SIDE / field->side * GRIDS_PER_SIDE +
                             column * GRIDS_PER_SIDE / field->side),
        .category_tag = field->policy->categories[0].tag,
        .occurred_ms = field->effects.now_ms,
        .received_ms = field->effects.now_ms,
        .position = {30.0 + north_m / METRES_PER_DEGREE, 110.0 + east_m / METRES_PER_DEGREE},
        .has_position = true,
        .in_grid = true,
        .severity = SEVERITY_MODERATE,
        .observation = {.kind = OBSERVER_PERSON, .observer = observer},
    };
    struct taken taken;
    enum status status = incidents_take(&field->incidents, &sighting, &field->effects, &taken);
    CHECK(status == STATUS_OK);
    if (++field->reports % TURN_REPORTS == 0) {
        incidents_flush(&field->incidents, take_row, NULL, field);
    }
    return taken.outcome;
}

/* Reports of random incidents by whoever saw each first, or each by somebody new. An incident tells
 * eight observers apart, and looks for one to merge with for each of them but the first. */
static double join(struct field *field, uint64_t reports, uint64_t open, bool by_new) {
    double start_s = own_cpu_s();
    for (uint64_t i = 0; i < reports; i++) {
        uint64_t place = prng_below(&field->prng, open);
        uint64_t observer = by_new ? prng_next(&field->prng) : 1 + place;
        CHECK(report(field, place, 30, observer) == OUTCOME_JOINED);
    }
    return (own_cpu_s() - start_s) * 1e9 / (double)reports;
}

static void measure(struct json_out *out, const struct options *options, uint64_t open) {
    struct field field;
    field_open(&field, options, open);
    double start_s = own_cpu_s();
    for (uint64_t place = 0; place < open; place++) {
        CHECK(report(&field, place, 0, 1 + place) == OUTCOME_OPENED);
    }
    double open_ns = (own_cpu_s() - start_s) * 1e9 / (double)open;
    double join_ns = join(&field, options->events, open, false);
    double join_new_ns = join(&field, options->events, open, true);
    CHECK(field.incidents.open_count == open);
    printf("%9llu open: %.0f ns to open one, %.0f ns to join one, %.0f ns by new observers, "
           "events and rows included\n",
           (unsigned long long)open, open_ns, join_ns, join_new_ns);
    json_out_object_begin(out);
    json_member_u64(out, "open", open);
    json_member_double(out, "open_ns", open_ns);
    json_member_double(out, "join_ns", join_ns);
    json_member_double(out, "join_new_observer_ns", join_new_ns);
    json_out_object_end(out);
    field_close(&field);
}

int incidents_main(const struct options *options) {
    struct buffer json;
    struct json_out out;
    buffer_init(&json);
    json_out_init(&out, &json);
    json_out_object_begin(&out);
    json_member_text(&out, "workload", "incidents");
    json_out_key(&out, "sizes");
    json_out_array_begin(&out);
    printf("\nincident matching alone, CPU time, %zu bytes an incident, %llu joins each\n",
           sizeof(struct incident), (unsigned long long)options->events);
    for (uint64_t open = 1000; open <= 1000000; open *= 10) {
        measure(&out, options, open);
    }
    json_out_array_end(&out);
    json_member_text(&out, "durable", "nothing: the decision alone");
    json_out_object_end(&out);
    write_json_file(options->json_path, &json);
    buffer_deinit(&json);
    return 0;
}
