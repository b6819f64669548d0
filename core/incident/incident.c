#include "core/incident/incident.h"

const char *incident_state_name(enum incident_state state) {
    static const char *const names[] = {[INCIDENT_OPEN] = "open",
                                        [INCIDENT_HANDLED] = "handled",
                                        [INCIDENT_FALSE] = "false",
                                        [INCIDENT_MERGED] = "merged"};
    CHECK((size_t)state < ARRAY_COUNT(names) && names[state] != NULL);
    return names[state];
}

const char *alarm_state_name(enum alarm_state state) {
    static const char *const names[] = {[ALARM_PENDING] = "pending",
                                        [ALARM_RAISED] = "raised",
                                        [ALARM_CLEARING] = "clearing",
                                        [ALARM_CLEARED] = "cleared"};
    CHECK((size_t)state < ARRAY_COUNT(names) && names[state] != NULL);
    return names[state];
}

const char *confidence_name(enum confidence confidence) {
    static const char *const names[] = {[CONFIDENCE_POSSIBLE] = "possible",
                                        [CONFIDENCE_LIKELY] = "likely",
                                        [CONFIDENCE_OBSERVED] = "observed"};
    CHECK((size_t)confidence < ARRAY_COUNT(names));
    return names[confidence];
}

const char *match_rule_name(enum match_rule rule) {
    static const char *const names[] = {
#define NAME(number, name, text) [number] = (text),
        MATCH_RULE_TABLE(NAME)
#undef NAME
    };
    return (size_t)rule < ARRAY_COUNT(names) ? names[rule] : NULL;
}

enum confidence incident_confidence(const struct incident *incident) {
    if ((incident->flags & INCIDENT_ON_SCENE) != 0) {
        return CONFIDENCE_OBSERVED;
    }
    return incident->observers_count >= 2 ? CONFIDENCE_LIKELY : CONFIDENCE_POSSIBLE;
}

double incident_spread_m(const struct incident *incident) {
    double widest = 0;
    for (int i = 0; i < INCIDENT_DIRECTIONS; i++) {
        double width = (double)incident->extents_m[i][1] - (double)incident->extents_m[i][0];
        widest = width > widest ? width : widest;
    }
    return widest;
}
