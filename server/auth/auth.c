#include "server/auth/auth_inside.h"
#include "server/auth/auth_rows.h"

#include "core/base/check.h"

#include <stdlib.h>
#include <string.h>

const char *auth_refusal_name(enum auth_refusal refusal) {
    static const char *const names[] = {
#define AUTH_REFUSAL_NAME(name, text) text,
        AUTH_REFUSAL_TABLE(AUTH_REFUSAL_NAME)
#undef AUTH_REFUSAL_NAME
    };
    CHECK((size_t)refusal < ARRAY_COUNT(names));
    return names[refusal];
}

static int compare(const char *a, struct slice b) {
    size_t bytes = strlen(a);
    int order = memcmp(a, b.data, (size_t)min_u64(bytes, b.bytes));
    return order != 0 ? order : (bytes > b.bytes) - (bytes < b.bytes);
}

size_t auth_token_place(const struct auth *auth, struct slice id, bool *ret_found) {
    size_t low = 0, high = auth->tokens_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(auth->tokens[middle]->row.id, id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_found = low < auth->tokens_count && slice_is(id, auth->tokens[low]->row.id);
    return low;
}

size_t auth_device_place(const struct auth *auth, struct slice name, bool *ret_found) {
    size_t low = 0, high = auth->devices_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(auth->devices[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_found = low < auth->devices_count && slice_is(name, auth->devices[low]->name);
    return low;
}

/* Lists are short or come in order: at a start every insert is at the end. */
void auth_insert(void ***list, size_t *count, size_t *room, size_t at, void *item) {
    CHECK(at <= *count);
    if (*count == *room) {
        *room = *room == 0 ? 16 : *room * 2;
        *list = realloc(*list, *room * sizeof **list);
        CHECK(*list != NULL);
    }
    memmove(*list + at + 1, *list + at, (*count - at) * sizeof **list);
    (*list)[at] = item;
    ++*count;
}

bool auth_key_is_killed(const struct auth *auth, const char *id) {
    for (size_t i = 0; i < auth->killed_count; i++) {
        if (strcmp(auth->killed[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

struct loading {
    struct auth *auth;
    bool damaged;
};

static bool load_row(struct auth *auth, struct slice key, struct slice value) {
    struct slice name = {key.data + 1, key.bytes - 1};
    if (key.data[0] == TOKEN_ROW_TOKEN) {
        struct token *token = calloc(1, sizeof *token);
        CHECK(token != NULL);
        auth_insert((void ***)(void *)&auth->tokens, &auth->tokens_count, &auth->tokens_room,
                    auth->tokens_count, token);
        return token_row_decode(&token->row, name, value);
    }
    if (key.data[0] == TOKEN_ROW_DEVICE) {
        struct device_row *device = calloc(1, sizeof *device);
        CHECK(device != NULL);
        auth_insert((void ***)(void *)&auth->devices, &auth->devices_count, &auth->devices_room,
                    auth->devices_count, device);
        return device_row_decode(device, name, value);
    }
    if (key.data[0] != TOKEN_ROW_KEY || auth->killed_count == AUTH_KILLED_KEYS_MAX) {
        return false;
    }
    return key_row_decode(&auth->killed[auth->killed_count++], name, value);
}

static bool take_row(void *context, struct slice key, struct slice value) {
    struct loading *loading = context;
    loading->damaged = key.bytes < 2 || !load_row(loading->auth, key, value);
    return !loading->damaged;
}

static enum status load_rows(struct auth *auth, struct error *error) {
    struct loading loading = {.auth = auth};
    const struct db_walk walk = {.family = FAMILY_TOKENS};
    enum status status = db_walk_rows(auth->options.db, &walk, take_row, &loading, error);
    if (status == STATUS_OK && loading.damaged) {
        status = error_set(error, STATUS_CORRUPT, "a row of the tokens is damaged", NULL, NULL);
    }
    return status;
}

/* Without its keys no token is good; new ones are only made where nothing hangs on the old. */
static enum status load_keys(struct auth *auth, struct error *error) {
    const char *path = auth->options.keys_path;
    enum status status = auth_keys_load(&auth->keys, path, error);
    if (status == STATUS_NOT_FOUND && auth->options.create_keys && auth->tokens_count > 0) {
        return error_set(error, status, "there is no key file ", path,
                         ", and tokens hang on it: put it there or name it with --keys");
    }
    if (status != STATUS_NOT_FOUND || !auth->options.create_keys) {
        return status;
    }
    status = auth_keys_create(path, error);
    return status == STATUS_OK ? auth_keys_load(&auth->keys, path, error) : status;
}

enum status auth_new(struct auth **ret, const struct auth_options *options, struct error *error) {
    struct auth *auth = calloc(1, sizeof *auth);
    CHECK(auth != NULL);
    auth->options = *options;
    auth->cache_count = (size_t)options->limits->token_cache;
    auth->cache = calloc(auth->cache_count, sizeof *auth->cache);
    CHECK(auth->cache != NULL);
    row_set_init(&auth->pending);
    enum status status = load_rows(auth, error);
    if (status == STATUS_OK) {
        status = load_keys(auth, error);
    }
    if (status != STATUS_OK) {
        auth_free(auth);
        return status;
    }
    *ret = auth;
    return STATUS_OK;
}

static void forget_cache(struct auth *auth) {
    for (size_t i = 0; i < auth->cache_count; i++) {
        bearer_unref(auth->cache[i].bearer);
        auth->cache[i] = (struct cached){.bearer = NULL};
    }
}

void auth_free(struct auth *auth) {
    if (auth == NULL) {
        return;
    }
    forget_cache(auth);
    for (size_t i = 0; i < auth->tokens_count; i++) {
        bearer_unref(auth->tokens[i]->bearer);
        free(auth->tokens[i]);
    }
    for (size_t i = 0; i < auth->devices_count; i++) {
        free(auth->devices[i]);
    }
    CHECK(auth->bearers == NULL);
    auth_keys_wipe(&auth->keys);
    row_set_deinit(&auth->pending);
    free(auth->tokens);
    free(auth->devices);
    free(auth->cache);
    free(auth);
}

void auth_revoke_bearers(struct auth *auth,
                         bool (*is_over)(const struct auth *auth, const struct bearer *bearer)) {
    bool any = false;
    for (struct bearer *bearer = auth->bearers; bearer != NULL; bearer = bearer->next) {
        if (!bearer->revoked && is_over(auth, bearer)) {
            bearer->revoked = true;
            any = true;
        }
    }
    if (any && auth->options.on_revoked != NULL) {
        auth->options.on_revoked(auth->options.context);
    }
}

static bool has_no_key(const struct auth *auth, const struct bearer *bearer) {
    return (bearer->kind == TOKEN_DEVICE ? auth_device_key(&auth->keys, bearer->key_id)
                                         : auth_pepper(&auth->keys, bearer->key_id)) == NULL;
}

/* What is remembered was proven with the old keys: an id may have got other bytes. */
enum status auth_reload(struct auth *auth, struct error *error) {
    struct auth_keys keys;
    enum status status = auth_keys_load(&keys, auth->options.keys_path, error);
    if (status != STATUS_OK) {
        return status;
    }
    auth_keys_wipe(&auth->keys);
    auth->keys = keys;
    auth_keys_wipe(&keys);
    forget_cache(auth);
    auth_revoke_bearers(auth, has_no_key);
    return STATUS_OK;
}

const struct token_row *auth_next_token(const struct auth *auth, const char *after) {
    bool found;
    size_t at = auth_token_place(auth, slice_text(after), &found);
    at += found ? 1 : 0;
    return at < auth->tokens_count ? &auth->tokens[at]->row : NULL;
}

const struct token_row *auth_find_token(const struct auth *auth, struct slice id) {
    bool found;
    size_t at = auth_token_place(auth, id, &found);
    return found ? &auth->tokens[at]->row : NULL;
}

size_t auth_tokens_count(const struct auth *auth) {
    return auth->tokens_count;
}

void auth_on_closing(struct auth *auth, struct row_set *rows) {
    size_t count = auth->pending.count;
    if (count == 0) {
        return;
    }
    struct db_row *list = calloc(count, sizeof *list);
    CHECK(list != NULL);
    row_set_list(&auth->pending, list);
    for (size_t i = 0; i < count; i++) {
        row_set_put(rows, list[i].family, list[i].key, list[i].value, list[i].remove);
    }
    free(list);
    row_set_reset(&auth->pending);
}

void auth_put_row(struct auth *auth, enum family family, struct slice key, struct slice value) {
    row_set_put(&auth->pending, family, key, value, false);
}
