#include "server/domain/ticket_view.h"

#include "core/base/check.h"
#include "server/domain/driver.h"

#include <string.h>

void ticket_scene_init(struct ticket_scene *scene, struct driver *driver,
                       struct region_ref *regions) {
    const struct ticket_context *context = driver_context(driver);
    CHECK(context->regions == regions->table);
    *scene = (struct ticket_scene){
        .policy = context->policy,
        .policies = context->policies,
        .policies_count = context->policies_count,
        .calendars = context->calendars,
        .calendar_map = *context->calendar_map,
        .regions = region_ref_acquire(regions),
        .now_ms = context->now_ms,
    };
}

void ticket_scene_deinit(struct ticket_scene *scene) {
    region_ref_release(scene->regions);
    scene->regions = NULL;
}

/* What a look-at would tell is told to nobody. */
static void append_nowhere(void *context, const struct event *event) {
    struct effects *nowhere = context;
    (void)event;
    nowhere->next_seq++;
}

static void begin(struct ticket_view *view, const struct ticket_scene *scene, bool has_joint) {
    view->ticket.joint = has_joint ? 1 : 0;
    if (has_joint) {
        view->joint.ticket = view->ticket.number;
    }
    view->joints = (struct joint_pool){
        .joints = &view->joint, .count_max = 1, .used_count = 1, .touched_count = 1};
    view->nowhere = (struct effects){.context = &view->nowhere,
                                     .now_ms = scene->now_ms,
                                     .next_seq = 1,
                                     .append = append_nowhere};
    view->context = (struct ticket_context){
        .policy = scene->policy,
        .policies = scene->policies,
        .policies_count = scene->policies_count,
        .calendars = scene->calendars,
        .calendar_map = &scene->calendar_map,
        .regions = scene->regions->table,
        .joints = &view->joints,
        .effects = &view->nowhere,
        .now_ms = scene->now_ms,
    };
}

/* The recomputing's own event is no part of the ticket that is looked at. */
static void recompute(struct ticket_view *view) {
    uint64_t seq = view->ticket.last_event_seq;
    (void)ticket_recompute(&view->context, &view->ticket);
    view->ticket.last_event_seq = seq;
}

void ticket_view_copy(struct ticket_view *view, const struct ticket_scene *scene,
                      const struct ticket *ticket, const struct joint *joint) {
    view->ticket = *ticket;
    if (joint != NULL) {
        view->joint = *joint;
    }
    begin(view, scene, joint != NULL);
    recompute(view);
}

enum status ticket_view_decode(struct ticket_view *view, const struct ticket_scene *scene,
                               struct slice row) {
    bool has_joint;
    enum status status = ticket_row_decode(&view->ticket, &view->joint, &has_joint, row);
    if (status == STATUS_OK) {
        /* A tree imported since the scene was made has regions that its own does not. */
        if (view->ticket.region >= region_count(scene->regions->table)) {
            view->ticket.region = REGION_NONE;
        }
        begin(view, scene, has_joint);
        recompute(view);
    }
    return status;
}

const struct joint *ticket_view_joint(const struct ticket_view *view) {
    return joint_of(&view->joints, view->ticket.joint);
}
