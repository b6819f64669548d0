/* Rows that go with the block that is open: those of tokens, and of what the audit tells. */
#ifndef SERVER_AUTH_AUTH_ROWS_H
#define SERVER_AUTH_AUTH_ROWS_H

#include "server/auth/auth.h"
#include "storage/db.h"

/* Copies. An entry must have been appended in this turn, or the row waits for the next block. */
void auth_put_row(struct auth *auth, enum family family, struct slice key, struct slice value);

#endif
