#include "server/api/metrics_world.h"

#include "core/base/check.h"
#include "server/domain/driver.h"
#include "server/process/metrics_text.h"

static const char *const priority_names[CENSUS_PRIORITIES] = {"", "1", "2", "3", "4"};

static void write_tickets(struct buffer *to, const struct census *census) {
    const struct census_counts *counts = &census->counts;
    metrics_text_gauge(to, "gridd_census_timestamp_seconds",
                       "When the tickets in memory were last counted, seconds since 1970: the "
                       "families on open tickets and on ticket deadlines are as of then.",
                       (uint64_t)census->as_of_ms / 1000);
    metrics_text_gauge(to, "gridd_open_tickets", "Open tickets, as of the census.", counts->open);
    metrics_text_family(to, "gridd_tickets_in_memory", "gauge",
                        "Tickets that are not over, by state, as of the census.");
    for (enum ticket_state state = 0; state < TICKET_STATES; state++) {
        if (!ticket_state_is_final(state)) {
            metrics_text_sample(to, "gridd_tickets_in_memory", "state", ticket_state_name(state),
                                counts->states[state]);
        }
    }
    metrics_text_family(to, "gridd_open_tickets_by_priority", "gauge",
                        "Open tickets by priority, as of the census.");
    for (unsigned priority = 1; priority < CENSUS_PRIORITIES; priority++) {
        metrics_text_sample(to, "gridd_open_tickets_by_priority", "priority",
                            priority_names[priority], counts->priorities[priority]);
    }
    metrics_text_family(to, "gridd_open_tickets_by_light", "gauge",
                        "Open tickets by what was told of their clocks (yellow: near the "
                        "deadline, red: overdue), as of the census.");
    for (enum light light = LIGHT_GREEN; light <= LIGHT_RED; light++) {
        metrics_text_sample(to, "gridd_open_tickets_by_light", "light", light_name(light),
                            counts->lights[light]);
    }
    metrics_text_gauge(to, "gridd_open_tickets_without_timer",
                       "Tickets that are not over and wait for no deadline, as of the census; "
                       "alert above 0.",
                       counts->without_timer);
}

static void write_deadlines(struct buffer *to, const struct services *services,
                            const struct census *census) {
    const struct metrics *metrics = services->metrics;
    struct deadlines_stats stats;
    driver_deadlines(services->driver, &stats);
    metrics_text_gauge(to, "gridd_deadlines_pending",
                       "Deadlines that tickets wait for, as of the census.", census->counts.timers);
    metrics_text_gauge(to, "gridd_deadlines_in_memory", "Entries of the timing wheel.",
                       stats.in_memory);
    metrics_text_counter(to, "gridd_deadlines_dropped_total",
                         "Entries that left a full wheel, to be read again later.",
                         stats.dropped_total);
    metrics_text_counter(to, "gridd_deadlines_fired_total", "Deadlines that came due.",
                         metrics->deadlines_fired_total);
    metrics_text_counter(to, "gridd_deadlines_late_total",
                         "Of these, due before this process began.", metrics->deadlines_late_total);
    metrics_text_counter(to, "gridd_deadlines_stray_total",
                         "Stored deadlines that nobody waited for, removed.",
                         metrics->deadlines_stray_total);
    metrics_text_family(to, "gridd_deadline_lateness_seconds", "histogram",
                        "From due until its effects were in the open block.");
    metrics_text_histogram(to, "gridd_deadline_lateness_seconds", NULL, NULL,
                           &metrics->deadline_lateness_seconds);
    metrics_text_counter(to, "gridd_clock_steps_total", "Steps of the wall clock.",
                         metrics->clock_steps_total);
    metrics_text_gauge(to, "gridd_clock_suspect",
                       "1 while deadlines wait until the wall clock is believed.",
                       metrics->clock_suspect);
}

static void write_outcomes(struct buffer *to, const struct incidents_counts *counts) {
    metrics_text_family(to, "gridd_incident_reports_total", "counter",
                        "Reports by what became of them.");
    for (enum outcome outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        metrics_text_sample(to, "gridd_incident_reports_total", "outcome", outcome_name(outcome),
                            counts->outcomes[outcome]);
    }
    metrics_text_family(to, "gridd_incident_matches_total", "counter",
                        "Reports by the rule that placed them.");
    for (unsigned rule = 0; rule < MATCH_RULE_LIMIT; rule++) {
        const char *name = match_rule_name((enum match_rule)rule);
        if (name != NULL) {
            metrics_text_sample(to, "gridd_incident_matches_total", "rule", name,
                                counts->rules[rule]);
        }
    }
}

static void write_incidents(struct buffer *to, const struct world *world) {
    const struct incidents_counts *counts = &world->incidents.counts;
    const struct {
        const char *event;
        uint64_t count;
    } events[] = {{"late", counts->late},
                  {"repaged", counts->repaged},
                  {"suggested", counts->suggested},
                  {"merged", counts->merged},
                  {"unmerged", counts->unmerged},
                  {"closed", counts->closed},
                  {"suppressed", counts->suppressed},
                  {"full", counts->full}};
    metrics_text_gauge(to, "gridd_open_incidents", "Open incidents.", world->incidents.open_count);
    metrics_text_gauge(to, "gridd_incidents_in_memory",
                       "Incidents that a report could join or reopen.", world->incidents.count);
    write_outcomes(to, counts);
    metrics_text_family(to, "gridd_incident_events_total", "counter",
                        "What happened to incidents; suppressed: changes of flapping alarms, "
                        "full: there was no room for one more.");
    for (size_t i = 0; i < ARRAY_COUNT(events); i++) {
        metrics_text_sample(to, "gridd_incident_events_total", "event", events[i].event,
                            events[i].count);
    }
    metrics_text_counter(to, "gridd_tickets_refused_total",
                         "Incidents without a ticket: there was no room for one more.",
                         world->tickets_refused_total);
}

void metrics_world_write(struct buffer *to, struct services *services) {
    const struct census *census = driver_census(services->driver);
    write_tickets(to, census);
    write_deadlines(to, services, census);
    write_incidents(to, driver_world(services->driver));
    metrics_text_gauge(to, "gridd_stats_under_way", "Statistics being counted.",
                       services->stats_under_way);
}
