/* A policy file as libcyaml fills it: every scalar still a word. For server/policy_*.c. */
#ifndef SERVER_RULES_POLICY_YAML_H
#define SERVER_RULES_POLICY_YAML_H

#include "core/policy/policy.h"
#include "server/rules/yaml_file.h"

/* NULL where the file does not say, in all of these. */
struct category_yaml {
    char *code, *name, *priority, *severity;
    char *ticket, *self_handle, *confidential, *merge;
    char *limits[STAGE_COUNT]; /* keys are the stages' names; never of STAGE_DECIDE, _REPLY */
};

struct channel_yaml {
    char *code, *name, *observer, *public_;
};

struct merge_class_yaml {
    char *code, *kind, *gate_m, *spread_m, *suggest_m, *idle, *reopen, *stale;
};

struct unit_yaml {
    char *code, *name;
};

struct assignment_yaml {
    char *unit, *category, *region;
};

struct ladder_yaml {
    char *reminder_percent, *near_percent, *step, *step_percent, *repeat, *top_level, *ack;
    char **unacked;
    uint32_t unacked_count;
};

/* By priority, 1..4. */
struct ladders_yaml {
    struct ladder_yaml *of[5];
};
struct limits_yaml {
    char *of[5];
};

struct fire_observer_yaml {
    char *window, *radius_m;
};
struct fire_yaml {
    struct fire_observer_yaml *of[OBSERVER_COUNT];
    char *rekindle_m, *overlap_percent, *sequence_gap, *confirm_frames, *confirm_within;
};

struct alarm_yaml {
    char *raise_samples, *raise_for, *clear_for;
};

struct policy_yaml {
    char *version;
    struct category_yaml *categories;
    struct channel_yaml *channels;
    struct merge_class_yaml *merge_classes;
    struct unit_yaml *units;
    struct assignment_yaml *assignments;
    uint32_t categories_count, channels_count, merge_classes_count, units_count, assignments_count;
    struct ladders_yaml *ladders;
    struct limits_yaml *decide, *reply;
    struct fire_yaml *fire;
    struct alarm_yaml *alarm;
    char *ladder_pause;
    char *archive, *reopen, *return_window, *self_check_percent;
};

extern const cyaml_schema_value_t policy_yaml_schema;

/* The item of a file that is being read, for messages: "categories[3]". */
struct policy_item {
    const struct yaml_file *file;
    struct error *error;
    char path[64];
};
void policy_item_set(struct policy_item *item, const char *list, uint32_t index);
/* Sets "FILE:LINE: ITEM.KEY: why"; returns INVALID. `key` NULL: the item as a whole. */
enum status policy_item_refuse(const struct policy_item *item, const char *key, const char *why);
/* The same with what core/policy/policy.h said: a reason that begins with one of the item's keys is
 * put to that key. Passes OK through. */
enum status policy_item_status(const struct policy_item *item, enum status status,
                               const struct error *why);

/* Words; text NULL leaves `ret` as it is. Refused with the key and what would be right. */
enum status policy_word_bool(const struct policy_item *item, const char *key, const char *text,
                             bool *ret);
enum status policy_word_number(const struct policy_item *item, const char *key, const char *text,
                               uint32_t *ret);
enum status policy_word_limit(const struct policy_item *item, const char *key, const char *text,
                              struct stage_limit *ret);
/* Elapsed time; "none" is 0. */
enum status policy_word_time(const struct policy_item *item, const char *key, const char *text,
                             uint32_t *ret_s);

/* The sections of a file, each into a policy that has the ones before it. */
enum status policy_read_merge_classes(struct policy *policy, const struct yaml_file *file,
                                      const struct policy_yaml *loaded, struct error *error);
enum status policy_read_categories(struct policy *policy, const struct yaml_file *file,
                                   const struct policy_yaml *loaded, struct error *error);
enum status policy_read_channels(struct policy *policy, const struct yaml_file *file,
                                 const struct policy_yaml *loaded, struct error *error);
enum status policy_read_units(struct policy *policy, const struct yaml_file *file,
                              const struct policy_yaml *loaded, struct error *error);
enum status policy_read_ladders(struct policy *policy, const struct yaml_file *file,
                                const struct policy_yaml *loaded, struct error *error);
enum status policy_read_fire(struct policy *policy, const struct yaml_file *file,
                             const struct policy_yaml *loaded, struct error *error);
enum status policy_read_alarm(struct policy *policy, const struct yaml_file *file,
                              const struct policy_yaml *loaded, struct error *error);
enum status policy_read_times(struct policy *policy, const struct yaml_file *file,
                              const struct policy_yaml *loaded, struct error *error);

#endif
