#include "core/incident/fire_sequence.h"
#include "tests/unit/support_incident.h"

static struct world world;

static int setup(void **state) {
    (void)state;
    world_open(&world, 100);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    world_close(&world);
    return 0;
}

/* A frame of a camera at a mast, now: an azimuth and where in the image, in hundredths. */
static struct sighting frame(uint64_t view, double azimuth_deg, unsigned left, unsigned width) {
    struct sighting sighting = world_report(&world, "forest_fire", 0, 0);
    uint16_t box[4] = {(uint16_t)(left * 655), 6550, (uint16_t)((left + width) * 655), 13100};
    sighting.in_grid = false;
    sighting.observation = (struct observation){
        .kind = OBSERVER_CAMERA,
        .flags = OBSERVATION_BEARING,
        .observer = 1000 + view,
        .azimuth_deg = (float)azimuth_deg,
        .cone_deg = 2,
        .view = view,
    };
    memcpy(sighting.observation.box, box, sizeof box);
    return sighting;
}

static const struct fire *fire_of(uint64_t number) {
    return &world_incident(&world, number)->detail->fire;
}

static bool is_confirmed(uint64_t number) {
    return (world_incident(&world, number)->flags & INCIDENT_CONFIRMED) != 0;
}

static void overlap_is_the_share_of_both(void **state) {
    (void)state;
    const uint16_t box[] = {1000, 1000, 2000, 2000}, same[] = {1000, 1000, 2000, 2000};
    const uint16_t beside[] = {2000, 1000, 3000, 2000}, within[] = {1000, 1000, 1500, 1500};
    const uint16_t half[] = {1500, 1000, 2500, 2000}, whole[] = {0, 0, 65535, 65535};
    assert_int_equal(boxes_overlap_permille(box, same), 1000);
    assert_int_equal(boxes_overlap_permille(box, beside), 0);
    assert_int_equal(boxes_overlap_permille(box, within), 250);
    assert_int_equal(boxes_overlap_permille(box, half), 333);
    assert_int_equal(boxes_overlap_permille(half, box), 333);
    assert_int_equal(boxes_overlap_permille(whole, whole), 1000);
    assert_int_equal(boxes_overlap_permille(whole, box), 0);
}

static void the_next_frame_joins_where_it_overlaps(void **state) {
    (void)state;
    uint64_t number = world_take(&world, frame(5, 40, 10, 11));
    assert_int_equal(world.taken.outcome, OUTCOME_OPENED);
    world.effects.now_ms += MINUTE_MS;
    /* 2 of 20 are shared: exactly the threshold; the direction no longer matters. */
    assert_int_equal(world_take(&world, frame(5, 80, 19, 11)), number);
    assert_int_equal(world.taken.match.rule, MATCH_SEQUENCE);
    assert_in_range(world.taken.match.score, 900, 1000);
    assert_int_equal(world.taken.repage, 0);
    assert_int_equal(fire_of(number)->sequences_count, 1);
    assert_int_equal(fire_of(number)->sequences[0].frames_count, 2);
    /* From the latest box on; 1 of 21 is too little, and another direction is another fire. */
    assert_int_not_equal(world_take(&world, frame(5, 120, 29, 11)), number);
    /* The same place in another pose or camera says nothing. */
    assert_int_not_equal(world_take(&world, frame(6, 160, 19, 11)), number);
    assert_int_equal(world.incidents.open_count, 3);
}

/* As for any two of one mast: by where they look. */
static void another_place_in_the_image_is_another_sequence(void **state) {
    (void)state;
    uint64_t number = world_take(&world, frame(5, 40, 10, 10));
    assert_int_equal(world_take(&world, frame(5, 41.5, 50, 10)), number);
    assert_int_equal(world.taken.match.rule, MATCH_SAME_MAST);
    assert_int_equal(fire_of(number)->sequences_count, 2);
    assert_int_equal(world_incident(&world, number)->observers_count, 1);
    uint64_t other = world_take(&world, frame(5, 45, 80, 10));
    assert_int_not_equal(other, number);
    /* Each goes on by itself, and the one that is there decides. */
    world.effects.now_ms += MINUTE_MS;
    assert_int_equal(world_take(&world, frame(5, 43, 80, 10)), other);
    assert_int_equal(world.taken.match.alternatives_count, 0);
    assert_int_equal(world_take(&world, frame(5, 43, 10, 10)), number);
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_SUGGESTED_MERGE, 0), 0);
}

static void a_gap_of_two_hours_is_the_longest(void **state) {
    (void)state;
    uint64_t number = world_take(&world, frame(5, 40, 10, 10));
    world.effects.now_ms += 120 * MINUTE_MS;
    assert_int_equal(world_take(&world, frame(5, 90, 10, 10)), number);
    world.effects.now_ms += 120 * MINUTE_MS + 1;
    assert_int_not_equal(world_take(&world, frame(5, 90, 10, 10)), number);
    assert_int_equal(world.taken.outcome, OUTCOME_OPENED);
}

static void three_frames_in_five_minutes_confirm(void **state) {
    (void)state;
    uint64_t number = world_take(&world, frame(5, 40, 10, 10));
    world.effects.now_ms += 150 * 1000;
    world_take(&world, frame(5, 40, 10, 10));
    world_take(&world, frame(5, 40, 11, 10)); /* of the same instant: one image */
    assert_int_equal(fire_of(number)->sequences[0].frames_count, 2);
    world.effects.now_ms += 150 * 1000 + 1;
    world_take(&world, frame(5, 40, 10, 10));
    assert_false(is_confirmed(number));
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_CONFIRMED, number), 0);
    world.effects.now_ms += 149 * 1000 + 999;
    world_take(&world, frame(5, 40, 10, 10));
    assert_true(is_confirmed(number)); /* 300,000 ms from the second on */
    assert_int_equal(world.taken.repage, 0);
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_CONFIRMED, number), 1);
    world.effects.now_ms += MINUTE_MS;
    world_take(&world, frame(5, 40, 10, 10));
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_CONFIRMED, number), 1);
}

static void frames_of_two_cameras_confirm_only_each_its_own(void **state) {
    (void)state;
    uint64_t number = world_take(&world, frame(5, 40, 10, 10));
    world_take(&world, frame(6, 40, 10, 10));
    world.effects.now_ms += 1000;
    world_take(&world, frame(5, 40, 10, 10));
    assert_int_equal(world_take(&world, frame(6, 40, 10, 10)), number);
    assert_false(is_confirmed(number));
    assert_int_equal(fire_of(number)->sequences_count, 2);
    assert_int_equal(world_incident(&world, number)->observers_count, 1); /* one mast */
}

/* Backlog comes in any order; what counts is when the frames were taken. */
static void late_frames_take_their_place(void **state) {
    (void)state;
    int64_t begin_ms = world.effects.now_ms;
    uint64_t number = world_take(&world, frame(5, 40, 10, 10));
    world.effects.now_ms += 10 * MINUTE_MS;
    world_take(&world, frame(5, 40, 14, 10));
    const int64_t at_ms[] = {begin_ms + 60000, begin_ms + 120000};
    for (size_t i = 0; i < ARRAY_COUNT(at_ms); i++) {
        struct sighting old = frame(5, 40, 8, 10);
        old.occurred_ms = at_ms[i];
        assert_int_equal(world_take(&world, old), number);
        assert_int_equal(is_confirmed(number), i == 1);
    }
    const struct sequence *sequence = &fire_of(number)->sequences[0];
    assert_int_equal(sequence->last_ms, begin_ms + 10 * MINUTE_MS);
    assert_int_equal(sequence->box[0], 14 * 655);
    assert_int_equal(sequence->before_ms[0], 8 * MINUTE_MS);
    assert_int_equal(sequence->before_ms[2], 10 * MINUTE_MS);
    assert_int_equal(sequence->frames_count, 4);
}

static void a_frame_without_direction_or_place_goes_on_too(void **state) {
    (void)state;
    struct sighting bare = frame(5, 0, 10, 10);
    bare.observation.flags = 0;
    uint64_t number = world_take(&world, bare);
    assert_int_equal(world_take(&world, bare), number);
    assert_int_equal(world.taken.match.rule, MATCH_SEQUENCE);
    bare.observation.view = 6;
    assert_int_not_equal(world_take(&world, bare), number);
    /* Nowhere at all: in the same grid. */
    bare.observation.view = 7;
    bare.has_position = false;
    bare.in_grid = true;
    bare.region = 9;
    number = world_take(&world, bare);
    bare.observation.observer++;
    assert_int_equal(world_take(&world, bare), number);
    assert_int_equal(world.taken.match.rule, MATCH_SEQUENCE);
}

static void figures_are_the_policys(void **state) {
    (void)state;
    world.policy.fire.overlap_percent = 50;
    world.policy.fire.sequence_gap_s = 60;
    world.policy.fire.confirm_frames = 1;
    uint64_t number = world_take(&world, frame(5, 40, 10, 10));
    assert_true(is_confirmed(number));
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_CONFIRMED, number), 1);
    assert_int_not_equal(world_take(&world, frame(5, 90, 14, 10)), number); /* 6 of 14 */
    assert_int_equal(world_take(&world, frame(5, 140, 13, 10)), number);    /* 7 of 13 */
    world.effects.now_ms += 60001;
    assert_int_not_equal(world_take(&world, frame(5, 180, 13, 10)), number);
}

static void what_was_out_rekindles_and_a_false_one_does_not(void **state) {
    (void)state;
    uint64_t number = world_take(&world, frame(5, 40, 10, 10));
    assert_int_equal(incidents_close(&world.incidents, number, INCIDENT_HANDLED, &world.effects),
                     STATUS_OK);
    world.effects.now_ms += HOUR_MS;
    assert_int_equal(world_take(&world, frame(5, 40, 10, 10)), number);
    assert_int_equal(world.taken.match.rule, MATCH_REKINDLE);
    assert_int_equal(world.taken.outcome, OUTCOME_REOPENED);
    assert_int_equal(incidents_close(&world.incidents, number, INCIDENT_FALSE, &world.effects),
                     STATUS_OK);
    assert_int_not_equal(world_take(&world, frame(5, 40, 10, 10)), number);
}

static void more_cameras_than_places_leave_the_first_ones_alone(void **state) {
    (void)state;
    uint64_t number = world_take(&world, frame(1, 40, 10, 10));
    for (uint64_t view = 2; view <= FIRE_SEQUENCES_MAX + 2; view++) {
        assert_int_equal(world_take(&world, frame(view, 40, 10, 10)), number);
    }
    assert_int_equal(fire_of(number)->sequences_count, FIRE_SEQUENCES_MAX);
    assert_int_equal(fire_of(number)->sequences[0].view, 1);
    /* One that is over gives way. */
    world.effects.now_ms += 90 * MINUTE_MS;
    for (uint64_t view = 2; view <= FIRE_SEQUENCES_MAX; view++) {
        assert_int_equal(world_take(&world, frame(view, 40, 10, 10)), number);
    }
    world.effects.now_ms += 31 * MINUTE_MS;
    world.policy.fire.observers[OBSERVER_CAMERA].window_s = 2 * 3600;
    assert_int_equal(world_take(&world, frame(20, 40, 10, 10)), number);
    assert_int_equal(fire_of(number)->sequences[0].view, 20);
}

/* Rows, merging and taking apart: the sequences are there again, and decide as before. */
static void sequences_last(void **state) {
    (void)state;
    uint64_t first = world_take(&world, frame(5, 40, 10, 10));
    uint64_t second = world_take(&world, frame(5, 90, 50, 10));
    uint64_t survivor;
    for (int i = 0; i < 2; i++) {
        world.effects.now_ms += MINUTE_MS;
        assert_int_equal(world_take(&world, frame(5, 90, 50, 10)), second);
    }
    uint64_t last_seq = world.effects.next_seq - 2; /* before its confirmation */
    assert_true(is_confirmed(second));
    assert_int_equal(incidents_merge(&world.incidents, first, second, &world.effects, &survivor),
                     STATUS_OK);
    assert_int_equal(survivor, first);
    assert_int_equal(fire_of(first)->sequences_count, 2);
    assert_true(is_confirmed(first));
    world_restart(&world);
    assert_int_equal(world_take(&world, frame(5, 140, 50, 10)), first);
    assert_int_equal(world.taken.match.rule, MATCH_SEQUENCE);
    uint64_t apart;
    struct incident_members members = world_members(&world, first);
    assert_int_equal(
        incidents_unmerge(&world.incidents, first, &last_seq, 1, &members, &world.effects, &apart),
        STATUS_OK);
    assert_false(is_confirmed(apart));
    assert_int_equal(fire_of(apart)->sequences[0].frames_count, 1);
    assert_true(is_confirmed(first)); /* three are left: the last came at the same instant */
}

/* The class may have been of another kind when an incident was opened. */
static void an_incident_without_a_fire_is_left_alone(void **state) {
    (void)state;
    static struct policy other;
    other = world.policy;
    other.merge_classes[3].kind = MERGE_DISTANCE;
    incidents_adopt(&world.incidents, &other);
    uint64_t number = world_take(&world, frame(5, 40, 10, 10));
    incidents_adopt(&world.incidents, &world.policy);
    assert_int_not_equal(world_take(&world, frame(5, 40, 10, 10)), number);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(overlap_is_the_share_of_both),
        TEST(the_next_frame_joins_where_it_overlaps),
        TEST(another_place_in_the_image_is_another_sequence),
        TEST(a_gap_of_two_hours_is_the_longest),
        TEST(three_frames_in_five_minutes_confirm),
        TEST(frames_of_two_cameras_confirm_only_each_its_own),
        TEST(late_frames_take_their_place),
        TEST(a_frame_without_direction_or_place_goes_on_too),
        TEST(figures_are_the_policys),
        TEST(what_was_out_rekindles_and_a_false_one_does_not),
        TEST(more_cameras_than_places_leave_the_first_ones_alone),
        TEST(sequences_last),
        TEST(an_incident_without_a_fire_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
