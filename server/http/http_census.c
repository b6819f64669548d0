/* What the open connections are doing. */
#include "server/http/http_conn.h"

void http_server_census(const struct http_server *server, struct http_census *ret) {
    *ret = (struct http_census){.idle = 0};
    const struct http_link *end = &server->conns;
    for (const struct http_link *at = end->next; at != end; at = at->next) {
        const struct http_conn *conn = HTTP_LINK_OWNER(at, const struct http_conn, link);
        if (conn->request == NULL) {
            ret->idle++;
        } else if (conn->request->event_stream) {
            ret->streams++;
        } else {
            ret->active++;
        }
    }
}
