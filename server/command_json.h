/* Reads the fields of a ticket command from a JSON object: the body of a command over HTTP, or the
 * "fields" of a replayed one. Pure: nothing is kept, no clock is read.
 *
 * Members, all optional: command_id, if_version, note, reason (a code of request_suspension and
 * request_extension, else a text), evidence and media (anything but null, false or empty counts),
 * on_scene, lift, decides, single, unit or lead, proposed_unit, limit ("4wh"), until, priority
 * (1..4 or "P1".."P4"), severity, category, into ("t12"), closure, confirmed, contacted, solved,
 * satisfied, units (unit codes, or {"unit","optional","limit"}), and actor {"name", "role" or
 * "roles", "region", "unit"}. Without a role the actor has all of them, which is what there is
 * while there are no tokens. A member of null counts as not there; an unknown one is refused. */
#ifndef SERVER_COMMAND_JSON_H
#define SERVER_COMMAND_JSON_H

#include "core/arena.h"
#include "core/json.h"
#include "core/ticket/ticket_step.h"

/* The command borrows from the text, the arena and `parts`, so this is not to be copied. */
struct command_fields {
    struct ticket_command command;
    struct ticket_part_order parts[JOINT_PARTS_MAX];
};

struct command_problem {
    char pointer[64]; /* JSON pointer */
    const char *why;  /* static sentence */
};

struct command_context {
    const struct limits *limits;
    const struct policy *policy;
    const struct region_table *regions; /* NULL: no region is known */
    bool may_name_actor;                /* false: `actor` is an unknown member */
};

/* `text` empty: no fields. `arena` holds decoded strings, text.bytes are always enough; `reader` is
 * scratch. INVALID fills `problem`. O(text). */
MUST_USE enum status command_json_read(struct command_fields *ret, struct command_problem *problem,
                                       const struct command_context *context, enum ticket_verb verb,
                                       struct slice text, struct arena *arena,
                                       struct json_reader *reader);

#endif
