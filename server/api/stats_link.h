/* Links from a number of the statistics to the list of what it counts. */
#ifndef SERVER_API_STATS_LINK_H
#define SERVER_API_STATS_LINK_H

#include "server/api/stats_query.h"
#include "server/buffer.h"
#include "server/json_out.h"

struct stats_link {
    const struct stats_names *names;
    struct stats_scope scope; /* of a group: with its key */
    struct buffer scratch;
};

/* The link as a JSON string: the list of `what` ("tickets", "incidents", "reports"), and
 * parameters of its own, "" or "name=value&...". */
void stats_link_write(struct json_out *out, struct stats_link *link, const char *what,
                      const char *parameters);
/* The parameters that choose a number: "stat=closing&part=numerator". */
enum { STATS_PARAMETERS_BYTES = 96 };
void stats_link_parameters(char to[STATS_PARAMETERS_BYTES], const struct stats_choice *choice);

#endif
