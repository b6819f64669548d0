/* A deadline: one instant at which something is due for one object (a ticket, an incident, an
 * alarm), and the row it is kept in on disk. No deadline lives only in memory: the row is written
 * in the commit that sets it and deleted in the commit that fires or cancels it.
 *
 * The row (integers big-endian in the key, so that byte order is due order):
 *
 *   key, 20 bytes:  0 u64 due_ms with its sign bit flipped | 8 u64 object | 16 u8 stage | 17 u8
 * point 18 u16 part value, 9 bytes: 0 u8 version (1) | 1 u64 LE armed_seq
 *
 * `armed_seq` is the journal sequence number of the entry that set it: why is this row here? Names
 * are those of the glossary (domain.md sections 3.4, 3.5 and 5). */
#ifndef CORE_TIME_DEADLINE_H
#define CORE_TIME_DEADLINE_H

#include "core/base/check.h"

/* What is due. name, byte on disk, text. Add at the end, never change a byte. */
#define DEADLINE_STAGES(X)                                                                         \
    X(ACCEPT, 1, "accept")                                                                         \
    X(VERIFY, 2, "verify")                                                                         \
    X(DISPATCH, 3, "dispatch")                                                                     \
    X(SIGN, 4, "sign")                                                                             \
    X(ON_SCENE, 5, "on_scene")                                                                     \
    X(HANDLE, 6, "handle")                                                                         \
    X(CHECK, 7, "check")                                                                           \
    X(FOLLOW_UP, 8, "follow_up")                                                                   \
    X(DECIDE, 9, "decide")                                                                         \
    X(OVERALL, 10, "overall")           /* the whole ticket's limit */                             \
    X(ACK_EXPIRY, 11, "ack_expiry")     /* an acknowledgement no longer stops paging */            \
    X(RESUME_AT, 12, "resume_at")       /* a suspension ends */                                    \
    X(ARCHIVE_AT, 13, "archive_at")     /* a closed ticket is archived */                          \
    X(SENSOR_CLEAR, 14, "sensor_clear") /* a sensor was quiet for long enough */                   \
    X(SUMMARY, 15, "summary")           /* what was damped is told in one event */                 \
    X(REPLY, 16, "reply")               /* who has a supervised ticket answers */

/* Which point of it. name, byte on disk, text. */
#define DEADLINE_POINTS(X)                                                                         \
    X(END, 0, "end")               /* of what has no percentages */                                \
    X(HALF, 1, "half")             /* 50 %: the handler is reminded */                             \
    X(NEAR, 2, "near_deadline")    /* 80 %: yellow */                                              \
    X(OVERDUE, 3, "overdue")       /* 100 %: red */                                                \
    X(ESCALATION, 4, "escalation") /* the next rank is told */                                     \
    X(REPEAT, 5, "repeat")         /* the last step again */

enum deadline_stage {
#define DEADLINE_STAGE_ENUM(name, byte, text) DEADLINE_##name = (byte),
    DEADLINE_STAGES(DEADLINE_STAGE_ENUM)
#undef DEADLINE_STAGE_ENUM
};

enum deadline_point {
#define DEADLINE_POINT_ENUM(name, byte, text) POINT_##name = (byte),
    DEADLINE_POINTS(DEADLINE_POINT_ENUM)
#undef DEADLINE_POINT_ENUM
};

enum { DEADLINE_KEY_BYTES = 20, DEADLINE_VALUE_BYTES = 9, DEADLINE_VERSION = 1 };

struct deadline {
    int64_t due_ms;
    uint64_t object; /* number of the ticket, incident or alarm; not 0 */
    uint8_t stage;   /* enum deadline_stage */
    uint8_t point;   /* enum deadline_point */
    uint16_t part;   /* of a joint ticket, or addressee of a directive; 0: the whole */
};

/* Order of the keys: due_ms, object, stage, point, part. <0, 0, >0. */
int deadline_compare(const struct deadline *a, const struct deadline *b);
/* What sorts after every deadline due at `due_ms` or earlier, and before every later one. */
struct deadline deadline_last_of(int64_t due_ms);
/* An object, and a stage and a point of the tables. */
bool deadline_is_sound(const struct deadline *deadline);

/* CHECKs deadline_is_sound. */
void deadline_key_encode(uint8_t to[DEADLINE_KEY_BYTES], const struct deadline *deadline);
/* False: not the key of a sound deadline. */
MUST_USE bool deadline_key_decode(struct deadline *ret, struct slice key);
/* The smallest key that sorts after `deadline`, which need not be sound (deadline_last_of, or all
 * zero for the beginning). One byte longer than a key. */
void deadline_key_after(uint8_t to[DEADLINE_KEY_BYTES + 1], const struct deadline *deadline);
void deadline_value_encode(uint8_t to[DEADLINE_VALUE_BYTES], uint64_t armed_seq);
/* False: another version or size. */
MUST_USE bool deadline_value_decode(uint64_t *ret_armed_seq, struct slice value);

/* The text of the table; NULL when there is no such byte. Static storage. */
const char *deadline_stage_text(uint8_t stage);
const char *deadline_point_text(uint8_t point);

#endif
