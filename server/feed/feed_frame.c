#include "server/feed/feed_frame.h"

#include "core/base/check.h"
#include "server/feed/feed_request.h"
#include "server/report_json.h"

#include <string.h>

static void append_id(struct buffer *to, const char *epoch, uint64_t seq) {
    char id[FEED_ID_BYTES_MAX + 1];
    size_t bytes = feed_id_format(id, epoch, seq);
    buffer_append(to, id, bytes);
}

static void append_id_line(struct buffer *to, const char *epoch, uint64_t seq) {
    buffer_append_text(to, "id: ");
    append_id(to, epoch, seq);
    buffer_append(to, "\n", 1);
}

void feed_frame_event(struct buffer *to, const char *epoch, const struct timeline_row *row,
                      const struct region_table *regions, const struct policy *policy) {
    append_id_line(to, epoch, row->seq);
    buffer_append_text(to, "event: ");
    buffer_append_text(to, entry_kind_name(row->entry.kind));
    buffer_append_text(to, "\ndata: ");
    size_t data_at = to->bytes;
    struct json_out out;
    json_out_init(&out, to);
    report_json_write_event(&out, row, regions, policy);
    CHECK_SLOW(memchr(to->data + data_at, '\n', to->bytes - data_at) == NULL);
    buffer_append(to, "\n\n", 2);
}

void feed_frame_checkpoint(struct buffer *to, const char *epoch, uint64_t seq) {
    append_id_line(to, epoch, seq);
    buffer_append_text(to, "data:\n\n");
}

static const char *reset_name(enum feed_reset reset) {
    switch (reset) {
#define FEED_RESET_NAME(name, text)                                                                \
    case FEED_RESET_##name:                                                                        \
        return text;
        FEED_RESET_TABLE(FEED_RESET_NAME)
#undef FEED_RESET_NAME
    case FEED_RESET_NONE:
        break;
    }
    CHECK(false);
}

void feed_frame_reset(struct buffer *to, const char *epoch, enum feed_reset reset,
                      uint64_t oldest_seq, uint64_t newest_seq) {
    append_id_line(to, epoch, oldest_seq > 0 ? oldest_seq - 1 : 0);
    buffer_append_text(to, "event: reset\ndata: {\"reason\":\"");
    buffer_append_text(to, reset_name(reset));
    buffer_append_text(to, "\",\"oldest\":\"");
    append_id(to, epoch, oldest_seq);
    buffer_append_text(to, "\",\"newest\":\"");
    append_id(to, epoch, newest_seq);
    buffer_append_text(to, "\"}\n\n");
}
