/* What a driver's stage has come to: on disk, in memory, and what was told. */
#ifndef TESTS_UNIT_STAGE_LOOK_H
#define TESTS_UNIT_STAGE_LOOK_H

#include "tests/unit/stage_driver.h"

/* Every journal entry from `seq` on as a line: number, received_at, kind, text. */
void stage_write_journal(const struct driver_stage *stage, uint64_t seq, struct buffer *to);
/* What each ticket was told, one ticket after the other: received_at, kind and text of its entries
 * without numbers of entries. What is due at one instant may fire in another order after a restart.
 * `points_only`: point_at, kind and step of what came due, whenever it was told. */
void stage_write_stories(const struct driver_stage *stage, bool points_only, struct buffer *to);
/* Every row of a family, or of all that the world has, as lines of hexadecimal digits. */
void stage_write_rows(const struct driver_stage *stage, struct buffer *to);
size_t stage_count_rows(const struct driver_stage *stage, enum family family);
/* The world as it stands in memory: tickets, clocks, incidents, and the numbers of the census. */
void stage_write_world(const struct driver_stage *stage, struct buffer *to);
/* Fails unless memory and rows say the same, and there is a deadline row for each thing that is
 * waited for and no other. */
void stage_check(const struct driver_stage *stage);
/* Both the same text; empties them. */
void stage_expect_same(struct buffer *a, struct buffer *b);

#endif
