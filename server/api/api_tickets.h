/* What the ticket routes share. */
#ifndef SERVER_API_API_TICKETS_H
#define SERVER_API_API_TICKETS_H

#include "server/api/change.h"
#include "server/domain/ticket_json.h"

/* The number of the path's {id}; false: 404 went out. */
MUST_USE bool ticket_of_path(struct http_request *request, uint64_t *ret_number);
void ticket_answer_unknown(struct http_request *request);

/* A view of a ticket that is in memory, as of now. */
void ticket_view_now(struct ticket_view *view, struct ticket_scene *scene,
                     struct services *services, const struct ticket *ticket);
/* Writes the whole ticket with what `actor` may do as an object. */
void ticket_write_object(struct buffer *to, const struct ticket_view *view,
                         const struct ticket_actor *actor);

#endif
