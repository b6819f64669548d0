/* The key of who comes with a token. A device is known by its name, whatever tokens it has. */
#ifndef SERVER_LIMIT_BEARER_KEY_H
#define SERVER_LIMIT_BEARER_KEY_H

#include "server/auth/auth.h"
#include "server/limit/limiter.h"

static inline uint64_t bearer_key(const struct limiter *limiter, const struct bearer *bearer) {
    return bearer->kind == TOKEN_DEVICE ? limiter_key(limiter, 'd', slice_text(bearer->name))
                                        : limiter_key(limiter, 't', slice_text(bearer->id));
}

#endif
