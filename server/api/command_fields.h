/* The body of a ticket command as a struct ticket_command: which members each command takes, and
 * what each must be. A member that the command does not take is refused. */
#ifndef SERVER_API_COMMAND_FIELDS_H
#define SERVER_API_COMMAND_FIELDS_H

#include "core/ticket/ticket_step.h"
#include "server/api/body_values.h"

struct command_fields {
    struct ticket_command command;
    struct ticket_part_order parts[JOINT_PARTS_MAX]; /* command.parts points here */
    size_t parts_count;
    struct ticket_medium media[TICKET_MEDIA_MAX]; /* command.media points here */
    size_t media_count;
};

/* What codes are looked up in; borrowed. */
struct command_names {
    const struct policy *policy;
    const struct region_table *regions;
};

/* Fills `ret` for `verb`; slices point into the body's text and scratch. False: see body. */
MUST_USE bool command_fields_read(struct command_fields *ret, struct body *body,
                                  enum ticket_verb verb, const struct command_names *names);

#endif
