/* Who comes in: tokens verified, made and revoked.
 *
 * Loop thread only. All stored tokens are in memory, in order of their ids; device tokens carry
 * what they say, and only what was revoked of them is kept. A token that was found good is
 * remembered by its SHA-256 in a table of limits.token_cache places, so that the next request with
 * it costs one hash. A change is in force in memory at once and durable with the audit entry that
 * tells it. */
#ifndef SERVER_AUTH_AUTH_H
#define SERVER_AUTH_AUTH_H

#include "server/auth/keys.h"
#include "server/auth/token_row.h"
#include "server/domain/row_set.h"

struct auth; /* opaque */
struct region_table;

/* Somebody who has come in. Shared by the requests and streams of one token; counted. */
struct bearer {
    struct principal principal;
    enum token_kind kind;
    char id[TOKEN_ID_BYTES + 1]; /* "" of a device */
    char name[TOKEN_NAME_BYTES_MAX + 1];
    char key_id[TOKEN_KEY_ID_BYTES_MAX + 1]; /* of the pepper or key it was proven with */
    uint32_t generation;                     /* of a device */
    int64_t expires_ms;                      /* 0: never */
    bool revoked;
    /* the rest is server/auth's own */
    uint32_t references;
    struct bearer *next, *previous, **head;
};
struct bearer *bearer_ref(struct bearer *bearer);
/* NULL is allowed. */
void bearer_unref(struct bearer *bearer);
/* Neither revoked nor out of its time. */
bool bearer_is_good(const struct bearer *bearer, int64_t now_ms);

struct auth_options {
    struct db *db;
    const struct limits *limits;
    const char *keys_path;
    bool create_keys; /* when there are none, and no tokens either */
    /* Something was revoked: whoever holds a bearer looks at it again. May be NULL. */
    void (*on_revoked)(void *context);
    void *context;
};

/* Reads keys and rows. NOT_FOUND: there is no key file (and it was not to be made). */
MUST_USE enum status auth_new(struct auth **ret, const struct auth_options *options,
                              struct error *error);
/* No bearer may be held any more. NULL is allowed. */
void auth_free(struct auth *auth);
/* Reads the key file again; what was proven with a key that is gone is revoked. On failure all
 * stays as it was. */
MUST_USE enum status auth_reload(struct auth *auth, struct error *error);

/* Why somebody was not let in; for metrics, never for the answer. */
#define AUTH_REFUSAL_TABLE(X)                                                                      \
    X(NONE, "auth_none")                                                                           \
    X(MALFORMED, "auth_malformed")                                                                 \
    X(UNKNOWN, "auth_unknown") /* no such token, or its secret or tag is wrong */                  \
    X(EXPIRED, "auth_expired")                                                                     \
    X(REVOKED, "auth_revoked")
enum auth_refusal {
#define AUTH_REFUSAL_ENUM(name, text) AUTH_REFUSAL_##name,
    AUTH_REFUSAL_TABLE(AUTH_REFUSAL_ENUM)
#undef AUTH_REFUSAL_ENUM
};
/* A word for metrics; static. */
const char *auth_refusal_name(enum auth_refusal refusal);

/* A reference of the caller's own, or NULL. A token that is not known costs as much as a known one
 * with a wrong secret. */
struct bearer *auth_verify(struct auth *auth, struct slice token, int64_t now_ms,
                           enum auth_refusal *ret_refusal);

/* Who a client's certificate names: the stored service token of that id, as if it had come with it.
 * A reference of the caller's own, or NULL. */
struct bearer *auth_vouched(struct auth *auth, const char *id, int64_t now_ms,
                            enum auth_refusal *ret_refusal);

/* What a token is to be. */
struct token_order {
    enum token_kind kind;
    struct principal principal;
    struct slice name, creator;
    int64_t expires_ms; /* 0: never; a device's within TOKEN_DEVICE_LIFE_S */
};
#define TOKEN_DEVICE_LIFE_S (90 * 86400)
/* `ret_text` is the only place where the secret ever is. FULL: limits.tokens. INVALID: the name, or
 * a device's roles or time. `ret_id` gets the id ("" of a device). */
MUST_USE enum status auth_create(struct auth *auth, const struct token_order *order, int64_t now_ms,
                                 char ret_text[TOKEN_TEXT_BYTES_MAX],
                                 char ret_id[TOKEN_ID_BYTES + 1], struct error *error);
/* A stored token goes. NOT_FOUND. */
MUST_USE enum status auth_revoke(struct auth *auth, const char *id);
/* All tokens of that device until now. FULL: limits.device_revocations. INVALID: no such name. */
MUST_USE enum status auth_revoke_device(struct auth *auth, struct slice name, int64_t now_ms);
/* A device key is never taken again. FULL: AUTH_KILLED_KEYS_MAX. INVALID: no such id. */
enum { AUTH_KILLED_KEYS_MAX = 64 };
MUST_USE enum status auth_kill_key(struct auth *auth, struct slice id, int64_t now_ms);

/* Stored tokens in order of their ids, from behind `after` ("": from the first) on; NULL: no more.
 */
const struct token_row *auth_next_token(const struct auth *auth, const char *after);
/* NULL: there is none. */
const struct token_row *auth_find_token(const struct auth *auth, struct slice id);
size_t auth_tokens_count(const struct auth *auth);

/* The committer closes its block: rows changed since go with it. */
void auth_on_closing(struct auth *auth, struct row_set *rows);

/* Makes the row of a first token without a running server: keys, then a token for an admin
 * everywhere (`gridd init`). The caller stores the row. */
MUST_USE enum status auth_first_token(const struct auth_keys *keys, int64_t now_ms,
                                      struct token_row *ret_row,
                                      char ret_text[TOKEN_TEXT_BYTES_MAX], struct error *error);

#endif
