/* How a ticket looks outside: in lists, by itself, and after a command. Any thread. */
#ifndef SERVER_DOMAIN_TICKET_JSON_H
#define SERVER_DOMAIN_TICKET_JSON_H

#include "core/ticket/ticket_explain.h"
#include "server/domain/ticket_view.h"
#include "server/json_out.h"

/* The members of a ticket, without the braces. O(clocks + parts + depth). */
void ticket_json_members(struct json_out *out, const struct ticket_view *view);
/* The member `allowed`: commands that this actor may give now. */
void ticket_json_allowed(struct json_out *out, const struct ticket_view *view,
                         const struct ticket_actor *actor);
/* The member `clocks`: each with the intervals that explain it, CLOCK_PIECES_MAX at most. */
void ticket_json_clocks(struct json_out *out, const struct ticket_view *view);

/* A member with a unit's code, and one with its name: `key` and `key`_name; null for none. */
void ticket_json_unit(struct json_out *out, const char *key, const struct policy *policy,
                      uint32_t unit_tag);
/* A member with an instant; null for 0. */
void json_out_instant_or_null(struct json_out *out, const char *key, int64_t ms);
void json_out_key_text(struct json_out *out, const char *key, const char *value);
void json_out_key_u64(struct json_out *out, const char *key, uint64_t value);
void json_out_key_bool(struct json_out *out, const char *key, bool value);
/* grid, path, category, severity, title. */
void json_out_place(struct json_out *out, uint32_t region, uint32_t category_tag, uint8_t severity,
                    const struct region_table *regions, const struct policy *policy);

#endif
