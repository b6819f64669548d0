/* What incident matching reads out of a report. */
#include "core/base/check.h"
#include "core/report/report_parse.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Never 0, which means that the report does not say. */
static uint64_t keyed(const struct report_parse *parse, const void *bytes, size_t count) {
    uint64_t hash = XXH3_64bits_withSeed(bytes, count, parse->context->identity_seed);
    return hash != 0 ? hash : 1;
}

/* Of a string that was not decoded: the hash of its hash. 0 for another type and for "". */
static uint64_t keyed_string(const struct report_parse *parse, const struct json_token *value) {
    if (value->kind != JSON_STRING || value->text.bytes == 0) {
        return 0;
    }
    uint64_t hash = json_hash(value->text, value->escaped);
    return keyed(parse, &hash, sizeof hash);
}

static void observe_satellite(struct report_parse *parse, const struct json_token *value) {
    enum observer_kind kind;
    if (value->kind == JSON_STRING && observer_parse(&kind, value->text) &&
        (kind == OBSERVER_VIIRS || kind == OBSERVER_MODIS || kind == OBSERVER_GEOSTATIONARY)) {
        parse->observation.kind = (uint8_t)kind;
        parse->satellite = true;
    }
}

static void observe_flag(struct report_parse *parse, unsigned flag, bool is_set) {
    parse->observation.flags = (uint8_t)(parse->observation.flags | (is_set ? flag : 0));
}

/* A pose is a name or a number. */
static void observe_pose(struct report_parse *parse, const struct json_token *value) {
    parse->pose = value->kind == JSON_NUMBER ? keyed(parse, value->text.data, value->text.bytes)
                                             : keyed_string(parse, value);
}

/* Four shares of the image's width and height; anything else is no box. */
static void observe_box(struct report_parse *parse, const struct json_token *value) {
    uint16_t box[4];
    struct json_token token UNINITIALIZED;
    if (value->kind != JSON_ARRAY_BEGIN) {
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(box); i++) {
        double share = report_pull(parse, &token) == JSON_NUMBER ? json_number(token.text) : -1.0;
        if (!(share >= 0.0 && share <= 1.0)) {
            return;
        }
        box[i] = (uint16_t)(share * UINT16_MAX + 0.5);
    }
    if (report_pull(parse, &token) == JSON_ARRAY_END && box[0] < box[2] && box[1] < box[3]) {
        memcpy(parse->observation.box, box, sizeof box);
    }
}

void report_observe_attribute(struct report_parse *parse, struct slice name,
                              const struct json_token *value) {
    struct observation *observation = &parse->observation;
    switch (name.bytes) {
    case 4:
        if (memcmp(name.data, "pose", 4) == 0) {
            observe_pose(parse, value);
        } else if (memcmp(name.data, "bbox", 4) == 0) {
            observe_box(parse, value);
        }
        break;
    case 5:
        if (memcmp(name.data, "alarm", 5) == 0) {
            observation->alarm = keyed_string(parse, value);
        }
        break;
    case 6:
        if (memcmp(name.data, "injury", 6) == 0) {
            observe_flag(parse, OBSERVATION_INJURY, value->kind == JSON_TRUE);
        }
        break;
    case 8:
        if (memcmp(name.data, "asset_id", 8) == 0) {
            observation->asset = keyed_string(parse, value);
        } else if (memcmp(name.data, "on_scene", 8) == 0) {
            observe_flag(parse, OBSERVATION_ON_SCENE, value->kind == JSON_TRUE);
        }
        break;
    case 9:
        if (memcmp(name.data, "spreading", 9) == 0) {
            observe_flag(parse, OBSERVATION_SPREADING, value->kind == JSON_TRUE);
        } else if (memcmp(name.data, "satellite", 9) == 0) {
            observe_satellite(parse, value);
        }
        break;
    case 11:
        if (memcmp(name.data, "alarm_state", 11) == 0) {
            observe_flag(parse, OBSERVATION_ALARM_CLEAR,
                         value->kind == JSON_STRING && slice_is(value->text, "clear"));
        }
        break;
    default:
        break;
    }
}

static float clamped(double value, double min, double max) {
    return (float)(value < min ? min : value > max ? max : value);
}

void report_observe_accuracy(struct report_parse *parse, double accuracy_m) {
    parse->observation.accuracy_m = clamped(accuracy_m, 0.0, OBSERVATION_ACCURACY_M_MAX);
}

void report_observe_bearing(struct report_parse *parse, double azimuth_deg, double cone_deg,
                            double range_km) {
    struct observation *observation = &parse->observation;
    float azimuth = (float)azimuth_deg;
    observation->azimuth_deg = azimuth < 360.0F ? azimuth : 0.0F;
    observation->cone_deg = clamped(cone_deg, 0.0, OBSERVATION_CONE_DEG_MAX);
    if (range_km > 0.0) {
        observation->range_km =
            clamped(range_km, OBSERVATION_RANGE_KM_MIN, OBSERVATION_RANGE_KM_MAX);
    }
    observe_flag(parse, OBSERVATION_BEARING, true);
}

static uint64_t keyed_with(const struct report_parse *parse, uint64_t observer, uint64_t part) {
    const uint64_t parts[] = {observer, part};
    return keyed(parse, parts, sizeof parts);
}

static struct slice observer_of(const struct report_parse *parse, struct slice source) {
    if (parse->device.bytes != 0) {
        return parse->device;
    }
    return parse->reporter.bytes != 0 ? parse->reporter : source;
}

/* Member by member into place: copying what was just written in smaller pieces waits for the store
 * buffer, and costs more than all the rest here. */
void report_observation(struct observation *ret, const struct report_parse *parse,
                        struct slice source) {
    CHECK(!parse->refused && source.bytes != 0);
    const struct observation *said = &parse->observation;
    const struct channel *channel =
        parse->channel != NULL ? parse->channel : policy_default_channel(parse->context->policy);
    bool by_channel = channel != NULL && !parse->satellite;
    struct slice observer = observer_of(parse, source);
    uint64_t observer_hash = keyed(parse, observer.data, observer.bytes);
    unsigned not_an_alarm = said->alarm == 0 ? OBSERVATION_ALARM_CLEAR : 0;
    ret->kind = by_channel ? channel->observer : said->kind;
    ret->flags = (uint8_t)(said->flags & ~not_an_alarm);
    ret->channel_tag = channel != NULL ? channel->tag : 0;
    ret->observer = observer_hash;
    ret->asset = said->asset;
    ret->alarm = said->alarm == 0 ? 0 : keyed_with(parse, observer_hash, said->alarm);
    ret->accuracy_m = said->accuracy_m;
    ret->azimuth_deg = said->azimuth_deg;
    ret->cone_deg = said->cone_deg;
    ret->range_km = said->range_km;
    bool is_frame = said->box[2] != 0 && ret->kind == OBSERVER_CAMERA && parse->device.bytes != 0;
    ret->view = is_frame ? keyed_with(parse, observer_hash, parse->pose) : 0;
    for (size_t i = 0; i < ARRAY_COUNT(ret->box); i++) {
        ret->box[i] = is_frame ? said->box[i] : 0;
    }
}
