/* Recorded input through the very same engine and world as the server's, under virtual time: no
 * sockets, no store, no clock.
 *
 * Virtual time is the `at` of the line at hand. Before a line everything that is due earlier than
 * its `at` fires, each at its own instant, in due order; an `advance` and the end of the input also
 * fire what is due at their instant. So what happens at the instant of a limit is in time. Where
 * the server would look into its store nothing has to be looked up: identities are kept for as many
 * reports as there are lines, and tickets that are over stand in an archive (archive.h). The same
 * lines, policy, calendars and regions give the same events, book and counts, byte for byte. */
#ifndef SERVER_REPLAY_RUN_H
#define SERVER_REPLAY_RUN_H

#include "core/engine.h"
#include "core/time/calendar_set.h"
#include "core/time/wheel.h"
#include "core/world.h"
#include "server/api/command_fields.h"
#include "server/replay/archive.h"
#include "server/replay/book.h"
#include "server/replay/input.h"

struct replay_run;

/* All borrowed until replay_run_deinit. */
struct replay_rules {
    const struct limits *limits;
    const struct policy *policy;
    const struct calendar_set *calendars;
    const struct region_table *regions;
};

/* Told in the order of sequence numbers; borrowed for the call. */
struct replay_listener {
    void *context; /* `event` NULL: nobody listens */
    void (*event)(void *context, const struct replay_run *run, const struct entry *entry,
                  const struct record *record, uint64_t seq);
    void (*report)(void *context, const struct replay_run *run, const struct report *report,
                   uint64_t seq, const struct world_taken *taken);
};

enum { REPLAY_PROBLEMS_MAX = 100, REPLAY_SUBJECT_BYTES = 64 };
/* Why a report is invalid or a command was refused. */
struct replay_problem {
    uint32_t line;
    char subject[REPLAY_SUBJECT_BYTES]; /* a report's pointer, or a command */
    char why[160];
};

struct replay_counts {
    uint64_t lines[REPLAY_ADVANCE + 1];
    uint64_t verdicts[VERDICT_COUNT];
    uint64_t commands[TICKET_FULL + 1]; /* by enum ticket_verdict */
    uint64_t unknown_tickets;           /* commands to a report that has none, or never came */
    uint64_t events[ENTRY_KIND_LIMIT];
    uint64_t fired, stale; /* deadlines that did something, and that were overtaken */
    uint64_t problems;     /* all, also those beyond REPLAY_PROBLEMS_MAX */
};

struct replay_run {
    struct replay_rules rules;
    struct replay_listener listener;
    struct engine engine;
    struct world world;
    struct world_view view;
    struct calendar_map calendar_map;
    struct wheel *wheel;
    struct event_log log;
    struct archive archive;
    struct book book;
    struct replay_counts counts;
    struct replay_problem problems[REPLAY_PROBLEMS_MAX];
    int64_t from_ms, now_ms; /* of the first line; virtual time */
    uint32_t line;           /* that is at hand; when something fires: the one before which */
    uint64_t identity_seed;  /* the same in every run, so that runs can be compared */
    uint32_t steps;          /* since the world was flushed */
    bool has_begun, is_dirty;
    bool is_full; /* REPLAY_DEADLINES_MAX were reached */
    struct json_reader reader;
    struct body body; /* of the command at hand */
    struct command_fields fields;
    struct arena arena;
    /* Mapped or malloc'd, freed by deinit. */
    void *engine_memory, *world_memory, *wheel_memory, *log_memory, *arena_memory;
    size_t engine_bytes, world_bytes, wheel_bytes;
    struct limits engine_limits; /* identities for every line */
};

/* 450 KiB, so on the heap. `lines`: at most that many will be taken. NO_MEMORY. */
MUST_USE enum status replay_run_init(struct replay_run *run, const struct replay_rules *rules,
                                     const struct replay_listener *listener, uint64_t lines,
                                     struct error *error);
/* The run may be partly made, or all zero. */
void replay_run_deinit(struct replay_run *run);
/* All lines, then the end. INVALID: a line cannot be taken; the message is "FILE:LINE: reason".
 * FULL: a limit was reached. */
MUST_USE enum status replay_run_all(struct replay_run *run, struct replay_input *input,
                                    const char *path, struct error *error);
/* Gives back all memory but the book, counts and problems. */
void replay_run_shrink(struct replay_run *run);

/* For the parts of a run (run_command.c): a step of the world. */
struct event_log *replay_step_begin(struct replay_run *run, uint64_t next_seq);
void replay_step_end(struct replay_run *run);
void replay_note(struct replay_run *run, const char *subject, const char *pointer, const char *why);
/* One command line. */
void replay_take_command(struct replay_run *run, const struct replay_line *line);

#endif
