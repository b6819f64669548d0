#include "server/domain/census.h"

#include "core/base/check.h"

/* Overdue is told when it happens, so this needs no calendar. */
static enum light light_of(const struct ticket *ticket) {
    enum light worst = LIGHT_GREEN;
    for (size_t i = 0; i < TICKET_CLOCKS_MAX; i++) {
        const struct ticket_clock *clock = &ticket->clocks[i];
        unsigned points = clock->is_used ? clock->told.points : 0;
        if ((points & TOLD_OVERDUE) != 0) {
            return LIGHT_RED;
        }
        worst = (points & TOLD_NEAR) != 0 ? LIGHT_YELLOW : worst;
    }
    return worst;
}

static void add(struct census_counts *counts, const struct ticket *ticket) {
    CHECK(ticket->state < TICKET_STATES && ticket->priority < CENSUS_PRIORITIES);
    enum ticket_state state = (enum ticket_state)ticket->state;
    bool has_timer = ticket->next_due_ms != INT64_MAX;
    counts->states[state]++;
    counts->timers += has_timer;
    counts->without_timer += !has_timer && !ticket_state_is_final(state);
    if (ticket_state_is_open(state)) {
        counts->open++;
        counts->priorities[ticket->priority]++;
        counts->lights[light_of(ticket)]++;
    }
}

static void walk(struct census *census, const struct docket *docket, uint32_t count,
                 int64_t now_ms) {
    while (count-- > 0 && census->place < docket->touched_count) {
        const struct ticket *ticket = docket_at(docket, census->place++);
        if (ticket != NULL) {
            add(&census->running, ticket);
        }
    }
    if (census->place >= docket->touched_count) {
        census->counts = census->running;
        census->as_of_ms = now_ms;
        census->running = (struct census_counts){0};
        census->place = 0;
    }
}

void census_tick(struct census *census, const struct docket *docket, int64_t now_ms) {
    walk(census, docket, CENSUS_SLICE, now_ms);
}

void census_refresh(struct census *census, const struct docket *docket, int64_t now_ms) {
    if (docket->touched_count <= CENSUS_AT_ONCE) {
        census->running = (struct census_counts){0};
        census->place = 0;
        walk(census, docket, CENSUS_AT_ONCE, now_ms);
    }
}
