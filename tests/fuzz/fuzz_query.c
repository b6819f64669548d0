/* Any bytes as the query of a timeline or of statistics: refused with a sentence, or read, twice
 * alike, and within what may be asked; the cursor of the page after is taken by the same query, and
 * by no other one. The first byte chooses what is asked. */
#include "core/base/check.h"
#include "server/api/cursor.h"
#include "server/api/stats_query.h"
#include "server/api/timeline_query.h"
#include "server/auth/auth.h"
#include "server/http/http_conn.h"
#include "tests/fuzz/engine_rules.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define NOW_MS INT64_C(1795136400000)

/* The page after: the same query with a cursor. */
static void set_cursor(struct http_request *request, const char *cursor) {
    struct http_target *target = &request->target;
    size_t at = 0;
    while (at < target->parameters_count && !slice_is(target->parameters[at].name, "cursor")) {
        at++;
    }
    CHECK(at < HTTP_PARAMETERS_MAX);
    target->parameters_count = at < target->parameters_count ? target->parameters_count : at + 1;
    target->parameters[at] = (struct http_parameter){SLICE_LITERAL("cursor"), slice_text(cursor)};
}

static struct limits limits;

static void try_timeline(struct http_request *request, bool streamed) {
    struct timeline_params params, again;
    struct error error = {""};
    char cursor[CURSOR_TEXT_BYTES_MAX];
    const struct policy *policy = engine_view(0)->policy;
    if (timeline_params_read(&params, request, 3, streamed, policy, &limits, &error) != STATUS_OK) {
        CHECK(error.message[0] != '\0');
        return;
    }
    CHECK(params.root == 3 && params.query.from_ms >= 0);
    CHECK(params.query.from_ms <= params.query.to_ms);
    CHECK(streamed || (params.limit >= 1 && params.limit <= limits.list_items_max));
    const struct timeline_position place = {.occurred_ms = NOW_MS, .identity_low = 7};
    (void)cursor_from_timeline(cursor, params.binding, &place);
    set_cursor(request, cursor);
    CHECK(timeline_params_read(&again, request, 3, streamed, policy, &limits, &error) == STATUS_OK);
    CHECK(again.query.has_after && again.query.after.occurred_ms == place.occurred_ms);
    CHECK(again.binding == params.binding);
    CHECK(timeline_params_read(&again, request, 2, streamed, policy, &limits, &error) != STATUS_OK);
}

static void try_stats(struct http_request *request, enum stats_list list) {
    struct stats_query query, again;
    struct error error = {""};
    char cursor[STATS_CURSOR_BYTES];
    const struct stats_names names = {engine_view(0)->policy, engine_view(0)->regions};
    if (stats_query_read(&query, request, list, &names, &limits, NOW_MS, &error) != STATUS_OK) {
        CHECK(error.message[0] != '\0');
        return;
    }
    CHECK(query.scope.from_ms <= query.scope.to_ms);
    CHECK(query.scope.to_ms - query.scope.from_ms <= STATS_DAYS_MAX * INT64_C(86400000));
    CHECK(query.scope.root == REGION_NONE || query.scope.root < region_count(names.regions));
    if (list == STATS_LIST_TICKETS || list == STATS_LIST_INCIDENTS) {
        stats_cursor_write(cursor, query.binding, 99);
        set_cursor(request, cursor);
        CHECK(stats_query_read(&again, request, list, &names, &limits, NOW_MS, &error) ==
              STATUS_OK);
        CHECK(again.has_after && again.after == 99 && again.binding == query.binding);
    }
}

/* A text as every cursor there is: what is taken is written the same again. */
static void try_cursor(struct slice text) {
    char again[CURSOR_TEXT_BYTES_MAX];
    struct cursor_numbers numbers;
    struct timeline_position place;
    uint32_t region;
    if (cursor_to_numbers(&numbers, CURSOR_TICKETS, 1, text)) {
        CHECK(cursor_from_numbers(again, CURSOR_TICKETS, 1, numbers) == text.bytes);
        CHECK(slice_is(text, again));
    }
    if (cursor_to_region(&region, 1, text)) {
        CHECK(cursor_from_region(again, 1, region) == text.bytes);
        CHECK(slice_is(text, again));
    }
    if (cursor_to_timeline(&place, 1, text)) {
        CHECK(cursor_from_timeline(again, 1, &place) == text.bytes);
        CHECK(slice_is(text, again));
    }
}

/* The region asked for is looked up in the running server's tree and is left out here. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct bearer everybody = {.principal = {.region = REGION_NONE}};
    static struct http_request request = {.guard = &everybody};
    struct buffer text, store;
    struct slice culprit;
    if (bytes < 1) {
        return 0;
    }
    limits_init(&limits);
    try_cursor((struct slice){data + 1, bytes - 1});
    buffer_init(&text);
    buffer_init(&store);
    buffer_append(&text, "/?", 2);
    buffer_append(&text, data + 1, bytes - 1);
    static const char allowed[] = "limit from to order category kind severity cursor by key part "
                                  "stat state light level";
    if (http_target_parse(&request.target, buffer_slice(&text), &store) == HTTP_REFUSAL_NONE &&
        http_target_parse_query(&request.target, allowed, &store, &culprit) == HTTP_REFUSAL_NONE) {
        if (data[0] % 8 < 4) {
            try_stats(&request, (enum stats_list)(data[0] % 4));
        } else {
            try_timeline(&request, data[0] % 2 == 0);
        }
    }
    buffer_deinit(&text);
    buffer_deinit(&store);
    return 0;
}
