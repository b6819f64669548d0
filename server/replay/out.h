/* The events of a replay as NDJSON (gridd replay --out): one line each, in the order of sequence
 * numbers, and one for each report that went into an incident:
 *
 *   {"at","seq","line","kind":"report","source","id","incident","ticket"}
 *   {"at","seq","line","kind","grid","category","severity", then the event's own members}
 *
 * `line` is that of the input at which it happened: for what a deadline did, the line that moved
 * time past it. */
#ifndef SERVER_REPLAY_OUT_H
#define SERVER_REPLAY_OUT_H

#include "core/text/instant.h"
#include "server/replay/run.h"

struct replay_out {
    struct buffer pending;
    int file;
    char at[INSTANT_TEXT_BYTES]; /* at_ms as text, when has_at */
    int64_t at_ms;
    bool has_at;
    bool failed; /* told by replay_out_close */
};

/* Makes the file, or empties it. IO. */
MUST_USE enum status replay_out_open(struct replay_out *out, const char *path, struct error *error);
/* Whom a run tells. */
struct replay_listener replay_out_listener(struct replay_out *out);
/* IO: not everything was written. */
MUST_USE enum status replay_out_close(struct replay_out *out, const char *path,
                                      struct error *error);

#endif
