/* What would have been: the same input under two policies, side by side.
 *
 * Reports are told apart by their line, tickets by the line of the report they are about and their
 * category: numbers are those of one run. */
#ifndef SERVER_REPLAY_COMPARE_H
#define SERVER_REPLAY_COMPARE_H

#include "server/json_out.h"
#include "server/replay/book.h"

enum { REPLAY_DIFFERENCES_MAX = 100 }; /* listed of each kind; all are counted */

/* One object. Of reports: how many pairs are in one incident under one policy and not under the
 * other, and some of these pairs, at least one for each incident that is divided (until the list is
 * full). Of tickets: those that passed a limit under one and not under the other, and those that
 * are there under one only. Memory for both books once more; O(n log n). */
void replay_compare_write(struct json_out *json, const struct book *a, const struct book *b);

#endif
