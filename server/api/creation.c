#include "server/api/creation.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/report/content_tag.h"
#include "core/ticket/ticket.h"
#include "server/api/body_values.h"
#include "server/api/caller.h"
#include "server/domain/creates.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

static const char too_long[] = "it is longer than 128 bytes";

bool creation_read_key(struct body *body) {
    struct slice key;
    return body_bounded_text(body, TICKET_COMMAND_ID_BYTES_MAX, too_long, &key);
}

/* Content and command_id of the body; false: it is no JSON, which reading it will say. */
static bool read_body(struct creation *creation, uint64_t *ret_key) {
    struct slice text = buffer_slice(&creation->change.body);
    struct json_bounds bounds;
    struct json_reader *reader = malloc(sizeof *reader);
    struct content_tag tag;
    struct json_token token;
    bool is_key = false;
    CHECK(reader != NULL);
    json_bounds_from(&bounds, &creation->change.services->config->limits);
    json_init(reader, &bounds, text.bytes > 0 ? text : SLICE_LITERAL("{}"));
    content_tag_init(&tag);
    do {
        token = json_next(reader);
        content_tag_feed(&tag, &token);
        if (is_key && token.kind == JSON_STRING && token.text.bytes > 0) {
            *ret_key = json_hash(token.text, token.escaped);
        }
        is_key = token.kind == JSON_KEY && tag.depth == 1 &&
                 token.hash == json_hash(SLICE_LITERAL("command_id"), false);
    } while (token.kind != JSON_DONE && token.kind != JSON_ERROR);
    free(reader);
    creation->content = content_tag_value(&tag);
    return token.kind == JSON_DONE;
}

static void answer_again(struct change *change) {
    const struct creation *creation = (struct creation *)(void *)change;
    if (creation->status != STATUS_OK) {
        buffer_reset(&change->answer);
        change_problem(change, 503, "not read", "the first answer could not be read: try again");
        return;
    }
    http_add_header(change->request, "Idempotent-Replay", "true");
    change_answer(change, 200);
}

static void read_answer(struct change *change) {
    struct creation *creation = (struct creation *)(void *)change;
    struct error error;
    creation->status =
        creates_answer(change->services->db, creation->number, &change->answer, &error);
}

static void run_read(struct change *change) {
    change_run(change, read_answer, answer_again);
}

/* The key's hash, 0: none is named. False: it was refused. */
static bool find_key(struct creation *creation, uint64_t in_body, uint64_t *ret_key) {
    struct slice header;
    *ret_key = in_body;
    if (!http_header(creation->change.request, "Idempotency-Key", &header)) {
        return true;
    }
    if (header.bytes == 0 || header.bytes > TICKET_COMMAND_ID_BYTES_MAX) {
        change_problem(&creation->change, 400, "bad Idempotency-Key",
                       "Idempotency-Key is from 1 to 128 bytes");
        return false;
    }
    *ret_key = json_hash(header, false);
    if (in_body != 0 && in_body != *ret_key) {
        change_invalid(&creation->change, "/command_id", "Idempotency-Key says another one");
        return false;
    }
    return true;
}

/* Of the key, of what is made, and of whose key it is: tokens choose their keys apart from each
 * other, and nobody can choose one that hits another token's. A device's token has no id; its name
 * is its own. */
static uint64_t id_of(const struct creation *creation, uint64_t key, const char *kind) {
    const struct bearer *bearer = caller_bearer(creation->change.request);
    uint64_t id = key ^ ticket_hash(slice_text(kind));
    uint8_t joined[1 + sizeof id + TOKEN_NAME_BYTES_MAX], digest[SHA256_DIGEST_LENGTH];
    if (bearer == NULL) {
        return id;
    }
    const char *whose = bearer->id[0] != '\0' ? bearer->id : bearer->name;
    size_t whose_bytes = strlen(whose);
    CHECK(whose_bytes <= TOKEN_NAME_BYTES_MAX);
    joined[0] = (uint8_t)bearer->kind;
    store_u64_le(joined + 1, id);
    memcpy(joined + 1 + sizeof id, whose, whose_bytes);
    (void)SHA256(joined, 1 + sizeof id + whose_bytes, digest);
    return load_u64_le(digest);
}

bool creation_is_new(struct creation *creation, const char *kind) {
    uint64_t key = 0, in_body = 0;
    if (!read_body(creation, &in_body)) {
        return true;
    }
    if (!find_key(creation, in_body, &key)) {
        return false;
    }
    creation->is_named = key != 0;
    creation->id = id_of(creation, key, kind);
    if (!creation->is_named) {
        return true;
    }
    enum create_found found = creates_find(creation->change.services->creates, creation->id,
                                           creation->content, &creation->number);
    if (found == CREATE_CONFLICT) {
        change_problem(&creation->change, 409, "conflict", "the key was used for another body");
    } else if (found == CREATE_REPLAYED) {
        change_wait(&creation->change, creation->number, run_read);
    }
    return found == CREATE_NEW;
}

void creation_made(struct creation *creation, uint64_t number) {
    if (creation->is_named) {
        creates_put(creation->change.services->creates, creation->id, creation->content, number,
                    buffer_slice(&creation->change.answer));
    }
}
