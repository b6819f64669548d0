/* POST /v1/tickets: a ticket opened by hand. */
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

struct opening_change {
    struct creation creation;
    struct body body;
    struct ticket_opening opening;
    uint64_t number; /* once it is open */
};

static bool read_occurred(struct opening_change *opening) {
    struct body *body = &opening->body;
    int64_t now_ms = services_now_ms(opening->creation.change.services);
    if (!body_instant(body, &opening->opening.occurred_ms)) {
        return false;
    }
    if (opening->opening.occurred_ms <= 0) {
        return body_refuse(body, "it is before 1970");
    }
    return opening->opening.occurred_ms <= now_ms || body_refuse(body, "it is still to come");
}

static bool read_member(void *context, struct slice name) {
    struct opening_change *change = context;
    struct body *body = &change->body;
    struct ticket_opening *opening = &change->opening;
    const struct services *services = change->creation.change.services;
    if (slice_is(name, "category")) {
        return body_category(body, services->policy, &opening->category_tag);
    }
    if (slice_is(name, "grid") || slice_is(name, "region")) {
        return body_region_of(body, change->creation.change.request, &opening->region);
    }
    if (slice_is(name, "severity")) {
        return body_severity(body, &opening->severity);
    }
    if (slice_is(name, "priority")) {
        return body_priority(body, &opening->priority);
    }
    if (slice_is(name, "unit")) {
        return body_unit(body, services->policy, &opening->unit_tag);
    }
    if (slice_is(name, "note") || slice_is(name, "text")) {
        return body_bounded_text(body, TICKET_NOTE_BYTES_MAX, "it is longer than 2048 bytes",
                                 &opening->note);
    }
    if (slice_is(name, "actor")) {
        return body_bounded_text(body, TICKET_NAME_BYTES_MAX, "it is longer than 128 bytes",
                                 &opening->actor);
    }
    if (slice_is(name, "occurred_at")) {
        return read_occurred(change);
    }
    if (slice_is(name, "reporter_to_be_asked")) {
        return body_flag(body, &opening->has_reporter);
    }
    if (slice_is(name, "command_id")) {
        return creation_read_key(body);
    }
    if (slice_is(name, "public")) {
        return body_flag(body, &opening->is_public);
    }
    return body_refuse(body, "a ticket opened by hand has no such member");
}

static bool read_opening(struct opening_change *change) {
    struct body *body = &change->body;
    change->opening = (struct ticket_opening){.origin = ORIGIN_MANUAL, .region = REGION_NONE};
    if (!body_whole_object(body, read_member, change)) {
        return false;
    }
    if (change->opening.category_tag == 0) {
        return body_blame(body, "/category", "a category is needed");
    }
    return change->opening.region != REGION_NONE || body_blame(body, "/grid", "a region is needed");
}

static void answer(struct change *base) {
    const struct opening_change *change = (struct opening_change *)(void *)base;
    char location[48];
    (void)snprintf(location, sizeof location, "/v1/tickets/t%llu",
                   (unsigned long long)change->number);
    http_add_header(base->request, "Location", location);
    change_answer(base, 201);
}

static uint64_t tell(const struct opening_change *change) {
    char name[24];
    (void)snprintf(name, sizeof name, "t%llu", (unsigned long long)change->number);
    return audit_request(change->creation.change.request,
                         &(struct audit_act){.act = "ticket.open",
                                             .object = slice_text(name),
                                             .region = change->opening.region});
}

static void open_ticket(struct opening_change *change) {
    struct services *services = change->creation.change.services;
    struct ticket_view view;
    struct ticket_scene scene;
    struct driver_step step;
    CHECK(change->opening.region != REGION_NONE); /* read_opening asks for it */
    audit_reserve(services);
    if (driver_open_ticket(services->driver, &change->opening, &change->number, &step) !=
        STATUS_OK) {
        change_problem(&change->creation.change, 503, "full", "too many tickets are open");
        return;
    }
    const struct ticket *ticket =
        docket_find(&driver_world(services->driver)->docket, change->number);
    struct ticket_actor actor = {.roles = ROLE_ANY, .region = REGION_NONE};
    caller_fill_actor(change->creation.change.request, &actor);
    CHECK(ticket != NULL);
    ticket_view_now(&view, &scene, services, ticket);
    ticket_write_object(&change->creation.change.answer, &view, &actor);
    ticket_scene_deinit(&scene);
    creation_made(&change->creation, change->number);
    change_wait(&change->creation.change, max_u64(step.seq, tell(change)), answer);
}

static void take(struct change *base) {
    struct opening_change *change = (struct opening_change *)(void *)base;
    if (!creation_is_new(&change->creation, "ticket")) {
        return;
    }
    body_init(&change->body, buffer_slice(&base->body), &base->services->config->limits);
    if (!read_opening(change)) {
        body_answer_problem(&change->body, base);
    } else if (!change_is_refused(base->request)) {
        if (!caller_is_unknown(base->request)) {
            change->opening.actor = caller_name(base->request);
        }
        open_ticket(change);
    }
}

static void release(struct change *base) {
    struct opening_change *change = (struct opening_change *)(void *)base;
    body_deinit(&change->body);
    free(change);
}

void api_ticket_open_on_headers(struct http_request *request) {
    if (change_is_refused(request)) {
        return;
    }
    struct opening_change *change = calloc(1, sizeof *change);
    CHECK(change != NULL);
    change_begin(&change->creation.change, request, COMMAND_BODY_BYTES_MAX, take, release);
}
