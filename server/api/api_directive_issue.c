/* POST /v1/directives */
#include "core/base/check.h"
#include "server/api/api_tickets.h"
#include "server/api/audit.h"
#include "server/api/body_values.h"
#include "server/api/caller.h"
#include "server/api/creation.h"
#include "server/api/routes.h"
#include "server/domain/driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct directive_change {
    struct creation creation;
    struct body body;
    struct directive_order order;
    struct buffer addressees; /* struct directive_addressee */
    uint64_t number;          /* once it is issued */
};

static struct directive_change *of(struct change *change) {
    return (struct directive_change *)(void *)change;
}

static bool read_addressee_member(struct directive_change *change, struct slice name,
                                  struct directive_addressee *addressee) {
    struct body *body = &change->body;
    const struct services *services = change->creation.change.services;
    if (slice_is(name, "region")) {
        return body_is_null(body) ||
               body_region_of(body, change->creation.change.request, &addressee->region);
    }
    if (slice_is(name, "unit")) {
        return body_is_null(body) || body_unit(body, services->policy, &addressee->unit_tag);
    }
    return body_refuse(body, "an addressee has no such member");
}

static bool read_addressee(struct directive_change *change) {
    struct body *body = &change->body;
    struct directive_addressee addressee = {REGION_NONE, 0};
    struct slice name;
    if (!body_object(body)) {
        return false;
    }
    while (body_member(body, &name)) {
        if (!read_addressee_member(change, name, &addressee)) {
            return false;
        }
    }
    if (body->detail != NULL) {
        return false;
    }
    if (addressee.region == REGION_NONE && addressee.unit_tag == 0) {
        return body_refuse(body, "an addressee is a region, a unit, or a unit in a region");
    }
    buffer_append(&change->addressees, &addressee, sizeof addressee);
    return true;
}

static bool read_addressees(struct directive_change *change) {
    const struct limits *limits = &change->creation.change.services->config->limits;
    struct body *body = &change->body;
    if (!body_array(body)) {
        return false;
    }
    while (body_element(body)) {
        size_t count = change->addressees.bytes / sizeof(struct directive_addressee);
        if (count == limits->directive_addressees) {
            return body_refuse(body, "these are more addressees than limits.directive_addressees");
        }
        if (!read_addressee(change)) {
            return false;
        }
    }
    return body->detail == NULL;
}

static bool read_member(void *context, struct slice name) {
    struct directive_change *change = context;
    struct body *body = &change->body;
    struct directive_order *order = &change->order;
    const struct services *services = change->creation.change.services;
    if (slice_is(name, "category")) {
        return body_category(body, services->policy, &order->category_tag);
    }
    if (slice_is(name, "text")) {
        return body_bounded_text(body, TICKET_NOTE_BYTES_MAX, "it is longer than 2048 bytes",
                                 &order->note);
    }
    if (slice_is(name, "issuer")) {
        return body_bounded_text(body, TICKET_NAME_BYTES_MAX, "it is longer than 128 bytes",
                                 &order->issuer);
    }
    if (slice_is(name, "region")) {
        return body_region_of(body, change->creation.change.request, &order->region);
    }
    if (slice_is(name, "addressees")) {
        return read_addressees(change);
    }
    if (slice_is(name, "receipt_limit")) {
        return body_limit(body, &order->receipt);
    }
    if (slice_is(name, "execution_limit")) {
        return body_limit(body, &order->execution);
    }
    if (slice_is(name, "severity")) {
        return body_severity(body, &order->severity);
    }
    if (slice_is(name, "command_id")) {
        return creation_read_key(body);
    }
    if (slice_is(name, "priority")) {
        return body_priority(body, &order->priority);
    }
    return body_refuse(body, "a directive has no such member");
}

static int compare_addressees(const void *a, const void *b) {
    const struct directive_addressee *left = a, *right = b;
    int by_region = (left->region > right->region) - (left->region < right->region);
    return by_region != 0 ? by_region
                          : (left->unit_tag > right->unit_tag) - (left->unit_tag < right->unit_tag);
}

static bool has_repeated(const struct directive_change *change) {
    size_t count = change->addressees.bytes / sizeof(struct directive_addressee);
    struct directive_addressee *sorted = malloc(change->addressees.bytes);
    bool repeated = false;
    CHECK(sorted != NULL);
    memcpy(sorted, change->addressees.data, change->addressees.bytes);
    qsort(sorted, count, sizeof *sorted, compare_addressees);
    for (size_t i = 1; i < count; i++) {
        repeated = repeated || compare_addressees(&sorted[i - 1], &sorted[i]) == 0;
    }
    free(sorted);
    return repeated;
}

static uint32_t root_of(const struct region_table *regions, uint32_t region) {
    uint32_t path[REGION_DEPTH_CAP];
    (void)region_path(regions, region, path);
    return path[0];
}

/* Every entry stands somewhere. Who issues without saying where from does it at the top of the
 * tree, and a unit that is addressed without a region has its ticket where the issuer is. */
static bool settle_regions(struct directive_change *change) {
    const struct region_table *regions =
        regions_current(change->creation.change.services->regions)->table;
    struct directive_order *order = &change->order;
    struct directive_addressee *addressees =
        (struct directive_addressee *)(void *)change->addressees.data;
    for (size_t i = 0; i < order->addressees_count && order->region == REGION_NONE; i++) {
        order->region = addressees[i].region == REGION_NONE
                            ? REGION_NONE
                            : root_of(regions, addressees[i].region);
    }
    if (order->region == REGION_NONE && region_count(regions) > 0) {
        order->region = root_of(regions, 0);
    }
    for (size_t i = 0; i < order->addressees_count; i++) {
        if (addressees[i].region == REGION_NONE) {
            addressees[i].region = order->region;
        }
    }
    return order->region != REGION_NONE;
}

/* What must be there, and what can be judged only together. */
static bool is_whole(struct directive_change *change) {
    struct body *body = &change->body;
    struct directive_order *order = &change->order;
    const struct policy *policy = change->creation.change.services->policy;
    const struct category *usual = policy_category(policy, SLICE_LITERAL("directive"));
    order->category_tag =
        order->category_tag == 0 && usual != NULL ? usual->tag : order->category_tag;
    order->addressees = (const struct directive_addressee *)(const void *)change->addressees.data;
    order->addressees_count = change->addressees.bytes / sizeof *order->addressees;
    if (order->category_tag == 0) {
        return body_blame(body, "/category", "a category is needed");
    }
    if (order->note.bytes == 0) {
        return body_blame(body, "/text", "a directive says what is to be done");
    }
    if (order->addressees_count == 0) {
        return body_blame(body, "/addressees", "somebody must be addressed");
    }
    if (!settle_regions(change)) {
        return body_blame(body, "/region", "there are no regions yet");
    }
    return !has_repeated(change) || body_blame(body, "/addressees", "one stands there twice");
}

static bool read_order(struct directive_change *change) {
    change->order =
        (struct directive_order){.region = caller_region(change->creation.change.request)};
    return body_whole_object(&change->body, read_member, change) && is_whole(change);
}

static void answer(struct change *base) {
    char location[48];
    (void)snprintf(location, sizeof location, "/v1/directives/d%llu",
                   (unsigned long long)of(base)->number);
    http_add_header(base->request, "Location", location);
    change_answer(base, 201);
}

static void write_answer(struct directive_change *change, const uint64_t *tickets) {
    struct json_out out;
    json_out_init(&out, &change->creation.change.answer);
    json_out_object_begin(&out);
    json_out_name(&out, "directive", 'd', change->number);
    json_out_key(&out, "tickets");
    json_out_array_begin(&out);
    for (size_t i = 0; i < change->order.addressees_count; i++) {
        char name[24];
        (void)snprintf(name, sizeof name, "t%llu", (unsigned long long)tickets[i]);
        json_out_text(&out, name);
    }
    json_out_array_end(&out);
    json_out_object_end(&out);
}

static void refuse_as_too_large(struct directive_change *change) {
    char detail[128];
    size_t max =
        driver_addressees_max(change->creation.change.services->driver, change->order.issuer);
    (void)snprintf(detail, sizeof detail, "one directive of this issuer has at most %zu addressees",
                   max);
    change_invalid(&change->creation.change, "/addressees", detail);
}

static uint64_t tell(const struct directive_change *change) {
    char name[24];
    (void)snprintf(name, sizeof name, "d%llu", (unsigned long long)change->number);
    return audit_request(change->creation.change.request,
                         &(struct audit_act){.act = "directive.issue",
                                             .object = slice_text(name),
                                             .region = change->order.region});
}

static void issue(struct directive_change *change) {
    struct driver *driver = change->creation.change.services->driver;
    struct driver_step step;
    uint64_t *tickets = calloc(change->order.addressees_count, sizeof *tickets);
    CHECK(tickets != NULL);
    if (!caller_is_unknown(change->creation.change.request)) {
        change->order.issuer = caller_name(change->creation.change.request);
    }
    enum status status = driver_issue(driver, &change->order, &change->number, tickets, &step);
    if (status == STATUS_OK) {
        write_answer(change, tickets);
        creation_made(&change->creation, change->number);
        change_wait(&change->creation.change, max_u64(step.seq, tell(change)), answer);
    } else if (status == STATUS_TOO_LARGE) {
        refuse_as_too_large(change);
    } else {
        change_problem(&change->creation.change, 503, "full",
                       "too many tickets or directives are open");
    }
    free(tickets);
}

static void take(struct change *base) {
    struct directive_change *change = of(base);
    if (!creation_is_new(&change->creation, "directive")) {
        return;
    }
    body_init(&change->body, buffer_slice(&base->body), &base->services->config->limits);
    if (!read_order(change)) {
        body_answer_problem(&change->body, base);
    } else if (!change_is_refused(base->request)) {
        issue(change);
    }
}

static void release(struct change *base) {
    struct directive_change *change = of(base);
    body_deinit(&change->body);
    buffer_deinit(&change->addressees);
    free(change);
}

void api_directive_issue_on_headers(struct http_request *request) {
    if (change_is_refused(request)) {
        return;
    }
    struct directive_change *change = calloc(1, sizeof *change);
    CHECK(change != NULL);
    buffer_init(&change->addressees);
    change_begin(&change->creation.change, request, ORDER_BODY_BYTES_MAX, take, release);
}
