#include "server/api/body_values.h"

#include "server/api/caller.h"

#define NO_SUCH_REGION "no region has this code"

bool body_category(struct body *body, const struct policy *policy, uint32_t *ret_tag) {
    struct slice text;
    if (!body_text(body, &text)) {
        return false;
    }
    const struct category *category = policy_category(policy, text);
    if (category == NULL) {
        return body_refuse(body, "the policy has no such category");
    }
    *ret_tag = category->tag;
    return true;
}

bool body_unit(struct body *body, const struct policy *policy, uint32_t *ret_tag) {
    struct slice text;
    if (!body_text(body, &text)) {
        return false;
    }
    const struct unit *unit = policy_unit(policy, text);
    if (unit == NULL) {
        return body_refuse(body, "the policy has no such unit");
    }
    *ret_tag = unit->tag;
    return true;
}

bool body_region(struct body *body, const struct region_table *regions, uint32_t *ret) {
    struct slice text;
    if (!body_text(body, &text)) {
        return false;
    }
    uint32_t region = region_find(regions, text);
    if (region == REGION_NONE) {
        return body_refuse(body, NO_SUCH_REGION);
    }
    *ret = region;
    return true;
}

bool body_region_of(struct body *body, const struct http_request *request, uint32_t *ret) {
    struct slice code;
    if (!body_text(body, &code)) {
        return false;
    }
    *ret = caller_find_region(request, code);
    return *ret != REGION_NONE || body_refuse(body, NO_SUCH_REGION);
}

bool body_limit(struct body *body, struct stage_limit *ret) {
    struct slice text;
    if (!body_text(body, &text)) {
        return false;
    }
    return (stage_limit_parse(ret, text) && ret->amount > 0) ||
           body_refuse(body, "it is no limit: as \"30m\", \"24h\", \"4wh\" or \"5wd\"");
}

bool body_severity(struct body *body, uint8_t *ret) {
    struct slice text;
    enum severity severity;
    if (!body_text(body, &text)) {
        return false;
    }
    if (!severity_parse(&severity, text)) {
        return body_refuse(body, "a severity is extreme, severe, moderate or minor");
    }
    *ret = (uint8_t)severity;
    return true;
}

bool body_priority(struct body *body, uint8_t *ret) {
    uint64_t priority;
    if (!body_number(body, 4, &priority)) {
        body->detail = "a priority is 1, 2, 3 or 4";
        return false;
    }
    *ret = (uint8_t)priority;
    return true;
}

bool body_bounded_text(struct body *body, size_t bytes_max, const char *detail, struct slice *ret) {
    return body_text(body, ret) && (ret->bytes <= bytes_max || body_refuse(body, detail));
}
