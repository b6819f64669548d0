/* The answer of GET /v1/stats: counts and rates of the scope, and of each group. */
#include "core/base/check.h"
#include "core/text/instant.h"
#include "server/api/stats_link.h"
#include "server/api/stats_read.h"

#include <stdlib.h>
#include <string.h>

struct counting {
    const struct stats_source *source;
    const struct stats_query *query;
    struct stats_tally all;
    struct stats_groups *groups; /* NULL: no `by` */
};

static struct stats_tally *group_of(struct counting *counting, uint64_t key) {
    return counting->groups == NULL ? NULL : stats_group(counting->groups, key);
}

static bool add_ticket(void *context, const struct stats_subject *subject, uint64_t key) {
    struct counting *counting = context;
    struct stats_tally *group = group_of(counting, key);
    stats_add(&counting->all, subject);
    if (group != NULL) {
        stats_add(group, subject);
    }
    return true;
}

static bool add_incident(void *context, const struct incident *incident, uint64_t key) {
    struct counting *counting = context;
    (void)incident;
    counting->all.incidents++;
    bool has_groups =
        counting->query->scope.by != STATS_BY_CHANNEL && counting->query->scope.by != STATS_BY_UNIT;
    struct stats_tally *group = has_groups ? group_of(counting, key) : NULL;
    if (group != NULL) {
        group->incidents++;
    }
    return true;
}

static bool add_report(void *context, const struct timeline_row *row, uint64_t incident,
                       uint64_t key) {
    struct counting *counting = context;
    stats_add_report(&counting->all, row->seq, incident);
    struct stats_tally *group =
        counting->query->scope.by != STATS_BY_UNIT ? group_of(counting, key) : NULL;
    if (group != NULL) {
        stats_add_report(group, row->seq, incident);
    }
    return true;
}

/* Writing. */

struct writing {
    struct json_out out;
    struct stats_link link;
    const struct stats_source *source;
    const struct stats_tally *tally;
    bool is_group;
};

static void write_count(struct writing *writing, const char *name, uint64_t count, const char *what,
                        const char *parameters) {
    struct json_out *out = &writing->out;
    json_out_key(out, name);
    json_out_object_begin(out);
    json_out_key(out, "count");
    json_out_u64(out, count);
    json_out_key(out, "drilldown");
    stats_link_write(out, &writing->link, what, parameters);
    json_out_object_end(out);
}

static void write_null(struct writing *writing, const char *name) {
    json_out_key(&writing->out, name);
    json_out_null(&writing->out);
}

static void write_choice(struct writing *writing, const char *name, enum stats_kind kind,
                         uint32_t index) {
    const struct stats_choice choice = {kind, index, STATS_NUMERATOR};
    char parameters[STATS_PARAMETERS_BYTES];
    stats_link_parameters(parameters, &choice);
    write_count(writing, name, stats_number(writing->tally, &choice), "tickets", parameters);
}

/* What has no such property as the groups go by is null, not 0. */
static void write_counts(struct writing *writing) {
    struct json_out *out = &writing->out;
    enum stats_by by = writing->is_group ? writing->link.scope.by : STATS_BY_NOTHING;
    json_out_key(out, "counts");
    json_out_object_begin(out);
    if (by == STATS_BY_UNIT) {
        write_null(writing, "reports");
    } else {
        write_count(writing, "reports", writing->tally->reports, "reports", "stat=reports");
    }
    if (by == STATS_BY_UNIT || by == STATS_BY_CHANNEL) {
        write_null(writing, "incidents");
    } else {
        write_count(writing, "incidents", writing->tally->incidents, "incidents", "");
    }
    for (enum stats_count count = 0; count < STATS_COUNTS; count++) {
        write_choice(writing, stats_count_name(count), STATS_KIND_COUNT, count);
    }
    json_out_key(out, "by_state");
    json_out_object_begin(out);
    for (enum ticket_state state = 0; state < TICKET_STATES; state++) {
        write_choice(writing, ticket_state_name(state), STATS_KIND_STATE, state);
    }
    json_out_object_end(out);
    json_out_key(out, "by_light");
    json_out_object_begin(out);
    for (uint32_t light = LIGHT_GREEN; light < STATS_LIGHTS; light++) {
        write_choice(writing, light_name((enum light)light), STATS_KIND_LIGHT, light);
    }
    json_out_object_end(out);
    json_out_object_end(out);
}

static void write_window(struct writing *writing) {
    struct json_out *out = &writing->out;
    json_out_key(out, "from");
    json_out_instant(out, writing->link.scope.from_ms);
    json_out_key(out, "to");
    json_out_instant(out, writing->link.scope.to_ms);
    json_out_key(out, "as_of");
    json_out_u64(out, writing->source->as_of);
}

struct rate {
    const char *name, *chinese, *what;
    uint64_t numerator, denominator;
    const char *of_numerator, *of_denominator; /* parameters of the lists */
};

static void write_rate_members(struct writing *writing, const struct rate *rate) {
    struct json_out *out = &writing->out;
    CHECK(rate->numerator <= rate->denominator);
    json_out_key(out, "name");
    json_out_text(out, rate->chinese);
    json_out_key(out, "numerator");
    json_out_u64(out, rate->numerator);
    json_out_key(out, "denominator");
    json_out_u64(out, rate->denominator);
    json_out_key(out, "rate");
    if (rate->denominator == 0) {
        json_out_null(out);
    } else {
        json_out_double(out, (double)rate->numerator / (double)rate->denominator);
    }
    if (!writing->is_group) {
        write_window(writing);
    }
    json_out_key(out, "drilldown");
    stats_link_write(out, &writing->link, rate->what, rate->of_numerator);
    json_out_key(out, "drilldown_denominator");
    stats_link_write(out, &writing->link, rate->what, rate->of_denominator);
}

static void write_rate(struct writing *writing, const struct rate *rate) {
    json_out_key(&writing->out, rate->name);
    json_out_object_begin(&writing->out);
    write_rate_members(writing, rate);
    json_out_object_end(&writing->out);
}

/* Of tickets. */
static void fill_rate(struct rate *rate, const struct stats_tally *tally,
                      struct stats_choice choice, char numerator[STATS_PARAMETERS_BYTES],
                      char denominator[STATS_PARAMETERS_BYTES]) {
    choice.part = STATS_NUMERATOR;
    rate->numerator = stats_number(tally, &choice);
    stats_link_parameters(numerator, &choice);
    choice.part = STATS_DENOMINATOR;
    rate->denominator = stats_number(tally, &choice);
    stats_link_parameters(denominator, &choice);
    rate->what = "tickets";
    rate->of_numerator = numerator;
    rate->of_denominator = denominator;
}

static void write_rates(struct writing *writing) {
    const struct stats_tally *tally = writing->tally;
    char numerator[STATS_PARAMETERS_BYTES], denominator[STATS_PARAMETERS_BYTES];
    json_out_key(&writing->out, "rates");
    json_out_object_begin(&writing->out);
    for (enum stats_rate i = 0; i < STATS_RATES; i++) {
        struct rate rate = {.name = stats_rate_name(i), .chinese = stats_rate_chinese(i)};
        fill_rate(&rate, tally, (struct stats_choice){STATS_KIND_RATE, i, STATS_NUMERATOR},
                  numerator, denominator);
        write_rate(writing, &rate);
    }
    const struct rate duplication = {"duplication",
                                     "重复率",
                                     "reports",
                                     tally->reports_joined,
                                     tally->reports_placed,
                                     "stat=duplication&part=numerator",
                                     "stat=duplication&part=denominator"};
    if (writing->is_group && writing->link.scope.by == STATS_BY_UNIT) {
        write_null(writing, duplication.name);
    } else {
        write_rate(writing, &duplication);
    }
    json_out_object_end(&writing->out);
}

/* Which rank solved it; ranks that solved nothing are left out. */
static void write_levels(struct writing *writing) {
    struct json_out *out = &writing->out;
    char numerator[STATS_PARAMETERS_BYTES], denominator[STATS_PARAMETERS_BYTES];
    json_out_key(out, "resolution_levels");
    json_out_array_begin(out);
    for (uint32_t level = 0; level < STATS_LEVELS; level++) {
        struct rate rate = {.name = "level", .chinese = "办结层级"};
        fill_rate(&rate, writing->tally,
                  (struct stats_choice){STATS_KIND_LEVEL, level, STATS_NUMERATOR}, numerator,
                  denominator);
        if (rate.numerator == 0) {
            continue;
        }
        json_out_object_begin(out);
        json_out_key(out, rate.name);
        if (level == STATS_LEVEL_UNKNOWN) {
            json_out_null(out);
        } else {
            json_out_u64(out, level);
        }
        write_rate_members(writing, &rate);
        json_out_object_end(out);
    }
    json_out_array_end(out);
}

static void write_tally(struct writing *writing, const struct stats_tally *tally) {
    writing->tally = tally;
    write_counts(writing);
    write_rates(writing);
    write_levels(writing);
    json_out_key(&writing->out, "region_light");
    json_out_text(&writing->out, light_name(stats_region_light(tally)));
}

/* Groups in the order of their keys' words. */

struct named_group {
    struct slice key, name;
    const struct stats_group *group;
};

static int compare_named(const void *a, const void *b) {
    const struct named_group *x = a, *y = b;
    size_t bytes = min_u64(x->key.bytes, y->key.bytes);
    int order = bytes == 0 ? 0 : memcmp(x->key.data, y->key.data, bytes);
    return order != 0 ? order : (x->key.bytes > y->key.bytes) - (x->key.bytes < y->key.bytes);
}

static void write_named(struct writing *writing, const struct named_group *named) {
    struct json_out *out = &writing->out;
    json_out_object_begin(out);
    json_out_key(out, "key");
    json_out_string(out, named->key);
    json_out_key(out, "name");
    if (named->name.bytes == 0) {
        json_out_null(out);
    } else {
        json_out_string(out, named->name);
    }
    writing->link.scope.has_key = true;
    writing->link.scope.key = named->group->key;
    write_tally(writing, &named->group->tally);
    json_out_object_end(out);
}

static void write_groups(struct writing *writing, const struct stats_groups *groups) {
    struct json_out *out = &writing->out;
    struct named_group *named = calloc(groups->count + 1, sizeof named[0]);
    char(*texts)[STATS_KEY_BYTES] = calloc(groups->count + 1, sizeof texts[0]);
    CHECK(named != NULL && texts != NULL); /* at most STATS_GROUPS_MAX */
    for (uint32_t i = 0; i < groups->count; i++) {
        named[i].group = &groups->groups[i];
        named[i].key = stats_key_text(texts[i], writing->link.names, writing->link.scope.by,
                                      named[i].group->key, &named[i].name);
    }
    qsort(named, groups->count, sizeof named[0], compare_named);
    writing->is_group = true;
    json_out_key(out, "groups");
    json_out_array_begin(out);
    for (uint32_t i = 0; i < groups->count; i++) {
        write_named(writing, &named[i]);
    }
    json_out_array_end(out);
    json_out_key(out, "groups_truncated");
    json_out_bool(out, groups->truncated);
    free(texts);
    free(named);
}

static void write_answer(const struct counting *counting, struct buffer *to) {
    const struct stats_scope *scope = &counting->query->scope;
    const struct stats_names *names = &counting->source->names;
    struct writing writing = {.source = counting->source,
                              .link = {.names = names, .scope = *scope}};
    struct json_out *out = &writing.out;
    json_out_init(out, to);
    buffer_init(&writing.link.scratch);
    json_out_object_begin(out);
    json_out_key(out, "region");
    if (scope->root == REGION_NONE) {
        json_out_null(out);
    } else {
        json_out_string(out, region_get(names->regions, scope->root).code);
    }
    write_window(&writing);
    json_out_key(out, "by");
    json_out_text(out, scope->by == STATS_BY_NOTHING ? NULL : stats_by_name(scope->by));
    write_tally(&writing, &counting->all);
    if (counting->groups != NULL) {
        write_groups(&writing, counting->groups);
    }
    json_out_object_end(out);
    buffer_append_text(to, "\n");
    buffer_deinit(&writing.link.scratch);
}

enum status stats_count_all(const struct stats_source *source, const struct stats_query *query,
                            struct buffer *to, struct error *error) {
    struct counting counting = {.source = source, .query = query};
    const struct stats_scope *scope = &query->scope;
    if (scope->by != STATS_BY_NOTHING) {
        counting.groups = calloc(1, sizeof *counting.groups);
        if (counting.groups == NULL) {
            return error_set(error, STATUS_NO_MEMORY, "no memory for groups", NULL, NULL);
        }
    }
    enum status status = stats_walk_tickets(source, scope, add_ticket, &counting, error);
    if (status == STATUS_OK) {
        status = stats_walk_incidents(source, scope, add_incident, &counting, error);
    }
    if (status == STATUS_OK) {
        status = stats_walk_reports(source, scope, add_report, &counting, error);
    }
    if (status == STATUS_OK) {
        write_answer(&counting, to);
    }
    free(counting.groups);
    return status;
}
