#include "core/event_log.h"

#include "core/base/check.h"
#include "core/region/region.h"

#include <string.h>
#include <xxhash.h>

size_t event_log_bytes(uint32_t events_max, size_t text_max) {
    return events_max * sizeof(struct event) + text_max;
}

static void append(void *context, const struct event *event) {
    struct event_log *log = context;
    CHECK(event->object != 0 && entry_kind_name(event->kind) != NULL);
    CHECK(event->region != REGION_NONE); /* storage files entries by region */
    CHECK(log->events_count < log->events_max);
    CHECK(event->json.bytes <= log->text_max - log->text_bytes);
    CHECK(event->json.bytes >= 2 && event->json.data[0] == '{');
    uint8_t *to = log->text + log->text_bytes;
    memcpy(to, event->json.data, event->json.bytes);
    log->text_bytes += event->json.bytes;
    log->events[log->events_count] = *event;
    log->events[log->events_count].json.data = to;
    log->events_count++;
    log->effects.next_seq++;
}

void event_log_init(struct event_log *log, void *memory, uint32_t events_max, size_t text_max) {
    CHECK(events_max > 0 && text_max > 0);
    *log = (struct event_log){
        .effects = {.context = log, .append = append},
        .events = memory,
        .text = (uint8_t *)memory + events_max * sizeof(struct event),
        .events_max = events_max,
        .text_max = text_max,
    };
}

void event_log_begin(struct event_log *log, int64_t now_ms, uint64_t next_seq) {
    CHECK(next_seq > 0 && now_ms >= 0);
    log->events_count = 0;
    log->text_bytes = 0;
    log->effects.now_ms = now_ms;
    log->effects.next_seq = next_seq;
    log->effects.actor = log->effects.note = (struct slice){0};
}

void event_log_entry(const struct event_log *log, uint32_t index, struct entry *ret_entry,
                     struct record *ret_record) {
    CHECK(index < log->events_count);
    const struct event *event = &log->events[index];
    uint64_t seq = log->effects.next_seq - log->events_count + index;
    *ret_record = (struct record){.json = event->json};
    *ret_entry = (struct entry){
        .kind = (uint8_t)event->kind,
        .severity = event->severity,
        .region = event->region,
        .category_tag = event->category_tag,
        .record_bytes = (uint32_t)record_encoded_bytes(ret_record),
        .occurred_ms = log->effects.now_ms,
        .received_ms = log->effects.now_ms,
        .identity = {seq, event->object},
        .content_tag = XXH3_64bits(event->json.data, event->json.bytes),
    };
}
