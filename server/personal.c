#include "server/personal.h"

#include "core/base/check.h"
#include "core/report/record.h"
#include "core/text/json.h"
#include "server/report_view.h"

#include <string.h>

enum { NAME_LETTERS_MAX = 24, NAME_ESCAPED_BYTES_MAX = 6 * NAME_LETTERS_MAX };

/* What is no free text: members of a report that are shown whatever its category is. */
static const char *const plain_members[] = {
#define PLAIN_MEMBER(name, text) text,
    REPORT_OWN_MEMBERS(PLAIN_MEMBER)
#undef PLAIN_MEMBER
        "device",
    "bearing",
};

/* Kept out of the callers' frames, as in report_view.c. */
static _Thread_local struct json_reader reader;

void personal_init(struct personal *personal, bool masks, bool counts) {
    CHECK(!masks || !counts);
    *personal = (struct personal){.masks = masks, .counts = counts};
    buffer_init(&personal->record);
}

void personal_deinit(struct personal *personal) {
    buffer_deinit(&personal->record);
}

static bool is_confidential(const struct policy *policy, uint32_t category_tag) {
    const struct category *category = policy_category_by_tag(policy, category_tag);
    return category == NULL || category->confidential;
}

static bool is_plain(struct slice name) {
    for (size_t i = 0; i < ARRAY_COUNT(plain_members); i++) {
        if (slice_is(name, plain_members[i])) {
            return true;
        }
    }
    return false;
}

/* A name that is too long for the ones we know is none of them: it comes as the empty slice. */
static bool is_personal(struct slice name, bool is_report, bool confidential) {
    if (!is_report) {
        return confidential &&
               (slice_is(name, "note") || slice_is(name, "reason") || slice_is(name, "media"));
    }
    return slice_is(name, "reporter") || slice_is(name, "on_behalf_of") ||
           (confidential && !is_plain(name));
}

static struct slice name_of(const struct json_token *key, uint8_t *scratch) {
    if (!key->escaped) {
        return key->text;
    }
    return key->text.bytes > NAME_ESCAPED_BYTES_MAX
               ? (struct slice){NULL, 0}
               : (struct slice){scratch, json_unescape(scratch, key->text)};
}

/* Writes the object with its personal members as null (`to` NULL: only counts them). Returns how
 * many there are that are not null already. */
static size_t mask_object(struct buffer *to, struct slice json, bool is_report, bool confidential) {
    const struct json_bounds bounds = {.depth = JSON_DEPTH_CAP,
                                       .keys = JSON_KEYS_CAP,
                                       .string_bytes = UINT32_MAX,
                                       .allow_duplicates = true};
    uint8_t scratch[NAME_ESCAPED_BYTES_MAX];
    size_t masked = 0;
    const char *before = "{";
    json_init(&reader, &bounds, json);
    if (json_next(&reader).kind != JSON_OBJECT_BEGIN) {
        return 0;
    }
    for (;;) {
        struct json_token key = json_next(&reader);
        struct slice value;
        if (key.kind != JSON_KEY || !json_skip_value(&reader, &value)) {
            break;
        }
        bool hidden = !slice_is(value, "null") &&
                      is_personal(name_of(&key, scratch), is_report, confidential);
        masked += hidden ? 1 : 0;
        if (to != NULL) {
            buffer_append_text(to, before);
            buffer_append_text(to, "\"");
            buffer_append_slice(to, key.text);
            buffer_append_text(to, "\":");
            buffer_append_slice(to, hidden ? SLICE_LITERAL("null") : value);
            before = ",";
        }
    }
    if (to != NULL) {
        buffer_append_text(to, before[0] == '{' ? "{}" : "}");
    }
    return masked;
}

/* The same record around another text. */
static const struct timeline_row *rewrite(struct personal *personal, const struct timeline_row *row,
                                          struct record *record, bool is_report,
                                          bool confidential) {
    struct buffer json;
    buffer_init(&json);
    (void)mask_object(&json, record->json, is_report, confidential);
    record->json = buffer_slice(&json);
    buffer_reset(&personal->record);
    size_t bytes = record_encoded_bytes(record);
    personal->record.bytes += record_encode(buffer_reserve(&personal->record, bytes), record);
    personal->row = *row;
    personal->row.record = buffer_slice(&personal->record);
    personal->row.entry.record_bytes = (uint32_t)bytes;
    buffer_deinit(&json);
    return &personal->row;
}

const struct timeline_row *personal_row(struct personal *personal, const struct timeline_row *row,
                                        const struct policy *policy) {
    if (!personal->masks && !personal->counts) {
        return row;
    }
    struct record record;
    bool is_report = row->entry.kind == ENTRY_REPORT;
    bool confidential = is_confidential(policy, row->entry.category_tag);
    if ((!is_report && !confidential) || !record_decode(&record, row->record) ||
        mask_object(NULL, record.json, is_report, confidential) == 0) {
        return row;
    }
    if (personal->counts) {
        personal->shown++;
        return row;
    }
    return rewrite(personal, row, &record, is_report, confidential);
}
