/* POST /v1/tokens: the answer is the only place where the secret ever stands. */
#include "core/base/check.h"
#include "server/api/audit.h"
#include "server/api/body_values.h"
#include "server/api/caller.h"
#include "server/api/routes.h"
#include "server/api/token_json.h"

#include <openssl/crypto.h>
#include <stdlib.h>

enum { EXPIRES_IN_S_MAX = 100 * 366 * 86400u };

struct token_change {
    struct change change;
    struct body body;
    struct token_order order;
    char text[TOKEN_TEXT_BYTES_MAX], id[TOKEN_ID_BYTES + 1];
};

static bool read_kind(struct token_change *change) {
    struct slice word;
    return body_text(&change->body, &word) &&
           (token_kind_parse(&change->order.kind, word) ||
            body_refuse(&change->body, "a kind is service, human or device"));
}

static bool read_roles(struct token_change *change) {
    struct body *body = &change->body;
    struct slice word;
    if (!body_array(body)) {
        return false;
    }
    while (body_element(body)) {
        if (!body_text(body, &word)) {
            return false;
        }
        if (!access_role_parse(&change->order.principal.roles, word)) {
            return body_refuse(body, "a role is device, gateway, intake, dispatcher, unit, "
                                     "checker, follow_up, supervisor, centre, admin or ops");
        }
    }
    return body->detail == NULL;
}

static bool read_expires_at(struct token_change *change) {
    int64_t now_ms = services_now_ms(change->change.services);
    return body_instant(&change->body, &change->order.expires_ms) &&
           (change->order.expires_ms > now_ms || body_refuse(&change->body, "it is over"));
}

static bool read_expires_in(struct token_change *change) {
    uint64_t seconds;
    if (!body_number(&change->body, EXPIRES_IN_S_MAX, &seconds)) {
        return false;
    }
    change->order.expires_ms = services_now_ms(change->change.services) + (int64_t)seconds * 1000;
    return true;
}

static bool read_member(void *context, struct slice name) {
    struct token_change *change = context;
    struct body *body = &change->body;
    const struct services *services = change->change.services;
    if (slice_is(name, "kind")) {
        return read_kind(change);
    }
    if (slice_is(name, "name")) {
        return body_bounded_text(body, TOKEN_NAME_BYTES_MAX, "it is longer than 64 bytes",
                                 &change->order.name);
    }
    if (slice_is(name, "roles")) {
        return read_roles(change);
    }
    if (slice_is(name, "region")) {
        return body_region_of(body, change->change.request, &change->order.principal.region);
    }
    if (slice_is(name, "unit")) {
        return body_unit(body, services->policy, &change->order.principal.unit_tag);
    }
    if (slice_is(name, "expires_at")) {
        return read_expires_at(change);
    }
    if (slice_is(name, "expires_in_s")) {
        return read_expires_in(change);
    }
    return body_refuse(body, "a token has no such member");
}

static bool is_whole(struct token_change *change) {
    struct body *body = &change->body;
    if (change->order.kind == 0) {
        return body_blame(body, "/kind", "a kind is needed");
    }
    if (!token_name_is_valid(change->order.name)) {
        return body_blame(body, "/name",
                          "a name of 1 to 64 bytes without controls and slashes is needed");
    }
    if (change->order.principal.roles == 0) {
        return body_blame(body, "/roles", "a role is needed");
    }
    /* An admin of a region gives nothing away that is not its own. */
    return change->order.principal.region != REGION_NONE ||
           caller_region(change->change.request) == REGION_NONE ||
           body_blame(body, "/region", "a region of yours is needed");
}

static bool read_order(struct token_change *change) {
    change->order = (struct token_order){.principal = {.region = REGION_NONE}};
    return body_whole_object(&change->body, read_member, change) && is_whole(change);
}

static void write_token(struct token_change *change) {
    const struct services *services = change->change.services;
    const struct token_order *order = &change->order;
    struct json_out out;
    json_out_init(&out, &change->change.answer);
    json_out_object_begin(&out);
    json_out_key(&out, "token");
    json_out_text(&out, change->text);
    json_out_key(&out, "id");
    json_out_text(&out, change->id[0] == '\0' ? NULL : change->id);
    json_out_key(&out, "kind");
    json_out_text(&out, token_kind_name(order->kind));
    json_out_key(&out, "name");
    json_out_string(&out, order->name);
    token_json_principal(&out, services, &order->principal);
    token_json_instant(&out, "expires_at", order->expires_ms);
    json_out_object_end(&out);
}

static uint64_t tell(struct token_change *change) {
    struct buffer detail;
    struct json_out out;
    buffer_init(&detail);
    json_out_init(&out, &detail);
    json_out_object_begin(&out);
    json_out_key(&out, "kind");
    json_out_text(&out, token_kind_name(change->order.kind));
    json_out_key(&out, "name");
    json_out_string(&out, change->order.name);
    token_json_principal(&out, change->change.services, &change->order.principal);
    token_json_instant(&out, "expires_at", change->order.expires_ms);
    json_out_object_end(&out);
    struct slice name = change->order.name;
    const struct audit_act act = {
        .act = "token.create",
        .object = change->id[0] != '\0' ? slice_text(change->id) : name,
        .region = change->order.principal.region,
        .detail = buffer_slice(&detail),
    };
    uint64_t seq =
        audit_append(change->change.services, caller_bearer(change->change.request), &act);
    buffer_deinit(&detail);
    return seq;
}

static void answer(struct change *base) {
    change_answer(base, 201);
}

static void create(struct token_change *change) {
    struct services *services = change->change.services;
    struct error error;
    if (services->auth == NULL) {
        change_problem(&change->change, 409, "no keys",
                       "there is no key file: gridd init makes one, and serving with tokens does");
        return;
    }
    change->order.creator = caller_name(change->change.request);
    enum status status = auth_create(services->auth, &change->order, services_now_ms(services),
                                     change->text, change->id, &error);
    if (status == STATUS_OK) {
        write_token(change);
        change_wait(&change->change, tell(change), answer);
    } else if (status == STATUS_INVALID) {
        bool is_of_roles = (change->order.principal.roles & ~(uint32_t)TOKEN_DEVICE_ROLES) != 0;
        change_invalid(&change->change, is_of_roles ? "/roles" : "/expires_in_s", error.message);
    } else {
        change_problem(&change->change, 503, "not available", error.message);
    }
}

static void take(struct change *base) {
    struct token_change *change = (struct token_change *)(void *)base;
    body_init(&change->body, buffer_slice(&base->body), &base->services->config->limits);
    if (!read_order(change)) {
        body_answer_problem(&change->body, base);
    } else if (!change_is_refused(base->request)) {
        create(change);
    }
}

static void release(struct change *base) {
    struct token_change *change = (struct token_change *)(void *)base;
    OPENSSL_cleanse(change->text, sizeof change->text);
    body_deinit(&change->body);
    free(change);
}

void api_token_create_on_headers(struct http_request *request) {
    if (change_is_refused(request)) {
        return;
    }
    struct token_change *change = calloc(1, sizeof *change);
    CHECK(change != NULL);
    change_begin(&change->change, request, COMMAND_BODY_BYTES_MAX, take, release);
}
