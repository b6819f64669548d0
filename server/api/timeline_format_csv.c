#include "server/api/timeline_format.h"

#include "core/base/check.h"
#include "core/text/instant.h"

static const char header[] = "seq,kind,occurred_at,received_at,grid,category,severity,channel,id,"
                             "source,lat,lon,reporter,device,text,flags\r\n";

static bool begins_a_formula(uint8_t byte) {
    return byte == '=' || byte == '+' || byte == '-' || byte == '@' || byte == '\t' || byte == '\r';
}

static bool wants_quotes(uint8_t byte) {
    return byte == ',' || byte == '"' || byte == '\r' || byte == '\n';
}

void timeline_csv_cell(struct buffer *to, struct slice text) {
    if (text.bytes == 0) {
        return;
    }
    bool guard = begins_a_formula(text.data[0]);
    bool quote = false;
    for (size_t i = 0; i < text.bytes && !quote; i++) {
        quote = wants_quotes(text.data[i]);
    }
    if (!quote) {
        buffer_append(to, "'", guard ? 1 : 0);
        buffer_append_slice(to, text);
        return;
    }
    buffer_append_text(to, guard ? "\"'" : "\"");
    size_t plain = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == '"') {
            buffer_append(to, text.data + plain, i + 1 - plain);
            plain = i; /* the quote goes out once more */
        }
    }
    buffer_append(to, text.data + plain, text.bytes - plain);
    buffer_append(to, "\"", 1);
}

static void next_cell(struct buffer *to) {
    buffer_append(to, ",", 1);
}

static void instant_cell(struct buffer *to, int64_t ms) {
    next_cell(to);
    instant_format((char *)buffer_reserve(to, INSTANT_TEXT_BYTES), ms);
    to->bytes += INSTANT_TEXT_BYTES;
}

static void text_cell(struct buffer *to, struct slice text) {
    next_cell(to);
    timeline_csv_cell(to, text);
}

/* A member of the report as given. Unescaping never makes it longer, so the room for the unescaped
 * text can lie behind the room that the quoted cell may need, in the same buffer. */
static void given_cell(struct buffer *to, struct slice value) {
    next_cell(to);
    uint8_t *room = buffer_reserve(to, 3 * value.bytes + 3);
    timeline_csv_cell(to, report_view_text(value, room + 2 * value.bytes + 3));
}

static void id_cell(struct buffer *to, const struct timeline_row *row,
                    const struct report_view *view) {
    if ((row->entry.flags & ENTRY_DERIVED_ID) != 0) {
        char id[REPORT_DERIVED_ID_BYTES];
        report_derived_id(id, row->entry.identity);
        text_cell(to, (struct slice){(const uint8_t *)id, sizeof id});
    } else {
        given_cell(to, view->given[REPORT_MEMBER_ID]);
    }
}

static void position_cells(struct buffer *to, const struct report_view *view) {
    char scratch[REPORT_NUMBER_BYTES_MAX];
    const bool has = view->record.has_position;
    next_cell(to);
    if (has) {
        buffer_append_slice(to, report_lat_text(view, scratch));
    }
    next_cell(to);
    if (has) {
        buffer_append_slice(to, report_lon_text(view, scratch));
    }
}

static void flags_cell(struct buffer *to, uint16_t flags) {
    next_cell(to);
    const char *between = "";
    for (unsigned flag = 1; flag <= ENTRY_LOCATED; flag <<= 1) {
        const char *name = report_flag_name((enum entry_flag)flag);
        if ((flags & flag) != 0 && name != NULL) {
            buffer_append_text(to, between);
            buffer_append_text(to, name);
            between = " ";
        }
    }
}

static void grid_cell(struct buffer *to, uint32_t region, const struct region_table *regions) {
    if (region < region_count(regions)) {
        text_cell(to, region_get(regions, region).code);
    } else {
        next_cell(to);
    }
}

static void csv_begin(struct buffer *to) {
    buffer_append(to, header, sizeof header - 1);
}

static void csv_row(struct buffer *to, bool first, const struct timeline_row *row,
                    const struct region_table *regions, const struct policy *policy) {
    (void)first;
    (void)policy;
    const struct report_view *view = report_view_of(row);
    const struct slice *given = view->given;
    const struct entry *entry = &row->entry;
    const bool severity_known =
        entry->severity >= SEVERITY_EXTREME && entry->severity <= SEVERITY_MINOR;
    buffer_append_u64(to, row->seq);
    text_cell(to, slice_text(entry_kind_name((enum entry_kind)entry->kind)));
    instant_cell(to, entry->occurred_ms);
    instant_cell(to, entry->received_ms);
    grid_cell(to, entry->region, regions);
    given_cell(to, given[REPORT_MEMBER_CATEGORY]);
    text_cell(to, slice_text(severity_known ? severity_name((enum severity)entry->severity) : ""));
    given_cell(to, report_view_channel(view));
    id_cell(to, row, view);
    if (view->record.source.bytes > 0) {
        text_cell(to, view->record.source);
    } else {
        given_cell(to, given[REPORT_MEMBER_SOURCE]);
    }
    position_cells(to, view);
    given_cell(to, given[REPORT_MEMBER_REPORTER]);
    given_cell(to, given[REPORT_MEMBER_DEVICE]);
    given_cell(to, given[REPORT_MEMBER_TEXT]);
    flags_cell(to, entry->flags);
    buffer_append(to, "\r\n", 2);
}

static void csv_end(struct buffer *to) {
    (void)to;
}

const struct timeline_format timeline_format_csv = {
    .media_type = "text/csv",
    .content_type = "text/csv; charset=utf-8; header=present",
    .begin = csv_begin,
    .row = csv_row,
    .end = csv_end,
};
