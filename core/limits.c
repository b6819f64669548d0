#include "core/limits.h"

#include "core/base/check.h"
#include "core/report/record.h"

enum { BESIDE_LINE_BYTES = RECORD_HEADER_BYTES_MAX + STEP_EVENTS_BYTES_MAX };
_Static_assert(BESIDE_LINE_BYTES == 49252, "the sentences below name it");

static const struct limit_row rows[] = {
#define LIMITS_ROW(name, preset, min, max, text)                                                   \
    {#name, (preset), (min), (max), (text), offsetof(struct limits, name)},
    LIMITS_TABLE(LIMITS_ROW)
#undef LIMITS_ROW
};

#define LIMITS_ASSERT(name, preset, min, max, text)                                                \
    _Static_assert((preset) >= (min) && (preset) <= (max), #name " default is out of its range");
LIMITS_TABLE(LIMITS_ASSERT)

void limits_init(struct limits *limits) {
#define LIMITS_PRESET(name, preset, min, max, text) limits->name = (preset);
    LIMITS_TABLE(LIMITS_PRESET)
#undef LIMITS_PRESET
    const char *why;
    CHECK(limits_are_consistent(limits, &why));
}

const struct limit_row *limits_row(size_t index) {
    return index < ARRAY_COUNT(rows) ? &rows[index] : NULL;
}

bool limits_are_consistent(const struct limits *limits, const char **ret_why) {
    const struct {
        bool holds;
        const char *why;
    } relations[] = {
        {limits->uri_bytes <= limits->request_line_bytes, "uri_bytes is above request_line_bytes"},
        {limits->header_value_bytes <= limits->header_block_bytes,
         "header_value_bytes is above header_block_bytes"},
        {limits->line_bytes <= limits->body_inflated_bytes,
         "line_bytes is above body_inflated_bytes"},
        {limits->line_bytes + BESIDE_LINE_BYTES <= limits->block_bytes,
         "a line of line_bytes and the 49252 bytes kept with it do not fit block_bytes"},
        {limits->report_body_bytes + BESIDE_LINE_BYTES <= limits->block_bytes,
         "a report of report_body_bytes and the 49252 bytes kept with it do not fit block_bytes"},
        {limits->block_bytes <= limits->run_bytes, "block_bytes is above run_bytes"},
        {limits->block_entries <= limits->run_entries, "block_entries is above run_entries"},
        {limits->run_entries * 4 <= limits->identities,
         "identities is below four times run_entries: what is not sealed must be in the table"},
        {limits->commit_pause_bytes <= limits->commit_queue_bytes,
         "commit_pause_bytes is above commit_queue_bytes"},
        {limits->list_items_default <= limits->list_items_max,
         "list_items_default is above list_items_max"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(relations); i++) {
        if (!relations[i].holds) {
            *ret_why = relations[i].why;
            return false;
        }
    }
    return true;
}
