#include "core/incident/incidents_table.h"

#include "core/text/json.h"
#include "core/text/json_writer.h"

enum {
    EVENT_BYTES_MAX = 1024,
    /* With actor and note, all of it escaped. */
    ASKED_BYTES_MAX = EVENT_BYTES_MAX + 6 * (EFFECTS_ACTOR_BYTES_MAX + EFFECTS_NOTE_BYTES_MAX),
};

struct draft {
    struct json_writer writer;
    uint8_t text[EVENT_BYTES_MAX];
};

static void begin_in(struct draft *draft, const struct incident *incident, uint8_t *text,
                     size_t room) {
    json_writer_init(&draft->writer, text, room);
    json_write_object_begin(&draft->writer);
    json_write_key(&draft->writer, "incident");
    json_write_name(&draft->writer, 'i', incident->number);
}

static void begin(struct draft *draft, const struct incident *incident) {
    begin_in(draft, incident, draft->text, sizeof draft->text);
}

/* Who asked for it and why, where somebody did. */
static void put_asked(struct draft *draft, const struct effects *effects) {
    CHECK(effects->actor.bytes <= EFFECTS_ACTOR_BYTES_MAX &&
          effects->note.bytes <= EFFECTS_NOTE_BYTES_MAX);
    if (effects->actor.bytes > 0) {
        json_write_key(&draft->writer, "actor");
        json_write_string(&draft->writer, effects->actor);
    }
    if (effects->note.bytes > 0) {
        json_write_key(&draft->writer, "note");
        json_write_string(&draft->writer, effects->note);
    }
}

/* Every event's members are bounded, so a text that does not fit is our own mistake. */
static void append(struct draft *draft, enum entry_kind kind, const struct incident *incident,
                   struct effects *effects) {
    struct event event = {
        .kind = kind,
        .severity = incident->severity,
        .region = incident->region,
        .category_tag = incident->category_tag,
        .object = incident->number,
    };
    json_write_object_end(&draft->writer);
    enum status status = json_writer_finish(&draft->writer, &event.json);
    CHECK(status == STATUS_OK);
    effects->append(effects->context, &event);
}

static void put_u64(struct draft *draft, const char *key, uint64_t value) {
    json_write_key(&draft->writer, key);
    json_write_u64(&draft->writer, value);
}

static void put_text(struct draft *draft, const char *key, const char *value) {
    json_write_key(&draft->writer, key);
    json_write_text(&draft->writer, value);
}

static void put_name(struct draft *draft, const char *key, uint64_t number) {
    json_write_key(&draft->writer, key);
    json_write_name(&draft->writer, 'i', number);
}

static void put_position(struct draft *draft, struct position position, double radius_m) {
    json_write_key(&draft->writer, "lat");
    json_write_f64(&draft->writer, position.lat_deg, 7);
    json_write_key(&draft->writer, "lon");
    json_write_f64(&draft->writer, position.lon_deg, 7);
    json_write_key(&draft->writer, "radius_m");
    json_write_f64(&draft->writer, radius_m, 0);
}

static void put_estimate(struct draft *draft, const struct incident *incident) {
    if (incident->detail_kind == DETAIL_FIRE && incident_has(incident, INCIDENT_LOCALISED)) {
        const struct fire *fire = &incident->detail->fire;
        put_position(draft, fire->estimate, (double)fire->radius_m);
    } else if (incident_has(incident, INCIDENT_HAS_POSITION)) {
        put_position(draft, incident->anchor, (double)incident->accuracy_m);
    }
}

static void put_match(struct draft *draft, const struct match *match) {
    put_text(draft, "rule", match_rule_name((enum match_rule)match->rule));
    if (match->rule != MATCH_OPENED) {
        json_write_key(&draft->writer, "score");
        json_write_f64(&draft->writer, (double)match->score / 1000.0, 3);
        json_write_key(&draft->writer, "dt_s");
        json_write_f64(&draft->writer, (double)match->dt_s, 1);
    }
    if (match->distance_m >= 0.0F) {
        json_write_key(&draft->writer, "distance_m");
        json_write_f64(&draft->writer, (double)match->distance_m, 1);
    }
    json_write_key(&draft->writer, "alternatives");
    json_write_array_begin(&draft->writer);
    for (unsigned i = 0; i < match->alternatives_count; i++) {
        json_write_object_begin(&draft->writer);
        put_name(draft, "incident", match->alternatives[i].incident);
        json_write_key(&draft->writer, "score");
        json_write_f64(&draft->writer, (double)match->alternatives[i].score / 1000.0, 3);
        json_write_object_end(&draft->writer);
    }
    json_write_array_end(&draft->writer);
}

void incident_event_opened(const struct incident *incident, const struct sighting *sighting,
                           const struct taken *taken, struct effects *effects) {
    struct draft draft;
    begin(&draft, incident);
    put_u64(&draft, "report", sighting->seq);
    put_u64(&draft, "priority", incident->priority);
    put_text(&draft, "confidence", confidence_name(incident_confidence(incident)));
    json_write_key(&draft.writer, "first_seen_at");
    json_write_instant(&draft.writer, incident->first_seen_ms);
    put_estimate(&draft, incident);
    if (incident->detail_kind == DETAIL_FIRE) {
        json_write_key(&draft.writer, "localised");
        json_write_bool(&draft.writer, incident_has(incident, INCIDENT_LOCALISED));
    }
    if (incident->detail_kind == DETAIL_ALARM) {
        put_text(&draft, "alarm",
                 alarm_state_name((enum alarm_state)incident->detail->alarm.state));
    }
    if (taken->late) {
        json_write_key(&draft.writer, "late");
        json_write_bool(&draft.writer, true);
        put_u64(&draft, "age_s", (uint64_t)(sighting->received_ms - sighting->occurred_ms) / 1000);
    }
    put_match(&draft, &taken->match);
    append(&draft, ENTRY_INCIDENT_OPENED, incident, effects);
}

void incident_event_suggested(const struct incident *incident, const struct taken *taken,
                              uint64_t seq, struct effects *effects) {
    struct draft draft;
    begin(&draft, incident);
    put_name(&draft, "with", taken->match.alternatives[0].incident);
    put_u64(&draft, "report", seq);
    put_match(&draft, &taken->match);
    append(&draft, ENTRY_INCIDENT_SUGGESTED_MERGE, incident, effects);
}

void incident_event_merged(const struct incident *survivor, const struct incident *merged,
                           const char *by, struct effects *effects) {
    uint8_t UNINITIALIZED text[ASKED_BYTES_MAX];
    struct draft draft;
    begin_in(&draft, survivor, text, sizeof text);
    put_name(&draft, "merged", merged->number);
    put_text(&draft, "by", by);
    put_u64(&draft, "reports", survivor->reports_count);
    put_asked(&draft, effects);
    append(&draft, ENTRY_INCIDENT_MERGED, survivor, effects);
}

void incident_event_unmerged(const struct incident *from, const struct incident *incident,
                             size_t seqs_count, struct effects *effects) {
    uint8_t UNINITIALIZED text[ASKED_BYTES_MAX];
    struct draft draft;
    begin_in(&draft, incident, text, sizeof text);
    put_name(&draft, "from", from->number);
    put_u64(&draft, "moved", seqs_count);
    put_u64(&draft, "reports", incident->reports_count);
    put_asked(&draft, effects);
    append(&draft, ENTRY_INCIDENT_UNMERGED, incident, effects);
}

void incident_event_repaged(const struct incident *incident, unsigned repage, uint64_t seq,
                            struct effects *effects) {
    static const struct {
        unsigned bit;
        const char *text;
    } reasons[] = {
#define REASON(bit, name, text) {1U << (bit), (text)},
        REPAGE_TABLE(REASON)
#undef REASON
    };
    struct draft draft;
    begin(&draft, incident);
    put_u64(&draft, "report", seq);
    json_write_key(&draft.writer, "reasons");
    json_write_array_begin(&draft.writer);
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++) {
        if ((repage & reasons[i].bit) != 0) {
            json_write_text(&draft.writer, reasons[i].text);
        }
    }
    json_write_array_end(&draft.writer);
    append(&draft, ENTRY_INCIDENT_REPAGED, incident, effects);
}

void incident_event_localised(const struct incident *incident, uint64_t seq,
                              struct effects *effects) {
    struct draft draft;
    begin(&draft, incident);
    put_u64(&draft, "report", seq);
    put_estimate(&draft, incident);
    put_u64(&draft, "observers", incident->observers_count);
    put_text(&draft, "confidence", confidence_name(incident_confidence(incident)));
    append(&draft, ENTRY_INCIDENT_LOCALISED, incident, effects);
}

void incident_event_confirmed(const struct incident *incident, uint64_t seq,
                              struct effects *effects) {
    struct draft draft;
    begin(&draft, incident);
    put_u64(&draft, "report", seq);
    put_estimate(&draft, incident);
    put_u64(&draft, "reports", incident->reports_count);
    put_text(&draft, "confidence", confidence_name(incident_confidence(incident)));
    append(&draft, ENTRY_INCIDENT_CONFIRMED, incident, effects);
}

void incident_event_closed(const struct incident *incident, struct effects *effects) {
    struct draft draft;
    begin(&draft, incident);
    put_text(&draft, "outcome", incident_state_name((enum incident_state)incident->state));
    put_u64(&draft, "reports", incident->reports_count);
    put_estimate(&draft, incident);
    append(&draft, ENTRY_INCIDENT_CLOSED, incident, effects);
}

void incident_event_reopened(const struct incident *incident, const struct match *match,
                             uint64_t seq, struct effects *effects) {
    struct draft draft;
    begin(&draft, incident);
    put_u64(&draft, "priority", incident->priority);
    if (match != NULL) { /* a report did it, not a command */
        put_u64(&draft, "report", seq);
        put_match(&draft, match);
    }
    append(&draft, ENTRY_INCIDENT_REOPENED, incident, effects);
}

void incident_event_alarm(const struct incident *incident, uint64_t seq, struct effects *effects) {
    const struct alarm *alarm = &incident->detail->alarm;
    struct draft draft;
    begin(&draft, incident);
    put_text(&draft, "state", alarm_state_name((enum alarm_state)alarm->state));
    put_u64(&draft, "occurrences", alarm->occurrences);
    if (seq != 0) {
        put_u64(&draft, "report", seq);
    }
    append(&draft, ENTRY_INCIDENT_ALARM, incident, effects);
}

void incident_event_flapping(const struct incident *incident, const char *what,
                             struct effects *effects) {
    const struct alarm *alarm = &incident->detail->alarm;
    struct draft draft;
    begin(&draft, incident);
    put_text(&draft, "flapping", what);
    put_text(&draft, "state", alarm_state_name((enum alarm_state)alarm->state));
    put_u64(&draft, "occurrences", alarm->occurrences);
    put_u64(&draft, "suppressed_total", alarm->suppressed_total);
    put_u64(&draft, "suppressed_new", alarm->suppressed_total - alarm->suppressed_told);
    append(&draft, ENTRY_INCIDENT_FLAPPING, incident, effects);
}
