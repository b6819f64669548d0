#include "core/base/rate_table.h"

#include "core/base/check.h"

static uint64_t sets_of(uint64_t buckets) {
    return max_u64(1, buckets / RATE_WAYS);
}

size_t rate_table_bytes(uint64_t buckets) {
    return (size_t)sets_of(buckets) * RATE_WAYS * sizeof(struct rate_place);
}

void rate_table_init(struct rate_table *table, void *memory, uint64_t buckets,
                     const struct rate_rule *rule) {
    CHECK(rule->count >= 1 && rule->period_ms >= 1 && rule->burst >= 1);
    CHECK(rule->burst <= UINT64_MAX / rule->period_ms);
    CHECK(sets_of(buckets) <= UINT32_MAX);
    *table = (struct rate_table){
        .rule = *rule, .places = memory, .sets_count = sets_of(buckets), .used_count = 0};
}

/* The place's number is 0 where there is none. */
static uint64_t stored_key(uint64_t key) {
    return key != 0 ? key : 1;
}

static struct rate_place *set_of(const struct rate_table *table, uint64_t key) {
    uint64_t set = (key >> 32) * table->sets_count >> 32;
    return table->places + set * RATE_WAYS;
}

/* What is missing at `now_ms`. Without products that could overflow: elapsed * count is less than
 * what is missing wherever it is taken. */
static uint64_t missing_at(const struct rate_table *table, const struct rate_place *place,
                           uint64_t now_ms) {
    uint64_t count = table->rule.count;
    uint64_t elapsed_ms = now_ms > place->seen_ms ? now_ms - place->seen_ms : 0;
    uint64_t full_after_ms = place->missing / count + (place->missing % count != 0);
    return elapsed_ms >= full_after_ms ? 0 : place->missing - elapsed_ms * count;
}

static struct rate_place *find(const struct rate_table *table, uint64_t key) {
    struct rate_place *set = set_of(table, key);
    for (size_t i = 0; i < RATE_WAYS; i++) {
        if (set[i].key == stored_key(key)) {
            return &set[i];
        }
    }
    return NULL;
}

/* A free place, else the fullest bucket's: the newcomer goes on with what is missing there. */
static struct rate_place *make_place(struct rate_table *table, uint64_t key, uint64_t now_ms) {
    struct rate_place *set = set_of(table, key);
    struct rate_place *chosen = NULL;
    for (size_t i = 0; i < RATE_WAYS; i++) {
        if (set[i].key == 0) {
            chosen = &set[i];
            chosen->missing = 0;
            table->used_count++;
            break;
        }
        if (chosen == NULL ||
            missing_at(table, &set[i], now_ms) < missing_at(table, chosen, now_ms)) {
            chosen = &set[i];
        }
    }
    chosen->key = stored_key(key);
    return chosen;
}

static void refill(const struct rate_table *table, struct rate_place *place, uint64_t now_ms) {
    place->missing = missing_at(table, place, now_ms);
    place->seen_ms = max_u64(place->seen_ms, now_ms);
}

uint64_t rate_table_take(struct rate_table *table, uint64_t key, uint64_t tokens, uint64_t now_ms) {
    const struct rate_rule *rule = &table->rule;
    struct rate_place *place = find(table, key);
    if (place == NULL) {
        place = make_place(table, key, now_ms);
    }
    refill(table, place, now_ms);
    uint64_t there = (rule->burst * rule->period_ms - place->missing) / rule->period_ms;
    uint64_t taken = min_u64(tokens, there);
    place->missing += taken * rule->period_ms;
    CHECK(place->missing <= rule->burst * rule->period_ms);
    return taken;
}

void rate_table_give_back(struct rate_table *table, uint64_t key, uint64_t tokens,
                          uint64_t now_ms) {
    struct rate_place *place = find(table, key);
    if (place == NULL) {
        return;
    }
    refill(table, place, now_ms);
    uint64_t units = min_u64(tokens, table->rule.burst) * table->rule.period_ms;
    place->missing -= min_u64(units, place->missing);
}

uint64_t rate_table_wait_ms(const struct rate_table *table, uint64_t key, uint64_t tokens,
                            uint64_t now_ms) {
    const struct rate_rule *rule = &table->rule;
    const struct rate_place *place = find(table, key);
    CHECK(tokens <= rule->burst);
    if (place == NULL) {
        return 0;
    }
    uint64_t may_miss = (rule->burst - tokens) * rule->period_ms;
    uint64_t missing = missing_at(table, place, now_ms);
    if (missing <= may_miss) {
        return 0;
    }
    uint64_t too_much = missing - may_miss;
    uint64_t back_ms = place->seen_ms > now_ms ? place->seen_ms - now_ms : 0;
    return back_ms + too_much / rule->count + (too_much % rule->count != 0);
}

uint64_t rate_table_used(const struct rate_table *table) {
    return table->used_count;
}
