#include "server/domain/incident_json.h"

#include "server/domain/ticket_json.h"

#include <math.h>

/* Metres, degrees and seconds are told to a hundredth: what is stored as f32 has no more. */
static void write_f32(struct json_out *out, const char *key, float value) {
    json_out_key(out, key);
    json_out_double(out, round((double)value * 100) / 100);
}

static void write_position(struct json_out *out, struct position position) {
    json_out_key(out, "lat");
    json_out_double(out, position.lat_deg);
    json_out_key(out, "lon");
    json_out_double(out, position.lon_deg);
}

static void write_place(struct json_out *out, const char *key, bool is_known,
                        struct position position, const char *around_key, float around_m) {
    json_out_key(out, key);
    if (!is_known) {
        json_out_null(out);
        return;
    }
    json_out_object_begin(out);
    write_position(out, position);
    write_f32(out, around_key, around_m);
    json_out_object_end(out);
}

static void write_observers(struct json_out *out, const struct incident *incident) {
    json_out_key(out, "observers");
    json_out_object_begin(out);
    json_out_key_u64(out, "independent", incident->observers_count);
    json_out_key(out, "kinds");
    json_out_array_begin(out);
    for (unsigned kind = 0; kind < OBSERVER_COUNT; kind++) {
        if ((incident->observer_kinds >> kind & 1) != 0) {
            json_out_text(out, observer_name((enum observer_kind)kind));
        }
    }
    json_out_array_end(out);
    json_out_object_end(out);
}

static void write_flags(struct json_out *out, const struct incident *incident) {
    static const struct {
        enum incident_flag flag;
        const char *name;
    } names[] = {{INCIDENT_INJURY, "injury"},
                 {INCIDENT_SPREADING, "spreading"},
                 {INCIDENT_ON_SCENE, "on_scene"},
                 {INCIDENT_REKINDLED, "rekindled"}};
    json_out_key(out, "flags");
    json_out_array_begin(out);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if ((incident->flags & names[i].flag) != 0) {
            json_out_text(out, names[i].name);
        }
    }
    json_out_array_end(out);
}

static void write_alarm(struct json_out *out, const struct incident *incident) {
    json_out_key(out, "alarm");
    if (incident->detail_kind != DETAIL_ALARM) {
        json_out_null(out);
        return;
    }
    const struct alarm *alarm = &incident->detail->alarm;
    json_out_object_begin(out);
    json_out_key_text(out, "state", alarm_state_name((enum alarm_state)alarm->state));
    json_out_key_bool(out, "flapping", alarm->flapping);
    json_out_key_u64(out, "occurrences", alarm->occurrences);
    json_out_key_u64(out, "suppressed_total", alarm->suppressed_total);
    json_out_name(out, "fault_ticket", 't', alarm->fault_ticket);
    json_out_instant_or_null(out, "raised_at", alarm->raised_ms);
    json_out_instant_or_null(out, "cleared_at", alarm->cleared_ms);
    json_out_object_end(out);
}

static void write_sight(struct json_out *out, const struct sight *sight) {
    json_out_object_begin(out);
    json_out_key_text(out, "observer", observer_name((enum observer_kind)sight->kind));
    write_position(out, sight->position);
    if (sight->half_cone_deg > 0) {
        write_f32(out, "azimuth_deg", sight->azimuth_deg);
        write_f32(out, "cone_deg", 2 * sight->half_cone_deg);
    }
    write_f32(out, "range_m", sight->range_m);
    json_out_object_end(out);
}

static void write_sights(struct json_out *out, const struct incident *incident) {
    json_out_key(out, "sights");
    if (incident->detail_kind != DETAIL_FIRE) {
        json_out_null(out);
        return;
    }
    const struct fire *fire = &incident->detail->fire;
    json_out_array_begin(out);
    for (unsigned i = 0; i < fire->sights_count; i++) {
        write_sight(out, &fire->sights[i]);
    }
    json_out_array_end(out);
}

static void write_sequences(struct json_out *out, const struct incident *incident) {
    json_out_key(out, "sequences");
    if (incident->detail_kind != DETAIL_FIRE) {
        json_out_null(out);
        return;
    }
    const struct fire *fire = &incident->detail->fire;
    json_out_array_begin(out);
    for (unsigned i = 0; i < fire->sequences_count; i++) {
        const struct sequence *sequence = &fire->sequences[i];
        json_out_object_begin(out);
        json_out_key_u64(out, "frames", sequence->frames_count);
        json_out_instant_or_null(out, "last_seen_at", sequence->last_ms);
        json_out_key(out, "bbox");
        json_out_array_begin(out);
        for (size_t side = 0; side < ARRAY_COUNT(sequence->box); side++) {
            json_out_double(out, round((double)sequence->box[side] * 1e4 / UINT16_MAX) / 1e4);
        }
        json_out_array_end(out);
        json_out_object_end(out);
    }
    json_out_array_end(out);
}

static void write_where(struct json_out *out, const struct incident *incident) {
    bool is_localised = (incident->flags & INCIDENT_LOCALISED) != 0;
    bool is_estimated = is_localised && incident->detail_kind == DETAIL_FIRE;
    write_place(out, "anchor", (incident->flags & INCIDENT_HAS_POSITION) != 0, incident->anchor,
                "accuracy_m", incident->accuracy_m);
    write_place(out, "estimate", is_estimated,
                is_estimated ? incident->detail->fire.estimate : incident->anchor, "radius_m",
                is_estimated ? incident->detail->fire.radius_m : 0);
    write_f32(out, "spread_m", (float)incident_spread_m(incident));
    json_out_key_bool(out, "localised", is_localised);
    json_out_key_bool(out, "confirmed", (incident->flags & INCIDENT_CONFIRMED) != 0);
}

void incident_json_members(struct json_out *out, const struct incident *incident,
                           const struct region_table *regions, const struct policy *policy) {
    json_out_name(out, "id", 'i', incident->number);
    json_out_key_text(out, "state", incident_state_name((enum incident_state)incident->state));
    json_out_key_u64(out, "priority", incident->priority);
    json_out_place(out, incident->region, incident->category_tag, incident->severity, regions,
                   policy);
    json_out_name(out, "ticket", 't', incident->ticket);
    json_out_name(out, "merged_into", 'i', incident->merged_into);
    write_where(out, incident);
    json_out_key_text(out, "confidence", confidence_name(incident_confidence(incident)));
    write_observers(out, incident);
    write_flags(out, incident);
    json_out_key_u64(out, "reports_count", incident->reports_count);
    json_out_instant_or_null(out, "first_seen_at", incident->first_seen_ms);
    json_out_instant_or_null(out, "last_seen_at", incident->last_seen_ms);
    json_out_instant_or_null(out, "opened_at", incident->opened_ms);
    json_out_instant_or_null(out, "last_activity_at", incident->last_activity_ms);
    json_out_instant_or_null(out, "closed_at", incident->closed_ms);
    write_alarm(out, incident);
    write_sights(out, incident);
    write_sequences(out, incident);
}

void incident_json_match(struct json_out *out, const struct match *match) {
    json_out_object_begin(out);
    json_out_key_text(out, "rule", match_rule_name((enum match_rule)match->rule));
    json_out_key_u64(out, "score", match->score);
    if (match->distance_m < 0) {
        json_out_key(out, "distance_m");
        json_out_null(out);
    } else {
        write_f32(out, "distance_m", match->distance_m);
    }
    write_f32(out, "dt_s", match->dt_s);
    json_out_key(out, "alternatives");
    json_out_array_begin(out);
    for (unsigned i = 0; i < match->alternatives_count; i++) {
        json_out_object_begin(out);
        json_out_name(out, "incident", 'i', match->alternatives[i].incident);
        json_out_key_u64(out, "score", match->alternatives[i].score);
        json_out_object_end(out);
    }
    json_out_array_end(out);
    json_out_object_end(out);
}

void incident_json_member(struct json_out *out, const struct member *member,
                          const struct region_table *regions, const struct policy *policy) {
    const struct sighting *sighting = &member->sighting;
    const struct category *category = policy_category_by_tag(policy, sighting->category_tag);
    json_out_object_begin(out);
    json_out_key_u64(out, "seq", sighting->seq);
    json_out_key(out, "occurred_at");
    json_out_instant(out, sighting->occurred_ms);
    json_out_key(out, "received_at");
    json_out_instant(out, sighting->received_ms);
    json_out_key_text(out, "category", category != NULL ? category->code : NULL);
    json_out_key_text(out, "severity", severity_name((enum severity)sighting->severity));
    json_out_key(out, "grid");
    if (sighting->region < region_count(regions)) {
        json_out_string(out, region_get(regions, sighting->region).code);
    } else {
        json_out_null(out);
    }
    json_out_key_text(out, "observer",
                      observer_name((enum observer_kind)sighting->observation.kind));
    write_place(out, "location", sighting->has_position, sighting->position, "accuracy_m",
                sighting->observation.accuracy_m);
    json_out_key_bool(out, "late", member->late);
    json_out_name(out, "joined", 'i', member->incident);
    json_out_name(out, "origin", 'i', member->origin);
    json_out_key(out, "match");
    incident_json_match(out, &member->match);
    json_out_object_end(out);
}
