/* DELETE /v1/tokens/{id}: a stored token, `device:NAME` (all of a device's tokens until now), or
 * `key:ID` (a device key and every token made with it, for good). In force before the answer. */
#include "core/base/check.h"
#include "server/api/audit.h"
#include "server/api/caller.h"
#include "server/api/change.h"
#include "server/api/routes.h"

#include <stdlib.h>
#include <string.h>

static bool has_prefix(struct slice *text, const char *prefix) {
    size_t bytes = strlen(prefix);
    if (text->bytes < bytes || memcmp(text->data, prefix, bytes) != 0) {
        return false;
    }
    *text = (struct slice){text->data + bytes, text->bytes - bytes};
    return true;
}

/* Devices and keys are not bound to a region that could be asked for, so only who administers the
 * whole tree revokes them. */
static enum status revoke_named(const struct http_request *request, struct slice name,
                                uint32_t *ret_region) {
    const struct services *services = services_of(request);
    struct auth *auth = services->auth;
    bool is_everywhere = caller_region(request) == REGION_NONE;
    *ret_region = REGION_NONE;
    if (auth == NULL) {
        return STATUS_NOT_FOUND;
    }
    if (has_prefix(&name, "device:")) {
        return is_everywhere ? auth_revoke_device(auth, name, services_now_ms(services))
                             : STATUS_NOT_FOUND;
    }
    if (has_prefix(&name, "key:")) {
        return is_everywhere ? auth_kill_key(auth, name, services_now_ms(services))
                             : STATUS_NOT_FOUND;
    }
    const struct token_row *row = auth_find_token(auth, name);
    if (row == NULL || !caller_reaches(request, row->principal.region)) {
        return STATUS_NOT_FOUND;
    }
    *ret_region = row->principal.region;
    char id[TOKEN_ID_BYTES + 1];
    memcpy(id, row->id, sizeof id);
    return auth_revoke(auth, id);
}

static void answer(struct change *base) {
    change_answer(base, 200);
}

static void take(struct change *base) {
    struct http_request *request = base->request;
    struct slice name = http_param(request, "id");
    uint32_t region;
    /* A token may revoke itself: it is held until the request is done. */
    enum status status = revoke_named(request, name, &region);
    if (status == STATUS_NOT_FOUND || status == STATUS_INVALID) {
        http_problem(request, 404, "not found", "there is no such token", NULL);
        return;
    }
    if (status != STATUS_OK) {
        change_problem(base, 503, "full", "as many are revoked as the limits allow");
        return;
    }
    const struct audit_act act = {.act = "token.revoke", .object = name, .region = region};
    uint64_t seq = audit_append(base->services, caller_bearer(request), &act);
    struct json_out out;
    json_out_init(&out, &base->answer);
    json_out_object_begin(&out);
    json_out_key(&out, "revoked");
    json_out_string(&out, name);
    json_out_object_end(&out);
    change_wait(base, seq, answer);
}

static void release(struct change *base) {
    free(base);
}

void api_token_revoke_on_headers(struct http_request *request) {
    if (change_is_refused(request)) {
        return;
    }
    struct change *change = calloc(1, sizeof *change);
    CHECK(change != NULL);
    change_begin(change, request, COMMAND_BODY_BYTES_MAX, take, release);
}
