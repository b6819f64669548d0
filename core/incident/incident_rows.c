#include "core/incident/incidents_table.h"

#include "core/incident/row_bytes.h"

void incidents_mark(struct incidents *incidents, struct incident *incident) {
    if (incident->dirty) {
        return;
    }
    uint32_t self = incident_slot(incidents, incident) + 1;
    incident->dirty = true;
    incident->dirty_next = 0;
    if (incidents->dirty_last == 0) {
        incidents->dirty_first = self;
    } else {
        incidents->slots[incidents->dirty_last - 1].dirty_next = self;
    }
    incidents->dirty_last = self;
}

static struct pending_member *pend(struct incidents *incidents, uint64_t incident, uint64_t seq) {
    CHECK(incidents->pending_count < INCIDENTS_PENDING_MAX);
    struct pending_member *pending = &incidents->pending[incidents->pending_count++];
    pending->incident = incident;
    pending->seq = seq;
    pending->bytes = 0;
    return pending;
}

void incidents_keep_member(struct incidents *incidents, uint64_t incident,
                           const struct member *member) {
    struct pending_member *pending = pend(incidents, incident, member->sighting.seq);
    pending->bytes = (uint16_t)member_row_encode(pending->value, member);
}

void incidents_drop_member(struct incidents *incidents, uint64_t incident, uint64_t seq) {
    pend(incidents, incident, seq);
}

struct incident *incidents_next_merged(const struct incidents *incidents,
                                       const struct incident *survivor, struct incident *after) {
    return after == NULL
               ? incidents_first(incidents, INDEX_MERGED, incidents_survivor_key(survivor->number))
               : incidents_after(incidents, INDEX_MERGED, after);
}

static void leave(struct incidents *incidents, struct incident *incident) {
    incidents->open_count -= incident->state == INCIDENT_OPEN ? 1 : 0;
    incident->due_ms = INT64_MAX;
    incidents_unindex(incidents, incident);
    if (incident->dirty || incident->armed_ms != INT64_MAX) {
        incident->leaving = true;
        incidents_mark(incidents, incident);
    } else {
        incidents_slot_free(incidents, incident);
    }
}

void incidents_forget(struct incidents *incidents, struct incident *incident) {
    CHECK(!incident->leaving);
    struct incident *merged;
    while ((merged = incidents_next_merged(incidents, incident, NULL)) != NULL) {
        leave(incidents, merged);
    }
    leave(incidents, incident);
}

void incidents_put_under(struct incidents *incidents, struct incident *incident,
                         struct incident *survivor, int64_t now_ms) {
    CHECK(incident != survivor && survivor->state != INCIDENT_MERGED);
    struct incident *merged;
    while ((merged = incidents_next_merged(incidents, incident, NULL)) != NULL) {
        merged->merged_into = survivor->number;
        incidents_index(incidents, merged);
        incidents_mark(incidents, merged);
    }
    incidents->open_count -= incident->state == INCIDENT_OPEN ? 1 : 0;
    incident->state = INCIDENT_MERGED;
    incident->merged_into = survivor->number;
    incident->closed_ms = now_ms;
    incident->due_ms = INT64_MAX;
    incidents_index(incidents, incident);
    incidents_mark(incidents, incident);
}

static void flush_moved(struct incident *incident, row_cb *row, void *context) {
    uint8_t key[MEMBER_KEY_BYTES];
    uint8_t value[MOVED_ROW_BYTES] = {MOVED_ROW_VERSION};
    if (incident->stored_under == incident->merged_into) {
        return;
    }
    if (incident->stored_under != 0) {
        member_key(key, incident->stored_under, incident->number);
        row(context, ROW_MOVED, (struct slice){key, sizeof key}, (struct slice){NULL, 0});
    }
    if (incident->merged_into != 0) {
        member_key(key, incident->merged_into, incident->number);
        store_u64_le(value + 1, (uint64_t)incident->closed_ms);
        row(context, ROW_MOVED, (struct slice){key, sizeof key},
            (struct slice){value, sizeof value});
    }
    incident->stored_under = incident->merged_into;
}

static void flush_incident(struct incident *incident, row_cb *row, incident_due_cb *due,
                           void *context) {
    uint8_t key[INCIDENT_KEY_BYTES], value[INCIDENT_ROW_BYTES_MAX];
    incident_key(key, incident->number);
    int64_t due_ms = incident->due_ms;
    /* The row of one that leaves says since when it is of no interest. */
    incident->due_ms = incident->leaving ? incident->armed_ms : due_ms;
    size_t bytes = incident_row_encode(value, incident);
    incident->due_ms = due_ms;
    row(context, ROW_INCIDENT, (struct slice){key, sizeof key}, (struct slice){value, bytes});
    flush_moved(incident, row, context);
    if (incident->armed_ms != incident->due_ms && due != NULL) {
        due(context, incident->number, incident->armed_ms, incident->due_ms);
    }
    incident->armed_ms = incident->due_ms;
}

void incidents_flush(struct incidents *incidents, row_cb *row, incident_due_cb *due,
                     void *context) {
    uint32_t slot_plus_one = incidents->dirty_first;
    while (slot_plus_one != 0) {
        struct incident *incident = &incidents->slots[slot_plus_one - 1];
        slot_plus_one = incident->dirty_next;
        flush_incident(incident, row, due, context);
        incident->dirty = false;
        if (incident->leaving) {
            incidents_slot_free(incidents, incident);
        }
    }
    incidents->dirty_first = incidents->dirty_last = 0;
    for (uint32_t i = 0; i < incidents->pending_count; i++) {
        const struct pending_member *pending = &incidents->pending[i];
        uint8_t key[MEMBER_KEY_BYTES];
        member_key(key, pending->incident, pending->seq);
        row(context, ROW_MEMBER, (struct slice){key, sizeof key},
            (struct slice){pending->bytes == 0 ? NULL : pending->value, pending->bytes});
    }
    incidents->pending_count = 0;
}
