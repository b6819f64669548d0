/* What the domain's decisions cause, as data: entries for the journal, in order, and rows that have
 * changed. Whoever drives the engine (the server, replay, the simulator) gives the callbacks;
 * nothing goes out before the entries are durable. */
#ifndef CORE_EFFECTS_H
#define CORE_EFFECTS_H

#include "core/base/status.h"
#include "core/report/entry.h"

/* Something that happened to an incident, a ticket or a directive. */
struct event {
    enum entry_kind kind;
    uint8_t severity;
    uint32_t region;
    uint32_t category_tag;
    uint64_t object;   /* number of the ticket, incident or directive: never 0 */
    struct slice json; /* an object of the event's own members, borrowed for the call */
};

/* Families of the rows that the domain keeps. */
enum row_family { ROW_INCIDENT, ROW_MEMBER, ROW_MOVED, ROW_TICKET, ROW_DEADLINE, ROW_DIRECTIVE };

enum { EFFECTS_ACTOR_BYTES_MAX = 128, EFFECTS_NOTE_BYTES_MAX = 2048 };

struct effects {
    void *context;
    int64_t now_ms; /* of this step */
    /* Who asked for the step and why, for events of incidents that a person changed; borrowed for
     * the step, empty where nobody said it. */
    struct slice actor, note;
    uint64_t next_seq; /* the sequence number the next appended entry gets: objects take theirs as
                          number, so that one number names the object and the entry that began it */
    /* Appends an entry and raises next_seq. Never fails: room was made before the step. */
    void (*append)(void *context, const struct event *event);
};

/* Gives a row as it stands now; `value` empty: it goes. */
typedef void row_cb(void *context, enum row_family family, struct slice key, struct slice value);

#endif
