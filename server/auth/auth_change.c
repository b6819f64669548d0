/* Tokens made and revoked: in memory at once, on disk with the next block. */
#include "server/auth/auth_inside.h"

#include "core/base/check.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static void copy_name(char to[TOKEN_NAME_BYTES_MAX + 1], struct slice from) {
    CHECK(from.bytes <= TOKEN_NAME_BYTES_MAX);
    if (from.bytes > 0) {
        memcpy(to, from.data, from.bytes);
    }
    to[from.bytes] = '\0';
}

/* Fills id and mac; the text has the secret. */
static enum status make_stored(const struct auth_keys *keys, struct token_row *row,
                               char ret_text[TOKEN_TEXT_BYTES_MAX], struct error *error) {
    char secret[TOKEN_SECRET_BYTES + 1];
    enum status status = auth_random_letters(row->id, TOKEN_ID_BYTES, error);
    if (status == STATUS_OK) {
        status = auth_random_letters(secret, TOKEN_SECRET_BYTES, error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    size_t bytes = token_text_stored(ret_text, row->kind, row->id, secret);
    const struct auth_key *pepper = &keys->peppers[0];
    memcpy(row->pepper_id, pepper->id, sizeof row->pepper_id);
    auth_mac(row->mac, pepper, AUTH_PURPOSE_STORED,
             (struct slice){(const uint8_t *)ret_text, bytes - TOKEN_CHECK_BYTES - 1});
    OPENSSL_cleanse(secret, sizeof secret);
    return STATUS_OK;
}

static void put_row(struct auth *auth, uint8_t type, struct slice name, const uint8_t *value,
                    size_t value_bytes, bool remove) {
    uint8_t key[TOKEN_ROW_KEY_BYTES_MAX];
    size_t key_bytes = token_row_key(key, type, name);
    row_set_put(&auth->pending, FAMILY_TOKENS, (struct slice){key, key_bytes},
                (struct slice){value, value_bytes}, remove);
}

static enum status create_stored(struct auth *auth, const struct token_order *order, int64_t now_ms,
                                 char ret_text[TOKEN_TEXT_BYTES_MAX], struct token_row *ret_row,
                                 struct error *error) {
    uint8_t value[TOKEN_ROW_BYTES_MAX];
    bool found;
    if (auth->tokens_count >= auth->options.limits->tokens) {
        return error_set(error, STATUS_FULL, "as many tokens are there as limits.tokens allows",
                         NULL, NULL);
    }
    struct token *token = calloc(1, sizeof *token);
    CHECK(token != NULL);
    token->row = (struct token_row){.kind = order->kind,
                                    .principal = order->principal,
                                    .created_ms = now_ms,
                                    .expires_ms = order->expires_ms};
    copy_name(token->row.name, order->name);
    copy_name(token->row.creator, order->creator);
    enum status status = make_stored(&auth->keys, &token->row, ret_text, error);
    if (status != STATUS_OK) {
        free(token);
        return status;
    }
    struct slice id = slice_text(token->row.id);
    size_t at = auth_token_place(auth, id, &found);
    CHECK(!found); /* 71 random bits */
    auth_insert((void ***)(void *)&auth->tokens, &auth->tokens_count, &auth->tokens_room, at,
                token);
    put_row(auth, TOKEN_ROW_TOKEN, id, value, token_row_encode(value, &token->row), false);
    *ret_row = token->row;
    return STATUS_OK;
}

static enum status create_device(const struct auth *auth, const struct token_order *order,
                                 int64_t now_ms, char ret_text[TOKEN_TEXT_BYTES_MAX],
                                 struct error *error) {
    struct token_claims claims = {
        .roles = order->principal.roles,
        .region = order->principal.region,
        .unit_tag = order->principal.unit_tag,
        .issued_s = (uint32_t)(now_ms / 1000),
        .name_bytes = order->name.bytes,
    };
    int64_t expires_s = order->expires_ms / 1000;
    if (order->principal.roles == 0 ||
        (order->principal.roles & ~(uint32_t)TOKEN_DEVICE_ROLES) != 0) {
        return error_set(error, STATUS_INVALID, "a device's roles are device, unit and checker",
                         NULL, NULL);
    }
    if (expires_s <= claims.issued_s || expires_s - claims.issued_s > TOKEN_DEVICE_LIFE_S) {
        return error_set(error, STATUS_INVALID, "a device's token ends within 90 days", NULL, NULL);
    }
    bool found;
    size_t at = auth_device_place(auth, order->name, &found);
    const struct auth_key *key = &auth->keys.devices[0];
    uint8_t tag[TOKEN_TAG_BYTES];
    if (auth_key_is_killed(auth, key->id)) {
        return error_set(error, STATUS_INVALID, "the newest device key was revoked: ",
                         "put another one before it in the key file", NULL);
    }
    claims.generation = found ? auth->devices[at]->generation : 0;
    claims.expires_s = (uint32_t)expires_s;
    memcpy(claims.name, order->name.data, order->name.bytes);
    size_t bytes = token_text_device(ret_text, key->id, &claims);
    auth_mac(tag, key, AUTH_PURPOSE_DEVICE, (struct slice){(const uint8_t *)ret_text, bytes});
    (void)token_text_sign(ret_text, bytes, tag);
    return STATUS_OK;
}

enum status auth_create(struct auth *auth, const struct token_order *order, int64_t now_ms,
                        char ret_text[TOKEN_TEXT_BYTES_MAX], char ret_id[TOKEN_ID_BYTES + 1],
                        struct error *error) {
    if (!token_name_is_valid(order->name)) {
        return error_set(error, STATUS_INVALID,
                         "a name is UTF-8 of 1 to 64 bytes without controls and slashes", NULL,
                         NULL);
    }
    ret_id[0] = '\0';
    if (order->kind == TOKEN_DEVICE) {
        return create_device(auth, order, now_ms, ret_text, error);
    }
    struct token_row row;
    enum status status = create_stored(auth, order, now_ms, ret_text, &row, error);
    if (status == STATUS_OK) {
        memcpy(ret_id, row.id, sizeof row.id);
    }
    return status;
}

enum status auth_first_token(const struct auth_keys *keys, int64_t now_ms,
                             struct token_row *ret_row, char ret_text[TOKEN_TEXT_BYTES_MAX],
                             struct error *error) {
    *ret_row = (struct token_row){.kind = TOKEN_HUMAN,
                                  .principal = {ACCESS_ROLE_ADMIN, REGION_NONE, 0},
                                  .created_ms = now_ms,
                                  .name = "admin",
                                  .creator = "gridd init"};
    return make_stored(keys, ret_row, ret_text, error);
}

static void tell(struct auth *auth) {
    if (auth->options.on_revoked != NULL) {
        auth->options.on_revoked(auth->options.context);
    }
}

enum status auth_revoke(struct auth *auth, const char *id) {
    bool found;
    size_t at = auth_token_place(auth, slice_text(id), &found);
    if (!found) {
        return STATUS_NOT_FOUND;
    }
    struct token *token = auth->tokens[at];
    put_row(auth, TOKEN_ROW_TOKEN, slice_text(token->row.id), NULL, 0, true);
    auth->tokens_count--;
    memmove(auth->tokens + at, auth->tokens + at + 1,
            (auth->tokens_count - at) * sizeof(struct token *));
    if (token->bearer != NULL) {
        token->bearer->revoked = true;
        bearer_unref(token->bearer);
    }
    free(token);
    tell(auth);
    return STATUS_OK;
}

static bool is_before_generation(const struct auth *auth, const struct bearer *bearer) {
    bool found;
    if (bearer->kind != TOKEN_DEVICE) {
        return false;
    }
    size_t at = auth_device_place(auth, slice_text(bearer->name), &found);
    return found && bearer->generation < auth->devices[at]->generation;
}

enum status auth_revoke_device(struct auth *auth, struct slice name, int64_t now_ms) {
    uint8_t value[TOKEN_ROW_BYTES_MAX];
    bool found;
    if (!token_name_is_valid(name)) {
        return STATUS_INVALID;
    }
    size_t at = auth_device_place(auth, name, &found);
    if (!found) {
        if (auth->devices_count >= auth->options.limits->device_revocations) {
            return STATUS_FULL;
        }
        struct device_row *device = calloc(1, sizeof *device);
        CHECK(device != NULL);
        copy_name(device->name, name);
        auth_insert((void ***)(void *)&auth->devices, &auth->devices_count, &auth->devices_room, at,
                    device);
    }
    struct device_row *device = auth->devices[at];
    CHECK(device->generation < UINT32_MAX);
    device->generation++;
    device->revoked_ms = now_ms;
    put_row(auth, TOKEN_ROW_DEVICE, name, value, device_row_encode(value, device), false);
    auth_revoke_bearers(auth, is_before_generation);
    return STATUS_OK;
}

static bool is_of_killed_key(const struct auth *auth, const struct bearer *bearer) {
    return bearer->kind == TOKEN_DEVICE && auth_key_is_killed(auth, bearer->key_id);
}

enum status auth_kill_key(struct auth *auth, struct slice id, int64_t now_ms) {
    struct key_row row = {.killed_ms = now_ms};
    uint8_t value[TOKEN_ROW_BYTES_MAX];
    if (!token_key_id_is_valid(id)) {
        return STATUS_INVALID;
    }
    memcpy(row.id, id.data, id.bytes);
    if (auth_key_is_killed(auth, row.id)) {
        return STATUS_OK;
    }
    if (auth->killed_count == AUTH_KILLED_KEYS_MAX) {
        return STATUS_FULL;
    }
    auth->killed[auth->killed_count++] = row;
    put_row(auth, TOKEN_ROW_KEY, id, value, key_row_encode(value, &row), false);
    auth_revoke_bearers(auth, is_of_killed_key);
    return STATUS_OK;
}
