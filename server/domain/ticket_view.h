/* A ticket to look at apart from the docket: a copy of it, or its stored row decoded, with all that
 * ticket functions ask for, so that lights, clocks and allowed commands can be told on any thread.
 *
 * A scene holds a reference to the region tree; policies and calendars live until the process ends.
 * A view goes by a scene and one instant. */
#ifndef SERVER_DOMAIN_TICKET_VIEW_H
#define SERVER_DOMAIN_TICKET_VIEW_H

#include "core/ticket/ticket_step.h"
#include "server/regions.h"

struct ticket_scene {
    const struct policy *policy;
    const struct policy *const *policies;
    size_t policies_count;
    const struct calendar_set *calendars;
    struct calendar_map calendar_map;
    struct region_ref *regions;
    int64_t now_ms;
};

struct driver;
/* As of now. Loop thread. */
void ticket_scene_init(struct ticket_scene *scene, struct driver *driver,
                       struct region_ref *regions);
void ticket_scene_deinit(struct ticket_scene *scene);

/* Not to be moved: the context points into it. */
struct ticket_view {
    struct ticket ticket;
    struct joint joint;
    struct joint_pool joints;
    struct effects nowhere;
    struct ticket_context context;
};

/* Copies a ticket of the docket. */
void ticket_view_copy(struct ticket_view *view, const struct ticket_scene *scene,
                      const struct ticket *ticket, const struct joint *joint);
/* A stored row: as ticket_row_decode. Its clocks go by the calendar in force. */
MUST_USE enum status ticket_view_decode(struct ticket_view *view, const struct ticket_scene *scene,
                                        struct slice row);
/* NULL: it is not handled jointly. */
const struct joint *ticket_view_joint(const struct ticket_view *view);

#endif
