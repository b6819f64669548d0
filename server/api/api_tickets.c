/* GET /v1/tickets */
#include "server/api/api_tickets.h"
#include "core/base/check.h"
#include "server/api/body.h"
#include "server/api/caller.h"
#include "server/api/list_read.h"
#include "server/api/routes.h"
#include "server/api/timeline_query.h"
#include "server/domain/driver.h"

#include <stdlib.h>

/* 0 or REGION_NONE: any. */
struct ticket_filter {
    uint32_t region, states, lights, category_tag, unit_tag, priorities;
    uint64_t incident, directive;
    enum tri_state overdue, supervised;
};

struct ticket_list {
    struct list_read read;
    struct ticket_filter filter;
    struct ticket_scene scene;
    struct ticket_view view;
};

static bool is_as_wanted(enum tri_state wanted, bool is_so) {
    return wanted == TRI_UNKNOWN || (wanted == TRI_YES) == is_so;
}

static bool passes(const struct ticket_filter *filter, const struct ticket_view *view) {
    const struct ticket *ticket = &view->ticket;
    const struct region_table *regions = view->context.regions;
    return (filter->states == 0 || (filter->states >> ticket->state & 1) != 0) &&
           (filter->priorities == 0 || (filter->priorities >> ticket->priority & 1) != 0) &&
           (filter->category_tag == 0 || filter->category_tag == ticket->category_tag) &&
           (filter->unit_tag == 0 || filter->unit_tag == ticket->unit_tag) &&
           (filter->incident == 0 || filter->incident == ticket->incident) &&
           (filter->directive == 0 || filter->directive == ticket->directive) &&
           is_as_wanted(filter->overdue, ticket->overdue != 0) &&
           is_as_wanted(filter->supervised, ticket->supervised != 0) &&
           (filter->region == REGION_NONE ||
            (ticket->region != REGION_NONE &&
             region_is_within(regions, ticket->region, filter->region))) &&
           (filter->lights == 0 ||
            (filter->lights >> ticket_light(&view->context, ticket) & 1) != 0);
}

static enum status take(struct list_read *read, struct slice key, struct slice value,
                        struct json_out *out, bool *ret_taken) {
    struct ticket_list *list = (struct ticket_list *)(void *)read;
    (void)key;
    enum status status = ticket_view_decode(&list->view, &list->scene, value);
    *ret_taken = status == STATUS_OK && passes(&list->filter, &list->view);
    if (*ret_taken) {
        json_out_object_begin(out);
        ticket_json_members(out, &list->view);
        json_out_object_end(out);
    }
    return status;
}

/* The parameters. */

static bool state_bits(uint32_t *bits, struct slice word) {
    enum ticket_state state;
    if (slice_is(word, "open")) {
        for (uint32_t i = 0; i < TICKET_STATES; i++) {
            *bits |= ticket_state_is_open((enum ticket_state)i) ? UINT32_C(1) << i : 0;
        }
        return true;
    }
    if (!ticket_state_parse(&state, word)) {
        return false;
    }
    *bits |= UINT32_C(1) << state;
    return true;
}

static bool light_bits(uint32_t *bits, struct slice word) {
    for (enum light light = LIGHT_GREEN; light <= LIGHT_RED; light++) {
        if (slice_is(word, light_name(light))) {
            *bits |= UINT32_C(1) << light;
            return true;
        }
    }
    return false;
}

static bool priority_bits(uint32_t *bits, struct slice word) {
    if (word.bytes == 2 && (word.data[0] == 'P' || word.data[0] == 'p')) {
        word = (struct slice){word.data + 1, 1};
    }
    if (word.bytes != 1 || word.data[0] < '1' || word.data[0] > '4') {
        return false;
    }
    *bits |= UINT32_C(1) << (word.data[0] - '0');
    return true;
}

static bool refuse(struct http_request *request, const char *detail) {
    http_problem(request, 400, "bad query parameter", detail, NULL);
    return false;
}

/* A comma-separated list of words; absent: any. */
static bool read_words(struct http_request *request, const char *name, uint32_t *bits,
                       bool (*bits_of)(uint32_t *bits, struct slice word), const char *detail) {
    struct slice text;
    if (!http_query(request, name, &text)) {
        return true;
    }
    for (size_t start = 0; start <= text.bytes;) {
        size_t end = start;
        while (end < text.bytes && text.data[end] != ',') {
            end++;
        }
        if (!bits_of(bits, (struct slice){text.data + start, end - start})) {
            return refuse(request, detail);
        }
        start = end + 1;
    }
    return true;
}

static bool read_flag(struct http_request *request, const char *name, enum tri_state *ret,
                      const char *detail) {
    struct slice text;
    if (!http_query(request, name, &text)) {
        return true;
    }
    *ret = slice_is(text, "true") ? TRI_YES : slice_is(text, "false") ? TRI_NO : TRI_UNKNOWN;
    return *ret != TRI_UNKNOWN || refuse(request, detail);
}

static bool read_codes(struct http_request *request, struct ticket_filter *filter,
                       const struct policy *policy) {
    struct slice text;
    if (http_query(request, "region", &text)) {
        filter->region = caller_find_region(request, text);
        if (filter->region == REGION_NONE) {
            return refuse(request, "region: no region has this code");
        }
    }
    if (http_query(request, "category", &text)) {
        const struct category *category = policy_category(policy, text);
        if (category == NULL) {
            return refuse(request, "category: a category of the policy");
        }
        filter->category_tag = category->tag;
    }
    if (http_query(request, "unit", &text)) {
        const struct unit *unit = policy_unit(policy, text);
        if (unit == NULL) {
            return refuse(request, "unit: a unit of the policy");
        }
        filter->unit_tag = unit->tag;
    }
    if (http_query(request, "incident", &text) && !name_parse(&filter->incident, 'i', text)) {
        return refuse(request, "incident: an incident, as i12");
    }
    if (http_query(request, "directive", &text) && !name_parse(&filter->directive, 'd', text)) {
        return refuse(request, "directive: a directive, as d12");
    }
    return true;
}

static bool read_filter(struct http_request *request, struct ticket_filter *filter) {
    const struct services *services = services_of(request);
    *filter = (struct ticket_filter){.region = caller_region(request)};
    return read_codes(request, filter, services->policy) &&
           read_words(request, "state", &filter->states, state_bits,
                      "state: states of a ticket, or open, separated by commas") &&
           read_words(request, "light", &filter->lights, light_bits,
                      "light: green, yellow or red, separated by commas") &&
           read_words(request, "priority", &filter->priorities, priority_bits,
                      "priority: 1, 2, 3 or 4, separated by commas") &&
           read_flag(request, "overdue", &filter->overdue, "overdue: true or false") &&
           read_flag(request, "supervised", &filter->supervised, "supervised: true or false");
}

static uint64_t binding_of(const struct ticket_filter *filter) {
    const uint64_t bound[] = {filter->region,
                              filter->states,
                              filter->lights,
                              filter->priorities,
                              filter->category_tag,
                              filter->unit_tag,
                              filter->incident,
                              filter->directive,
                              (uint64_t)filter->overdue << 8 | (uint64_t)filter->supervised};
    return cursor_binding(bound, ARRAY_COUNT(bound));
}

static void release(struct list_read *read) {
    struct ticket_list *list = (struct ticket_list *)(void *)read;
    ticket_scene_deinit(&list->scene);
    free(list);
}

void api_tickets_get_on_headers(struct http_request *request) {
    struct services *services = services_of(request);
    struct ticket_filter filter;
    if (!read_filter(request, &filter)) {
        return;
    }
    struct ticket_list *list = calloc(1, sizeof *list);
    CHECK(list != NULL);
    list->filter = filter;
    list->read = (struct list_read){.db = services->db,
                                    .family = FAMILY_TICKETS,
                                    .cursor = CURSOR_TICKETS,
                                    .binding = binding_of(&filter),
                                    .take = take,
                                    .release = release};
    ticket_scene_init(&list->scene, services->driver, regions_current(services->regions));
    if (!list_read_start(&list->read, request)) {
        release(&list->read);
    }
}
