/* GET /v1/policy: the words of the policy in force, so that a screen can offer and name them. */
#include "server/api/routes.h"
#include "server/json_out.h"
#include "server/services.h"

static void write_named(struct json_out *out, const char *code, const char *name) {
    json_out_key(out, "code");
    json_out_text(out, code);
    json_out_key(out, "name");
    json_out_text(out, name);
}

static void write_categories(struct json_out *out, const struct policy *policy) {
    json_out_key(out, "categories");
    json_out_array_begin(out);
    for (uint32_t i = 0; i < policy->categories_count; i++) {
        const struct category *category = &policy->categories[i];
        json_out_object_begin(out);
        write_named(out, category->code, category->name);
        json_out_key(out, "priority");
        json_out_u64(out, category->priority);
        json_out_key(out, "severity");
        json_out_text(out, severity_name(category->severity));
        json_out_key(out, "ticket");
        json_out_bool(out, category->opens_ticket);
        json_out_key(out, "self_handle");
        json_out_bool(out, category->self_handle);
        json_out_key(out, "merge_class");
        json_out_text(out, policy_merge_class(policy, category)->code);
        json_out_object_end(out);
    }
    json_out_array_end(out);
}

static void write_channels(struct json_out *out, const struct policy *policy) {
    json_out_key(out, "channels");
    json_out_array_begin(out);
    for (uint32_t i = 0; i < policy->channels_count; i++) {
        json_out_object_begin(out);
        write_named(out, policy->channels[i].code, policy->channels[i].name);
        json_out_key(out, "public");
        json_out_bool(out, policy->channels[i].public_);
        json_out_object_end(out);
    }
    json_out_array_end(out);
}

static void write_units(struct json_out *out, const struct policy *policy) {
    json_out_key(out, "units");
    json_out_array_begin(out);
    for (uint32_t i = 0; i < policy->units_count; i++) {
        json_out_object_begin(out);
        write_named(out, policy->units[i].code, policy->units[i].name);
        json_out_object_end(out);
    }
    json_out_array_end(out);
}

void api_policy_on_headers(struct http_request *request) {
    const struct policy *policy = services_of(request)->policy;
    struct buffer body;
    struct json_out out;
    buffer_init(&body);
    json_out_init(&out, &body);
    json_out_object_begin(&out);
    json_out_key(&out, "version");
    json_out_u64(&out, policy->version);
    write_categories(&out, policy);
    write_channels(&out, policy);
    write_units(&out, policy);
    json_out_object_end(&out);
    http_respond(request, 200, "application/json", buffer_slice(&body));
    buffer_deinit(&body);
}
