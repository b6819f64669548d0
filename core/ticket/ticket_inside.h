/* Inside core/ticket: a step under way and what its files ask of each other. */
#ifndef CORE_TICKET_TICKET_INSIDE_H
#define CORE_TICKET_TICKET_INSIDE_H

#include "core/text/json.h"
#include "core/text/json_writer.h"
#include "core/ticket/ticket_step.h"

/* The largest entry, a command's: texts take up to six times their bytes once written, media up to
 * twice. It leaves the other entries of a step the rest of STEP_EVENTS_BYTES_MAX. */
enum { TICKET_EVENT_BYTES_MAX = 40 << 10, TICKET_LATE_MS = 5000, PERCENT = 100, SECOND_MS = 1000 };
_Static_assert(6 * (2 * TICKET_NOTE_BYTES_MAX + TICKET_NAME_BYTES_MAX +
                    TICKET_COMMAND_ID_BYTES_MAX) +
                       2 * TICKET_MEDIA_BYTES_MAX + 64 * TICKET_MEDIA_MAX + 200 * JOINT_PARTS_MAX +
                       1024 <=
                   TICKET_EVENT_BYTES_MAX,
               "a command's entry fits");
_Static_assert(TICKET_EVENT_BYTES_MAX + 8192 <= STEP_EVENTS_BYTES_MAX, "and what follows from it");
#define TICKET_NEVER INT64_MAX

/* `at_ms` is the instant that counts: the context's, or the one that a timer was set for. */
struct ticket_step {
    const struct ticket_context *context;
    struct ticket *ticket;
    const struct ticket_command *command;
    const struct policy *policy;     /* the one the ticket was opened under, if it is still there */
    const struct category *category; /* NULL: the policy does not have it any more */
    const struct ladder *ladder;
    const struct calendar *calendar;
    struct joint *joint; /* NULL: not joint */
    int64_t at_ms;
    enum ticket_state from;
    bool is_late; /* a timer that fired more than TICKET_LATE_MS after its instant */
};

/* Looks up what a step needs. `command` may be NULL. */
void ticket_step_begin(struct ticket_step *step, const struct ticket_context *context,
                       struct ticket *ticket, const struct ticket_command *command);

/* ticket_clocks.c: clocks of the ticket and of its parts. */
struct ticket_clock *ticket_clock_of(const struct ticket *ticket, enum stage stage);
/* The stage's limit at the ticket's priority; amount 0: none. */
struct stage_limit ticket_limit_of(const struct ticket_step *step, enum stage stage);
/* Starts the stage's clock anew at `start_ms`; without a limit there is none. */
void ticket_clock_start(struct ticket_step *step, enum stage stage, int64_t start_ms);
void ticket_clock_begin(const struct ticket_step *step, struct ticket_clock *clock,
                        enum stage stage, struct stage_limit limit, int64_t start_ms);
/* The stage has ended: counts whether in time, and the clock is gone. */
void ticket_clock_end(struct ticket_step *step, enum stage stage);
/* The clock is gone and nothing is counted. */
void ticket_clock_drop(struct ticket_step *step, enum stage stage);
void ticket_clocks_drop_all(struct ticket_step *step);
enum light ticket_clock_light(const struct ticket_step *step, const struct ticket_clock *clock);
bool ticket_clock_is_late(const struct ticket_step *step, const struct ticket_clock *clock);
/* CLOCK_NEVER when it stands still or that is beyond all calendars. */
int64_t ticket_clock_percent_ms(const struct ticket_step *step, const struct ticket_clock *clock,
                                unsigned percent);
/* When the next step of an overdue clock's ladder is due, acks aside: the first at the deadline,
 * then one a step until the top rank was told, then repeats. The overall clock tells each rank
 * once: the stage's clock keeps repeating. CLOCK_NEVER: there is none. */
int64_t ticket_escalation_ms(const struct ticket_step *step, const struct ticket_clock *clock);
/* A hold begins or ends: of `verifying` for the accept clock, else of a suspension for the others.
 */
void ticket_hold_begin(struct ticket_step *step, bool is_verifying);
void ticket_hold_end(struct ticket_step *step, bool is_verifying);
/* The handle clock of the ticket, and the overall one by as much, get longer. */
void ticket_clocks_extend(struct ticket_step *step, uint32_t amount);
/* Gives each clock the limit that it has at the ticket's priority and category now, counted from
 * its start; a stage that is late already never gets more time. True when a due instant changed. */
bool ticket_clocks_refit(struct ticket_step *step);
/* `limit` after `at_ms`, metered. */
int64_t ticket_metered_after(const struct ticket_step *step, struct stage_limit limit);
/* Of the ticket's stage. */
enum stage ticket_stage_of(const struct ticket *ticket);

/* ticket_refusal.c */
uint32_t ticket_acting_unit(const struct ticket *ticket, const struct ticket_command *command);
/* The co-handler's part that the command is about; NULL: the lead's or a single ticket. */
struct joint_part *ticket_acting_part(struct joint *joint, const struct ticket *ticket,
                                      const struct ticket_command *command);
uint32_t ticket_deciders(const struct ticket *ticket);

/* ticket_fields.c: NULL, or the sentence; `*ret_pointer` names the field. */
const char *ticket_fields_problem(const struct ticket_step *step, const char **ret_pointer);

/* ticket_change.c: moves between states. */
void ticket_enter(struct ticket_step *step, enum ticket_state state);
void ticket_dispatch_to(struct ticket_step *step, uint32_t unit_tag);
void ticket_close(struct ticket_step *step, enum ticket_closure closure);
void ticket_reopen(struct ticket_step *step);
void ticket_acked(struct ticket_step *step);
/* The joint is dissolved. */
void ticket_part_from_joint(struct ticket_step *step);
/* Gives the ticket a joint of these co-handlers; false: the pool is full. */
MUST_USE bool ticket_make_joint(struct ticket_step *step, enum joint_status status,
                                const struct ticket_part_order *orders, size_t count);
/* Starts the clocks of all parts at this instant. */
void ticket_start_parts(struct ticket_step *step);

/* ticket_requests.c: return, extension, suspension, whistle and decisions on them. */
void ticket_ask(struct ticket_step *step, enum ticket_request_kind kind);
void ticket_approve(struct ticket_step *step);
void ticket_deny(struct ticket_step *step);

/* ticket_step.c: the command's effects without its checks; also for the system. */
MUST_USE bool ticket_do(struct ticket_step *step);
/* ticket_apply.c: a command of the system, done and told without being asked for. */
void ticket_system_does(const struct ticket_context *context, struct ticket *ticket,
                        enum ticket_verb verb, int64_t at_ms, bool is_late);
void ticket_system_command(const struct ticket_context *context, struct ticket *ticket,
                           const struct ticket_command *command, int64_t at_ms, bool is_late);

/* ticket_event.c: entries. */
struct ticket_event {
    struct json_writer writer;
    uint8_t bytes[TICKET_EVENT_BYTES_MAX];
};
/* Begins the entry's object with what all have. */
void ticket_event_begin(const struct ticket_step *step, struct ticket_event *event);
void ticket_event_text(struct ticket_event *event, const char *key, struct slice text);
void ticket_event_unit(const struct ticket_step *step, struct ticket_event *event, const char *key,
                       uint32_t unit_tag);
void ticket_event_append(const struct ticket_step *step, struct ticket_event *event,
                         enum entry_kind kind);
/* An entry of a directive: begins with its number, ends with what `appended` is of, and is its
 * last. `appended` has kind, severity, region and category. */
struct directive;
void directive_event_begin(struct ticket_event *event, const struct directive *directive);
void directive_event_append(const struct ticket_context *context, struct ticket_event *event,
                            struct directive *directive, struct event appended);
/* The entry of a command: ticket.changed. */
void ticket_tell_command(const struct ticket_step *step);
/* The unit and its head are told at once, and why: "supervise", "remind", "repage". */
void ticket_tell_page(const struct ticket_step *step, const char *why);

#endif
