#include "server/feed/feed.h"

#include "core/base/check.h"
#include "server/feed/feed_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

/* Reconnects after a drain are spread over this time. */
enum { DRAIN_RETRY_MS = 5000 };

static void close_handle(uv_handle_t *handle) {
    struct feed *feed = handle->data;
    CHECK(feed->handles_open > 0);
    feed->handles_open--;
    feed_free_when_unused(feed);
}

void feed_free_when_unused(struct feed *feed) {
    if (feed->closing && feed->handles_open == 0 && feed->readers_count == 0 &&
        feed->jobs_running == 0 && feed->waiting_first == NULL) {
        ring_deinit(&feed->ring);
        tickets_deinit(&feed->tickets);
        buffer_deinit(&feed->scratch);
        personal_deinit(&feed->personal);
        free(feed);
    }
}

/* splitmix64: jitter wants spread, not secrecy. */
uint64_t feed_random(struct feed *feed, uint64_t below) {
    CHECK(below > 0);
    feed->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = feed->random;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (mixed ^ (mixed >> 31)) % below;
}

static void on_tick(uv_timer_t *timer) {
    struct feed *feed = timer->data;
    uint64_t now_ms = feed_now_ms(feed);
    struct reader *next;
    for (struct reader *reader = feed->readers; reader != NULL; reader = next) {
        next = reader->next;
        reader_tick(reader, now_ms);
    }
}

/* Everything that was published in this turn goes to each reader in one piece. */
static void on_deliver(uv_prepare_t *prepare) {
    struct feed *feed = prepare->data;
    uv_prepare_stop(prepare);
    struct reader *next;
    for (struct reader *reader = feed->readers; reader != NULL; reader = next) {
        next = reader->next;
        reader_pump(reader);
    }
}

/* The prepare runs before the loop sleeps, whichever callback published; neither handle keeps the
 * loop alive. */
static void start_handles(struct feed *feed) {
    feed->tick_ms = feed->options.limits->feed_heartbeat_ms / 10;
    feed->tick_ms = max_u64(5, min_u64(feed->tick_ms, 1000));
    int failure = uv_prepare_init(feed->options.loop, &feed->deliver);
    CHECK(failure == 0);
    failure = uv_timer_init(feed->options.loop, &feed->tick);
    CHECK(failure == 0);
    failure = uv_timer_start(&feed->tick, on_tick, feed->tick_ms, feed->tick_ms);
    CHECK(failure == 0);
    feed->deliver.data = feed;
    feed->tick.data = feed;
    feed->handles_open = 2;
    uv_unref((uv_handle_t *)&feed->deliver);
    uv_unref((uv_handle_t *)&feed->tick);
}

static void let_go(void *bearer) {
    bearer_unref(bearer);
}

enum status feed_new(struct feed **ret, const struct feed_options *options) {
    struct feed *feed = calloc(1, sizeof *feed);
    if (feed == NULL) {
        return STATUS_NO_MEMORY;
    }
    feed->options = *options;
    feed->durable_seq = options->durable_seq;
    enum status status = ring_init(&feed->ring, (size_t)options->limits->ring_bytes);
    if (status != STATUS_OK) {
        free(feed);
        return status;
    }
    if (getrandom(&feed->random, sizeof feed->random, 0) != (ssize_t)sizeof feed->random) {
        feed->random = uv_hrtime();
    }
    ring_reset(&feed->ring, feed->durable_seq + 1);
    tickets_init(&feed->tickets, let_go);
    buffer_init(&feed->scratch);
    personal_init(&feed->personal, options->masks_personal, false);
    start_handles(feed);
    *ret = feed;
    return STATUS_OK;
}

void feed_free(struct feed *feed) {
    if (feed == NULL) {
        return;
    }
    CHECK(!feed->closing);
    feed->closing = true;
    feed->draining = true;
    uv_close((uv_handle_t *)&feed->deliver, close_handle);
    uv_close((uv_handle_t *)&feed->tick, close_handle);
}

uint64_t feed_readers(const struct feed *feed) {
    return feed->readers_count;
}

uint64_t feed_lag_entries_max(const struct feed *feed) {
    uint64_t most = 0;
    for (const struct reader *reader = feed->readers; reader != NULL; reader = reader->next) {
        most = max_u64(most, feed->durable_seq - min_u64(feed->durable_seq, reader->cursor_seq));
    }
    return most;
}

/* An event of a report has nothing that is masked in it, and there are many. */
const struct timeline_row *feed_shown_row(struct personal *personal, const struct timeline_row *row,
                                          const struct policy *policy) {
    return row->entry.kind == ENTRY_REPORT ? row : personal_row(personal, row, policy);
}

static void encode(struct feed *feed, const struct block *block, uint32_t index,
                   const struct region_table *regions) {
    const struct entry *entry = &block->entries[index];
    const struct timeline_row row = {
        .seq = block->first_seq + index,
        .entry = *entry,
        .record = {block->payload + entry->record_offset, entry->record_bytes}};
    buffer_reset(&feed->scratch);
    if (entry->kind == ENTRY_AUDIT) {
        feed_frame_checkpoint(&feed->scratch, feed->options.epoch, row.seq);
    } else {
        const struct policy *policy = *feed->options.policy;
        feed_frame_event(&feed->scratch, feed->options.epoch,
                         feed_shown_row(&feed->personal, &row, policy), regions, policy);
    }
    const struct ring_event event = {
        .region = entry->region, .kind = entry->kind, .severity = entry->severity};
    ring_put(&feed->ring, &event, buffer_slice(&feed->scratch));
}

/* While nobody could take it (there is no reader, or each has been stuck for a while) a block costs
 * nothing but its number: the ring starts anew afterwards, and whatever is before it comes from the
 * journal. */
void feed_publish(struct feed *feed, const struct block *block) {
    CHECK(block->first_seq == feed->durable_seq + 1);
    feed->durable_seq += block->entries_count;
    CHECK(feed->stuck_count <= feed->readers_count);
    if (feed->stuck_count == feed->readers_count || block->entries_count == 0) {
        return;
    }
    if (feed->ring.next_seq != block->first_seq) {
        ring_reset(&feed->ring, block->first_seq);
    }
    const struct region_table *regions = regions_current(feed->options.regions)->table;
    for (uint32_t i = 0; i < block->entries_count; i++) {
        encode(feed, block, i, regions);
    }
    int failure = uv_prepare_start(&feed->deliver, on_deliver);
    CHECK(failure == 0);
}

void feed_on_revoked(struct feed *feed) {
    struct reader *next;
    for (struct reader *reader = feed->readers; reader != NULL; reader = next) {
        next = reader->next;
        reader_end_if_gone(reader);
    }
}

struct bearer *feed_ticket_bearer(struct feed *feed, struct slice ticket) {
    return tickets_owner(&feed->tickets, feed_now_ms(feed), ticket);
}

void feed_drain(struct feed *feed) {
    feed->draining = true;
    struct reader *next;
    for (struct reader *reader = feed->readers; reader != NULL; reader = next) {
        next = reader->next;
        char last[64];
        int bytes = snprintf(last, sizeof last, ": going down\nretry: %u\n\n",
                             (unsigned)feed_random(feed, DRAIN_RETRY_MS + 1));
        reader_end(reader, (struct slice){(const uint8_t *)last, (size_t)bytes});
    }
}
