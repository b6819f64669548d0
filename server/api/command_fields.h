/* The body of a ticket command as a struct ticket_command: which members each command takes, and
 * what each must be. A member that the command does not take is refused. */
#ifndef SERVER_API_COMMAND_FIELDS_H
#define SERVER_API_COMMAND_FIELDS_H

#include "core/ticket/ticket_step.h"
#include "server/api/body.h"

struct command_fields {
    struct ticket_command command;
    struct ticket_part_order parts[JOINT_PARTS_MAX]; /* command.parts points here */
    size_t parts_count;
};

/* What codes are looked up in; borrowed. */
struct command_names {
    const struct policy *policy;
    const struct region_table *regions;
};

/* Fills `ret` for `verb`; slices point into the body's text and scratch. False: see body. */
MUST_USE bool command_fields_read(struct command_fields *ret, struct body *body,
                                  enum ticket_verb verb, const struct command_names *names);

/* Single values, for other bodies too. */
MUST_USE bool body_category(struct body *body, const struct policy *policy, uint32_t *ret_tag);
MUST_USE bool body_unit(struct body *body, const struct policy *policy, uint32_t *ret_tag);
MUST_USE bool body_region(struct body *body, const struct region_table *regions, uint32_t *ret);
MUST_USE bool body_limit(struct body *body, struct stage_limit *ret);
MUST_USE bool body_severity(struct body *body, uint8_t *ret);
MUST_USE bool body_priority(struct body *body, uint8_t *ret); /* 1..4 */

#endif
