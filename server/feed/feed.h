/* The live feed: readers are cursors over the journal plus a filter (design.md section 6). Live
 * readers are served from a ring of encoded events shared by reference; one that falls out of the
 * ring reads the journal on the pool until it has caught up. */
#ifndef SERVER_FEED_FEED_H
#define SERVER_FEED_FEED_H

#include "server/http/http.h"
#include "server/process/metrics.h"
#include "server/regions.h"
#include "storage/db.h"

struct feed; /* opaque: loop thread only */
struct feed_options {
    uv_loop_t *loop;
    struct db *db;
    struct regions *regions;
    const struct policy *const *policy; /* follows reloads */
    const struct limits *limits;
    struct metrics *metrics;
    bool masks_personal; /* frames are shared by all readers: personal data is in none of them */
    char epoch[17];
    uint64_t durable_seq;
};
MUST_USE enum status feed_new(struct feed **ret, const struct feed_options *options);
/* Its memory goes once the loop has run its close callbacks and pool jobs. NULL is allowed. */
void feed_free(struct feed *feed);
/* After a block was published to the db; its memory is the caller's again on return. */
void feed_publish(struct feed *feed, const struct block *block);
/* Tokens were revoked: streams that were opened with them end now. */
void feed_on_revoked(struct feed *feed);
struct bearer;
/* Whose ticket that is (POST /v1/feed/ticket); NULL: none that is outstanding. Borrowed. */
struct bearer *feed_ticket_bearer(struct feed *feed, struct slice ticket);
uint64_t feed_readers(const struct feed *feed);
/* How many entries the slowest reader is behind what is durable; 0: none is. O(readers). */
uint64_t feed_lag_entries_max(const struct feed *feed);
/* Ends every stream (drain): a last comment and a retry spread over 0-5 s. */
void feed_drain(struct feed *feed);
/* Handlers of GET /v1/feed; the feed is found through services_of(request)->feed. */
void feed_get_on_headers(struct http_request *request);
void feed_get_on_done(struct http_request *request);
/* POST /v1/feed/ticket: a single-use ticket, valid 60 s, that GET /v1/feed?ticket= takes. */
void feed_ticket_on_headers(struct http_request *request);

#endif
