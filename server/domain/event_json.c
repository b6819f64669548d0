#include "server/domain/event_json.h"

#include "core/base/check.h"
#include "core/report/record.h"

#include <string.h>

struct slice event_json_own(const struct timeline_row *row) {
    struct record record;
    return record_decode(&record, row->record) ? record.json : (struct slice){NULL, 0};
}

size_t event_title(uint8_t to[EVENT_TITLE_BYTES_MAX], struct slice what, uint32_t region,
                   const struct region_table *regions) {
    struct slice where =
        region < region_count(regions) ? region_get(regions, region).name : (struct slice){NULL, 0};
    const struct slice parts[] = {what, SLICE_LITERAL(" \xc2\xb7 "), where};
    size_t bytes = 0;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        CHECK(bytes + parts[i].bytes <= EVENT_TITLE_BYTES_MAX);
        if (parts[i].bytes > 0) {
            memcpy(to + bytes, parts[i].data, parts[i].bytes);
            bytes += parts[i].bytes;
        }
    }
    return bytes;
}

void event_json_title(struct json_out *out, uint32_t category_tag, uint32_t region,
                      const struct region_table *regions, const struct policy *policy) {
    const struct category *category = policy_category_by_tag(policy, category_tag);
    uint8_t title[EVENT_TITLE_BYTES_MAX];
    struct slice what = category != NULL ? slice_text(category->name) : (struct slice){NULL, 0};
    size_t bytes = event_title(title, what, region, regions);
    json_out_key(out, "title");
    json_out_string(out, (struct slice){title, bytes});
}

void event_json_path(struct json_out *out, uint32_t region, const struct region_table *regions) {
    json_out_key(out, "path");
    json_out_array_begin(out);
    if (region < region_count(regions)) {
        uint32_t ids[REGION_DEPTH_CAP];
        size_t count = region_path(regions, region, ids);
        for (size_t i = 0; i < count; i++) {
            json_out_string(out, region_get(regions, ids[i]).code);
        }
    }
    json_out_array_end(out);
}

static void write_where(struct json_out *out, const struct entry *entry,
                        const struct region_table *regions, const struct policy *policy) {
    const struct category *category = policy_category_by_tag(policy, entry->category_tag);
    bool severity_known = entry->severity >= SEVERITY_EXTREME && entry->severity <= SEVERITY_MINOR;
    json_out_key(out, "grid");
    if (entry->region < region_count(regions)) {
        json_out_string(out, region_get(regions, entry->region).code);
    } else {
        json_out_null(out);
    }
    event_json_path(out, entry->region, regions);
    json_out_key(out, "category");
    json_out_text(out, category != NULL ? category->code : NULL);
    json_out_key(out, "severity");
    json_out_text(out, severity_known ? severity_name((enum severity)entry->severity) : NULL);
    event_json_title(out, entry->category_tag, entry->region, regions, policy);
}

/* Is there a member of that name? Our own text: a quote inside a string is escaped, so a name after
 * a comma or the brace is a member, at whatever depth. */
static bool names(struct slice own, const char *member) {
    return own.bytes > 0 && memmem(own.data, own.bytes, member, strlen(member)) != NULL;
}

static void write_own(struct json_out *out, struct slice own) {
    static const struct {
        const char *text, *key;
    } always[] = {
        {"\"ticket\":", "ticket"}, {"\"incident\":", "incident"}, {"\"light\":", "light"}};
    for (size_t i = 0; i < ARRAY_COUNT(always); i++) {
        if (!names(own, always[i].text)) {
            json_out_key(out, always[i].key);
            json_out_null(out);
        }
    }
    if (own.bytes > 2) {
        buffer_append(out->to, ",", 1);
        buffer_append(out->to, own.data + 1, own.bytes - 2);
    }
}

void event_json_write(struct json_out *out, const struct timeline_row *row,
                      const struct region_table *regions, const struct policy *policy) {
    const struct entry *entry = &row->entry;
    CHECK(entry->kind != ENTRY_REPORT);
    json_out_object_begin(out);
    json_out_key(out, "kind");
    json_out_text(out, entry_kind_name(entry->kind));
    json_out_key(out, "seq");
    json_out_u64(out, row->seq);
    json_out_key(out, "occurred_at");
    json_out_instant(out, entry->occurred_ms);
    json_out_key(out, "received_at");
    json_out_instant(out, entry->received_ms);
    write_where(out, entry, regions, policy);
    write_own(out, event_json_own(row));
    json_out_object_end(out);
}
