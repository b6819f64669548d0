/* What incident matching wants to know of a report beyond its entry (domain.md 4.2): who saw it,
 * with what, in which direction, how exactly. Filled by report_parse; hashes are XXH3-64 keyed with
 * the store's seed, 0 where the report does not say. */
#ifndef CORE_OBSERVATION_H
#define CORE_OBSERVATION_H

#include "core/base.h"

/* A policy's channel says which one its reports come from ("observer" of the channel); a
 * satellite's kind comes from attributes.satellite ("viirs", "modis", "geostationary"). */
#define OBSERVER_TABLE(X)                                                                          \
    X(PERSON, "person")                                                                            \
    X(RANGER, "ranger") /* on the spot: rangers, drones */                                         \
    X(CAMERA, "camera")                                                                            \
    X(SENSOR, "sensor")                                                                            \
    X(VIIRS, "viirs")                                                                              \
    X(MODIS, "modis")                                                                              \
    X(GEOSTATIONARY, "geostationary")                                                              \
    X(SYSTEM, "system") /* gateways: nobody in particular */

enum observer_kind {
#define OBSERVER_ENUM(name, text) OBSERVER_##name,
    OBSERVER_TABLE(OBSERVER_ENUM)
#undef OBSERVER_ENUM
        OBSERVER_COUNT
};
const char *observer_name(enum observer_kind kind);
MUST_USE bool observer_parse(enum observer_kind *ret, struct slice text);

enum observation_flag {
    OBSERVATION_INJURY = 1 << 0,    /* attributes.injury true */
    OBSERVATION_SPREADING = 1 << 1, /* attributes.spreading true */
    OBSERVATION_ON_SCENE = 1 << 2,  /* attributes.on_scene true */
    OBSERVATION_BEARING = 1 << 3,   /* azimuth_deg, cone_deg, range_km are set */
    OBSERVATION_ALARM_CLEAR =
        1 << 4, /* attributes.alarm_state "clear"; without it an alarm rises */
};

struct observation {
    uint8_t kind;  /* enum observer_kind */
    uint8_t flags; /* enum observation_flag */
    uint32_t channel_tag;
    uint64_t
        observer; /* of the device, else the reporter, else the source: equal is not independent */
    uint64_t asset;                        /* of attributes.asset_id (a lamp, a valve, a feeder) */
    uint64_t alarm;                        /* of (device, attributes.alarm) */
    float accuracy_m;                      /* location.accuracy_m; 0: not said */
    float azimuth_deg, cone_deg, range_km; /* of the bearing; cone and range 0: not said */
};

#endif
