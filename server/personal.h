/* Personal data in what is shown: who reported and for whom, and in categories that the policy
 * marks confidential everything that people wrote. Who has no personal.read gets null in its place;
 * who has it is counted, so that the audit can say so.
 *
 * A row is rewritten before it is shown, so that no form of it (JSON, CSV, GeoJSON, events) can
 * forget it. Members masked:
 *
 *     of a report          reporter, on_behalf_of
 *     ... confidential     also text, attributes, media and every member that gridd does not know
 *     of another entry     confidential only: note, reason, media
 *
 * A category that the policy does not know (any more) is confidential. */
#ifndef SERVER_PERSONAL_H
#define SERVER_PERSONAL_H

#include "core/policy/policy.h"
#include "server/buffer.h"
#include "storage/timeline.h"

struct personal {
    bool masks;     /* false: everything is shown as it is */
    bool counts;    /* and what is personal is counted in `shown` */
    uint64_t shown; /* rows with personal data that went out */
    /* the rest is personal.c's own */
    struct buffer record;
    struct timeline_row row;
};

void personal_init(struct personal *personal, bool masks, bool counts);
void personal_deinit(struct personal *personal);
/* The row as it may be shown: `row` itself, or one of `personal`, good until the next call. Any
 * thread, one at a time. O(record); nothing is read when neither masks nor counts is set. */
const struct timeline_row *personal_row(struct personal *personal, const struct timeline_row *row,
                                        const struct policy *policy);

#endif
