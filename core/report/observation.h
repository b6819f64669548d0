/* What incident matching wants to know of a report beyond its entry (domain.md 4.2): who saw it,
 * with what, in which direction, how exactly. Filled by report_parse; hashes are XXH3-64 keyed with
 * the store's seed, 0 where the report does not say. Attributes are kept as given: one of another
 * type than is read here is no mistake, it is only not observed. */
#ifndef CORE_REPORT_OBSERVATION_H
#define CORE_REPORT_OBSERVATION_H

#include "core/base/base.h"

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
    /* attributes.alarm with alarm_state "clear"; without that an alarm rises. */
    OBSERVATION_ALARM_CLEAR = 1 << 4,
};

/* What is farther or wider says no more than this: it is taken for this. */
#define OBSERVATION_ACCURACY_M_MAX 100000.0
#define OBSERVATION_CONE_DEG_MAX 180.0
#define OBSERVATION_RANGE_KM_MIN 0.01
#define OBSERVATION_RANGE_KM_MAX 100.0

struct observation {
    uint8_t kind;         /* enum observer_kind */
    uint8_t flags;        /* enum observation_flag */
    uint32_t channel_tag; /* 0: the policy has no channel for it */
    uint64_t observer;    /* of the device, else the reporter, else the source: who has the same is
                             not independent */
    uint64_t asset;       /* of attributes.asset_id (a lamp, a valve, a feeder) */
    uint64_t alarm;       /* of (observer, attributes.alarm) */
    float accuracy_m;     /* location.accuracy_m, at most OBSERVATION_ACCURACY_M_MAX; 0: not said */
    /* The bearing: azimuth in [0, 360), cone at most OBSERVATION_CONE_DEG_MAX, range from
     * OBSERVATION_RANGE_KM_MIN to _MAX; cone and range 0: not said. */
    float azimuth_deg, cone_deg, range_km;
    uint64_t view;   /* of a camera's frame: of (device, attributes.pose); 0: it is no frame */
    uint16_t box[4]; /* of a frame: attributes.bbox in 65535ths of the image, x0 < x1, y0 < y1 */
};

#endif
