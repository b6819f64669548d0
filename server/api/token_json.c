#include "server/api/token_json.h"

#include "server/domain/ticket_json.h"

void token_json_instant(struct json_out *out, const char *key, int64_t ms) {
    json_out_key(out, key);
    if (ms == 0) {
        json_out_null(out);
    } else {
        json_out_instant(out, ms);
    }
}

void token_json_principal(struct json_out *out, const struct services *services,
                          const struct principal *principal) {
    const struct region_table *regions = regions_current(services->regions)->table;
    json_out_key(out, "roles");
    json_out_array_begin(out);
    for (unsigned bit = 0; bit < ACCESS_ROLES_COUNT; bit++) {
        if ((principal->roles >> bit & 1) != 0) {
            json_out_text(out, access_role_name(bit));
        }
    }
    json_out_array_end(out);
    json_out_key(out, "region");
    if (principal->region < region_count(regions)) {
        json_out_string(out, region_get(regions, principal->region).code);
    } else {
        json_out_null(out);
    }
    ticket_json_unit(out, "unit", services->policy, principal->unit_tag);
}

void token_json_row(struct json_out *out, const struct services *services,
                    const struct token_row *row) {
    json_out_object_begin(out);
    json_out_key(out, "id");
    json_out_text(out, row->id);
    json_out_key(out, "kind");
    json_out_text(out, token_kind_name(row->kind));
    json_out_key(out, "name");
    json_out_text(out, row->name);
    token_json_principal(out, services, &row->principal);
    token_json_instant(out, "created_at", row->created_ms);
    json_out_key(out, "created_by");
    json_out_text(out, row->creator);
    token_json_instant(out, "expires_at", row->expires_ms);
    json_out_key(out, "pepper");
    json_out_text(out, row->pepper_id);
    json_out_object_end(out);
}
