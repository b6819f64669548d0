/* A ticket: the work on an incident, a directive or an inspection, with its duty and its clocks
 * (domain.md 3). One flat struct, held by a docket (docket.h) while it is open and kept as a row.
 *
 * A ticket's number is the sequence number of its ticket.opened entry. Each entry about it names
 * the one before it ("previous"), so its history is read by walking back from last_event_seq. Only
 * the modules of core/ticket change a ticket; everybody may read it. Instants are UTC milliseconds.
 */
#ifndef CORE_TICKET_TICKET_H
#define CORE_TICKET_TICKET_H

#include "core/ticket/ladder.h"
#include "core/ticket/stage.h"
#include "core/ticket/ticket_table.h"
#include "core/time/clock.h"

enum {
    TICKET_CLOCKS_MAX = 6,       /* at once: sign, on_scene, handle, decide, overall, reply */
    TICKET_HOLDS_MAX = 8,        /* pauses remembered, so that clocks can be recomputed */
    TICKET_REPLAYS_MAX = 16,     /* command ids remembered */
    TICKET_NAME_BYTES_MAX = 128, /* an actor */
    TICKET_COMMAND_ID_BYTES_MAX = 128,
    TICKET_NOTE_BYTES_MAX = 2048, /* note, reason, matter */
    TICKET_ROW_BYTES_MAX = 6144,
    TICKET_KEY_BYTES = 8,
};

/* Stored. */
enum ticket_origin { ORIGIN_REPORT = 1, ORIGIN_DIRECTIVE, ORIGIN_MANUAL, ORIGIN_INSPECTION };
const char *ticket_origin_name(enum ticket_origin origin);

#define TICKET_REQUEST_TABLE(X)                                                                    \
    X(1, EXTENSION, "extension")                                                                   \
    X(2, SUSPENSION, "suspension")                                                                 \
    X(3, RETURN, "return")                                                                         \
    X(4, WHISTLE, "whistle")
enum ticket_request_kind {
    REQUEST_NONE,
#define TICKET_REQUEST_ENUM(number, name, text) REQUEST_##name = (number),
    TICKET_REQUEST_TABLE(TICKET_REQUEST_ENUM)
#undef TICKET_REQUEST_ENUM
};
const char *ticket_request_name(enum ticket_request_kind kind);

/* Why work rests (挂账), or why it takes longer. */
#define TICKET_REASON_TABLE(X)                                                                     \
    X(1, ENGINEERING, "engineering")                                                               \
    X(2, SEASON_WEATHER, "season_weather")                                                         \
    X(3, LEGAL_PROCEDURE, "legal_procedure")                                                       \
    X(4, OTHER_AUTHORITY, "other_authority")                                                       \
    X(5, FUNDING, "funding")
enum ticket_reason {
    REASON_NONE,
#define TICKET_REASON_ENUM(number, name, text) REASON_##name = (number),
    TICKET_REASON_TABLE(TICKET_REASON_ENUM)
#undef TICKET_REASON_ENUM
};
const char *ticket_reason_name(enum ticket_reason reason);
MUST_USE bool ticket_reason_parse(enum ticket_reason *ret, struct slice text);

/* How it ended. The outcomes of a warning are those of domain.md 0 (S3): none is left without one.
 * After an unfounded close a new report is a new incident (domain.md 4.2). */
#define TICKET_CLOSURE_TABLE(X)                                                                    \
    X(1, HANDLED, "handled")                                                                       \
    X(2, SELF_HANDLED, "self_handled")                                                             \
    X(3, TRUE_FIRE, "true_fire")                                                                   \
    X(4, PERMITTED_BURN, "permitted_burn")                                                         \
    X(5, FARM_BURNING, "farm_burning")                                                             \
    X(6, HEAT_SOURCE, "heat_source")                                                               \
    X(7, FALSE_ALARM, "false_alarm")                                                               \
    X(8, NOT_FOUND, "not_found")                                                                   \
    X(9, DUPLICATE, "duplicate")                                                                   \
    X(10, UNVERIFIED, "unverified")
enum ticket_closure {
    CLOSURE_NONE,
#define TICKET_CLOSURE_ENUM(number, name, text) CLOSURE_##name = (number),
    TICKET_CLOSURE_TABLE(TICKET_CLOSURE_ENUM)
#undef TICKET_CLOSURE_ENUM
        CLOSURES
};
const char *ticket_closure_name(enum ticket_closure closure);
MUST_USE bool ticket_closure_parse(enum ticket_closure *ret, struct slice text);
bool ticket_closure_is_founded(enum ticket_closure closure);

/* What the rates of domain.md 3.8 are counted from, beside stages_ended and stages_late. Bits of a
 * row: never reused. */
enum ticket_fact {
    FACT_PUBLIC = 1 << 0,   /* the public reported it, and gets an answer */
    FACT_REPORTER = 1 << 1, /* somebody is to be asked after the close */
    FACT_SELF_HANDLED = 1 << 2,
    FACT_SELF_CHECKED = 1 << 3, /* drawn for a check all the same */
    FACT_VERIFIED = 1 << 4,     /* verify_result: confirmed */
    FACT_NOT_FOUND = 1 << 5,    /* verify_result: not_found */
    FACT_RETURNED = 1 << 6,     /* a unit gave it back */
    FACT_SHUFFLED = 1 << 7,     /* a second one did: the county appoints */
    FACT_REWORKED = 1 << 8,
    FACT_REOPENED = 1 << 9,
    FACT_EXTENDED = 1 << 10,
    FACT_SUSPENDED = 1 << 11,
    FACT_WHISTLED = 1 << 12,
    FACT_WHISTLE_REFUSED = 1 << 13,
    FACT_JOINT = 1 << 14,
    FACT_DEEMED_SIGNED = 1 << 15,
    FACT_SUPERVISED = 1 << 16,
    FACT_ESCALATED = 1 << 17,
    FACT_ON_SCENE = 1 << 18,
    FACT_FOLLOWED_UP = 1 << 19, /* asked, whether reached or not */
    FACT_CONTACTED = 1 << 20,
    FACT_SOLVED = 1 << 21,
    FACT_SATISFIED = 1 << 22,
    FACT_REJECTED_ONCE = 1 << 23, /* reopened after a rejection: not again */
    FACT_SIGNED = 1 << 24,        /* a unit has signed since the last dispatch */
    FACT_EXTENDED_TWICE = 1 << 25,
    FACT_VACANCY = 1 << 26,    /* an escalation found an office empty */
    FACT_DISPATCHED = 1 << 27, /* somebody had it, be it the region's own people */
    FACT_RECEIPTED = 1 << 28,  /* the first one who had it signed, or was deemed to */
    FACT_UNSOLVED = 1 << 29,   /* a reporter who was asked once said that it was not solved */
};

/* What has been told of a running clock. */
struct ticket_told {
    uint8_t points;    /* 1: reminder, 2: near_deadline, 4: overdue */
    uint8_t rank;      /* steps up the region path that were told */
    uint16_t step;     /* escalation steps taken; the first is at the deadline */
    uint16_t top_step; /* the one that reached the highest rank; 0: not yet */
};
enum ticket_told_point { TOLD_REMINDER = 1, TOLD_NEAR = 2, TOLD_OVERDUE = 4 };

struct ticket_clock {
    uint8_t stage; /* enum stage */
    bool is_used;
    struct ticket_told told;
    int64_t due_ms; /* CLOCK_NEVER while it stands still */
    struct clock clock;
};

/* [from_ms, to_ms) in which clocks stood; to_ms 0: still. */
struct ticket_hold {
    int64_t from_ms, to_ms;
};

/* Waits for `approve` or `deny`; the decide clock says until when. */
struct ticket_request {
    uint8_t kind;      /* enum ticket_request_kind */
    uint8_t reason;    /* enum ticket_reason */
    uint32_t amount;   /* of an extension: seconds or days, as the handle limit's unit */
    uint32_t unit_tag; /* who asks */
    uint32_t proposed_unit_tag;
    uint64_t requester; /* hash of the actor's name; 0: nameless */
    int64_t until_ms;   /* of a suspension */
};

struct ticket {
    uint64_t number;
    uint64_t incident, directive; /* 0: none */
    uint64_t survivor;            /* of a merged ticket */
    uint64_t last_event_seq;
    uint32_t events_count;
    uint32_t version; /* raised by each change that a caller may have to know of */
    uint32_t policy_version;
    uint32_t category_tag;
    uint32_t channel_tag;               /* how the report came that it was opened for; 0: none */
    uint32_t region;                    /* REGION_NONE: nowhere */
    uint32_t unit_tag;                  /* who has it; 0: nobody */
    uint32_t first_unit_tag;            /* 首接负责: in charge when nobody else is */
    uint32_t returned_unit_tag;         /* the last unit that gave it back */
    uint32_t addressee;                 /* of a directive: its index */
    uint32_t extension;                 /* granted to the handle clock, in its unit */
    uint32_t facts;                     /* enum ticket_fact */
    uint16_t stages_ended, stages_late; /* bits 1 << stage: ended with a limit; after it */
    uint16_t overdue;                   /* bits 1 << stage: past the limit now */
    uint16_t rework_count, return_count, reopen_count;
    uint8_t priority, severity;
    uint8_t state, merged_from; /* enum ticket_state; the state before a merge */
    uint8_t origin, closure;
    uint8_t closed_level; /* rank that solved it: the region level; UINT8_MAX: not known */
    uint8_t unacked_step; /* steps of the ladder without an ack that were told */
    uint8_t holds_count;
    uint8_t suspension; /* enum ticket_reason; REASON_NONE: not suspended */
    uint8_t supervised; /* 1: closing waits for a lift */
    uint8_t is_rework;  /* 1: the handle limit is half of the original */
    int64_t occurred_ms, received_ms, opened_ms, state_since_ms, last_activity_ms, closed_ms;
    int64_t paged_from_ms;                   /* the ladder without an ack counts from here */
    int64_t acked_until_ms;                  /* 0: nobody has it in hand */
    int64_t resume_ms;                       /* of a suspension */
    int64_t reviewed_ms;                     /* of a ticket without a limit: last look */
    uint64_t handler, requester, supervisor; /* hashes of names; 0: nameless */
    struct stage_limit own_sign, own_handle, own_overall; /* amount 0: the policy's */
    struct ladder_path path; /* as it was at opening: who is climbed to */
    struct ticket_request request;
    struct ticket_hold holds[TICKET_HOLDS_MAX];
    struct ticket_clock clocks[TICKET_CLOCKS_MAX];
    uint64_t replay_ids[TICKET_REPLAYS_MAX];      /* hashes; 0: free */
    uint32_t replay_versions[TICKET_REPLAYS_MAX]; /* version it made << 8 | command */
    uint8_t replay_next;

    /* What is due next, as a row of core/time/deadline.h: `due_key` is stage | point << 8 | part
     * << 16. next_due_ms INT64_MAX: nothing, only when final. */
    uint32_t due_key;
    int64_t next_due_ms;

    /* The docket's own, not in the row. */
    bool is_dirty;
    uint32_t joint; /* 1 + slot of the joint pool; 0: not joint */
    uint32_t next_dirty;
    uint32_t stored_due_key; /* the deadline row as it is stored */
    int64_t stored_due_ms;   /* INT64_MAX: there is none */
};
_Static_assert(sizeof(struct ticket) <= 1152, "two million of them are to fit a small machine");

/* XXH3-64 of a name or a command id; 0 for the empty one. */
uint64_t ticket_hash(struct slice text);
bool ticket_has(const struct ticket *ticket, enum ticket_fact fact);

/* The key of a ticket's row: its number, big-endian. */
void ticket_key_encode(uint8_t to[TICKET_KEY_BYTES], uint64_t number);
MUST_USE bool ticket_key_decode(uint64_t *ret_number, struct slice key);

struct joint;
/* Encodes a ticket and its joint (NULL: none) into TICKET_ROW_BYTES_MAX bytes; returns how many.
 * The layout is in ticket_row.c. */
size_t ticket_row_encode(uint8_t *to, const struct ticket *ticket, const struct joint *joint);
/* VERSION or CORRUPT; refuses what no ticket can be. `*ret_has_joint` says whether ret_joint was
 * set; ticket->joint is left 0. */
MUST_USE enum status ticket_row_decode(struct ticket *ret, struct joint *ret_joint,
                                       bool *ret_has_joint, struct slice from);

#endif
