/* From the text of a token to a bearer. */
#include "server/auth/auth_inside.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

/* Clocks of two machines differ; a token from further ahead is not ours. */
enum { ISSUED_AHEAD_MS = 300000 };

struct bearer *bearer_ref(struct bearer *bearer) {
    CHECK(bearer->references > 0 && bearer->references < UINT32_MAX);
    bearer->references++;
    return bearer;
}

void bearer_unref(struct bearer *bearer) {
    if (bearer == NULL) {
        return;
    }
    CHECK(bearer->references > 0);
    if (--bearer->references > 0) {
        return;
    }
    *(bearer->previous != NULL ? &bearer->previous->next : bearer->head) = bearer->next;
    if (bearer->next != NULL) {
        bearer->next->previous = bearer->previous;
    }
    free(bearer);
}

bool bearer_is_good(const struct bearer *bearer, int64_t now_ms) {
    return !bearer->revoked && (bearer->expires_ms == 0 || now_ms < bearer->expires_ms);
}

/* With one reference, the caller's. */
static struct bearer *bearer_new(struct auth *auth, const struct bearer *like) {
    struct bearer *bearer = malloc(sizeof *bearer);
    CHECK(bearer != NULL);
    *bearer = *like;
    bearer->references = 1;
    bearer->head = &auth->bearers;
    bearer->previous = NULL;
    bearer->next = auth->bearers;
    if (auth->bearers != NULL) {
        auth->bearers->previous = bearer;
    }
    auth->bearers = bearer;
    return bearer;
}

/* The bearer is kept with the token, so that all who come with it are one. Where its pepper was
 * taken out and put back, the one of before stays revoked. */
static struct bearer *bearer_of_token(struct auth *auth, struct token *token) {
    if (token->bearer != NULL && token->bearer->revoked) {
        bearer_unref(token->bearer);
        token->bearer = NULL;
    }
    if (token->bearer == NULL) {
        const struct token_row *row = &token->row;
        struct bearer like = {
            .principal = row->principal, .kind = row->kind, .expires_ms = row->expires_ms};
        memcpy(like.id, row->id, sizeof like.id);
        memcpy(like.name, row->name, sizeof like.name);
        memcpy(like.key_id, row->pepper_id, sizeof like.key_id);
        token->bearer = bearer_new(auth, &like);
    }
    return bearer_ref(token->bearer);
}

static struct bearer *verify_stored(struct auth *auth, const struct token_text *text,
                                    int64_t now_ms, enum auth_refusal *ret_refusal) {
    uint8_t mac[MAC_BYTES];
    bool found;
    size_t at = auth_token_place(auth, slice_text(text->id), &found);
    struct token *token = found ? auth->tokens[at] : NULL;
    const struct auth_key *pepper =
        token == NULL ? NULL : auth_pepper(&auth->keys, token->row.pepper_id);
    /* What is not known is hashed too: the time must not tell which ids there are. */
    auth_mac(mac, pepper != NULL ? pepper : &auth->keys.peppers[0], AUTH_PURPOSE_STORED,
             text->proven);
    *ret_refusal = AUTH_REFUSAL_UNKNOWN;
    if (pepper == NULL || !auth_mac_equal(mac, token->row.mac) || token->row.kind != text->kind) {
        return NULL;
    }
    *ret_refusal = AUTH_REFUSAL_EXPIRED;
    if (token->row.expires_ms != 0 && now_ms >= token->row.expires_ms) {
        return NULL;
    }
    return bearer_of_token(auth, token);
}

struct bearer *auth_vouched(struct auth *auth, const char *id, int64_t now_ms,
                            enum auth_refusal *ret_refusal) {
    bool found;
    size_t at = auth_token_place(auth, slice_text(id), &found);
    *ret_refusal = AUTH_REFUSAL_UNKNOWN;
    if (!found || auth->tokens[at]->row.kind != TOKEN_SERVICE ||
        auth_pepper(&auth->keys, auth->tokens[at]->row.pepper_id) == NULL) {
        return NULL;
    }
    struct token *token = auth->tokens[at];
    *ret_refusal = AUTH_REFUSAL_EXPIRED;
    if (token->row.expires_ms != 0 && now_ms >= token->row.expires_ms) {
        return NULL;
    }
    *ret_refusal = AUTH_REFUSAL_NONE;
    return bearer_of_token(auth, token);
}

static uint32_t generation_asked(const struct auth *auth, struct slice name) {
    bool found;
    size_t at = auth_device_place(auth, name, &found);
    return found ? auth->devices[at]->generation : 0;
}

static enum auth_refusal judge_claims(const struct auth *auth, const struct token_text *text,
                                      int64_t now_ms) {
    const struct token_claims *claims = &text->claims;
    int64_t issued_ms = (int64_t)claims->issued_s * 1000;
    int64_t expires_ms = (int64_t)claims->expires_s * 1000;
    if (claims->expires_s - claims->issued_s > TOKEN_DEVICE_LIFE_S ||
        issued_ms > now_ms + ISSUED_AHEAD_MS || now_ms >= expires_ms) {
        return AUTH_REFUSAL_EXPIRED;
    }
    if (auth_key_is_killed(auth, text->key_id) ||
        claims->generation <
            generation_asked(auth, (struct slice){claims->name, claims->name_bytes})) {
        return AUTH_REFUSAL_REVOKED;
    }
    return AUTH_REFUSAL_NONE;
}

static struct bearer *verify_device(struct auth *auth, const struct token_text *text,
                                    int64_t now_ms, enum auth_refusal *ret_refusal) {
    uint8_t mac[MAC_BYTES];
    const struct token_claims *claims = &text->claims;
    const struct auth_key *key = auth_device_key(&auth->keys, text->key_id);
    auth_mac(mac, key != NULL ? key : &auth->keys.devices[0], AUTH_PURPOSE_DEVICE, text->proven);
    bool is_ours = auth_mac_equal(mac, text->tag) && key != NULL;
    *ret_refusal = is_ours ? judge_claims(auth, text, now_ms) : AUTH_REFUSAL_UNKNOWN;
    if (*ret_refusal != AUTH_REFUSAL_NONE) {
        return NULL;
    }
    struct bearer like = {
        .principal = {claims->roles, claims->region, claims->unit_tag},
        .kind = TOKEN_DEVICE,
        .generation = claims->generation,
        .expires_ms = (int64_t)claims->expires_s * 1000,
    };
    memcpy(like.name, claims->name, claims->name_bytes);
    memcpy(like.key_id, text->key_id, sizeof like.key_id);
    return bearer_new(auth, &like);
}

struct bearer *auth_verify(struct auth *auth, struct slice token, int64_t now_ms,
                           enum auth_refusal *ret_refusal) {
    uint8_t digest[TOKEN_DIGEST_BYTES];
    struct token_text text;
    *ret_refusal = AUTH_REFUSAL_MALFORMED;
    if (token.bytes == 0 || token.bytes >= TOKEN_TEXT_BYTES_MAX) {
        return NULL;
    }
    (void)SHA256(token.data, token.bytes, digest);
    struct cached *place = &auth->cache[load_u64_le(digest) % auth->cache_count];
    if (place->bearer != NULL && CRYPTO_memcmp(place->digest, digest, sizeof digest) == 0 &&
        bearer_is_good(place->bearer, now_ms)) {
        *ret_refusal = AUTH_REFUSAL_NONE;
        return bearer_ref(place->bearer);
    }
    if (!token_text_parse(&text, token)) {
        return NULL;
    }
    struct bearer *bearer = text.kind == TOKEN_DEVICE
                                ? verify_device(auth, &text, now_ms, ret_refusal)
                                : verify_stored(auth, &text, now_ms, ret_refusal);
    if (bearer != NULL) {
        *ret_refusal = AUTH_REFUSAL_NONE;
        bearer_unref(place->bearer);
        place->bearer = bearer_ref(bearer);
        memcpy(place->digest, digest, sizeof digest);
    }
    return bearer;
}
