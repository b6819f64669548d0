/* Who did what: entries of kind `audit` in the journal, so that its hash chain proves them, and the
 * same text in the family `audit` by sequence number, so that they are found again.
 *
 * An act and its entry are in one block when audit_reserve was called before the act in the same
 * turn. Without tokens only what is done to tokens themselves is told: nobody would be named. */
#ifndef SERVER_API_AUDIT_H
#define SERVER_API_AUDIT_H

#include "server/auth/auth.h"
#include "server/services.h"

struct audit_act {
    const char *act;     /* "token.create" ... static word */
    struct slice object; /* what it was done to: a name of the API; empty: none */
    uint32_t region;     /* REGION_NONE: none, or all */
    struct slice detail; /* a JSON object, or empty */
};
enum { AUDIT_TEXT_BYTES_MAX = 2048, AUDIT_ENTRY_BYTES_MAX = AUDIT_TEXT_BYTES_MAX + 64 };

/* Room in one block for a step of the driver and the entry that tells it. */
void audit_reserve(struct services *services);
/* Appends the entry; `by` NULL: the server itself. Returns its sequence number, or 0 when nothing
 * is told. A detail that is too long is left out. */
uint64_t audit_append(struct services *services, const struct bearer *by,
                      const struct audit_act *act);
/* The same for the caller of a request. */
uint64_t audit_request(const struct http_request *request, const struct audit_act *act);

/* Tells how many requests were turned away since it was called last, when any was. */
void audit_denials(struct services *services);

struct personal;
/* Tells that personal data went out with this request's answer, when it did, and counts anew. */
void audit_personal(const struct http_request *request, struct personal *personal);

#endif
