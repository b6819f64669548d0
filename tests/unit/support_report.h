/* A small region tree, a policy and rows of reports, for the tests of what goes out. */
#ifndef TESTS_UNIT_SUPPORT_REPORT_H
#define TESTS_UNIT_SUPPORT_REPORT_H

#include "core/base/status.h"
#include "core/policy/policy.h"
#include "core/region/region.h"
#include "core/report/record.h"
#include "storage/timeline.h"

struct support_world {
    struct region_table *regions; /* 0: c "City" | 1: c1 "Town" | 2: g1 "Grid" */
    void *memory;
    struct policy policy; /* forest_fire "Forest fire" */
};
void support_world_init(struct support_world *world);
void support_world_deinit(struct support_world *world);

struct support_row {
    struct timeline_row row;
    uint8_t record[1 << 17];
};
/* A report in g1 with sequence number 7, occurred 2026-11-22T08:30:00.000Z and received a second
 * later, severe. `position` and `source` may be NULL. */
const struct timeline_row *support_row(struct support_row *to, const char *json, unsigned flags,
                                       const struct position *position, const char *source);

#endif
