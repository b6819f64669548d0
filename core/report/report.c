#include "core/report/report.h"

#include "core/base/check.h"
#include "core/report/report_parse.h"

enum json_kind report_pull(struct report_parse *parse, struct json_token *ret) {
    json_next_into(parse->reader, ret);
    content_tag_feed(&parse->tag, ret);
    return ret->kind;
}

void report_pull_to_depth(struct report_parse *parse, uint32_t depth) {
    struct json_token token UNINITIALIZED;
    while (parse->tag.depth > depth && report_pull(parse, &token) != JSON_ERROR) {
    }
}

/* Reads the whole text. False when it is not JSON or no object; `*ret_json` is the object. */
static bool read_object(struct report_parse *parse, struct slice *ret_json) {
    struct json_token token UNINITIALIZED;
    report_pull(parse, &token);
    if (token.kind != JSON_OBJECT_BEGIN && token.kind != JSON_ERROR) {
        report_refuse_type(parse, "", "a JSON object, one report");
        return false;
    }
    const uint8_t *from = token.text.data;
    if (token.kind == JSON_OBJECT_BEGIN) {
        while (report_pull(parse, &token) == JSON_KEY) {
            report_read_field(parse, &token);
        }
    }
    const uint8_t *last = token.text.data;
    bool complete = token.kind == JSON_OBJECT_END;
    if (!complete || report_pull(parse, &token) != JSON_DONE) {
        report_refuse_syntax(parse);
        return false;
    }
    *ret_json = (struct slice){from, (size_t)(last - from) + 1};
    return true;
}

static void require_fields(struct report_parse *parse) {
    if (parse->category == NULL) {
        report_refuse(parse, TITLE_MISSING, "/category", "a report needs a category of the policy",
                      (struct slice){NULL, 0}, "");
    }
    if (!parse->has_occurred) {
        report_refuse(parse, TITLE_MISSING, "/occurred_at",
                      "a report needs the time of its event, like 2026-11-22T08:30:00Z",
                      (struct slice){NULL, 0}, "");
    }
    if (!parse->has_grid && !parse->has_position) {
        report_refuse(parse, TITLE_MISSING, "/grid",
                      "a report needs a region code, or a location near a known grid",
                      (struct slice){NULL, 0}, "");
    }
}

/* Gives a report without a grid to the nearest one. */
static void locate(struct report_parse *parse, struct entry *entry) {
    const struct report_context *context = parse->context;
    CHECK(parse->has_position);
    if (context->regions != NULL) {
        parse->region =
            region_locate(context->regions, parse->position, (double)context->limits->locate_m);
        parse->region = report_in_scope(context, parse->region);
    }
    entry->flags |= ENTRY_LOCATED;
    if (parse->region == REGION_NONE) {
        report_refuse(parse, TITLE_MISSING, "/grid",
                      "no known grid is near the location: name the region code",
                      (struct slice){NULL, 0}, "");
    }
}

static void fill_entry(struct report_parse *parse, struct entry *entry) {
    const struct report_context *context = parse->context;
    entry->kind = ENTRY_REPORT;
    entry->severity = parse->severity != 0 ? parse->severity : (uint8_t)parse->category->severity;
    entry->region = parse->region;
    entry->category_tag = parse->category->tag;
    entry->received_ms = context->now_ms;
    entry->occurred_ms = parse->occurred_ms;
    if (parse->occurred_ms - context->now_ms > (int64_t)context->limits->clock_skew_ms) {
        entry->occurred_ms = context->now_ms;
        entry->flags |= ENTRY_CLOCK_SUSPECT;
    }
    if (parse->has_position) {
        entry->flags |= ENTRY_HAS_POSITION;
    }
    entry->content_tag = content_tag_value(&parse->tag);
}

/* The id, given or derived. False when the arena is full. */
static bool fill_identity(struct report_parse *parse, struct report *report) {
    report->source = parse->source.bytes != 0 ? parse->source : parse->context->default_source;
    report->id = parse->id;
    if (parse->id.bytes != 0) {
        report->entry.identity = report_given_identity(parse->context, report->source, report->id);
        return true;
    }
    uint8_t *id = arena_alloc(parse->arena, REPORT_DERIVED_ID_BYTES, 1);
    if (id == NULL) {
        return false;
    }
    report->entry.identity = report_derived_identity(parse, report->source);
    report->entry.flags |= ENTRY_DERIVED_ID;
    report_derived_id((char *)id, report->entry.identity);
    report->id = (struct slice){id, REPORT_DERIVED_ID_BYTES};
    return true;
}

static void fill_record(const struct report_parse *parse, struct slice json,
                        struct report *report) {
    report->record.has_position = parse->has_position;
    report->record.position = parse->position;
    report->record.json = json;
    if (parse->source.bytes == 0) {
        report->record.source = report->source;
    }
    size_t bytes = record_encoded_bytes(&report->record);
    CHECK(bytes <= UINT32_MAX);
    report->entry.record_bytes = (uint32_t)bytes;
}

/* Field by field: the levels of the content tag are written before they are read. */
static void parse_init(struct report_parse *parse, const struct report_context *context,
                       struct report_problem *problem, struct arena *arena,
                       struct json_reader *reader) {
    parse->context = context;
    parse->reader = reader;
    parse->arena = arena;
    parse->problem = problem;
    parse->refused = parse->arena_full = false;
    content_tag_init(&parse->tag);
    parse->id = parse->source = parse->reporter = parse->text = (struct slice){NULL, 0};
    parse->device = (struct slice){NULL, 0};
    parse->grid = (struct slice){NULL, 0};
    parse->category = NULL;
    parse->channel = NULL;
    parse->observation = (struct observation){0};
    parse->pose = 0;
    parse->satellite = false;
    parse->has_occurred = parse->has_position = parse->has_grid = false;
    parse->occurred_ms = 0;
    parse->position = (struct position){0.0, 0.0};
    parse->region = REGION_NONE;
    parse->severity = 0;
    parse->media_hash = 0;
}

enum status report_parse(struct report *ret, struct report_problem *problem,
                         const struct report_context *context, struct slice line,
                         struct arena *arena, struct json_reader *reader) {
    CHECK(context->default_source.bytes >= 1);
    CHECK(context->default_source.bytes <= REPORT_SOURCE_BYTES_MAX && context->now_ms >= 0);
    struct report_parse parse UNINITIALIZED;
    parse_init(&parse, context, problem, arena, reader);
    struct json_bounds bounds;
    json_bounds_from(&bounds, context->limits);
    json_init(reader, &bounds, line);
    struct report report = {0};
    struct slice json = {NULL, 0};
    if (read_object(&parse, &json)) {
        report_settle_grid(&parse);
        require_fields(&parse);
    }
    if (!parse.refused && !parse.has_grid) {
        locate(&parse, &report.entry);
    }
    if (parse.arena_full) {
        return STATUS_FULL;
    }
    if (parse.refused) {
        problem->id = parse.id;
        return STATUS_INVALID;
    }
    fill_entry(&parse, &report.entry);

    if (!fill_identity(&parse, &report)) {
        return STATUS_FULL;
    }
    fill_record(&parse, json, &report);
    ret->entry = report.entry;
    ret->record = report.record;
    ret->id = report.id;
    ret->source = report.source;
    ret->occurred_given_ms = parse.occurred_ms;
    report_observation(&ret->observation, &parse, report.source);
    return STATUS_OK;
}
