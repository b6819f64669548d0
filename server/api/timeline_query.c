#include "server/api/timeline_query.h"

#include "core/base/check.h"
#include "core/text/instant.h"
#include "server/api/cursor.h"

#include <stdio.h>
#include <string.h>

/* No instant that can be written is later: the year 10000. */
#define INSTANT_END_MS INT64_C(253402300800000)

/* "NAME: WHAT" */
static enum status refuse(struct error *error, const char *name, const char *what) {
    return error_set(error, STATUS_INVALID, name, ": ", what);
}

bool parameter_number(uint64_t *ret_value, struct slice text) {
    if (text.bytes == 0 || text.bytes > 19 || text.data[0] == '0') {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        value = value * 10 + (text.data[i] - '0');
    }
    *ret_value = value;
    return true;
}

enum status parameter_limit(uint64_t *ret_limit, const struct http_request *request,
                            const struct limits *limits, struct error *error) {
    struct slice text;
    uint64_t limit = limits->list_items_default;
    if (http_query(request, "limit", &text) &&
        (!parameter_number(&limit, text) || limit > limits->list_items_max)) {
        char range[64];
        (void)snprintf(range, sizeof range, "a whole number from 1 to %llu",
                       (unsigned long long)limits->list_items_max);
        return refuse(error, "limit", range);
    }
    *ret_limit = limit;
    return STATUS_OK;
}

static enum status read_limit(struct timeline_params *params, const struct http_request *request,
                              bool streamed, const struct limits *limits, struct error *error) {
    struct slice text;
    if (!streamed) {
        return parameter_limit(&params->limit, request, limits, error);
    }
    params->limit = UINT64_MAX;
    if (http_query(request, "limit", &text) && !parameter_number(&params->limit, text)) {
        return refuse(error, "limit", "a whole number from 1 on");
    }
    return STATUS_OK;
}

static enum status read_instant(int64_t *ret_ms, const struct http_request *request,
                                const char *name, struct error *error) {
    struct slice text;
    const char *why;
    if (http_query(request, name, &text) && !instant_parse(ret_ms, text, &why)) {
        return refuse(error, name, why);
    }
    return STATUS_OK;
}

static enum status read_range(struct timeline_query *query, const struct http_request *request,
                              struct error *error) {
    query->from_ms = 0;
    query->to_ms = INSTANT_END_MS;
    enum status status = read_instant(&query->from_ms, request, "from", error);
    if (status == STATUS_OK) {
        status = read_instant(&query->to_ms, request, "to", error);
    }
    if (status == STATUS_OK && query->from_ms > query->to_ms) {
        status = refuse(error, "from", "an instant that is not after `to`");
    }
    if (status == STATUS_OK) {
        /* Nothing is stored from before 1970; keys have no room for it. */
        query->from_ms = query->from_ms < 0 ? 0 : query->from_ms;
        query->to_ms = query->to_ms < 0 ? 0 : query->to_ms;
    }
    return status;
}

static uint64_t severity_bit(struct slice word) {
    enum severity severity;
    return severity_parse(&severity, word) ? UINT64_C(1) << severity : 0;
}

/* A comma-separated list of words as a mask; `bits_of` gives 0 for what is no word. */
static enum status read_words(uint64_t *ret_mask, const struct http_request *request,
                              const char *name, uint64_t (*bits_of)(struct slice),
                              const char *expected, struct error *error) {
    struct slice text;
    if (!http_query(request, name, &text)) {
        return STATUS_OK;
    }
    uint64_t mask = 0;
    for (size_t start = 0; start <= text.bytes;) {
        size_t end = start;
        while (end < text.bytes && text.data[end] != ',') {
            end++;
        }
        uint64_t bits = bits_of((struct slice){text.data + start, end - start});
        if (bits == 0) {
            return refuse(error, name, expected);
        }
        mask |= bits;
        start = end + 1;
    }
    CHECK(mask != 0);
    *ret_mask = mask;
    return STATUS_OK;
}

static enum status read_filters(struct timeline_query *query, const struct http_request *request,
                                const struct policy *policy, struct error *error) {
    struct slice text;
    query->ascending = false;
    if (http_query(request, "order", &text)) {
        query->ascending = slice_is(text, "asc");
        if (!query->ascending && !slice_is(text, "desc")) {
            return refuse(error, "order", "asc or desc");
        }
    }
    query->category_tag = 0;
    if (http_query(request, "category", &text)) {
        const struct category *category = policy_category(policy, text);
        if (category == NULL) {
            return refuse(error, "category", "a category of the policy");
        }
        query->category_tag = category->tag;
    }
    query->kinds = 0;
    enum status status =
        read_words(&query->kinds, request, "kind", entry_kinds_named,
                   "report, ticket.* (also incident.*, directive.*) or single kinds "
                   "like ticket.overdue, separated by commas",
                   error);
    uint64_t severities = 0;
    if (status == STATUS_OK) {
        status = read_words(&severities, request, "severity", severity_bit,
                            "extreme, severe, moderate or minor, separated by commas", error);
    }
    CHECK(severities <= UINT32_MAX);
    query->severities = (uint32_t)severities;
    return status;
}

static enum status read_cursor(struct timeline_params *params, const struct http_request *request,
                               struct error *error) {
    struct timeline_query *query = &params->query;
    const uint64_t bound[] = {params->root,           query->ascending,    (uint64_t)query->from_ms,
                              (uint64_t)query->to_ms, query->category_tag, query->kinds,
                              query->severities};
    params->binding = cursor_binding(bound, ARRAY_COUNT(bound));
    struct slice text;
    query->has_after = http_query(request, "cursor", &text);
    if (query->has_after && !cursor_to_timeline(&query->after, params->binding, text)) {
        return refuse(error, "cursor", "it is damaged or belongs to another query");
    }
    return STATUS_OK;
}

enum status timeline_params_read(struct timeline_params *ret, const struct http_request *request,
                                 uint32_t root, bool streamed, const struct policy *policy,
                                 const struct limits *limits, struct error *error) {
    struct timeline_params params = {.root = root};
    enum status status = read_limit(&params, request, streamed, limits, error);
    if (status == STATUS_OK) {
        status = read_range(&params.query, request, error);
    }
    if (status == STATUS_OK) {
        status = read_filters(&params.query, request, policy, error);
    }
    if (status == STATUS_OK) {
        status = read_cursor(&params, request, error);
    }
    if (status == STATUS_OK) {
        *ret = params;
    }
    return status;
}
