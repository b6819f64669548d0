/* What happens to a ticket: commands of people and of the system.
 *
 * ticket_apply either does a command whole - clocks, flags, one journal entry for the change - or
 * leaves the ticket as it was and says why not. It never reads a clock: the instant is the
 * context's. A ticket's own time never runs backwards: an instant before its last change counts as
 * that change. Time-driven changes are ticket_fire's (ticket_fire.h). */
#ifndef CORE_TICKET_TICKET_STEP_H
#define CORE_TICKET_TICKET_STEP_H

#include "core/effects.h"
#include "core/policy/policy.h"
#include "core/region/region.h"
#include "core/ticket/joint.h"
#include "core/ticket/ticket_media.h"
#include "core/time/calendar_set.h"

struct directives;

/* Everything a step may look at and where its effects go. All borrowed. */
struct ticket_context {
    const struct policy *policy;          /* in force: of tickets that are opened */
    const struct policy *const *policies; /* earlier versions, for tickets opened under them */
    size_t policies_count;
    const struct calendar_set *calendars;
    const struct calendar_map *calendar_map; /* NULL: all regions go by the default calendar */
    const struct region_table *regions;      /* NULL: there is no tree */
    struct joint_pool *joints;
    struct directives *directives; /* NULL: none are kept */
    struct effects *effects;
    int64_t now_ms;
};

/* Who gives a command. */
struct ticket_actor {
    uint32_t roles;    /* enum ticket_role */
    struct slice name; /* empty: nameless; identity guards then do not apply */
    uint32_t region;   /* acts in its subtree only; REGION_NONE: everywhere */
    uint32_t unit_tag; /* of a unit's token; 0: not said */
};

enum tri_state { TRI_UNKNOWN, TRI_NO, TRI_YES };

/* A unit of a whistle. */
struct ticket_part_order {
    uint32_t unit_tag;
    bool is_optional;
    struct stage_limit handle_limit; /* amount 0: the ticket's; longer than that counts as that */
};

/* A command and its fields; 0, empty or TRI_UNKNOWN where it has none. */
struct ticket_command {
    enum ticket_verb verb;
    struct ticket_actor actor;
    struct slice command_id; /* <= TICKET_COMMAND_ID_BYTES_MAX; empty: never recognised again */
    uint32_t if_version;     /* 0: whichever */
    struct slice note, reason_text;    /* <= TICKET_NOTE_BYTES_MAX */
    enum ticket_reason reason;         /* request_suspension, request_extension */
    bool has_evidence;                 /* said to be there, beside the media */
    const struct ticket_medium *media; /* evidence, of any command */
    size_t media_count;
    bool on_scene;     /* progress */
    bool lift;         /* supervise: ends it */
    bool decides;      /* whistle: by the centre, at once */
    bool single;       /* approve of a whistle: the lead alone, whatever was proposed */
    uint32_t unit_tag; /* dispatch, whistle: the lead; else who acts, if the actor names none */
    uint32_t proposed_unit_tag;  /* return */
    struct stage_limit limit;    /* request_extension: by how much; dispatch: the handle limit */
    int64_t until_ms;            /* request_suspension */
    uint8_t priority;            /* accept; upgrade, downgrade: 0 is one step */
    uint8_t severity;            /* the same; 0: as it is */
    uint32_t category_tag;       /* accept, upgrade, downgrade; 0: as it is */
    uint64_t target;             /* merge: number of the survivor, flattened */
    enum ticket_closure closure; /* submit_result, self_handle */
    enum tri_state confirmed;    /* verify_result; NO: not found */
    enum tri_state contacted, solved, satisfied; /* follow_up */
    const struct ticket_part_order *parts;       /* whistle, approve of one: co-handlers */
    size_t parts_count;
};

/* Why a command was refused. class, name, sentence. STATE and what follows it is a 409 outside,
 * ROLE and what follows it a 403. */
#define TICKET_REFUSAL_TABLE(X)                                                                    \
    X(STATE, STATE, "the ticket's state does not take this command")                               \
    X(STATE, SUSPENDED, "the ticket is suspended: resume it first")                                \
    X(STATE, NOT_SUSPENDED, "the ticket is not suspended")                                         \
    X(STATE, PENDING, "another request waits for a decision")                                      \
    X(STATE, NOTHING_PENDING, "no request waits for a decision")                                   \
    X(STATE, JOINT, "it is handled jointly already")                                               \
    X(STATE, SELF_CATEGORY, "the category is not one that a worker closes by himself")             \
    X(STATE, RETURN_WINDOW, "the time in which it could be returned is over")                      \
    X(STATE, OVERDUE, "the handle limit has passed")                                               \
    X(STATE, P1, "a P1 ticket is not extended")                                                    \
    X(STATE, EXTENDED, "it was extended as often as it can be")                                    \
    X(STATE, HOLDS, "it was suspended as often as it can be")                                      \
    X(STATE, PARTS, "a mandatory co-handler has not finished")                                     \
    X(STATE, SIGNED, "the unit has signed already")                                                \
    X(STATE, NOT_SIGNED, "the unit has not signed yet")                                            \
    X(STATE, PART_DONE, "the co-handler has finished")                                             \
    X(STATE, SUPERVISED, "it is supervised: the supervisor lifts that first")                      \
    X(STATE, REOPENED, "a rejected ticket is reopened once")                                       \
    X(STATE, REOPEN_WINDOW, "the time in which it could be reopened is over")                      \
    X(STATE, FOLLOW_UP, "the reporter has not been asked yet")                                     \
    X(STATE, COMMAND_ID, "the command id was used for another command")                            \
    X(ROLE, ROLE, "the role does not give this command")                                           \
    X(ROLE, SYSTEM_P1, "the system does this for P1 only")                                         \
    X(ROLE, REGION, "the ticket is outside the caller's region")                                   \
    X(ROLE, UNIT, "the ticket is not with the caller's unit")                                      \
    X(ROLE, TOWN, "only a town or above blows the whistle")                                        \
    X(ROLE, PUBLIC, "a report of the public is rejected by the shift lead")                        \
    X(ROLE, DECIDER, "the role does not decide on this kind of request")                           \
    X(ROLE, REQUESTER, "who asked does not decide")                                                \
    X(ROLE, HANDLER, "who handled it does not check it")                                           \
    X(ROLE, APPOINT, "two units gave it back: the county appoints one")

enum ticket_refusal {
    REFUSAL_NONE,
#define TICKET_REFUSAL_ENUM(class, name, text) REFUSAL_##name,
    TICKET_REFUSAL_TABLE(TICKET_REFUSAL_ENUM)
#undef TICKET_REFUSAL_ENUM
};

enum ticket_verdict {
    TICKET_DONE,
    TICKET_REPLAYED, /* this command id was done before; `version` is what it made */
    TICKET_STATE,    /* 409, see refusal */
    TICKET_ROLE,     /* 403, see refusal */
    TICKET_VERSION,  /* 412: if_version is not the ticket's */
    TICKET_INVALID,  /* 422: see pointer and why */
    TICKET_FULL,     /* 503: no room for one more joint ticket */
};

struct ticket_outcome {
    enum ticket_verdict verdict;
    enum ticket_refusal refusal;
    const char *pointer; /* INVALID: JSON pointer of the field; static */
    const char *why;     /* a sentence for every verdict but DONE and REPLAYED; static */
    uint32_t version;    /* of the ticket now; of a replay: the one that the first made */
};

MUST_USE struct ticket_outcome ticket_apply(const struct ticket_context *context,
                                            struct ticket *ticket,
                                            const struct ticket_command *command);

/* A report was absorbed that is not to pass unheard (domain.md 4.2): the unit is paged, an ack no
 * longer holds, and the ladder without an ack begins anew. `why` is a word for the entry. Nothing
 * when it is not open. */
void ticket_repage(const struct ticket_context *context, struct ticket *ticket, const char *why);

/* May this command be given now, its fields aside? Looks at verb, actor and unit_tag only. */
enum ticket_refusal ticket_refusal(const struct ticket_context *context,
                                   const struct ticket *ticket,
                                   const struct ticket_command *command);
/* The commands that this actor may give now, as bits 1 << verb. */
uint32_t ticket_allowed(const struct ticket_context *context, const struct ticket *ticket,
                        const struct ticket_actor *actor);
const char *ticket_refusal_name(enum ticket_refusal refusal);
const char *ticket_refusal_text(enum ticket_refusal refusal);
/* TICKET_STATE or TICKET_ROLE. */
enum ticket_verdict ticket_refusal_verdict(enum ticket_refusal refusal);

/* Worst light of its clocks, paused ones as they stood at the pause; green without any. */
enum light ticket_light(const struct ticket_context *context, const struct ticket *ticket);
/* What is due next in its stage, in public: of the stage's clock, else of the overall one. 0: there
 * is none, or it is suspended. */
int64_t ticket_due_ms(const struct ticket *ticket);

/* Moves all clocks to the calendar its region goes by now, when that is another arithmetic; an
 * entry tells when a due instant changed. Every step does it first. True when there was one to
 * move; next_due_ms is the caller's to refresh. */
bool ticket_recompute(const struct ticket_context *context, struct ticket *ticket);

#endif
