/* GET /v1/audit: who did what, newest first. */
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "server/api/list_read.h"
#include "server/api/routes.h"
#include "server/services.h"

#include <stdlib.h>

/* The instant is in the journal's entry, not in the text; the row begins with it. */
static enum status take(struct list_read *read, struct slice key, struct slice value,
                        struct json_out *out, bool *ret_taken) {
    (void)read;
    if (value.bytes < 10 || value.data[8] != '{') {
        return STATUS_CORRUPT;
    }
    json_out_object_begin(out);
    json_out_key(out, "seq");
    json_out_u64(out, load_u64_be(key.data));
    json_out_key(out, "at");
    json_out_instant(out, (int64_t)load_u64_le(value.data));
    buffer_append(out->to, ",", 1);
    buffer_append(out->to, value.data + 9, value.bytes - 10);
    json_out_object_end(out);
    *ret_taken = true;
    return STATUS_OK;
}

static void release(struct list_read *read) {
    free(read);
}

void api_audit_on_headers(struct http_request *request) {
    struct list_read *read = calloc(1, sizeof *read);
    CHECK(read != NULL);
    *read = (struct list_read){.db = services_of(request)->db,
                               .family = FAMILY_AUDIT,
                               .cursor = CURSOR_AUDIT,
                               .binding = 0,
                               .take = take,
                               .release = release};
    if (!list_read_start(read, request)) {
        release(read);
    }
}
