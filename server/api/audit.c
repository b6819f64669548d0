#include "server/api/audit.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/report/record.h"
#include "server/api/caller.h"
#include "server/auth/auth_rows.h"
#include "server/json_out.h"
#include "server/personal.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

/* Stands in no region of the tree, which ends long before: no timeline walks it. */
enum { REGION_OF_AUDIT = UINT32_MAX - 1 };

void audit_reserve(struct services *services) {
    if (services->auth != NULL && !services->config->no_auth) {
        committer_reserve(services->committer, STEP_ENTRIES_MAX + 1,
                          STEP_EVENTS_BYTES_MAX + AUDIT_ENTRY_BYTES_MAX);
    }
}

static void write_by(struct json_out *out, const struct bearer *by) {
    json_out_key(out, "by");
    json_out_object_begin(out);
    json_out_key(out, "kind");
    json_out_text(out, by == NULL ? "server" : token_kind_name(by->kind));
    json_out_key(out, "id");
    json_out_text(out, by == NULL || by->id[0] == '\0' ? NULL : by->id);
    json_out_key(out, "name");
    json_out_text(out, by == NULL ? NULL : by->name);
    json_out_object_end(out);
}

static void write_act(struct json_out *out, const struct services *services,
                      const struct bearer *by, const struct audit_act *act, bool with_detail) {
    const struct region_table *regions = regions_current(services->regions)->table;
    json_out_object_begin(out);
    json_out_key(out, "act");
    json_out_text(out, act->act);
    write_by(out, by);
    json_out_key(out, "object");
    if (act->object.bytes > 0) {
        json_out_string(out, act->object);
    } else {
        json_out_null(out);
    }
    json_out_key(out, "region");
    if (act->region < region_count(regions)) {
        json_out_string(out, region_get(regions, act->region).code);
    } else {
        json_out_null(out);
    }
    if (with_detail) {
        json_out_key(out, "detail");
        json_out_raw(out, act->detail);
    }
    json_out_object_end(out);
}

uint64_t audit_append(struct services *services, const struct bearer *by,
                      const struct audit_act *act) {
    struct buffer text;
    struct json_out out;
    if (services->auth == NULL) {
        return 0;
    }
    buffer_init(&text);
    json_out_init(&out, &text);
    write_act(&out, services, by, act, act->detail.bytes > 0);
    if (text.bytes > AUDIT_TEXT_BYTES_MAX) {
        buffer_reset(&text);
        json_out_init(&out, &text);
        write_act(&out, services, by, act, false);
    }
    CHECK(text.bytes <= AUDIT_TEXT_BYTES_MAX);
    uint64_t seq = committer_next_seq(services->committer);
    int64_t now_ms = services_now_ms(services);
    const struct record record = {.json = buffer_slice(&text)};
    const struct entry entry = {
        .kind = ENTRY_AUDIT,
        .severity = SEVERITY_MINOR,
        .region = REGION_OF_AUDIT,
        .record_bytes = (uint32_t)record_encoded_bytes(&record),
        .occurred_ms = now_ms,
        .received_ms = now_ms,
        .identity = {seq, seq},
        .content_tag = XXH3_64bits(text.data, text.bytes),
    };
    uint8_t key[8], row[8 + AUDIT_TEXT_BYTES_MAX];
    committer_append(services->committer, &entry, &record);
    store_u64_be(key, seq);
    store_u64_le(row, (uint64_t)now_ms);
    memcpy(row + 8, text.data, text.bytes);
    auth_put_row(services->auth, FAMILY_AUDIT, (struct slice){key, sizeof key},
                 (struct slice){row, 8 + text.bytes});
    buffer_deinit(&text);
    return seq;
}

void audit_denials(struct services *services) {
    const struct denials denials = services->denials;
    char detail[128];
    if (denials.no_token + denials.no_role + denials.bound == 0) {
        return;
    }
    (void)snprintf(detail, sizeof detail, "{\"no_token\":%llu,\"no_role\":%llu,\"bound\":%llu}",
                   (unsigned long long)denials.no_token, (unsigned long long)denials.no_role,
                   (unsigned long long)denials.bound);
    services->denials = (struct denials){.no_token = 0};
    (void)audit_append(services, NULL,
                       &(struct audit_act){.act = "access.denied",
                                           .region = REGION_NONE,
                                           .detail = slice_text(detail)});
}

void audit_personal(const struct http_request *request, struct personal *personal) {
    char detail[48];
    if (personal->shown == 0) {
        return;
    }
    (void)snprintf(detail, sizeof detail, "{\"shown\":%llu}", (unsigned long long)personal->shown);
    personal->shown = 0;
    (void)audit_request(request, &(struct audit_act){.act = "personal.read",
                                                     .object = http_path(request),
                                                     .region = REGION_NONE,
                                                     .detail = slice_text(detail)});
}

uint64_t audit_request(const struct http_request *request, const struct audit_act *act) {
    return caller_is_unknown(request)
               ? 0
               : audit_append(services_of(request), caller_bearer(request), act);
}
