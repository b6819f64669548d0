/* Command centres: each follows the feed with a client that reads events as the HTML standard says
 * (server-sent events, 9.2.6), loses its connection, and comes back with the last id it has, an
 * older one or a made-up one. Whatever happens, what it reads must be the journal, in scope,
 * without a gap.
 *
 * This file is also the HTTP layer that the feed talks to (server/http/http.h): a pipe of bytes
 * that is read in pieces. */
#include "core/base/check.h"
#include "server/buffer.h"
#include "server/feed/feed.h"
#include "server/feed/feed_request.h"
#include "tests/sim/sim_loop.h"
#include "tests/sim/sim_outside.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/sim_trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NS_PER_MS = 1000000, LINE_BYTES = 4096 };

struct centre;

struct http_request {
    struct centre *centre;
    char last_event_id[FEED_ID_BYTES_MAX + 1]; /* "": none */
    void *state;
    unsigned status;
    struct buffer out;
    size_t taken, low;
    void (*on_drain)(struct http_request *request);
    bool stream, ended, aborted;
};

struct centre {
    const struct sim_outside *outside;
    uint32_t region; /* REGION_NONE: everything */
    const char *kinds;
    uint64_t kinds_bits;
    struct http_request *request; /* NULL: not connected */
    bool scheduled, reading;
    /* What its client knows. */
    bool has_cursor;
    uint64_t cursor, older_cursor;
    bool expects_reset;
    /* The parser. */
    char line[LINE_BYTES];
    size_t line_bytes;
    char event[32], id[FEED_ID_BYTES_MAX + 1];
    bool has_id, has_data;
    char data[LINE_BYTES];
};

struct centres {
    struct sim_outside outside;
    struct centre *all;
    size_t count;
};

static void act(void *context);

static void schedule(struct centre *centre, uint64_t delay_ns) {
    if (!centre->scheduled) {
        centre->scheduled = true;
        sim_later(delay_ns, act, centre);
    }
}

/* server/http/http.h, as far as the feed goes. */

void *http_context(const struct http_request *request) {
    return &request->centre->outside->server->services;
}

/* There are no tokens here: everybody is everybody. */
void *http_guard(const struct http_request *request) {
    (void)request;
    return NULL;
}

enum http_method http_method_of(const struct http_request *request) {
    (void)request;
    return HTTP_METHOD_GET;
}

bool http_query(const struct http_request *request, const char *name, struct slice *ret) {
    const struct centre *centre = request->centre;
    if (strcmp(name, "region") == 0 && centre->region != REGION_NONE) {
        *ret = slice_text(model_regions[centre->region].code);
        return true;
    }
    if (strcmp(name, "kinds") == 0 && centre->kinds != NULL) {
        *ret = slice_text(centre->kinds);
        return true;
    }
    return false;
}

bool http_header(const struct http_request *request, const char *name, struct slice *ret) {
    if (strcmp(name, "Last-Event-ID") != 0 || request->last_event_id[0] == '\0') {
        return false;
    }
    *ret = slice_text(request->last_event_id);
    return true;
}

const char *http_accept(const struct http_request *request, const char *const *offers) {
    (void)request;
    return offers[0];
}

bool http_aborted(const struct http_request *request) {
    return request->aborted;
}

void http_set_state(struct http_request *request, void *state) {
    request->state = state;
}

void *http_state(const struct http_request *request) {
    return request->state;
}

void http_add_header(struct http_request *request, const char *name, const char *value) {
    (void)request;
    (void)name;
    (void)value;
}

void http_add_retry_after(struct http_request *request, uint64_t seconds) {
    (void)request;
    (void)seconds;
}

void http_respond(struct http_request *request, unsigned status, const char *content_type,
                  struct slice body) {
    (void)content_type;
    (void)body;
    CHECK(request->status == 0);
    request->status = status;
    request->ended = true;
}

void http_problem(struct http_request *request, unsigned status, const char *title,
                  const char *detail, const char *more) {
    (void)title;
    (void)detail;
    (void)more;
    http_respond(request, status, "application/problem+json", (struct slice){NULL, 0});
}

void http_stream_begin(struct http_request *request, unsigned status, const char *content_type) {
    (void)content_type;
    CHECK(request->status == 0);
    request->status = status;
    request->stream = true;
}

size_t http_stream_queued(const struct http_request *request) {
    return request->out.bytes - request->taken;
}

size_t http_stream_write(struct http_request *request, struct slice bytes) {
    CHECK(request->stream && !request->ended && !request->aborted);
    buffer_append_slice(&request->out, bytes);
    sim_trace_bytes(bytes.data, bytes.bytes);
    schedule(request->centre, sim_between(STREAM_NET, 20000, 3 * NS_PER_MS));
    return http_stream_queued(request);
}

void http_stream_on_drain(struct http_request *request, size_t low_bytes,
                          void (*on_drain)(struct http_request *request)) {
    request->low = low_bytes;
    request->on_drain = on_drain;
}

void http_stream_end(struct http_request *request) {
    CHECK(request->stream && !request->ended);
    request->ended = true;
    sim_happened(SITE_FEED_AGED);
    schedule(request->centre, NS_PER_MS);
}

void http_abort(struct http_request *request) {
    request->aborted = true;
    sim_happened(SITE_FEED_CUT);
    schedule(request->centre, NS_PER_MS);
}

void http_stream_stall_limit(struct http_request *request, uint64_t ms) {
    (void)request;
    CHECK(ms > 0);
}

/* The client. */

static bool is_in_scope(const struct centre *centre, uint64_t seq) {
    const struct model_entry *entry = &centre->outside->model->log[seq - 1];
    return model_is_within(entry->region, centre->region) &&
           (centre->kinds_bits >> entry->kind & 1) != 0;
}

/* Nothing in scope lies between what was read and `seq`. */
static void check_gap(const struct centre *centre, uint64_t seq) {
    for (uint64_t at = centre->cursor + 1; at < seq; at++) {
        INVARIANT("I7", !is_in_scope(centre, at),
                  "a centre of %s was at %" PRIu64 " and now gets %" PRIu64 ", but not %" PRIu64,
                  centre->region == REGION_NONE ? "everything" : model_regions[centre->region].code,
                  centre->cursor, seq, at);
    }
}

static uint64_t id_seq(const struct centre *centre) {
    char epoch[FEED_EPOCH_BYTES_MAX + 1];
    uint64_t seq = 0;
    INVARIANT("I7", sscanf(centre->id, "%32[^-]-%" SCNu64, epoch, &seq) == 2, "an id '%s'",
              centre->id);
    INVARIANT("I7", strcmp(epoch, centre->outside->server->services.identity.epoch) == 0,
              "an id of another epoch: '%s'", centre->id);
    return seq;
}

static void move_cursor(struct centre *centre, uint64_t seq) {
    if (sim_chance(STREAM_NET, 100)) {
        centre->older_cursor = centre->cursor;
    }
    centre->cursor = seq;
    centre->has_cursor = true;
}

static void take_event(struct centre *centre, uint64_t seq) {
    const struct model *model = centre->outside->model;
    INVARIANT("I6", seq >= 1 && seq <= model->log_count,
              "entry %" PRIu64 " is on the feed, %zu are durable", seq, model->log_count);
    INVARIANT("I7", centre->has_cursor && seq > centre->cursor,
              "entry %" PRIu64 " comes after %" PRIu64, seq, centre->cursor);
    INVARIANT("I7", is_in_scope(centre, seq), "entry %" PRIu64 " is out of scope", seq);
    check_gap(centre, seq);
    char member[48];
    snprintf(member, sizeof member, "\"seq\":%" PRIu64 ",", seq);
    INVARIANT("I7",
              strcmp(centre->event, entry_kind_name(model->log[seq - 1].kind)) == 0 &&
                  strstr(centre->data, member) != NULL,
              "entry %" PRIu64 " is told as %s: %.80s", seq, centre->event, centre->data);
    if (centre->region != REGION_NONE || centre->kinds != NULL) {
        sim_happened(SITE_FEED_FILTERED);
    }
    sim_event();
    move_cursor(centre, seq);
}

static void take_checkpoint(struct centre *centre, uint64_t seq) {
    INVARIANT("I6", seq <= centre->outside->model->log_count,
              "a cursor of %" PRIu64 ", %zu are durable", seq, centre->outside->model->log_count);
    if (centre->has_cursor) {
        INVARIANT("I7", seq >= centre->cursor, "a cursor goes back from %" PRIu64 " to %" PRIu64,
                  centre->cursor, seq);
        check_gap(centre, seq + 1);
        sim_happened(SITE_FEED_CHECKPOINT);
    }
    move_cursor(centre, seq);
}

static void take_reset(struct centre *centre, uint64_t seq) {
    INVARIANT("I7", centre->expects_reset, "a reset for no reason: %s", centre->data);
    sim_happened(SITE_FEED_RESET);
    INVARIANT("I7", seq == 0, "the journal begins at 1, the reset says %" PRIu64, seq + 1);
    centre->expects_reset = false;
    centre->has_cursor = true;
    centre->cursor = centre->older_cursor = seq;
}

static void dispatch(struct centre *centre) {
    if (centre->has_id) {
        uint64_t seq = id_seq(centre);
        if (strcmp(centre->event, "reset") == 0) {
            take_reset(centre, seq);
        } else {
            INVARIANT("I7", !centre->expects_reset, "a made-up cursor was believed: %s",
                      centre->id);
            if (centre->has_data && centre->data[0] != '\0') {
                take_event(centre, seq);
            } else {
                take_checkpoint(centre, seq);
            }
        }
    }
    centre->event[0] = centre->id[0] = centre->data[0] = '\0';
    centre->has_id = centre->has_data = false;
}

static void take_line(struct centre *centre) {
    char *line = centre->line;
    line[centre->line_bytes] = '\0';
    centre->line_bytes = 0;
    char *value = strchr(line, ':');
    if (line[0] == '\0') {
        dispatch(centre);
        return;
    }
    if (value == line) {
        return; /* a comment */
    }
    INVARIANT("I7", value != NULL, "a line '%s' on the feed", line);
    *value++ = '\0';
    value += *value == ' ' ? 1 : 0;
    if (strcmp(line, "id") == 0) {
        snprintf(centre->id, sizeof centre->id, "%s", value);
        centre->has_id = true;
    } else if (strcmp(line, "event") == 0) {
        snprintf(centre->event, sizeof centre->event, "%s", value);
    } else if (strcmp(line, "data") == 0) {
        snprintf(centre->data, sizeof centre->data, "%s", value);
        centre->has_data = true;
    } else {
        INVARIANT("I7", strcmp(line, "retry") == 0, "a field '%s' on the feed", line);
    }
}

static void take_bytes(struct centre *centre, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n') {
            take_line(centre);
        } else {
            CHECK(centre->line_bytes + 1 < sizeof centre->line);
            centre->line[centre->line_bytes++] = (char)bytes[i];
        }
    }
}

static void disconnect(struct centre *centre) {
    struct http_request *request = centre->request;
    centre->request = NULL;
    centre->line_bytes = 0;
    centre->has_id = centre->has_data = false;
    centre->event[0] = centre->id[0] = centre->data[0] = '\0';
    centre->expects_reset = false;
    feed_get_on_done(request);
    buffer_deinit(&request->out);
    free(request);
}

/* The last id, an older one, or one that nobody gave out. */
static void choose_cursor(struct centre *centre, struct http_request *request) {
    const struct sim_swarm *swarm = centre->outside->swarm;
    const char *epoch = centre->outside->server->services.identity.epoch;
    if (!centre->has_cursor && !sim_chance(STREAM_NET, swarm->forged_cursors)) {
        return;
    }
    if (sim_chance(STREAM_NET, swarm->forged_cursors)) {
        centre->expects_reset = true;
        if (sim_chance(STREAM_NET, 500)) {
            feed_id_format(request->last_event_id, epoch,
                           centre->outside->model->log_count + 5000 + sim_below(STREAM_NET, 1000));
        } else {
            feed_id_format(request->last_event_id, "0123456789abcdef", 3);
        }
        return;
    }
    if (!centre->has_cursor) {
        return;
    }
    if (centre->older_cursor < centre->cursor && sim_chance(STREAM_NET, swarm->stale_cursors)) {
        centre->cursor = centre->older_cursor;
        sim_happened(SITE_FEED_STALE);
    }
    feed_id_format(request->last_event_id, epoch, centre->cursor);
    sim_happened(SITE_FEED_RESUMED);
}

static void connect_feed(struct centre *centre) {
    struct sim_server *server = centre->outside->server;
    if (!server->up || server->services.not_ready != NULL) {
        schedule(centre, 200 * NS_PER_MS);
        return;
    }
    struct http_request *request = calloc(1, sizeof *request);
    CHECK(request != NULL);
    request->centre = centre;
    buffer_init(&request->out);
    choose_cursor(centre, request);
    centre->request = request;
    sim_happened(SITE_FEED_OPENED);
    feed_get_on_headers(request);
    if (!request->stream) {
        INVARIANT("I7", request->status == 503 || request->status == 404, "the feed answers %u",
                  request->status);
    }
    schedule(centre, sim_between(STREAM_NET, NS_PER_MS / 10, 5 * NS_PER_MS));
}

/* Some bytes off the pipe. */
static void read_some(struct centre *centre) {
    struct http_request *request = centre->request;
    size_t queued = http_stream_queued(request);
    if (queued == 0) {
        return;
    }
    size_t count = sim_chance(STREAM_NET, 100) ? sim_between(STREAM_NET, 1, queued) : queued;
    size_t from = request->taken;
    request->taken += count;
    take_bytes(centre, request->out.data + from, count);
    if (request->taken == request->out.bytes) {
        buffer_reset(&request->out);
        request->taken = 0;
    }
    if (request->on_drain != NULL && queued > request->low &&
        http_stream_queued(request) <= request->low) {
        request->on_drain(request);
    }
}

static void act(void *context) {
    struct centre *centre = context;
    const struct sim_swarm *swarm = centre->outside->swarm;
    centre->scheduled = false;
    if (centre->request == NULL) {
        connect_feed(centre);
        return;
    }
    struct http_request *request = centre->request;
    if (!request->aborted) {
        read_some(centre);
    }
    bool over = request->aborted || (request->ended && http_stream_queued(request) == 0);
    if (over || sim_chance(STREAM_NET, swarm->disconnects)) {
        disconnect(centre);
        schedule(centre, sim_between(STREAM_NET, 1, 3000) * NS_PER_MS);
    } else if (http_stream_queued(request) > 0) {
        bool slow = sim_chance(STREAM_NET, swarm->slow_readers);
        if (slow) {
            sim_happened(SITE_FEED_BLOCKED);
        }
        schedule(centre, sim_between(STREAM_NET, 10000, slow ? 4000000000 : 2000000));
    }
}

struct centres *centres_new(const struct sim_outside *outside) {
    static const char *const kinds[] = {NULL, "report", "ticket.*", "incident.*,ticket.overdue"};
    struct centres *centres = calloc(1, sizeof *centres);
    CHECK(centres != NULL);
    centres->outside = *outside;
    centres->count = outside->swarm->centres;
    centres->all = calloc(centres->count, sizeof *centres->all);
    CHECK(centres->all != NULL);
    for (size_t i = 0; i < centres->count; i++) {
        struct centre *centre = &centres->all[i];
        centre->outside = &centres->outside;
        centre->region = sim_chance(STREAM_WORK, 400)
                             ? REGION_NONE
                             : (uint32_t)sim_below(STREAM_WORK, MODEL_REGIONS);
        centre->kinds = kinds[sim_chance(STREAM_WORK, 500) ? 0 : sim_below(STREAM_WORK, 4)];
        centre->kinds_bits = UINT64_MAX;
        if (centre->kinds != NULL) {
            CHECK(feed_kinds_parse(&centre->kinds_bits, slice_text(centre->kinds)));
        }
        schedule(centre, sim_between(STREAM_NET, 1, 500) * NS_PER_MS);
    }
    return centres;
}

void centres_drop(struct centres *centres) {
    for (size_t i = 0; i < centres->count; i++) {
        if (centres->all[i].request != NULL) {
            disconnect(&centres->all[i]);
            schedule(&centres->all[i], sim_between(STREAM_NET, 1, 2000) * NS_PER_MS);
        }
    }
}

void centres_free(struct centres *centres) {
    free(centres->all);
    free(centres);
}

bool centres_are_settled(const struct centres *centres) {
    uint64_t last_seq = centres->outside.model->log_count;
    for (size_t i = 0; i < centres->count; i++) {
        const struct centre *centre = &centres->all[i];
        if (centre->request == NULL || !centre->has_cursor) {
            return false;
        }
        for (uint64_t seq = centre->cursor + 1; seq <= last_seq; seq++) {
            if (is_in_scope(centre, seq)) {
                return false;
            }
        }
    }
    return true;
}
