/* How tickets begin: from an incident, by hand, from an inspection, or as a directive's.
 *
 * A P1 ticket waits for nobody: the system accepts it and dispatches it to the policy's unit for
 * its category and region in the same step (domain.md 3.3, table rows 4 and 7). So is a
 * directive's, whose addressee is named. */
#ifndef CORE_TICKET_TICKET_OPEN_H
#define CORE_TICKET_TICKET_OPEN_H

#include "core/ticket/ticket_step.h"

struct ticket_opening {
    enum ticket_origin origin;
    uint64_t incident, directive;             /* 0: none */
    uint32_t addressee;                       /* of a directive: its index */
    uint32_t category_tag;                    /* of the policy in force (CHECKed) */
    uint32_t channel_tag;                     /* of the report; 0: none */
    uint32_t region;                          /* REGION_NONE: nowhere */
    uint32_t unit_tag;                        /* dispatched to at once; 0: the policy says who */
    uint8_t priority, severity;               /* 0: the category's */
    bool is_public;                           /* the public reported it */
    bool has_reporter;                        /* somebody is to be asked after the close */
    int64_t occurred_ms, received_ms;         /* 0: the context's instant */
    struct stage_limit sign, handle, overall; /* amount 0: the policy's */
    struct slice actor, note; /* <= TICKET_NAME_BYTES_MAX, TICKET_NOTE_BYTES_MAX (CHECKed) */
};

/* Fills `ticket`, whose number is the sequence number of the entry that opens it. The overall clock
 * counts from receipt, the accept clock from now. */
void ticket_open(const struct ticket_context *context, struct ticket *ticket,
                 const struct ticket_opening *opening);
/* The unit that the policy has for a category in a region; 0: none. */
uint32_t ticket_policy_unit(const struct ticket_context *context, const struct policy *policy,
                            uint32_t category_tag, uint32_t region);

#endif
