/* A whole core under the fuzzer: engine and world, the rows they gave out as a store would have
 * them, and what the reports were, as the reference for the engine's verdicts.
 *
 * Steps are made between engine_run_begin and engine_run_end; engine_run_flush closes the block:
 * its rows are kept and each is checked (engine_check.c). A run restored from another one's
 * rows must go on exactly as that one does. */
#ifndef TESTS_FUZZ_ENGINE_RUN_H
#define TESTS_FUZZ_ENGINE_RUN_H

#include "core/engine.h"
#include "core/world.h"

enum {
    RUN_ROWS_MAX = 4096,
    RUN_VALUES_BYTES = 16 << 20,
    RUN_REPORTS_MAX = 256,
    RUN_FIRED_MAX = 12, /* deadlines of one step in time */
    RUN_ADDRESSEES_MAX = 4,
};

struct run_row {
    enum row_family family;
    uint8_t key[24];
    size_t key_bytes;
    struct slice value; /* in the run's values */
};

/* A report that was accepted, and what became of it. */
struct run_report {
    struct report report;
    uint64_t seq, incident; /* incident 0: none */
};

struct engine_run {
    struct limits limits;
    struct engine engine;
    struct world world;
    struct event_log log;
    void *world_memory, *engine_memory, *log_memory;
    struct run_row *rows; /* in key order within their family */
    size_t rows_count;
    uint8_t *values;
    size_t values_bytes;
    struct run_report reports[RUN_REPORTS_MAX];
    size_t reports_count;
    uint64_t next_seq;
    int64_t now_ms;
    uint64_t told;       /* hash of all that was told, and of all that was answered */
    uint64_t members_of; /* for reading an incident's members */
    uint64_t members_after;
    bool is_full; /* rows or values: nothing more is done */
};

/* Memory, once; then as on an empty directory, at any time. */
void engine_run_new(struct engine_run *run);
void engine_run_reset(struct engine_run *run, const struct world_view *view);
/* `from`, which was flushed, after a restart. */
void engine_run_restore(struct engine_run *run, const struct engine_run *from,
                        const struct world_view *view);
/* CHECKs that both have told the same and have the same rows. */
void engine_run_compare(const struct engine_run *a, const struct engine_run *b);

/* A step whose first event has number `next_seq`. */
struct event_log *engine_run_begin(struct engine_run *run, uint64_t next_seq);
void engine_run_end(struct engine_run *run);
/* Adds an answer to what was told. */
void engine_run_note(struct engine_run *run, uint64_t answer);
/* Closes the block. */
void engine_run_flush(struct engine_run *run);
/* Moves time on; what comes due fires at its instant, by the rows alone. False: there was more than
 * RUN_FIRED_MAX of it, and the time is that of the last one. */
bool engine_run_pass(struct engine_run *run, int64_t ms);

/* NULL: there is no such row. */
const struct run_row *engine_run_row(const struct engine_run *run, enum row_family family,
                                     struct slice key);
/* Of the incident that this one is or was merged into, by rising seq. */
struct incident_members engine_run_members(struct engine_run *run, uint64_t incident);
/* A ticket and its directive into memory, if they are not. False: there is no such ticket, or no
 * room. */
bool engine_run_load(struct engine_run *run, uint64_t ticket);

/* engine_check.c: what must hold of one row as it is written; of all rows after a flush. */
void engine_check_row(enum row_family family, struct slice key, struct slice value);
void engine_check_rows(const struct engine_run *run);
/* And of an event. */
void engine_check_event(const struct event *event);

#endif
