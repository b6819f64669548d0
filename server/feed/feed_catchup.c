#include "server/feed/feed_reader.h"

#include "core/base/check.h"
#include "core/base/mutant.h"
#include "server/process/log.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* What a reader that is behind gets in one turn. */
    CATCHUP_EVENTS_MAX = 500,
    CATCHUP_BYTES_MAX = 256 * 1024,
    /* And how far one job looks for it when the filter leaves most out. */
    CATCHUP_SCAN_MAX = 20000,
    /* Jobs on the pool at a time: after a restart all readers come back at once, and timelines are
     * to be read meanwhile. The others wait in line. */
    CATCHUP_JOBS_MAX = 2,
};

struct catchup {
    uv_work_t work;
    struct reader *reader;
    struct catchup *next;
    /* In; set when the job starts. Events up to `through_seq` name only regions that are in
     * `regions`, because the table of that moment was current when they were published. */
    struct db *db;
    struct region_ref *regions;
    const struct policy *policy;
    char epoch[17];
    struct feed_filter filter;
    struct personal personal;
    uint64_t from_seq, through_seq;
    size_t bytes_max;
    /* Out. */
    enum feed_reset reset;
    enum status status;
    struct error error;
    uint64_t oldest_seq;
    uint64_t scanned_seq; /* last one looked at */
    uint64_t matched_seq; /* last one in `frames` */
    uint64_t scanned_count, matched_count;
    struct buffer frames;
};

static bool take_row(void *context, const struct timeline_row *row) {
    struct catchup *job = context;
    if (row->seq > job->through_seq) {
        return false;
    }
    job->scanned_seq = row->seq;
    job->scanned_count++;
    if (feed_filter_takes(&job->filter, job->regions->table, row->entry.kind, row->entry.severity,
                          row->entry.region)) {
        feed_frame_event(&job->frames, job->epoch, feed_shown_row(&job->personal, row, job->policy),
                         job->regions->table, job->policy);
        job->matched_seq = row->seq;
        job->matched_count++;
    }
    return job->scanned_count < CATCHUP_SCAN_MAX && job->matched_count < CATCHUP_EVENTS_MAX &&
           job->frames.bytes < job->bytes_max;
}

/* Pool thread. */
static void read_journal(uv_work_t *work) {
    struct catchup *job = work->data;
    job->status =
        db_read_journal(job->db, job->from_seq, take_row, job, &job->oldest_seq, &job->error);
    if (job->status != STATUS_NOT_FOUND || job->oldest_seq <= job->from_seq) {
        return;
    }
    if (job->reset == FEED_RESET_NONE) {
        job->reset = FEED_RESET_TOO_OLD;
    }
    job->from_seq = job->oldest_seq;
    if (job->from_seq > job->through_seq) {
        job->status = STATUS_OK; /* everything aged out: there is nothing but the reset to tell */
        return;
    }
    job->status =
        db_read_journal(job->db, job->from_seq, take_row, job, &job->oldest_seq, &job->error);
}

static void write_reset(struct reader *reader, enum feed_reset reset, uint64_t oldest_seq) {
    struct feed *feed = reader->feed;
    struct buffer *scratch = &feed->scratch;
    buffer_reset(scratch);
    feed_frame_reset(scratch, feed->options.epoch, reset, oldest_seq, feed->durable_seq);
    feed->options.metrics->feed_resets_total++;
    reader->reset = FEED_RESET_NONE;
    reader->cursor_seq = oldest_seq > 0 ? oldest_seq - 1 : 0;
    reader->id_seq = reader->cursor_seq;
    reader->id_ms = feed_now_ms(feed);
    reader_write(reader, buffer_slice(scratch));
}

/* What the job found goes to the reader; false: it must be cut, since nothing can be promised. */
static bool deliver(struct reader *reader, struct catchup *job) {
    if (job->status != STATUS_OK ||
        (job->scanned_count == 0 && job->from_seq <= job->through_seq)) {
        log_line(LOG_LEVEL_ERROR, LOG_FEED,
                 "a reader was cut: its part of the journal is not there", "from_seq", LOG_U64,
                 job->from_seq, "status", LOG_TEXT, status_name(job->status), NULL);
        return false;
    }
    if (job->reset != FEED_RESET_NONE) {
        write_reset(reader, job->reset, job->from_seq);
    }
    if (job->scanned_count > 0) {
        CHECK(job->scanned_seq > reader->cursor_seq);
        reader->cursor_seq = job->scanned_seq;
    }
    if (job->matched_count > 0) {
        reader->id_seq = job->matched_seq;
        reader->id_ms = feed_now_ms(reader->feed);
        reader->feed->options.metrics->feed_events_total += job->matched_count;
        reader_write(reader, buffer_slice(&job->frames));
    }
    return true;
}

/* The job's reader gets the result, or is freed when its request is over meanwhile. */
static void finish(struct catchup *job, bool was_read) {
    struct reader *reader = job->reader;
    reader_enter(reader);
    reader->job = NULL;
    bool open = reader->request != NULL && !reader->ending && !http_aborted(reader->request);
    if (open && was_read && !deliver(reader, job) && reader->request != NULL) {
        reader->ending = true;
        http_abort(reader->request);
    }
    buffer_deinit(&job->frames);
    personal_deinit(&job->personal);
    free(job);
    reader->busy--;
    reader_pump(reader);
}

static void launch_waiting(struct feed *feed);

static void on_read(uv_work_t *work, int uv_status) {
    struct catchup *job = work->data;
    struct feed *feed = job->reader->feed;
    CHECK(feed->jobs_running > 0);
    feed->jobs_running--;
    region_ref_release(job->regions);
    finish(job, uv_status == 0);
    launch_waiting(feed);
    feed_free_when_unused(feed);
}

static void launch(struct feed *feed, struct catchup *job) {
    const struct reader *reader = job->reader;
    uint64_t buffer_bytes = feed->options.limits->feed_buffer_bytes;
    job->db = feed->options.db;
    job->regions = region_ref_acquire(regions_current(feed->options.regions));
    job->policy = *feed->options.policy;
    memcpy(job->epoch, feed->options.epoch, sizeof job->epoch);
    job->filter = reader->filter;
    job->reset = reader->reset;
    job->from_seq = reader->cursor_seq + 1 +
                    (MUTANT(CATCHUP_SKIPS_ONE) && reader->cursor_seq + 1 < feed->durable_seq);
    job->through_seq = feed->durable_seq;
    job->bytes_max = (size_t)min_u64(CATCHUP_BYTES_MAX, buffer_bytes - buffer_bytes / 2);
    feed->jobs_running++;
    int failure = uv_queue_work(feed->options.loop, &job->work, read_journal, on_read);
    CHECK(failure == 0);
}

static void launch_waiting(struct feed *feed) {
    while (feed->waiting_first != NULL && feed->jobs_running < CATCHUP_JOBS_MAX) {
        struct catchup *job = feed->waiting_first;
        feed->waiting_first = job->next;
        if (job->next == NULL) {
            feed->waiting_last = NULL;
        }
        if (job->reader->request == NULL || job->reader->ending) {
            finish(job, false);
        } else {
            launch(feed, job);
        }
    }
}

void catchup_start(struct reader *reader) {
    struct feed *feed = reader->feed;
    CHECK(reader->job == NULL);
    if (feed->durable_seq == 0) {
        write_reset(reader, reader->reset, 0); /* the journal is empty: nothing to read */
        return;
    }
    struct catchup *job = calloc(1, sizeof *job);
    CHECK(job != NULL);
    job->work.data = job;
    job->reader = reader;
    buffer_init(&job->frames);
    personal_init(&job->personal, feed->options.masks_personal, false);
    reader->job = job;
    if (feed->waiting_last != NULL) {
        feed->waiting_last->next = job;
    } else {
        feed->waiting_first = job;
    }
    feed->waiting_last = job;
    launch_waiting(feed);
}
