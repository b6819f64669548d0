/* Single-use tickets for readers that cannot send an Authorization header (a browser's
 * EventSource).
 *
 * 128 random bits as 32 hex digits, good once within TICKET_LIFE_MS. They live in memory only:
 * after a restart a page asks for a new one. Tickets are secrets: nothing here or around it logs
 * them. */
#ifndef SERVER_FEED_TICKET_H
#define SERVER_FEED_TICKET_H

#include "core/base/status.h"

enum { TICKET_LIFE_MS = 60000, TICKET_TEXT_BYTES = 32, TICKETS_MAX = 4096 };

struct ticket_slot {
    uint8_t secret[16];
    uint64_t expires_ms;
    void *owner; /* who got it */
    bool taken;
};

/* All tickets live equally long, so the oldest slot is always the first to expire. */
struct tickets {
    struct ticket_slot slots[TICKETS_MAX];
    uint32_t first, count;
    void (*let_go)(void *owner); /* of a ticket that is forgotten; may be NULL */
};

void tickets_init(struct tickets *tickets, void (*let_go)(void *owner));
/* Forgets all. */
void tickets_deinit(struct tickets *tickets);
/* Writes TICKET_TEXT_BYTES digits and a NUL. BUSY when TICKETS_MAX are outstanding; IO when the
 * system gives no random bytes. `now_ms` never falls. On OK `owner` is the ticket's, until it is
 * let go of. */
MUST_USE enum status tickets_issue(struct tickets *tickets, uint64_t now_ms, void *owner,
                                   char ret_text[TICKET_TEXT_BYTES + 1]);
/* Is it a ticket that is outstanding now? O(outstanding). */
bool tickets_know(struct tickets *tickets, uint64_t now_ms, struct slice text);
/* Whose it is; NULL when it is not outstanding, or nobody's. */
void *tickets_owner(struct tickets *tickets, uint64_t now_ms, struct slice text);
/* As tickets_know, and uses it up. */
MUST_USE bool tickets_take(struct tickets *tickets, uint64_t now_ms, struct slice text);

#endif
