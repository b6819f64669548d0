/* Brings a ticket that is over back into memory for a late command (reopen, unmerge), and its
 * directive, when that is done, with it.
 *
 * Its row is read on the pool once everything appended so far is on disk; loads of one ticket
 * follow each other, so the row that is read is always the newest one: what is not in memory
 * changes only through such a load. Loop thread only. */
#ifndef SERVER_DOMAIN_TICKET_LOAD_H
#define SERVER_DOMAIN_TICKET_LOAD_H

#include "server/domain/driver.h"

struct ticket_loader; /* opaque */
struct ticket_load;   /* opaque: one load */

struct ticket_loader *ticket_loader_new(struct services *services);
/* No load may be under way, unless the loop never runs again. NULL is allowed. */
void ticket_loader_free(struct ticket_loader *loader);

/* Can a command be given without a load? */
bool ticket_is_loaded(const struct ticket_loader *loader, uint64_t number);
/* `call` comes once, never from inside this function. OK: the ticket is in memory until the end of
 * the call. NOT_FOUND: no ticket has this number. Else the store or memory failed. */
typedef void ticket_loaded_cb(void *context, enum status status);
struct ticket_load *ticket_load_start(struct ticket_loader *loader, uint64_t number,
                                      ticket_loaded_cb *call, void *context);
/* Nobody waits any more: `call` will not come. */
void ticket_load_abandon(struct ticket_load *load);

#endif
