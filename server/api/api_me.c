/* GET /v1/me: who the token is, and what it may. */
#include "server/api/caller.h"
#include "server/api/routes.h"
#include "server/api/token_json.h"

void api_me_on_headers(struct http_request *request) {
    const struct principal *principal = caller_principal(request);
    const struct bearer *bearer = caller_bearer(request);
    uint32_t actions = access_actions(principal->roles);
    struct buffer body;
    struct json_out out;
    buffer_init(&body);
    json_out_init(&out, &body);
    json_out_object_begin(&out);
    json_out_key(&out, "authenticated");
    json_out_bool(&out, bearer != NULL);
    json_out_key(&out, "kind");
    json_out_text(&out, bearer == NULL ? NULL : token_kind_name(bearer->kind));
    json_out_key(&out, "id");
    json_out_text(&out, bearer == NULL || bearer->id[0] == '\0' ? NULL : bearer->id);
    json_out_key(&out, "name");
    json_out_text(&out, bearer == NULL ? NULL : bearer->name);
    token_json_principal(&out, services_of(request), principal);
    json_out_key(&out, "actions");
    json_out_array_begin(&out);
    for (unsigned action = 1; action < ACCESS_ACTIONS_END; action++) {
        if ((actions >> action & 1) != 0) {
            json_out_text(&out, access_action_name((enum access_action)action));
        }
    }
    json_out_array_end(&out);
    token_json_instant(&out, "expires_at", bearer == NULL ? 0 : bearer->expires_ms);
    json_out_object_end(&out);
    http_respond(request, 200, "application/json", buffer_slice(&body));
    buffer_deinit(&body);
}
