/* The columns of a region row and what their values must be; shared by the CSV and the JSON form.
 * Every `why` is a static sentence that begins with the column's name. */
#ifndef CORE_REGION_REGION_FIELDS_H
#define CORE_REGION_REGION_FIELDS_H

#include "core/region/region.h"

enum region_column {
    REGION_COLUMN_CODE,
    REGION_COLUMN_PARENT,
    REGION_COLUMN_LEVEL,
    REGION_COLUMN_NAME,
    REGION_COLUMN_LAT,
    REGION_COLUMN_LON,
    REGION_COLUMN_KIND,
    REGION_COLUMN_LEADER,
    REGION_COLUMN_COUNT,
};

MUST_USE bool region_column_find(enum region_column *ret, struct slice name);

/* What a row says before it is checked. Absent: empty text, no number. */
struct region_fields {
    struct slice text[REGION_COLUMN_COUNT]; /* of CODE, PARENT, NAME, KIND, LEADER */
    bool has_level, has_lat, has_lon;
    int64_t level;
    struct position position;
};

/* Checks everything that one row can be checked for. O(row). */
MUST_USE bool region_fields_check(struct region_row *ret, const struct region_fields *fields,
                                  const struct limits *limits, const char **ret_why);

#endif
