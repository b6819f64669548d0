/* The members of a report that are a single value, and the table of all of them. */
#include "core/base/check.h"
#include "core/report/report_parse.h"
#include "core/text/instant.h"

#include <string.h>

static bool has_nul(struct slice text) {
    return text.bytes != 0 && memchr(text.data, '\0', text.bytes) != NULL;
}

/* The two halves of the identity: not empty, and without the NUL that stands between them. */
static bool read_identifier(struct report_parse *parse, const char *pointer,
                            const struct json_token *value, size_t bytes_max, struct slice *ret) {
    struct slice text;
    if (!report_string(parse, pointer, value, bytes_max, &text)) {
        return false;
    }
    if (text.bytes == 0 || has_nul(text)) {
        report_refuse(parse, TITLE_VALUE, pointer,
                      text.bytes == 0 ? "the string is empty: leave it out or fill it"
                                      : "the string has a NUL character",
                      (struct slice){NULL, 0}, "");
        return false;
    }
    *ret = text;
    return true;
}

static void read_id(struct report_parse *parse, const struct json_token *value) {
    if (read_identifier(parse, "/id", value, REPORT_ID_BYTES_MAX, &parse->id)) {
        CHECK(parse->id.bytes != 0);
    }
}

static void read_source(struct report_parse *parse, const struct json_token *value) {
    if (read_identifier(parse, "/source", value, REPORT_SOURCE_BYTES_MAX, &parse->source)) {
        CHECK(parse->source.bytes != 0);
        struct slice only = parse->context->only_source;
        if (only.bytes != 0 && !slice_equal(parse->source, only)) {
            report_refuse(parse, TITLE_VALUE, "/source", "the token sends as \"", only, "\" only");
        }
    }
}

static void read_category(struct report_parse *parse, const struct json_token *value) {
    struct slice code;
    if (!report_string(parse, "/category", value, SIZE_MAX, &code)) {
        return;
    }
    parse->category = policy_category(parse->context->policy, code);
    if (parse->category == NULL) {
        report_refuse(parse, TITLE_UNKNOWN, "/category", "the category \"", code,
                      "\" is not in the policy");
    }
}

static bool read_time(struct report_parse *parse, const char *pointer,
                      const struct json_token *value, int64_t *ret_ms) {
    struct slice text;
    if (!report_string(parse, pointer, value, SIZE_MAX, &text)) {
        return false;
    }
    const char *why;
    if (!instant_parse(ret_ms, text, &why)) {
        report_refuse(parse, TITLE_VALUE, pointer, why, (struct slice){NULL, 0}, "");
        return false;
    }
    return true;
}

static void read_occurred_at(struct report_parse *parse, const struct json_token *value) {
    parse->has_occurred = read_time(parse, "/occurred_at", value, &parse->occurred_ms);
    if (parse->has_occurred && parse->occurred_ms < 0) {
        report_refuse(parse, TITLE_VALUE, "/occurred_at",
                      "the time is before 1970-01-01T00:00:00Z: the device's clock is not set",
                      (struct slice){NULL, 0}, "");
    }
}

static void read_sent_at(struct report_parse *parse, const struct json_token *value) {
    int64_t sent_ms;
    (void)read_time(parse, "/sent_at", value, &sent_ms);
}

static void read_grid(struct report_parse *parse, const struct json_token *value) {
    struct slice code;
    parse->has_grid = true;
    if (!report_string(parse, "/grid", value, SIZE_MAX, &code)) {
        return;
    }
    parse->grid = code;
    if (parse->context->regions != NULL) {
        region_prefetch(parse->context->regions, code);
    }
}

uint32_t report_in_scope(const struct report_context *context, uint32_t region) {
    bool is_outside = context->is_scoped && region != REGION_NONE &&
                      (context->scope >= region_count(context->regions) ||
                       !region_is_within(context->regions, region, context->scope));
    return is_outside ? REGION_NONE : region;
}

void report_settle_grid(struct report_parse *parse) {
    struct slice code = parse->grid;
    const struct region_table *regions = parse->context->regions;
    if (code.data == NULL) {
        return;
    }
    parse->grid = (struct slice){NULL, 0};
    parse->region =
        report_in_scope(parse->context, regions != NULL ? region_find(regions, code) : REGION_NONE);
    if (parse->region == REGION_NONE) {
        report_refuse(parse, TITLE_UNKNOWN, "/grid", "the region \"", code,
                      "\" is not known: upload it with PUT /v1/regions first");
    }
}

static void read_severity(struct report_parse *parse, const struct json_token *value) {
    struct slice text;
    if (!report_string(parse, "/severity", value, SIZE_MAX, &text)) {
        return;
    }
    enum severity severity;
    if (severity_parse(&severity, text)) {
        parse->severity = (uint8_t)severity;
    } else {
        report_refuse(parse, TITLE_UNKNOWN, "/severity", "the severity \"", text,
                      "\" is not one of extreme, severe, moderate, minor");
    }
}

static void read_channel(struct report_parse *parse, const struct json_token *value) {
    struct slice code;
    if (!report_string(parse, "/channel", value, SIZE_MAX, &code)) {
        return;
    }
    parse->channel = policy_channel(parse->context->policy, code);
    if (parse->channel == NULL) {
        report_refuse(parse, TITLE_UNKNOWN, "/channel", "the channel \"", code,
                      "\" is not in the policy");
    }
}

static void read_reporter(struct report_parse *parse, const struct json_token *value) {
    (void)report_string(parse, "/reporter", value, REPORT_WHO_BYTES_MAX, &parse->reporter);
}

static void read_on_behalf_of(struct report_parse *parse, const struct json_token *value) {
    struct slice who;
    (void)report_string(parse, "/on_behalf_of", value, REPORT_WHO_BYTES_MAX, &who);
}

static void read_device(struct report_parse *parse, const struct json_token *value) {
    (void)report_string(parse, "/device", value, REPORT_WHO_BYTES_MAX, &parse->device);
}

static void read_text(struct report_parse *parse, const struct json_token *value) {
    (void)report_string(parse, "/text", value, REPORT_TEXT_BYTES_MAX, &parse->text);
}

struct field {
    const char *name;
    report_reader *read; /* NULL: any value */
    bool ignored;        /* identity or transport: not part of the content */
};

/* The fields of one name length, ended by a row without a name: a handful to compare. */
static const struct field *fields_of_length(size_t bytes) {
    static const struct field of_2[] = {{"id", read_id, true}, {0}};
    static const struct field of_4[] = {
        {"grid", read_grid, false}, {"text", read_text, false}, {0}};
    static const struct field of_5[] = {{"media", report_read_media, false}, {0}};
    static const struct field of_6[] = {
        {"source", read_source, true}, {"device", read_device, false}, {0}};
    static const struct field of_7[] = {{"channel", read_channel, false},
                                        {"sent_at", read_sent_at, true},
                                        {"bearing", report_read_bearing, false},
                                        {"attempt", NULL, true},
                                        {"battery", NULL, true},
                                        {"gps_now", NULL, true},
                                        {0}};
    static const struct field of_8[] = {{"category", read_category, false},
                                        {"location", report_read_location, false},
                                        {"severity", read_severity, false},
                                        {"reporter", read_reporter, false},
                                        {0}};
    static const struct field of_10[] = {{"attributes", report_read_attributes, false}, {0}};
    static const struct field of_11[] = {{"occurred_at", read_occurred_at, false}, {0}};
    static const struct field of_12[] = {{"on_behalf_of", read_on_behalf_of, false}, {0}};
    static const struct field none[] = {{0}};
    static const struct field *const fields[NAME_BYTES_MAX + 1] = {
        none, none, of_2, none, of_4, of_5, of_6, of_7, of_8, none, of_10, of_11, of_12};
    return bytes <= NAME_BYTES_MAX ? fields[bytes] : none;
}

static const struct field *find_field(struct slice name) {
    const struct field *field = fields_of_length(name.bytes);
    for (; field->name != NULL; field++) {
        /* The first letter nearly always decides, without a call. */
        if ((uint8_t)field->name[0] == name.data[0] &&
            memcmp(field->name, name.data, name.bytes) == 0) {
            return field;
        }
    }
    return NULL;
}

void report_read_field(struct report_parse *parse, const struct json_token *key) {
    CHECK(parse->tag.depth == 1);
    uint8_t buffer[NAME_BUFFER_BYTES] UNINITIALIZED;
    const struct field *field = find_field(report_name(buffer, key));
    parse->tag.ignored = field != NULL && field->ignored;
    struct json_token value UNINITIALIZED;
    report_pull(parse, &value);
    bool present = value.kind != JSON_NULL && value.kind != JSON_ERROR;
    if (field != NULL && field->read != NULL && present) {
        field->read(parse, &value);
    }
    report_pull_to_depth(parse, 1);
}
