#include "server/api/timeline_read.h"

#include "core/base/check.h"
#include "server/api/cursor.h"

#include <stdlib.h>

static struct timeline_position position_of(const struct timeline_row *row) {
    return (struct timeline_position){.occurred_ms = row->entry.occurred_ms,
                                      .region = row->entry.region,
                                      .identity_low = row->entry.identity.low};
}

/* The walk over the subtree of `root`. Its ids are listed for the length of the walk only: for the
 * root of a big tree they are megabytes, and only as many walks run as the pool has threads. */
static enum status walk(const struct timeline_source *source, const struct timeline_params *params,
                        timeline_row_cb callback, void *context, struct error *error) {
    struct timeline_query query = params->query;
    query.regions_count = region_subtree_count(source->regions, params->root);
    CHECK(query.regions_count > 0);
    uint32_t *ids = malloc(query.regions_count * sizeof ids[0]);
    if (ids == NULL) {
        return error_set(error, STATUS_NO_MEMORY, "no memory for the regions of a subtree", NULL,
                         NULL);
    }
    region_subtree(source->regions, params->root, ids);
    query.regions = ids;
    enum status status = timeline_walk(source->db, &query, callback, context, error);
    free(ids);
    return status;
}

static bool is_cancelled(const struct timeline_source *source) {
    return source->cancelled != NULL && source->cancelled(source->context);
}

struct piece {
    struct timeline_read *read;
    const struct timeline_source *source;
    struct buffer *to;
    size_t piece_bytes;
    bool stopped; /* there may be more rows */
};

static bool add_to_piece(void *context, const struct timeline_row *row) {
    struct piece *piece = context;
    struct timeline_read *read = piece->read;
    CHECK(read->rows_count < read->params.limit);
    read->format->row(piece->to, read->rows_count == 0,
                      personal_row(piece->source->personal, row, piece->source->policy),
                      piece->source->regions, piece->source->policy);
    read->rows_count++;
    read->params.query.has_after = true;
    read->params.query.after = position_of(row);
    if (read->rows_count == read->params.limit) {
        return false;
    }
    piece->stopped = piece->to->bytes >= piece->piece_bytes || is_cancelled(piece->source);
    return !piece->stopped;
}

enum status timeline_read_piece(struct timeline_read *read, const struct timeline_source *source,
                                size_t piece_bytes, struct buffer *to, struct error *error) {
    CHECK(!read->ended);
    if (!read->begun) {
        read->format->begin(to);
        read->begun = true;
    }
    struct piece piece = {read, source, to, piece_bytes, false};
    enum status status = walk(source, &read->params, add_to_piece, &piece, error);
    if (status == STATUS_OK && !piece.stopped) {
        read->format->end(to);
        read->ended = true;
    }
    return status;
}

struct page {
    const struct timeline_params *params;
    const struct timeline_source *source;
    struct json_out out;
    uint64_t rows_count;
    struct timeline_position last;
    bool more;
};

static bool add_to_page(void *context, const struct timeline_row *row) {
    struct page *page = context;
    if (page->rows_count == page->params->limit) {
        page->more = true;
        return false;
    }
    report_json_write(&page->out, personal_row(page->source->personal, row, page->source->policy),
                      page->source->regions, page->source->policy);
    page->rows_count++;
    page->last = position_of(row);
    return !is_cancelled(page->source);
}

enum status timeline_read_page(const struct timeline_params *params,
                               const struct timeline_source *source, struct buffer *to,
                               struct error *error) {
    struct page page = {.params = params, .source = source};
    json_out_init(&page.out, to);
    json_out_object_begin(&page.out);
    json_out_key(&page.out, "items");
    json_out_array_begin(&page.out);
    enum status status = walk(source, params, add_to_page, &page, error);
    if (status != STATUS_OK) {
        return status;
    }
    json_out_array_end(&page.out);
    json_out_key(&page.out, "next_cursor");
    if (page.more) {
        char text[CURSOR_TEXT_BYTES_MAX];
        size_t bytes = cursor_from_timeline(text, params->binding, &page.last);
        json_out_string(&page.out, (struct slice){(const uint8_t *)text, bytes});
    } else {
        json_out_null(&page.out);
    }
    json_out_object_end(&page.out);
    return STATUS_OK;
}
