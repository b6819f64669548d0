/* Which keys a policy file may have, and its words. */
#include "server/rules/policy_yaml.h"

#include "core/base/check.h"
#include "core/time/calendar.h"

#include <stdio.h>
#include <string.h>

enum { REQUIRED = CYAML_FLAG_POINTER, OPTIONAL = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL };

#define WORD(flags, type, key, member)                                                             \
    CYAML_FIELD_STRING_PTR(key, flags, struct type, member, 0, CYAML_UNLIMITED)
#define LIST(flags, key, schema, min, max)                                                         \
    CYAML_FIELD_SEQUENCE(#key, flags, struct policy_yaml, key, schema, min, max)
#define ITEMS(type, fields)                                                                        \
    { CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct type, fields) }

#define CATEGORY(key, member) WORD(OPTIONAL, category_yaml, key, member)
static const cyaml_schema_field_t category_fields[] = {
    WORD(REQUIRED, category_yaml, "code", code),
    WORD(REQUIRED, category_yaml, "name", name),
    WORD(REQUIRED, category_yaml, "priority", priority),
    CATEGORY("severity", severity),
    CATEGORY("ticket", ticket),
    CATEGORY("self_handle", self_handle),
    CATEGORY("confidential", confidential),
    CATEGORY("merge", merge),
    CATEGORY("accept", limits[STAGE_ACCEPT]),
    CATEGORY("verify", limits[STAGE_VERIFY]),
    CATEGORY("dispatch", limits[STAGE_DISPATCH]),
    CATEGORY("sign", limits[STAGE_SIGN]),
    CATEGORY("on_scene", limits[STAGE_ON_SCENE]),
    CATEGORY("handle", limits[STAGE_HANDLE]),
    CATEGORY("check", limits[STAGE_CHECK]),
    CATEGORY("follow_up", limits[STAGE_FOLLOW_UP]),
    CATEGORY("overall", limits[STAGE_OVERALL]),
    CYAML_FIELD_END};
_Static_assert(STAGE_COUNT == 11, "each stage but decide and reply has its key here");

static const cyaml_schema_field_t channel_fields[] = {
    WORD(REQUIRED, channel_yaml, "code", code), WORD(REQUIRED, channel_yaml, "name", name),
    WORD(OPTIONAL, channel_yaml, "observer", observer),
    WORD(OPTIONAL, channel_yaml, "public", public_), CYAML_FIELD_END};

#define MERGE(key, member) WORD(OPTIONAL, merge_class_yaml, key, member)
static const cyaml_schema_field_t merge_class_fields[] = {
    WORD(REQUIRED, merge_class_yaml, "code", code),
    WORD(REQUIRED, merge_class_yaml, "kind", kind),
    MERGE("gate_m", gate_m),
    MERGE("spread_m", spread_m),
    MERGE("suggest_m", suggest_m),
    MERGE("idle", idle),
    MERGE("reopen", reopen),
    MERGE("stale", stale),
    CYAML_FIELD_END};

static const cyaml_schema_field_t unit_fields[] = {WORD(REQUIRED, unit_yaml, "code", code),
                                                   WORD(REQUIRED, unit_yaml, "name", name),
                                                   CYAML_FIELD_END};

static const cyaml_schema_field_t assignment_fields[] = {
    WORD(REQUIRED, assignment_yaml, "unit", unit),
    WORD(OPTIONAL, assignment_yaml, "category", category),
    WORD(OPTIONAL, assignment_yaml, "region", region), CYAML_FIELD_END};

static const cyaml_schema_value_t word_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};

#define LADDER(member) WORD(OPTIONAL, ladder_yaml, #member, member)
static const cyaml_schema_field_t ladder_fields[] = {
    LADDER(reminder_percent),
    LADDER(near_percent),
    LADDER(step),
    LADDER(step_percent),
    LADDER(repeat),
    LADDER(top_level),
    LADDER(ack),
    CYAML_FIELD_SEQUENCE("unacked", OPTIONAL, struct ladder_yaml, unacked, &word_schema, 0,
                         LADDER_UNACKED_MAX),
    CYAML_FIELD_END};

#define LADDERS(priority)                                                                          \
    CYAML_FIELD_MAPPING_PTR("P" #priority, OPTIONAL, struct ladders_yaml, of[priority],            \
                            ladder_fields)
static const cyaml_schema_field_t ladders_fields[] = {LADDERS(1), LADDERS(2), LADDERS(3),
                                                      LADDERS(4), CYAML_FIELD_END};

#define LIMIT(priority) WORD(OPTIONAL, limits_yaml, "P" #priority, of[priority])
static const cyaml_schema_field_t limits_fields[] = {LIMIT(1), LIMIT(2), LIMIT(3), LIMIT(4),
                                                     CYAML_FIELD_END};

#define FIRE_OBSERVER(member) WORD(OPTIONAL, fire_observer_yaml, #member, member)
static const cyaml_schema_field_t fire_observer_fields[] = {
    FIRE_OBSERVER(window), FIRE_OBSERVER(radius_m), CYAML_FIELD_END};

#define FIRE_KIND(name, text)                                                                      \
    CYAML_FIELD_MAPPING_PTR(text, OPTIONAL, struct fire_yaml, of[OBSERVER_##name],                 \
                            fire_observer_fields),
#define FIRE(member) WORD(OPTIONAL, fire_yaml, #member, member)
static const cyaml_schema_field_t fire_fields[] = {OBSERVER_TABLE(FIRE_KIND) FIRE(rekindle_m),
                                                   FIRE(overlap_percent),
                                                   FIRE(sequence_gap),
                                                   FIRE(confirm_frames),
                                                   FIRE(confirm_within),
                                                   CYAML_FIELD_END};
#undef FIRE_KIND

#define ALARM(member) WORD(OPTIONAL, alarm_yaml, #member, member)
static const cyaml_schema_field_t alarm_fields[] = {ALARM(raise_samples), ALARM(raise_for),
                                                    ALARM(clear_for), CYAML_FIELD_END};

static const cyaml_schema_value_t category_schema = ITEMS(category_yaml, category_fields);
static const cyaml_schema_value_t channel_schema = ITEMS(channel_yaml, channel_fields);
static const cyaml_schema_value_t merge_class_schema = ITEMS(merge_class_yaml, merge_class_fields);
static const cyaml_schema_value_t unit_schema = ITEMS(unit_yaml, unit_fields);
static const cyaml_schema_value_t assignment_schema = ITEMS(assignment_yaml, assignment_fields);

/* "never" is there without being named, so a file names one merge class less. */
static const cyaml_schema_field_t policy_fields[] = {
    WORD(REQUIRED, policy_yaml, "version", version),
    LIST(REQUIRED, categories, &category_schema, 1, CATEGORIES_MAX),
    LIST(REQUIRED, channels, &channel_schema, 1, CHANNELS_MAX),
    LIST(OPTIONAL, merge_classes, &merge_class_schema, 0, MERGE_CLASSES_MAX - 1),
    LIST(OPTIONAL, units, &unit_schema, 0, UNITS_MAX),
    LIST(OPTIONAL, assignments, &assignment_schema, 0, ASSIGNMENTS_MAX),
    WORD(OPTIONAL, policy_yaml, "ladder_pause", ladder_pause),
    CYAML_FIELD_MAPPING_PTR("ladders", OPTIONAL, struct policy_yaml, ladders, ladders_fields),
    CYAML_FIELD_MAPPING_PTR("decide", OPTIONAL, struct policy_yaml, decide, limits_fields),
    CYAML_FIELD_MAPPING_PTR("reply", OPTIONAL, struct policy_yaml, reply, limits_fields),
    CYAML_FIELD_MAPPING_PTR("fire", OPTIONAL, struct policy_yaml, fire, fire_fields),
    CYAML_FIELD_MAPPING_PTR("alarm", OPTIONAL, struct policy_yaml, alarm, alarm_fields),
    WORD(OPTIONAL, policy_yaml, "archive", archive),
    WORD(OPTIONAL, policy_yaml, "reopen", reopen),
    WORD(OPTIONAL, policy_yaml, "return_window", return_window),
    WORD(OPTIONAL, policy_yaml, "self_check_percent", self_check_percent),
    CYAML_FIELD_END};

const cyaml_schema_value_t policy_yaml_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct policy_yaml, policy_fields)};

void policy_item_set(struct policy_item *item, const char *list, uint32_t index) {
    int bytes = snprintf(item->path, sizeof item->path, "%s[%u]", list, index);
    CHECK(bytes > 0 && (size_t)bytes < sizeof item->path);
}

enum status policy_item_refuse(const struct policy_item *item, const char *key, const char *why) {
    char path[YAML_PATH_BYTES_MAX];
    const char *dot = item->path[0] != '\0' && key != NULL ? "." : "";
    snprintf(path, sizeof path, "%s%s%s", item->path, dot, key != NULL ? key : "");
    return yaml_file_fault(item->file, path, why, item->error);
}

enum status policy_item_status(const struct policy_item *item, enum status status,
                               const struct error *why) {
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    char key[YAML_KEY_BYTES_MAX + 1], path[YAML_PATH_BYTES_MAX];
    const char *colon = strstr(why->message, ": ");
    size_t bytes = colon != NULL ? (size_t)(colon - why->message) : 0;
    if (bytes > 0 && bytes < sizeof key) {
        memcpy(key, why->message, bytes);
        key[bytes] = '\0';
        snprintf(path, sizeof path, "%s%s%s", item->path, item->path[0] != '\0' ? "." : "", key);
        if (yaml_outline_find(&item->file->outline, path) != NULL) {
            return policy_item_refuse(item, key, colon + 2);
        }
    }
    return policy_item_refuse(item, NULL, why->message);
}

enum status policy_word_bool(const struct policy_item *item, const char *key, const char *text,
                             bool *ret) {
    if (text == NULL) {
        return STATUS_OK;
    }
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
        return policy_item_refuse(item, key, "is neither true nor false");
    }
    *ret = text[0] == 't';
    return STATUS_OK;
}

enum status policy_word_number(const struct policy_item *item, const char *key, const char *text,
                               uint32_t *ret) {
    uint64_t value = 0;
    if (text == NULL) {
        return STATUS_OK;
    }
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && value <= UINT32_MAX; at++) {
        value = value * 10 + (uint64_t)(*at - '0');
    }
    if (at == text || *at != '\0' || value > UINT32_MAX || (text[0] == '0' && text[1] != '\0')) {
        return policy_item_refuse(item, key, "is no whole number");
    }
    *ret = (uint32_t)value;
    return STATUS_OK;
}

enum status policy_word_limit(const struct policy_item *item, const char *key, const char *text,
                              struct stage_limit *ret) {
    if (text != NULL && !stage_limit_parse(ret, slice_text(text))) {
        return policy_item_refuse(item, key,
                                  "is no limit: none, or a number from 1 on and one of s m h d "
                                  "(elapsed), wm wh wd (working), within 366 days");
    }
    return STATUS_OK;
}

enum status policy_word_time(const struct policy_item *item, const char *key, const char *text,
                             uint32_t *ret_s) {
    struct stage_limit limit;
    if (text == NULL) {
        return STATUS_OK;
    }
    if (!stage_limit_parse(&limit, slice_text(text)) || limit.unit != METERING_URGENT_HOUR) {
        return policy_item_refuse(item, key,
                                  "is no time: none, or a number from 1 on and one of s m h d, "
                                  "within 366 days");
    }
    *ret_s = limit.amount;
    return STATUS_OK;
}
