/* Taking reports in: parse, plan, look up what is not in memory, step, append to the open block.
 *
 * Loop thread only, but for the look-ups, which run on the pool. Lines are taken in order and their
 * results come in order; a line that needs a stored row holds back those behind it. */
#ifndef SERVER_INTAKE_H
#define SERVER_INTAKE_H

#include "core/engine.h"
#include "server/services.h"

struct intake; /* opaque: the engine and its memory, scratch for parsing */

struct intake_line {
    struct slice text;
    uint64_t number; /* 1-based, for the answer */
    bool too_long;   /* the text was not kept: past limits.line_bytes */
};

/* What came of a line. `report` is NULL when it is invalid, `problem` otherwise. Both are good
 * until the callback returns. The verdict may be told once `seq` is durable. */
struct intake_result {
    uint64_t line;
    enum verdict verdict;
    uint64_t seq;
    uint64_t incident, ticket; /* of a new report; 0: none */
    const struct report *report;
    const struct report_problem *problem;
};

/* Who sends, as far as a token says it. All zero: nobody asks. */
struct intake_source {
    struct slice name; /* of reports that name no source; empty: "anonymous" */
    bool is_only;      /* reports name no other source */
    bool is_scoped;    /* and only regions in the subtree of `region` */
    uint32_t region;
};

/* One uploader's place in line. Lives in the uploader's memory. */
struct intake_client {
    void *context;
    void (*on_result)(void *context, const struct intake_result *result);
    void (*on_ready)(void *context, enum status status); /* the lines that waited are done */
    struct intake_source source;
    struct intake_wait *waiting; /* intake's own; NULL: none */
};

/* `services` must outlive the intake; db, committer, regions, policy and identity are set, and the
 * driver before the first line. Reads the newest identities from the journal, and starts the
 * service time from its newest entry. */
MUST_USE enum status intake_new(struct intake **ret, struct services *services,
                                struct error *error);
void intake_free(struct intake *intake);

enum intake_progress {
    INTAKE_DONE,    /* every line has had its result */
    INTAKE_WAITING, /* the rest was copied and waits for stored rows: on_ready follows */
};
/* Not while client->waiting. */
enum intake_progress intake_take(struct intake *intake, struct intake_client *client,
                                 const struct intake_line *lines, size_t lines_count);
/* The uploader goes away: lines that wait are dropped, no callback comes any more. */
void intake_abandon(struct intake_client *client);

#endif
