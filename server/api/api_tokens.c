/* GET /v1/tokens: stored tokens that the caller may administer, in order of their ids. The cursor
 * is the last id of the page before. */
#include "server/api/caller.h"
#include "server/api/routes.h"
#include "server/api/timeline_query.h"
#include "server/api/token_json.h"

#include <string.h>

static bool read_page(struct http_request *request, uint64_t *ret_limit,
                      char ret_after[TOKEN_ID_BYTES + 1]) {
    struct slice cursor;
    struct error error;
    ret_after[0] = '\0';
    if (parameter_limit(ret_limit, request, &services_of(request)->config->limits, &error) !=
        STATUS_OK) {
        http_problem(request, 400, "bad query parameter", error.message, NULL);
        return false;
    }
    if (!http_query(request, "cursor", &cursor)) {
        return true;
    }
    if (cursor.bytes != TOKEN_ID_BYTES) {
        http_problem(request, 400, "bad query parameter", "cursor: it is damaged", NULL);
        return false;
    }
    memcpy(ret_after, cursor.data, TOKEN_ID_BYTES);
    ret_after[TOKEN_ID_BYTES] = '\0';
    return true;
}

void api_tokens_get_on_headers(struct http_request *request) {
    const struct services *services = services_of(request);
    char after[TOKEN_ID_BYTES + 1];
    const struct token_row *row = NULL;
    uint64_t limit;
    struct buffer body;
    struct json_out out;
    if (!read_page(request, &limit, after)) {
        return;
    }
    buffer_init(&body);
    json_out_init(&out, &body);
    json_out_object_begin(&out);
    json_out_key(&out, "items");
    json_out_array_begin(&out);
    for (uint64_t count = 0;
         services->auth != NULL && (row = auth_next_token(services->auth, after)) != NULL;) {
        if (count == limit) {
            break;
        }
        memcpy(after, row->id, sizeof after);
        if (caller_reaches(request, row->principal.region)) {
            token_json_row(&out, services, row);
            count++;
        }
    }
    json_out_array_end(&out);
    json_out_key(&out, "next_cursor");
    json_out_text(&out, row != NULL ? after : NULL);
    json_out_object_end(&out);
    http_respond(request, 200, "application/json", buffer_slice(&body));
    buffer_deinit(&body);
}
