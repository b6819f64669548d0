/* Inside auth: what its files share. */
#ifndef SERVER_AUTH_AUTH_INSIDE_H
#define SERVER_AUTH_AUTH_INSIDE_H

#include "server/auth/auth.h"
#include "storage/db.h"

enum { TOKEN_DIGEST_BYTES = 32 };

struct token {
    struct token_row row;
    struct bearer *bearer; /* NULL: nobody has come in with it */
};

/* A token that was found good. */
struct cached {
    uint8_t digest[TOKEN_DIGEST_BYTES];
    struct bearer *bearer; /* NULL: the place is free */
};

struct auth {
    struct auth_options options;
    struct auth_keys keys;
    struct token **tokens; /* by id */
    size_t tokens_count, tokens_room;
    struct device_row **devices; /* by name */
    size_t devices_count, devices_room;
    struct key_row killed[AUTH_KILLED_KEYS_MAX];
    size_t killed_count;
    struct cached *cache;
    size_t cache_count;
    struct bearer *bearers; /* all that anybody holds */
    struct row_set pending;
};

/* auth.c */
/* Where `id` stands among the tokens, or would. */
size_t auth_token_place(const struct auth *auth, struct slice id, bool *ret_found);
size_t auth_device_place(const struct auth *auth, struct slice name, bool *ret_found);
void auth_insert(void ***list, size_t *count, size_t *room, size_t at, void *item);
bool auth_key_is_killed(const struct auth *auth, const char *id);
/* Marks those that `is_over` says yes to, and tells whoever holds them. */
void auth_revoke_bearers(struct auth *auth,
                         bool (*is_over)(const struct auth *auth, const struct bearer *bearer));

#endif
