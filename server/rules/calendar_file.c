#include "server/rules/calendar_file.h"

#include "server/process/config.h"
#include "server/rules/calendar_default.h"
#include "server/rules/calendar_words.h"
#include "server/rules/yaml_file.h"

#include <stdio.h>
#include <stdlib.h>

struct week_yaml {
    char **days;
    uint32_t days_count;
    char **attendance;
    uint32_t attendance_count;
};

/* A holiday or a make-up workday; `name` is for those who read the file. */
struct date_yaml {
    char *date, *name;
    char *until; /* NULL: one day */
    char *like;  /* NULL: workday */
};

struct calendar_yaml {
    char *name;
    char *based_on, *utc_offset, *day_rule; /* NULL: not given */
    struct week_yaml *week;
    uint32_t week_count;
    struct date_yaml *holidays;
    uint32_t holidays_count;
    struct date_yaml *workdays;
    uint32_t workdays_count;
};

struct region_yaml {
    char *code, *calendar;
};

struct file_yaml {
    char *version;
    struct calendar_yaml *calendars;
    uint32_t calendars_count;
    struct region_yaml *regions;
    uint32_t regions_count;
};

enum { REQUIRED = CYAML_FLAG_POINTER, OPTIONAL = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL };
#define WORD(key, flags, type) CYAML_FIELD_STRING_PTR(#key, flags, type, key, 0, CYAML_UNLIMITED)

static const cyaml_schema_value_t word_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};

static const cyaml_schema_field_t week_fields[] = {
    CYAML_FIELD_SEQUENCE("days", REQUIRED, struct week_yaml, days, &word_schema, 1,
                         CALENDAR_HOLIDAY),
    CYAML_FIELD_SEQUENCE("attendance", REQUIRED, struct week_yaml, attendance, &word_schema, 1,
                         CALENDAR_INTERVALS_MAX),
    CYAML_FIELD_END};
static const cyaml_schema_value_t week_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct week_yaml, week_fields)};

static const cyaml_schema_field_t holiday_fields[] = {
    WORD(date, REQUIRED, struct date_yaml), WORD(name, OPTIONAL, struct date_yaml),
    WORD(until, OPTIONAL, struct date_yaml), CYAML_FIELD_END};
static const cyaml_schema_value_t holiday_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct date_yaml, holiday_fields)};

static const cyaml_schema_field_t workday_fields[] = {
    WORD(date, REQUIRED, struct date_yaml), WORD(name, OPTIONAL, struct date_yaml),
    WORD(like, OPTIONAL, struct date_yaml), CYAML_FIELD_END};
static const cyaml_schema_value_t workday_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct date_yaml, workday_fields)};

static const cyaml_schema_field_t calendar_fields[] = {
    WORD(name, REQUIRED, struct calendar_yaml),
    WORD(based_on, OPTIONAL, struct calendar_yaml),
    WORD(utc_offset, OPTIONAL, struct calendar_yaml),
    WORD(day_rule, OPTIONAL, struct calendar_yaml),
    CYAML_FIELD_SEQUENCE("week", OPTIONAL, struct calendar_yaml, week, &week_schema, 1,
                         CALENDAR_HOLIDAY),
    CYAML_FIELD_SEQUENCE("holidays", OPTIONAL, struct calendar_yaml, holidays, &holiday_schema, 0,
                         CALENDAR_EXCEPTIONS_MAX),
    CYAML_FIELD_SEQUENCE("workdays", OPTIONAL, struct calendar_yaml, workdays, &workday_schema, 0,
                         CALENDAR_EXCEPTIONS_MAX),
    CYAML_FIELD_END};
static const cyaml_schema_value_t calendar_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct calendar_yaml, calendar_fields)};

static const cyaml_schema_field_t region_fields[] = {WORD(code, REQUIRED, struct region_yaml),
                                                     WORD(calendar, REQUIRED, struct region_yaml),
                                                     CYAML_FIELD_END};
static const cyaml_schema_value_t region_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct region_yaml, region_fields)};

static const cyaml_schema_field_t file_fields[] = {
    WORD(version, REQUIRED, struct file_yaml),
    CYAML_FIELD_SEQUENCE("calendars", REQUIRED, struct file_yaml, calendars, &calendar_schema, 1,
                         CALENDARS_MAX),
    CYAML_FIELD_SEQUENCE("regions", OPTIONAL, struct file_yaml, regions, &region_schema, 0,
                         CALENDAR_REGIONS_MAX),
    CYAML_FIELD_END};
static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct file_yaml, file_fields)};

/* What is being filled, aside of the result, and where the file is at. */
struct fill {
    const struct yaml_file *file;
    struct error *error;
    uint32_t index;                         /* of the calendar */
    bool has_attendance[CALENDAR_PATTERNS]; /* given by this calendar's `week` */
    struct calendar calendar;
    struct calendar_set set;
};

/* `member` is what follows "calendars[INDEX]", or "" for the calendar as a whole. */
static enum status blame(const struct fill *fill, const char *member, const char *why) {
    char path[YAML_PATH_BYTES_MAX];
    snprintf(path, sizeof path, "calendars[%u]%s", fill->index, member);
    return yaml_file_fault(fill->file, path, why, fill->error);
}

static enum status blame_item(const struct fill *fill, const char *list, uint32_t index,
                              const char *member, const char *why) {
    char path[YAML_PATH_BYTES_MAX];
    snprintf(path, sizeof path, ".%s[%u]%s", list, index, member);
    return blame(fill, path, why);
}

static enum status blame_word(const struct fill *fill, uint32_t index, const char *list,
                              uint32_t at, const char *why) {
    char member[64];
    snprintf(member, sizeof member, ".%s[%u]", list, at);
    return blame_item(fill, "week", index, member, why);
}

static enum status attend(struct fill *fill, enum calendar_pattern pattern,
                          const struct calendar_interval *intervals, uint32_t count,
                          struct error *why) {
    fill->has_attendance[pattern] = true;
    return calendar_set_attendance(&fill->calendar, pattern, intervals, count, why);
}

/* One item of `week`: the same attendance for some days. */
static enum status add_week(struct fill *fill, const struct week_yaml *week, uint32_t index) {
    struct calendar_interval intervals[CALENDAR_INTERVALS_MAX];
    const char *why;
    struct error fault;
    CHECK(week->attendance_count <= CALENDAR_INTERVALS_MAX);
    for (uint32_t i = 0; i < week->attendance_count; i++) {
        if (!calendar_interval_parse(&intervals[i], week->attendance[i], &why)) {
            return blame_word(fill, index, "attendance", i, why);
        }
    }
    for (uint32_t i = 0; i < week->days_count; i++) {
        enum calendar_pattern pattern;
        if (!calendar_pattern_parse(&pattern, slice_text(week->days[i])) ||
            pattern == CALENDAR_HOLIDAY) {
            return blame_word(fill, index, "days", i, "is none of monday to sunday and workday");
        }
        if (fill->has_attendance[pattern]) {
            return blame_word(fill, index, "days", i, "stands twice");
        }
        if (attend(fill, pattern, intervals, week->attendance_count, &fault) != STATUS_OK) {
            return blame_item(fill, "week", index, ".attendance", fault.message);
        }
    }
    return STATUS_OK;
}

/* A week that is given replaces an inherited one as a whole. */
static enum status set_week(struct fill *fill, const struct calendar_yaml *loaded) {
    struct error fault;
    if (loaded->week_count == 0) {
        return loaded->based_on != NULL ? STATUS_OK : blame(fill, "", "the key week is missing");
    }
    for (unsigned i = 0; i < CALENDAR_PATTERNS; i++) {
        fill->has_attendance[i] = false;
    }
    for (unsigned i = 0; i <= CALENDAR_WORKDAY; i++) {
        enum status status =
            calendar_set_attendance(&fill->calendar, (enum calendar_pattern)i, NULL, 0, &fault);
        CHECK(status == STATUS_OK);
    }
    for (uint32_t i = 0; i < loaded->week_count; i++) {
        enum status status = add_week(fill, &loaded->week[i], i);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (!fill->has_attendance[CALENDAR_WORKDAY]) {
        const struct calendar_day *monday = &fill->calendar.patterns[CALENDAR_MONDAY];
        enum status status =
            attend(fill, CALENDAR_WORKDAY, monday->intervals, monday->intervals_count, &fault);
        CHECK(status == STATUS_OK);
    }
    return STATUS_OK;
}

/* The days from `date` to `until`; a range within one year, so that a slip is no endless holiday.
 */
static enum status add_date(struct fill *fill, const char *list, uint32_t index,
                            const struct date_yaml *date, enum calendar_pattern pattern) {
    const char *why;
    struct error fault;
    int32_t first, last;
    if (!calendar_date_parse(&first, date->date, &why)) {
        return blame_item(fill, list, index, ".date", why);
    }
    last = first;
    if (date->until != NULL && !calendar_date_parse(&last, date->until, &why)) {
        return blame_item(fill, list, index, ".until", why);
    }
    if (last < first || last - first > 366) {
        return blame_item(fill, list, index, ".until", "is before date, or more than a year later");
    }
    for (int32_t day = first; day <= last; day++) {
        if (calendar_add_exception(&fill->calendar, day, pattern, &fault) != STATUS_OK) {
            return blame_item(fill, list, index, ".date", fault.message);
        }
    }
    return STATUS_OK;
}

static enum status add_workday(struct fill *fill, const struct date_yaml *date, uint32_t index) {
    enum calendar_pattern pattern = CALENDAR_WORKDAY;
    if (date->like != NULL && (!calendar_pattern_parse(&pattern, slice_text(date->like)) ||
                               pattern == CALENDAR_HOLIDAY)) {
        return blame_item(fill, "workdays", index, ".like",
                          "is none of monday to sunday and workday");
    }
    if (fill->calendar.patterns[pattern].intervals_count == 0) {
        return blame_item(fill, "workdays", index, date->like != NULL ? ".like" : ".date",
                          "is to be like a day without attendance");
    }
    return add_date(fill, "workdays", index, date, pattern);
}

static enum status add_dates(struct fill *fill, const struct calendar_yaml *loaded) {
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < loaded->holidays_count; i++) {
        status = add_date(fill, "holidays", i, &loaded->holidays[i], CALENDAR_HOLIDAY);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < loaded->workdays_count; i++) {
        status = add_workday(fill, &loaded->workdays[i], i);
    }
    return status;
}

static enum status begin_calendar(struct fill *fill, const struct calendar_yaml *loaded) {
    struct error fault;
    struct slice name = slice_text(loaded->name);
    if (loaded->based_on == NULL) {
        return calendar_init(&fill->calendar, name, fill->set.version, &fault) == STATUS_OK
                   ? STATUS_OK
                   : blame(fill, ".name", fault.message);
    }
    const struct calendar *from = calendar_set_find(&fill->set, slice_text(loaded->based_on));
    if (from == NULL) {
        return blame(fill, ".based_on", "there is no calendar of that name before this one");
    }
    return calendar_init_from(&fill->calendar, from, name, &fault) == STATUS_OK
               ? STATUS_OK
               : blame(fill, ".name", fault.message);
}

static enum status set_rules(struct fill *fill, const struct calendar_yaml *loaded) {
    const char *why = NULL;
    if (loaded->utc_offset == NULL && loaded->based_on == NULL) {
        return blame(fill, "", "the key utc_offset is missing");
    }
    if (loaded->utc_offset != NULL &&
        !calendar_offset_parse(&fill->calendar.offset_s, loaded->utc_offset, &why)) {
        return blame(fill, ".utc_offset", why);
    }
    if (loaded->day_rule != NULL &&
        !day_rule_parse(&fill->calendar.day_rule, slice_text(loaded->day_rule))) {
        return blame(fill, ".day_rule", "is neither close_of_nth_day nor rolling");
    }
    return STATUS_OK;
}

static enum status add_calendar(struct fill *fill, const struct calendar_yaml *loaded) {
    struct error fault;
    enum status status = begin_calendar(fill, loaded);
    if (status == STATUS_OK) {
        status = set_rules(fill, loaded);
    }
    if (status == STATUS_OK) {
        status = set_week(fill, loaded);
    }
    if (status == STATUS_OK) {
        status = add_dates(fill, loaded);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (calendar_seal(&fill->calendar, &fault) != STATUS_OK) {
        return blame(fill, "", fault.message);
    }
    return calendar_set_add(&fill->set, &fill->calendar, &fault) == STATUS_OK
               ? STATUS_OK
               : blame(fill, ".name", fault.message);
}

static enum status add_region(struct fill *fill, const struct region_yaml *region, uint32_t index) {
    char path[YAML_PATH_BYTES_MAX];
    struct error fault;
    if (calendar_set_add_region(&fill->set, slice_text(region->code), slice_text(region->calendar),
                                &fault) == STATUS_OK) {
        return STATUS_OK;
    }
    snprintf(path, sizeof path, "regions[%u]", index);
    return yaml_file_fault(fill->file, path, fault.message, fill->error);
}

static enum status fill_set(struct fill *fill, const struct file_yaml *loaded) {
    uint64_t version;
    if (!config_number_parse(&version, loaded->version) || version == 0 || version > UINT32_MAX) {
        return yaml_file_fault(fill->file, "version", "is no whole number from 1 to 4294967295",
                               fill->error);
    }
    calendar_set_init(&fill->set, (uint32_t)version);
    enum status status = STATUS_OK;
    for (fill->index = 0; status == STATUS_OK && fill->index < loaded->calendars_count;
         fill->index++) {
        status = add_calendar(fill, &loaded->calendars[fill->index]);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < loaded->regions_count; i++) {
        status = add_region(fill, &loaded->regions[i], i);
    }
    return status;
}

static enum status set_from(const struct yaml_file *file, struct calendar_set *ret,
                            struct error *error) {
    void *loaded = NULL;
    enum status status = yaml_file_load(file, &file_schema, &loaded, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (loaded == NULL) {
        return yaml_file_fault(
            file, "", "the file is empty: a calendar file needs version and calendars", error);
    }
    struct fill *fill = calloc(1, sizeof *fill);
    if (fill == NULL) {
        status = error_set(error, STATUS_NO_MEMORY, file->name, ": out of memory", NULL);
        goto out;
    }
    fill->file = file;
    fill->error = error;
    status = fill_set(fill, loaded);
    if (status == STATUS_OK) {
        *ret = fill->set;
    }
    free(fill);
out:
    yaml_file_unload(&file_schema, loaded);
    return status;
}

enum status calendar_file_read(struct calendar_set *ret, const char *path, struct error *error) {
    struct yaml_file *file;
    enum status status =
        path[0] == '\0'
            ? yaml_file_from(&file, "the built-in calendar",
                             (struct slice){calendar_default_text, calendar_default_bytes}, error)
            : yaml_file_read(&file, path, error);
    if (status != STATUS_OK) {
        return status;
    }
    status = set_from(file, ret, error);
    yaml_file_free(file);
    return status;
}
