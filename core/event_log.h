/* The events of one step, kept until whoever drives the engine appends them to the journal.
 *
 * A step must not appear in part, so its events are gathered first: the report's own entry, where
 * there is one, goes before them. The log copies each event's text; their numbers are known as they
 * are appended (effects.next_seq). */
#ifndef CORE_EVENT_LOG_H
#define CORE_EVENT_LOG_H

#include "core/effects.h"
#include "core/limits.h"
#include "core/report/record.h"

struct event_log {
    struct effects effects; /* what the step is given */
    struct event *events;
    uint8_t *text;
    uint32_t events_count, events_max;
    size_t text_bytes, text_max;
};

/* `memory`: event_log_bytes(events_max, text_max) of it, 8-byte aligned, stays the caller's. */
size_t event_log_bytes(uint32_t events_max, size_t text_max);
void event_log_init(struct event_log *log, void *memory, uint32_t events_max, size_t text_max);
/* Forgets the events of the step before. `next_seq`: the number the first event will have. More
 * events or text than the log has room for is a CHECK: limits say how much a step may cause. */
void event_log_begin(struct event_log *log, int64_t now_ms, uint64_t next_seq);

/* The entry and record that event `index` of the log is stored as; they borrow from the log. Its
 * identity begins with its sequence number: events of one instant keep their order in a timeline,
 * and no two share a place. */
void event_log_entry(const struct event_log *log, uint32_t index, struct entry *ret_entry,
                     struct record *ret_record);

#endif
