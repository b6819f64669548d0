/* The forms a timeline can be streamed in. A form writes a beginning, rows and an end onto a buffer
 * and keeps no state but "was there a row yet", so that a stream can be cut into pieces anywhere
 * between rows. Any thread. */
#ifndef SERVER_API_TIMELINE_FORMAT_H
#define SERVER_API_TIMELINE_FORMAT_H

#include "server/report_json.h"

struct timeline_format {
    const char *media_type;   /* what Accept asks for */
    const char *content_type; /* what the answer says */
    void (*begin)(struct buffer *to);
    /* `first`: no row was written before this one. */
    void (*row)(struct buffer *to, bool first, const struct timeline_row *row,
                const struct region_table *regions, const struct policy *policy);
    void (*end)(struct buffer *to);
};

/* One object a line (report_json_write). */
extern const struct timeline_format timeline_format_ndjson;
/* RFC 4180: header row, CRLF, quotes where needed. A text cell that a spreadsheet would take for a
 * formula (it begins with = + - @ TAB CR) gets an apostrophe before it. */
extern const struct timeline_format timeline_format_csv;
/* RFC 7946 FeatureCollection. */
extern const struct timeline_format timeline_format_geojson;

/* One CSV cell of text, quoted and guarded as above. */
void timeline_csv_cell(struct buffer *to, struct slice text);

#endif
