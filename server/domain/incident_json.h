/* How an incident, its members and their matches look outside. Any thread. */
#ifndef SERVER_DOMAIN_INCIDENT_JSON_H
#define SERVER_DOMAIN_INCIDENT_JSON_H

#include "core/incident/incident.h"
#include "core/region/region.h"
#include "server/json_out.h"

/* The members of an incident, without the braces. O(sights + depth). */
void incident_json_members(struct json_out *out, const struct incident *incident,
                           const struct region_table *regions, const struct policy *policy);
/* A report's place in an incident, as an object. */
void incident_json_member(struct json_out *out, const struct member *member,
                          const struct region_table *regions, const struct policy *policy);
/* Why a report went where it went, as an object. */
void incident_json_match(struct json_out *out, const struct match *match);

#endif
