/* A request that makes something and may be sent twice: the key it names, in the header
 * Idempotency-Key or as `command_id`, and what becomes of the second one. The first answer is given
 * again, 200 with Idempotent-Replay; the same key with another body is a conflict, 409, as of
 * reports. A key is of the token that it came with. Bodies are compared by content: order of
 * members and white space do not count. */
#ifndef SERVER_API_CREATION_H
#define SERVER_API_CREATION_H

#include "server/api/body.h"

struct creation {
    struct change change; /* first */
    bool is_named;
    uint64_t id, content, number;
    enum status status; /* of reading the first answer */
};

/* Reads the key of a whole body. True: go on and make it. False: it was answered, or will be.
 * `kind`: what is made; keys of one kind are apart from those of others. */
MUST_USE bool creation_is_new(struct creation *creation, const char *kind);
/* The member `command_id`, which creation_is_new has read: checks it. */
MUST_USE bool creation_read_key(struct body *body);
/* It was made in this turn and change.answer tells it. */
void creation_made(struct creation *creation, uint64_t number);

#endif
