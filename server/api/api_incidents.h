/* What the incident routes share. */
#ifndef SERVER_API_API_INCIDENTS_H
#define SERVER_API_API_INCIDENTS_H

#include "server/api/change.h"
#include "server/domain/incident_json.h"
#include "server/domain/incident_rows.h"

/* The number of the path's {id}; false: 404 went out. */
MUST_USE bool incident_of_path(struct http_request *request, uint64_t *ret_number);
void incident_answer_unknown(struct http_request *request);

#endif
