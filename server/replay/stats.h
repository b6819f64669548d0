/* The statistics of a replay, as JSON. Each count says what it is of; what is bounded says so. */
#ifndef SERVER_REPLAY_STATS_H
#define SERVER_REPLAY_STATS_H

#include "server/json_out.h"
#include "server/replay/run.h"

enum { REPLAY_LARGEST_MAX = 10 };

/* One object; the run has ended and was not shrunk. O(book). */
void replay_stats_write(struct json_out *json, const struct replay_run *run);

#endif
