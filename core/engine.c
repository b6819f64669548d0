#include "core/engine.h"

#include "core/base/check.h"
#include "core/base/mutant.h"

static const char *const verdict_names[] = {
#define VERDICT_NAME(name, text) [VERDICT_##name] = (text),
    VERDICT_TABLE(VERDICT_NAME)
#undef VERDICT_NAME
};
_Static_assert(ARRAY_COUNT(verdict_names) == VERDICT_COUNT, "a name for each verdict");

const char *verdict_name(enum verdict verdict) {
    CHECK((size_t)verdict < VERDICT_COUNT);
    return verdict_names[verdict];
}

size_t engine_bytes(const struct limits *limits) {
    return identities_bytes(limits->identities) + SUSPECT_FILTER_BYTES;
}

void engine_init(struct engine *engine, const struct limits *limits, void *memory,
                 uint64_t next_seq) {
    CHECK(next_seq >= 1 && next_seq <= IDENTITY_SEQ_MAX);
    CHECK(limits->clock_skew_ms <= INT64_MAX);
    CHECK(identities_bytes(limits->identities) % 64 == 0);
    identities_init(&engine->identities, memory, limits->identities);
    suspect_filter_init(&engine->suspects, (char *)memory + identities_bytes(limits->identities));
    engine->next_seq = next_seq;
    engine->clock_skew_ms = (int64_t)limits->clock_skew_ms;
}

void engine_restore(struct engine *engine, struct identity identity, uint64_t content_tag,
                    uint64_t seq, int64_t received_ms) {
    CHECK(seq < engine->next_seq);
    identities_prefetch(&engine->identities, identity);
    /* The journal may have an identity twice (engine.h says when); the first one answers for it. */
    if (identities_find(&engine->identities, identity) == NULL) {
        identities_insert(&engine->identities, identity, content_tag, seq, received_ms);
    }
}

void engine_restore_suspect(struct engine *engine, struct identity identity) {
    suspect_filter_add(&engine->suspects, identity);
}

/* Whoever was received before the horizon and is not clock-suspect has occurred_at <= received_at +
 * clock_skew < horizon + clock_skew, as sent. So what occurred at or after that was never received,
 * unless the table has it or the filter knows it. What is sent counts, not what stands for it now:
 * our clock may have been set back since. */
static bool is_older_than_memory(const struct engine *engine, const struct report *report) {
    int64_t horizon_ms = identities_horizon_ms(&engine->identities);
    if (MUTANT(LOOKUP_SKIPPED)) {
        return false;
    }
    if (horizon_ms > INT64_MAX - engine->clock_skew_ms) {
        return true;
    }
    return horizon_ms != INT64_MIN &&
           report->occurred_given_ms < horizon_ms + engine->clock_skew_ms;
}

/* The table knows everything while nothing was forgotten, suspects too. */
bool engine_may_be_suspect(const struct engine *engine, struct identity identity) {
    return identities_horizon_ms(&engine->identities) != INT64_MIN &&
           suspect_filter_may_have(&engine->suspects, identity);
}

static bool is_miss_final(const struct engine *engine, const struct report *report) {
    return !is_older_than_memory(engine, report) &&
           !engine_may_be_suspect(engine, report->entry.identity);
}

enum plan engine_plan(const struct engine *engine, const struct report *report) {
    if (is_miss_final(engine, report) ||
        identities_find(&engine->identities, report->entry.identity) != NULL) {
        return PLAN_STEP;
    }
    return PLAN_LOOKUP;
}

void engine_continue(struct engine *engine, uint64_t next_seq) {
    CHECK(next_seq >= engine->next_seq && next_seq <= IDENTITY_SEQ_MAX);
    engine->next_seq = next_seq;
}

static struct decision repeated(const struct entry *entry, struct stored_report first) {
    bool same = MUTANT(CONTENT_NOT_COMPARED) || entry->content_tag == first.content_tag ||
                (entry->flags & ENTRY_DERIVED_ID) != 0;
    return (struct decision){same ? VERDICT_REPLAYED : VERDICT_CONFLICT, first.seq, false};
}

struct decision engine_step(struct engine *engine, const struct engine_input *input) {
    const struct entry *entry = &input->report->entry;
    const struct identity_slot *known = identities_find(&engine->identities, entry->identity);
    if (known != NULL) {
        return repeated(entry,
                        (struct stored_report){identity_slot_seq(known), known->content_tag});
    }
    switch (input->lookup) {
    case LOOKUP_FOUND:
        CHECK(input->stored.seq > 0 && input->stored.seq < engine->next_seq);
        return repeated(entry, input->stored);
    case LOOKUP_NOT_ASKED:
        CHECK(is_miss_final(engine, input->report));
        break;
    case LOOKUP_ABSENT:
        break;
    }
    uint64_t seq = engine->next_seq++;
    identities_insert(&engine->identities, entry->identity, entry->content_tag, seq,
                      entry->received_ms);
    if ((entry->flags & ENTRY_CLOCK_SUSPECT) != 0) {
        suspect_filter_add(&engine->suspects, entry->identity);
    }
    CHECK(engine->next_seq > seq);
    return (struct decision){VERDICT_CREATED, seq, true};
}
