/* GET /v1/incidents */
#include "server/api/api_incidents.h"
#include "core/base/check.h"
#include "server/api/caller.h"
#include "server/api/list_read.h"
#include "server/api/routes.h"

#include <stdlib.h>

struct incident_list {
    struct list_read read;
    uint32_t region, category_tag, states; /* REGION_NONE or 0: any */
    struct region_ref *regions;
    const struct policy *policy;
};

static bool passes(const struct incident_list *list, const struct incident *incident) {
    const struct region_table *regions = list->regions->table;
    return (list->states == 0 || (list->states >> incident->state & 1) != 0) &&
           (list->category_tag == 0 || list->category_tag == incident->category_tag) &&
           (list->region == REGION_NONE ||
            (incident->region < region_count(regions) &&
             region_is_within(regions, incident->region, list->region)));
}

static enum status take(struct list_read *read, struct slice key, struct slice value,
                        struct json_out *out, bool *ret_taken) {
    const struct incident_list *list = (const struct incident_list *)(void *)read;
    struct incident_row row;
    if (!incident_row_decode(&row.incident, &row.detail, key, value)) {
        return STATUS_CORRUPT;
    }
    *ret_taken = passes(list, &row.incident);
    if (*ret_taken) {
        json_out_object_begin(out);
        incident_json_members(out, &row.incident, list->regions->table, list->policy);
        json_out_object_end(out);
    }
    return STATUS_OK;
}

static void release(struct list_read *read) {
    struct incident_list *list = (struct incident_list *)(void *)read;
    region_ref_release(list->regions);
    free(list);
}

static bool refuse(struct http_request *request, const char *detail) {
    http_problem(request, 400, "bad query parameter", detail, NULL);
    return false;
}

static bool read_states(const struct http_request *request, uint32_t *bits) {
    struct slice text;
    if (!http_query(request, "state", &text)) {
        return true;
    }
    for (size_t start = 0; start <= text.bytes;) {
        size_t end = start;
        uint32_t bit = 0;
        while (end < text.bytes && text.data[end] != ',') {
            end++;
        }
        for (enum incident_state state = INCIDENT_OPEN; state <= INCIDENT_MERGED; state++) {
            if (slice_is((struct slice){text.data + start, end - start},
                         incident_state_name(state))) {
                bit = UINT32_C(1) << state;
            }
        }
        *bits |= bit;
        start = end + 1;
        if (bit == 0) {
            return false;
        }
    }
    return true;
}

static bool read_filter(struct http_request *request, struct incident_list *list) {
    struct slice text;
    list->region = caller_region(request);
    if (http_query(request, "region", &text)) {
        list->region = caller_find_region(request, text);
        if (list->region == REGION_NONE) {
            return refuse(request, "region: no region has this code");
        }
    }
    if (http_query(request, "category", &text)) {
        const struct category *category = policy_category(list->policy, text);
        if (category == NULL) {
            return refuse(request, "category: a category of the policy");
        }
        list->category_tag = category->tag;
    }
    return read_states(request, &list->states) ||
           refuse(request, "state: open, handled, false or merged, separated by commas");
}

void api_incidents_get_on_headers(struct http_request *request) {
    struct services *services = services_of(request);
    struct incident_list *list = calloc(1, sizeof *list);
    CHECK(list != NULL);
    list->regions = region_ref_acquire(regions_current(services->regions));
    list->policy = services->policy;
    if (!read_filter(request, list)) {
        release(&list->read);
        return;
    }
    const uint64_t bound[] = {list->region, list->category_tag, list->states};
    list->read = (struct list_read){.db = services->db,
                                    .family = FAMILY_INCIDENTS,
                                    .cursor = CURSOR_INCIDENTS,
                                    .binding = cursor_binding(bound, ARRAY_COUNT(bound)),
                                    .take = take,
                                    .release = release};
    if (!list_read_start(&list->read, request)) {
        release(&list->read);
    }
}
