#include "core/engine.h"
#include "tests/unit/support.h"

static struct engine engine;
static struct limits limits;
static void *memory;

static void engine_open(uint64_t identities, uint64_t next_seq) {
    limits_init(&limits);
    limits.identities = identities;
    size_t bytes = engine_bytes(&limits);
    memory = aligned_alloc(64, bytes);
    assert_non_null(memory);
    memset(memory, 0, bytes);
    engine_init(&engine, &limits, memory, next_seq);
}

static struct report report_of(uint64_t n, uint64_t content_tag, int64_t occurred_ms,
                               int64_t received_ms) {
    return (struct report){.entry = {.kind = ENTRY_REPORT,
                                     .identity = {n * UINT64_C(0x9e3779b97f4a7c15), n},
                                     .content_tag = content_tag,
                                     .occurred_ms = occurred_ms,
                                     .received_ms = received_ms},
                           .occurred_given_ms = occurred_ms};
}

static struct decision step(const struct report *report) {
    assert_int_equal(engine_plan(&engine, report), PLAN_STEP);
    return engine_step(&engine, &(struct engine_input){.report = report});
}

static void assert_decision(struct decision decision, enum verdict verdict, uint64_t seq) {
    assert_string_equal(verdict_name(decision.verdict), verdict_name(verdict));
    assert_int_equal(decision.seq, seq);
    assert_int_equal(decision.append, verdict == VERDICT_CREATED);
}

static void names_are_the_words_of_the_api(void **state) {
    (void)state;
    assert_string_equal(verdict_name(VERDICT_CREATED), "created");
    assert_string_equal(verdict_name(VERDICT_MERGED), "merged");
    assert_string_equal(verdict_name(VERDICT_REPLAYED), "replayed");
    assert_string_equal(verdict_name(VERDICT_CONFLICT), "conflict");
    assert_string_equal(verdict_name(VERDICT_INVALID), "invalid");
}

static void what_is_sent_twice_is_recognised(void **state) {
    (void)state;
    engine_open(1024, 5);
    struct report first = report_of(1, 70, 1000, 1000);
    struct report other = report_of(2, 70, 1000, 1000);
    assert_decision(step(&first), VERDICT_CREATED, 5);
    assert_decision(step(&first), VERDICT_REPLAYED, 5);
    assert_decision(step(&other), VERDICT_CREATED, 6);
    struct report changed = report_of(1, 71, 1000, 1001);
    assert_decision(step(&changed), VERDICT_CONFLICT, 5);
    changed.entry.flags = ENTRY_DERIVED_ID;
    assert_decision(step(&changed), VERDICT_REPLAYED, 5);
    assert_int_equal(engine.next_seq, 7);
    free(memory);
}

static void older_than_the_table_is_looked_up(void **state) {
    (void)state;
    engine_open(1024, 1000);
    identities_mark_incomplete(&engine.identities);
    struct report early = report_of(1, 70, 999999, 1000);
    assert_int_equal(engine_plan(&engine, &early), PLAN_LOOKUP);

    engine_restore(&engine, (struct identity){9, 9}, 90, 999, 1000000);
    int64_t sure_ms = 1000001 + engine.clock_skew_ms;
    struct report sure = report_of(2, 70, sure_ms, sure_ms);
    assert_int_equal(engine_plan(&engine, &sure), PLAN_STEP);
    sure.occurred_given_ms = --sure.entry.occurred_ms;
    assert_int_equal(engine_plan(&engine, &sure), PLAN_LOOKUP);

    struct engine_input input = {&sure, LOOKUP_FOUND, {17, 70}};
    assert_decision(engine_step(&engine, &input), VERDICT_REPLAYED, 17);
    input.stored.content_tag = 71;
    assert_decision(engine_step(&engine, &input), VERDICT_CONFLICT, 17);
    sure.entry.flags = ENTRY_DERIVED_ID;
    assert_decision(engine_step(&engine, &input), VERDICT_REPLAYED, 17);
    input.lookup = LOOKUP_ABSENT;
    assert_decision(engine_step(&engine, &input), VERDICT_CREATED, 1000);

    /* Now the table has it, and answers whatever the store said before. */
    assert_int_equal(engine_plan(&engine, &sure), PLAN_STEP);
    assert_decision(engine_step(&engine, &input), VERDICT_REPLAYED, 1000);
    assert_decision(step(&sure), VERDICT_REPLAYED, 1000);
    free(memory);
}

static void restored_entries_are_recognised(void **state) {
    (void)state;
    engine_open(1024, 43);
    struct report report = report_of(1, 70, 1000, 1000);
    engine_restore(&engine, report.entry.identity, 70, 41, 1000);
    engine_restore(&engine, report.entry.identity, 71, 42, 1000); /* the first one stands */
    assert_decision(step(&report), VERDICT_REPLAYED, 41);
    struct report next = report_of(2, 70, 1000, 1000);
    assert_decision(step(&next), VERDICT_CREATED, 43);
    free(memory);
}

static struct report suspect_of(uint64_t n, uint64_t content_tag, int64_t given_ms,
                                int64_t received_ms) {
    struct report report = report_of(n, content_tag, received_ms, received_ms);
    report.occurred_given_ms = given_ms;
    report.entry.flags = ENTRY_CLOCK_SUSPECT;
    return report;
}

static void forget_everything(uint64_t first, int64_t received_ms) {
    for (uint64_t n = first; n < first + 2000; n++) {
        struct report report = report_of(n, 70, received_ms, received_ms);
        struct engine_input input = {.report = &report, .lookup = LOOKUP_ABSENT};
        assert_int_equal(engine_step(&engine, &input).verdict, VERDICT_CREATED);
    }
}

/* Both as long as it is ahead of our clock and later, when nothing about it looks strange. */
static void a_forgotten_suspect_is_looked_up_whenever_it_comes(void **state) {
    (void)state;
    engine_open(1024, 1);
    const int64_t ahead_ms = INT64_C(1) << 40;
    struct report first = suspect_of(1, 70, ahead_ms, 1000);
    assert_false(engine_may_be_suspect(&engine, first.entry.identity));
    assert_decision(step(&first), VERDICT_CREATED, 1);
    assert_decision(step(&first), VERDICT_REPLAYED, 1);
    assert_false(engine_may_be_suspect(&engine, first.entry.identity)); /* the table has it all */
    forget_everything(100, 2000);
    assert_true(engine_may_be_suspect(&engine, first.entry.identity));
    struct report again[] = {suspect_of(1, 70, ahead_ms, 3000),
                             report_of(1, 70, ahead_ms, ahead_ms)};
    for (size_t i = 0; i < ARRAY_COUNT(again); i++) {
        assert_int_equal(engine_plan(&engine, &again[i]), PLAN_LOOKUP);
        struct engine_input input = {&again[i], LOOKUP_FOUND, {1, 70}};
        assert_decision(engine_step(&engine, &input), VERDICT_REPLAYED, 1);
        input.stored.content_tag = 71;
        assert_decision(engine_step(&engine, &input), VERDICT_CONFLICT, 1);
    }
    struct report other = suspect_of(2, 70, ahead_ms, 3000);
    assert_int_equal(engine_plan(&engine, &other), PLAN_STEP);
    free(memory);
}

static void restored_suspects_are_looked_up(void **state) {
    (void)state;
    engine_open(1024, 1000);
    identities_mark_incomplete(&engine.identities);
    struct report late = report_of(1, 70, 5000000, 5000000);
    engine_restore(&engine, (struct identity){9, 9}, 90, 999, 1000);
    assert_int_equal(engine_plan(&engine, &late), PLAN_STEP);
    engine_restore_suspect(&engine, late.entry.identity);
    assert_int_equal(engine_plan(&engine, &late), PLAN_LOOKUP);
    struct engine_input input = {.report = &late, .lookup = LOOKUP_ABSENT};
    assert_decision(engine_step(&engine, &input), VERDICT_CREATED, 1000);
    assert_decision(step(&late), VERDICT_REPLAYED, 1000);
    free(memory);
}

struct stored {
    uint64_t seq;
    bool suspect; /* found by its identity, and by its timeline key otherwise */
};

static enum lookup answer_of_the_store(const struct stored *stored, const struct report *report) {
    bool found = stored->suspect ? engine_may_be_suspect(&engine, report->entry.identity) : true;
    return stored->seq != 0 && found ? LOOKUP_FOUND : LOOKUP_ABSENT;
}

/* Every report ever sent is recognised when the look-ups are answered as the store would, however
 * far devices are ahead and although our clock is set back now and then. */
static void no_report_is_taken_twice(void **state) {
    (void)state;
    enum { REPORTS = 3000 };
    static struct stored all[REPORTS];
    engine_open(64, 1);
    engine.clock_skew_ms = 50;
    uint64_t random = 1;
    size_t lookups = 0, suspects = 0, suspects_found = 0;
    for (int64_t turn = 0; turn < 4 * REPORTS; turn++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        int64_t now_ms = turn / 2 - (turn / 1000 % 3 == 2 ? 700 : 0);
        uint64_t n = (random >> 33) % REPORTS;
        bool ahead = (int64_t)n > now_ms + engine.clock_skew_ms;
        struct report report =
            ahead ? suspect_of(n, 70, (int64_t)n, now_ms) : report_of(n, 70, (int64_t)n, now_ms);
        bool is_first = all[n].seq == 0;
        struct engine_input input = {.report = &report};
        if (engine_plan(&engine, &report) == PLAN_LOOKUP) {
            lookups++;
            input.lookup = answer_of_the_store(&all[n], &report);
            input.stored = (struct stored_report){all[n].seq, 70};
            suspects_found += input.lookup == LOOKUP_FOUND && all[n].suspect;
        }
        struct decision decision = engine_step(&engine, &input);
        assert_decision(decision, is_first ? VERDICT_CREATED : VERDICT_REPLAYED,
                        is_first ? decision.seq : all[n].seq);
        suspects += is_first && ahead;
        all[n] = is_first ? (struct stored){decision.seq, ahead} : all[n];
    }
    assert_true(lookups > REPORTS / 2 && suspects > REPORTS / 3 && suspects_found > REPORTS / 3);
    free(memory);
}

static void run_inputs(struct decision *decisions, size_t count) {
    engine_open(64, 1);
    uint64_t random = 42;
    for (size_t i = 0; i < count; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        struct report report =
            report_of((random >> 33) % 500, (random >> 50) % 3, (int64_t)i, (int64_t)i);
        struct engine_input input = {.report = &report, .lookup = LOOKUP_ABSENT};
        memset(&decisions[i], 0, sizeof decisions[i]);
        struct decision decision = engine_step(&engine, &input);
        decisions[i].verdict = decision.verdict;
        decisions[i].seq = decision.seq;
        decisions[i].append = decision.append;
    }
    free(memory);
}

static void the_same_inputs_give_the_same_decisions(void **state) {
    (void)state;
    enum { COUNT = 5000 };
    static struct decision first[COUNT], second[COUNT];
    run_inputs(first, COUNT);
    run_inputs(second, COUNT);
    assert_memory_equal(first, second, sizeof first);
    size_t seen[VERDICT_COUNT] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        seen[first[i].verdict]++;
    }
    assert_true(seen[VERDICT_CREATED] > 0 && seen[VERDICT_REPLAYED] > 0 &&
                seen[VERDICT_CONFLICT] > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_the_words_of_the_api),
        cmocka_unit_test(what_is_sent_twice_is_recognised),
        cmocka_unit_test(older_than_the_table_is_looked_up),
        cmocka_unit_test(restored_entries_are_recognised),
        cmocka_unit_test(a_forgotten_suspect_is_looked_up_whenever_it_comes),
        cmocka_unit_test(restored_suspects_are_looked_up),
        cmocka_unit_test(no_report_is_taken_twice),
        cmocka_unit_test(the_same_inputs_give_the_same_decisions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
