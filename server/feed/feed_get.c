#include "server/api/caller.h"
#include "server/feed/feed_reader.h"
#include "server/json_out.h"
#include "server/limit/feed_places.h"
#include "server/services.h"

/* Everything that GET /v1/feed was asked with, checked. */
struct feed_request {
    struct feed_filter filter;
    bool has_position;
    struct feed_position position;
    bool has_ticket;
    struct slice ticket;
};

/* Both ways to name a position are checked; the header wins, because a browser that reconnects
 * sends its newest id there and keeps the URL it began with. An empty header is what some clients
 * send before they have an id. */
static bool read_position(struct http_request *request, struct feed_request *ret) {
    struct slice text;
    if (http_query(request, "since", &text)) {
        if (!feed_position_parse(&ret->position, text)) {
            http_problem(request, 400, "Malformed event id",
                         "since must be an id that the feed gave out: EPOCH-SEQ", NULL);
            return false;
        }
        ret->has_position = true;
    }
    if (http_header(request, "Last-Event-ID", &text) && text.bytes > 0) {
        if (!feed_position_parse(&ret->position, text)) {
            http_problem(request, 400, "Malformed event id",
                         "Last-Event-ID must be an id that the feed gave out: EPOCH-SEQ", NULL);
            return false;
        }
        ret->has_position = true;
    }
    return true;
}

static bool read_filter(struct http_request *request, struct feed_filter *ret) {
    struct slice text;
    feed_filter_init(ret);
    ret->scope = caller_region(request);
    if (http_query(request, "kinds", &text) && !feed_kinds_parse(&ret->kinds, text)) {
        http_problem(request, 400, "Unknown kind",
                     "kinds is a comma-separated list of report, incident.*, ticket.*, directive.* "
                     "and single kinds like ticket.overdue",
                     NULL);
        return false;
    }
    if (http_query(request, "severity", &text) && !feed_severities_parse(&ret->severities, text)) {
        http_problem(request, 400, "Unknown severity",
                     "severity is a comma-separated list of extreme, severe, moderate and minor",
                     NULL);
        return false;
    }
    if (http_query(request, "region", &text)) {
        ret->region = caller_find_region(request, text);
        if (ret->region == REGION_NONE) {
            http_problem(request, 404, "Unknown region", "no region has this code", NULL);
            return false;
        }
    }
    return true;
}

static bool read_ticket(struct http_request *request, struct feed *feed, struct feed_request *ret) {
    ret->has_ticket = http_query(request, "ticket", &ret->ticket);
    if (ret->has_ticket && !tickets_know(&feed->tickets, feed_now_ms(feed), ret->ticket)) {
        http_add_header(request, "WWW-Authenticate", "Bearer");
        http_problem(request, 401, "Ticket not valid",
                     "the ticket was used, has expired or was never given out; get another with "
                     "POST /v1/feed/ticket",
                     NULL);
        return false;
    }
    return true;
}

static bool has_room(struct http_request *request, const struct feed *feed) {
    if (feed->draining) {
        http_add_retry_after(request, 5);
        http_problem(request, 503, "Going down", "this server is being stopped", NULL);
        return false;
    }
    if (feed->readers_count >= feed->options.limits->feed_readers) {
        http_add_retry_after(request, 5);
        http_problem(request, 503, "Too many feeds",
                     "as many feeds are open as limits.feed_readers allows", NULL);
        return false;
    }
    return true;
}

void feed_get_on_headers(struct http_request *request) {
    struct feed *feed = services_of(request)->feed;
    static const char *const offers[] = {"text/event-stream", NULL};
    struct feed_request asked = {0};
    if (!read_ticket(request, feed, &asked)) {
        return;
    }
    if (http_accept(request, offers) == NULL) {
        http_problem(request, 406, "Not acceptable", "the feed is text/event-stream", NULL);
        return;
    }
    if (!read_position(request, &asked) || !read_filter(request, &asked.filter) ||
        !has_room(request, feed)) {
        return;
    }
    if (http_method_of(request) == HTTP_METHOD_HEAD) {
        http_stream_begin(request, 200, "text/event-stream");
        http_stream_end(request);
        return;
    }
    if (!feed_place_take(request)) {
        return;
    }
    if (asked.has_ticket && !tickets_take(&feed->tickets, feed_now_ms(feed), asked.ticket)) {
        feed_place_leave(request);
        http_problem(request, 401, "Ticket not valid", "the ticket was used", NULL);
        return;
    }
    reader_open(feed, request, &asked.filter, asked.has_position ? &asked.position : NULL);
}

void feed_get_on_done(struct http_request *request) {
    struct reader *reader = http_state(request);
    if (reader != NULL) {
        http_set_state(request, NULL);
        feed_place_leave(request);
        reader_close(reader);
    }
}

void feed_ticket_on_headers(struct http_request *request) {
    struct feed *feed = services_of(request)->feed;
    char ticket[TICKET_TEXT_BYTES + 1];
    struct bearer *bearer = caller_bearer(request);
    if (tickets_issue(&feed->tickets, feed_now_ms(feed), bearer, ticket) != STATUS_OK) {
        http_add_retry_after(request, 60);
        http_problem(request, 503, "Too many tickets",
                     "no more tickets can be outstanding; use those that were given out", NULL);
        return;
    }
    if (bearer != NULL) {
        (void)bearer_ref(bearer);
    }
    struct buffer body;
    struct json_out out;
    buffer_init(&body);
    json_out_init(&out, &body);
    json_out_object_begin(&out);
    json_out_key(&out, "ticket");
    json_out_text(&out, ticket);
    json_out_key(&out, "expires_in_s");
    json_out_u64(&out, TICKET_LIFE_MS / 1000);
    json_out_object_end(&out);
    http_respond(request, 201, "application/json", buffer_slice(&body));
    buffer_deinit(&body);
}
