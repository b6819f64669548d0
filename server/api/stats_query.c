#include "server/api/stats_query.h"

#include "server/api/caller.h"

#include "core/base/check.h"
#include "core/text/instant.h"
#include "server/api/cursor.h"
#include "server/api/timeline_query.h"

#include <stdio.h>
#include <string.h>

static enum status refuse(struct error *error, const char *name, const char *what) {
    return error_set(error, STATUS_INVALID, name, ": ", what);
}

bool stats_may_start(uint64_t *under_way, const struct limits *limits, uint64_t pool_threads) {
    uint64_t spared = pool_threads > 1 ? pool_threads - 1 : 1;
    if (*under_way >= min_u64(limits->stats_jobs, spared)) {
        return false;
    }
    ++*under_way;
    return true;
}

/* Cursors: the number and a check of what it belongs to, in hexadecimal. */

static uint32_t cursor_check(uint64_t binding, uint64_t number) {
    const uint64_t values[] = {binding, number};
    return (uint32_t)cursor_binding(values, ARRAY_COUNT(values));
}

void stats_cursor_write(char to[STATS_CURSOR_BYTES], uint64_t binding, uint64_t number) {
    int bytes = snprintf(to, STATS_CURSOR_BYTES, "%016llx%08x", (unsigned long long)number,
                         cursor_check(binding, number));
    CHECK(bytes == STATS_CURSOR_BYTES - 1);
}

bool stats_cursor_read(uint64_t *ret_number, uint64_t binding, struct slice text) {
    uint64_t number, check;
    if (text.bytes != STATS_CURSOR_BYTES - 1 || !stats_hex_parse(&number, text.data, 16) ||
        !stats_hex_parse(&check, text.data + 16, 8) || check != cursor_check(binding, number)) {
        return false;
    }
    *ret_number = number;
    return true;
}

/* Parameters. */

static enum status read_instant(int64_t *ret_ms, const struct http_request *request,
                                const char *name, struct error *error) {
    struct slice text;
    const char *why;
    if (http_query(request, name, &text) && !instant_parse(ret_ms, text, &why)) {
        return refuse(error, name, why);
    }
    return STATUS_OK;
}

static enum status read_window(struct stats_scope *scope, const struct http_request *request,
                               int64_t now_ms, struct error *error) {
    scope->to_ms = now_ms + 1; /* what came in this very millisecond is in */
    enum status status = read_instant(&scope->to_ms, request, "to", error);
    scope->from_ms = scope->to_ms - DAY_MS;
    if (status == STATUS_OK) {
        status = read_instant(&scope->from_ms, request, "from", error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (scope->from_ms > scope->to_ms) {
        return refuse(error, "from", "an instant that is not after `to`");
    }
    if (scope->to_ms - scope->from_ms > (int64_t)STATS_DAYS_MAX * DAY_MS) {
        return refuse(error, "from", "at most 400 days before `to`");
    }
    /* Nothing is stored from before 1970; keys have no room for it. */
    scope->from_ms = scope->from_ms < 0 ? 0 : scope->from_ms;
    scope->to_ms = scope->to_ms < 0 ? 0 : scope->to_ms;
    return STATUS_OK;
}

static enum status read_group(struct stats_scope *scope, const struct http_request *request,
                              const struct stats_names *names, struct error *error) {
    struct slice text;
    if (http_query(request, "by", &text)) {
        if (!stats_by_parse(&scope->by, text)) {
            return refuse(error, "by", "category, region, channel, unit or day");
        }
    }
    scope->has_key = http_query(request, "key", &text);
    if (scope->has_key && !stats_key_parse(&scope->key, names, scope->by, text)) {
        return refuse(error, "key", "a group's key of these statistics, with `by`");
    }
    return STATUS_OK;
}

static enum status read_scope(struct stats_scope *scope, const struct http_request *request,
                              const struct stats_names *names, int64_t now_ms,
                              struct error *error) {
    struct slice text;
    scope->root = caller_region(request);
    if (http_query(request, "region", &text)) {
        scope->root = caller_find_region(request, text);
        if (scope->root == REGION_NONE) {
            return error_set(error, STATUS_NOT_FOUND, "no region has this code", NULL, NULL);
        }
    }
    enum status status = read_window(scope, request, now_ms, error);
    return status == STATUS_OK ? read_group(scope, request, names, error) : status;
}

static enum status read_part(enum stats_part *ret, const struct http_request *request,
                             struct error *error) {
    struct slice text;
    *ret = STATS_NUMERATOR;
    if (http_query(request, "part", &text)) {
        if (slice_is(text, "denominator")) {
            *ret = STATS_DENOMINATOR;
        } else if (!slice_is(text, "numerator")) {
            return refuse(error, "part", "numerator or denominator");
        }
    }
    return STATUS_OK;
}

static bool light_parse(uint32_t *ret, struct slice text) {
    for (uint32_t light = LIGHT_GREEN; light < STATS_LIGHTS; light++) {
        if (slice_is(text, light_name((enum light)light))) {
            *ret = light;
            return true;
        }
    }
    return false;
}

static bool level_parse(uint32_t *ret, struct slice text) {
    uint64_t level = 0;
    if (slice_is(text, "unknown")) {
        level = STATS_LEVEL_UNKNOWN;
    } else if (!slice_is(text, "0") &&
               (!parameter_number(&level, text) || level >= STATS_LEVEL_UNKNOWN)) {
        return false;
    }
    *ret = (uint32_t)level;
    return true;
}

static bool state_parse(uint32_t *ret, struct slice text) {
    enum ticket_state state;
    if (!ticket_state_parse(&state, text)) {
        return false;
    }
    *ret = state;
    return true;
}

/* Numbers that have a value of their own: ?stat=state&state=handling. */
static const struct {
    const char *name, *expected;
    enum stats_kind kind;
    bool (*parse)(uint32_t *ret, struct slice text);
} valued[] = {
    {"state", "a state of tickets", STATS_KIND_STATE, state_parse},
    {"light", "green, yellow or red", STATS_KIND_LIGHT, light_parse},
    {"level", "a region level, 0 to 15, or unknown", STATS_KIND_LEVEL, level_parse},
};

static enum status read_choice(struct stats_choice *choice, const struct http_request *request,
                               struct error *error) {
    struct slice stat = SLICE_LITERAL("tickets"), text;
    enum stats_rate rate;
    enum stats_count count;
    bool has_stat = http_query(request, "stat", &stat);
    for (size_t i = 0; i < ARRAY_COUNT(valued); i++) {
        bool has_value = http_query(request, valued[i].name, &text);
        bool is_it = slice_is(stat, valued[i].name);
        if (has_value != is_it || (is_it && !valued[i].parse(&choice->index, text))) {
            return refuse(error, valued[i].name, valued[i].expected);
        }
        if (is_it) {
            choice->kind = valued[i].kind;
            return STATUS_OK;
        }
    }
    if (stats_rate_parse(&rate, stat)) {
        *choice = (struct stats_choice){STATS_KIND_RATE, rate, choice->part};
    } else if (stats_count_parse(&count, stat)) {
        *choice = (struct stats_choice){STATS_KIND_COUNT, count, choice->part};
    } else {
        return refuse(error, has_stat ? "stat" : "", "a number that the statistics have");
    }
    return STATUS_OK;
}

static enum status read_reports(enum stats_reports *ret, enum stats_part part,
                                const struct http_request *request, struct error *error) {
    struct slice stat = SLICE_LITERAL("reports");
    (void)http_query(request, "stat", &stat);
    bool is_duplication = slice_is(stat, "duplication");
    if (!is_duplication && !slice_is(stat, "reports")) {
        return refuse(error, "stat", "reports or duplication");
    }
    *ret = !is_duplication             ? STATS_REPORTS_ALL
           : part == STATS_DENOMINATOR ? STATS_REPORTS_PLACED
                                       : STATS_REPORTS_JOINED;
    return STATUS_OK;
}

static enum status read_what(struct stats_query *query, const struct http_request *request,
                             struct error *error) {
    enum status status = read_part(&query->choice.part, request, error);
    if (status == STATUS_OK && query->list == STATS_LIST_TICKETS) {
        status = read_choice(&query->choice, request, error);
    }
    if (status == STATUS_OK && query->list == STATS_LIST_REPORTS) {
        status = read_reports(&query->reports, query->choice.part, request, error);
    }
    return status;
}

static enum status read_page(struct stats_query *query, const struct http_request *request,
                             const struct limits *limits, struct error *error) {
    const struct stats_scope *scope = &query->scope;
    const uint64_t bound[] = {query->list,
                              scope->root,
                              (uint64_t)scope->from_ms,
                              scope->by,
                              scope->has_key,
                              (uint64_t)scope->to_ms,
                              scope->key,
                              query->choice.kind,
                              query->choice.index,
                              query->choice.part,
                              (uint64_t)query->reports};
    query->binding = cursor_binding(bound, ARRAY_COUNT(bound));
    struct slice text;
    query->has_after = http_query(request, "cursor", &text);
    if (query->has_after) {
        bool sound = query->list == STATS_LIST_REPORTS
                         ? cursor_to_timeline(&query->place, query->binding, text)
                         : stats_cursor_read(&query->after, query->binding, text);
        if (!sound) {
            return refuse(error, "cursor", "it is damaged or belongs to another query");
        }
    }
    return parameter_limit(&query->limit, request, limits, error);
}

/* What a group's key may be asked of: an incident has no channel and no unit, a report no unit. */
static enum status check_group(const struct stats_query *query, struct error *error) {
    enum stats_by by = query->scope.by;
    bool has_none =
        (query->list == STATS_LIST_INCIDENTS && (by == STATS_BY_CHANNEL || by == STATS_BY_UNIT)) ||
        (query->list == STATS_LIST_REPORTS && by == STATS_BY_UNIT);
    return has_none ? refuse(error, "by", "what is listed has no such property") : STATUS_OK;
}

enum status stats_query_read(struct stats_query *ret, const struct http_request *request,
                             enum stats_list list, const struct stats_names *names,
                             const struct limits *limits, int64_t now_ms, struct error *error) {
    struct stats_query query = {.list = list};
    enum status status = read_scope(&query.scope, request, names, now_ms, error);
    if (status == STATUS_OK && list != STATS_LIST_NONE) {
        status = check_group(&query, error);
        status = status == STATUS_OK ? read_what(&query, request, error) : status;
        status = status == STATUS_OK ? read_page(&query, request, limits, error) : status;
    }
    if (status == STATUS_OK) {
        *ret = query;
    }
    return status;
}
