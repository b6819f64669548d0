/* Statistics (domain.md 3.8): what counts for which number, as data, and adding it up.
 *
 * A rate is two sets of tickets, the second within the first: a numerator is always asked of the
 * denominator's tickets only (stats_takes), so no rate is above 1. The cohort is the caller's: the
 * tickets that were received in a window, the incidents opened in it, the reports of things that
 * occurred in it. A ticket that is not due yet is neither on time nor late, and so is in neither
 * set. Everything here is O(1) a ticket, but for the sorting. */
#ifndef CORE_STATS_H
#define CORE_STATS_H

#include "core/ticket/joint.h"

/* A ticket as its row has it, and its light at the instant of counting. */
struct stats_subject {
    const struct ticket *ticket;
    const struct joint *joint; /* NULL: not joint */
    enum light light;
};

/* name, word, Chinese word, the tickets it is asked of, those of them that it is true of. The
 * predicates are stats.c's; server/README.md says them in words. */
#define STATS_RATE_TABLE(X)                                                                        \
    X(RESPONSE, "response", "响应率", is_public(s) && settled(s, STAGE_ACCEPT),                    \
      in_time(s, STAGE_ACCEPT))                                                                    \
    X(SOLUTION, "solution", "解决率", was_asked(s), has(s, FACT_SOLVED))                           \
    X(SATISFACTION, "satisfaction", "满意率", was_asked(s), has(s, FACT_SATISFIED))                \
    X(CLOSING, "closing", "办结率", is_filed(s), is_closed(s))                                     \
    X(ON_TIME_CLOSE, "on_time_close", "按时结案率", is_closed(s) && settled(s, STAGE_OVERALL),     \
      in_time(s, STAGE_OVERALL))                                                                   \
    X(ON_TIME_HANDLE, "on_time_handle", "按时处置率", settled(s, STAGE_HANDLE),                    \
      in_time(s, STAGE_HANDLE))                                                                    \
    X(ACCURATE_FILE, "accurate_file", "准确立案率", is_filed(s) || is_voided(s), is_filed(s))      \
    X(ACCURATE_DISPATCH, "accurate_dispatch", "准确派遣率", has(s, FACT_DISPATCHED),               \
      !has(s, FACT_REWORKED) && !has(s, FACT_RETURNED))                                            \
    X(REWORK, "rework", "返工率", was_handled(s), has(s, FACT_REWORKED))                           \
    X(RETURN, "return", "回退率", has(s, FACT_DISPATCHED), has(s, FACT_RETURNED))                  \
    X(SHUFFLE, "shuffle", "推诿率", has(s, FACT_DISPATCHED), has(s, FACT_SHUFFLED))                \
    X(MISSED_REPORT, "missed_report", "漏报率", is_filed(s), is_public(s))                         \
    X(ON_TIME_VERIFY, "on_time_verify", "按时核实率", settled(s, STAGE_VERIFY),                    \
      in_time(s, STAGE_VERIFY))                                                                    \
    X(CHECK_IN, "check_in", "报到率", is_joint(s), all_checked_in(s))                              \
    X(CHECK_IN_ON_TIME, "check_in_on_time", "报到及时率", is_joint(s) && check_in_is_settled(s),   \
      check_in_is_on_time(s))                                                                      \
    X(WHISTLE, "whistle", "吹哨率", is_filed(s), has(s, FACT_WHISTLED))                            \
    X(WHISTLE_REFUSED, "whistle_refused", "吹哨驳回率", has(s, FACT_WHISTLED),                     \
      has(s, FACT_WHISTLE_REFUSED))                                                                \
    X(SELF_HANDLED, "self_handled", "自办率", is_closed(s), is_self_handled(s))                    \
    X(UNFINISHED, "unfinished", "未办结率", is_filed(s), !is_closed(s))

enum stats_rate {
#define STATS_RATE_ENUM(name, text, chinese, denominator, numerator) STATS_##name,
    STATS_RATE_TABLE(STATS_RATE_ENUM)
#undef STATS_RATE_ENUM
        STATS_RATES
};

/* name, word, the tickets it counts */
#define STATS_COUNT_TABLE(X)                                                                       \
    X(TICKETS, "tickets", true)                                                                    \
    X(OPEN, "open", is_open(s))                                                                    \
    X(OPEN_OVERDUE, "open_overdue", is_open(s) && s->ticket->overdue != 0)                         \
    X(UNANSWERED, "unanswered", is_unanswered(s))

enum stats_count {
#define STATS_COUNT_ENUM(name, text, counted) STATS_COUNT_##name,
    STATS_COUNT_TABLE(STATS_COUNT_ENUM)
#undef STATS_COUNT_ENUM
        STATS_COUNTS
};

enum {
    STATS_LIGHTS = LIGHT_RED + 1,
    STATS_LEVELS = 17, /* region levels, the last: not known */
    STATS_LEVEL_UNKNOWN = STATS_LEVELS - 1,
    STATS_PARTS = 2,
};

/* Which number is meant. */
enum stats_kind {
    STATS_KIND_COUNT, /* index: enum stats_count */
    STATS_KIND_STATE, /* enum ticket_state */
    STATS_KIND_LIGHT, /* enum light, of open tickets */
    STATS_KIND_LEVEL, /* level of resolution: closed at this level / closed */
    STATS_KIND_RATE,  /* enum stats_rate */
};
enum stats_part { STATS_NUMERATOR, STATS_DENOMINATOR };
struct stats_choice {
    enum stats_kind kind;
    uint32_t index;
    enum stats_part part; /* of a rate and a level */
};

const char *stats_rate_name(enum stats_rate rate);
const char *stats_rate_chinese(enum stats_rate rate);
const char *stats_count_name(enum stats_count count);
MUST_USE bool stats_rate_parse(enum stats_rate *ret, struct slice text);
MUST_USE bool stats_count_parse(enum stats_count *ret, struct slice text);

/* Does the ticket count for this number? CHECKs the choice's index. */
bool stats_takes(const struct stats_choice *choice, const struct stats_subject *subject);

/* What a report was taken into when it came. Its own entry is `seq`; the incident that it opened
 * has the number after it (core/world.h), so any other is one that was there before. */
bool stats_report_opened(uint64_t seq, uint64_t incident);
/* It joined an incident that was there: a repetition. */
bool stats_report_joined(uint64_t seq, uint64_t incident);

struct stats_tally {
    uint64_t reports;
    uint64_t reports_placed; /* taken into an incident: the denominator of duplication */
    uint64_t reports_joined; /* those that did not open it */
    uint64_t incidents;
    uint64_t counts[STATS_COUNTS], states[TICKET_STATES], lights[STATS_LIGHTS];
    uint64_t levels[STATS_LEVELS];
    uint64_t rates[STATS_RATES][STATS_PARTS];
};
void stats_add(struct stats_tally *tally, const struct stats_subject *subject);
void stats_add_report(struct stats_tally *tally, uint64_t seq, uint64_t incident);
/* How many tickets stats_takes took. */
uint64_t stats_number(const struct stats_tally *tally, const struct stats_choice *choice);

/* The light of a region by its unfinished share: from 80 % on red, from 40 % yellow, else green,
 * also where nothing is filed. */
enum light stats_region_light(const struct stats_tally *tally);

/* Tallies by a key: a tag, a region's id, a day. */
struct stats_group {
    uint64_t key;
    struct stats_tally tally;
};
struct stats_groups {
    uint32_t count;
    bool truncated; /* there was one more than STATS_GROUPS_MAX: what is there is complete */
    uint16_t slots[2048];
    struct stats_group groups[STATS_GROUPS_MAX];
};
_Static_assert(STATS_GROUPS_MAX < 2048, "the index is never full");
/* The tally of a key, a new one when there is none; NULL: no room. `groups` began zeroed. O(1). */
struct stats_tally *stats_group(struct stats_groups *groups, uint64_t key);

#endif
